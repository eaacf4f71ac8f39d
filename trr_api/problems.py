"""What went wrong, as RFC 9457 says it: one stable type for each kind of mistake, the parameter named."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem. Its name never changes: clients decide by it."""

    name: str
    status: int
    title: str

    @property
    def type(self) -> str:
        """The problem's type, a path of this API that explains it."""
        return f"/problems/{self.name}"


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("invalid-parameter", 422, "A parameter of the request is not valid"),
        Kind("invalid-body", 422, "The body of the request is not valid"),
        Kind("invalid-cursor", 422, "The cursor is not one that this endpoint gave"),
        Kind("unauthorized", 401, "A key or a log-in is needed, and this one is missing or not valid"),
        Kind("forbidden", 403, "The caller may not do this"),
        Kind("not-found", 404, "There is no such thing"),
        Kind("method-not-allowed", 405, "The address does not know this method"),
        Kind("conflict", 409, "The request contradicts what is there"),
        Kind("body-too-large", 413, "The body of the request is too large"),
        Kind("address-too-long", 414, "The address of the request is too long"),
        Kind("too-many-requests", 429, "Too many requests"),
        Kind("headers-too-large", 431, "The headers of the request are too large"),
        Kind("bad-request", 400, "The request cannot be understood"),
        Kind("internal", 500, "Something went wrong here"),
        Kind("unavailable", 503, "The catalog cannot be reached at the moment"),
        Kind("timeout", 503, "The catalog took too long"),
    )
}
_BY_STATUS: Final = {
    kind.status: kind for kind in reversed(KINDS.values()) if kind.name not in {"invalid-body", "timeout"}
}


class Invalid(BaseModel):
    """One parameter that is wrong, and why."""

    where: str = Field(examples=["query"], description="query, path, header or body.")
    parameter: str = Field(examples=["limit"])
    detail: str = Field(examples=["Input should be less than or equal to 100"])


class ProblemDetails(BaseModel):
    """The body of every answer with a status of 400 or more (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(examples=["/problems/invalid-parameter"], description="Stable; decide by it, not by the texts.")
    title: str
    status: int = Field(examples=[422])
    detail: str = Field(description="One sentence: what is wrong, with which input, what to do.")
    instance: str = Field(examples=["/api/v1/shows"])
    request_id: str
    errors: list[Invalid] | None = Field(default=None, description="Every parameter that is wrong.")


class Problem(Exception):
    """Raised anywhere below a route; the caller gets it as `application/problem+json`."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        errors: Sequence[Invalid] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = KINDS[kind]
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})


def invalid(parameter: str, detail: str, *, where: str = "query", kind: str = "invalid-parameter") -> Problem:
    """A parameter that is wrong."""
    return Problem(kind, f"{parameter}: {detail}", errors=[Invalid(where=where, parameter=parameter, detail=detail)])


def content(problem: Problem, instance: str, request_id: str) -> str:
    """The body that tells of a problem."""
    body = {
        "type": problem.kind.type,
        "title": problem.kind.title,
        "status": problem.kind.status,
        "detail": problem.detail,
        "instance": instance,
        "request_id": request_id,
    }
    if problem.errors:
        body["errors"] = [error.model_dump() for error in problem.errors]
    return json.dumps(body)


def respond(problem: Problem, scope: Mapping[str, Any]) -> Response:
    """The problem as an answer to the request of an ASGI scope."""
    body = content(problem, scope["path"], scope.get("request_id", ""))
    return Response(body, problem.kind.status, problem.headers, MEDIA_TYPE)


async def on_problem(request: Request, problem: Exception) -> Response:
    """A Problem raised by a route."""
    assert isinstance(problem, Problem)
    return respond(problem, request.scope)


async def on_validation_error(request: Request, error: Exception) -> Response:
    """Parameters that FastAPI refused, each one named."""
    assert isinstance(error, RequestValidationError)
    return respond(of_validation(error), request.scope)


def of_validation(error: RequestValidationError) -> Problem:
    """The problem with parameters that FastAPI refused."""
    errors = [_invalid(found) for found in error.errors()]
    kind = "invalid-body" if all(found.where == "body" for found in errors) else "invalid-parameter"
    detail = "; ".join(f"{found.parameter}: {found.detail}" for found in errors)
    return Problem(kind, detail, errors=errors)


def _invalid(found: Mapping[str, Any]) -> Invalid:
    where, *place = found["loc"]
    return Invalid(where=str(where), parameter=".".join(map(str, place)) or str(where), detail=in_words(found))


def in_words(found: Mapping[str, Any]) -> str:
    """What is wrong with a value that pydantic refused."""
    if found["type"] == "extra_forbidden":
        return "there is no such parameter"
    return str(found["msg"]).removeprefix("Value error, ")


async def on_http_error(request: Request, error: Exception) -> Response:
    """What the router itself refuses: unknown addresses and methods."""
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code, KINDS["bad-request" if error.status_code < 500 else "internal"])
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if error.status_code == 405:
        headers["allow"] = ", ".join(_allowed(request))
    return respond(Problem(kind.name, f"{error.detail}.", headers=headers), request.scope)


def _allowed(request: Request) -> list[str]:
    """The methods of all routes at an address; the router tells those of the first one."""
    found = {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
    return sorted(found | ({"HEAD"} if "GET" in found else set()))
