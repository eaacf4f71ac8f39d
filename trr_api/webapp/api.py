"""The API as pages ask it: its own routes, called in this process, in the name of whoever looks at the page.

No page has SQL, rules or rights of its own: what it may show is what the documented address answers to its reader.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from fastapi.exceptions import RequestValidationError
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.background import BackgroundTasks
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trr_api.problems import Problem, of_validation
from trr_api.routing import PREFIX

_TOLD: Final = ("type", "asgi", "http_version", "scheme", "server", "client", "app", "request_id")
"""What an address of the API is told of the page's request."""


class Moved(Exception):
    """The thing has another address: its segment of the path is `new` now, not `old`."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(f"{old} is {new} now")
        self.old = old
        self.new = new


class Api:
    """Calls for one page. `later` is what the routes still do after they answered: mails, for example."""

    def __init__(self, request: Request, token: str | None = None) -> None:
        self.token = token
        self.later = BackgroundTasks()
        self._scope: Scope = {name: request.scope[name] for name in _TOLD if name in request.scope}
        # Below the middleware, which has seen the page's own request: that one counts for limits and metrics.
        self._routes = AsyncExitStackMiddleware(request.app.router)
        self._state = request.scope.get("state", {})

    async def get(self, path: str, **query: Any) -> Any:
        """What an address answers. Parameters that are None are left out. Raises Problem, Moved."""
        given = {name: value for name, value in query.items() if value is not None}
        return json.loads(await self._call("GET", path, urlencode(given)))

    async def maybe(self, path: str, **query: Any) -> Any:
        """The same; None where there is no such thing."""
        try:
            return await self.get(path, **query)
        except Problem as problem:
            if problem.kind.name != "not-found":
                raise
            return None

    async def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What an address answers to JSON. Raises Problem, Moved."""
        found = await self._call(method, path, "", json.dumps(body).encode() if body is not None else b"")
        return json.loads(found) if found else None

    async def file(self, path: str) -> bytes:
        """A file that an address answers with. Raises Problem."""
        return await self._call("GET", path, "")

    def stream(self, path: str, query: str, after: str | None) -> Response:
        """An address's own answer, passed on as it comes; `after` is the Last-Event-ID. Raises nothing yet."""
        headers = [] if after is None else [(b"last-event-id", after.encode("latin-1"))]
        scope = self._scope_of("GET", path, query, headers)
        # What the server must know of the connection (see `protocol`) is noted there.
        return _Passed(self._routes, {**scope, "state": self._state})

    def _scope_of(self, method: str, path: str, query: str, headers: list[tuple[bytes, bytes]]) -> Scope:
        if self.token is not None:
            headers = [*headers, (b"authorization", f"Bearer {self.token}".encode())]
        return {
            **self._scope,
            "method": method,
            "path": PREFIX + path,
            "raw_path": quote(PREFIX + path).encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": headers,
            "state": {},
        }

    async def _call(self, method: str, path: str, query: str, body: bytes = b"") -> bytes:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))] if body else []
        scope = self._scope_of(method, path, query, headers)
        answer = _Answer(body)
        running = asyncio.ensure_future(self._routes(scope, answer.receive, answer.send))
        try:
            await asyncio.wait((running, answer.is_whole), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            running.cancel()
            raise
        if not running.done():
            self.later.add_task(_end, running)
        elif (error := running.exception()) is not None:
            raise of_validation(error) if isinstance(error, RequestValidationError) else error
        if answer.status == 308:
            raise _moved(PREFIX + path, answer.headers[b"location"].decode())
        return answer.content


async def _end(running: asyncio.Future[None]) -> None:
    await running


class _Passed(Response):
    """What an address answers, with the cookies that the page's answer sets."""

    def __init__(self, routes: ASGIApp, inner: Scope) -> None:
        super().__init__()
        self._routes = routes
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        cookies = [header for header in self.raw_headers if header[0] == b"set-cookie"]

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *cookies]}
            await send(message)

        await self._routes(self._inner, receive, add)


class _Answer:
    """Both ends of a call: what is sent, and what comes back."""

    def __init__(self, body: bytes) -> None:
        self.is_whole = asyncio.get_running_loop().create_future()
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.content = b""
        self._body: bytes | None = body

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await asyncio.wait([self.is_whole])
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
            return
        self.content += message.get("body", b"")
        if not message.get("more_body", False):
            self.is_whole.set_result(None)


def _moved(asked: str, location: str) -> Moved:
    segments = zip(asked.split("/"), location.partition("?")[0].split("/"), strict=True)
    old, new = next(pair for pair in segments if pair[0] != pair[1])
    return Moved(old, new)
