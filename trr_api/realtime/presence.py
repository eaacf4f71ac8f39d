"""Who is there: devices that look at a topic, over all processes, in a table that forgets those which say nothing.

Nobody is told of single comings and goings, which could be lost: a process that hears that something moved reads who is
there, and tells its own followers what is different from before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from trr_api.database import Database
from trr_api.queries import Statement
from trr_api.realtime import queries
from trr_api.realtime.events import envelope
from trr_api.realtime.hub import Follower
from trr_api.realtime.relay import note

BEAT_SECONDS: Final = 10.0
FORGOTTEN_SECONDS: Final = 30.0
"""A device of which nobody says so long that it is there is gone; noticed a beat later at the latest."""
GATHER_SECONDS: Final = 0.05
"""What moves within this time is looked at once."""

_FORGOTTEN: Final = timedelta(seconds=FORGOTTEN_SECONDS)


class Presence:
    """The devices of this process, and who else is where they are."""

    def __init__(self, database: Database, moved: Callable[[str], Awaitable[None]]) -> None:
        self._database = database
        self._moved = moved
        self._devices: dict[str, set[Follower]] = {}
        self._there: dict[str, set[UUID]] = {}
        self._lock = asyncio.Lock()
        self._to_read: set[str] = set()
        self._reading: asyncio.Task[None] | None = None

    async def join(self, follower: Follower, topic: str) -> None:
        """Let somebody be seen, and tell them who is there."""
        user = follower.caller.user_id
        assert user is not None
        await self._write(queries.beat([(follower.device_id, topic, user)]))
        await self._read([topic])
        self._devices.setdefault(topic, set()).add(follower)
        # Themselves always: to those who are not seen, all looks as to others.
        there = sorted(map(str, self._there[topic] | {user}))
        follower.offer(envelope("presence_state", {"online": there}, topic))
        await self._moved(topic)
        if topic not in follower.topics:  # they left meanwhile
            await self.leave(follower, [topic])

    async def leave_all(self, follower: Follower) -> None:
        """Let somebody be seen nowhere any more, on this device."""
        await self.leave(follower, [topic for topic, devices in self._devices.items() if follower in devices])

    async def leave(self, follower: Follower, topics: Iterable[str]) -> None:
        """Let somebody be seen no more, on this device."""
        left = [topic for topic in topics if follower in self._devices.get(topic, ())]
        for topic in left:
            self._devices[topic].discard(follower)
            if not self._devices[topic]:
                del self._devices[topic]
                self._there.pop(topic, None)
        if left:
            await self._write(queries.leave(follower.device_id, left))
            for topic in left:
                await self._moved(topic)

    def look(self, topic: str) -> None:
        """Something moved there: look soon."""
        if topic in self._devices:
            self._to_read.add(topic)
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read_soon())

    def look_everywhere(self) -> None:
        """Something may have moved anywhere."""
        for topic in self._devices:
            self.look(topic)

    async def beat(self) -> None:
        """Say that our devices are there, forget those of whom nobody says so, and look everywhere; for ever."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                for topic, devices in list(self._devices.items()):
                    for device in [device for device in devices if topic not in device.topics]:
                        await self.leave(device, [topic])  # it was taken from them
                ours = [
                    (device.device_id, topic, device.caller.user_id)
                    for topic, devices in self._devices.items()
                    for device in devices
                    if device.caller.user_id is not None
                ]
                if ours:
                    await self._write(queries.beat(ours))
                await self._write(Statement(queries.EXPIRE, [_FORGOTTEN]))
                await self._read(list(self._devices))
                self._there = {topic: users for topic, users in self._there.items() if topic in self._devices}
            except Exception as error:
                note("Who is there cannot be written", error)

    async def _read_soon(self) -> None:
        while self._to_read:
            await asyncio.sleep(GATHER_SECONDS)
            topics, self._to_read = list(self._to_read), set()
            try:
                await self._read(topics)
            except Exception as error:
                note("Who is there cannot be read", error)

    async def _read(self, topics: list[str]) -> None:
        async with self._lock:  # what was read last is what counts
            found: dict[str, set[UUID]] = {topic: set() for topic in topics}
            for topic, user in await self._database.fetch(queries.PRESENT, [topics, _FORGOTTEN]):
                found[topic].add(user)
            for topic, users in found.items():
                for user in users ^ self._there.get(topic, users):
                    text = envelope("presence", {"user_id": str(user), "is_online": user in users}, topic)
                    for device in self._devices.get(topic, ()):
                        if topic in device.topics and device.caller.user_id != user:
                            device.offer(text)
                self._there[topic] = users

    async def _write(self, statement: Statement) -> None:
        async with self._database.transaction(write=True) as connection:
            await connection.execute(statement.query, statement.values)
