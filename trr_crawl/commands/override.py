"""`scrapy override set show=tt… field=title value=…`: what beats every source, and survives every crawl."""

from __future__ import annotations

import argparse
from typing import Any

import orjson
from psycopg import Connection
from rich.table import Table
from scrapy.exceptions import UsageError

from trr_crawl import cli
from trr_crawl.catalog import review
from trr_crawl.catalog.review import ReviewError
from trr_crawl.catalog.tables import ENTITIES


class Command(cli.CatalogCommand):
    """`set` and `unset` derive the entity again at once; `list` shows all overrides."""

    def syntax(self) -> str:
        return "list | set <kind>=<id> field=<name> value=<text or JSON> note=<why> | unset <kind>=<id> field=<name>"

    def short_desc(self) -> str:
        return "Set a field against every source"

    def work(self, connection: Connection[Any], args: list[str], opts: argparse.Namespace) -> None:
        verb, *rest = args or ["list"]
        if verb == "list":
            self._list(connection)
            return
        if verb not in ("set", "unset"):
            raise UsageError("say list, set or unset", print_help=False)
        given = cli.named(rest, (*ENTITIES, "field", *(("value", "note") if verb == "set" else ())))
        kind, entity = cli.entity(connection, given)
        field = given.get("field", "")
        if verb == "unset":
            review.unset(connection, kind, entity, field)
        elif "value" not in given or not given.get("note"):
            raise ReviewError("say value=… and note=…: whoever finds it later wants to know why.")
        else:
            value = _value(given["value"])
            review.override(connection, kind, entity, field, value, note=given["note"], author=cli.author())
        [now] = [found for found in review.explain(connection, kind, entity) if found.field == field]
        print(f"{kind} {entity}: {field} is {now.value!r} ({now.winner or 'nobody says anything'})")

    def _list(self, connection: Connection[Any]) -> None:
        table = Table("kind", "entity", "field", "value", "note", "author")
        for kind, entity, field, value, note, author in review.overrides(connection):
            table.add_row(kind, str(entity), field, cli.short(value), note, author)
        cli.show(table)


def _value(text: str) -> Any:
    """JSON where it is some, else the text itself: 7.5, null, ["Reality-TV"], The Tide."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
