"""The API on a socket of loopback, with its answers checked and its round trips counted."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import IO, Any

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.routing import APIRoute
from psycopg import AsyncConnection, AsyncPipeline
from psycopg.waiting import Wait
from starlette.routing import Match

from support import ROOT, free_port
from trr_api.config import Settings
from trr_api.problems import ProblemDetails
from trr_api.protocol import Protocol, sockets


class Counted(AsyncConnection[Any]):
    """A connection that counts how often it waited for an answer of the server; sending alone is no round trip."""

    trips = 0

    async def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        return await super().wait(_noted(gen), *arguments, **options)

    @asynccontextmanager
    async def pipeline(self) -> AsyncIterator[AsyncPipeline]:
        before = Counted.trips
        async with super().pipeline() as opened:
            yield opened
        # Its end is answered; the answer may have been there before anybody waited.
        Counted.trips = max(Counted.trips, before + 1)


def _noted(waiting: Any) -> Generator[Any, Any, Any]:
    """The same generator, counted once if it waits to read: one that only sends, or finds nothing to do, does not."""
    has_waited = False
    try:
        wanted = next(waiting)
        while True:
            if wanted == Wait.R and not has_waited:
                has_waited = True
                Counted.trips += 1
            wanted = waiting.send((yield wanted))
    except StopIteration as end:
        return end.value


def settings(url: str, **values: Any) -> Settings:
    """Settings for tests: no rate limit."""
    return Settings(**{"database_url": url, "rate_limit": "0/minute", "secret": "a secret of the tests", **values})


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Run the application in a thread; yields its address."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            port=0,
            log_config=None,
            server_header=False,
            lifespan="on",
            http=Protocol,
            **sockets(app.state.settings),
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


class Checked:
    """A hook that holds every answer against the contract: the route's model, or a problem."""

    def __init__(self, app: FastAPI) -> None:
        self.routes = [route for route in _routes(app) if isinstance(route, APIRoute)]

    def __call__(self, response: httpx.Response) -> None:
        response.read()
        assert response.headers["x-request-id"]
        assert response.status_code not in {500, 502}, response.text
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/problem+json"
            problem = ProblemDetails.model_validate_json(response.content)
            assert problem.status == response.status_code
            assert problem.request_id == response.headers["x-request-id"]
        elif response.status_code in {200, 201} and "json" in response.headers["content-type"]:
            assert response.request.method != "GET" or response.headers["etag"]
            model = self._model(response.request)
            if model is not None and "fields" not in response.request.url.params:
                model.model_validate_json(response.content)

    def _model(self, request: httpx.Request) -> Any:
        scope = {"type": "http", "path": request.url.path, "method": request.method, "headers": []}
        for route in self.routes:
            if route.matches(scope)[0] == Match.FULL:
                return route.response_model
        return None


def _routes(app: FastAPI) -> list[Any]:
    return list(app.routes)


@contextmanager
def process(
    url: str, log: int | IO[bytes] = subprocess.DEVNULL, **environment: str
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start the real command; yields it with its address, once it answers."""
    port = free_port()
    started = subprocess.Popen(
        [sys.executable, "-m", "trr_api"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "TRR_API_PORT": str(port), **environment},
        stdout=subprocess.DEVNULL,
        stderr=log,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: httpx.get(f"{address}/readyz").status_code == 200)
        yield started, address
    finally:
        started.terminate()  # not killed: its workers would stay
        started.wait(timeout=30)


def wait_for(true: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something that a server is to do."""
    until = time.monotonic() + seconds
    while True:
        try:
            if true():
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < until
        time.sleep(0.1)
