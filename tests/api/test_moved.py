"""Addresses that lead on: merged ids and renamed slugs; and what editors do with a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from psycopg import Connection

from serving import Checked, served, settings
from stock import put, record, stock
from trr_api import __main__ as command
from trr_api import keys
from trr_api.app import create_app
from trr_api.keys import queries
from trr_crawl.catalog import joining, write


@pytest.fixture
def catalog(crawl_url: str) -> Iterator[Connection[Any]]:
    """The invented catalog, to be changed."""
    with psycopg.connect(crawl_url) as connection:
        write.prepare(connection)
        stock(connection)
        yield connection


@pytest.fixture
def client(catalog: Connection[Any], crawl_url: str) -> Iterator[httpx.Client]:
    app = create_app(settings(crawl_url))
    hooks = {"response": [Checked(app)]}
    with served(app) as address, httpx.Client(base_url=f"{address}/api/v1", event_hooks=hooks) as opened:
        yield opened


def key(catalog: Connection[Any], *scopes: str) -> dict[str, str]:
    """The header of a new key."""
    made = keys.new()
    catalog.execute(queries.CREATE, ["Robin", keys.digest(made), list(scopes)])
    catalog.commit()
    return {"authorization": f"Bearer {made}"}


def entity(catalog: Connection[Any], value: str) -> UUID:
    row = catalog.execute("SELECT entity_id FROM external_ids WHERE value = %s", [value]).fetchone()
    catalog.commit()
    assert row is not None
    found: UUID = row[0]
    return found


def join(catalog: Connection[Any], kind: str, survivor: UUID, absorbed: UUID) -> None:
    with catalog.transaction():
        joining.join(catalog, kind, survivor, absorbed, reason="a test", author="Robin")
        joining.settle(catalog)


def test_a_renamed_show_keeps_its_old_slugs(client: httpx.Client, catalog: Connection[Any]) -> None:
    for title in ("Harbour Hearts: Reborn", "Hàrbour Heärts III"):
        put(catalog, record("show", "tt99000001", title=title))
    assert client.get("/shows/harbour-hearts-iii").status_code == 200
    for old in ("harbour-hearts", "harbour-hearts-reborn"):
        answer = client.get(f"/shows/{old}/seasons?limit=2")
        assert (answer.status_code, answer.headers["location"]) == (
            308,
            "/api/v1/shows/harbour-hearts-iii/seasons?limit=2",
        )
    put(catalog, record("show", "tt99000001", title="Harbour Hearts"))
    assert client.get("/shows/harbour-hearts").json()["slug"] == "harbour-hearts"
    assert client.get("/shows/harbour-hearts-iii").headers["location"] == "/api/v1/shows/harbour-hearts"


def test_shows_of_one_name_have_slugs_of_their_own(client: httpx.Client, catalog: Connection[Any]) -> None:
    for number, year in (("tt99008001", 2022), ("tt99008002", 2022), ("tt99008003", None)):
        put(catalog, record("show", number, title="Lagoon 01", start_year=year, country="US"))
    put(catalog, record("show", "tt99008004", title="愛の港", country="US"))
    slugs = [client.get(f"/shows/{entity(catalog, number)}").json()["slug"] for number in
             ("tt99000101", "tt99008001", "tt99008002", "tt99008003", "tt99008004")]  # fmt: skip
    tail = [str(entity(catalog, f"tt9900800{number}"))[-12:] for number in (2, 3, 4)]
    assert slugs == ["lagoon-01", "lagoon-01-2022", f"lagoon-01-{tail[0]}", f"lagoon-01-{tail[1]}", f"show-{tail[2]}"]
    assert all(client.get(f"/shows/{slug}").status_code == 200 for slug in slugs)


def test_merged_ids_lead_to_the_survivor(client: httpx.Client, catalog: Connection[Any]) -> None:
    survivor, absorbed = entity(catalog, "tt99000001"), entity(catalog, "tt99000101")
    join(catalog, "show", survivor, absorbed)
    answer = client.get(f"/shows/{absorbed}/episodes?limit=1")
    assert (answer.status_code, answer.headers["location"]) == (308, f"/api/v1/shows/{survivor}/episodes?limit=1")
    assert client.get(f"/shows/{absorbed}", follow_redirects=True).json()["title"] == "Harbour Hearts"
    assert client.get("/shows/lagoon-01").headers["location"] == "/api/v1/shows/harbour-hearts"
    assert client.get("/find/imdb/tt99000101").json()["data"][0]["id"] == str(survivor)
    one, other = entity(catalog, "nm99000001"), entity(catalog, "nm99000002")
    join(catalog, "person", one, other)
    assert client.get("/people/tom-o-hara").headers["location"] == "/api/v1/people/mara-lindqvist"


def test_admin_needs_a_key_with_the_scope(client: httpx.Client, catalog: Connection[Any]) -> None:
    answer = client.get("/admin/overrides")
    assert (answer.status_code, answer.json()["type"], answer.headers["www-authenticate"]) == (
        401, "/problems/unauthorized", "Bearer",
    )  # fmt: skip
    assert client.get("/admin/overrides", headers={"authorization": "Bearer trr_guessed"}).status_code == 401
    reader = key(catalog, "review:read")
    assert client.get("/admin/overrides", headers=reader).json() == {"data": []}
    show = entity(catalog, "tt99000001")
    refused = client.put(f"/admin/show/{show}/overrides/end_year", headers=reader, json={"value": 2024, "note": "why"})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forbidden")
    catalog.execute("UPDATE api_keys SET revoked_at = now()")
    catalog.commit()
    assert client.get("/admin/overrides", headers=reader).status_code == 401


def test_an_override_is_served_at_once_and_can_be_taken_back(client: httpx.Client, catalog: Connection[Any]) -> None:
    editor = key(catalog, "overrides:write", "review:read")
    show = entity(catalog, "tt99000001")
    path = f"/admin/show/{show}/overrides/end_year"
    tag = client.get(f"/shows/{show}").headers["etag"]
    assert client.put(path, headers=editor, json={"value": 2024, "note": "they say so"}).status_code == 204
    changed = client.get(f"/shows/{show}", headers={"if-none-match": tag})
    assert (changed.status_code, changed.json()["end_year"]) == (200, 2024)
    assert client.get("/admin/overrides", headers=editor).json()["data"] == [
        {
            "kind": "show",
            "entity_id": str(show),
            "field": "end_year",
            "value": 2024,
            "note": "they say so",
            "author": "Robin",
        }
    ]
    [explained] = [
        field
        for field in client.get(f"/admin/show/{show}/explanation", headers=editor).json()["data"]
        if field["field"] == "end_year"
    ]
    assert (explained["winner"], explained["override"]["value"]) == ("override", 2024)
    for path_of_none, body, status in (
        (path, {"value": "soon", "note": "x"}, 422),
        (path, {"value": 2024}, 422),
        (path.replace("end_year", "no_field"), {"value": 1, "note": "x"}, 422),
        (path.replace("/show/", "/ship/"), {"value": 1, "note": "x"}, 422),
    ):
        assert client.put(path_of_none, headers=editor, json=body).status_code == status, path_of_none
    assert client.put(path, headers=editor, content=b"x" * 200_000).status_code == 413
    assert client.delete(path, headers=editor).status_code == 204
    assert client.get(f"/shows/{show}").json()["end_year"] is None
    assert client.delete(path, headers=editor).status_code == 404


def test_proposals_are_accepted_or_rejected(client: httpx.Client, catalog: Connection[Any]) -> None:
    editor = key(catalog, "identity:write", "review:read")
    shows = [entity(catalog, f"tt9900010{number}") for number in (1, 2, 3)]
    with catalog.transaction():
        for other in shows[1:]:
            joining.propose(catalog, "show", shows[0], other, score=0.8, evidence={"title": "alike"})
    first, second = client.get("/admin/proposals", headers=editor).json()["data"]
    assert client.post(f"/admin/proposals/{second['id']}/reject", headers=editor).status_code == 204
    joined = client.post(f"/admin/proposals/{first['id']}/accept", headers=editor)
    assert (joined.status_code, bool(UUID(joined.json()["id"]))) == (200, True)
    gone = max(UUID(first["entity_id"]), UUID(first["other_id"]))
    assert client.get(f"/shows/{gone}").status_code == 308
    assert client.post(f"/admin/proposals/{first['id']}/accept", headers=editor).status_code == 404
    assert client.get("/admin/proposals", headers=editor).json() == {"data": []}


def test_conflicts_and_coverage(client: httpx.Client, catalog: Connection[Any]) -> None:
    editor = key(catalog, "review:read")
    put(catalog, record("show", "99001", "tmdb", title="Herzen im Hafen"))
    show = entity(catalog, "tt99000001")
    conflicts = client.get(f"/admin/conflicts?show={show}&field=title", headers=editor).json()["data"]
    assert [conflict["values"] for conflict in conflicts] == [{"imdb": "Harbour Hearts", "tmdb": "Herzen im Hafen"}]
    coverage = client.get("/admin/coverage?kind=watch_provider", headers=editor).json()["data"]
    assert {"kind": "watch_provider", "field": "name", "source": "tmdb", "told": 2, "records": 2} in coverage


def test_keys_are_made_listed_and_ended_by_command(
    crawl_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> tuple[int, str, str]:
        """Its status, what it says, and what it complains of."""
        monkeypatch.setattr("sys.argv", ["trr_api", "key", *arguments])
        return command.main(), *capsys.readouterr()

    _, made, _ = run("create", "--name", "Robin", "--scope", "review:read")
    assert made.startswith("trr_")
    with psycopg.connect(crawl_url) as connection:
        [(identifier, kept)] = connection.execute("SELECT id, hash FROM api_keys").fetchall()
    assert kept == keys.digest(made.strip())
    _, listed, _ = run("list")
    assert "valid" in listed
    assert made.strip() not in listed
    assert run("revoke", str(identifier))[0] == 0
    status, _, complaint = run("revoke", str(identifier))
    assert (status, complaint) == (1, f"python -m trr_api: there is no valid key {identifier}.\n")


def test_a_key_has_a_limit_of_its_own(catalog: Connection[Any], crawl_url: str) -> None:
    app = create_app(settings(crawl_url, rate_limit="2/minute", rate_limit_key="5/minute"))
    with served(app) as address, httpx.Client(base_url=f"{address}/api/v1") as client:
        known = key(catalog)
        for left in (4, 3, 2, 1, 0):
            answer = client.get("/shows", headers=known)
            assert answer.headers["ratelimit"].startswith(f'"key";r={left};t=')
        assert client.get("/shows", headers=known).status_code == 429
        # Guesses count against the address.
        statuses = [client.get("/shows", headers={"authorization": f"Bearer trr_{n}"}).status_code for n in range(3)]
        assert statuses == [401, 429, 429]
