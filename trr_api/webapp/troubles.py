"""What goes wrong around a page, before its own code or after it, as a page too."""

from __future__ import annotations

import json
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trr_api.problems import MEDIA_TYPE, Problem
from trr_api.webapp.visits import PREFIX, Visit

_OWN: Final = frozenset({b"content-type", b"content-length"})
"""Headers of the problem's JSON, which the page has of its own."""


class Troubles:
    """The middleware, outside of all others: too many requests, a method that a page has not, an error of ours."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{PREFIX}/"):
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def show(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                if Headers(raw=message["headers"]).get("content-type") == MEDIA_TYPE:
                    start = message
                    return
            elif start is not None:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    await _answer(scope, receive, send, body, start)
                return
            await send(message)

        await self.app(scope, receive, show)


async def _answer(scope: Scope, receive: Receive, send: Send, body: bytes, start: Message) -> None:
    told = json.loads(body)
    problem = Problem(told["type"].rpartition("/")[2], told["detail"])
    page = Visit(Request(scope)).page("problem.html", status=start["status"], problem=problem, is_recognised=False)
    page.raw_headers += [header for header in start["headers"] if header[0] not in _OWN]
    await page(scope, receive, send)
