"""Calls that a process counts for itself: the rule of `limits`, without its walk over all callers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from trr_api import counting
from trr_api.counting import Counter, Limiter

LIMIT = parse("5/10 second")
STARTS = 1_800_000_000.03
"""On no edge of a window: there the library says that more is left at once, and it is not."""

Call = tuple[float, str]
"""(seconds after the call before, who)"""


async def told(limiter: Limiter, calls: Sequence[Call], clock: pytest.MonkeyPatch) -> list[tuple[bool, int, float]]:
    found = []
    now = STARTS
    for wait, caller in calls:
        now += wait
        clock.setattr(time, "time", lambda at=now: at)
        allowed = await limiter.hit(LIMIT, "address", caller)
        stats = await limiter.get_window_stats(LIMIT, "address", caller)
        found.append((allowed, stats.remaining, round(stats.reset_time - now, 3)))
    return found


@given(
    st.lists(
        st.tuples(st.one_of(st.just(0.0), st.integers(0, 250).map(lambda tenths: tenths / 10)), st.sampled_from("ab"))
    )
)
def test_a_process_counts_as_the_library_does(calls: list[Call]) -> None:
    async def both() -> None:
        with pytest.MonkeyPatch.context() as clock:
            ours = await told(Counter(), calls, clock)
            theirs = await told(SlidingWindowCounterRateLimiter(MemoryStorage()), calls, clock)
        assert ours == theirs

    asyncio.run(both())


def test_callers_who_do_not_come_back_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "KEPT", 10)
    counter = Counter()
    now = STARTS

    async def come(callers: range) -> None:
        for caller in callers:
            assert await counter.hit(LIMIT, "address", str(caller))

    monkeypatch.setattr(time, "time", lambda: now)
    asyncio.run(come(range(5000)))
    assert len(counter._counts) == 5000, "those of this window count"
    now += 25
    asyncio.run(come(range(5000, 5000 + 9000)))
    assert len(counter._counts) == 9000


def test_a_caller_who_stays_is_not_forgotten_by_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "KEPT", 10)
    monkeypatch.setattr(time, "time", lambda: STARTS)
    counter = Counter()

    async def allowed(caller: str) -> bool:
        return await counter.hit(LIMIT, "address", caller)

    assert [asyncio.run(allowed("ada")) for _ in range(5)] == [True] * 5
    for other in range(1000):
        asyncio.run(allowed(str(other)))
    assert asyncio.run(allowed("ada")) is False
