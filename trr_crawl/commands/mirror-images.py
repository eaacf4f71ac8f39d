"""`scrapy mirror-images`: fetches the pictures that the catalog names and nobody keeps yet."""

from __future__ import annotations

import argparse
import sys
from datetime import timedelta

import psycopg
from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from trr_crawl import database
from trr_crawl.catalog import due
from trr_crawl.commands.crawl import Command as Crawl
from trr_crawl.errors import UserError, one_line
from trr_crawl.images.stores import store_of

SPIDER = "mirror_images"


class Command(Crawl):
    """A crawl of the spider `mirror_images`, with a crawl's exit status. With `--dry-run` it only lists, and touches
    nothing: no host, no store, no row."""

    def syntax(self) -> str:
        return "[options]"

    def short_desc(self) -> str:
        return "Fetch the pictures that are not kept yet"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        ScrapyCommand.add_options(self, parser)
        parser.set_defaults(spargs=[], output=None, overwrite_output=None)
        parser.add_argument("--show", metavar="ID", help="only of this show, its seasons and episodes")
        parser.add_argument("--person", metavar="ID", help="only of this person")
        parser.add_argument("--source", help="only from this source")
        parser.add_argument("--kind", help="only of this kind, in the source's word: poster, logo, primary, …")
        parser.add_argument("--limit", type=int, help="at most so many")
        parser.add_argument(
            "--force", action="store_true", help="ask again whether those that are kept changed: as -s IMAGES_EXPIRES=0"
        )
        parser.add_argument("--dry-run", action="store_true", help="list them, and touch nothing")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError("scrapy mirror-images takes options only", print_help=False)
        if opts.limit is not None and opts.limit < 1:
            raise UsageError("--limit is 1 or more", print_help=False)
        try:
            count = self._look(opts)
        except (UserError, due.CatalogError) as error:
            self._fail(str(error))
        except psycopg.Error as error:
            self._fail(f"the database refused: {one_line(error)}")
        else:
            if count and not opts.dry_run:
                named = {name: getattr(opts, name) for name in ("show", "person", "source", "kind", "limit")}
                opts.spargs = {name: str(value) for name, value in named.items() if value is not None}
                super().run([SPIDER], opts)

    def _look(self, opts: argparse.Namespace) -> int:
        """Say what there is to fetch; returns how many pictures."""
        assert self.settings is not None
        if opts.force:
            self.settings.set("IMAGES_EXPIRES", 0, "cmdline")
        expires = timedelta(days=self.settings.getfloat("IMAGES_EXPIRES"))
        store = store_of(self.settings)
        meant = due.picture_filter(show=opts.show, person=opts.person, source=opts.source, kind=opts.kind)
        with database.connect(database.url()) as connection:
            if opts.dry_run:
                count = 0
                for some in due.pictures(meant, expires, opts.limit, connection):
                    count += len(some)
                    for picture in some:
                        print(f"{picture.owners}/{picture.owner_id} {picture.image_kind} {picture.url}")
            else:
                count = min(due.count_pictures(connection, meant, expires), opts.limit or sys.maxsize)
        print(f"{count:,} pictures to fetch into {store.name}" if count else "All pictures are kept, and fresh.")
        return count

    def _fail(self, sentence: str) -> None:
        sys.stderr.write(f"scrapy mirror-images: {sentence}\n")
        self.exitcode = 1
