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


class Person:
    """Somebody who writes and reads."""

    def __init__(self, town: Town, name: str, role: str = "user") -> None:
        self.name = name
        self.client = town.client(name, role)
        self.id = str(self.client.get("/me").json()["id"])

    def writes_to(self, other: Person) -> str:
        """The id of the conversation with them."""
        return self._made(self.client.post("/dms", json={"other_user_id": other.id}), {200, 201})

    def founds(self, *others: Person, title: str = "Pier crew") -> str:
        """The id of a group with them."""
        wanted = {"title": title, "member_ids": [other.id for other in others]}
        return self._made(self.client.post("/dm-groups", json=wanted), {201})

    def sends(self, conversation: str, body: str = "Well.", name: object = None) -> dict[str, Any]:
        """The message."""
        named = {} if name is None else {"client_message_id": str(name)}
        answer = self.client.post(f"/dms/{conversation}/messages", json={"body": body, **named})
        assert answer.status_code in {200, 201}, answer.text
        return dict(answer.json())

    def sees(self, conversation: str, query: str = "") -> list[str]:
        """The texts of a page, newest first."""
        answer = self.client.get(f"/dms/{conversation}/messages{query}")
        assert answer.status_code == 200, answer.text
        return [message["body"] for message in answer.json()["data"]]

    def has(self, conversation: str) -> dict[str, Any]:
        """The conversation, as they see it."""
        answer = self.client.get(f"/dms/{conversation}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def reads(self, conversation: str, number: int) -> dict[str, Any]:
        """The receipt."""
        answer = self.client.post(f"/dms/{conversation}/read", json={"number": number})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def _made(self, answer: httpx.Response, statuses: set[int]) -> str:
        assert answer.status_code in statuses, answer.text
        return str(answer.json()["id"])
