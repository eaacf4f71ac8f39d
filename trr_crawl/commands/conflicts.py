"""`scrapy conflicts`: where sources contradict each other, and how much each of them tells."""

from __future__ import annotations

import argparse
from typing import Any

from psycopg import Connection
from rich.table import Table
from scrapy.exceptions import UsageError

from trr_crawl import cli
from trr_crawl.catalog import review
from trr_crawl.catalog.tables import ENTITIES


class Command(cli.CatalogCommand):
    """Changes nothing. With `--coverage` it shows which fields each source fills, in per cent."""

    def syntax(self) -> str:
        return "[options] [kind …]"

    def short_desc(self) -> str:
        return "Show where sources contradict each other"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--show", metavar="ID", help="only this show, its seasons, episodes and credits")
        parser.add_argument("--field", help="only this field")
        parser.add_argument("--limit", type=int, default=100, help="at most so many (default: 100)")
        parser.add_argument("--coverage", action="store_true", help="show how much each source tells instead")

    def work(self, connection: Connection[Any], args: list[str], opts: argparse.Namespace) -> None:
        if unknown := [kind for kind in args if kind not in ENTITIES]:
            raise UsageError(f"there is no kind {unknown[0]!r}; kinds are {', '.join(ENTITIES)}", print_help=False)
        kinds = args or list(ENTITIES)
        if opts.coverage:
            self._coverage(connection, kinds)
            return
        of_show = review.find(connection, "show", opts.show) if opts.show else None
        found = review.conflicts(connection, kinds, show=of_show, field=opts.field, limit=opts.limit)
        table = Table("kind", "entity", "field", "what they say")
        for kind, entity, field, said in found:
            told = "\n".join(f"{source}: {cli.short(value)}" for source, value in sorted(said.items()))
            table.add_row(kind, str(entity), field, told)
        cli.show(table)
        more = ", there may be more: --limit" if len(found) == opts.limit else ""
        print(f"{len(found)} fields{more}")

    def _coverage(self, connection: Connection[Any], kinds: list[str]) -> None:
        table = Table("kind", "field", "source", "filled", "of records")
        for kind, field, source, filled, records in review.coverage(connection, kinds):
            table.add_row(kind, field, source, f"{filled / records:.0%}", f"{records:,}")
        cli.show(table)
