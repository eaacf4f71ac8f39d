"""/me/avatar."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Request, Response

from trr_api import routing, session
from trr_api.avatars import queries
from trr_api.avatars.keeping import Avatars
from trr_api.database import Database
from trr_api.deps import Catalog, Kept, Somebody
from trr_api.problems import Problem
from trr_api.session import Caller

# Every client can send bytes so; what they are is told by themselves.
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}

router = routing.router("/me/avatar", "accounts", max_body_size=routing.LARGEST_AVATAR)


@router.put("", status_code=204, summary="Choose my picture", openapi_extra=_BODY)
async def change_avatar(request: Request, database: Catalog, caller: Somebody, avatars: Kept) -> Response:
    """JPEG, PNG or WebP, 2 MB at most; the middle of it is kept, 400 pixels wide and high, and nothing else of it."""
    assert caller.user_id is not None
    async with session.session(database, caller, write=False) as opened:
        await opened.fetch(queries.logged_in())  # before anything is kept
    if not (content := await request.body()):
        raise Problem("invalid-body", "Send the bytes of a picture.")
    return await _set(database, caller, avatars, await avatars.keep(caller.user_id, content))


@router.delete("", status_code=204, summary="Take my picture away")
async def delete_avatar(database: Catalog, caller: Somebody, avatars: Kept) -> Response:
    """Whether there was one or not."""
    return await _set(database, caller, avatars, None)


async def _set(database: Database, caller: Caller, avatars: Avatars, url: str | None) -> Response:
    """Show the caller by it. No connection waits for a picture; the one before goes when nobody is shown it."""
    async with session.session(database, caller, write=True) as opened:
        [(before,)] = await opened.fetch(queries.set_avatar(url))
    if before is not None and before != url:
        await avatars.forget(before)
    return Response(status_code=204)
