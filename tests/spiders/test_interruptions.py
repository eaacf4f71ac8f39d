"""Crawls that are killed, stopped or robbed of their database: nothing stored is lost, and the next run completes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from origin import Asked, Origin, Reply, serving
from psycopg.rows import dict_row

from samples.harbour_hearts import SHOW, SHOW_ID
from support import ROOT, Server, catalog_state, crawl_episodes


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving(Origin(SHOW)) as served:
        yield served


def start(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
    """Start `scrapy crawl imdb_episodes …` and do not wait for it."""
    return subprocess.Popen(
        [sys.executable, "-m", "scrapy", "crawl", "imdb_episodes", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


SMALL_STEPS = ("-s", "STORE_BATCH_SIZE=3", "-s", "STORE_FLUSH_SECONDS=0.02")


def last_run(url: str) -> dict[str, Any]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        row = connection.execute("SELECT * FROM crawl_runs ORDER BY started_at DESC LIMIT 1").fetchone()
    assert row is not None
    return row


def test_killed_at_any_moment_and_run_again_it_ends_as_if_undisturbed(
    origin: Origin, crawl_url: str, embedded_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = embedded_server.create("undisturbed", "template")
    try:
        command = ("-a", f"show={SHOW_ID}", *origin.settings("html"), *SMALL_STEPS)
        assert crawl_episodes(*command, DATABASE_URL=undisturbed).status == 0
        expected = catalog_state(undisturbed)
        origin.delay = 0.15
        moments = random.Random(7)
        for _ in range(5):
            asked = len(origin.asked)
            process = start(*command)
            while len(origin.asked) == asked and process.poll() is None:
                time.sleep(0.01)
            time.sleep(moments.uniform(0, 0.8))
            process.kill()
            process.communicate()
            state = catalog_state(crawl_url)
            assert state["orphans"] == [{"orphans": 0}]
            for row in state["source_records"]:
                assert row in expected["source_records"] or row["kind"] == "season"
        origin.delay = 0
        assert crawl_episodes(*command).status == 0
        assert catalog_state(crawl_url) == expected
    finally:
        embedded_server.drop("undisturbed")


def test_a_killed_run_is_called_failed_by_the_next(origin: Origin, crawl_url: str) -> None:
    origin.delay = 30
    process = start("-a", f"show={SHOW_ID}", *origin.settings("html"))
    while len(origin.asked) < 2:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    assert last_run(crawl_url)["outcome"] is None
    with psycopg.connect(crawl_url) as connection:
        connection.execute("UPDATE crawl_runs SET heartbeat_at = heartbeat_at - interval '1 hour'")
    origin.delay = 0
    crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html"))
    with psycopg.connect(crawl_url) as connection:
        outcomes = connection.execute("SELECT outcome, reason FROM crawl_runs ORDER BY started_at").fetchall()
    assert [outcome for outcome, _ in outcomes] == ["failed", "ok"]
    assert outcomes[0][1].startswith("The process died: no sign of life after ")


def test_a_run_that_is_killed_before_its_checks_is_found_and_told_by_the_next(origin: Origin, crawl_url: str) -> None:
    waits = "SELECT FROM pg_locks WHERE relation = 'crawl_findings'::regclass AND NOT granted"
    with psycopg.connect(crawl_url) as busy:
        busy.execute("INSERT INTO alert_targets (name, severity) VALUES ('pager', 'error')")
        busy.commit()
        busy.execute("LOCK TABLE crawl_findings IN EXCLUSIVE MODE")
        process = start("-a", f"show={SHOW_ID}", *origin.settings("html"))
        while busy.execute(waits).fetchone() is None:
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
        process.communicate()
    with psycopg.connect(crawl_url) as connection:
        connection.execute("UPDATE crawl_runs SET heartbeat_at = heartbeat_at - interval '1 hour'")
    crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html"))
    with psycopg.connect(crawl_url) as connection:
        found = connection.execute(
            """
            SELECT outcome, rule, event, target FROM crawl_runs run
            LEFT JOIN crawl_findings finding ON finding.run_id = run.id
            LEFT JOIN alerts ON finding_id = finding.id ORDER BY started_at, alerts.id
            """
        ).fetchall()
    assert found == [
        ("failed", "failed", "opened", "pager"),
        ("failed", "failed", "resolved", "pager"),
        ("ok", None, None, None),
    ]


def test_a_running_crawl_shows_its_heart(origin: Origin, crawl_url: str) -> None:
    def slow_third_page(asked: Asked) -> Reply | None:
        time.sleep(3 if asked.query.get("season") == "3" else 0)
        return None

    origin.misbehave = slow_third_page
    process = start("-a", f"show={SHOW_ID}", *origin.settings("html"), *SMALL_STEPS, "-s", "HEARTBEAT_SECONDS=0.1")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with psycopg.connect(crawl_url) as connection:
            beating = connection.execute(
                "SELECT (items -> 'episode' ->> 'inserted')::int FROM crawl_runs WHERE heartbeat_at > started_at"
            ).fetchone()
        if beating and beating[0]:
            break
        time.sleep(0.05)
    assert beating
    assert beating[0] > 0
    assert last_run(crawl_url)["outcome"] is None
    process.communicate()
    assert last_run(crawl_url)["outcome"] == "ok"


def test_stopped_by_a_signal_it_says_so(origin: Origin, crawl_url: str) -> None:
    origin.delay = 1.0
    process = start("-a", f"show={SHOW_ID}", *origin.settings("html"), "-s", "CONCURRENT_REQUESTS=1")
    while len(origin.asked) < 3:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "the rest (the run was stopped before its end)" in output.splitlines()[-1]
    assert last_run(crawl_url)["outcome"] == "partial"


def on_page(number: int, act: Callable[[], None]) -> Callable[[Asked], None]:
    """Act once, when so many pages have been asked for."""
    lock, seen = threading.Lock(), []

    def misbehave(_asked: Asked) -> None:
        with lock:
            seen.append(1)
            if len(seen) == number:
                act()

    return misbehave


def test_a_database_that_is_away_for_a_moment_costs_nothing(
    origin: Origin, crawl_url: str, embedded_server: Server
) -> None:
    def cut_connections() -> None:
        with psycopg.connect(embedded_server.url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [crawl_url.split("?")[0].rpartition("/")[2]],
            )

    origin.misbehave = on_page(3, cut_connections)
    done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html"), *SMALL_STEPS)
    assert done.status == 0, done.output
    assert "30 episodes inserted" in done.last_line
    assert last_run(crawl_url)["outcome"] == "ok"
    assert "Traceback" not in done.output


def test_a_database_that_stays_away_ends_the_run_and_loses_nothing_stored(
    origin: Origin, crawl_url: str, embedded_server: Server
) -> None:
    name = crawl_url.split("?")[0].rpartition("/")[2]

    def close() -> None:
        with psycopg.connect(embedded_server.url, autocommit=True) as admin:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

    origin.misbehave = on_page(3, close)
    done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html"), *SMALL_STEPS, "-s", "DOWNLOAD_DELAY=0.3")
    assert done.status == 1
    assert "failed: The database failed in the middle of the crawl" in done.last_line
    assert "Traceback" not in done.output
    with psycopg.connect(embedded_server.url, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    state = catalog_state(crawl_url)
    assert state["shows"]
    assert state["orphans"] == [{"orphans": 0}]
    origin.misbehave = lambda _asked: None
    assert crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html")).status == 0
    assert len(catalog_state(crawl_url)["episodes"]) == 30


def test_a_full_disk_ends_the_run_with_one_sentence(origin: Origin, crawl_url: str) -> None:
    with psycopg.connect(crawl_url) as admin:
        admin.execute(
            """
            CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER full_disk BEFORE INSERT ON episodes EXECUTE FUNCTION full_disk()
            """
        )
    done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html"))
    assert done.status == 1
    assert "No space left on device" in done.last_line
    assert "Traceback" not in done.output
    run = last_run(crawl_url)
    assert (run["outcome"], "No space left" in run["reason"]) == ("failed", True)
    assert catalog_state(crawl_url)["episodes"] == []


class TestUnusableDatabase:
    def test_down(self, origin: Origin) -> None:
        done = crawl_episodes(
            "-a", f"show={SHOW_ID}", *origin.settings("html"), DATABASE_URL="postgresql://me:sesame@127.0.0.1:1/trr"
        )
        assert done.status == 1
        assert "The database postgresql://me:***@127.0.0.1:1/trr cannot be reached" in done.last_line
        assert "sesame" not in done.output
        assert "Traceback" not in done.output
        assert origin.asked == []

    def test_not_migrated(self, origin: Origin, embedded_server: Server) -> None:
        url = embedded_server.create("not_migrated")
        try:
            done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html"), DATABASE_URL=url)
        finally:
            embedded_server.drop("not_migrated")
        assert done.status == 1
        assert "Run: alembic upgrade head" in done.last_line
        assert origin.asked == []

    def test_read_only(self, origin: Origin, crawl_url: str) -> None:
        with psycopg.connect(crawl_url, autocommit=True) as admin:
            admin.execute(
                f"ALTER DATABASE {crawl_url.split('?')[0].rpartition('/')[2]} SET default_transaction_read_only = on"
            )
        done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html"))
        assert done.status == 1
        assert "read-only" in done.last_line
        assert "Traceback" not in done.output
