"""/crawls: what analysts get as JSON, who gets it, and what makes no sense."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from psycopg.types.json import Jsonb

from samples import month
from serving import Checked, served, settings
from trr_api import keys
from trr_api.app import create_app
from trr_api.crawls import attention, progress
from trr_api.crawls.diff import changes
from trr_api.database import Database
from trr_api.keys import queries as key_queries
from trr_crawl.catalog import rejects, write
from trr_crawl.catalog.write import Record
from trr_crawl.runs import items_got

NOWHERE = "0199c0de-0000-7000-8000-000000000001"


@pytest.fixture
def crawls(month_app: FastAPI, month_address: str) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"{month_address}/api/v1/crawls", event_hooks={"response": [Checked(month_app)]}
    ) as made:
        yield made


def key(url: str, *scopes: str) -> dict[str, str]:
    """Headers with a new key."""
    made = keys.new()
    with psycopg.connect(url) as connection:
        connection.execute(key_queries.CREATE, ["Analyst", keys.digest(made), list(scopes)])
    return {"authorization": f"Bearer {made}"}


def run_of(url: str, where: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            f"SELECT id::text FROM crawl_runs WHERE {where} ORDER BY started_at LIMIT 1"
        ).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]  # type: ignore[no-any-return]


def test_runs_come_newest_first_page_by_page(crawls: httpx.Client) -> None:
    seen: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = crawls.get("/runs", params={"limit": 40, **cursor}).json()
        seen += page["data"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len({run["id"] for run in seen}) == len(seen) > 140
    assert [run["started_at"] for run in seen] == sorted((run["started_at"] for run in seen), reverse=True)
    assert Counter(run["state"] for run in seen)["blocked"] == 6


@pytest.mark.parametrize(
    ("filters", "states"),
    [
        ({"outcome": "blocked"}, {"blocked"}),
        ({"outcome": "live"}, {"running", "lost"}),
        ({"spider": "fandom_person", "outcome": "failed"}, {"failed"}),
        ({"spider": "no_such_spider"}, set()),
        ({"node": "http://nowhere:1"}, set()),
    ],
)
def test_runs_are_filtered(crawls: httpx.Client, filters: dict[str, str], states: set[str]) -> None:
    assert {run["state"] for run in crawls.get("/runs", params=filters).json()["data"]} == states


@pytest.mark.parametrize(
    ("filters", "parameter"),
    [
        ({"outcome": "pink"}, "outcome"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-11-02T00:00:00Z", "until": "2026-11-01T00:00:00Z"}, "until"),
        ({"colour": "red"}, "colour"),
        ({"limit": "0"}, "limit"),
    ],
)
def test_filters_that_make_no_sense_are_named(crawls: httpx.Client, filters: dict[str, str], parameter: str) -> None:
    answer = crawls.get("/runs", params=filters)
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_a_run_tells_all_that_is_kept_of_it(crawls: httpx.Client, month_url: str) -> None:
    run = crawls.get(f"/runs/{run_of(month_url, 'outcome = ' + repr('blocked'))}").json()
    assert run["requests_by_outcome"] == {"ok": 1, "challenge": 3, "not_asked": run["requests_by_outcome"]["not_asked"]}
    assert [finding["rule"] for finding in run["findings"]] == ["blocked"]
    assert run["timeline"][-1][1] == run["requests"] == 4
    assert crawls.get(f"/runs/{NOWHERE}").status_code == 404


def test_each_bad_night_has_its_finding_and_no_good_night_has_one(crawls: httpx.Client) -> None:
    found = crawls.get("/findings", params={"limit": 100}).json()["data"]
    last = month.last_night(datetime.now(UTC)).date()
    nights = {((datetime.fromisoformat(one["at"]).date() - last).days + month.NIGHTS - 1, one["rule"]) for one in found}
    assert nights == set(month.bad_nights())
    assert all(one["resolved_at"] for one in found)
    assert crawls.get("/findings", params={"open": "true"}).json()["data"] == []
    only = crawls.get("/findings", params={"rule": "fields_fell", "severity": "error"}).json()["data"]
    assert [one["subject"] for one in only] == ["imdb show overview"] * 2


def test_a_finding_is_acknowledged_once_by_an_admin(crawls: httpx.Client, month_url: str) -> None:
    number = crawls.get("/findings", params={"rule": "slow"}).json()["data"][0]["id"]
    assert crawls.post(f"/findings/{number}/acknowledge").status_code == 401
    assert crawls.post(f"/findings/{number}/acknowledge", headers=key(month_url, "crawls:read")).status_code == 403
    admin = key(month_url, "crawls:admin")
    assert crawls.post(f"/findings/{number}/acknowledge", headers=admin).status_code == 204
    assert crawls.post(f"/findings/{number}/acknowledge", headers=admin).status_code == 204
    assert crawls.post("/findings/999999/acknowledge", headers=admin).status_code == 404
    assert crawls.get("/findings", params={"rule": "slow"}).json()["data"][0]["acknowledged_by"] == "Analyst"


def test_refused_records_are_marked_and_the_next_store_writes_them(crawls: httpx.Client, month_url: str) -> None:
    run = run_of(month_url, "EXISTS (SELECT FROM crawl_rejects WHERE run_id = crawl_runs.id)")
    refused = crawls.get(f"/runs/{run}/rejects").json()["data"]
    assert [json.loads(one["payload"])["episode_count"] for one in refused] == [-1, -1]
    assert crawls.post(f"/runs/{run}/rejects/retry").status_code == 401
    admin = key(month_url, "crawls:admin")
    assert crawls.post(f"/runs/{run}/rejects/retry", params={"reject": refused[0]["id"]}, headers=admin).json() == {
        "marked": 1
    }
    assert crawls.post(f"/runs/{run}/rejects/retry", headers=admin).json() == {"marked": 1}
    assert crawls.post(f"/runs/{run}/rejects/retry", headers=admin).status_code == 404
    assert crawls.post(f"/runs/{NOWHERE}/rejects/retry", headers=admin).status_code == 404
    assert crawls.get(f"/runs/{NOWHERE}/rejects").status_code == 404
    with psycopg.connect(month_url) as connection:
        write.prepare(connection)
        assert rejects.retry_wanted(connection, None) == {"rejected": 2}
    assert [one["retried_as"] for one in crawls.get(f"/runs/{run}/rejects").json()["data"]] == ["rejected"] * 2


def test_the_file_of_a_picture_is_no_record_to_try_again(crawls: httpx.Client, month_url: str) -> None:
    run = run_of(month_url, "spider = 'imdb_person'")
    with psycopg.connect(month_url) as connection:
        connection.execute(
            "INSERT INTO crawl_rejects (run_id, source, kind, key, payload, error) "
            "VALUES (%s, 'tmdb', 'image', 'https://image.tmdb.org/x.jpg', '{}', 'no picture')",
            [run],
        )
    assert crawls.post(f"/runs/{run}/rejects/retry", headers=key(month_url, "crawls:admin")).status_code == 404


def test_coverage_and_freshness_are_those_of_the_catalog(crawls: httpx.Client, month_url: str) -> None:
    with psycopg.connect(month_url) as connection:
        counted = connection.execute(
            """
            SELECT count(*)::int, count(payload ->> 'title')::int FROM source_records
            WHERE (source, kind) = ('imdb', 'show') AND gone_at IS NULL
            """
        ).fetchone()
    told = crawls.get("/coverage", params={"source": "imdb", "kind": "show"}).json()["data"]
    title = next(one for one in told if one["field"] == "title")
    assert (title["records"], title["told"]) == counted
    assert crawls.get("/coverage", params={"source": "nobody"}).json() == {"data": []}
    fresh = {one["spider"]: one for one in crawls.get("/freshness").json()["data"]}
    assert (fresh["imdb_person"]["source"], fresh["imdb_person"]["kind"], fresh["imdb_person"]["things"]) == (
        "imdb", "person", 900,
    )  # fmt: skip


def test_conflicts_are_those_that_editors_see(crawls: httpx.Client, month_url: str) -> None:
    with psycopg.connect(month_url) as connection:
        write.prepare(connection)
        [(tmdb_id,)] = connection.execute(
            "SELECT value FROM external_ids WHERE kind = 'show' AND source = 'tmdb' LIMIT 1"
        ).fetchall()
        connection.commit()
        said = Record(source="tmdb", kind="show", key=tmdb_id, payload={"title": "Herzen im Hafen"})
        write.write(connection, [said])
    asked = {"kind": "show", "field": "title"}
    found = crawls.get("/conflicts", params=asked).json()["data"]
    assert [one["values"]["tmdb"] for one in found] == ["Herzen im Hafen"]
    admin = crawls.base_url.copy_with(path="/api/v1/admin/conflicts")
    editors = crawls.get(str(admin), params=asked, headers=key(month_url, "review:read"))
    assert found == editors.json()["data"]


def test_a_search_for_conflicts_that_takes_too_long_is_ended(month_url: str) -> None:
    with (
        served(create_app(settings(month_url, statement_timeout=0.3))) as address,
        psycopg.connect(month_url) as connection,
    ):
        connection.execute("LOCK TABLE source_records IN ACCESS EXCLUSIVE MODE")
        answer = httpx.get(f"{address}/api/v1/crawls/conflicts", timeout=20)
        assert (answer.status_code, answer.json()["title"]) == (503, "The catalog took too long")
        connection.rollback()
        assert httpx.get(f"{address}/api/v1/crawls/conflicts", timeout=20).status_code == 200


def test_schedules_are_for_admins(crawls: httpx.Client, month_url: str) -> None:
    assert crawls.get("/schedules").status_code == 401
    assert crawls.get("/schedules", headers=key(month_url, "crawls:read")).status_code == 403
    found = crawls.get("/schedules", headers=key(month_url, "crawls:admin")).json()["data"]
    assert found[0]["name"] == "nightly-fandom_person"
    assert {one["spider"] for one in found} == {crawl.spider for crawl in month.CRAWLS}


def test_two_runs_differ_in_what_differs(crawls: httpx.Client, month_url: str) -> None:
    emptied = run_of(
        month_url, "id IN (SELECT run_id FROM crawl_findings WHERE rule = 'fields_fell') AND outcome <> 'failed'"
    )
    before = run_of(month_url, "spider = 'imdb_title'")
    diff = crawls.get(f"/runs/{emptied}/diff/{before}").json()
    assert diff["same_spider"]
    overview = next(one for one in diff["data"] if one["name"] == "coverage/imdb/show/overview")
    assert (overview["after"], overview["change"]) == (0, -overview["before"])
    assert crawls.get(f"/runs/{emptied}/diff/{emptied}").json()["data"] == []
    assert crawls.get(f"/runs/{emptied}/diff/{NOWHERE}").status_code == 404


def test_stats_with_unknown_keys_of_any_shape_are_told_as_they_are(crawls: httpx.Client, month_url: str) -> None:
    odd = {"🙂": {"deep": [1, None]}, "coverage": 5, "responses": "fast", "outcome/ok": "many", "text": "<b>", "n": 1.5}
    with psycopg.connect(month_url) as connection:
        [(run,)] = connection.execute(
            "INSERT INTO crawl_runs (spider, host, pid, version, stats, started_at) "
            "VALUES ('odd', 'here', 1, '1', %s, '2026-01-01') RETURNING id",
            [Jsonb(odd)],
        )
    told = crawls.get(f"/runs/{run}").json()
    assert told["stats"] == odd
    assert told["requests_by_outcome"] == {}
    assert told["state"] == "running"
    assert [one.name for one in changes({**EMPTY, "stats": {}}, {**EMPTY, "stats": odd})] == ["n"]
    deeper = {"coverage": {"imdb": {"show": [1]}, "tmdb": 5}, "responses": {"count": 2, "slowest": [{"seconds": 1}, 2]}}
    assert changes({**EMPTY, "stats": {}}, {**EMPTY, "stats": deeper}) == []
    page = f"{crawls.base_url.copy_with(path='/crawls/runs/')}{run}"
    for stats in (odd, deeper):
        with psycopg.connect(month_url) as connection:
            connection.execute("UPDATE crawl_runs SET stats = %s WHERE id = %s", [Jsonb(stats), run])
        assert httpx.get(page).status_code == 200, stats
    with psycopg.connect(month_url) as connection:
        connection.execute("DELETE FROM crawl_runs WHERE id = %s", [run])


def test_what_is_gone_from_a_source_is_nothing_that_a_run_got(crawls: httpx.Client, month_url: str) -> None:
    items = {"episode": {"updated": 2, "unchanged": 3, "removed": 40, "rejected": 500}}
    assert items_got(items) == 5
    with psycopg.connect(month_url) as connection:
        [(run,)] = connection.execute(
            "INSERT INTO crawl_runs (spider, host, pid, version, items, outcome, finished_at) "
            "VALUES ('sweeper', 'here', 1, '1', %s, 'ok', now()) RETURNING id",
            [Jsonb(items)],
        )
    assert crawls.get(f"/runs/{run}").json()["items_total"] == 5
    metrics = httpx.get(str(crawls.base_url.copy_with(path="/metrics"))).text
    assert 'trr_crawl_last_run_items{spider="sweeper"} 5.0' in metrics
    with psycopg.connect(month_url) as connection:
        connection.execute("DELETE FROM crawl_runs WHERE id = %s", [run])


EMPTY: dict[str, Any] = {"requests": 0, "bytes": 0, "blocks": 0, "images": 0, "finished_at": None, "items": {}}


def test_progress_is_told_at_once_and_when_it_moves(crawls: httpx.Client, month_url: str) -> None:
    moved = threading.Event()

    def move() -> None:
        moved.wait(10)
        with psycopg.connect(month_url) as connection:
            connection.execute(
                "UPDATE crawl_runs SET requests = requests + 1, heartbeat_at = now() WHERE outcome IS NULL"
            )

    mover = threading.Thread(target=move)
    mover.start()
    events: list[list[dict[str, Any]]] = []
    address = f"{crawls.base_url}progress"
    with httpx.stream("GET", address, timeout=20) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                events.append(json.loads(line.removeprefix("data: ")))
                moved.set()
            if len(events) == 2:
                break
    mover.join()
    before, after = ({run["id"]: run["requests"] for run in event} for event in events)
    assert before.keys() == after.keys()
    assert len(before) == 2
    assert {after[run] - before[run] for run in before} == {1}


def test_who_does_not_read_the_progress_holds_up_nobody(month_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.05)

    async def listen() -> bytes:
        async with opened(month_url) as database:
            told = progress.Progress(database)
            idle, other = told.stream(), told.stream()
            while await anext(idle) != b": still here\n\n":
                pass
            await anext(other)
            event = await asyncio.wait_for(anext(other), 5)
            await told.close()
            return event

    assert asyncio.run(listen()).startswith(b"event: runs\n")


def test_progress_begins_with_what_is_and_not_with_what_somebody_saw_long_ago(month_url: str) -> None:
    def requests(event: bytes) -> list[int]:
        return [run["requests"] for run in json.loads(event.partition(b"data: ")[2])]

    async def first(told: progress.Progress) -> bytes:
        stream = told.stream()
        await anext(stream)
        event = await asyncio.wait_for(anext(stream), 5)
        await stream.aclose()  # type: ignore[attr-defined]
        return event

    async def listen() -> tuple[bytes, bytes]:
        async with opened(month_url) as database:
            told = progress.Progress(database)
            before = await first(told)
            await told.close()  # as when nobody has listened for a while
            with psycopg.connect(month_url) as connection:
                connection.execute("UPDATE crawl_runs SET requests = requests + 1 WHERE outcome IS NULL")
            after = await first(told)
            await told.close()
            return before, after

    before, after = map(requests, asyncio.run(listen()))
    assert after == [count + 1 for count in before]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(settings(url))
    await database.open()
    try:
        yield database
    finally:
        await database.close()


class TestWhoMaySee:
    @pytest.mark.parametrize(
        ("dashboard", "headers", "status"),
        [
            ("local", {}, 200),
            # A page of another site whose name leads here; a proxy that passes somebody else's request on.
            ("local", {"host": "rebound.example"}, 401),
            ("local", {"x-forwarded-for": "203.0.113.9"}, 401),
            ("local", {"forwarded": "for=203.0.113.9"}, 401),
            ("local", {"via": "1.1 proxy"}, 401),
            ("local", {"x-real-ip": "203.0.113.9"}, 401),
            ("key", {}, 401),
            ("open", {"host": "crawls.example"}, 200),
        ],
    )
    def test_settings_say_who_needs_no_key(
        self, month_url: str, dashboard: str, headers: dict[str, str], status: int
    ) -> None:
        with served(create_app(settings(month_url, dashboard=dashboard))) as address:
            assert httpx.get(f"{address}/api/v1/crawls/runs?limit=1", headers=headers).status_code == status

    def test_a_proxy_that_hides_itself_still_asks_in_an_old_way(self, month_url: str) -> None:
        with served(create_app(settings(month_url, dashboard="local"))) as address:
            host, port = address.removeprefix("http://").split(":")
            with socket.create_connection((host, int(port)), timeout=10) as asking:
                # As nginx does it by `proxy_pass` alone.
                asking.sendall(f"GET /api/v1/crawls/runs HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
                assert b" 401 " in asking.makefile("rb").readline()

    def test_a_key_needs_the_scope(self, month_url: str) -> None:
        with served(create_app(settings(month_url, dashboard="key"))) as address:
            runs = f"{address}/api/v1/crawls/runs?limit=1"
            assert httpx.get(runs, headers=key(month_url, "review:read")).status_code == 403
            assert httpx.get(runs, headers=key(month_url, "crawls:read")).status_code == 200
            assert httpx.get(runs, headers=key(month_url, "crawls:admin")).status_code == 200


NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SCHEDULE = {
    "name": "nightly", "spider": "imdb_title", "paused_at": None, "next_slot_at": NOW + timedelta(hours=15),
    "waiting_since": None, "states": ["finished"], "slot_at": NOW - timedelta(hours=9), "reasons": None, "problems": {},
    "node_count": 2,
}  # fmt: skip
RUN = {
    "id": NOWHERE, "spider": "imdb_title", "state": "running", "node": "http://one:6800", "heartbeat_at": NOW,
    "progressed_at": NOW,
}  # fmt: skip


@pytest.mark.parametrize(
    ("schedule", "run", "why"),
    [
        ({}, {}, None),
        ({"next_slot_at": NOW - timedelta(minutes=9)}, {}, None),
        ({"next_slot_at": NOW - timedelta(hours=2)}, {}, "no scheduler has looked at it"),
        ({"next_slot_at": NOW - timedelta(hours=2), "paused_at": NOW}, {}, None),
        ({"next_slot_at": None}, {}, None),
        ({"waiting_since": NOW - timedelta(hours=1)}, {}, "No node was free"),
        ({"waiting_since": NOW - timedelta(hours=1), "reasons": ["it died"]}, {}, "tried already: it died"),
        (
            {"waiting_since": NOW - timedelta(hours=1), "problems": {"http://one:6800": "it does not answer"}},
            {},
            "1 of 2 nodes cannot be used. http://one:6800: it does not answer",
        ),
        ({"states": ["skipped"]}, {}, "an earlier run of it was not finished"),
        ({}, {"state": "lost", "heartbeat_at": NOW - timedelta(minutes=50)}, "50 min ago on http://one:6800"),
        ({}, {"state": "lost", "node": None}, "the process died"),
        ({}, {"progressed_at": NOW - timedelta(minutes=31)}, "got nothing new for 31 min"),
    ],
)
def test_what_is_late_is_told_with_why_and_what_to_do(
    schedule: dict[str, Any], run: dict[str, Any], why: str | None
) -> None:
    found = attention.late([{**SCHEDULE, **schedule}], [{**RUN, **run}], NOW)
    assert [one.why for one in found if why is None or why in one.why] == [one.why for one in found]
    assert len(found) == (why is not None)
    assert all(one.todo.endswith(".") and one.since for one in found)


def test_nodes_that_cannot_be_used_are_told_once_though_nothing_waits_for_them() -> None:
    assert attention.nodes([]) == attention.nodes([SCHEDULE]) == []
    [found] = attention.nodes([{**SCHEDULE, "problems": {"http://one:6800": "it does not answer"}}] * 2)
    assert found.why == "1 of 2 nodes cannot be used. http://one:6800: it does not answer."
