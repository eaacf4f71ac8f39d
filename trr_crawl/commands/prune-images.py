"""`scrapy prune-images`: deletes the stored objects that no row of the catalog names."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import Any

from psycopg import Connection
from scrapy.exceptions import UsageError

from trr_crawl import cli
from trr_crawl.images import upkeep
from trr_crawl.images.stores import ROOT, StoreError, store_of


class Command(cli.CatalogCommand):
    """Looks at nothing outside the store's prefix, and deletes nothing that is younger than the grace time or than the
    oldest run that goes on: it may be about to be named."""

    def syntax(self) -> str:
        return "[options]"

    def short_desc(self) -> str:
        return "Delete stored pictures that nothing in the catalog uses"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--grace", type=float, default=24.0, metavar="HOURS", help="spare what is younger (default: 24)"
        )
        parser.add_argument("--dry-run", action="store_true", help="list what would be deleted, and delete nothing")

    def work(self, connection: Connection[Any], args: list[str], opts: argparse.Namespace) -> None:
        if args or opts.grace < 0:
            raise UsageError("scrapy prune-images takes options only, and no grace below 0", print_help=False)
        assert self.settings is not None
        word = "would delete" if opts.dry_run else "deleting"
        try:
            store = store_of(self.settings)
            done = upkeep.prune(
                connection,
                store,
                timedelta(hours=opts.grace),
                dry_run=opts.dry_run,
                told=lambda key: print(f"{word} {key}"),
            )
        except StoreError as error:
            self.fail(str(error))
            return
        print(
            f"{store.name}/{store.prefix}{ROOT}: {done.listed:,} objects, {done.named:,} in use, "
            f"{done.young:,} too young to tell, {done.deleted:,} "
            f"{'to delete' if opts.dry_run else 'deleted'} ({done.bytes:,} bytes)"
        )
