"""What the API is measured beside: Starlette and nothing else, one statement a route, its bytes sent as they come."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, AsyncRawCursor
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trr_api.database import AsBytes


async def _configure(connection: AsyncConnection[Any]) -> None:
    connection.adapters.register_loader("json", AsBytes)
    await connection.execute("SELECT set_config('jit', 'off', false), set_config('timezone', 'UTC', false)")


def create_app() -> Starlette:
    """An application with the routes in BARE_ROUTES: [path, statement, values]; the statement gives the whole body."""
    pool = AsyncConnectionPool(
        os.environ["DATABASE_URL"],
        kwargs={"autocommit": True, "prepare_threshold": 0, "cursor_factory": AsyncRawCursor},
        min_size=2,
        max_size=10,
        open=False,
        configure=_configure,
    )

    def route(query: bytes, values: list[object]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(_: Request) -> Response:
            async with pool.connection() as connection:
                row = await (await connection.execute(query, values)).fetchone()
            assert row is not None
            return Response(row[0], media_type="application/json")

        return answer

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with pool:
            yield

    routes = [
        Route(path, route(query.encode(), values)) for path, query, values in json.loads(os.environ["BARE_ROUTES"])
    ]
    return Starlette(routes=routes, lifespan=lifespan)
