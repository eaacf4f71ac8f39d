"""What routes ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from trr_api import keys, session
from trr_api.accounts.service import Accounts
from trr_api.avatars.keeping import Avatars
from trr_api.database import Database
from trr_api.paging import Cursors
from trr_api.problems import Problem
from trr_api.realtime.service import Live
from trr_api.session import Caller


async def _database(request: Request) -> Database:
    found: Database = request.app.state.database
    return found


async def _cursors(request: Request) -> Cursors:
    found: Cursors = request.app.state.cursors
    return found


Catalog = Annotated[Database, Depends(_database)]
Paging = Annotated[Cursors, Depends(_cursors)]


async def _address(request: Request) -> str:
    return request.client.host if request.client else "nobody"


Address = Annotated[str, Depends(_address)]
"""Where the call comes from."""

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


_TOKEN: Final = HTTPBearer(auto_error=False, scheme_name="Token", description="`Authorization: Bearer eyJ…`")


async def _accounts(request: Request) -> Accounts:
    found: Accounts = request.app.state.accounts
    return found


People = Annotated[Accounts, Depends(_accounts)]


async def _avatars(request: Request) -> Avatars:
    found: Avatars = request.app.state.avatars
    return found


Kept = Annotated[Avatars, Depends(_avatars)]
"""Pictures of people."""


async def _live(request: Request) -> Live:
    found: Live = request.app.state.live
    return found


Listening = Annotated[Live, Depends(_live)]
"""Who is told what happens."""


async def _caller(request: Request, accounts: People) -> Caller:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or token.startswith(keys.PREFIX):
        return Caller()
    return await accounts.caller(token.strip())


Anyone = Annotated[Caller, Depends(_caller)]
"""The caller: nobody, where no token came. A token that is not valid is a problem everywhere."""


# Only where a log-in is needed does the document speak of one.
async def _somebody(caller: Anyone, _: Annotated[Any, Depends(_TOKEN)]) -> Caller:
    if caller.user_id is None:
        raise Problem(
            "unauthorized",
            "This needs a log-in: send `Authorization: Bearer` and an access token.",
            headers={"www-authenticate": "Bearer"},
        )
    return caller


Somebody = Annotated[Caller, Depends(_somebody)]


async def _session(request: Request, database: Catalog, caller: Anyone) -> session.Session:
    return session.Session(database, caller, write=request.method != "GET")


Session = Annotated[session.Session, Depends(_session)]
"""What the caller does."""
