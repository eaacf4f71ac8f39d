"""/me/avatar, and what moderators do about those of others."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Path, Request, Response

from trr_api import routing
from trr_api.avatars import queries
from trr_api.avatars.keeping import Avatars
from trr_api.deps import Kept, Session, Somebody
from trr_api.problems import Problem
from trr_api.session import banned

# Every client can send bytes so; what they are is told by themselves.
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}

router = routing.router("/me/avatar", "accounts", max_body_size=routing.LARGEST_AVATAR)
moderation = routing.router("/moderation/users", "moderation")

Named = Annotated[str, Path(pattern="^[a-z0-9_]{3,30}$", examples=["ada"])]


@router.put("", status_code=204, summary="Choose my picture", openapi_extra=_BODY)
async def change_avatar(request: Request, session: Session, caller: Somebody, avatars: Kept) -> Response:
    """JPEG, PNG or WebP, 2 MB at most; the middle of it is kept, 400 pixels wide and high, and nothing else of it."""
    assert caller.user_id is not None
    [(is_banned,)] = await session.fetch(queries.is_banned())  # before anything is kept
    if is_banned:
        raise banned()
    if not (content := await request.body()):
        raise Problem("invalid-body", "Send the bytes of a picture.")
    url = await avatars.keep(caller.user_id, content)
    try:
        return await _set(session, avatars, url)
    except Problem:  # they were banned, or their log-in has ended, meanwhile
        await avatars.forget(url)
        raise


@router.delete("", status_code=204, summary="Take my picture away")
async def delete_avatar(session: Session, _: Somebody, avatars: Kept) -> Response:
    """Whether there was one or not."""
    return await _set(session, avatars, None)


@moderation.delete("/{name}/avatar", status_code=204, summary="Take somebody's picture away")
async def take_avatar(session: Session, _: Somebody, avatars: Kept, name: Named) -> Response:
    """For moderators. Whoever is not banned may choose another one."""
    rows = await session.fetch(queries.take_avatar(name))
    if not rows:
        raise Problem("not-found", f"There is nobody called {name}.")
    return await _forget(avatars, rows[0][0])


async def _set(session: Session, avatars: Avatars, url: str | None) -> Response:
    """Show the caller by it."""
    rows = await session.fetch(queries.set_avatar(url))
    if not rows:
        raise banned()
    return await _forget(avatars, rows[0][0])


async def _forget(avatars: Avatars, before: str | None) -> Response:
    """The one before goes when nobody is shown it."""
    if before is not None:
        await avatars.forget(before)
    return Response(status_code=204)
