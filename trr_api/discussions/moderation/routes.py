"""/moderation: reports, removals, bans, roles, and the public log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Query, Request, Response

from trr_api import routing
from trr_api.answers import personal_page
from trr_api.catalog.places import Id, id_of
from trr_api.catalog.schemas import Page
from trr_api.deps import Paging, Session, Somebody
from trr_api.discussions.moderation import queries
from trr_api.discussions.schemas import LogEntry, Moderation, NewBan, NewRole, Removal, Report, Verdict
from trr_api.paging import PageParameters
from trr_api.problems import Problem, invalid
from trr_api.queries import Statement

router = routing.router("/moderation", "moderation", max_body_size=routing.LARGEST_BODY)

PostId = Annotated[Id, id_of("post")]
ThreadId = Annotated[Id, id_of("thread")]
ReportId = Annotated[Id, id_of("report")]
Named = Annotated[str, Path(pattern="^[a-z0-9_]{3,30}$", examples=["ada"])]


async def _do(session: Session, statement: Statement, missing: str) -> Response:
    """Call a function of the database, which refuses those whose role is too low."""
    [(done,)] = await session.fetch(statement)
    if not done:
        raise Problem("not-found", missing)
    return Response(status_code=204)


@router.get("/reports", response_model=Page[Report], summary="Reports that are open")
async def list_reports(
    request: Request, session: Session, _: Somebody, cursors: Paging, asked: Annotated[PageParameters, Query()]
) -> Response:
    """For moderators; oldest first."""
    rows = await session.fetch(queries.reports(asked.limit, cursors.after("reports", asked.cursor)))
    if rows[0][0] == b"[]" and not (await session.fetch(queries.is_moderator()))[0][0]:
        raise Problem("forbidden", "This is for moderators.")
    return personal_page(request, rows[0], cursors, "reports")


@router.post("/reports/{report}/resolve", status_code=204, summary="Close a report")
async def resolve_report(session: Session, _: Somebody, report: ReportId, verdict: Verdict) -> Response:
    """With it all others of the same post or message. `upheld` removes that, a message for good.

    The log does not quote who reported it.
    """
    return await _do(session, queries.resolve(report, verdict.outcome), "There is no such open report.")


@router.post("/posts/{post}/remove", status_code=204, summary="Remove a post")
async def remove_post(session: Session, _: Somebody, post: PostId, wanted: Removal) -> Response:
    """Its text is put away; answers stay."""
    return await _do(session, queries.moderate_post(post, True, wanted.reason), "There is no such post.")


@router.post("/posts/{post}/restore", status_code=204, summary="Restore a removed post")
async def restore_removed_post(session: Session, _: Somebody, post: PostId, wanted: Removal) -> Response:
    """What its author deleted stays deleted."""
    return await _do(session, queries.moderate_post(post, False, wanted.reason), "There is no such post.")


@router.patch("/threads/{thread}", status_code=204, summary="Stick, lock, remove or reschedule a thread")
async def moderate_thread(session: Session, _: Somebody, thread: ThreadId, wanted: Moderation) -> Response:
    """And take that back."""
    return await _do(session, queries.moderate_thread(thread, wanted), "There is no such thread.")


@router.post("/bans", status_code=204, summary="Ban somebody from writing")
async def ban(session: Session, _: Somebody, wanted: NewBan) -> Response:
    """Moderators cannot be banned."""
    if wanted.ends_at is not None and wanted.ends_at <= datetime.now(UTC):
        raise invalid("ends_at", "it must be in the future", where="body", kind="invalid-body")
    return await _do(session, queries.ban(wanted), f"There is nobody called {wanted.name} who could be banned.")


@router.delete("/bans/{name}", status_code=204, summary="Let somebody write again")
async def lift_bans(session: Session, _: Somebody, name: Named) -> Response:
    """Ends all bans of theirs."""
    return await _do(session, queries.lift_bans(name, None), f"Nobody called {name} is banned.")


@router.put("/users/{name}/role", status_code=204, summary="Give somebody a role")
async def set_role(session: Session, _: Somebody, name: Named, wanted: NewRole) -> Response:
    """For admins."""
    return await _do(session, queries.set_role(name, wanted.role), f"There is nobody called {name}.")


@router.get("/log", response_model=Page[LogEntry], summary="What moderators did")
async def list_log(
    request: Request, session: Session, cursors: Paging, asked: Annotated[PageParameters, Query()]
) -> Response:
    """For everybody; newest first."""
    rows = await session.fetch(queries.log(asked.limit, cursors.after("log", asked.cursor)))
    return personal_page(request, rows[0], cursors, "log")
