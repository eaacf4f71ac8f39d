"""`scrapy merge`: derives the whole catalog again from the records, after a rule of precedence changed."""

from __future__ import annotations

import argparse
import sys

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from trr_crawl import database
from trr_crawl.catalog import merge
from trr_crawl.catalog.tables import ENTITIES


class Command(ScrapyCommand):
    """Fetches nothing; tells how many entities changed."""

    requires_project = True
    requires_crawler_process = False
    default_settings = {"LOG_ENABLED": False}

    def short_desc(self) -> str:
        return "Derive the catalog again from what the sources said"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError("scrapy merge takes no arguments", print_help=False)
        try:
            with database.connect(database.url()) as connection:
                changed = merge.merge_all(connection)
        except database.DatabaseError as error:
            sys.stderr.write(f"scrapy merge: {error}\n")
            self.exitcode = 1
            return
        for kind, table in ENTITIES.items():
            print(f"{table.name}: {changed.get(kind, 0):,} changed")
