"""From the outbox to the hub: one task a process reads it, in the order of its numbers, and passes over none.

A number is taken before its transaction commits, so a later one may be visible first. Where one is missing, whoever
writes to the outbox at that moment may still bring it: only when all of these have ended, it is known not to come. The
other way, to read below `pg_snapshot_xmin`, would let every event wait for the longest transaction of the server, and
crawls have long ones.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from redis.exceptions import RedisError

from trr_api.database import Database
from trr_api.listener import OUTBOX, Listener
from trr_api.realtime import queries
from trr_api.realtime.events import ENDINGS, Event
from trr_api.realtime.hub import Hub

PAGE: Final = 1000
POLL_SECONDS: Final = 5.0
"""So often it looks without having been woken."""
RETRY_SECONDS: Final = 1.0
HOLE_SECONDS: Final = 0.005
"""Between two looks at whether a missing number still may come."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything after one number, up to another."""

    after: int
    to: int
    events: Sequence[Event]
    endings: Sequence[Event]
    """What takes rights away, as soon as it is visible: it may stand behind a number that is still missing."""


Publish = Callable[[Batch], Awaitable[None]]


class Relay:
    """How far this process has told the events of the outbox."""

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database = database
        self._hub = hub
        self._lock = asyncio.Lock()
        self._seq: int | None = None

    @property
    def seq(self) -> int:
        """All events up to this number were given to the hub, or came before it was asked first."""
        assert self._seq is not None, "catch_up comes first"
        return self._seq

    def reaches(self, seq: int) -> bool:
        """Whether it has come so far."""
        return self._seq is not None and self._seq >= seq

    async def follow(self, listener: Listener, publish: Publish | None = None) -> None:
        """Read on whenever somebody wrote, for ever."""
        while True:
            called = listener.next(OUTBOX)
            wait = POLL_SECONDS
            try:
                await self.catch_up(publish)
            except Exception as error:
                note("The outbox cannot be read", error)
                wait = RETRY_SECONDS
                called = asyncio.get_running_loop().create_future()  # woken ones would not wait
            await asyncio.wait([called], timeout=wait)

    async def catch_up(self, publish: Publish | None = None) -> None:
        """Tell everything that was written before this call."""
        async with self._lock:
            if self._seq is None:
                self._seq = await self._settled()
            while True:
                found = [Event.of_row(row) for row in await self._database.fetch(queries.NEWS, [self.seq, PAGE])]
                batch = _batch(self.seq, found)
                await self._give(batch, publish)
                if found and not batch.events:
                    await self._give(await self._over_hole(self.seq, found[0].seq), publish)
                elif len(batch.events) == len(found) < PAGE:
                    return

    async def _give(self, batch: Batch, publish: Publish | None) -> None:
        self.take(batch)
        if publish is not None and (batch.events or batch.endings):
            await publish(batch)

    def take(self, batch: Batch) -> None:
        """Give a batch to the hub, where it follows on what was given before."""
        for ending in batch.endings:
            self._hub.end(ending)
        self._hub.deliver(event for event in batch.events if event.seq > self.seq)
        self._seq = max(self.seq, batch.to)

    async def _over_hole(self, after: int, until: int) -> Batch:
        """What is between, and up to a number that is visible already."""
        await self._writers_end()
        found = await self._database.fetch(queries.NEWS, [after, PAGE])
        events = [event for event in map(Event.of_row, found) if event.seq <= until]
        return Batch(after, until, events, _endings(events))

    async def _settled(self) -> int:
        """A number up to which nothing new will come."""
        [(latest,)] = await self._database.fetch(queries.LATEST)
        await self._writers_end()
        return int(latest)

    async def _writers_end(self) -> None:
        """Wait for all transactions that have written to the outbox by now."""
        writers = await self._writers()
        while writers:
            await asyncio.sleep(HOLE_SECONDS)
            writers &= await self._writers()

    async def _writers(self) -> set[str]:
        return {name for (name,) in await self._database.fetch(queries.WRITERS)}


def note(what: str, error: Exception) -> None:
    """Log why something goes on later only: in a line where a server is away, whole where the fault is ours."""
    if isinstance(error, (psycopg.Error, RedisError)):
        _log.warning("%s: %s", what, " ".join(str(error).split()))
    else:
        _log.error(what, exc_info=error)


def _batch(after: int, found: Sequence[Event]) -> Batch:
    """The events up to the first number that is missing."""
    whole = [event for number, event in enumerate(found, after + 1) if event.seq == number]
    return Batch(after, after + len(whole), whole, _endings(found))


def _endings(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event.name in ENDINGS]
