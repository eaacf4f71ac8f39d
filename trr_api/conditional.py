"""ETag on every GET, 304 where the caller has it already, and HEAD.

An ETag is the hash of the body. A caller who sends one back mostly asks whether anything changed, and mostly nothing
did: where the catalog has not moved since that body was made (`changes.seq`), 304 is sent without making it again. The
seq is asked of the database for every such request, for those that wait at the same moment once.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trr_api.database import Database
from trr_api.queries import LATEST

REMEMBERED: Final = 50_000
"""Bodies whose seq is remembered; some 10 MB."""

TRUSTED_SECONDS: Final = 60.0
"""After this a body is made again all the same: an id that a thing gains elsewhere has no row in `changes`."""

Key = tuple[str, bytes, str]


class Clock:
    """How far the catalog has come."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._next: asyncio.Task[int | None] | None = None
        self._running: asyncio.Task[int | None] | None = None

    async def now(self) -> int | None:
        """The seq at a moment after the call. Callers who come while a question runs share the next one."""
        if self._next is None:
            self._next = asyncio.create_task(self._ask(self._running))
        return await asyncio.shield(self._next)

    async def _ask(self, before: asyncio.Task[int | None] | None) -> int | None:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        [(seq,)] = await self._database.fetch(LATEST)
        found: int | None = seq
        return found


class Conditional:
    """The middleware."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self.app = app
        self.clock = clock
        self._made: OrderedDict[Key, tuple[int, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        wanted = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"if-none-match"), None)
        if wanted is not None and await self._is_current(scope, wanted):
            await _send_not_modified(send, [(b"etag", wanted.encode("latin-1"))])
            return
        start: Message | None = None

        async def tag(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and message["status"] == 200:
                start = message  # held until the body is here
                return
            if start is not None and message["type"] == "http.response.body":
                held, start = start, None
                if not message.get("more_body", False):
                    etag = self._tag(scope, held, message.get("body", b""))
                    if wanted is not None and _matches(wanted, etag):
                        await _send_not_modified(send, _kept(held))
                        return
                await send(held)
            await send(message)

        await self.app(scope, receive, tag)

    async def _is_current(self, scope: Scope, wanted: str) -> bool:
        key = _key(scope, wanted)
        made = self._made.get(key)
        return made is not None and time.monotonic() - made[1] < TRUSTED_SECONDS and made[0] == await self.clock.now()

    def _tag(self, scope: Scope, start: Message, body: bytes) -> str:
        headers = MutableHeaders(scope=start)
        etag = headers.get("etag")
        if etag is None:
            # Weak: a compressed body is not the same byte for byte.
            etag = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
            headers["etag"] = etag
        headers.setdefault("cache-control", "no-cache")
        if (seq := scope.get("catalog_seq")) is not None:
            key = _key(scope, etag)
            self._made[key] = (seq, time.monotonic())
            self._made.move_to_end(key)
            if len(self._made) > REMEMBERED:
                self._made.popitem(last=False)
        return etag


def _key(scope: Scope, etag: str) -> Key:
    return scope["path"], scope["query_string"], etag


def _matches(wanted: str, etag: str) -> bool:
    return wanted.strip() == "*" or etag.removeprefix("W/") in (
        tag.strip().removeprefix("W/") for tag in wanted.split(",")
    )


def _kept(start: Message) -> list[tuple[bytes, bytes]]:
    kept = {b"etag", b"cache-control", b"vary", b"link", b"content-location", b"expires"}
    return [(name, value) for name, value in start["headers"] if name in kept]


async def _send_not_modified(send: Send, headers: list[tuple[bytes, bytes]]) -> None:
    if not any(name == b"cache-control" for name, _ in headers):
        headers = [*headers, (b"cache-control", b"no-cache")]
    await send({"type": "http.response.start", "status": 304, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
