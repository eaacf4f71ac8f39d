"""Store: items into the catalog, in batches. The only place that writes its rows."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import psycopg
from scrapy.exceptions import CloseSpider

from trr_crawl import database
from trr_crawl.catalog import rejects, write
from trr_crawl.catalog.due import states
from trr_crawl.catalog.due.states import Finished
from trr_crawl.catalog.tables import ENTITIES
from trr_crawl.catalog.write import Record, Written
from trr_crawl.errors import one_line
from trr_crawl.items import Change, Inventory, Item, payload
from trr_crawl.report import report_of
from trr_crawl.spiders.base import DATABASE_AWAY, CatalogSpider

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

T = TypeVar("T")

EAGERNESS = 4
"""An idle database need not wait for a full batch: a part of it, one in so many, is written at once."""

SWEPT_AT_ONCE = 100
"""So many parents are looked through in one transaction."""

BATCHES_WAITING = 3
"""So many batches may wait for the one that is being written, before the crawl waits too."""


class StorePipeline:
    """Collects records and writes them when there is a batch for the database or STORE_FLUSH_SECONDS have passed.

    Counts what became of them as `store/<kind>/<inserted|updated|unchanged|rejected>`, and in a dry run, which has no
    database, as `store/<kind>/not_stored`. Without a database the run ends as failed; what was stored stays as it was.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.batch_size = crawler.settings.getint("STORE_BATCH_SIZE")
        self.flush_seconds = crawler.settings.getfloat("STORE_FLUSH_SECONDS")
        self.dry_run = False
        self._batch: list[Record] = []
        self._changes: list[tuple[str, str, str, datetime]] = []
        self._connection: psycopg.Connection[Any] | None = None
        self._writing = asyncio.Lock()
        self._clock: asyncio.Task[None] | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._broken = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> StorePipeline:
        return cls(crawler)

    async def open_spider(self) -> None:
        self._report = report_of(self.crawler.spider)
        self.dry_run = bool(getattr(self.crawler.spider, "dry_run", False))
        if not self.dry_run:
            try:
                self._connection = await asyncio.to_thread(self._connect)
                await asyncio.to_thread(self._retry_rejects)
            except (psycopg.Error, database.DatabaseError) as error:
                report_of(self.crawler.spider).fail(f"The database cannot be used: {one_line(error)}")
                raise CloseSpider("database") from error
            self._clock = asyncio.create_task(self._flush_by_the_clock())

    def _retry_rejects(self) -> None:
        """Write what the database refused once and somebody wants to be tried again."""
        assert self._connection is not None
        for became, count in rejects.retry_wanted(self._connection, _spider(self.crawler).run_id).items():
            self.crawler.stats.inc_value(f"rejects/{became}", count)
            logger.info("Of the records that were to be tried again, %d are %s.", count, became)

    def process_item(self, item: Item) -> Item | Awaitable[Item]:
        if self.dry_run or item.kind not in ENTITIES:
            if isinstance(item, Change) and not self.dry_run:
                self._changes.append((item.source, item.of, item.id, _spider(self.crawler).clock.now()))
            self.crawler.stats.inc_value(f"store/{item.kind}/not_stored")
            return item
        stated = payload(item)
        self._batch.append(Record(source=item.source, kind=item.kind, key=item.key, payload=stated))
        self._report.note_record(item.source, item.kind, stated)
        if len(self._batch) >= self.batch_size * BATCHES_WAITING:
            return self._after_a_flush(item)  # the database is slower than the source: wait for it
        if len(self._batch) * EAGERNESS >= self.batch_size and (self._flushing is None or self._flushing.done()):
            self._flushing = asyncio.create_task(self.flush())
        return item

    async def _after_a_flush(self, item: Item) -> Item:
        await self.flush()
        return item

    async def close_spider(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            with suppress(asyncio.CancelledError):
                await self._clock
        await self.flush()
        if self._connection is not None:
            if not self._broken:
                await self._sweep()
            if not self._broken:
                # After the last record: nothing counts as got that is not stored.
                await self._remember(_spider(self.crawler).subjects.take_all("the run ended before all of it came"))
            self._connection.close()

    async def _sweep(self) -> None:
        """Mark what is gone from the sources, where the run got all that they have."""
        for alike in _alike(report_of(self.crawler.spider).inventories):
            try:
                gone = await asyncio.to_thread(self._sweep_once, alike)
            except (psycopg.Error, database.DatabaseError) as error:
                self._give_up(error, 0)
                return
            if gone:
                self.crawler.stats.inc_value(f"store/{alike[0].kind}/removed", gone)

    def _sweep_once(self, alike: Sequence[Inventory]) -> int:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return write.sweep(
            self._connection,
            source=alike[0].source,
            kind=alike[0].kind,
            parent_field=alike[0].parent_field,
            parent_ids=[inventory.parent_id for inventory in alike],
            keys=frozenset().union(*(inventory.keys for inventory in alike)),
            stating=alike[0].stating,
            value=alike[0].value,
        )

    async def flush(self) -> None:
        """Write what has been collected."""
        async with self._writing:
            batch, self._batch = self._batch, []
            if self._broken:
                self.crawler.stats.inc_value("store/lost", len(batch))
                return
            # What is done with now has its last records in this batch or in earlier ones.
            subjects = _spider(self.crawler).subjects
            done = subjects.done
            if batch:
                try:
                    written = await asyncio.to_thread(self._patiently, self._write, batch, _spider(self.crawler).run_id)
                except (psycopg.Error, database.DatabaseError) as error:
                    self._give_up(error, len(batch))
                    return
                self._count(written)
                if written.rejects:
                    subjects.doubt("records were refused by the database, see crawl_rejects")
            await self._remember(subjects.take(done))

    async def _remember(self, finished: Sequence[Finished]) -> None:
        """Write how the crawls of things ended, and what sources say changed."""
        changes, self._changes = self._changes, []
        if self.dry_run or not (finished or changes):
            return
        try:
            await asyncio.to_thread(self._patiently, self._remember_once, finished, changes)
        except (psycopg.Error, database.DatabaseError) as error:
            self._give_up(error, 0)

    def _remember_once(self, finished: Sequence[Finished], changes: Sequence[tuple[str, str, str, datetime]]) -> None:
        spider = _spider(self.crawler)
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        if changes:
            states.note_changes(self._connection, changes)
        if finished and spider.counts_as is not None:
            states.remember(self._connection, spider.counts_as, finished, spider.run_id, spider.clock.now())
        self._connection.commit()

    async def _flush_by_the_clock(self) -> None:
        while True:
            await asyncio.sleep(self.flush_seconds)
            await asyncio.shield(self.flush())

    def _connect(self) -> psycopg.Connection[Any]:
        connection = database.connect(database.url())
        write.prepare(connection)
        return connection

    def _patiently(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do it, again and again while the database is only away for a moment. Runs in a thread."""
        for delay in DATABASE_AWAY:
            try:
                return work(*arguments)
            except (psycopg.Error, database.DatabaseError) as error:
                if not _is_passing(error, self._connection):
                    raise
                logger.warning("The database went away, next try in %g s: %s", delay, one_line(error))
                time.sleep(delay)
        return work(*arguments)

    def _write(self, batch: list[Record], run_id: UUID | None) -> Written:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return write.write(self._connection, batch, run_id)

    def _count(self, written: Written) -> None:
        for (kind, operation), count in written.counts.items():
            self.crawler.stats.inc_value(f"store/{kind}/{operation}", count)
        for record, reason in written.rejects:
            logger.warning("Rejected %s %s %s: %s", record.source, record.kind, record.key, reason)

    def _give_up(self, error: Exception, lost: int) -> None:
        """End the run: every further item would only be fetched in vain."""
        self._broken = True
        self.crawler.stats.inc_value("store/lost", lost)
        report_of(self.crawler.spider).fail(
            f"The database failed in the middle of the crawl, what came after is not stored: {one_line(error)}"
        )
        self._closing = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason="database"))


def _spider(crawler: Crawler) -> CatalogSpider:
    assert isinstance(crawler.spider, CatalogSpider)
    return crawler.spider


def _is_passing(error: Exception, connection: psycopg.Connection[Any] | None) -> bool:
    """Whether it may help to connect again: the connection is gone, or could not be made."""
    return isinstance(error, database.DatabaseError) or connection is None or connection.closed


def _alike(inventories: Sequence[Inventory]) -> Iterator[Sequence[Inventory]]:
    """Inventories of one source, kind and parent's kind, SWEPT_AT_ONCE at a time."""

    def sort(inventory: Inventory) -> tuple[str, ...]:
        scope = (inventory.stating or "", inventory.value or "")
        return inventory.source, inventory.kind, inventory.parent_field, *scope

    for _, group in groupby(sorted(inventories, key=sort), key=sort):
        while some := list(islice(group, SWEPT_AT_ONCE)):
            yield some
