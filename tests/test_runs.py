"""The row of a run while it runs: who may call it dead, and what it does when its job was sent again."""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from schedule_runs import START, nightly
from scrapy.utils.test import get_crawler

from trr_crawl.catalog import write
from trr_crawl.catalog.due.states import Finished, remember
from trr_crawl.catalog.monitoring import outbox
from trr_crawl.catalog.write import Record
from trr_crawl.fleet import schedules, watchdog
from trr_crawl.fleet.scheduler import run_now
from trr_crawl.report import report_of
from trr_crawl.runs import RunRecorder, Superseded
from trr_crawl.spiders.imdb_episodes import ImdbEpisodesSpider


@pytest.fixture
def connection(shared_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection[Any]]:
    monkeypatch.setenv("DATABASE_URL", shared_url)
    with psycopg.connect(shared_url, autocommit=True) as opened:
        yield opened


def begin(job_id: str | None = None) -> RunRecorder:
    """A run that has begun."""
    crawler = get_crawler(ImdbEpisodesSpider)
    crawler._apply_settings()
    recorder = RunRecorder(crawler)
    spider = ImdbEpisodesSpider.from_crawler(crawler, due="true", **({"_job": job_id} if job_id else {}))
    crawler.spider = spider
    recorder.run_id = recorder._begin(spider)
    return recorder


def send(connection: Connection[Any]) -> str:
    """A schedule's job, as if a node had it."""
    schedules.add(connection, nightly(), START)
    (run_id,) = run_now(connection, "nightly", START)
    job_id = f"{run_id.hex}-1"
    connection.execute(
        "UPDATE schedule_runs SET state = 'sent', node = 'http://n', job_id = %s, attempts = 1, sent_at = now()",
        [job_id],
    )
    return job_id


def fall_silent(connection: Connection[Any]) -> None:
    connection.execute("UPDATE crawl_runs SET heartbeat_at = now() - interval '6 minutes'")


def outcomes(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT outcome FROM crawl_runs ORDER BY started_at").fetchall()


def test_a_run_that_died_is_called_dead_by_the_next(connection: Connection[Any]) -> None:
    begin()._connected().close()
    fall_silent(connection)
    begin()._connected().close()
    assert outcomes(connection) == [("failed",), (None,)]


def test_a_schedules_run_that_died_is_sent_again_though_others_began_first(connection: Connection[Any]) -> None:
    begin(send(connection))._connected().close()
    fall_silent(connection)
    begin()._connected().close()
    assert watchdog.look(connection, []) == 1
    assert connection.execute("SELECT state, job_id FROM schedule_runs").fetchone() == ("waiting", None)
    assert outcomes(connection) == [("failed",), (None,)]


def test_a_run_that_was_taken_for_dead_stops_when_it_finds_out(connection: Connection[Any]) -> None:
    recorder = begin(send(connection))
    recorder._give_a_sign()
    connection.execute("UPDATE schedule_runs SET job_id = replace(job_id, '-1', '-2')")
    with pytest.raises(Superseded):
        recorder._give_a_sign()
    recorder._connected().close()


def test_jobs_of_one_time_and_their_heirs_do_nothing_twice(connection: Connection[Any]) -> None:
    write.prepare(connection)
    key = "tt99000001"
    write.write(connection, [Record(source="imdb", kind="show", key=key, payload={"id": key})])
    job_id = send(connection)

    async def forced(job_id: str | None) -> list[str]:
        recorder = begin(job_id)
        recorder._connected().close()
        spider = recorder.crawler.spider
        assert isinstance(spider, ImdbEpisodesSpider)
        spider.run_id = recorder.run_id
        spider.args = replace(spider.args, force=True)
        spider._has_requests = lambda: False
        return [subject async for subject in spider.to_crawl([])]

    assert asyncio.run(forced(job_id)) == [key]
    done = Finished(subject=key, began_at=datetime.now(UTC), outcome="ok")
    remember(connection, "imdb_episodes", [done], None, datetime.now(UTC))
    connection.execute("DELETE FROM crawl_leases")
    heir = job_id.replace("-1", "-2")
    connection.execute("UPDATE schedule_runs SET job_id = %s, attempts = 2", [heir])
    assert asyncio.run(forced(heir)) == []
    assert asyncio.run(forced(None)) == [key], "somebody else may want all of it again"


def test_a_job_that_was_sent_elsewhere_does_not_begin(connection: Connection[Any]) -> None:
    job_id = send(connection)
    connection.execute("UPDATE schedule_runs SET state = 'waiting', job_id = NULL")
    with pytest.raises(Superseded):
        begin(job_id)
    assert outcomes(connection) == []


@pytest.fixture
def hurried() -> Iterator[None]:
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hurried")
def test_a_run_that_cannot_be_checked_keeps_its_outcome(
    connection: Connection[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(connection: Connection[Any], _: object) -> None:
        connection.execute("SELECT 1 / 0")

    recorder = begin()
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "resolved", break_down)
        recorder._end("partial", "Some of it.", report_of(recorder.crawler.spider))
    row = connection.execute("SELECT outcome, reason, finished_at IS NOT NULL FROM crawl_runs").fetchone()
    assert row == ("partial", "Some of it.", True)
    assert [record.message for record in caplog.records] == [f"The run {recorder.run_id} could not be checked."]
    assert "division by zero" in caplog.text


def test_counting_goes_on_beside_a_sign_of_life(connection: Connection[Any]) -> None:
    recorder = begin()
    enough = threading.Event()

    def count() -> None:
        for number in itertools.count():
            recorder.crawler.stats.set_value(f"store/kind{number}/inserted", number)
            if number % 2000 == 0:
                recorder.crawler.stats.clear_stats()
            if enough.is_set():
                return

    thread = threading.Thread(target=count)
    thread.start()
    try:
        for _ in range(200):
            recorder._save_counters()
    finally:
        enough.set()
        thread.join()
        recorder._connected().close()


def test_bytes_that_come_are_progress(connection: Connection[Any]) -> None:
    recorder = begin()
    for received in (1, 2):
        recorder.crawler.stats.set_value("downloader/response_bytes", received)
        connection.execute("UPDATE crawl_runs SET progressed_at = '2020-01-01'")
        recorder._save_counters()
        moved = connection.execute("SELECT progressed_at > now() - interval '1 hour' FROM crawl_runs").fetchone()
        assert moved == (True,)
    recorder._connected().close()
