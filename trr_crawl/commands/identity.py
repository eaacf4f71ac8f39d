"""`scrapy identity list|accept|reject|undo`: decides which things of two sources are one."""

from __future__ import annotations

import argparse
from typing import Any
from uuid import UUID

from psycopg import Connection
from rich.table import Table
from scrapy.exceptions import UsageError

from trr_crawl import cli
from trr_crawl.catalog import joining, review


class Command(cli.CatalogCommand):
    """`list` shows what is proposed; `accept ID` joins, `reject ID` keeps apart, `undo JOIN` takes a join back."""

    def syntax(self) -> str:
        return "list | accept <id>… | reject <id>… | undo <join>…"

    def short_desc(self) -> str:
        return "Decide which things of two sources are one"

    def work(self, connection: Connection[Any], args: list[str], opts: argparse.Namespace) -> None:
        verb, *ids = args or ["list"]
        if verb == "list":
            self._list(connection)
        elif verb in ("accept", "reject", "undo") and ids:
            for one in ids:
                self._decide(connection, verb, one)
        else:
            raise UsageError("say list, accept, reject or undo, and which", print_help=False)

    def _decide(self, connection: Connection[Any], verb: str, one: str) -> None:
        try:
            number = UUID(one) if verb == "undo" else int(one)
        except ValueError:
            raise UsageError(f"{one!r} is no {'join' if verb == 'undo' else 'proposal'}", print_help=False) from None
        if isinstance(number, UUID):
            with connection.transaction():
                joining.undo(connection, number, author=cli.author())
            print(f"{one}: two again")
        elif verb == "accept":
            print(f"{one}: joined, to take it back: scrapy identity undo {self._accept(connection, number)}")
        else:
            review.reject(connection, number, author=cli.author())
            print(f"{one}: kept apart")

    def _accept(self, connection: Connection[Any], number: int) -> UUID:
        return review.accept(connection, number, author=cli.author())

    def _list(self, connection: Connection[Any]) -> None:
        found = review.proposals(connection)
        table = Table("id", "kind", "score", "one", "other", "evidence")
        for number, kind, one, other, score, evidence in found:
            told = ", ".join(f"{name} {cli.short(value)}" for name, value in evidence.items())
            table.add_row(str(number), kind, f"{score:.2f}", str(one), str(other), told)
        cli.show(table)
        print(f"{len(found)} open")
