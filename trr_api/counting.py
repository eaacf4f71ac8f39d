"""Calls counted in this process, where no Redis is named.

The memory of `limits` looks at every caller for every call: with 10,000 addresses a call costs a millisecond of it. The
rule is the same, a sliding window counter: the calls of this window, and of the one before those that weigh still.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import floor, inf
from typing import Final, Protocol

from limits import RateLimitItem, WindowStats

KEPT: Final = 1000
"""Counts below which nobody looks for old ones."""


class Limiter(Protocol):
    """What counts calls: a strategy of `limits`, or `Counter`."""

    async def hit(self, item: RateLimitItem, *identifiers: str) -> bool:
        """Count a call, if it may be; whether it may."""

    async def get_window_stats(self, item: RateLimitItem, *identifiers: str) -> WindowStats:
        """When (seconds since 1970) more is left than now, and how much is left."""


@dataclass(slots=True)
class _Count:
    seconds: int
    """How long a window is."""
    window: int
    """Which one is counted, since 1970."""
    current: int = 0
    previous: int = 0

    def move(self, window: int) -> None:
        """Go on to another window, mostly the next one."""
        self.previous = self.current if window == self.window + 1 else 0
        self.current = 0
        self.window = window

    def weight(self, now: float) -> float:
        """What counts at a moment in the window."""
        return self.previous * (1 - now / self.seconds % 1) + self.current


class Counter:
    """A `Limiter` of one process. What lies two windows back is forgotten."""

    def __init__(self) -> None:
        self._counts: dict[tuple[object, ...], _Count] = {}
        self._sweep_at = KEPT

    async def hit(self, item: RateLimitItem, *identifiers: str) -> bool:
        """Count a call, if it may be; whether it may."""
        now = time.time()
        count = self._count(item, identifiers, now)
        if floor(count.weight(now)) + 1 > item.amount:
            return False
        count.current += 1
        return True

    async def get_window_stats(self, item: RateLimitItem, *identifiers: str) -> WindowStats:
        """When (seconds since 1970) more is left than now, and how much is left."""
        now = time.time()
        count = self._count(item, identifiers, now)
        left = (1 - now / count.seconds % 1) * count.seconds
        reset = min(
            left % (count.seconds / count.previous) if count.previous else inf,
            left if count.current else inf,
        )
        return WindowStats(now if reset == inf else now + reset, max(0, item.amount - floor(count.weight(now))))

    def _count(self, item: RateLimitItem, identifiers: tuple[str, ...], now: float) -> _Count:
        seconds = item.get_expiry()
        key = (item.amount, seconds, *identifiers)
        window = int(now // seconds)
        count = self._counts.get(key)
        if count is None:
            if len(self._counts) >= self._sweep_at:
                self._sweep(now)
            count = self._counts[key] = _Count(seconds, window)
        elif count.window != window:
            count.move(window)
        return count

    def _sweep(self, now: float) -> None:
        self._counts = {key: count for key, count in self._counts.items() if count.window >= now // count.seconds - 1}
        # Looked at again when they have doubled, so that a call pays for a few only.
        self._sweep_at = max(KEPT, 2 * len(self._counts))
