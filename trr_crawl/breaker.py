"""The circuit breaker of one host: when to stop asking, when to ask once more, when to give up for good."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic


class State(enum.Enum):
    """Of a breaker."""

    CLOSED = "closed"
    """Requests go out."""
    OPEN = "open"
    """Requests wait; when the pause is over, a single one goes out as a probe."""
    FINAL = "final"
    """Nothing goes out any more in this run."""


@dataclass(slots=True)
class Breaker:
    """Opens on consecutive blocks. Each probe that is blocked too starts the pause anew, the last one ends it all."""

    blocks: int
    """So many blocks in a row open it."""
    pause: float
    """Seconds before a probe."""
    tries: int
    """So many failed probes are the end; with 0 there is none, and the opening is the end."""
    clock: Callable[[], float] = field(default=monotonic, repr=False)
    state: State = State.CLOSED
    probe: object | None = None
    """The request that went out as the probe."""
    _in_a_row: int = 0
    _failed_probes: int = 0
    _opened_at: float = 0.0

    def was_blocked(self, request: object, *, for_good: bool = False) -> bool:
        """Take in that a request was blocked; whether a pause begins. `for_good`: the source is not asked again."""
        if for_good:
            self.state = State.FINAL
        if self.state is State.FINAL or (self.state is State.OPEN and request is not self.probe):
            return False  # it was on its way when the breaker opened
        self._failed_probes += self.state is State.OPEN
        self._in_a_row += 1
        if self._in_a_row < self.blocks:
            return False
        if self._failed_probes >= self.tries:
            self.state = State.FINAL
            return False
        self.state, self.probe, self._opened_at = State.OPEN, None, self.clock()
        return True

    def was_answered(self, request: object) -> bool:
        """Take in that a request got an answer; whether that closes the breaker."""
        if self.state is State.CLOSED:
            self._in_a_row = 0
        elif self.state is State.OPEN and request is self.probe:
            self.state, self.probe, self._in_a_row, self._failed_probes = State.CLOSED, None, 0, 0
            return True
        return False

    def seconds_left(self) -> float:
        """Of the pause."""
        return max(0.0, self._opened_at + self.pause - self.clock())

    def lets_through(self, request: object, under_way: Callable[[object], bool]) -> bool:
        """Whether a request may go out now, maybe as the probe. `under_way` tells of a probe that has no answer yet."""
        if self.state is State.CLOSED or request is self.probe:
            return True
        if self.state is State.FINAL or self.seconds_left() > 0:
            return False
        if self.probe is not None and under_way(self.probe):
            return False
        self.probe = request
        return True
