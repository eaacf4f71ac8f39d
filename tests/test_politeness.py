"""One pace for all crawls of a process, and robots.txt for all requests that wait for it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from origin import Asked, Origin, Reply, serving

from support import ROOT, crawl_episodes
from trr_crawl.politeness import Domain, domain

TWO_CRAWLS = """
import sys
from scrapy import Request, Spider
from scrapy.crawler import CrawlerProcess
from scrapy.utils.project import get_project_settings
from trr_crawl.spiders.base import CatalogSpider, Want

class Asking(CatalogSpider):
    name = "asking"

    async def start(self):
        for number in range(6):
            yield self.ask(Request(f"{self.settings['WHERE']}/{self.which}/{number}"), Want(str(number)))

    def parse(self, response):
        return []

class First(Asking):
    name = which = "first"

class Second(Asking):
    name = which = "second"

settings = get_project_settings()
settings.update({"WHERE": sys.argv[1], "DOWNLOAD_DELAY": 0.2, "DOWNLOAD_DELAY_JITTER": 0})
settings["AUTOTHROTTLE_ENABLED"] = False
process = CrawlerProcess(settings)
process.crawl(First, dry_run="true")
if sys.argv[2] == "both":
    process.crawl(Second, dry_run="true")
process.start()
"""


@pytest.fixture
def times() -> list[float]:
    return []


@pytest.fixture
def origin(times: list[float]) -> Iterator[Origin]:
    served = Origin()

    def note(_asked: Asked) -> Reply:
        times.append(time.monotonic())
        return Reply(b"here")

    served.misbehave = note
    with serving(served):
        yield served


def pauses(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


@pytest.mark.parametrize(("crawls", "requests"), [("one", 6), ("both", 12)])
def test_however_many_crawls_there_are_the_pace_is_that_of_one(
    origin: Origin, times: list[float], crawls: str, requests: int
) -> None:
    subprocess.run([sys.executable, "-c", TWO_CRAWLS, origin.url, crawls], cwd=ROOT, check=True, capture_output=True)
    assert len(times) == requests
    assert min(pauses(times)) > 0.15
    assert times[-1] - times[0] < 0.2 * requests + 1
    paths = [asked.path.split("/")[1] for asked in origin.asked if asked.path != "/robots.txt"]
    if crawls == "both":
        assert {*paths[:4]} == {"first", "second"}, "they take turns"


class TestDomain:
    async def turns(self, *crawlers: object) -> float:
        """Seconds that three turns of each take."""
        here = Domain()
        started = time.monotonic()
        await asyncio.gather(*(here.turn(crawler, 0.05) for _ in range(3) for crawler in crawlers))
        return time.monotonic() - started

    def test_one_crawl_is_never_held_up_and_two_are(self) -> None:
        class Crawler:
            """Can be referred to weakly."""

        assert asyncio.run(self.turns(Crawler())) < 0.04
        first, second = Crawler(), Crawler()
        assert 0.2 < asyncio.run(self.turns(first, second)) < 0.4

    def test_each_loop_has_its_own(self) -> None:
        async def found() -> Domain:
            assert domain("a.example") is domain("a.example")
            assert domain("a.example") is not domain("b.example")
            return domain("a.example")

        assert asyncio.run(found()) is not asyncio.run(found())

    def test_the_longer_promise_stands(self) -> None:
        async def waits() -> list[float]:
            here = Domain()
            found = [here.seconds_to_wait()]
            for seconds in (10, 5):
                here.wait_for(seconds)
                found.append(round(here.seconds_to_wait(), 1))
            return found

        assert asyncio.run(waits()) == [0, 10, 10]


class TestRobotsTxt:
    def test_holds_for_all_requests_that_wait_for_it(self, origin: Origin, times: list[float]) -> None:
        origin.robots_txt = "User-agent: *\nDisallow: /\n"
        listed = ",".join(f"tt9933{number:04d}" for number in range(12))
        done = crawl_episodes("-a", f"shows={listed}", "-a", "dry_run=true", *origin.settings("html"))
        assert done.status == 1
        assert "'robotstxt/forbidden': 12" in done.output
        assert times == []
        assert [asked.path for asked in origin.asked] == ["/robots.txt"]
