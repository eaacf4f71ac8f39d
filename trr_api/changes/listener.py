"""Wakes who waits for changes: one connection a process listens, however many callers wait."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import psycopg
from psycopg import AsyncConnection

from trr_api.changes import queries
from trr_api.config import Settings
from trr_crawl.database import without_driver

RETRY_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


class Listener:
    """Begins to listen when somebody waits first. While it cannot, who waits looks again every second."""

    def __init__(self, settings: Settings) -> None:
        self._url = without_driver(settings.database_url.get_secret_value())
        self._next: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def next(self) -> asyncio.Future[None]:
        """Done at the next change after this call. Take it first and then look whether something is there already."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._listen())
        return self._next

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _listen(self) -> None:
        while True:
            try:
                async with await AsyncConnection.connect(
                    self._url, autocommit=True, connect_timeout=3, application_name="trr_api changes"
                ) as connection:
                    await connection.execute(queries.LISTEN)
                    self._wake()  # what came before is not told
                    async for _ in connection.notifies():
                        self._wake()
            except psycopg.OperationalError as error:
                _log.warning("Cannot listen for changes: %s", " ".join(str(error).split()))
            self._wake()
            await asyncio.sleep(RETRY_SECONDS)

    def _wake(self) -> None:
        if self._next is not None and not self._next.done():
            self._next.set_result(None)
        self._next = None
