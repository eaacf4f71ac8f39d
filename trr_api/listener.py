"""What PostgreSQL tells by NOTIFY: one connection a process listens, however many callers wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import psycopg
from psycopg import AsyncConnection

from trr_api.config import Settings
from trr_crawl.database import without_driver

CHANGES: Final = "changes"
"""The catalog moved."""
OUTBOX: Final = "outbox"
"""Somebody wrote an event."""
LIVE: Final = "live"
"""What processes tell each other and nobody keeps."""

RETRY_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


class Listener:
    """Begins to listen when somebody waits first. While it cannot, who waits looks again every second."""

    def __init__(self, settings: Settings) -> None:
        self._url = without_driver(settings.database_url.get_secret_value())
        self._next: dict[str, asyncio.Future[None]] = {}
        self._hearers: dict[str, Callable[[str], None]] = {}
        self._task: asyncio.Task[None] | None = None

    def next(self, channel: str) -> asyncio.Future[None]:
        """Done at the next notice after this call. Take it first and then look whether something is there already."""
        if channel not in self._next:
            self._next[channel] = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._listen())
        return self._next[channel]

    def hear(self, channel: str, hearer: Callable[[str], None]) -> None:
        """Call somebody with every notice of a channel; with an empty one where some may have been lost."""
        self._hearers[channel] = hearer

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
                    self._url, autocommit=True, connect_timeout=3, application_name="trr_api listener"
                ) as connection:
                    for channel in (CHANGES, OUTBOX, LIVE):
                        await connection.execute(f"LISTEN {channel}".encode())
                    self._wake(*self._next)  # what came before is not told
                    for channel in self._hearers:
                        self._tell(channel, "")
                    async for notice in connection.notifies():
                        self._wake(notice.channel)
                        if notice.channel in self._hearers:
                            self._tell(notice.channel, notice.payload)
            except psycopg.OperationalError as error:
                _log.warning("Cannot listen for changes: %s", " ".join(str(error).split()))
            self._wake(*self._next)
            await asyncio.sleep(RETRY_SECONDS)

    def _tell(self, channel: str, payload: str) -> None:
        try:
            self._hearers[channel](payload)
        except Exception:  # whoever may connect may send one: it ends nothing
            _log.exception("A notice on the channel %s is none of ours", channel)

    def _wake(self, *channels: str) -> None:
        for channel in channels:
            if (waiting := self._next.pop(channel, None)) is not None and not waiting.done():
                waiting.set_result(None)
