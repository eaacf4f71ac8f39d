"""Live events of one process: what sockets and streams ask of."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import psycopg

from trr_api.config import Settings
from trr_api.database import Database
from trr_api.listener import LIVE, Listener
from trr_api.metrics import Metrics
from trr_api.problems import Problem
from trr_api.realtime import queries
from trr_api.realtime.events import Event, envelope, parts
from trr_api.realtime.hub import Close, Follower, Hub, channels
from trr_api.realtime.presence import Presence
from trr_api.realtime.relay import Relay, note
from trr_api.realtime.schemas import TOPIC
from trr_api.realtime.stream import Stream
from trr_api.session import Caller, Session

REPLAYED_AT_ONCE: Final = 100
PRUNE_SECONDS: Final = 600.0
WATCH_SECONDS: Final = 10.0
"""Between two looks at whether all who follow are still there."""
MOST_THREADS: Final = 100
"""Of an episode, that its address follows."""


class Live:
    """Begins to read the outbox when somebody follows something first."""

    def __init__(self, settings: Settings, database: Database, listener: Listener, metrics: Metrics) -> None:
        self.settings = settings
        self.hub = Hub(metrics)
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
        running: list[Coroutine[Any, Any, None]] = [self.presence.beat(), self._watch()]
        if self._stream is None:
            running.append(self.relay.follow(self._listener))
        else:
            running += [self._stream.read(), self._stream.lead(self._listener)]
        self._tasks = [asyncio.create_task(one) for one in running]

    async def now(self) -> int:
        """A seq that all later events come after."""
        await self.start()
        return self.relay.seq

    @contextmanager
    def follower(self, address: str) -> Iterator[Follower]:
        """A new one; it may be closing already, where there are too many from its address."""
        made = Follower(self.settings.live_queue)
        self._addresses[address] += 1
        self.hub.arrive()
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
        await Session(self._database, caller, write=False).fetch(queries.caller())
        if caller.user_id is not None and 0 < self.settings.live_per_user < self.hub.sockets_of(caller.user_id):
            raise Problem("too-many-requests", "Too many sockets of yours. Close one.")

    async def follow(self, follower: Follower, topics: Sequence[str], after: int | None) -> None:
        """Send events of topics from now on, or from after a seq, in order. Problem where the caller may not."""
        await self.admit(follower, topics)
        try:
            await self.begin(follower, topics, after)
        except BaseException:
            for topic in topics:
                self.hub.leave(follower, topic)
            raise

    async def admit(self, follower: Follower, topics: Sequence[str]) -> None:
        """Let somebody follow topics; nothing is sent before `begin`. Problem where they may not."""
        for topic in topics:
            self._check(follower, topic)
        if len(follower.topics) + len(topics) > self.settings.live_topics:
            raise Problem("too-many-requests", f"One socket follows {self.settings.live_topics} topics at most.")
        await self.start()  # has told what ended before, too
        follower.topics.update(dict.fromkeys(topics, 0))  # before it is checked, see above
        try:
            session = Session(self._database, follower.caller, write=False)
            for topic in topics:
                kind, identifier = parts(topic)
                rows = await session.fetch(queries.follow(kind, identifier))
                if not rows:
                    raise Problem("not-found", f"There is no such {kind}.")
                if topic in follower.topics:
                    follower.topics[topic] = rows[0][0]
        except BaseException:
            for topic in topics:
                self.hub.leave(follower, topic)
            raise

    async def begin(self, follower: Follower, topics: Sequence[str], after: int | None) -> None:
        """Tell the past, after what the client has, as far as this is known; then what comes."""
        is_known = True
        if after is not None:
            [(is_known,)] = await self._database.fetch(queries.IS_KNOWN, [after])
        place = after if after is not None and is_known else self.relay.seq
        for topic in topics:
            follower.offer(envelope("subscribed", {}, topic, place))
            if not is_known:
                follower.offer(envelope("gap", {"detail": "What came meanwhile is not known any more."}, topic, place))
        while True:  # piece by piece, until it has come to where the hub is
            await follower.drained()
            followed = [topic for topic in topics if topic in follower.topics]  # some may have ended
            self.hub.enter(follower, followed)
            to = self.relay.seq
            values = [channels(follower, followed), place, to, REPLAYED_AT_ONCE]
            rows = [] if place >= to else await self._database.fetch(queries.REPLAY, values)
            for event in map(Event.of_row, rows):
                if follower.sees(event):
                    follower.offer(event.text)
                    follower.meet(event)
            if len(rows) < REPLAYED_AT_ONCE:
                self.hub.open(follower, [topic for topic in followed if topic in follower.topics], max(place, to))
                return
            place = rows[-1][0]
            self.hub.pause(follower, followed)

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
        session = Session(self._database, follower.caller, write=False)
        rows = await session.fetch(queries.threads_of(episode, MOST_THREADS))
        return [f"thread:{identifier}" for (identifier,) in rows]

    async def type(self, follower: Follower, topic: str, *, starts: bool) -> None:
        """Tell the others that somebody types, or stopped."""
        if follower.caller.user_id is None:
            raise Problem("unauthorized", "This needs a log-in: send a token first.")
        if topic not in follower.topics:
            raise Problem("conflict", f"You do not follow {topic[:60]}.")
        kind, identifier = parts(topic)
        if kind == "conversation":
            [(is_cut_off,)] = await self._database.fetch(queries.IS_CUT_OFF, [identifier, follower.caller.user_id])
            if is_cut_off:
                return
        told = {"kind": "typing", "topic": topic, "user": str(follower.caller.user_id), "starts": starts}
        await self._whisper(told)

    async def dismiss(self, user: UUID) -> None:
        """Somebody's account is gone: end what follows in their name, in every process."""
        try:
            await self._whisper({"kind": "gone", "user": str(user)})
        except psycopg.Error as error:  # the watch will find it
            note("That somebody is gone cannot be told", error)

    async def _watch(self) -> None:
        """End what follows in the name of nobody, where no notice of that came; for ever."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                for (user,) in await self._database.fetch(queries.GONE, [self.hub.people()]):
                    self.hub.dismiss(user)
            except Exception as error:
                note("Who is gone cannot be read", error)

    def _check(self, follower: Follower, topic: str) -> None:
        if not TOPIC.fullmatch(topic):
            raise Problem("invalid-parameter", f"{topic[:60]!r} is no topic; they look like thread:<id>.")
        if topic in follower.topics:
            raise Problem("conflict", f"You follow {topic} already.")
        if parts(topic)[0] in queries.PERSONAL and follower.caller.user_id is None:
            raise Problem("unauthorized", "This needs a log-in: send a token first.")

    def _hear(self, text: str) -> None:
        if not text:  # something may have been lost
            self.presence.look_everywhere()
            return
        told = json.loads(text)
        match told["kind"]:
            case "typing":
                self.hub.type(told["topic"], UUID(told["user"]), starts=told["starts"])
            case "presence":
                self.presence.look(told["topic"])
            case "gone":
                self.hub.dismiss(UUID(told["user"]))

    async def _moved(self, topic: str) -> None:
        await self._whisper({"kind": "presence", "topic": topic})

    async def _whisper(self, told: dict[str, Any]) -> None:
        text = json.dumps(told)
        if self._stream is not None:
            await self._stream.whisper(text)
        else:
            await self._database.fetch(queries.WHISPER, [text])

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_SECONDS)
            try:
                while await self._prune_some() == queries.PRUNED_AT_ONCE:
                    pass
            except Exception as error:
                note("The outbox cannot be pruned", error)

    async def _prune_some(self) -> int:
        kept = timedelta(hours=self.settings.outbox_hours)
        async with self._database.transaction(write=True) as connection:
            cursor = await connection.execute(queries.PRUNE, [kept])
            [(gone,)] = await cursor.fetchall()
        return int(gone)
