"""Rate limits that several processes share through Redis."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from limits import parse

from serving import settings
from support import free_port, lacking
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
