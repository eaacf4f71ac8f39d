"""Invented people, and what they write, for the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection


def user(connection: Connection[Any], name: str, role: str = "user") -> UUID:
    """Somebody new."""
    [(found,)] = connection.execute(
        "INSERT INTO users (name, role) VALUES (%s, %s) RETURNING id", [name, role]
    ).fetchall()
    return UUID(str(found))


@contextmanager
def acting(connection: Connection[Any], person: UUID | None) -> Iterator[Connection[Any]]:
    """The API's role in the name of a person; whatever they do is taken back."""
    with connection.transaction(force_rollback=True):
        connection.execute(
            "SELECT set_config('trr.user_id', %s, true), set_config('role', 'trr_api', true)",
            [str(person) if person else ""],
        )
        yield connection


def attempt(connection: Connection[Any], statement: str, values: Sequence[object] = ()) -> int:
    """How many rows a statement reaches; 0 where it is refused."""
    try:
        with connection.transaction():
            return connection.execute(statement.encode(), values).rowcount
    except psycopg.errors.InsufficientPrivilege:
        return 0


def run(coroutine: Any) -> Any:
    return asyncio.run(coroutine)
