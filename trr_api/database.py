"""The one way to PostgreSQL: a pool that outlives restarts of the server.

psycopg is used directly: JSON that PostgreSQL made leaves as the bytes it came in, and SQLAlchemy's own layer would
cost more than the rest of a request.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.adapt import Loader
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from trr_api.config import Settings
from trr_api.problems import Problem
from trr_crawl.database import without_driver

Row = tuple[Any, ...]
Connection = AsyncConnection[Row]

_log = logging.getLogger(__name__)

AWAY = "The database does not answer. Try again in a few seconds."


class AsBytes(Loader):
    """JSON as it arrives, UTF-8, not parsed."""

    def load(self, data: bytes | bytearray | memoryview) -> bytes:
        return bytes(data)


class Database:
    """Two pools of connections: those that can only read, and those that write.

    Statements of `fetch` stand alone; those that belong together go into `transaction`.
    """

    def __init__(self, settings: Settings, connection_class: type[Connection] = AsyncConnection) -> None:
        self._settings = settings
        self._connection_class = connection_class
        self.readers = self._pool("readers", settings.pool_min)
        self.writers = self._pool("writers", 0)

    def _pool(self, name: str, least: int) -> AsyncConnectionPool[Connection]:
        settings = self._settings
        return AsyncConnectionPool(
            without_driver(settings.database_url.get_secret_value()),
            connection_class=self._connection_class,
            kwargs={
                "autocommit": True,
                "prepare_threshold": 0,
                "cursor_factory": AsyncRawCursor,
                "connect_timeout": 3,
                "application_name": "trr_api",
            },
            min_size=least,
            max_size=max(least, settings.pool_max),
            timeout=settings.pool_timeout,
            # Given up soon and begun again by the next request: waits would double for ever.
            reconnect_timeout=settings.pool_timeout,
            max_waiting=1000,
            open=False,
            configure=self._configure_reader if name == "readers" else self._configure,
            name=name,
        )

    async def open(self) -> None:
        """Start connecting. A database that is away now may come later."""
        await self.readers.open(wait=False)
        await self.writers.open(wait=False)

    async def close(self) -> None:
        """Close all connections."""
        await self.readers.close()
        await self.writers.close()

    async def _configure(self, connection: Connection) -> None:
        connection.adapters.register_loader("json", AsBytes)
        connection.prepared_max = 500
        milliseconds = int(self._settings.statement_timeout * 1000)
        # JIT costs more than these short statements.
        await connection.execute(
            "SELECT set_config('statement_timeout', $1, false), set_config('timezone', 'UTC', false), "
            "set_config('jit', 'off', false), "
            "set_config('idle_in_transaction_session_timeout', '60s', false), "
            # Two letters that changed places leave a third of a word's triples.
            "set_config('pg_trgm.strict_word_similarity_threshold', '0.33', false)",
            [str(milliseconds)],
            prepare=False,
        )

    async def _configure_reader(self, connection: Connection) -> None:
        await self._configure(connection)
        await connection.execute(b"SET default_transaction_read_only = on", prepare=False)

    async def fetch(self, query: bytes, values: Sequence[object] = ()) -> list[Row]:
        """The rows of one reading statement with `$1` placeholders, in one round trip.

        A connection that died while nobody used it is replaced, and the statement is sent once more.
        """
        try:
            return await self._fetch(query, values)
        except psycopg.OperationalError as error:
            if isinstance(error, (psycopg.errors.QueryCanceled, PoolTimeout, TooManyRequests)):
                raise
            _log.warning("A connection was lost: %s", " ".join(str(error).split()))
            await self.readers.check()
            return await self._fetch(query, values)

    async def _fetch(self, query: bytes, values: Sequence[object]) -> list[Row]:
        # Not `connection()`: there is no transaction to end, and this is the path of every request.
        connection = await self.readers.getconn()
        try:
            cursor = await connection.execute(query, values)
            return await cursor.fetchall()
        finally:
            await self.readers.putconn(connection)

    def pool(self, *, write: bool) -> AsyncConnectionPool[Connection]:
        """The connections for what one wants to do."""
        return self.writers if write else self.readers

    @asynccontextmanager
    async def transaction(self, *, write: bool = False) -> AsyncIterator[Connection]:
        """Statements that see one state of the catalog, or change it together; rolled back by an exception."""
        async with self.pool(write=write).connection() as connection, connection.transaction():
            yield connection


async def rows(connection: Connection, query: bytes, *values: object) -> list[Row]:
    """The rows of one statement of a transaction."""
    cursor = await connection.execute(query, values)
    return await cursor.fetchall()


def as_problem(error: Exception) -> Problem | None:
    """What a failure of the database is to a caller; None where the statement itself is at fault."""
    if isinstance(error, psycopg.errors.QueryCanceled):
        return Problem("timeout", "The catalog took too long to answer. Ask for less.", headers={"retry-after": "5"})
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return Problem("forbidden", "You may not do this.")
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return Problem("unavailable", AWAY, headers={"retry-after": "2"})
    return None
