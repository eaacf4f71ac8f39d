"""What a caller does: statements of one transaction, under the role whose rows PostgreSQL itself guards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import KW_ONLY, dataclass
from typing import Final
from uuid import UUID

import psycopg
from psycopg import AsyncCursor

from trr_api.database import Connection, Database, Row
from trr_api.problems import Problem
from trr_api.queries import Statement


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a token names; nobody, where there was none."""

    user_id: UUID | None = None
    session_id: UUID | None = None
    """The log-in that the token belongs to; None where an identity provider gave it."""
    _: KW_ONLY
    authenticated_at: float | None = None
    """When they logged in at that provider, as far as it says."""
    expires_at: float | None = None
    """When the token ends, in seconds since 1970, the leeway included."""


# Who the caller is must be settled as the connection's own user; what follows runs as the role.
_ENTER: Final = b"""
SELECT set_config('trr.user_id', coalesce((
    SELECT id::text FROM users WHERE id = $1::uuid AND ($2::uuid IS NULL OR EXISTS (
        SELECT FROM sessions WHERE sessions.id = $2::uuid AND user_id = $1::uuid AND revoked_at IS NULL
    ))
), ''), true), set_config('role', 'trr_api', true)
"""


class Session:
    """A caller's transaction. The first statement goes out together with what opens it: one round trip."""

    def __init__(self, connection: Connection, caller: Caller, entered: AsyncCursor[Row]) -> None:
        self.caller = caller
        self._connection = connection
        self._entered = entered
        self._is_checked = caller.user_id is None

    async def fetch(self, statement: Statement) -> list[Row]:
        """The rows of a statement."""
        cursor = await self._connection.execute(statement.query, statement.values)
        try:
            rows = await cursor.fetchall()
        except psycopg.errors.InsufficientPrivilege:
            await self._check()  # nobody may do little: that the log-in has ended is what there is to say
            raise
        except psycopg.errors.ForeignKeyViolation as error:
            if (error.diag.constraint_name or "").endswith("_users"):
                raise ended() from error  # the account was deleted a moment ago
            raise
        await self._check()
        return rows

    async def _check(self) -> None:
        if self._is_checked:
            return
        [(user, _)] = await self._entered.fetchall()
        if not user:
            raise ended()
        self._is_checked = True


def banned() -> Problem:
    """The caller may write nothing."""
    return Problem("forbidden", "You are banned from writing; /me says why and until when.")


def ended() -> Problem:
    """The token was good once."""
    return Problem(
        "unauthorized",
        "This log-in has ended. Log in again.",
        headers={"www-authenticate": 'Bearer error="invalid_token"'},
    )


@asynccontextmanager
async def session(database: Database, caller: Caller, *, write: bool) -> AsyncIterator[Session]:
    """Open a caller's transaction: committed at the end, in one more round trip, or rolled back by an exception."""
    # Not `connection.transaction()`, which waits for its BEGIN. After an exception the pool's context rolls back. What
    # only reads needs no BEGIN: until a pipeline ends, its statements are one transaction, read-only by default.
    async with database.pool.connection() as connection, connection.pipeline():
        if write:
            await connection.execute(b"BEGIN READ WRITE")
        entered = await connection.execute(_ENTER, [caller.user_id, caller.session_id])
        yield Session(connection, caller, entered)
        if write:
            await connection.execute(b"COMMIT")
