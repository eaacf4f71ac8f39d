"""Who follows what in this process, and how events get to them: nobody is ever waited for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final
from uuid import UUID, uuid4

from trr_api.metrics import Metrics
from trr_api.realtime.events import Event, envelope, parts
from trr_api.session import Caller

TYPING_SECONDS: Final = 10.0
"""So long somebody types without saying so again."""


class Close(IntEnum):
    """Why a socket is closed: a code of RFC 6455, and our own from 4000 on."""

    TOO_BIG = 1009
    TRY_LATER = 1013
    """The database does not answer."""
    UNAUTHORIZED = 4001
    """The token is not good, or not any more; or there is none where one is needed."""
    FORBIDDEN_ORIGIN = 4003
    NOT_FOUND = 4004
    """Of an address that follows one thing: there is none such for the caller, or not any more."""
    TOO_SLOW = 4008
    """The client does not read what it is sent."""
    TOO_MUCH = 4029
    """Too many messages, or too many sockets."""


@dataclass(eq=False, slots=True)
class Follower:
    """A socket or a stream: a bounded queue of what is to be sent, and what is known of the caller."""

    limit: int
    """Messages that may wait; one more, and it is dropped."""
    device_id: UUID = field(default_factory=uuid4)
    caller: Caller = field(default_factory=Caller)
    topics: dict[str, int] = field(default_factory=dict)
    """Topic -> the number of the last message that is not for them."""
    on_thread: Callable[[Event], None] | None = None
    """Called where a thread begins in what is followed."""
    closing: tuple[Close, str] | None = None
    queue: deque[str] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """There is something to send, or it is closing."""
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """All was sent, or it is closing."""
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, text: str) -> None:
        """Put a message into the queue, or drop the follower."""
        if self.closing is not None:
            return
        if len(self.queue) >= self.limit:
            self.queue.clear()
            self.close(Close.TOO_SLOW, "You read too slowly. Go on from the last seq.")
            return
        self.queue.append(text)
        if not self.wake.is_set():
            self.wake.set()

    def close(self, code: Close, reason: str) -> None:
        """Let it end, for a reason that the client is told."""
        if self.closing is None:
            self.closing = (code, reason)
            for event in (self.wake, self.idle, self.closed):
                event.set()

    def sees(self, event: Event) -> bool:
        """Whether it is about what they may know, in a topic that they still follow."""
        since = self.topics.get(event.topic)
        return since is not None and (event.number is None or event.number > since)

    def meet(self, event: Event) -> None:
        """Follow a thread, where it begins in what is followed and this is wanted."""
        if event.name == "thread_created" and self.on_thread is not None:
            self.on_thread(event)

    async def drained(self) -> None:
        """Wait until all was sent."""
        if self.queue and self.closing is None:
            self.idle.clear()
            await self.idle.wait()


def channels(follower: Follower, topics: Collection[str]) -> list[str]:
    """Where events of topics are: beside what all get of a conversation, there is what one member alone gets."""
    user = follower.caller.user_id
    own = [f"{topic}:{user}" for topic in topics if topic.startswith("conversation:")]
    return [*topics, *own]


class Hub:
    """Topic -> followers."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        # What comes while a follower is told of the past is held back for it.
        self._rooms: dict[str, dict[Follower, list[Event] | None]] = {}
        self._people: dict[UUID, set[Follower]] = {}
        self._typing: dict[tuple[str, UUID], asyncio.TimerHandle] = {}

    def enter(self, follower: Follower, topics: Collection[str]) -> None:
        """Hold events of topics back for a follower, until `open`."""
        for channel in channels(follower, topics):
            self._rooms.setdefault(channel, {})[follower] = []

    def pause(self, follower: Follower, topics: Collection[str]) -> None:
        """Hold nothing back for a while; the outbox has it."""
        for channel in channels(follower, topics):
            room = self._rooms.get(channel, {})
            room.pop(follower, None)
            if not room:
                self._rooms.pop(channel, None)

    def open(self, follower: Follower, topics: Collection[str], after: int) -> None:
        """Send what was held back and comes after a number, and from now on everything at once."""
        held: list[Event] = []
        for room in [self._rooms[channel] for channel in channels(follower, topics)]:
            held += room[follower] or ()
            room[follower] = None
        for event in sorted(held, key=lambda event: event.seq):
            if event.seq > after:
                follower.offer(event.text)

    def leave(self, follower: Follower, topic: str) -> None:
        """Follow a topic no more."""
        follower.topics.pop(topic, None)
        self.pause(follower, [topic])

    def arrive(self) -> None:
        """A new one has come."""
        self._metrics.followers.inc()

    def know(self, follower: Follower, caller: Caller) -> None:
        """Whose a follower is, from now on."""
        follower.caller = caller
        if caller.user_id is not None:
            self._people.setdefault(caller.user_id, set()).add(follower)

    def forget(self, follower: Follower) -> None:
        """It has ended."""
        for topic in list(follower.topics):
            self.leave(follower, topic)
        self._metrics.followers.dec()
        if follower.closing is not None:
            self._metrics.closed.labels(follower.closing[0].name.lower()).inc()
        user = follower.caller.user_id
        if user is not None and user in self._people:
            self._people[user].discard(follower)
            if not self._people[user]:
                del self._people[user]

    def sockets_of(self, user: UUID) -> int:
        """How many followers somebody has."""
        return len(self._people.get(user, ()))

    def people(self) -> list[UUID]:
        """All who have followers."""
        return list(self._people)

    def deliver(self, events: Iterable[Event]) -> None:
        """Send events to all who follow their topics."""
        for event in events:
            room = self._rooms.get(event.channel)
            if room is None:
                continue
            text = event.text
            for follower, held in room.items():
                if event.number is not None and not follower.sees(event):
                    continue
                if held is None:
                    follower.offer(text)
                else:
                    held.append(event)
            self._metrics.delivered.inc(len(room))
            for follower in list(room) if event.name == "thread_created" else ():
                follower.meet(event)

    def end(self, ending: Event) -> None:
        """Take away what somebody may follow no more."""
        _, user = parts(ending.channel)
        told = ending.payload
        for follower in list(self._people.get(user, ())):
            if ending.name == "login_ended":
                if str(follower.caller.session_id) == told["session_id"]:
                    follower.close(Close.UNAUTHORIZED, "This log-in has ended. Log in again.")
            elif (topic := f"conversation:{told['conversation_id']}") in follower.topics:
                self.leave(follower, topic)
                follower.offer(envelope("unsubscribed", {"reason": "You are no member any more."}, topic))

    def dismiss(self, user: UUID) -> None:
        """Let all followers of a person end, who is nobody any more."""
        for follower in list(self._people.get(user, ())):
            follower.close(Close.UNAUTHORIZED, "This account was deleted.")

    def tell(self, topic: str, text: str, *, but: UUID | None = None) -> None:
        """Send what is in no outbox; not to the followers of one person, perhaps."""
        for follower, held in self._rooms.get(topic, {}).items():
            if held is None and (but is None or follower.caller.user_id != but):
                follower.offer(text)

    def type(self, topic: str, user: UUID, *, starts: bool) -> None:
        """Tell that somebody types, and when they stop, or say nothing more."""
        before = self._typing.pop((topic, user), None)
        if before is not None:
            before.cancel()
        if starts:
            later = asyncio.get_running_loop().call_later
            self._typing[topic, user] = later(TYPING_SECONDS, lambda: self.type(topic, user, starts=False))
        if starts != (before is not None):
            payload = {"user_id": str(user), "is_typing": starts}
            self.tell(topic, envelope("typing", payload, topic), but=user)
