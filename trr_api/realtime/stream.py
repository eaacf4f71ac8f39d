"""With REDIS_URL, one process reads the outbox and adds what it finds to a Redis stream that all of them read.

The outbox stays the truth: every entry of the stream says after which number it follows. Where that is not how far a
process has come, because Redis was restarted, flushed or away, it reads the outbox itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection
from redis.asyncio import Redis
from redis.exceptions import RedisError

from trr_api.config import Settings
from trr_api.database import Database, Row
from trr_api.listener import Listener
from trr_api.realtime import queries
from trr_api.realtime.events import Event
from trr_api.realtime.relay import POLL_SECONDS, RETRY_SECONDS, Batch, Relay, note
from trr_crawl.database import without_driver

KEPT_SECONDS: Final = 60
"""Whoever is further behind reads the outbox, which has no text any more of what was edited or taken back."""

# By the clock of Redis, which is that of the entries' numbers. Where nothing more is told, all of them go.
_ADD: Final = """
local added = redis.call('XADD', KEYS[1], '*', ARGV[1], ARGV[2])
local oldest = tonumber(string.match(added, '^%d+')) - ARGV[3] * 1000
redis.call('XTRIM', KEYS[1], 'MINID', string.format('%.0f', oldest))
redis.call('EXPIRE', KEYS[1], ARGV[3])
"""


class Stream:
    """The stream of one database."""

    def __init__(self, settings: Settings, database: Database, relay: Relay, hear: Callable[[str], None]) -> None:
        assert settings.redis_url is not None
        url = settings.redis_url.get_secret_value()
        # One that hangs holds nobody up: writing waits a second, and reading a little longer than it asks to.
        self._writer: Redis = Redis.from_url(url, decode_responses=True, protocol=2, socket_timeout=1.0)
        self._reader: Redis = Redis.from_url(url, decode_responses=True, protocol=2, socket_timeout=POLL_SECONDS + 2)
        self._add_entry = self._writer.register_script(_ADD)
        self._database_url = without_driver(settings.database_url.get_secret_value())
        self._database = database
        self._relay = relay
        self._hear = hear
        self._name: str | None = None
        self._away_until = float("-inf")

    async def close(self) -> None:
        """Close the connections to Redis."""
        for client in (self._writer, self._reader):
            await client.aclose()

    async def whisper(self, text: str) -> None:
        """Tell all processes what nobody keeps; lost while Redis is away."""
        await self._add("whisper", text)

    async def publish(self, batch: Batch) -> None:
        """Tell all processes what was read of the outbox; while Redis is away, they read it themselves."""
        await self._add("batch", json.dumps(asdict(batch)))

    async def read(self) -> None:
        """Give what comes to the hub, for ever."""
        last = ""
        while True:
            try:
                if not last:
                    newest: Any = await self._reader.xrevrange(await self._key(), count=1)
                    last = newest[0][0] if newest else "0-0"
                    self._hear("")
                    await self._relay.catch_up()
                found: Any = await self._reader.xread({await self._key(): last}, block=int(POLL_SECONDS * 1000))
                for number, fields in found[0][1] if found else ():
                    await self._take(fields)
                    last = number
                if not found:
                    await self._relay.catch_up()
            except Exception as error:
                note("The stream of events cannot be read", error)
                last = ""  # it may come back with nothing in it
                await asyncio.sleep(RETRY_SECONDS)
                with suppress(psycopg.Error):  # told above, or in the next turn
                    await self._relay.catch_up()

    async def lead(self, listener: Listener) -> None:
        """Read the outbox for all processes as long as no other one does, for ever."""
        while True:
            try:
                async with await AsyncConnection.connect(
                    self._database_url, autocommit=True, connect_timeout=3, application_name="trr_api leader"
                ) as connection:
                    await self._lead(connection, listener)
            except psycopg.Error as error:
                note("The outbox cannot be read for all", error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _lead(self, connection: AsyncConnection[Row], listener: Listener) -> None:
        """Until the connection, and with it the lock, is lost."""
        reading: asyncio.Task[None] | None = None
        try:
            while True:
                cursor = await connection.execute(queries.LEAD if reading is None else queries.STILL)
                if reading is None and await cursor.fetchone() == (True,):
                    reading = asyncio.create_task(self._relay.follow(listener, self.publish))
                await asyncio.sleep(RETRY_SECONDS)
        finally:
            if reading is not None:
                reading.cancel()
                await asyncio.wait([reading])

    async def _take(self, fields: dict[str, str]) -> None:
        if "whisper" in fields:
            self._hear(fields["whisper"])
            return
        told = json.loads(fields["batch"])
        events, endings = ([Event(**event) for event in told[name]] for name in ("events", "endings"))
        batch = Batch(told["after"], told["to"], events, endings)
        if not self._relay.reaches(batch.after):
            await self._relay.catch_up()
        self._relay.take(batch)

    async def _add(self, kind: str, text: str) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._away_until:
            return
        try:
            await self._add_entry(keys=[await self._key()], args=[kind, text, KEPT_SECONDS])
        except RedisError as error:
            self._away_until = now + RETRY_SECONDS
            note("The stream of events cannot be written", error)

    async def _key(self) -> str:
        """The stream's name: one Redis may serve several databases."""
        if self._name is None:
            [(name,)] = await self._database.fetch(queries.IDENTITY)
            self._name = f"trr:live:{name}"
        return self._name
