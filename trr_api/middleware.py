"""What surrounds every request, as plain ASGI: its id, its numbers, its size, and what became of it."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Final

import psycopg
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trr_api.database import as_problem
from trr_api.metrics import Metrics
from trr_api.problems import Problem, respond
from trr_api.routing import LARGER_BODIES, LARGEST_BODY

LONGEST_ADDRESS: Final = 8_000
"""Bytes of path and query."""
LARGEST_HEADERS: Final = 32_000
MOST_HEADERS: Final = 100

_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger("trr_api.requests")


class Requests:
    """Gives a request its id, counts it, and turns what nobody caught into a problem."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"]
        # HEAD is GET, and the server sends no body.
        scope = {**scope, "request_id": _request_id(scope), "method": "GET" if method == "HEAD" else method}
        given = [(b"x-request-id", scope["request_id"].encode())]
        status = 0
        started = time.perf_counter()

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], *given]}
            await send(message)

        try:
            check_size(scope)
            await self.app(scope, receive, note)
        except Exception as error:  # the last place to tell the caller
            problem = error if isinstance(error, Problem) else as_problem(error)
            if problem is None:
                _log.error(
                    "%s %s failed (request %s)",
                    *(method, scope["path"], scope["request_id"]),
                    exc_info=without_values(error),
                    extra={"request_id": scope["request_id"]},
                )
                problem = Problem("internal", f"An error that is ours. It is logged as {scope['request_id']}.")
            if status:
                raise  # too late for another answer: the connection is cut, which the caller notices
            await respond(problem, scope)(scope, receive, note)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self.metrics.observe(method, route, status, time.perf_counter() - started)


def without_values(error: Exception) -> Exception:
    """An error to be logged: PostgreSQL adds the row that it refused, which may be what somebody wrote."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary is not None:
        return type(error)(error.diag.message_primary).with_traceback(error.__traceback__)
    return error


def check_size(scope: Scope) -> None:
    """Problem for addresses, headers and bodies that nobody sends in earnest."""
    if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_ADDRESS:
        raise Problem("address-too-long", f"The address and its query may have {LONGEST_ADDRESS} bytes.")
    headers = scope["headers"]
    length = next((value for name, value in headers if name == b"content-length"), b"0")
    largest = LARGER_BODIES.get(scope["path"], LARGEST_BODY)
    if length.isdigit() and int(length) > largest:
        raise Problem("body-too-large", f"A body may have {largest} bytes.")
    if len(headers) > MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > LARGEST_HEADERS:
        raise Problem(
            "headers-too-large", f"A request may have {MOST_HEADERS} headers and {LARGEST_HEADERS} bytes of them."
        )


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ID.fullmatch(value):
            return str(value, "ascii")
    return secrets.token_hex(16)
