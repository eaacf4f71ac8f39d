"""The things in addresses: an id or a slug in, 308 or 404 out where they are not there any more."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Path
from pydantic import PlainValidator, WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from trr_api.answers import Answer, paged
from trr_api.catalog import queries
from trr_api.database import Database
from trr_api.paging import Cursors
from trr_api.problems import Problem
from trr_api.queries import Statement

Key = UUID | str
"""A UUID, or a slug."""

_UUID: Final = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_SLUG: Final = "[a-z0-9]+(-[a-z0-9]+)*"
_LONGEST: Final = 100


def is_id(text: str) -> bool:
    """Whether a text is an id of the catalog."""
    return _UUID.fullmatch(text) is not None


def uuid(text: Any) -> UUID:
    """An id as text. ValueError for anything else, also for the other spellings that Python's UUID takes."""
    if isinstance(text, str) and _UUID.fullmatch(text):
        return UUID(text)
    raise ValueError("it is no id (a UUID)")


def key(text: Any) -> Key:
    """What an address names: a UUID, or a slug. ValueError for what is neither."""
    if isinstance(text, str) and _UUID.fullmatch(text):
        return UUID(text)
    if isinstance(text, str) and len(text) <= _LONGEST and re.fullmatch(_SLUG, text):
        return text
    raise ValueError("it is neither an id (a UUID) nor a slug (small letters, digits and single hyphens)")


_KEY_SCHEMA: Final = WithJsonSchema({"type": "string", "pattern": f"^{_SLUG}$", "maxLength": _LONGEST})
_ID_SCHEMA: Final = WithJsonSchema({"type": "string", "format": "uuid"})

Id = Annotated[UUID, PlainValidator(uuid), _ID_SCHEMA]
ShowKey = Annotated[
    Key, PlainValidator(key), _KEY_SCHEMA, Path(description="Id or slug of the show.", examples=["harbour-hearts"])
]
PersonKey = Annotated[
    Key, PlainValidator(key), _KEY_SCHEMA, Path(description="Id or slug of the person.", examples=["mara-lindqvist"])
]


Number = Annotated[int, Path(ge=0, le=100_000, description="Number of the season; 0 has the specials.", examples=[1])]


def id_of(thing: str) -> Any:
    """What describes an id in an address."""
    return Path(description=f"Id of the {thing}.", examples=["0199c0de-0000-7000-8000-000000000001"])


async def one(database: Database, request: Request, statement: Statement, kind: str, named: Key) -> Response:
    """The answer to a `queries.one` statement; see `moved` for where it finds nothing."""
    rows = await database.fetch(statement.query, statement.values)
    return Answer(*rows[0]) if rows else await moved(database, request, kind, named)


async def some(
    database: Database, request: Request, cursors: Cursors, statement: Statement, scope: str, kind: str, named: Key
) -> Response:
    """The answer to a `queries.page` statement within something; see `moved` for where that is not found."""
    rows = await database.fetch(statement.query, statement.values)
    return paged(request, rows[0], cursors, scope) if rows else await moved(database, request, kind, named)


async def moved(database: Database, request: Request, kind: str, named: Key) -> Response:
    """What to answer where nothing was found: 308 if the thing is one with another now, or was renamed.

    Problem where it never was, or is there and what was asked of it is not.
    """
    statement = queries.elsewhere(kind, named)
    rows = await database.fetch(statement.query, statement.values)
    if not rows:
        raise Problem("not-found", f"The catalog has no {kind.replace('_', ' ')} {named}.")
    place, is_here = rows[0]
    if is_here:
        raise Problem("not-found", f"The {kind.replace('_', ' ')} {named} is there, but has no {request.url.path}.")
    path = request.url.path.replace(f"/{named}", f"/{place}", 1)
    query = request.url.query
    return Response(status_code=308, headers={"location": f"{path}?{query}" if query else path})
