"""Normalize: text in one form, whatever the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trr_crawl.items import FIELDS, Image, Item
from trr_crawl.text import clean

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector

WITH_TEXT: Final = frozenset((str, list, Image))
"""The types of values that text can be in."""


class NormalizePipeline:
    """Cleans every text of an item; counts those that it changed as `normalize/<kind>/<field>`."""

    def __init__(self, stats: StatsCollector) -> None:
        self.stats = stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> NormalizePipeline:
        return cls(crawler.stats)

    def process_item(self, item: Item) -> Item:
        for name in FIELDS[type(item)]:
            value = getattr(item, name)
            if value.__class__ not in WITH_TEXT:
                continue
            normal = normalized(value)
            if normal is not value and normal != value:
                setattr(item, name, normal)
                self.stats.inc_value(f"normalize/{item.kind}/{name}")
        return item


def normalized(value: Any) -> Any:
    """A field's value with all its texts clean; an empty text is None, and none at all in a list."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [normal for entry in value if (normal := normalized(entry)) is not None]
    if isinstance(value, Image) and value.caption is not None:
        caption = clean(value.caption)
        if caption != value.caption:
            return Image(url=value.url, width=value.width, height=value.height, caption=caption)
    return value
