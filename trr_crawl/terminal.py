"""A line that moves while a crawl runs, for who watches it in a terminal; nothing at all anywhere else."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text
from scrapy import signals
from scrapy.exceptions import NotConfigured

from trr_crawl.blocks import BLOCKS
from trr_crawl.runs import items_by_kind, items_got

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class ProgressLine:
    """Shows how far the crawl is below its log, and takes itself away at the end."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self._started = time.monotonic()
        self._live = Live(
            console=Console(stderr=True), get_renderable=self._line, transient=True, redirect_stdout=False
        )
        self._handlers: list[tuple[logging.StreamHandler, object]] = []  # type: ignore[type-arg]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        if not sys.stderr.isatty():
            raise NotConfigured
        line = cls(crawler)
        crawler.signals.connect(line.spider_opened, signals.spider_opened)
        crawler.signals.connect(line.spider_closed, signals.spider_closed)
        return line

    def spider_opened(self) -> None:
        """Begin to show the line; what is logged from now on goes above it."""
        terminal = sys.stderr
        self._live.start()
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is terminal:
                self._handlers.append((handler, handler.setStream(sys.stderr)))

    def spider_closed(self) -> None:
        """Take it away."""
        for handler, stream in self._handlers:
            handler.setStream(stream)
        self._live.stop()

    def _line(self) -> Text:
        stats = self.crawler.stats.get_stats()
        minutes, seconds = divmod(round(time.monotonic() - self._started), 60)
        blocks = sum(stats.get(f"outcome/{block}", 0) for block in BLOCKS)
        parts = [
            f"{minutes}:{seconds:02}",
            f"{stats.get('downloader/request_count', 0):,} requests",
            f"{items_got(items_by_kind(stats)):,} items",
            *([f"{blocks:,} blocks"] if blocks else []),
        ]
        name = self.crawler.spider.name if self.crawler.spider else ""
        return Text(f"{name}  {' · '.join(parts)}", style="yellow" if blocks else "cyan", no_wrap=True)
