"""`scrapy due`: what there is to crawl, spider by spider, and why."""

from __future__ import annotations

import argparse
from collections import Counter
from datetime import datetime
from typing import Any

from psycopg import Connection
from rich.table import Table
from scrapy.exceptions import UsageError

from trr_crawl import arguments, cli
from trr_crawl.catalog import due
from trr_crawl.catalog.due import Decision, Wish
from trr_crawl.catalog.tables import ENTITIES
from trr_crawl.clock import Clock
from trr_crawl.errors import UserError


class Command(cli.CatalogCommand):
    """Changes nothing. `scrapy crawl SPIDER -a due=true` crawls what this lists for a spider."""

    def syntax(self) -> str:
        return "[options] [spider …]"

    def short_desc(self) -> str:
        return "Show what is due to be crawled, and why"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--explain", metavar="KIND=ID", help="every spider's decision about one thing: show=tt…")
        parser.add_argument("--reason", help="only what is due (or not) for this reason")
        parser.add_argument("--all", action="store_true", help="also what is not due")
        parser.add_argument("--since", metavar="TIME", help="also what was not crawled well since then")
        parser.add_argument("--force", action="store_true", help="everything, whatever its age")
        parser.add_argument("--resume", action="store_true", help="only what earlier runs began and did not get")
        parser.add_argument("--limit", type=int, default=50, help="show at most so many a spider (default: 50)")
        parser.add_argument("--at", metavar="TIME", help="as it will be, or was, at another time")

    def work(self, connection: Connection[Any], args: list[str], opts: argparse.Namespace) -> None:
        if unknown := [name for name in args if name not in due.POLICIES]:
            raise UsageError(
                f"{unknown[0]!r} is no spider with a policy; there are {', '.join(due.POLICIES)}", print_help=False
            )
        if opts.reason and opts.reason not in {**due.DUE, **due.NOT_DUE}:
            raise UsageError(
                f"there is no reason {opts.reason!r}; reasons are {', '.join({**due.DUE, **due.NOT_DUE})}",
                print_help=False,
            )
        assert self.settings is not None
        try:
            now = arguments.moment(opts.at) if opts.at else Clock.starting(self.settings.get("CLOCK", "")).now()
            since = arguments.moment(opts.since) if opts.since else None
        except UserError as error:
            self.fail(str(error))
            return
        wish = Wish(force=opts.force, since=since, resume=opts.resume)
        names = args or list(due.POLICIES)
        if opts.explain:
            self._explain(connection, opts.explain, names, now)
            return
        for name in names:
            wants_all = opts.all or opts.reason in due.NOT_DUE
            found = due.decide(connection, name, now, wish, all_of_them=wants_all)
            self._list(name, [one for one in found if opts.reason in (None, one.reason)], opts.limit)

    def _list(self, name: str, found: list[Decision], limit: int) -> None:
        counts = ", ".join(f"{count:,} {reason}" for reason, count in Counter(one.reason for one in found).items())
        print(f"{name}: {sum(one.is_due for one in found):,} due" + (f" ({counts})" if counts else ""))
        if not found:
            return
        table = Table("id", "name", "stage", "reason", "why")
        for one in found[:limit]:
            table.add_row(one.subject, cli.short(one.name), one.stage, one.reason, one.sentence())
        cli.show(table)
        if len(found) > limit:
            print(f"and {len(found) - limit:,} more: --limit")

    def _explain(self, connection: Connection[Any], text: str, names: list[str], now: datetime) -> None:
        kind, entity = cli.entity(connection, cli.named([text], tuple(ENTITIES)))
        table = Table("spider", "id", "due", "reason", "why", title=f"{kind} {entity}", title_justify="left")
        for name in names:
            if due.POLICIES[name].kind == kind:
                for one in due.decide(connection, name, now, Wish(entity_id=entity), all_of_them=True):
                    table.add_row(name, one.subject, "yes" if one.is_due else "no", one.reason, one.sentence())
        cli.show(table)
        if not table.row_count:
            print("No spider crawls it: it has no id at a source that one asks, or is of another kind.")
