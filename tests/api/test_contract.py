"""The document: committed as it is, true of every answer, and enough to generate a client from."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from people import Person, Town, user
from serving import served, settings
from stock import stock
from support import lacking
from trr_api import keys, openapi
from trr_api.app import create_app
from trr_api.keys import queries
from trr_api.problems import ProblemDetails
from trr_api.tables import SCOPES
from trr_crawl.catalog import write

HERE = Path(__file__).parent
THERE = {
    "episode": "episode",
    "image": "image",
    "list_id": "list",
    "network": "network",
    "company": "company",
    "provider": "watch_provider",
}
"""Parameters of paths -> kinds."""


PLAIN = dict.fromkeys(("application/x-ndjson", "text/event-stream"), "text/plain")
"""How the generated client takes what it knows no type for."""


@pytest.fixture
def written_to(crawl_url: str) -> Iterator[tuple[str, dict[str, str], dict[str, str]]]:
    """The address of an API over a catalog that may be changed, who calls it with what, and what is there."""
    key = keys.new()
    with psycopg.connect(crawl_url) as connection:
        write.prepare(connection)
        stock(connection)
        connection.execute(queries.CREATE, ["Editor", keys.digest(key), list(SCOPES)])
        there = {
            name: str(entity)
            for name, kind in THERE.items()
            for (entity,) in connection.execute("SELECT min(entity_id::text) FROM external_ids WHERE kind = %s", [kind])
        }
        [(run,)] = connection.execute(
            "INSERT INTO crawl_runs (spider, host, pid, version) VALUES ('any', 'here', 1, '1') RETURNING id::text"
        )
    app = create_app(settings(crawl_url, rate_limit_key="0/minute"))
    with served(app) as address, psycopg.connect(crawl_url, autocommit=True) as connection:
        town = Town(app, address, connection)
        moderator = town.token(user(connection, "mod", "moderator"))
        there |= {"show": "harbour-hearts", "person": "mara-lindqvist", "source": "imdb", "run": run}
        there |= _what_people_made(Person(town, "ada"), Person(town, "ben"), there["show"])
        yield address, {"editor": key, "moderator": moderator}, there
        town.close()


def _what_people_made(ada: Person, ben: Person, show: str) -> dict[str, str]:
    thread = ada.client.post(f"/shows/{show}/threads", json={"title": "Who?", "type": "general"}).json()["id"]
    post = ada.client.post(f"/threads/{thread}/posts", json={"body": "Mara."}).json()["id"]
    return {"thread": thread, "post": post, "conversation": ada.writes_to(ben), "name": "ada"}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_the_committed_document_is_the_one_served(app: FastAPI) -> None:
    committed = openapi.PATH.read_text(encoding="utf-8")
    assert committed == openapi.text(app), "run: make openapi"
    assert json.loads(committed)["openapi"].startswith("3.1")


def test_every_operation_is_described_and_has_examples(app: FastAPI) -> None:
    for name, operation in operations(app.openapi()):
        assert operation["summary"], name
        assert operation["description"], name
        bodies = [
            content
            for response in operation["responses"].values()
            for media_type, content in response.get("content", {}).items()
            if "json" in media_type
        ]
        assert all("example" in body for body in bodies), name


def test_examples_are_what_the_models_say(app: FastAPI) -> None:
    document = app.openapi()
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema and route.response_model is not None:
            for method in route.methods:
                responses = document["paths"][route.path][method.lower()]["responses"]
                answer = responses[str(route.status_code or 200)]
                route.response_model.model_validate(answer["content"]["application/json"]["example"])
                for status in ("4XX", "5XX"):
                    if status in responses:
                        example = responses[status]["content"]["application/problem+json"]["example"]
                        ProblemDetails.model_validate(example)


PEOPLE: Final = ("accounts", "discussions", "games", "live", "messages", "moderation", "privacy", "surveys")
"""Tags of what people do, and moderators."""
OPEN: Final = "--exclude-checks=positive_data_acceptance"
"""Which values suit each other is more than a document can say of what people write."""


@pytest.mark.parametrize(
    ("who", "options"),
    [
        ("editor", [f"--exclude-tag={tag}" for tag in PEOPLE]),
        ("moderator", [*(f"--include-tag={tag}" for tag in PEOPLE[:3]), OPEN]),
        ("moderator", [*(f"--include-tag={tag}" for tag in PEOPLE[3:]), OPEN]),
    ],
    ids=["catalog", "discussions", "messages"],
)
def test_schemathesis_finds_nothing(
    written_to: tuple[str, dict[str, str], dict[str, str]], who: str, options: list[str], tmp_path: Path
) -> None:
    address, keys_of, there = written_to
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
            *("run", f"{address}/api/v1/openapi.json", "--checks", "all", "--max-examples", "10", "--workers", "1"),
            *("-H", f"Authorization: Bearer {keys_of[who]}", "--no-color", "--seed", "1", *options),
        ],
        cwd=tmp_path,  # where it remembers what it found
        env={
            **os.environ,
            "PYTHONPATH": str(HERE),
            "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
            "SCHEMATHESIS_THERE": json.dumps(there),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    told = "\n".join(line[:300] for line in done.stdout.splitlines()[-150:])
    assert done.returncode == 0, told + done.stderr[-2000:]


def test_the_page_opens_in_a_browser(address: str, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        lacking("no chromium")
    done = subprocess.run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"),
            *("--virtual-time-budget=20000", "--dump-dom", f"{address}/docs"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "Episodes of a season" in done.stdout
    assert done.stdout.count('class="opblock ') >= 30
    assert "cdn." not in done.stdout


def test_a_generated_client_works(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.json"
    known = {**PLAIN, "application/zip": "application/octet-stream"}
    config.write_text(json.dumps({"post_hooks": [], "content_type_overrides": known}))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--path", str(openapi.PATH)),
            *("--output-path", str(tmp_path / "trr_client"), "--meta", "none", "--config", str(config)),
            "--fail-on-warning",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(str(tmp_path))

    def operation(tag: str, name: str) -> Any:
        return importlib.import_module(f"trr_client.api.{tag}.{name}")

    with importlib.import_module("trr_client").Client(base_url=address) as client:
        show = operation("shows", "get_show").sync(client=client, show="harbour-hearts", expand="seasons")
        assert (show.title, [season.season_number for season in show.seasons]) == ("Harbour Hearts", [0, 1, 2])
        assert show.external_ids.additional_properties["imdb"] == "tt99000001"
        page = operation("shows", "list_shows").sync(client=client, limit=2)
        following = operation("shows", "list_shows").sync(client=client, limit=2, cursor=page.next_cursor)
        assert len({found.id for found in (*page.data, *following.data)}) == 4
        episodes = operation("episodes", "list_season_episodes")
        assert len(episodes.sync(client=client, show="harbour-hearts", number=2).data) == 2
        missing = operation("people", "get_person").sync_detailed(client=client, person="nobody")
        assert missing.status_code == 404
