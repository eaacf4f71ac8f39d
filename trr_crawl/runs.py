"""Writes `crawl_runs`: one row a run, from its first second to its outcome, with a heartbeat in between."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections import defaultdict
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import psycopg
from psycopg.types.json import Jsonb
from scrapy import signals
from scrapy.exceptions import CloseSpider, NotConfigured

from trr_crawl import database, logs
from trr_crawl.alerts import delivery, targets
from trr_crawl.blocks import BLOCKS
from trr_crawl.catalog import coverage, monitoring
from trr_crawl.catalog.due import leases
from trr_crawl.disk import too_full
from trr_crawl.errors import one_line
from trr_crawl.measures import Responses, Timeline
from trr_crawl.report import Gap, Outcome, RunReport, report_of
from trr_crawl.version import VERSION

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Request, Response
    from twisted.python.failure import Failure

logger = logging.getLogger(__name__)

SUPERSEDED = "The scheduler took this job for lost: it is left to the one that was sent in its place."


class Superseded(Exception):
    """The scheduler took this job for lost: another one does its work, or will."""


def is_superseded(connection: psycopg.Connection[Any], job_id: str | None) -> bool:
    """Whether a schedule's run goes by another job now, or by none, or is over."""
    return (
        connection.execute(
            "SELECT FROM schedule_runs WHERE id = %s AND (job_id IS DISTINCT FROM %s OR finished_at IS NOT NULL)",
            [_schedule_run(job_id), job_id],
        ).fetchone()
        is not None
    )


def ordered_at(connection: psycopg.Connection[Any], job_id: str | None) -> datetime | None:
    """The time of its schedule for which a job runs; None for other jobs."""
    row = connection.execute("SELECT slot_at FROM schedule_runs WHERE id = %s", [_schedule_run(job_id)]).fetchone()
    return row[0] if row else None


def _schedule_run(job_id: str | None) -> UUID | None:
    """Jobs of schedules are named by their run's id and the number of the attempt."""
    try:
        return UUID((job_id or "").partition("-")[0])
    except ValueError:
        return None


def job_of(spider: Spider) -> str | None:
    """The id that Scrapyd gave the run's job."""
    return getattr(spider, "job_id", None) or os.environ.get("SCRAPY_JOB")


class RunRecorder:
    """Decides what a run came to, and keeps its row in `crawl_runs` unless the run is dry.

    The outcome goes into the stats as `run/outcome` and `run/reason`, for the exit status.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.run_id: UUID | None = None
        self._job_id: str | None = None
        self._closing: asyncio.Future[None] | None = None
        self._connection: psycopg.Connection[Any] | None = None
        self._heart: asyncio.Task[None] | None = None
        self._responses = Responses()
        self._timeline = Timeline()
        self._started = time.monotonic()
        self._told = targets.configured()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RunRecorder:
        if not crawler.settings.getbool("RUN_RECORDER_ENABLED", True):
            raise NotConfigured
        recorder = cls(crawler)
        crawler.signals.connect(recorder.spider_opened, signals.spider_opened)
        crawler.signals.connect(recorder.spider_closed, signals.spider_closed)
        crawler.signals.connect(recorder.spider_error, signals.spider_error)
        crawler.signals.connect(recorder.item_error, signals.item_error)
        crawler.signals.connect(recorder.response_received, signals.response_received)
        return recorder

    async def spider_opened(self, spider: Spider) -> None:
        """Insert the run's row and start its heart."""
        logs.name_run(spider=spider.name, job=job_of(spider))
        if getattr(spider, "dry_run", False):
            return
        try:
            self.run_id = await asyncio.to_thread(self._begin, spider)
        except Superseded:
            report_of(spider).fail(SUPERSEDED)
            raise CloseSpider("superseded") from None
        except (psycopg.Error, database.DatabaseError) as error:
            report_of(spider).fail(f"The database cannot be used: {one_line(error)}")
            raise CloseSpider("database") from error
        logs.name_run(run_id=str(self.run_id))
        spider.run_id = self.run_id  # type: ignore[attr-defined]  # what is handed out to the spider belongs to it
        self._heart = asyncio.create_task(self._beat(spider.settings.getfloat("HEARTBEAT_SECONDS")))

    def response_received(self, response: Response, request: Request) -> None:
        """Note how long the answer took."""
        self._responses.received(response, request)

    def spider_error(self, failure: Failure, response: Response) -> None:
        """A bug in a spider or parser: its page is lost, and the run says so."""
        want = response.meta.get("want")
        self._bug(response.url if want is None else want.subject, failure)

    def item_error(self, item: Any, failure: Failure) -> None:
        """A bug in a pipeline: its item is lost, and the run says so."""
        self._bug(f"{item.source} {item.kind} {item.key}", failure)
        self.crawler.spider.subjects.doubt("an item was lost to a bug of ours")  # type: ignore[union-attr]

    async def spider_closed(self, spider: Spider, reason: str) -> None:
        """Decide the outcome and write the row's end."""
        report = report_of(spider)
        if reason in ("shutdown", "cancelled"):
            report.add(Gap(subject="the rest", why="the run was stopped before its end"))
        items = items_by_kind(self.crawler.stats.get_stats())
        got = items_got(items)
        for kind, counts in items.items():
            if rejected := counts.get("rejected", 0):
                report.add(Gap(subject=f"{rejected} {kind} records", why="refused by the database, see crawl_rejects"))
        outcome = report.outcome(got)
        sentence = report.reason(got)
        self.crawler.stats.set_value("run/outcome", outcome)
        self.crawler.stats.set_value("run/reason", sentence)
        self.crawler.stats.set_value("run/gaps", report.gap_count)
        if self._heart is not None:
            self._heart.cancel()
            with suppress(asyncio.CancelledError):
                await self._heart
        if self.run_id is not None:
            await asyncio.to_thread(self._end, outcome, sentence, report)

    def _bug(self, subject: str, failure: Failure) -> None:
        error = failure.value
        report_of(self.crawler.spider).add(
            Gap(subject=subject, why=f"a bug of ours, {type(error).__name__}: {error}; the log has the traceback")
        )

    def _begin(self, spider: Spider) -> UUID:
        self._connection = database.connect(database.url(), autocommit=True)
        self._job_id = job_of(spider)
        if is_superseded(self._connection, self._job_id):
            self._connection.close()
            raise Superseded
        spider.ordered_at = ordered_at(self._connection, self._job_id)  # type: ignore[attr-defined]
        delivery.register(self._connection, self._told)
        monitoring.end_dead_runs(self._connection)
        row = self._connection.execute(
            """
            INSERT INTO crawl_runs (spider, args, job_id, node, host, pid, version)
            VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id
            """,
            [
                spider.name,
                Jsonb(getattr(spider, "given_arguments", {})),
                self._job_id,
                spider.settings.get("NODE") or None,
                socket.gethostname(),
                os.getpid(),
                VERSION,
            ],
        ).fetchone()
        assert row is not None
        run_id: UUID = row[0]
        return run_id

    async def _beat(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await asyncio.to_thread(self._give_a_sign)
            except Superseded:
                self._stop(SUPERSEDED, "superseded")
            except (psycopg.Error, database.DatabaseError) as error:
                logger.debug("No heartbeat: %s", error)
            if (sentence := too_full(self.crawler.settings)) is not None:
                self._stop(sentence, "disk")

    def _stop(self, sentence: str, reason: str) -> None:
        """End the crawl; it may take a while, and is alive until then."""
        if self._closing is None:
            report_of(self.crawler.spider).fail(sentence)
            self._closing = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason=reason))

    def _give_a_sign(self) -> None:
        self._save_counters()
        if is_superseded(self._connected(), self._job_id):
            raise Superseded

    def _end(self, outcome: Outcome, sentence: str | None, report: RunReport) -> None:
        assert self.run_id is not None
        try:
            self._save_counters()
            connection = self._connected()
            with connection.transaction():
                # With its outcome, so that whoever is killed in between is found dead by the next run.
                connection.execute(
                    """
                    UPDATE crawl_runs SET outcome = %s, reason = %s, finished_at = now(), gaps = %s, stats = %s
                    WHERE id = %s
                    """,
                    [outcome, sentence, Jsonb(report.as_json()), self._stats(report), self.run_id],
                )
                self._check(connection, self.run_id)
            leases.release(self._connected(), self.run_id)
            coverage.add_up(self._connected())
            delivery.deliver(self._connected(), self._told, seconds=delivery.AFTER_A_RUN)
        except (psycopg.Error, database.DatabaseError) as error:
            logger.error("The end of run %s could not be written: %s", self.run_id, one_line(error))
        finally:
            if self._connection is not None:
                self._connection.close()

    def _check(self, connection: psycopg.Connection[Any], run_id: UUID) -> None:
        """Compare the run with those before it. Should that fail, its outcome stands all the same."""
        try:
            findings = monitoring.after_run(connection, run_id)
        except Exception:
            if connection.closed:
                raise  # the outcome is lost with it
            logger.exception("The run %s could not be checked.", run_id)
            return
        for finding in findings:
            logger.warning("%s %s", finding.message, finding.advice)

    def _connected(self) -> psycopg.Connection[Any]:
        """The run's connection, made again where it was lost."""
        if self._connection is None or self._connection.closed:
            self._connection = database.connect(database.url(), autocommit=True)
        return self._connection

    def _save_counters(self) -> None:
        """Write the counters of this moment, a sign of life; twice where the connection turns out to be lost."""
        stats = self._copy_of_stats()
        assert self.run_id is not None
        items = items_by_kind(stats)
        requests = stats.get("downloader/request_count", 0)
        blocks = sum(stats.get(f"outcome/{block}", 0) for block in BLOCKS)
        self._timeline.add(time.monotonic() - self._started, requests, items_got(items), blocks)
        counters = {
            "items": Jsonb(items),
            "requests": requests,
            "bytes": stats.get("downloader/response_bytes", 0),
            "blocks": blocks,
            "images": stats.get("images/stored", 0) + stats.get("images/known", 0),
            "timeline": Jsonb(self._timeline.points),
            "run_id": self.run_id,
        }
        update = """
            UPDATE crawl_runs SET heartbeat_at = now(),
                   progressed_at = CASE WHEN (items, requests, bytes, images)
                                             IS DISTINCT FROM (%(items)s, %(requests)s, %(bytes)s, %(images)s)
                                        THEN now() ELSE progressed_at END,
                   items = %(items)s, requests = %(requests)s, bytes = %(bytes)s, blocks = %(blocks)s,
                   images = %(images)s, timeline = %(timeline)s
            WHERE id = %(run_id)s
        """
        connection = self._connected()
        try:
            connection.execute(update, counters)
        except psycopg.OperationalError:
            if not connection.closed:
                raise
            self._connected().execute(update, counters)
        leases.extend(self._connected(), self.run_id)

    def _stats(self, report: RunReport) -> Jsonb:
        """Scrapy's stats, what the records told, and how fast hosts answered."""
        measured = {"coverage": report.coverage_as_json(), "responses": self._responses.as_json()}
        stats = orjson.loads(orjson.dumps({**self._copy_of_stats(), **measured}, default=str))
        return Jsonb(stats)

    def _copy_of_stats(self) -> dict[str, Any]:
        """The crawl goes on counting beside the threads that read this."""
        return dict(self.crawler.stats.get_stats())


def items_by_kind(stats: dict[str, Any]) -> dict[str, dict[str, int]]:
    """The store's counters, `store/episode/inserted` and so on, as {kind: {operation: count}}."""
    items: dict[str, dict[str, int]] = defaultdict(dict)
    for name, value in list(stats.items()):  # whoever asks may be another thread than the one that counts
        if name.startswith("store/") and name.count("/") == 2:
            _, kind, operation = name.split("/")
            items[kind][operation] = value
    return dict(items)


def items_got(items: dict[str, dict[str, int]]) -> int:
    """How many items came, however new; those that the database refused, or that are gone from the source, did not."""
    return sum(
        count
        for counts in items.values()
        for operation, count in counts.items()
        if operation not in ("rejected", "removed")
    )
