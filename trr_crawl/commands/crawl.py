"""`scrapy crawl SPIDER`: Scrapy's own command, with an exit status that says what the run came to."""

from __future__ import annotations

import argparse
import gc
import logging
import sys
from pathlib import Path

from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.crawler import Crawler
from scrapy.exceptions import UsageError

from trr_crawl import database, logs
from trr_crawl.alerts import targets
from trr_crawl.archive import ArchiveWriter
from trr_crawl.catalog.tables import ENTITIES
from trr_crawl.clock import Clock
from trr_crawl.errors import UserError
from trr_crawl.fleetwide import delays
from trr_crawl.images.hosts import Hosts
from trr_crawl.images.stores import store_of
from trr_crawl.report import EXIT_STATUS, Outcome
from trr_crawl.runs import items_by_kind
from trr_crawl.spiders.base import CatalogSpider
from trr_crawl.transport import graphql_headers, imdb_transport

logger = logging.getLogger("trr_crawl")

PICTURES = ("stored", "known", "unchanged", "fresh", "rejected", "failed", "not_fetched")
"""What can become of pictures, as `ImagesPipeline` counts it."""


class Command(ScrapyCrawl):
    """Checks everything that can be checked before the first request, then crawls.

    Exit status: 0 ok, 1 failed, 2 a mistake in the call, 3 partial, 4 blocked. The last line of the log says why.
    """

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        assert self.settings is not None
        logs.use_json(self.settings)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError("name one spider")
        try:
            self._check(args[0], opts.spargs)
        except UserError as error:
            sys.stderr.write(f"scrapy crawl {args[0]}: {error}\n")
            self.exitcode = EXIT_STATUS["failed"] if isinstance(error, database.DatabaseError) else 2
            return
        assert self.crawler_process is not None
        crawler = self._create_crawler(args[0])
        self.crawler_process.crawl(crawler, **opts.spargs)
        gc.freeze()  # what start-up made lives to the end: no need to look through it again and again
        self.crawler_process.start()
        outcome, words = _end_of(crawler)
        self.exitcode = EXIT_STATUS[outcome]
        logger.log(logging.INFO if outcome == "ok" else logging.ERROR, "%s: %s", outcome, words)

    def _check(self, name: str, arguments: dict[str, str]) -> None:
        assert self.crawler_process is not None
        assert self.settings is not None
        try:
            spider = self.crawler_process.spider_loader.load(name)
        except KeyError:
            known = ", ".join(self.crawler_process.spider_loader.list())
            raise UserError(f"there is no such spider; there are {known}.") from None
        dry_run = False
        if issubclass(spider, CatalogSpider):
            dry_run = spider.read_arguments(_without_private(arguments)).dry_run
        imdb_transport(self.settings)
        graphql_headers(self.settings)
        delays(self.settings)
        targets.configured()
        Clock.starting(self.settings.get("CLOCK", ""))
        Hosts.from_settings(self.settings)
        if self.settings.getbool("IMAGES"):
            store_of(self.settings)
        if dry_run:
            self.settings.set("ARCHIVE", None, "cmdline")
            return
        if self.settings.get("ARCHIVE"):
            ArchiveWriter(Path(self.settings["ARCHIVE"])).close()
        database.url()


def _without_private(arguments: dict[str, str]) -> dict[str, str]:
    """Scrapyd adds `_job`."""
    return {name: value for name, value in arguments.items() if not name.startswith("_")}


def _end_of(crawler: Crawler) -> tuple[Outcome, str]:
    """What the run came to, and the words for it: what is missing, then what was stored."""
    if crawler._stats is None:
        return "failed", "The crawl did not start."
    stats = crawler.stats.get_stats()
    outcome: Outcome = stats.get("run/outcome", "failed")
    items = items_by_kind(stats)
    stored = ", ".join(
        f"{count} {table.name if count != 1 else kind} {operation.replace('_', ' ')}"
        for kind, table in ENTITIES.items()
        for operation, count in sorted(items.get(kind, {}).items())
    )
    pictures = ", ".join(
        f"{count} pictures {word.replace('_', ' ')}" for word in PICTURES if (count := stats.get(f"images/{word}"))
    )
    words = [stats.get("run/reason"), f"{stored}." if stored else "Nothing was stored.", pictures and f"{pictures}."]
    return outcome, " ".join(filter(None, words))
