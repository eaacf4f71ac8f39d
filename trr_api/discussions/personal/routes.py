"""/me/notifications and /me/progress."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from trr_api import routing
from trr_api.answers import personal, personal_page
from trr_api.catalog.places import ShowKey, led_on
from trr_api.catalog.queries import elsewhere
from trr_api.catalog.schemas import Page
from trr_api.deps import Paging, Session, Somebody
from trr_api.discussions.personal import queries
from trr_api.discussions.schemas import MarksParameters, Notification, Progress, ReadUpTo
from trr_api.parameters import Parameters
from trr_api.problems import Problem

router = routing.router("/me", "discussions", max_body_size=routing.LARGEST_BODY)


@router.get("/notifications", response_model=Page[Notification], summary="Who answered or mentioned me")
async def list_notifications(
    request: Request, session: Session, _: Somebody, cursors: Paging, asked: Annotated[MarksParameters, Query()]
) -> Response:
    """Newest first; without those of posts that are not shown, see `spoilers`."""
    scope = f"notifications {asked.unread}"
    rows = await session.fetch(queries.notifications(asked, cursors.after(scope, asked.cursor)))
    return personal_page(request, rows[0], cursors, scope)


@router.post("/notifications/read", status_code=204, summary="Mark notifications as read")
async def read_notifications(session: Session, _: Somebody, seen: ReadUpTo) -> Response:
    """One and all before it."""
    if not await session.fetch(queries.read_up_to(seen.id, spoilers=seen.spoilers)):
        raise Problem("not-found", "There is no such notification.")
    return Response(status_code=204)


@router.get("/progress/{show}", response_model=Progress, summary="How far I watched a show")
async def get_progress(session: Session, _: Somebody, show: ShowKey, __: Annotated[Parameters, Query()]) -> Response:
    """The last episode that the caller saw."""
    rows = await session.fetch(queries.progress(show))
    if not rows:
        raise Problem("not-found", "You did not say how far you watched this show.")
    return personal(rows[0][0])


@router.put("/progress/{show}", status_code=204, summary="Say how far I watched a show")
async def set_progress(request: Request, session: Session, _: Somebody, show: ShowKey, seen: Progress) -> Response:
    """From now on, what is about later episodes is hidden."""
    if not await session.fetch(queries.set_progress(show, seen.season_number, seen.episode_number)):
        return led_on(request, "show", show, await session.fetch(elsewhere("show", show)))
    return Response(status_code=204)


@router.delete("/progress/{show}", status_code=204, summary="Hide nothing about a show")
async def forget_progress(session: Session, _: Somebody, show: ShowKey) -> Response:
    """Whether something was noted or not."""
    await session.fetch(queries.forget_progress(show))
    return Response(status_code=204)
