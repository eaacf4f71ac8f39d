"""One WebSocket, from its opening to its end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from limits import parse
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from trr_api.config import Settings
from trr_api.database import as_problem
from trr_api.problems import Problem
from trr_api.protocol import LARGEST_MESSAGE
from trr_api.realtime import messages
from trr_api.realtime.events import Event, envelope, error, parts
from trr_api.realtime.hub import Close, Follower
from trr_api.realtime.queries import PERSONAL
from trr_api.realtime.service import Live
from trr_api.session import Caller

SUBPROTOCOL: Final = "trr"
BEARER: Final = "bearer."
"""Begins the other subprotocol, which has the token."""

TOKEN_SECONDS: Final = 10.0
"""So long an address that needs a log-in waits for a token."""
FLUSH_SECONDS: Final = 5.0
"""So long a socket that ends may still take what it is sent."""
LONGEST_REASON: Final = 123
"""Bytes, by RFC 6455."""

GONE: Final = (OSError, WebSocketDisconnect)
"""What sending raises where nobody is there any more."""

Identify = Callable[[str], Awaitable[Caller]]

_log = logging.getLogger(__name__)


class Allowance:
    """So many messages a time: they may come at once, and grow again."""

    def __init__(self, limit: str) -> None:
        self._most = 0 if limit.startswith("0/") else parse(limit).amount
        self._each = parse(limit).get_expiry() / self._most if self._most else 0.0
        self._left = float(self._most)
        self._at = time.monotonic()

    def take(self) -> bool:
        """Whether one more is allowed."""
        if not self._most:
            return True
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) / self._each) - 1
        self._at = now
        return self._left >= 0


class Socket:
    """One client. `fixed` is the topic of an address that follows one thing, from after a seq perhaps."""

    def __init__(
        self, live: Live, identify: Identify, follower: Follower, *, fixed: str | None = None, after: int | None = None
    ) -> None:
        self._live = live
        self._identify = identify
        self._follower = follower
        self._fixed = fixed
        self._after = after
        self._allowance = Allowance(live.settings.live_messages)
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Talk until one of both ends it."""
        follower = self._follower
        if not is_allowed_origin(Headers(scope=scope), self._live.settings):
            follower.close(Close.FORBIDDEN_ORIGIN, "Pages of this origin may not connect.")
        reader = self._start(self._read(scope, receive))
        writer = self._start(self._write(send))
        closed = asyncio.create_task(follower.closed.wait())
        try:
            await asyncio.wait({reader, writer, closed}, return_when=asyncio.FIRST_COMPLETED)
            if follower.closing is not None:
                await asyncio.wait({writer}, timeout=0 if follower.closing[0] is Close.TOO_SLOW else FLUSH_SECONDS)
                writer.cancel()
                await _say_why(send, *follower.closing)
        finally:
            await self._end(closed)

    async def _end(self, *others: asyncio.Task[Any]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        tasks = [*self._tasks, *others]
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        for found in done:
            # Who hangs up in the middle of what we send is no error.
            if isinstance(found, Exception) and not isinstance(found, GONE):
                _log.error("A socket failed", exc_info=found)
        with suppress(psycopg.Error):  # then it is forgotten a little later
            await self._live.depart(self._follower)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        return task

    async def _write(self, send: Send) -> None:
        follower = self._follower
        queue = follower.queue
        while follower.closing is None or queue:
            await follower.wake.wait()
            follower.wake.clear()
            while queue:
                await send({"type": "websocket.send", "text": queue.popleft()})
            follower.idle.set()

    async def _read(self, scope: Scope, receive: Receive) -> None:
        await self._open(scope)
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text") or message.get("bytes") or ""
            if not self._allowance.take():
                self._follower.close(Close.TOO_MUCH, "Too many messages.")
            elif len(text) > LARGEST_MESSAGE:
                self._follower.close(Close.TOO_BIG, f"A message may have {LARGEST_MESSAGE} bytes.")
            else:
                await self._handle(text)

    async def _open(self, scope: Scope) -> None:
        if self._follower.closing is not None:
            return
        if (token := token_of(scope)) is not None:
            await self._told(self._authenticate(token), None)
        elif self._fixed is not None and parts(self._fixed)[0] in PERSONAL:
            self._expire(TOKEN_SECONDS, "This needs a log-in: send a token first.")
        else:
            await self._told(self._follow_fixed(), None)

    async def _handle(self, text: str | bytes) -> None:
        try:
            message = messages.parse(text)
        except Problem as problem:
            self._follower.offer(error(problem))
            return
        await self._told(self._do(message), getattr(message, "topic", None))

    async def _told(self, work: Coroutine[Any, Any, None], topic: str | None) -> None:
        """Do something; what goes wrong is told, and the socket stays."""
        try:
            await work
        except Exception as found:
            problem = found if isinstance(found, Problem) else as_problem(found)
            if problem is None:
                _log.exception("A message on a socket failed")
                problem = Problem("internal", "An error that is ours. It is logged.")
            self._follower.offer(error(problem, topic))

    async def _do(self, message: messages.Message) -> None:
        live, follower = self._live, self._follower
        match message:
            case messages.Authenticate():
                await self._authenticate(message.token)
            case messages.Subscribe():
                await live.follow(follower, [message.topic], message.after)
                await self._join(message.topic, message.presence)
            case messages.Unsubscribe():
                if message.topic not in follower.topics:
                    raise Problem("conflict", f"You do not follow {message.topic[:60]}.")
                await live.unfollow(follower, message.topic)
                follower.offer(envelope("unsubscribed", {}, message.topic))
            case messages.Typing():
                await live.type(follower, message.topic, starts=message.type == "typing_start")
            case messages.Heartbeat():
                follower.offer(envelope("heartbeat", {}))

    async def _authenticate(self, token: str) -> None:
        """Also anew, before a token ends. One that is not good ends the socket."""
        follower = self._follower
        try:
            caller = await self._identify(token)
            if follower.caller.user_id not in {None, caller.user_id}:
                raise Problem("conflict", "This socket is somebody else's. Open another one.")
            # Before the database is asked, which may be away: the socket ends all the same.
            assert caller.expires_at is not None
            self._expire(caller.expires_at - time.time(), "The token has expired. Connect with another one.")
            await self._live.know(follower, caller)
        except Problem as problem:
            code = {"unauthorized": Close.UNAUTHORIZED, "too-many-requests": Close.TOO_MUCH}.get(problem.kind.name)
            if code is None:
                raise
            follower.close(code, problem.detail)
            return
        follower.offer(envelope("authenticated", {"user_id": str(caller.user_id), "expires_at": caller.expires_at}))
        await self._follow_fixed()

    async def _follow_fixed(self) -> None:
        topic, self._fixed = self._fixed, None
        if topic is None:
            return
        topics = [topic]
        kind, identifier = parts(topic)
        after = self._after
        try:
            if kind == "episode":
                # Before they are looked up: those that begin at this moment are told of.
                after = await self._live.now() if after is None else after
                topics += await self._live.threads_of(self._follower, identifier)
                self._follower.on_thread = self._follow_thread
            await self._live.follow(self._follower, topics, after)
            await self._join(topic, None)
        except Problem as problem:
            self._follower.close(Close.NOT_FOUND, problem.detail)
        except psycopg.Error as error_:
            problem_ = as_problem(error_)
            if problem_ is None:
                raise
            self._follower.close(Close.TRY_LATER, problem_.detail)

    def _follow_thread(self, begun: Event) -> None:
        """One that begins while its episode is followed, from its beginning on."""
        topic = f"thread:{begun.payload['thread_id']}"
        if topic not in self._follower.topics:
            task = self._start(self._told(self._live.follow(self._follower, [topic], begun.seq), topic))
            task.add_done_callback(self._tasks.discard)

    async def _join(self, topic: str, wanted: bool | None) -> None:
        kind, _ = parts(topic)
        if wanted is None:
            wanted = kind == "conversation"
        if wanted:
            await self._live.join(self._follower, topic)

    def _expire(self, seconds: float, reason: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        later = asyncio.get_running_loop().call_later
        self._timer = later(max(0.0, seconds), self._follower.close, Close.UNAUTHORIZED, reason)


def is_allowed_origin(headers: Headers, settings: Settings) -> bool:
    """Whether a page may connect: one of ours, or of an origin that is configured. Programs send no origin."""
    origin = headers.get("origin")
    if origin is None or "*" in settings.cors_origins or origin in settings.cors_origins:
        return True
    return urlsplit(origin).netloc == headers.get("host")


def token_of(scope: Scope) -> str | None:
    """The token that came as a subprotocol."""
    offered = (name for name in scope["subprotocols"] if name.startswith(BEARER))
    return next((name.removeprefix(BEARER) for name in offered), None)


async def _say_why(send: Send, code: Close, reason: str) -> None:
    told = reason.encode()[:LONGEST_REASON].decode(errors="ignore")
    with suppress(*GONE, TimeoutError):
        async with asyncio.timeout(FLUSH_SECONDS):
            await send({"type": "websocket.close", "code": int(code), "reason": told})
