"""Live events of one process: what sockets and streams ask of."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg

from trr_api.config import Settings
from trr_api.database import Database
from trr_api.listener import LIVE, Listener
from trr_api.problems import Problem
from trr_api.realtime import queries
from trr_api.realtime.events import Event, envelope, parts
from trr_api.realtime.hub import Close, Follower, Hub
from trr_api.realtime.presence import Presence
from trr_api.realtime.relay import Relay
from trr_api.realtime.stream import Stream
from trr_api.session import Caller, session

REPLAYED_AT_ONCE: Final = 100
PRUNE_SECONDS: Final = 600.0
MOST_THREADS: Final = 100
"""Of an episode, that its address follows."""

Since = Mapping[str, datetime | None]
"""Topic -> the moment from which on somebody may know of it, or None: from the beginning."""

_log = logging.getLogger(__name__)


class Live:
    """Begins to read the outbox when somebody follows something first."""

    def __init__(self, settings: Settings, database: Database, listener: Listener) -> None:
        self.settings = settings
        self.hub = Hub()
        self.relay = Relay(database, self.hub)
        self.presence = Presence(database, self._moved)
        self._stream = None if settings.redis_url is None else Stream(settings, database, self.relay, self._hear)
        self._database = database
        self._listener = listener
        self._addresses: Counter[str] = Counter()
        self._tasks: list[asyncio.Task[None]] = []
        self._pruning: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Let the outbox be pruned."""
        self._pruning = asyncio.create_task(self._prune())

    async def close(self) -> None:
        """End everything."""
        tasks = [task for task in (self._pruning, *self._tasks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._stream is not None:
            await self._stream.close()

    async def start(self) -> None:
        """Read the outbox from now on. Raises what the database does where it is away."""
        await self.relay.catch_up()
        if self._tasks:
            return
        self._listener.hear(LIVE, self._hear)
        running: list[Coroutine[Any, Any, None]] = [self.presence.beat()]
        if self._stream is None:
            running.append(self.relay.follow(self._listener))
        else:
            running += [self._stream.read(), self._stream.lead(self._listener)]
        self._tasks = [asyncio.create_task(one) for one in running]

    @contextmanager
    def follower(self, address: str) -> Iterator[Follower]:
        """A new one; it may be closing already, where there are too many from its address."""
        made = Follower(self.settings.live_queue)
        self._addresses[address] += 1
        self.hub.followers.add(made)
        if 0 < self.settings.live_per_address < self._addresses[address]:
            made.close(Close.TOO_MUCH, "Too many sockets from this address.")
        try:
            yield made
        finally:
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]
            self.hub.forget(made)

    async def know(self, follower: Follower, caller: Caller) -> None:
        """Let a follower be somebody's. Problem where the log-in has ended, or they have too many."""
        await self.start()
        self.hub.know(follower, caller)  # before it is checked: what ends it from now on is heard
        async with session(self._database, caller, write=False) as opened:
            await opened.fetch(queries.caller())
        if caller.user_id is not None and 0 < self.settings.live_per_user < self.hub.count(caller.user_id):
            raise Problem("too-many-requests", "Too many sockets of yours. Close one.")

    async def follow(self, follower: Follower, topics: Sequence[str], after: int | None) -> None:
        """Send events of topics from now on, or from after a seq, in order. Problem where the caller may not."""
        since = await self.admit(follower, topics)
        try:
            await self.begin(follower, since, after)
        except BaseException:
            for topic in topics:
                self.hub.leave(follower, topic)
            raise

    async def admit(self, follower: Follower, topics: Sequence[str]) -> Since:
        """Let somebody follow topics; nothing is sent before `begin`. Problem where they may not."""
        for topic in topics:
            self._check(follower, topic)
        if len(follower.topics) + len(topics) > self.settings.live_topics:
            raise Problem("too-many-requests", f"One socket follows {self.settings.live_topics} topics at most.")
        await self.start()  # has told what ended before, too
        follower.topics.update(topics)  # before it is checked, see above
        try:
            return await self._since(follower.caller, topics)
        except BaseException:
            for topic in topics:
                self.hub.leave(follower, topic)
            raise

    async def unfollow(self, follower: Follower, topic: str) -> None:
        """Send no more of a topic."""
        self.hub.leave(follower, topic)
        await self.presence.leave(follower, [topic])

    async def join(self, follower: Follower, topic: str) -> None:
        """Let somebody be seen by those who look at a topic, and see them."""
        if follower.caller.user_id is None:
            raise Problem("unauthorized", "This needs a log-in: send a token first.")
        await self.presence.join(follower, topic)

    async def depart(self, follower: Follower) -> None:
        """It is gone: who saw it learns that."""
        await self.presence.leave_all(follower)

    async def threads_of(self, follower: Follower, episode: UUID) -> list[str]:
        """The topics of an episode's threads that the caller sees."""
        async with session(self._database, follower.caller, write=False) as opened:
            rows = await opened.fetch(queries.threads_of(episode, MOST_THREADS))
        return [f"thread:{identifier}" for (identifier,) in rows]

    async def type(self, follower: Follower, topic: str, *, starts: bool) -> None:
        """Tell the others that somebody types, or stopped."""
        if follower.caller.user_id is None:
            raise Problem("unauthorized", "This needs a log-in: send a token first.")
        if topic not in follower.topics:
            raise Problem("conflict", f"You do not follow {topic[:60]}.")
        told = {"kind": "typing", "topic": topic, "user": str(follower.caller.user_id), "starts": starts}
        await self._whisper(told)

    def _check(self, follower: Follower, topic: str) -> None:
        try:
            kind, _ = parts(topic)
        except ValueError:
            kind = ""
        if kind not in queries.TOPICS:
            raise Problem("invalid-parameter", f"{topic[:60]!r} is no topic; they look like thread:<id>.")
        if topic in follower.topics:
            raise Problem("conflict", f"You follow {topic} already.")
        if kind in queries.PERSONAL and follower.caller.user_id is None:
            raise Problem("unauthorized", "This needs a log-in: send a token first.")

    async def _since(self, caller: Caller, topics: Sequence[str]) -> Since:
        found = {}
        async with session(self._database, caller, write=False) as opened:
            for topic in topics:
                kind, identifier = parts(topic)
                rows = await opened.fetch(queries.follow(kind, identifier))
                if not rows:
                    raise Problem("not-found", f"There is no such {kind}.")
                found[topic] = rows[0][0]
        return found

    async def begin(self, follower: Follower, since: Since, after: int | None) -> None:
        """Tell the past, after what the client has, as far as this is known; then what comes."""
        is_known = True
        if after is not None:
            [(is_known,)] = await self._database.fetch(queries.IS_KNOWN, [after])
        place = after if after is not None and is_known else self.relay.seq
        for topic in since:
            follower.offer(envelope("subscribed", {}, topic, place))
            if not is_known:
                follower.offer(envelope("gap", {"detail": "What came meanwhile is not known any more."}, topic, place))
        while True:  # piece by piece, until it has come to where the hub is
            await follower.drained()
            topics = [topic for topic in since if topic in follower.topics]  # some may have ended
            for topic in topics:
                self.hub.enter(follower, topic)
            to = self.relay.seq
            values = [topics, [since[topic] for topic in topics], place, to, REPLAYED_AT_ONCE]
            rows = [] if place >= to else await self._database.fetch(queries.REPLAY, values)
            events = [event for event in map(Event.of_row, rows) if event.topic in follower.topics]
            for event in events:
                follower.offer(event.text)
            if len(rows) < REPLAYED_AT_ONCE:
                self.hub.open(follower, follower.topics.intersection(topics), max(place, to))
                return
            place = rows[-1][0]
            for topic in topics:
                self.hub.pause(follower, topic)

    def _hear(self, text: str) -> None:
        told = json.loads(text)
        if told["kind"] == "typing":
            self.hub.type(told["topic"], UUID(told["user"]), starts=told["starts"])
        else:
            self.presence.look(told["topic"])

    async def _moved(self, topic: str) -> None:
        await self._whisper({"kind": "presence", "topic": topic})

    async def _whisper(self, told: dict[str, Any]) -> None:
        text = json.dumps(told)
        if self._stream is not None:
            await self._stream.whisper(text)
        else:
            await self._database.fetch(queries.WHISPER, [text])

    async def _prune(self) -> None:
        kept = timedelta(hours=self.settings.outbox_hours)
        while True:
            await asyncio.sleep(PRUNE_SECONDS)
            try:
                await self.prune(kept)
            except psycopg.Error as error:
                _log.warning("The outbox cannot be pruned: %s", " ".join(str(error).split()))

    async def prune(self, kept: timedelta) -> int:
        """Delete older events than so; how many these were."""
        gone = 0
        while True:
            async with self._database.transaction(write=True) as connection:
                cursor = await connection.execute(queries.PRUNE, [kept])
                [(count,)] = await cursor.fetchall()
            gone += int(count)
            if count < queries.PRUNED_AT_ONCE:
                return gone
