"""What Prometheus learns of crawls: right numbers, one statement for many scrapes, and silence is told as such."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving import served, settings
from support import free_port
from trr_api.app import create_app
from trr_api.database import Database, Row
from trr_api.health import crawls


def numbers(address: str) -> dict[tuple[str, frozenset[str]], float]:
    """(name, values of its labels) -> number."""
    text = httpx.get(f"{address}/metrics").text
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("trr_crawl_")
    }


def one(connection: Any, query: str) -> Any:
    [(value,)] = connection.execute(query).fetchall()
    return value


def test_the_numbers_are_those_of_the_database(month_url: str) -> None:
    with psycopg.connect(month_url) as connection, served(create_app(settings(month_url))) as address:
        found = numbers(address)
        spider = "imdb_episodes"
        outcome = one(
            connection,
            "SELECT outcome FROM crawl_runs WHERE spider = 'imdb_episodes' AND outcome IS NOT NULL "
            "ORDER BY started_at DESC LIMIT 1",
        )
        assert found["trr_crawl_up", frozenset()] == 1
        for name in ("ok", "partial", "blocked", "failed"):
            assert found["trr_crawl_last_run_outcome", frozenset({spider, name})] == (name == outcome)
        last_ok = one(
            connection,
            "SELECT extract(epoch FROM finished_at)::float8 FROM crawl_runs WHERE spider = 'imdb_episodes' "
            "AND outcome = 'ok' ORDER BY started_at DESC LIMIT 1",
        )
        assert abs(found["trr_crawl_last_ok_timestamp_seconds", frozenset({spider})] - last_ok) < 0.01
        assert found["trr_crawl_last_run_items", frozenset({spider})] > 0
        assert found["trr_crawl_last_run_requests", frozenset({spider})] > 0
        spiders = one(connection, "SELECT count(DISTINCT spider) FROM crawl_runs WHERE outcome IS NOT NULL")
        assert sum(name == "trr_crawl_last_run_seconds" for name, _ in found) == spiders > 3
        name, due = connection.execute("SELECT name, next_slot_at FROM schedules ORDER BY name LIMIT 1").fetchall()[0]
        assert abs(found["trr_crawl_schedule_next_timestamp_seconds", frozenset({name})] - due.timestamp()) < 0.01


def test_alerts_that_wait_are_counted_by_receiver_and_runs_by_their_heartbeat(crawl_url: str) -> None:
    with psycopg.connect(crawl_url, autocommit=True) as connection:
        connection.execute("INSERT INTO alert_targets (name, severity) VALUES ('ops', 'error'), ('pager', 'error')")
        connection.execute(
            "WITH finding AS (INSERT INTO crawl_findings (dedupe_key, scope, rule, severity, subject, message, advice) "
            "VALUES ('a', 'a', 'failed', 'error', '', 'a', 'a') RETURNING id) "
            "INSERT INTO alerts (finding_id, event, target, at) "
            "SELECT id, 'opened', 'ops', to_timestamp(1e9) FROM finding"
        )
        connection.execute(
            "INSERT INTO crawl_runs (spider, host, pid, version, heartbeat_at) VALUES "
            "('imdb_title', 'here', 1, '1', now()), ('imdb_title', 'here', 2, '1', now() - interval '1 hour')"
        )
    with served(create_app(settings(crawl_url))) as address:
        found = numbers(address)
    assert found["trr_crawl_open_findings", frozenset({"failed", "error"})] == 1
    assert found["trr_crawl_alerts_waiting", frozenset({"ops"})] == 1
    assert found["trr_crawl_alerts_waiting", frozenset({"pager"})] == 0
    assert found["trr_crawl_alerts_oldest_timestamp_seconds", frozenset({"ops"})] == 1e9
    assert ("trr_crawl_alerts_oldest_timestamp_seconds", frozenset({"pager"})) not in found
    assert found["trr_crawl_live_runs", frozenset({"imdb_title", "running"})] == 1
    assert found["trr_crawl_live_runs", frozenset({"imdb_title", "lost"})] == 1
    assert not any(name == "trr_crawl_last_run_seconds" for name, _ in found), "none has ended"


def test_many_scrapes_are_one_statement(month_app: Any, month_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, fetch = [], Database.fetch

    async def counted(database: Database, query: bytes, values: Sequence[object] = ()) -> list[Row]:
        asked.append(query)
        return await fetch(database, query, values)

    monkeypatch.setattr(Database, "fetch", counted)
    month_app.state.crawl_metrics._until = 0.0
    for _ in range(5):
        assert "trr_crawl_up 1.0" in httpx.get(f"{month_address}/metrics").text
    assert len([query for query in asked if b"crawl_runs" in query]) == 1


def test_while_the_database_is_away_the_api_tells_so_and_its_own_numbers() -> None:
    away = settings(f"postgresql://me@127.0.0.1:{free_port()}/trr", pool_timeout=0.2)
    with served(create_app(away)) as address:
        started = time.monotonic()
        answer = httpx.get(f"{address}/metrics")
        assert time.monotonic() - started < crawls.KEEP_SECONDS / 2
    assert answer.status_code == 200
    assert "trr_crawl_up 0.0" in answer.text
    assert "trr_crawl_last_run" not in answer.text
    assert "trr_api_pool_size" in answer.text
