"""A line that moves while a crawl runs, for who watches it in a terminal; nothing at all anywhere else."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text
from scrapy import signals
from scrapy.exceptions import NotConfigured

from trr_crawl.blocks import BLOCKS
from trr_crawl.catalog.tables import ENTITIES
from trr_crawl.runs import items_by_kind, items_got

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Above:
    """A stream that writes above the line, as it is: what is wrapped to the terminal's width cannot be copied."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> None:
        """Write whole lines."""
        self._console.out(text, end="", highlight=False)

    def flush(self) -> None:
        """Nothing waits."""


class ProgressLine:
    """Shows how far the crawl is below its log, and takes itself away at the end."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self._started = time.monotonic()
        self._live: Live | None = None
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
        terminal, console = sys.stderr, Console(stderr=True)
        self._live = Live(console=console, get_renderable=self._line, transient=True, redirect_stdout=False)
        self._live.start()
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is terminal:
                self._handlers.append((handler, handler.setStream(Above(console))))

    def spider_closed(self) -> None:
        """Take it away."""
        for handler, stream in self._handlers:
            handler.setStream(stream)
        if self._live is not None:
            self._live.stop()

    def _line(self) -> Text:
        blocks = sum(self.crawler.stats.get_value(f"outcome/{block}", 0) for block in BLOCKS)
        name = self.crawler.spider.name if self.crawler.spider else ""
        parts = [*self._progress(), *([f"{blocks:,} blocks"] if blocks else []), *self._hosts()]
        return Text(
            f"{name}  {' · '.join(parts)}", style="yellow" if blocks else "cyan", no_wrap=True, overflow="ellipsis"
        )

    def _progress(self) -> Iterator[str]:
        """Time, requests and their rate, what came."""
        stats = self.crawler.stats.get_stats()
        elapsed = time.monotonic() - self._started
        minutes, seconds = divmod(round(elapsed), 60)
        yield f"{minutes}:{seconds:02}"
        requests = stats.get("downloader/request_count", 0)
        yield f"{requests:,} requests ({requests / max(elapsed, 1):.1f}/s)"
        items = items_by_kind(stats)
        named = [(kind, items_got({kind: items[kind]})) for kind in ENTITIES if kind in items]
        yield from (f"{count:,} {ENTITIES[kind].name if count != 1 else kind}" for kind, count in named)
        if not named:
            yield f"{items_got(items):,} items"

    def _hosts(self) -> Iterator[str]:
        """Whom we ask at this moment, and how fast."""
        assert self.crawler.engine is not None
        # They change in another thread than the one that draws.
        for host, slot in list(self.crawler.engine.downloader.slots.items()):
            if slot.active:
                yield f"{host} every {slot.delay:.1f} s"
