"""What the log says of single items: nothing, unless it is read to debug. And the log as JSON."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self

from scrapy.logformatter import LogFormatter

from trr_crawl.jsonlogs import JsonFormatter

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.logformatter import LogFormatterResult
    from scrapy.settings import BaseSettings


class QuietItems(LogFormatter):
    """Scrapy composes a line for every item, even where the log's level drops it at once: a tenth of a crawl's time."""

    def __init__(self, *, debugging: bool) -> None:
        self.debugging = debugging

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(debugging=crawler.settings["LOG_LEVEL"] == "DEBUG")

    def scraped(self, *args: Any) -> LogFormatterResult | None:  # type: ignore[override]
        return super().scraped(*args) if self.debugging else None

    def dropped(self, *args: Any) -> LogFormatterResult | None:  # type: ignore[override]
        return super().dropped(*args) if self.debugging else None


def use_json(settings: BaseSettings) -> None:
    """Log one JSON object a line instead of Scrapy's lines, if LOG_JSON says so. To be called before Scrapy logs."""
    if not settings.getbool("LOG_JSON"):
        return
    settings.set("LOG_INSTALL_ROOT_HANDLER", False, "cmdline")
    handler: logging.Handler
    if settings["LOG_FILE"]:
        mode = "a" if settings.getbool("LOG_FILE_APPEND") else "w"
        handler = logging.FileHandler(settings["LOG_FILE"], mode=mode, encoding=settings["LOG_ENCODING"])
    else:
        handler = logging.StreamHandler()
    handler.setLevel(settings["LOG_LEVEL"])
    handler.setFormatter(JsonFormatter())
    logging.root.setLevel(logging.NOTSET)
    logging.root.addHandler(handler)


def name_run(**fields: str | None) -> None:
    """From now on, every JSON line of this process tells these."""
    for handler in logging.root.handlers:
        if isinstance(handler.formatter, JsonFormatter):
            handler.formatter.fields.update({name: value for name, value in fields.items() if value is not None})
