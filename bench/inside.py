"""What of the benchmark runs inside the crawl's own process: the bare spiders, and stats that outlive it."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrapy.crawler import Crawler
from scrapy.http import Request, Response
from scrapy.statscollectors import MemoryStatsCollector

from bench.pages import SEASONS
from trr_crawl.arguments import number, words
from trr_crawl.items import ImageRequest, Item
from trr_crawl.spiders.base import READERS, Arguments, CatalogSpider
from trr_crawl.spiders.imdb_episodes import ImdbEpisodesSpider


class BareEpisodesSpider(ImdbEpisodesSpider):
    """Asks for the same pages in the same order as its parent, and looks into none of them."""

    name = "bare_episodes"

    def parse_overview(self, response: Response, show_id: str) -> Iterator[Item | Request]:  # noqa: ARG002
        for rank in range(1, SEASONS):
            yield self.page_request(show_id, season=str(rank + 1), rank=rank)

    def parse_season(self, response: Response, show_id: str) -> Iterator[Item]:  # noqa: ARG002
        return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureArguments(Arguments):
    """Where pictures are, and how many."""

    urls: tuple[str, ...] = ()
    count: int = 0


class BarePicturesSpider(CatalogSpider):
    """Fetches pictures as any spider fetches pages, and drops them."""

    name = "bare_pictures"
    arguments_class = PictureArguments
    readers = {**READERS, "url": words, "count": number}
    args: PictureArguments

    async def start(self) -> AsyncIterator[Request]:
        for picture in range(self.args.count):
            yield Request(f"{self.args.urls[0]}{picture}.jpg", self.parse)

    def parse(self, response: Response) -> Iterator[Item]:  # type: ignore[override]  # noqa: ARG002
        return iter(())


class NamedPicturesSpider(BarePicturesSpider):
    """Names the same pictures, as the parsers of a crawl do."""

    name = "named_pictures"
    custom_settings = {"IMAGES": True}

    async def start(self) -> AsyncIterator[Request]:
        for picture in range(self.args.count):
            url = f"{self.args.urls[0]}{picture}.jpg"
            yield ImageRequest(source="imdb", url=url, owners="shows", owner_id="tt9000000", image_kind="event")


class FileStats(MemoryStatsCollector):
    """Scrapy's stats, written to the file that STATS_FILE names when the spider closes.

    Adds `bench/cpu_seconds`: how long this process worked between open and close, in all its threads.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._path = Path(crawler.settings["STATS_FILE"])
        self._worked = 0.0

    def open_spider(self, spider: Any = None) -> None:  # noqa: ARG002 - Scrapy still looks for it
        self._worked = time.process_time()

    def _persist_stats(self, stats: dict[str, Any]) -> None:
        stats["bench/cpu_seconds"] = time.process_time() - self._worked
        self._path.write_text(json.dumps(stats, default=str))
