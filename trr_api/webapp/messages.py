"""Pages of messages: conversations, one of them live, and whom one blocks."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from starlette.responses import Response

from trr_api.pages import site
from trr_api.problems import Problem
from trr_api.tables import LONGEST_MESSAGE
from trr_api.webapp.forms import mistakes
from trr_api.webapp.visits import PREFIX, Fields, Visit, Visitor, site_router

router = site_router()

BLOCKS: Final = 100
NAME: Final = re.compile("[a-z0-9_]{3,30}")


@router.get("/messages")
async def conversations(visit: Visitor) -> Response:
    """The reader's conversations, the one with the newest message first."""
    return await _conversations(visit)


async def _conversations(
    visit: Visit, *, problem: Problem | None = None, given: dict[str, str] | None = None
) -> Response:
    query = site.query_of(visit.address)
    found, blocks = await asyncio.gather(
        visit.api.get("/dms", limit=30, cursor=query.get("cursor")), visit.api.get("/me/blocks", limit=BLOCKS)
    )
    return visit.page(
        "messages.html",
        status=200 if problem is None else problem.kind.status,
        is_kept=False,
        conversations=found["data"],
        more=found["next_cursor"],
        back=query.get("cursor"),
        blocks=blocks["data"],
        problem=problem,
        wrong=mistakes(problem),
        given=given or {"name": query.get("to", "")},
    )


@router.post("/messages")
async def begin_conversation(visit: Visitor, fields: Fields) -> Response:
    """Open the conversation with somebody, by their name."""
    visit.address = f"{PREFIX}/messages"
    name = fields.get("name", "").strip().removeprefix("@").lower()
    try:
        if not NAME.fullmatch(name):  # which would be another address
            raise Problem("not-found", f"There is nobody called {name}.")
        other = await visit.api.get(f"/users/{name}")
        found = await visit.api.send("POST", "/dms", {"other_user_id": other["id"]})
    except Problem as problem:
        if problem.kind.name == "unauthorized":
            raise
        return await _conversations(visit, problem=problem, given=fields)
    return visit.go(f"{PREFIX}/messages/{found['id']}")


@router.get("/messages/{conversation}")
async def conversation(visit: Visitor, conversation: str) -> Response:
    """A conversation with its newest messages, which are read by being shown."""
    return await _conversation(visit, conversation)


async def _conversation(
    visit: Visit, identifier: str, *, problem: Problem | None = None, given: dict[str, str] | None = None
) -> Response:
    place, before = f"/dms/{identifier}", site.query_of(visit.address).get("before")
    found, messages, blocks = await asyncio.gather(
        visit.api.get(place),
        visit.api.get(f"{place}/messages", before=before),
        visit.api.get("/me/blocks", limit=BLOCKS),
    )
    if before is None and found["unread"]:
        await visit.api.send("POST", f"{place}/read", {"number": messages["after"]})
    others = [member for member in found["members"] if visit.me is None or member["user"]["id"] != visit.me["id"]]
    return visit.page(
        "conversation.html",
        status=200 if problem is None else problem.kind.status,
        is_kept=False,
        conversation=found,
        messages=messages["data"],
        older=messages["before"],
        is_newest=before is None,
        read=min((member["read_number"] for member in others), default=0),
        blocked={block["user"]["id"] for block in blocks["data"]},
        once=(given or {}).get("client_message_id") or uuid4(),
        longest=LONGEST_MESSAGE,
        problem=problem,
        wrong=mistakes(problem),
        given=given or {},
    )


@router.post("/messages/{conversation}")
async def send_message(visit: Visitor, conversation: str, fields: Fields) -> Response:
    """Send a message: one, however often its form is sent."""
    wanted = {name: fields[name] for name in ("body", "client_message_id") if fields.get(name)}
    visit.address = f"{PREFIX}/messages/{conversation}"
    try:
        await visit.api.send("POST", f"/dms/{conversation}/messages", {"body": "", **wanted})
    except Problem as problem:
        problem = visit.again(problem)
        if visit.me is None:  # who is nobody has no conversation to show
            return visit.page(
                "unsent.html",
                status=problem.kind.status,
                is_kept=False,
                conversation=conversation,
                once=fields.get("client_message_id") or uuid4(),
                longest=LONGEST_MESSAGE,
                problem=problem,
                given=fields,
            )
        return await _conversation(visit, conversation, problem=problem, given=fields)
    return visit.go(visit.address)


@router.post("/users/{name}/block")
async def block(visit: Visitor, name: str, fields: Fields) -> Response:
    """Block somebody, or take it back."""
    await visit.api.send("DELETE" if fields.get("take_back") else "PUT", f"/me/blocks/{name}")
    return visit.go(visit.address)


@router.get("/events")
async def events(visit: Visitor) -> Response:
    """The stream of events in the reader's name: their browser sends cookies to this address, and no token."""
    topics: list[tuple[str, Any]] = visit.request.query_params.multi_items()
    return visit.api.stream("/events", urlencode(topics), visit.request.headers.get("last-event-id"))
