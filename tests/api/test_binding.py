"""Routes that only read answer as FastAPI's own would."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from serving import settings
from trr_api.app import create_app
from trr_api.binding import BoundRoute
from trr_api.catalog.places import Number, ShowKey
from trr_api.parameters import Day, Names, Parameters
from trr_api.problems import on_validation_error


class Asked(Parameters):
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    first: Day | None = Field(default=None, alias="from")
    fields: Annotated[str | None, Names(["id", "title"])] = None
    quick: bool = False


async def _held(request: Request) -> str:
    return str(request.app.title)


async def read(
    request: Request,
    held: Annotated[str, Depends(_held)],
    show: ShowKey,
    number: Number,
    asked: Annotated[Asked, Query()],
) -> Response:
    return JSONResponse(
        [held, str(show), type(show).__name__, number, asked.model_dump(mode="json"), str(request.url.path)]
    )


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: Annotated[str, Field(max_length=10)]
    number: int | None = None


async def write(held: Annotated[str, Depends(_held)], number: Number, wanted: Wanted) -> Response:
    return JSONResponse([held, number, wanted.model_dump()])


def app_with(route: type[APIRoute]) -> FastAPI:
    app = FastAPI(title="held", exception_handlers={RequestValidationError: on_validation_error})
    app.router.routes.append(route("/shows/{show}/{number}", read, methods=["GET"]))
    app.router.routes.append(route("/shows/{number}", write, methods=["POST"]))
    return app


OURS, FASTAPIS = app_with(BoundRoute), app_with(APIRoute)

NAMES = st.sampled_from(["limit", "from", "first", "fields", "quick", "other", "LIMIT", ""])
TEXTS = st.one_of(
    st.sampled_from(["1", "100", "101", "0", "-1", "1e3", " 7", "", "id", "id,title", "title,", "true", "2026-11-28"]),
    st.text(max_size=5),
)


@example("a-show", "1", [])
@example("a-show", "1", [("limit", "3"), ("limit", "4")])
@example("a-show", "1", [("limit", "x"), ("fields", "no"), ("other", "1"), ("other", "2")])
@example("A Show", "-1", [("limit", "0")])
@given(
    st.one_of(st.sampled_from(["a-show", "0199c0de-0000-7000-8000-000000000001"]), st.text("aB-1é", min_size=1)),
    st.sampled_from(["1", "0", "-1", "x", "1.0", "100001", "٣"]),
    st.lists(st.tuples(NAMES, TEXTS), max_size=4),
)
def test_an_answer_is_that_of_fastapis_own_route(show: str, number: str, query: list[tuple[str, str]]) -> None:
    address = f"/shows/{quote(show, safe='')}/{quote(number)}?{urlencode(query)}"
    assert answer(OURS, "GET", address) == answer(FASTAPIS, "GET", address)


KINDS = st.sampled_from(
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/vnd.x+json",
        "text/json",
        "text/plain",
        "",
        "x",
    ]
)
BODIES = st.one_of(
    st.sampled_from([b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff", b"[" * 100_000, b"NaN", b'{"title":"x"} {}']),
    st.binary(max_size=10),
    st.dictionaries(
        st.sampled_from(["title", "number", "other"]),
        st.one_of(st.none(), st.integers(), st.text(max_size=12), st.lists(st.integers(), max_size=1)),
    ).map(lambda given: json.dumps(given).encode()),
)


@example("1", "application/json", b'{"title": "Well", "number": 3}')
@example("x", "application/json", b'{"title": "Well", "number": "x"}')
@given(st.sampled_from(["1", "x"]), KINDS, BODIES)
def test_a_body_is_read_as_fastapis_own_route_reads_it(number: str, kind: str, body: bytes) -> None:
    headers = {"content-type": kind} if kind else {}
    ours, theirs = (answer(app, "POST", f"/shows/{number}", headers, body) for app in (OURS, FASTAPIS))
    assert ours == theirs


def answer(
    app: FastAPI, method: str, address: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> tuple[int, Any]:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://trr") as client:
            return await client.request(method, address, headers=headers, content=body)

    found = asyncio.run(ask())
    return found.status_code, found.json()


def test_the_routes_that_are_asked_for_most_are_read_by_it() -> None:
    app = create_app(settings("postgresql://"))
    read_by_it = {route.path for route in app.routes if isinstance(route, BoundRoute) and route.is_bound}
    assert {
        "/api/v1/shows",
        "/api/v1/shows/{show}",
        "/api/v1/shows/{show}/seasons/{number}/episodes",
        "/api/v1/shows/{show}/credits",
        "/api/v1/people/{person}",
        "/api/v1/search",
        "/api/v1/changes",
        "/api/v1/threads/{thread}/posts",
        "/api/v1/dms/{conversation}/messages",
        "/api/v1/posts/{post}/reactions/{reaction}",
        "/api/v1/me/unread",
    } <= read_by_it


@pytest.mark.parametrize("hint", [Annotated[str, Depends(lambda: "x")], int, list[int]])
def test_a_route_that_asks_for_more_is_left_to_fastapi(hint: Any) -> None:
    async def more(request: Request, other) -> Response:  # type: ignore[no-untyped-def]
        return JSONResponse(other)

    more.__annotations__["other"] = hint
    assert not BoundRoute("/more", more, methods=["GET"]).is_bound
