"""What a caller does, under the role whose rows PostgreSQL itself guards."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Final
from uuid import UUID

import psycopg
from psycopg import AsyncCursor

from trr_api.database import Database, Row
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


# Who the caller is must be settled as the connection's own user; what follows runs as the role. Whose log-in has ended
# changes nothing, not even what everybody may.
_ENTER: Final = b"""
SELECT set_config('trr.user_id', coalesce((
    SELECT id::text FROM users WHERE id = $1::uuid AND ($2::uuid IS NULL OR EXISTS (
        SELECT FROM sessions WHERE sessions.id = $2::uuid AND user_id = $1::uuid AND revoked_at IS NULL
    ))
), ''), true), set_config('transaction_read_only', CASE
    WHEN $1::uuid IS NOT NULL AND current_setting('trr.user_id', true) = '' THEN 'on'
    ELSE current_setting('transaction_read_only')
END, true), set_config('role', 'trr_api', true)
"""


class Session:
    """What a caller does: statement by statement, each one a transaction, in one round trip with what opens it."""

    def __init__(self, database: Database, caller: Caller, *, write: bool) -> None:
        self.caller = caller
        self._pool = database.pool(write=write)

    async def fetch(self, statement: Statement) -> list[Row]:
        """The rows of a statement; what it changed is kept. Problem where the caller's log-in has ended."""
        # Not `connection()`: there is no transaction left to end.
        connection = await self._pool.getconn()
        try:
            entered = connection.cursor()
            # Until a pipeline ends, its statements are one transaction: no lock waits for us to end it.
            async with connection.pipeline():
                await entered.execute(_ENTER, [self.caller.user_id, self.caller.session_id])
                cursor = await connection.execute(statement.query, statement.values)
            await self._check(entered)
            return await cursor.fetchall()
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction):
            await self._check(entered)  # that the log-in has ended is what there is to say
            raise
        except psycopg.errors.ForeignKeyViolation as error:
            if (error.diag.constraint_name or "").endswith("_users"):
                raise ended() from error  # the account was deleted a moment ago
            raise
        finally:
            await self._pool.putconn(connection)

    async def _check(self, entered: AsyncCursor[Row]) -> None:
        if self.caller.user_id is not None and entered.pgresult is not None:
            [(user, *_)] = await entered.fetchall()
            if not user:
                raise ended()


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
