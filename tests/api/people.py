"""Invented people who call the API, for the tests."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from psycopg import Connection

from serving import Checked
from trr_api.session import Caller


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


def mailed(capsys: pytest.CaptureFixture[str], page: str) -> str:
    """The token in the newest mail, which is sent after its answer."""
    text = ""
    for _ in range(100):
        text += capsys.readouterr().out
        found = re.findall(rf"/{page}\?token=(\S+)", text)
        if found:
            return str(found[-1])
        time.sleep(0.02)
    raise AssertionError(f"no mail came: {text!r}")


class Town:
    """An API, its database, and the people who call it."""

    def __init__(self, app: FastAPI, address: str, connection: Connection[Any]) -> None:
        self.app = app
        self.address = address
        self.connection = connection
        self._checked = Checked(app)
        self._clients: list[httpx.Client] = []

    def client(self, name: str | None = None, role: str = "user") -> httpx.Client:
        """Somebody new with that name, or nobody; every answer is held against its model."""
        headers = {} if name is None else {"authorization": f"Bearer {self.token(user(self.connection, name, role))}"}
        made = httpx.Client(
            base_url=f"{self.address}/api/v1", headers=headers, event_hooks={"response": [self._checked]}
        )
        self._clients.append(made)
        return made

    def close(self) -> None:
        """Hang up."""
        for client in self._clients:
            client.close()

    def token(self, person: UUID) -> str:
        """An access token of a new log-in."""
        [(session,)] = self.connection.execute(
            "INSERT INTO sessions (user_id) VALUES (%s) RETURNING id", [person]
        ).fetchall()
        return str(self.app.state.accounts.tokens.access(Caller(person, session)))

    def one(self, query: str, *values: object) -> Any:
        """The one value that a query finds."""
        [(found,)] = self.connection.execute(query.encode(), values).fetchall()
        return found
