"""API keys: who they belong to and what they allow. Only their hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from trr_api.database import Database
from trr_api.keys import queries
from trr_api.problems import Problem

PREFIX: Final = "trr_"


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is valid."""

    id: UUID
    name: str
    scopes: frozenset[str]


def new() -> str:
    """A key that nobody can guess."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).digest()


def given(scope: Mapping[str, Any]) -> str | None:
    """The key in the Authorization header of a request, if it has one."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, key = value.decode("latin-1").partition(" ")
            if scheme.lower() == "bearer" and key.startswith(PREFIX):
                return str(key)
    return None


async def look_up(database: Database, key: str) -> Key:
    """Whose key it is. Problem where it is not known, or was revoked."""
    rows = await database.fetch(queries.BY_HASH, [digest(key)])
    if not rows:
        raise Problem(
            "unauthorized",
            "This API key is not known, or was revoked.",
            headers={"www-authenticate": 'Bearer error="invalid_token"'},
        )
    [(identifier, name, scopes)] = rows
    return Key(identifier, name, frozenset(scopes))


async def by_id(database: Database, identifier: UUID) -> Key | None:
    """A key that somebody has shown before; None where it was revoked."""
    rows = await database.fetch(queries.BY_ID, [identifier])
    return Key(rows[0][0], rows[0][1], frozenset(rows[0][2])) if rows else None
