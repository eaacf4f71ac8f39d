"""Keeps what is searched in step with the catalog, as a follower of `changes`."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import psycopg
from psycopg import AsyncConnection

from trr_api.config import Settings
from trr_api.listener import CHANGES, Listener
from trr_api.search import queries
from trr_crawl.database import without_driver

BATCH: Final = 2000
"""Changes that are worked off in one transaction."""

LOOK_AGAIN_SECONDS: Final = 30.0
"""Another process that was at it may have died."""

_log = logging.getLogger(__name__)


class Indexer:
    """Works off what changed since it last did; of several processes one at a time."""

    def __init__(self, settings: Settings, listener: Listener) -> None:
        self._url = without_driver(settings.database_url.get_secret_value())
        self._listener = listener
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Follow from now on, until `close`."""
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Stop; what was under way is worked off by whoever comes next."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _follow(self) -> None:
        while True:
            changed = self._listener.next(CHANGES)
            try:
                await self._catch_up()
            except psycopg.Error as error:
                _log.warning("Search stays behind the catalog: %s", " ".join(str(error).split()))
            await asyncio.wait([changed], timeout=LOOK_AGAIN_SECONDS)

    async def _catch_up(self) -> None:
        # A connection of its own: it takes none away from requests, and none is held while nothing changes.
        async with await AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=3, application_name="trr_api search"
        ) as connection:
            while True:
                cursor = await connection.execute(queries.INDEX, [BATCH])
                [(worked_off,)] = await cursor.fetchall()
                if not worked_off:
                    return
