"""Rate limits that several processes share through Redis."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from limits import parse

from serving import settings
from support import free_port, lacking
from trr_api.app import create_app
from trr_api.throttle import limiter


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """A real Redis on loopback."""
    program = shutil.which("redis-server") or lacking("no redis-server")
    port = free_port()
    options = {"port": port, "bind": "127.0.0.1", "save": "", "dir": tmp_path, "logfile": tmp_path / "log"}
    server = subprocess.Popen(
        [program, *(str(part) for name, value in options.items() for part in (f"--{name}", value))]
    )
    deadline = time.monotonic() + 20
    while not (tmp_path / "log").exists() or "Ready to accept" not in (tmp_path / "log").read_text():
        assert time.monotonic() < deadline, "Redis does not start"
        time.sleep(0.02)
    yield f"async+redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait()


def test_two_processes_count_together(redis: str) -> None:
    async def hits() -> list[bool]:
        both = [limiter(settings("postgresql://", rate_storage=redis)) for _ in range(2)]
        found = [await one.hit(parse("3/minute"), "address", "127.0.0.1") for one in both for _ in range(2)]
        for one in both:
            await one.storage.bridge.storage.aclose()
        return found

    assert asyncio.run(hits()) == [True, True, True, False]


def test_while_redis_is_away_the_catalog_is_served_and_nobody_logs_in(caplog: pytest.LogCaptureFixture) -> None:
    away = settings("postgresql://", rate_limit="3/minute", rate_storage=f"async+redis://127.0.0.1:{free_port()}/0")

    async def answers() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(away)), base_url="http://trr") as client:
            login = {"email": "ada@x.example", "password": "a long enough password"}
            return [
                *[await client.get("/problems/internal") for _ in range(4)],
                await client.post("/api/v1/accounts/login", json=login),
            ]

    *served, refused = asyncio.run(answers())
    assert [answer.status_code for answer in served] == [200] * 4
    assert refused.status_code == 503
    assert refused.json()["detail"].startswith("This cannot be done just now")
    assert len([message for message in caplog.messages if "not counted" in message]) == 1
