"""Tells browsers how running crawls go on: one question to the database every two seconds, however many look."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

import psycopg

from trr_api.crawls import queries
from trr_api.database import Database

EVERY: Final = 2.0
"""Seconds between two looks."""
LONGEST: Final = 60.0
"""Seconds after which a stream ends, and with it the right to see it; browsers ask for another one by themselves."""

_log = logging.getLogger(__name__)


class Progress:
    """Looks while somebody listens. Whoever begins to listen gets what was seen last at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners = 0
        self._news = asyncio.Condition()
        self._seen = ""
        self._number = 0
        self._task: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """End all streams."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def stream(self) -> AsyncIterator[bytes]:
        """Server-sent events: `runs`, a JSON array of those that are running, whenever it changed."""
        self._listeners += 1
        if self._task is None or self._task.done():
            self._number = 0  # what was seen before nobody listened is old
            self._task = asyncio.create_task(self._look())
        known, until = 0, time.monotonic() + LONGEST
        try:
            yield b"retry: 3000\n\n"
            while time.monotonic() < until and not self._task.done():
                # Nothing is sent under the lock: who does not read would hold up everybody else.
                if await self._is_news(known):
                    known, seen = self._number, self._seen
                    yield f"event: runs\nid: {known}\ndata: {seen}\n\n".encode()
                else:
                    yield b": still here\n\n"
        finally:
            self._listeners -= 1

    async def _is_news(self, known: int) -> bool:
        """Wait for something else than is known; False where nothing came for a while."""
        async with self._news:
            if self._number == known:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), EVERY * 5)
        return self._number != known

    async def _look(self) -> None:
        try:
            while self._listeners:
                await self._look_once()
                await asyncio.sleep(EVERY)
        finally:
            async with self._news:
                self._news.notify_all()

    async def _look_once(self) -> None:
        try:
            rows = await self._database.fetch(queries.LIVE)
        except psycopg.Error as error:
            _log.warning("Cannot look at running crawls: %s", " ".join(str(error).split()))
            return
        seen = json.dumps([_told(dict(zip(queries.RUN, row, strict=True))) for row in rows])
        if seen != self._seen or not self._number:
            async with self._news:
                self._seen = seen
                self._number += 1
                self._news.notify_all()


def _told(run: dict[str, Any]) -> dict[str, Any]:
    """What moves of a run."""
    return {
        "id": str(run["id"]),
        "state": run["state"],
        "requests": run["requests"],
        "items_total": run["items_total"],
        "blocks": run["blocks"],
        "heartbeat_at": run["heartbeat_at"].isoformat(),
    }
