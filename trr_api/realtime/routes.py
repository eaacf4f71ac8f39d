"""/ws and /events."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response, WebSocket
from starlette.types import Receive, Scope, Send

from trr_api import routing
from trr_api.deps import Anyone
from trr_api.problems import Problem
from trr_api.realtime.hub import Follower
from trr_api.realtime.schemas import EventsParameters
from trr_api.realtime.service import Live
from trr_api.realtime.sockets import SUBPROTOCOL, Socket

KEEP_ALIVE_SECONDS: Final = 15.0
RETRY_MILLISECONDS: Final = 2000

router = routing.router("", "live")

After = Annotated[int | None, Query(ge=0, lt=2**63)]


async def _live(request: Request) -> Live:
    found: Live = request.app.state.live
    return found


@router.websocket("/ws")
async def follow_anything(socket: WebSocket) -> None:
    """One socket, many topics."""
    await _talk(socket, None, None)


@router.websocket("/ws/discussions/episodes/{episode}")
async def follow_episode(socket: WebSocket, episode: UUID, after: After = None) -> None:
    """An episode's threads, those that begin meanwhile, and their posts."""
    await _talk(socket, f"episode:{episode}", after)


@router.websocket("/ws/dms/{conversation}")
async def follow_conversation(socket: WebSocket, conversation: UUID, after: After = None) -> None:
    """A conversation of the caller's."""
    await _talk(socket, f"conversation:{conversation}", after)


async def _talk(socket: WebSocket, fixed: str | None, after: int | None) -> None:
    live: Live = socket.app.state.live
    is_offered = SUBPROTOCOL in socket.scope["subprotocols"]
    # Whatever is wrong is told by a code, which a browser's page sees of an open socket only.
    await socket.accept(subprotocol=SUBPROTOCOL if is_offered else None)
    with live.follower(socket.client.host if socket.client else "nobody") as follower:
        talk = Socket(live, socket.app.state.accounts.caller, follower, fixed=fixed, after=after)
        await talk.run(socket.scope, socket.receive, socket.send)


@router.get(
    "/events",
    response_class=Response,
    summary="Events as a stream",
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream_events(
    request: Request,
    live: Annotated[Live, Depends(_live)],
    caller: Anyone,
    asked: Annotated[EventsParameters, Query()],
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,18}$")] = None,
) -> Response:
    """Server-sent events, for those who only read. Goes on after `Last-Event-ID`, or after `after`."""
    after = asked.after if last_event_id is None else int(last_event_id)
    async with AsyncExitStack() as stack:
        follower = stack.enter_context(live.follower(request.client.host if request.client else "nobody"))
        if follower.closing is not None:
            raise Problem("too-many-requests", follower.closing[1], headers={"retry-after": "30"})
        if caller.user_id is not None:
            await live.know(follower, caller)
        since = await live.admit(follower, list(dict.fromkeys(asked.topic)))
        request.state.is_endless = True  # see `protocol`
        return EventStream(follower, live.begin(follower, since, after), stack.pop_all())


class EventStream(Response):
    """What a follower is sent from the beginning on, until the caller hangs up."""

    media_type = "text/event-stream"

    def __init__(self, follower: Follower, beginning: Coroutine[Any, Any, None], stack: AsyncExitStack) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._follower = follower
        self._beginning = beginning
        self._stack = stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        async with self._stack:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            tasks = [asyncio.create_task(work) for work in (self._write(send), _gone(receive), self._ended())]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(OSError):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, send: Send) -> None:
        follower, queue = self._follower, self._follower.queue
        text = f"retry: {RETRY_MILLISECONDS}\n\n"
        while True:
            while queue:
                text += _frame(queue.popleft())
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            follower.idle.set()
            follower.wake.clear()
            text = ""
            # Not `wait_for`, which in Python 3.11 forgets that it was cancelled if the event comes at that moment.
            with suppress(TimeoutError):
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    await follower.wake.wait()
            if not queue:
                text = ": still here\n\n"

    async def _ended(self) -> None:
        """A token that has ended, or a reader that is too slow."""
        await self._beginning
        expires_at = self._follower.caller.expires_at
        with suppress(TimeoutError):
            async with asyncio.timeout(None if expires_at is None else max(0.0, expires_at - time.time())):
                await self._follower.closed.wait()


def _frame(text: str) -> str:
    seq = json.loads(text)["seq"]
    return f"data: {text}\n\n" if seq is None else f"id: {seq}\ndata: {text}\n\n"


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
