"""/ws and /events."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from typing import Annotated, Any, Final

from fastapi import Header, Query, Request, Response, WebSocket
from starlette.types import Receive, Scope, Send

from trr_api import routing
from trr_api.deps import Anyone, Listening
from trr_api.problems import Problem
from trr_api.realtime.hub import Close, Follower
from trr_api.realtime.relay import note
from trr_api.realtime.schemas import SEQ, TOPIC, EventsParameters
from trr_api.realtime.service import Live
from trr_api.realtime.sockets import FLUSH_SECONDS, SUBPROTOCOL, Socket

KEEP_ALIVE_SECONDS: Final = 15.0
RETRY_MILLISECONDS: Final = 2000

router = routing.router("", "live")


@router.websocket("/ws")
async def follow_anything(socket: WebSocket) -> None:
    """One socket, many topics."""
    await _talk(socket)


@router.websocket("/ws/discussions/episodes/{episode}")
async def follow_episode(socket: WebSocket, episode: str) -> None:
    """An episode's threads, those that begin meanwhile, and their posts."""
    await _talk(socket, f"episode:{episode}")


@router.websocket("/ws/dms/{conversation}")
async def follow_conversation(socket: WebSocket, conversation: str) -> None:
    """A conversation of the caller's."""
    await _talk(socket, f"conversation:{conversation}")


async def _talk(socket: WebSocket, fixed: str | None = None) -> None:
    live: Live = socket.app.state.live
    is_offered = SUBPROTOCOL in socket.scope["subprotocols"]
    # Whatever is wrong is told by a code, which a browser's page sees of an open socket only.
    await socket.accept(subprotocol=SUBPROTOCOL if is_offered else None)
    with live.follower(socket.client.host if socket.client else "nobody") as follower:
        after = socket.query_params.get("after", "")
        is_right = SEQ.fullmatch(after) and (fixed is None or TOPIC.fullmatch(fixed))
        if not is_right:
            follower.close(Close.NOT_FOUND, "There is no such thing: the id or `after` is none.")
        identify = socket.app.state.accounts.caller
        talk = Socket(live, identify, follower, fixed=fixed, after=int(after) if is_right and after else None)
        await talk.run(socket.scope, socket.receive, socket.send)


@router.get(
    "/events",
    response_class=Response,
    summary="Events as a stream",
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream_events(
    request: Request,
    live: Listening,
    caller: Anyone,
    asked: Annotated[EventsParameters, Query()],
    last_event_id: Annotated[str, Header(pattern=SEQ.pattern)] = "",
) -> Response:
    """Server-sent events, for those who only read. Goes on after `Last-Event-ID`, or after `after`."""
    after = int(last_event_id) if last_event_id else asked.after
    async with AsyncExitStack() as stack:
        follower = stack.enter_context(live.follower(request.client.host if request.client else "nobody"))
        if follower.closing is not None:
            raise Problem("too-many-requests", follower.closing[1], headers={"retry-after": "30"})
        if caller.user_id is not None:
            await live.know(follower, caller)
        topics = list(dict.fromkeys(asked.topic))
        await live.admit(follower, topics)
        request.state.is_endless = True  # see `protocol`
        return EventStream(follower, live.begin(follower, topics, after), stack.pop_all())


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
                for found in await asyncio.gather(*tasks, return_exceptions=True):
                    if isinstance(found, Exception) and not isinstance(found, OSError):  # who hangs up is none
                        note("A stream of events failed", found)
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(FLUSH_SECONDS):  # who takes nothing is not waited for
                    await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, send: Send) -> None:
        follower, queue = self._follower, self._follower.queue
        text = f"retry: {RETRY_MILLISECONDS}\n\n"
        while follower.closing is None or queue:
            follower.wake.clear()  # before: what comes while it sends wakes it again
            while queue:
                text += _frame(queue.popleft())
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            follower.idle.set()
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
            seconds = None if expires_at is None else max(0.0, expires_at - time.time())
            async with asyncio.timeout(seconds):
                await self._follower.closed.wait()


def _frame(text: str) -> str:
    seq = json.loads(text)["seq"]
    return f"data: {text}\n\n" if seq is None else f"id: {seq}\ndata: {text}\n\n"


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
