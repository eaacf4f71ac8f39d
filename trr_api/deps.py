"""What routes ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from trr_api import keys
from trr_api.database import Database
from trr_api.paging import Cursors
from trr_api.problems import Problem


async def _database(request: Request) -> Database:
    found: Database = request.app.state.database
    return found


async def _cursors(request: Request) -> Cursors:
    found: Cursors = request.app.state.cursors
    return found


Catalog = Annotated[Database, Depends(_database)]
Paging = Annotated[Cursors, Depends(_cursors)]

_BEARER: Final = HTTPBearer(auto_error=False, scheme_name="API key", description="`Authorization: Bearer trr_…`")


def needs(scope: str) -> Callable[..., Awaitable[keys.Key]]:
    """A dependency: the caller's API key, which must have the scope. It is looked up anew for every request."""

    async def caller(request: Request, database: Catalog, _: Annotated[Any, Depends(_BEARER)]) -> keys.Key:
        given = keys.given(request.scope)
        if given is None:
            raise Problem(
                "unauthorized",
                "This needs an API key: send `Authorization: Bearer trr_…`.",
                headers={"www-authenticate": "Bearer"},
            )
        key = await keys.look_up(database, given)
        if scope not in key.scopes:
            raise Problem("forbidden", f"The key {key.name!r} lacks the scope {scope}.")
        return key

    return caller
