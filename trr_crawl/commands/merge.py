"""`scrapy merge`: derives the catalog again from the records, all of it or some shows, after a rule changed."""

from __future__ import annotations

import argparse
from typing import Any

from psycopg import Connection
from rich.table import Table
from scrapy.exceptions import UsageError

from trr_crawl import cli
from trr_crawl.catalog import merge, review
from trr_crawl.catalog.tables import ENTITIES


class Command(cli.CatalogCommand):
    """Fetches nothing; tells how many entities changed. With `--explain` it changes nothing and tells why."""

    def syntax(self) -> str:
        return "[show=<id> …] [--explain <kind>=<id>]"

    def short_desc(self) -> str:
        return "Derive the catalog again from what the sources said"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--explain", metavar="KIND=ID", help="show for each field the candidates, the winner and why: show=tt…"
        )

    def work(self, connection: Connection[Any], args: list[str], opts: argparse.Namespace) -> None:
        if opts.explain:
            if args:
                raise UsageError("--explain goes without other arguments", print_help=False)
            self._explain(connection, *cli.entity(connection, cli.named([opts.explain], tuple(ENTITIES))))
            return
        shows = [review.find(connection, "show", cli.named([arg], ("show",))["show"]) for arg in args]
        connection.commit()
        changed = merge.merge_shows(connection, shows) if shows else merge.merge_all(connection)
        for kind, table in ENTITIES.items():
            print(f"{table.name}: {changed.get(kind, 0):,} changed")

    def _explain(self, connection: Connection[Any], kind: str, entity: Any) -> None:
        table = Table(
            "field", "value", "from", "candidates, best first", title=f"{kind} {entity}", title_justify="left"
        )
        for found in review.explain(connection, kind, entity):
            said = [
                f"{candidate.source}.{candidate.field}: {cli.short(candidate.value)}"
                + ("" if candidate.counts else " (for another country)")
                for candidate in found.candidates
            ]
            if found.override is not None:
                said.insert(0, f"override by {found.override['author']}: {found.override['note']}")
            table.add_row(found.field, cli.short(found.value), found.winner or "", "\n".join(said))
        cli.show(table)
