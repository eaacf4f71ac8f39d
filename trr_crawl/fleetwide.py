"""One pace a host for all crawls of a fleet: a request goes out when its turn comes, whoever asks for it."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import psycopg
from scrapy import signals
from scrapy.exceptions import NotConfigured

from trr_crawl import database
from trr_crawl.errors import UserError, one_line
from trr_crawl.fleet.pace import next_turn
from trr_crawl.politeness import POLL_SECONDS, Stopped, host_of, still_running

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Request
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)

MAX_DELAY: Final = 600.0
"""More than so many seconds between two requests is a mistake; a crawl that gets nothing for half an hour hangs."""
ASK_AGAIN: Final = 30.0
"""Seconds until a database that was away is asked for a turn again."""


def delays(settings: BaseSettings) -> tuple[float, dict[str, float]]:
    """FLEET_DELAY and FLEET_DELAYS in seconds; UserError says what is none."""
    try:
        delay = settings.getfloat("FLEET_DELAY")
        named = {host: float(seconds) for host, seconds in settings.getdict("FLEET_DELAYS").items()}
    except (ValueError, TypeError) as error:
        raise UserError(f"FLEET_DELAY or FLEET_DELAYS is no number of seconds: {error}.") from error
    if any(not 0 <= seconds < MAX_DELAY for seconds in (delay, *named.values())):
        raise UserError(f"FLEET_DELAY or FLEET_DELAYS is not between 0 and {MAX_DELAY:g} seconds.")
    return delay, named


class FleetPace:
    """Downloader middleware, closest to the network: every request waits for its turn, robots.txt and retries too.

    FLEET_DELAY seconds lie between two requests to a host, FLEET_DELAYS names hosts with another number. While the
    database is away this crawl keeps a pace of its own, FLEET_ALONE times slower, and says so once. Counts
    `fleet/turns`, `fleet/milliseconds` (waited) and `fleet/alone` (requests without a turn).
    """

    def __init__(self, crawler: Crawler) -> None:
        settings = crawler.settings
        self.delay, self.delays = delays(settings)
        if settings.get("REPLAY") or not (self.delay or any(self.delays.values())):
            raise NotConfigured
        self.crawler = crawler
        self.slower = max(1.0, settings.getfloat("FLEET_ALONE"))
        self._connection: psycopg.Connection[Any] | None = None
        self._asking = asyncio.Lock()
        self._away_until = 0.0
        self._own_turn: defaultdict[str, float] = defaultdict(float)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> FleetPace:
        pace = cls(crawler)
        crawler.signals.connect(pace.close, signals.spider_closed)
        return pace

    async def process_request(self, request: Request) -> None:
        """Wait for the turn of this request; Stopped where the run ends before it comes."""
        host = host_of(request)
        delay = self.delays.get(host, self.delay)
        if not delay:
            return
        seconds = await self._seconds(host, delay)
        self.crawler.stats.inc_value("fleet/turns")
        self.crawler.stats.inc_value("fleet/milliseconds", round(seconds * 1000))
        until = asyncio.get_running_loop().time() + seconds
        while (left := until - asyncio.get_running_loop().time()) > 0:
            if not still_running(self.crawler):
                raise Stopped("not asked for: the run was stopped before its turn came")
            await asyncio.sleep(min(left, POLL_SECONDS * 4))

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()

    async def _seconds(self, host: str, delay: float) -> float:
        loop = asyncio.get_running_loop()
        async with self._asking:
            if loop.time() >= self._away_until:
                try:
                    seconds = await asyncio.to_thread(self._ask, host, delay)
                except (psycopg.Error, database.DatabaseError) as error:
                    if not self._away_until:
                        logger.warning(
                            "The fleet's pace is not to be had, this crawl goes %g times slower by itself: %s",
                            self.slower,
                            one_line(error),
                        )
                    self._away_until = loop.time() + ASK_AGAIN
                else:
                    if self._away_until:
                        logger.info("The fleet's pace is back.")
                        self._away_until = 0.0
                    return seconds
        self.crawler.stats.inc_value("fleet/alone")
        turn = max(loop.time(), self._own_turn[host])
        self._own_turn[host] = turn + delay * self.slower
        return turn - loop.time()

    def _ask(self, host: str, delay: float) -> float:
        if self._connection is None or self._connection.closed:
            self._connection = database.connect(database.url(), autocommit=True)
        return next_turn(self._connection, host, delay)
