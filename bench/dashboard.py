"""The overview of crawls with many runs, beside the statements that it is made of alone; coverage out of its sums."""

from __future__ import annotations

import http.client
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import uvicorn
from psycopg import AsyncConnection, Connection, RawCursor
from pydantic import SecretStr

from samples import month
from trr_api.app import create_app
from trr_api.config import Settings
from trr_api.crawls import queries, views
from trr_api.database import Database
from trr_crawl import database
from trr_crawl.catalog import coverage

ASKED: Final = 40
RUNS: Final = 50_000

SCAN: Final = """
SELECT source, kind, said.key, count(*) FROM source_records CROSS JOIN LATERAL jsonb_each(payload) said
WHERE gone_at IS NULL AND said.value <> 'null' GROUP BY 1, 2, 3
"""
"""What coverage would cost without its sums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How long the dashboard takes, in milliseconds."""

    runs: int
    records: int
    page: float
    statements: float
    """The same statements, one after the other, by psycopg alone."""
    trips: int
    """Round trips to the database for the page."""
    bytes: int
    """The page, not compressed."""
    coverage: float
    scan: float


class Counted(AsyncConnection[Any]):
    """Counts statements."""

    executed = 0

    async def execute(self, *arguments: Any, **options: Any) -> Any:
        Counted.executed += 1
        return await super().execute(*arguments, **options)


def measure(url: str, records: int, said: Callable[[str], None]) -> Seen:
    """Fill an empty catalog and look at it."""
    said(f"{RUNS:,} runs, {records:,} shows")
    with database.connect(url) as connection:
        month.fill(connection, datetime.now(UTC))
        fill(connection, records)
        connection.commit()
        connection.autocommit = True
        connection.execute("ANALYZE")
        since = datetime.now(UTC) - timedelta(days=views.DAYS)
        statements = [
            (queries.DAYS, [since]),
            (queries.RECENT, []),
            (queries.SCHEDULES, []),
            (queries.RECENT_FINDINGS, [since]),
            (queries.WORTH, []),
        ]
        said("the statements alone")
        alone = _median(lambda: [_ask(connection, query, values) for query, values in statements])
        of_coverage = _median(lambda: _ask(connection, queries.COVERAGE, [None, None]))
        started = time.perf_counter()
        connection.execute(SCAN).fetchall()
        scan = (time.perf_counter() - started) * 1000
    said("the page")
    with _served(url) as port:
        client = http.client.HTTPConnection("127.0.0.1", port)
        size = _get(client)
        before = Counted.executed
        _get(client)
        trips = Counted.executed - before
        page = _median(lambda: _get(client))
        client.close()
    return Seen(
        runs=RUNS,
        records=records,
        page=page,
        statements=alone,
        trips=trips,
        bytes=size,
        coverage=of_coverage,
        scan=scan,
    )


def fill(connection: Connection[Any], records: int) -> None:
    """Runs over two months, and the records of shows with sums as writing them leaves."""
    connection.execute(
        """
        INSERT INTO crawl_runs (spider, args, host, pid, version, started_at, heartbeat_at, finished_at, outcome,
                                requests, items, stats)
        SELECT 'spider_' || number %% 15, '{"due": "true"}', 'here', 1, '1', at, at, at + interval '1 minute',
               (ARRAY['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'partial', 'blocked', 'failed'])[1 + number %% 9], 100,
               jsonb_build_object('show', jsonb_build_object('unchanged', 90 + number %% 7, 'updated', 10)),
               jsonb_build_object('outcome/ok', 100, 'downloader/request_count', 100)
        FROM (
            SELECT number, now() - number * interval '100 seconds' AS at FROM generate_series(1, %s) number
        ) run
        """,
        [RUNS],
    )
    connection.execute(
        """
        INSERT INTO source_records (source, kind, key, payload)
        SELECT 'imdb', 'show', 'tt' || number, jsonb_build_object(
            'title', 'Show ' || number, 'overview', CASE WHEN number %% 3 > 0 THEN repeat('words ', 20) END,
            'start_year', 1990 + number %% 35, 'genres', jsonb_build_array('Reality-TV'),
            'certificate', CASE WHEN number %% 2 = 0 THEN 'TV-14' END, 'rating', 7.1, 'vote_count', number %% 1000
        ) FROM generate_series(1, %s) number
        """,
        [records],
    )
    names = ("title", "overview", "start_year", "genres", "certificate", "rating", "vote_count")
    coverage.note(connection, {("imdb", "show"): {names: records}})


def _ask(connection: Connection[Any], query: bytes, values: list[Any]) -> list[Any]:
    with RawCursor(connection) as cursor:
        return cursor.execute(query, values).fetchall()


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ASKED):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def _get(client: http.client.HTTPConnection) -> int:
    client.request("GET", "/crawls")
    response = client.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"/crawls answered {response.status}: {body[:300].decode()}")
    return len(body)


@contextmanager
def _served(url: str) -> Iterator[int]:
    """The API on a free port."""
    settings = Settings(database_url=SecretStr(url), rate_limit="0/minute", pool_min=1)
    app = create_app(settings, Database(settings, Counted))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
