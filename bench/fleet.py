"""What is due, who gets it, and a night's crawl by one node and by two."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any, Final
from uuid import uuid4

import psycopg

from bench.databases import settle
from samples import night
from trr_crawl import database
from trr_crawl.catalog import due
from trr_crawl.catalog.due.leases import extend

SPIDER: Final = "imdb_episodes"
NOW: Final = datetime(2026, 11, 20, 3, tzinfo=UTC)
EPISODES_A_SHOW: Final = 10
BATCH: Final = 50
"""So many a run is handed at once, as DUE_BATCH."""
WORKERS: Final = 8
CAP: Final = 0.4
"""Seconds between requests to a host over the whole fleet, where that binds: more than a node leaves by itself."""
PACE: Final = {"DOWNLOAD_DELAY": "0.3", "RANDOMIZE_DOWNLOAD_DELAY": "0", "DUE_BATCH": "5", "HEARTBEAT_SECONDS": "1"}
PATIENCE: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Seconds for a catalog of so many shows and records."""

    shows: int
    records: int
    due: int
    whole: float
    """To decide about all of them and fetch what is due."""
    batch: float
    """To decide about all of them and fetch the most urgent."""
    scan: float
    """To count the same shows by the index alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leases:
    """How so many leases were handed out."""

    count: int
    seconds: float
    twice: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """A night's crawl."""

    nodes: int
    shows: int
    seconds: float
    """From the moment that it was ordered until the last job had ended."""
    rate: float
    """Requests a second that the source saw."""
    shares: tuple[int, ...]
    """Shows that each job got."""


def fill(url: str, shows: int, records: int) -> None:
    """A catalog of shows with episodes over twenty years, and a memory of their crawls; records beside."""
    with database.connect(url) as connection:
        for statement in (
            """
            INSERT INTO shows (title, production_status, total_seasons)
            SELECT 'Show ' || n, CASE n %% 3 WHEN 0 THEN 'Ended' END, 1 + n %% 9 FROM generate_series(1, %(shows)s) n
            """,
            """
            INSERT INTO external_ids (kind, source, value, entity_id)
            SELECT 'show', 'imdb', 'tt' || 10000000 + row_number() OVER (ORDER BY id), id FROM shows
            """,
            """
            INSERT INTO episodes (show_id, season_number, episode_number, air_date)
            SELECT id, 1, n, date '2006-12-01' + (random() * 7305)::int
            FROM shows CROSS JOIN generate_series(1, %(episodes)s) n
            """,
            """
            INSERT INTO crawl_states (spider, subject, tried_at, outcome, ok_at, failures, next_try_at, seasons)
            SELECT 'imdb_episodes', value, at, CASE WHEN failed THEN 'failed' ELSE 'ok' END, at,
                   failed::int, CASE WHEN failed THEN at + interval '18 hours' END, 5
            FROM (SELECT value, %(now)s - random() * interval '60 days' AS at, random() < 0.02 AS failed
                  FROM external_ids) known
            WHERE random() < 0.95
            """,
            """
            INSERT INTO source_records (source, kind, key, payload)
            SELECT 'imdb', 'episode', 'tt' || 20000000 + n, '{}' FROM generate_series(1, %(records)s) n
            """,
        ):
            connection.execute(statement, {"shows": shows, "records": records, "episodes": EPISODES_A_SHOW, "now": NOW})
    with database.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        settle(connection)


def measure_due(url: str, shows: int, records: int) -> Due:
    """In a catalog that `fill` filled."""
    with database.connect(url, options="-c jit=off") as connection:
        found = due.decide(connection, SPIDER, NOW)
        return Due(
            shows=shows,
            records=records,
            due=len(found),
            whole=_timed(lambda: due.decide(connection, SPIDER, NOW)),
            batch=_timed(lambda: due.decide(connection, SPIDER, NOW, limit=BATCH)),
            scan=_timed(
                lambda: connection.execute(
                    "SELECT count(*) FROM external_ids WHERE kind = 'show' AND source = 'imdb'"
                ).fetchone()
            ),
        )


def measure_leases(url: str, count: int) -> Leases:
    """Eight workers at once, in a catalog that `fill` filled."""

    def work(_: int) -> list[str]:
        got: list[str] = []
        owner = uuid4()
        queue = due.Queue(SPIDER, owner)
        with database.connect(url) as connection:
            while len(got) < count // WORKERS:
                got += queue.take(connection, NOW, limit=min(BATCH, count // WORKERS - len(got)))
                extend(connection, owner)  # as a run's heartbeat does
                connection.commit()
        return got

    started = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        handed = [subject for got in pool.map(work, range(WORKERS)) for subject in got]
    seconds = time.perf_counter() - started
    return Leases(count=len(handed), seconds=seconds, twice=len(handed) - len(set(handed)))


def measure_night(url: str, nodes: int, shows: int, *, cap: float) -> Night:
    """By so many nodes, in an empty catalog."""
    with night.source(shows) as source:
        night.acquaint(url, list(source.shows.values()))
        with night.fleet(url, nodes), psycopg.connect(url) as connection:
            night.schedule(url, nodes, {**source.settings, **PACE, "FLEET_DELAY": str(cap)})
            started = time.monotonic()
            shares = _ended(connection)
            seconds = time.monotonic() - started
        asked = source.asked_at
        if len(asked) != shows or sum(share.shows for share in shares) != shows:
            raise RuntimeError(f"{shows} shows were due, {len(asked)} were asked for")
    return Night(
        nodes=nodes,
        shows=shows,
        seconds=seconds,
        rate=(len(asked) - 1) / (asked[-1] - asked[0]),
        shares=tuple(share.shows for share in shares),
    )


def _ended(connection: psycopg.Connection[Any]) -> list[night.Share]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        shares = night.shares(connection)
        # The crawls' own rows: the scheduler looks after them every few seconds only.
        row = connection.execute("SELECT count(*) FILTER (WHERE outcome IS NOT NULL) FROM crawl_runs").fetchone()
        connection.commit()
        if row is not None and shares and row[0] == len(shares):
            return shares
        time.sleep(0.05)
    raise RuntimeError("the night did not end")


def _timed(function: Callable[[], object]) -> float:
    """The median of five."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return median(times)
