"""/changes."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from trr_api import routing
from trr_api.answers import Answer
from trr_api.changes import queries
from trr_api.changes.schemas import Changes, ChangesParameters
from trr_api.deps import Catalog
from trr_api.listener import CHANGES, Listener
from trr_api.paging import address
from trr_api.parameters import split
from trr_api.problems import invalid

router = routing.router("/changes", "changes")


async def _listener(request: Request) -> Listener:
    found: Listener = request.app.state.listener
    return found


@router.get("", response_model=Changes, summary="What changed since")
async def list_changes(
    request: Request,
    database: Catalog,
    listener: Annotated[Listener, Depends(_listener)],
    asked: Annotated[ChangesParameters, Query()],
) -> Response:
    """Changes in the order of commits. Who goes on from `next_after` misses none and sees none twice."""
    statement = queries.changes(asked.after, asked.limit, split(asked.kind))
    until = time.monotonic() + asked.wait
    while True:
        called = listener.next(CHANGES) if asked.wait else None
        [(data, place, latest)] = await database.fetch(statement.query, statement.values)
        if asked.after > latest:
            detail = f"the catalog has come to {latest} only; if it was made anew, start again from 0"
            raise invalid("after", detail, kind="conflict")
        left = until - time.monotonic()
        if data != b"[]" or place < latest or called is None or left <= 0:
            return Answer(
                b'{"data":%b,"next_after":%d,"more":%b}' % (data, place, b"true" if place < latest else b"false"),
                headers={"link": f'<{address(request, after=place)}>; rel="next"'},
            )
        await asyncio.wait([called], timeout=left)
