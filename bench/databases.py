"""Fresh databases to measure in, next to any that are there, and gone afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from trr_crawl import database


class Databases:
    """Makes empty catalogs on one server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._names: list[str] = []
        self._template: str | None = None

    def fresh(self) -> str:
        """The URL of a new, migrated, empty catalog."""
        if self._template is None:
            self._template = self._create("template0")
            database.migrate(self._url(self._template))
        return self._url(self._create(self._template))

    def drop(self) -> None:
        """Drop all that were made."""
        while self._names:
            self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self._names.pop())))

    def facts(self) -> dict[str, str]:
        """The server's version and the settings that decide what a commit costs."""
        names = ("server_version", "shared_buffers", "fsync", "synchronous_commit")
        with database.connect(self.url) as connection:
            return {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in names}  # type: ignore[index]

    def _create(self, template: str) -> str:
        name = f"trr_bench_{os.getpid()}_{len(self._names)}"
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)),
        )
        self._names.append(name)
        return name

    def _url(self, name: str) -> str:
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def _run(self, statement: sql.Composed) -> None:
        with database.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def databases(url: str | None) -> Iterator[Databases]:
    """Databases on the server of a URL, or on the embedded one; its user must be allowed to create databases."""
    made = Databases(url or database.embedded("bench"))
    try:
        yield made
    finally:
        made.drop()


def settle(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Let the server finish what earlier measurements left behind, where it lets us."""
    try:
        connection.execute("CHECKPOINT")
    except psycopg.errors.InsufficientPrivilege:
        connection.rollback()
    else:
        connection.commit()
