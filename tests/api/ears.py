"""Clients of sockets and streams, for the tests."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PATIENCE = 20.0


class Ear:
    """One socket."""

    def __init__(self, address: str, path: str = "", token: str | None = None, **options: Any) -> None:
        offered = ["trr"] if token is None else ["trr", f"bearer.{token}"]
        url = f"{address.replace('http', 'ws', 1)}/api/v1/ws{path}"
        self.socket = connect(url, subprotocols=offered, legacy=True, **{"max_queue": None, **options})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.socket.close()

    def say(self, kind: str, **values: Any) -> None:
        """Send a message."""
        self.socket.send(json.dumps({"type": kind, **values}))

    def hear(self, *kinds: str, seconds: float = PATIENCE) -> Any:
        """The next message, which is of these kinds."""
        found = json.loads(self.socket.recv(timeout=seconds))
        assert set(found) == {"type", "ts", "payload", "topic", "seq"}
        assert not kinds or found["type"] in kinds, found
        return found

    def wait_for(self, kind: str, seconds: float = PATIENCE) -> Any:
        """The next message of that kind."""
        until = time.monotonic() + seconds
        while True:
            found = self.hear(seconds=until - time.monotonic())
            if found["type"] == kind:
                return found

    def follow(self, topic: str, after: int | None = None, **values: Any) -> Any:
        """Subscribe; what the server says to it."""
        self.say("subscribe", topic=topic, after=after, **values)
        return self.hear("subscribed", "error")

    def is_quiet(self, seconds: float = 0.3) -> bool:
        """Whether nothing comes for a while."""
        try:
            self.socket.recv(timeout=seconds)
        except TimeoutError:
            return True
        return False

    def end(self, seconds: float = PATIENCE) -> tuple[int, str]:
        """The code and the reason with which the server closes it; what comes before is let go."""
        until = time.monotonic() + seconds
        while True:
            try:
                self.socket.recv(timeout=until - time.monotonic())
            except ConnectionClosed as closed:
                assert closed.rcvd is not None, "it was cut off"
                return closed.rcvd.code, closed.rcvd.reason


def frames(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """The events of a stream; comments are events without data."""
    event: dict[str, str] = {}
    for line in lines:
        if line:
            field, _, value = line.partition(":")
            event[field] = value.strip()
        else:
            yield event
            event = {}


@contextmanager
def listening(address: str, path: str = "", token: str | None = None, **options: Any) -> Iterator[Ear]:
    """A socket that is authenticated, where there is a token."""
    with Ear(address, path, token, **options) as ear:
        if token is not None:
            ear.hear("authenticated")
        yield ear
