"""/changes: nothing missed, nothing twice, tombstones, and waiting that costs no connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import Connection

from serving import Checked, served, settings
from stock import put, record
from trr_api.app import create_app
from trr_api.changes import queries
from trr_crawl.catalog import joining, write

WRITERS, BATCHES = 8, 12

CONNECTED = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'trr_api%'"
LISTENING = f"{CONNECTED} AND application_name = 'trr_api listener'"


@contextmanager
def asking(url: str, **values: Any) -> Iterator[httpx.Client]:
    app = create_app(settings(url, **values))
    with (
        served(app) as address,
        httpx.Client(
            base_url=f"{address}/api/v1", event_hooks={"response": [Checked(app)]}, timeout=40, limits=httpx.Limits()
        ) as client,
    ):
        yield client


@pytest.fixture
def client_of_own(crawl_url: str) -> Iterator[httpx.Client]:
    with asking(crawl_url) as client:
        yield client


@pytest.fixture
def catalog(crawl_url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(crawl_url) as connection:
        write.prepare(connection)
        yield connection


def entity(connection: Connection[Any], value: str) -> Any:
    [(found,)] = connection.execute("SELECT entity_id FROM external_ids WHERE value = %s", [value]).fetchall()
    connection.commit()
    return found


def _write(url: str, number: int) -> None:
    """A crawl: own episodes, and a show and people that all crawls speak of."""
    with psycopg.connect(url) as connection:
        write.prepare(connection)
        for batch in range(BATCHES):
            put(
                connection,
                record("show", "tt1", title=f"Told by {number} in {batch}", country="US"),
                *(record("person", f"nm{person}", name=f"Person {number}.{batch}") for person in range(1, 4)),
                *(
                    record("episode", f"tt{number}{batch:02d}{at:02d}", show_id="tt1", title=f"E{at}", country="US")
                    for at in range(1 + (number + batch) % 7)
                ),
            )


def test_a_reader_during_eight_crawls_misses_nothing_and_sees_nothing_twice(
    crawl_url: str, client_of_own: httpx.Client
) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        crawls = [pool.submit(_write, crawl_url, number) for number in range(WRITERS)]
        seen: list[dict[str, Any]] = []
        after, pages, ended = 0, 0, False
        while not ended:
            ended = all(crawl.done() for crawl in crawls)
            answer = client_of_own.get(f"/changes?after={after}&limit=40&wait=1").json()
            seen += answer["data"]
            after, pages = answer["next_after"], pages + 1
            ended = ended and not answer["more"] and not answer["data"]
        for crawl in crawls:
            crawl.result()
    with psycopg.connect(crawl_url) as connection:
        written = connection.execute(
            "SELECT seq, kind, entity_id::text, op, fields FROM changes ORDER BY seq"
        ).fetchall()
    assert [(row["seq"], row["kind"], row["id"], row["op"], row["fields"]) for row in seen] == written
    assert pages > 5
    assert len(written) > WRITERS * BATCHES


def test_pages_lead_on_by_seq_and_link(client: httpx.Client) -> None:
    whole = client.get("/changes?limit=1000").json()
    assert not whole["more"]
    path, seen = "/changes?limit=17", []
    while True:
        response = client.get(path)
        seen += response.json()["data"]
        assert response.links["next"]["url"].endswith(f"after={response.json()['next_after']}")
        if not response.json()["more"]:
            break
        path = response.links["next"]["url"].removeprefix("/api/v1")
    assert seen == whole["data"]
    assert client.get(path, headers={"if-none-match": response.headers["etag"]}).status_code == 304


def test_kinds_narrow_and_the_place_moves_past_the_others(client: httpx.Client) -> None:
    whole = client.get("/changes?limit=1000").json()
    some = client.get("/changes?kind=show,list&limit=1000").json()
    assert some["data"] == [row for row in whole["data"] if row["kind"] in ("show", "list")]
    assert some["next_after"] == whole["next_after"]


def test_rare_kinds_are_looked_for_in_windows(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    latest = client.get("/changes?limit=1000").json()["next_after"]
    statement = queries.changes(0, 10, ("offer",))
    narrow = statement.query.replace(str(queries.WINDOW).encode(), b"5")
    monkeypatch.setattr(queries, "changes", lambda *_: queries.Statement(narrow, statement.values))
    answer = client.get("/changes?kind=offer").json()
    assert (answer["data"], answer["next_after"], answer["more"]) == ([], 5, True)
    assert latest > 5


def test_what_vanished_or_became_another_is_told(client_of_own: httpx.Client, catalog: Connection[Any]) -> None:
    put(catalog, record("show", "tt1", title="One", country="US"), record("show", "tt2", title="Two", country="US"))
    put(catalog, record("person", "nm1", name="Gone"))
    one, two, person = (entity(catalog, value) for value in ("tt1", "tt2", "nm1"))
    after = client_of_own.get("/changes").json()["next_after"]

    with catalog.transaction():
        catalog.execute("UPDATE source_records SET gone_at = now() WHERE key = 'nm1'")
        catalog.execute("INSERT INTO touched VALUES ('person', %s)", [person])
        merge_id = joining.join(catalog, "show", one, two, reason="a test", author="tests")
        joining.settle(catalog)
    rows = {row["id"]: row for row in client_of_own.get(f"/changes?after={after}").json()["data"]}
    assert (rows[str(person)]["op"], rows[str(person)]["fields"]) == ("remove", ["removed_at"])
    assert (rows[str(two)]["op"], rows[str(two)]["into"]) == ("merge", str(one))

    put(catalog, record("person", "nm1", name="Gone"))
    with catalog.transaction():
        joining.undo(catalog, merge_id, author="tests")
    rows = client_of_own.get(f"/changes?after={after}").json()["data"]
    assert [row["op"] for row in rows if row["id"] == str(person)] == ["update", "update"]
    assert [(row["op"], row["into"]) for row in rows if row["id"] == str(two)] == [("merge", None), ("insert", None)]


def test_waiting_ends_with_the_change_and_costs_no_connection(crawl_url: str, catalog: Connection[Any]) -> None:
    put(catalog, record("show", "tt1", title="Before", country="US"))
    with asking(crawl_url, pool_min=1, pool_max=1) as client, ThreadPoolExecutor(20) as pool:
        after = client.get("/changes").json()["next_after"]
        waiting = [pool.submit(client.get, f"/changes?after={after}&wait=30") for _ in range(20)]
        time.sleep(0.7)
        assert not any(one.done() for one in waiting)
        connections = catalog.execute(CONNECTED).fetchall()
        catalog.commit()
        assert len(connections) == 2  # the pool's only one, and the one that listens for all
        assert client.get("/shows").status_code == 200
        started = time.monotonic()
        put(catalog, record("show", "tt1", title="After", country="US"))
        answers = [one.result(timeout=10).json() for one in waiting]
        assert time.monotonic() - started < 3
    assert all([row["op"] for row in answer["data"]] == ["update"] for answer in answers)


def test_waiting_ends_without_a_change_too(client_of_own: httpx.Client) -> None:
    started = time.monotonic()
    answer = client_of_own.get("/changes?wait=1").json()
    assert 1 <= time.monotonic() - started < 2.5
    assert answer == {"data": [], "next_after": 0, "more": False}


def test_waiting_survives_a_lost_connection(client_of_own: httpx.Client, catalog: Connection[Any]) -> None:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(client_of_own.get("/changes?wait=20").json()))
    thread.start()
    while not (found := catalog.execute(LISTENING).fetchall()):
        catalog.commit()
        time.sleep(0.05)
    catalog.execute("SELECT pg_terminate_backend(%s)", found[0])
    catalog.commit()
    put(catalog, record("show", "tt1", title="Later", country="US"))
    thread.join(timeout=10)
    assert [row["kind"] for row in answers[0]["data"]] == ["show"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("after=-1", "after"),
        ("after=9223372036854775808", "after"),
        ("after=1;DROP TABLE changes", "after"),
        ("after=%00", "after"),
        ("wait=31", "wait"),
        ("wait=-1", "wait"),
        ("limit=0", "limit"),
        ("limit=1000000000", "limit"),
        ("kind=film", "kind"),
        ("kind=show,", "kind"),
        ("kind=%00", "kind"),
        ("since=1", "since"),
    ],
)
def test_what_is_wrong_is_named(client: httpx.Client, query: str, parameter: str) -> None:
    response = client.get(f"/changes?{query}")
    assert response.status_code == 422, response.text
    assert [error["parameter"] for error in response.json()["errors"]] == [parameter]


@pytest.mark.parametrize("after", [1_000_000_000, 2**63 - 1])
@pytest.mark.parametrize("wait", [0, 5])
def test_a_place_that_the_catalog_never_reached_is_refused(client: httpx.Client, after: int, wait: int) -> None:
    response = client.get(f"/changes?after={after}&wait={wait}")
    assert (response.status_code, response.json()["type"]) == (409, "/problems/conflict")
    assert [error["parameter"] for error in response.json()["errors"]] == ["after"]
