"""`scrapy rehost`: brings kept pictures to the store and the address that the settings name now."""

from __future__ import annotations

import argparse
from typing import Any

from psycopg import Connection
from scrapy.exceptions import UsageError

from trr_crawl import cli
from trr_crawl.images import upkeep
from trr_crawl.images.stores import Store, StoreError, opened, store_of


class Command(cli.CatalogCommand):
    """After IMAGES_CDN_URL changed it rewrites addresses; after IMAGES_STORE changed it copies objects too, and leaves
    the old ones where they are. Stopped in the middle, it goes on where it was."""

    def syntax(self) -> str:
        return "[options]"

    def short_desc(self) -> str:
        return "Bring kept pictures to another bucket, folder or address"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--from-region", metavar="NAME", help="region of the old bucket (default: the new one's)")
        parser.add_argument("--from-endpoint-url", metavar="URL", help="endpoint of the old bucket (default: Amazon's)")
        parser.add_argument("--from-profile", metavar="NAME", help="AWS profile that may read the old bucket")
        parser.add_argument("--dry-run", action="store_true", help="list what would change, and change nothing")

    def work(self, connection: Connection[Any], args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError("scrapy rehost takes options only", print_help=False)
        assert self.settings is not None
        settings = self.settings

        def old(name: str) -> Store:
            return opened(
                name,
                cdn_url="https://old.invalid",  # nobody is led there: the old store is only read
                region=opts.from_region or settings.get("AWS_REGION") or None,
                endpoint_url=opts.from_endpoint_url,
                profile=opts.from_profile,
            )

        try:
            store = store_of(settings)
            done = upkeep.rehost(connection, store, old, dry_run=opts.dry_run, told=print)
        except StoreError as error:
            self.fail(str(error))
            return
        would = "would be " if opts.dry_run else ""
        print(
            f"{done.copied:,} objects {would}copied to {store.name}, {done.readdressed:,} addresses {would}changed, "
            f"{done.in_place:,} objects in their place"
        )
        if done.missing:
            self.fail(f"{len(done.missing):,} objects are not where their rows say, such as {done.missing[0]}.")
