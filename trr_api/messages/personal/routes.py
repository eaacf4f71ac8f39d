"""/me/unread, /me/message-settings and /me/blocks."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request, Response

from trr_api import routing
from trr_api.answers import personal, personal_page
from trr_api.catalog.schemas import Page
from trr_api.deps import Paging, Session, Somebody
from trr_api.messages.personal import queries
from trr_api.messages.schemas import Block, MessageSettings, Unread
from trr_api.paging import PageParameters
from trr_api.parameters import Parameters
from trr_api.problems import Problem

router = routing.router("/me", "messages", max_body_size=routing.LARGEST_BODY)

Named = Annotated[str, Path(pattern="^[a-z0-9_]{3,30}$", examples=["ada"])]
Nothing = Annotated[Parameters, Query()]


@router.get("/unread", response_model=Unread, summary="How many messages wait for me")
async def get_unread(session: Session, _: Somebody, __: Nothing) -> Response:
    """Over all conversations."""
    [(body,)] = await session.fetch(queries.unread())
    return personal(body)


@router.get("/message-settings", response_model=MessageSettings, summary="Who may write to me")
async def get_message_settings(session: Session, _: Somebody, __: Nothing) -> Response:
    """Everyone, unless the caller said otherwise."""
    [(body,)] = await session.fetch(queries.settings())
    return personal(body)


@router.put("/message-settings", status_code=204, summary="Say who may write to me")
async def change_message_settings(session: Session, _: Somebody, wanted: MessageSettings) -> Response:
    """Conversations that there are go on."""
    await session.fetch(queries.set_writers(wanted.writers))
    return Response(status_code=204)


@router.get("/blocks", response_model=Page[Block], summary="Whom I have blocked")
async def list_blocks(
    request: Request, session: Session, _: Somebody, cursors: Paging, asked: Annotated[PageParameters, Query()]
) -> Response:
    """The newest first."""
    rows = await session.fetch(queries.blocks(asked.limit, cursors.after("blocks", asked.cursor)))
    return personal_page(request, rows[0], cursors, "blocks")


@router.put("/blocks/{name}", status_code=204, summary="Block somebody")
async def block(session: Session, _: Somebody, name: Named) -> Response:
    """What they write to the caller from now on never comes; they are told nothing."""
    if not await session.fetch(queries.block(name)):
        raise Problem("not-found", f"There is nobody else called {name}.")
    return Response(status_code=204)


@router.delete("/blocks/{name}", status_code=204, summary="Take a block back")
async def unblock(session: Session, _: Somebody, name: Named) -> Response:
    """Whether there was one or not. What was written meanwhile does not come after it."""
    await session.fetch(queries.unblock(name))
    return Response(status_code=204)
