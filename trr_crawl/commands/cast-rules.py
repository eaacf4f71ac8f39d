"""`scrapy cast-rules import FILE.csv`: which shows' casts count, and from how many episodes on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from psycopg import Connection
from rich.table import Table
from scrapy.exceptions import UsageError

from trr_crawl import cli
from trr_crawl.catalog import cast_rules
from trr_crawl.catalog.review import ReviewError


class Command(cli.CatalogCommand):
    """`import` reads a table as CSV, `-` from the standard input; `list` shows all rules, `people` who follows of them.

    One rule is set or taken back as any other field: `scrapy override set show=tt… field=cast_rule value=skip note=…`.
    """

    def syntax(self) -> str:
        return "list | import <file.csv or -> | people"

    def short_desc(self) -> str:
        return "Say which shows' casts count, and from how many episodes on"

    def work(self, connection: Connection[Any], args: list[str], opts: argparse.Namespace) -> None:
        match args or ["list"]:
            case ["list"]:
                self._list(connection)
            case ["people"]:
                self._people(connection)
            case ["import", path]:
                self._import(connection, path)
            case _:
                raise UsageError("say list, people, or import and a file", print_help=False)

    def _import(self, connection: Connection[Any], path: str) -> None:
        rules = cast_rules.read(_text(path))
        applied = cast_rules.apply(connection, rules, note=f"from {Path(path).name}", author=cli.author())
        print(f"{len(rules)} rules for {applied.shows} shows, {applied.changed} changed")
        if applied.unmatched:
            self.fail(f"{len(applied.unmatched)} rules are for no show: " + "; ".join(applied.unmatched))

    def _list(self, connection: Connection[Any]) -> None:
        table = Table("show", "title", "rule", "episodes")
        for show, title, rule, episodes in cast_rules.standing(connection):
            table.add_row(str(show), title, rule or "", str(episodes or ""))
        cli.show(table)

    def _people(self, connection: Connection[Any]) -> None:
        table = Table("person", "shows", "episodes", "sign", "guest", "on the list")
        for name, titles, episodes, sign, guest, listed in cast_rules.people(connection):
            table.add_row(name, ", ".join(filter(None, titles)), str(episodes), sign, guest, "yes" if listed else "")
        cli.show(table)


def _text(path: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReviewError(f"{path} cannot be read: {error}.") from error
