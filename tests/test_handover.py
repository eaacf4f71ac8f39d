"""Items reach pipelines and signal handlers as Scrapy itself would bring them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from scrapy import Spider, signals
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.exceptions import DropItem
from scrapy.http import Request, Response

from support import in_a_process

OURS = {
    "SPIDER_MIDDLEWARES": {"trr_crawl.handover.HandOver": 1000},
    "ITEM_PROCESSOR": "trr_crawl.handover.Pipelines",
}


class Plain:
    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        if item["n"] == 2:
            raise DropItem("two is dropped")
        return {**item, "plain": True}


class Waiting:
    async def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0)
        if item["n"] == 3:
            raise ValueError("three is a bug")
        return {**item, "waited": True}


class OldFashioned:
    def process_item(self, item: dict[str, Any], spider: Spider) -> dict[str, Any]:
        return {**item, "spider": spider.name}


class Numbers(Spider):
    """Yields items 1 to 4 and a request between them, from the answer to a data: address."""

    name = "numbers"

    async def start(self) -> AsyncIterator[Request]:
        yield Request("data:,first")

    def parse(self, response: Response) -> Any:
        yield {"n": 1}
        yield {"n": 2}
        if response.url == "data:,first":
            yield Request("data:,second")
        yield {"n": 3}
        yield {"n": 4}


def crawl(settings: dict[str, Any]) -> list[tuple[str, Any]]:
    """What the handlers of the three item signals are told, and what the log and the stats say."""
    heard: list[tuple[str, Any]] = []

    def plain(item: Any, response: Response) -> None:
        heard.append(("scraped", (item, response.url)))

    async def waiting(item: Any) -> None:
        await asyncio.sleep(0)
        heard.append(("scraped, async", item))

    def failing(item: Any) -> None:
        raise RuntimeError(f"handler of {item['n']}")

    def dropped(item: Any, exception: Exception, response: Response) -> None:
        heard.append(("dropped", (item, str(exception), response.url)))

    def error(item: Any, failure: Any, spider: Spider) -> None:
        heard.append(("error", (item, repr(failure.value), spider.name)))

    handlers: list[tuple[Callable[..., Any], object]] = [
        (plain, signals.item_scraped),
        (waiting, signals.item_scraped),
        (failing, signals.item_scraped),
        (dropped, signals.item_dropped),
        (error, signals.item_error),
    ]
    process = AsyncCrawlerProcess({"LOG_ENABLED": False, "TELNETCONSOLE_ENABLED": False, **settings})
    crawler: Crawler = process.create_crawler(Numbers)
    for handler, signal in handlers:
        crawler.signals.connect(handler, signal=signal)
    process.crawl(crawler)
    logging.disable(logging.CRITICAL)
    process.start()
    stats = crawler.stats.get_stats()
    counted = {
        name: stats.get(name) for name in ("item_scraped_count", "item_dropped_count", "response_received_count")
    }
    return [*sorted(heard, key=repr), ("stats", counted)]


@pytest.mark.filterwarnings("ignore:.*requires a spider argument")
@pytest.mark.parametrize("pipelines", [[Plain], [Plain, Waiting], [Plain, Waiting, OldFashioned], [OldFashioned]])
def test_everybody_hears_what_scrapy_would_tell(pipelines: list[type[Any]]) -> None:
    enabled = {"ITEM_PIPELINES": {pipeline: number for number, pipeline in enumerate(pipelines)}}
    theirs = in_a_process(crawl, enabled)
    ours = in_a_process(crawl, {**enabled, **OURS})
    assert ours == theirs
    assert len(ours) > 12
