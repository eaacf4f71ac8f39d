"""What we owe to a site whatever the spider: its robots.txt, and one pace for all crawls of this process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, WeakSet

from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Request
    from scrapy.robotstxt import RobotParser

POLL_SECONDS: Final = 0.25
"""Whoever waits looks so often whether there is still something to wait for."""


class Stopped(IgnoreRequest):
    """A request that was not sent because the run was stopped while it waited: nobody failed."""

    interrupted = True


@dataclass(slots=True)
class Domain:
    """What all crawls of this process know of a host; times are the event loop's, seconds."""

    not_before: float = 0.0
    """The host asked not to be asked earlier."""
    _next_turn: float = 0.0
    _crawlers: WeakSet[Crawler] = field(default_factory=WeakSet)

    def seconds_to_wait(self) -> float:
        """Until `not_before`."""
        return max(0.0, self.not_before - asyncio.get_running_loop().time())

    def wait_for(self, seconds: float) -> None:
        """Ask nobody here for so many seconds; an earlier promise that reaches further stands."""
        self.not_before = max(self.not_before, asyncio.get_running_loop().time() + seconds)

    async def turn(self, crawler: Crawler, delay: float) -> None:
        """Wait for a crawl's turn, `delay` seconds after the turn before.

        A crawl that is alone with a host never waits: Scrapy keeps its pace already.
        """
        now = asyncio.get_running_loop().time()
        self._crawlers.add(crawler)
        turn = max(now, self._next_turn) if len(self._crawlers) > 1 else now
        self._next_turn = turn + delay
        if turn > now:
            await asyncio.sleep(turn - now)


_domains: WeakKeyDictionary[asyncio.AbstractEventLoop, defaultdict[str, Domain]] = WeakKeyDictionary()


def domain(host: str) -> Domain:
    """The host, as all crawls on the running event loop see it."""
    return _domains.setdefault(asyncio.get_running_loop(), defaultdict(Domain))[host]


def host_of(request: Request) -> str:
    """Name and port of the host that a request is for."""
    return urlsplit(request.url).netloc


async def wait_as_asked(crawler: Crawler, host: str) -> None:
    """Wait as long as a host asked for; IgnoreRequest where that is more than RETRY_AFTER_MAX, Stopped where
    the run ends."""
    longest = crawler.settings.getfloat("RETRY_AFTER_MAX", 300.0)
    while (seconds := domain(host).seconds_to_wait()) > 0:
        if seconds > longest:
            crawler.stats.inc_value("retry_after/too_long")
            raise IgnoreRequest(f"not asked for: {host} wants us back in {seconds:.0f} seconds only")
        if not still_running(crawler):
            raise Stopped(f"not asked for: the run was stopped while {host} wanted us to wait")
        await asyncio.sleep(min(seconds, POLL_SECONDS))


def still_running(crawler: Crawler) -> bool:
    """Whether a crawl goes on: nobody stopped it, and it does not end by itself."""
    engine = crawler.engine
    return engine is not None and engine.running and not (engine._slot is not None and engine._slot.closing)


def delay_of(crawler: Crawler, request: Request) -> float:
    """Seconds that a crawl leaves between requests to a host at this moment: AutoThrottle changes them."""
    slot = crawler.engine.downloader.slots.get(request.meta.get("download_slot", ""))
    return slot.delay if slot is not None else crawler.settings.getfloat("DOWNLOAD_DELAY")


class RobotsTxt(RobotsTxtMiddleware):
    """Scrapy's own, with the requests of a host one after the other while its robots.txt is under way.

    Of several that wait for it, Scrapy 2.19 gives the rules to the first two only: it awaits one Deferred several
    times, which leaves None to the others, and None allows everything.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def robot_parser(self, request: Request) -> RobotParser | None:
        async with self._locks[host_of(request)]:
            return await super().robot_parser(request)
