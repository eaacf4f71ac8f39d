"""An invented month of crawls, for the dashboard: nights as they should be, and some that are not.

The runs are made up; what the checks find in them is found by the real rules. `make dashboard` shows it.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from samples import demo
from trr_api import __main__ as api
from trr_crawl import database
from trr_crawl.catalog import monitoring

NIGHTS: Final = 30
BLOCKED: Final = range(11, 13)
LAYOUT_CHANGED: Final = range(16, 18)
MISSED: Final = 19
TOO_FEW: Final = 21
SLOW: Final = 23
REFUSED: Final = 24
CRASHED: Final = 26
DRIFTED: Final = 28
"""Nights, counted from 0, on which something goes wrong."""

NODES: Final = ("http://node-one:6800", "http://node-two:6800")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawl:
    """What one spider does each night when nothing is wrong."""

    spider: str
    hour: float
    requests: int
    """A night; each brings `yields` records."""
    source: str
    yields: Mapping[str, float]
    fields: Mapping[str, Mapping[str, float]]
    """Kind -> field -> the part of the records that tell it."""
    args: Mapping[str, str] = field(default_factory=lambda: {"due": "true"})


SHOW_FIELDS: Final = {
    "title": 1.0,
    "overview": 0.96,
    "genres": 0.99,
    "start_year": 0.98,
    "certificate": 0.61,
    "tagline": 0.3,
}
CRAWLS: Final = (
    Crawl(
        spider="imdb_episodes",
        hour=3.0,
        requests=140,
        source="imdb",
        yields={"season": 1, "episode": 11},
        fields={
            "season": {"season_number": 1.0},
            "episode": {"title": 0.99, "plot": 0.82, "air_date": 0.95, "imdb_rating": 0.88},
        },
    ),
    Crawl(
        spider="imdb_title",
        hour=3.5,
        requests=60,
        source="imdb",
        yields={"show": 1, "company": 0.6},
        fields={"show": SHOW_FIELDS, "company": {"name": 1.0}},
    ),
    Crawl(
        spider="imdb_credits",
        hour=4.0,
        requests=80,
        source="imdb",
        yields={"credit": 24, "person": 17},
        fields={"credit": {"category": 1.0, "characters": 0.7, "episode_count": 0.91}, "person": {"name": 1.0}},
    ),
    Crawl(
        spider="tmdb_show",
        hour=5.0,
        requests=120,
        source="tmdb",
        yields={"show": 0.5, "episode": 6, "image": 9},
        fields={
            "show": {**SHOW_FIELDS, "homepage": 0.44},
            "episode": {"title": 1.0, "overview": 0.64, "air_date": 0.97},
            "image": {"url": 1.0, "language": 0.4},
        },
    ),
    Crawl(
        spider="fandom_person",
        hour=6.0,
        requests=40,
        source="fandom",
        yields={"fandom_page": 0.8},
        fields={"fandom_page": {"title": 1.0, "infobox": 0.93, "summary": 0.71, "taglines": 0.33}},
        args={"show": "tt0000001"},
    ),
)


UNATTENDED: Final = CRAWLS[-1]
"""Tonight nobody was there for it."""


def fill(connection: psycopg.Connection[Any], now: datetime, *, scale: float = 1.0) -> dict[int, list[UUID]]:
    """Write the month that ends at `now`; returns the runs of each night. `scale` makes the numbers smaller."""
    chosen = random.Random(11)
    first = last_night(now) - timedelta(days=NIGHTS - 1)
    schedules = {crawl.spider: _schedule(connection, crawl, first, now) for crawl in CRAWLS}
    runs: dict[int, list[UUID]] = {}
    for night in range(NIGHTS):
        runs[night] = []
        for crawl in CRAWLS:
            slot = first + timedelta(days=night, hours=crawl.hour)
            if crawl is UNATTENDED and slot == _last_slot(crawl, now):
                continue
            began = slot + timedelta(hours=9) if night == MISSED else slot
            run = _run(connection, crawl, night, began, chosen, scale)
            monitoring.note_late(connection, f"nightly-{crawl.spider}", slot, began)
            monitoring.after_run(connection, run)
            _scheduled(connection, schedules[crawl.spider], slot, run)
            runs[night].append(run)
    _fleet(connection, now)
    _freshness(connection, now, chosen)
    return runs


def last_night(now: datetime) -> datetime:
    """The day, at its midnight, of the last night whose crawls were all to run before `now`."""
    return (now - timedelta(hours=CRAWLS[-1].hour)).replace(hour=0, minute=0, second=0, microsecond=0)


def _run(
    connection: psycopg.Connection[Any], crawl: Crawl, night: int, began: datetime, chosen: random.Random, scale: float
) -> UUID:
    requests = max(3, round(crawl.requests * scale * chosen.uniform(0.85, 1.15)))
    records = {kind: round(requests * number * chosen.uniform(0.95, 1.05)) for kind, number in crawl.yields.items()}
    told = {kind: dict(fields) for kind, fields in crawl.fields.items()}
    outcome, reason, blocks, seconds, more = "ok", None, 0, chosen.uniform(0.5, 0.9), {"outcome/ok": requests}
    imdb = crawl.source == "imdb"
    if night in BLOCKED and imdb:
        outcome, blocks, records = "blocked", 3, dict.fromkeys(records, 0)
        reason = "could not get tt0000001, tt0000002 (www.imdb.com answered with a challenge for browsers (202))."
        requests, more = 4, {"outcome/ok": 1, "outcome/challenge": 3, "outcome/not_asked": requests}
    elif night in LAYOUT_CHANGED and crawl.spider == "imdb_title":
        told["show"]["overview"] = 0.0
    elif night == TOO_FEW and crawl.spider == "tmdb_show":
        records = {kind: number // 5 for kind, number in records.items()}
        outcome, reason = "partial", "could not get 41 shows (api.themoviedb.org has trouble of its own (502))."
        more = {"outcome/ok": requests // 5, "outcome/server_error": requests - requests // 5}
    elif night == SLOW and crawl.spider == "tmdb_show":
        seconds = 6.2
    elif night == CRASHED and crawl.spider == "fandom_person":
        outcome, reason, records = "failed", "The database failed in the middle of the crawl.", {}
    elif night == DRIFTED and crawl.spider == "imdb_episodes":
        more["drift/episodes.items[].interest"] = 17
    elif chosen.random() < 0.08:
        outcome, reason = "partial", "could not get tt0000007 season 2 (www.imdb.com has no such page (404))."
        more["outcome/not_found"] = 1
    length = timedelta(seconds=requests * 6)
    rejected = 0
    if night == REFUSED and crawl.spider == "imdb_credits":
        rejected, outcome = 2, "partial"
        reason = "could not get 2 credit records (refused by the database, see crawl_rejects)."
    items: dict[str, dict[str, int]] = {}
    for kind, number in records.items():
        fresh = round(number * chosen.uniform(0.01, 0.06))
        items[kind] = {"inserted": fresh, "updated": fresh * 2, "unchanged": number - 3 * fresh}
    if rejected:
        items["credit"]["rejected"] = rejected
    coverage = {
        kind: {
            "records": number,
            "told": {
                name: round(number * min(1, part * chosen.uniform(0.98, 1.02))) for name, part in told[kind].items()
            },
        }
        for kind, number in records.items()
        if number
    }
    slowest = [
        {
            "url": f"https://{crawl.source}.example/title/tt{at:07d}/",
            "subject": f"tt{at:07d}",
            "part": None,
            "status": 200,
            "seconds": round(seconds * (6 - at / 2), 3),
        }
        for at in range(1, 8)
    ]
    row = {
        "spider": crawl.spider,
        "args": Jsonb(dict(crawl.args)),
        "job_id": f"{crawl.spider}-{night}",
        "node": chosen.choice(NODES),
        "started_at": began,
        "heartbeat_at": began + length,
        "progressed_at": began + length,
        "finished_at": began + length,
        "outcome": outcome,
        "reason": reason,
        "gaps": Jsonb(
            [{"subject": "tt0000007", "part": None, "why": reason, "blocked": bool(blocks)}] if reason else []
        ),
        "items": Jsonb(items),
        "requests": requests,
        "bytes": requests * 41_000,
        "blocks": blocks,
        "timeline": Jsonb(_timeline(length, requests, sum(records.values()), blocks)),
        "stats": Jsonb(
            {
                "coverage": {crawl.source: coverage},
                "responses": {"count": requests, "seconds": round(seconds * requests, 2), "slowest": slowest},
                "downloader/request_count": requests,
                **more,
            }
        ),
    }
    run = _insert(connection, row)
    for number in range(rejected):
        connection.execute(
            """
            INSERT INTO crawl_rejects (run_id, source, kind, key, payload, error, at)
            VALUES (%s, %s, %s, %s, %s, %s, %s)
            """,
            [
                run,
                crawl.source,
                "credit",
                f"tt0000001/nm000000{number}/cast",
                '{"show_id": "tt0000001", "category": "cast", "episode_count": -1}',
                'new row for relation "credits" violates check constraint "ck_credits_episode_count"',
                began,
            ],
        )
    return run


def _insert(connection: psycopg.Connection[Any], row: Mapping[str, Any]) -> UUID:
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    places = sql.SQL(", ").join(sql.Placeholder() for _ in row)
    query = sql.SQL(
        "INSERT INTO crawl_runs (host, pid, version, {}) VALUES ('crawler', 1, '0.1.0', {}) RETURNING id"
    ).format(names, places)
    found = connection.execute(query, list(row.values())).fetchone()
    assert found is not None
    identifier: UUID = found[0]
    return identifier


def _timeline(length: timedelta, requests: int, items: int, blocks: int) -> list[list[int]]:
    points = 24
    return [
        [
            round(length.total_seconds() * at / points),
            round(requests * at / points),
            round(items * (at / points) ** 1.3),
            blocks if at > points * 0.8 else 0,
        ]
        for at in range(points + 1)
    ]


def _schedule(connection: psycopg.Connection[Any], crawl: Crawl, first: datetime, now: datetime) -> int:
    last = _last_slot(crawl, now) - timedelta(days=crawl is UNATTENDED)
    found = connection.execute(
        """
        INSERT INTO schedules (name, spider, args, cron, time_zone, workers, last_slot_at, next_slot_at, created_at)
        VALUES (%s, %s, %s, %s, 'UTC', 1, %s, %s, %s) RETURNING id
        """,
        [
            f"nightly-{crawl.spider}",
            crawl.spider,
            Jsonb(dict(crawl.args)),
            f"{last.minute} {last.hour} * * *",
            last,
            last + timedelta(days=1),
            first,
        ],
    ).fetchone()
    assert found is not None
    identifier: int = found[0]
    return identifier


def _last_slot(crawl: Crawl, now: datetime) -> datetime:
    """When it was to run last."""
    last = now.replace(hour=int(crawl.hour), minute=int(crawl.hour % 1 * 60), second=0, microsecond=0)
    return last - timedelta(days=last > now)


def _scheduled(connection: psycopg.Connection[Any], schedule: int, slot: datetime, run: UUID) -> None:
    connection.execute(
        """
        INSERT INTO schedule_runs (schedule_id, slot_at, worker, state, attempts, node, job_id, outcome, reason,
                                   created_at, sent_at, finished_at)
        SELECT %s, %s, 1, 'finished', 1, node, job_id, outcome, reason, %s, started_at, finished_at
        FROM crawl_runs WHERE id = %s
        """,
        [schedule, slot, slot, run],
    )


def _fleet(connection: psycopg.Connection[Any], now: datetime) -> None:
    """A node that is gone, a run that goes on and one that gives no sign of life."""
    connection.execute(
        "INSERT INTO fleet_nodes (url, seen_at, problem) VALUES (%s, %s, NULL), (%s, %s, %s)",
        [NODES[0], now, NODES[1], now - timedelta(hours=2), "it does not answer (connection refused)"],
    )
    for spider, silent in (("imdb_media_index", timedelta(seconds=4)), ("imdb_person", timedelta(minutes=50))):
        begun = now - timedelta(minutes=70)
        _insert(
            connection,
            {
                "spider": spider,
                "args": Jsonb({"due": "true"}),
                "node": NODES[0],
                "started_at": begun,
                "heartbeat_at": now - silent,
                "progressed_at": now - silent,
                "requests": 412,
                "bytes": 9_000_000,
                "items": Jsonb({"image": {"inserted": 2310, "unchanged": 4120}}),
                "timeline": Jsonb(_timeline(now - silent - begun, 412, 6430, 0)),
            },
        )


def _freshness(connection: psycopg.Connection[Any], now: datetime, chosen: random.Random) -> None:
    """When things were last crawled well."""
    for spider, things in (
        ("imdb_episodes", 240),
        ("imdb_title", 240),
        ("imdb_credits", 240),
        ("tmdb_show", 180),
        ("imdb_person", 900),
    ):
        rows = [
            (spider, f"tt98{number:05d}", now - timedelta(days=chosen.expovariate(1 / 6)), "ok")
            for number in range(things)
        ]
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO crawl_states (spider, subject, tried_at, ok_at, outcome) VALUES (%s, %s, %s, %s, %s)",
                [(spider, subject, at, at, outcome) for spider, subject, at, outcome in rows],
            )


def bad_nights() -> Iterator[tuple[int, str]]:
    """Night and rule of everything that the checks must find."""
    yield from ((night, "blocked") for night in BLOCKED)
    yield from ((night, "fields_fell") for night in LAYOUT_CHANGED)
    yield from (
        (MISSED, "late"), (TOO_FEW, "too_few_items"), (SLOW, "slow"), (REFUSED, "rejected"), (CRASHED, "failed"),
        (DRIFTED, "drift"),
    )  # fmt: skip


def main() -> int:
    """Serve the demo's catalog with an invented month beside it."""
    os.environ["DATABASE_URL"] = url = database.embedded("dashboard")
    os.environ["IMAGES_STORE"] = str(database.home() / demo.OBJECTS)
    with psycopg.connect(url) as connection:
        filled = connection.execute("SELECT count(*) FROM schedules").fetchone() != (0,)
    if not filled:
        if (status := demo.crawl(url)) != 0:
            return status
        with psycopg.connect(url) as connection:
            fill(connection, datetime.now(UTC))
    demo.console.print("Serving http://127.0.0.1:8000/crawls; Ctrl-C ends it.")
    return api.main()


if __name__ == "__main__":
    sys.exit(main())
