"""Deduplicate: what was said already in this run is not said again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
from scrapy.exceptions import DropItem

from trr_crawl.items import Item

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector

REMEMBERED: Final = 20_000
"""So many of the last things are remembered. Repeats come close together, and one that is missed only costs time:
the store sees for itself what the catalog knows."""


class DeduplicatePipeline:
    """Drops an item that repeats the last one about the same thing.

    Counts repeats as `deduplicate/<kind>/repeated`, and things of which more was said as `deduplicate/<kind>/restated`.
    """

    def __init__(self, stats: StatsCollector) -> None:
        self.stats = stats
        self._seen: dict[tuple[str, str, str], int] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> DeduplicatePipeline:
        return cls(crawler.stats)

    def process_item(self, item: Item) -> Item:
        thing = (item.source, item.kind, item.key)
        said = hash(orjson.dumps(item))
        earlier = self._seen.pop(thing, None)
        self._seen[thing] = said
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        if earlier == said:
            self.stats.inc_value(f"deduplicate/{item.kind}/repeated")
            raise DropItem(f"{item.source} {item.kind} {item.key} was said already", log_level="DEBUG")
        if earlier is not None:
            self.stats.inc_value(f"deduplicate/{item.kind}/restated")
        return item
