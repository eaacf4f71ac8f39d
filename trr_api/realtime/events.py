"""Events as they are in the outbox, and as clients get them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self
from uuid import UUID

from trr_api.problems import Problem

ENDINGS: Final = ("login_ended", "conversation_left")
"""Events that take rights away, on the topic of the person."""


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the outbox. PostgreSQL made its envelope, which goes to everybody as it is."""

    seq: int
    channel: str
    """The topic, or what one member alone gets of it: `conversation:<id>:<user>`."""
    name: str
    number: int | None
    """Of the message that it is about."""
    text: str
    """The envelope, JSON."""

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Self:
        """Out of the columns of `queries.EVENT`."""
        seq, channel, name, number, made = row
        return cls(seq, channel, name, number, made.decode())

    @property
    def topic(self) -> str:
        """As clients know it. That some of it comes to one member alone must not be seen: it would betray a block."""
        kind, identifier, *_ = self.channel.split(":")
        return f"{kind}:{identifier}"

    @property
    def payload(self) -> dict[str, Any]:
        """What is told."""
        found: dict[str, Any] = json.loads(self.text)["payload"]
        return found


def envelope(kind: str, payload: dict[str, Any], topic: str | None = None, seq: int | None = None) -> str:
    """A message that is in no outbox, in the form of those that are."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"type": kind, "ts": now, "payload": payload, "topic": topic, "seq": seq})


def error(problem: Problem, topic: str | None = None) -> str:
    """A problem as a message."""
    return envelope("error", {"type": problem.kind.type, "title": problem.kind.title, "detail": problem.detail}, topic)


def parts(topic: str) -> tuple[str, UUID]:
    """The kind and the id in a topic. Raises ValueError where it is none."""
    kind, _, identifier = topic.partition(":")
    return kind, UUID(identifier)
