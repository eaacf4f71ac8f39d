"""What the subcommands that work on the catalog share."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any, ClassVar
from uuid import UUID

import psycopg
from psycopg import Connection
from rich.console import Console
from rich.table import Table
from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from trr_crawl import database
from trr_crawl.catalog import merge, review
from trr_crawl.catalog.joining import JoinError
from trr_crawl.catalog.review import ReviewError
from trr_crawl.catalog.tables import ENTITIES
from trr_crawl.errors import one_line


class CatalogCommand(ScrapyCommand):
    """A subcommand that opens the catalog and says in one sentence what went wrong, with status 1."""

    requires_project = True
    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        try:
            with database.connect(database.url()) as connection:
                merge.prepare(connection)
                self.work(connection, args, opts)
        except (ReviewError, JoinError, database.DatabaseError) as error:
            self.fail(str(error))
        except psycopg.Error as error:
            self.fail(f"the database refused: {one_line(error)}")

    def work(self, connection: Connection[Any], args: list[str], opts: argparse.Namespace) -> None:
        """What the command does."""
        raise NotImplementedError

    def fail(self, sentence: str) -> None:
        """Say what went wrong."""
        name = type(self).__module__.rpartition(".")[2]
        sys.stderr.write(f"scrapy {name}: {sentence}\n")
        self.exitcode = 1


def named(args: list[str], known: tuple[str, ...]) -> dict[str, str]:
    """Arguments of the form name=value; UsageError for one that nobody knows."""
    found = {}
    for arg in args:
        name, equals, value = arg.partition("=")
        if not equals or name not in known:
            raise UsageError(f"{arg!r} is none of {', '.join(f'{name}=…' for name in known)}", print_help=False)
        found[name] = value
    return found


def entity(connection: Connection[Any], given: dict[str, str]) -> tuple[str, UUID]:
    """The one entity that is named as kind=…, such as show=tt0000001."""
    kinds = [kind for kind in given if kind in ENTITIES]
    if len(kinds) != 1:
        raise ReviewError(f"say of what: {'=… or '.join(ENTITIES)}=….")
    return kinds[0], review.find(connection, kinds[0], given[kinds[0]])


def author() -> str:
    """Who decides: the name of the user of this machine."""
    return getpass.getuser()


def show(table: Table) -> None:
    """Print a table, as wide as the terminal, or as it needs to be where there is none."""
    console = Console(width=None if sys.stdout.isatty() else 240, highlight=False)
    console.print(table)


def short(value: Any, size: int = 60) -> str:
    """A value in a cell."""
    text = value if isinstance(value, str) else "" if value is None else repr(value)
    return text if len(text) <= size else f"{text[: size - 1]}…"
