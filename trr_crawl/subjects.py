"""Keeps account, show by show and person by person, of what a run was to get and whether all of it came."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from trr_crawl.catalog.due.states import Finished


@dataclass(slots=True)
class _Open:
    """A thing that the run is at."""

    began_at: datetime
    asked: int = 0
    """Requests that went out for it."""
    under_way: int = 0
    """Those whose answers are not worked through."""
    fault: str | None = None
    outcome: Literal["ok", "failed", "blocked", "interrupted"] = "ok"

    @property
    def is_done(self) -> bool:
        """Whether something was asked for, and nothing of it is under way."""
        return self.asked > 0 and self.under_way <= 0


_GRAVITY = ("ok", "interrupted", "failed", "blocked")


class Subjects:
    """What a run was given or handed out, from the first request for it to the last answer.

    Only what `begin` was called for is kept account of; requests for anything else pass by.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._open: dict[str, _Open] = {}
        self._names: dict[str, str] = {}

    def begin(self, subject: str) -> None:
        """The run turns to a thing."""
        self._open.setdefault(subject, _Open(self._now()))

    def rename(self, subject: str, name: str) -> None:
        """A thing that was asked for by another source's id has this one at its own."""
        if (moved := self._open.pop(subject, None)) is None:
            return
        self._names[subject] = name
        into = self._open.setdefault(name, moved)
        if into is not moved:
            into.asked += moved.asked
            into.under_way += moved.under_way
            self._spoil(into, moved.outcome, moved.fault)

    def asked(self, subject: str) -> None:
        """A request for it goes out."""
        if (found := self._found(subject)) is not None:
            found.asked += 1
            found.under_way += 1

    def answered(self, subject: str) -> None:
        """Such a request came to its end, whatever came of it."""
        if (found := self._found(subject)) is not None:
            found.under_way -= 1

    def fault(self, subject: str, why: str, outcome: Literal["failed", "blocked", "interrupted"] = "failed") -> None:
        """Something of it could not be got."""
        if (found := self._found(subject)) is not None:
            self._spoil(found, outcome, why)

    def doubt(self, why: str) -> None:
        """Something was lost, and nobody knows what it belonged to: nothing that is open counts as got."""
        for found in self._open.values():
            self._spoil(found, "failed", why)

    @property
    def done(self) -> list[str]:
        """What the run is done with: nothing of it is under way."""
        return [subject for subject, found in self._open.items() if found.is_done]

    @property
    def under_way(self) -> int:
        """How many of them still wait for answers."""
        return sum(not found.is_done for found in self._open.values())

    def take(self, subjects: Iterable[str]) -> list[Finished]:
        """How it ended for some; they are off the account."""
        return [self._finished(subject) for subject in subjects if subject in self._open]

    def take_all(self, why: str) -> list[Finished]:
        """At the run's end: how it ended for all that are left, `why` being what interrupted those under way."""
        for found in self._open.values():
            if not found.is_done:
                self._spoil(found, "interrupted", why)
        return self.take(list(self._open))

    def _found(self, subject: str) -> _Open | None:
        return self._open.get(self._names.get(subject, subject))

    def _finished(self, subject: str) -> Finished:
        found = self._open.pop(subject)
        return Finished(subject=subject, began_at=found.began_at, outcome=found.outcome, reason=found.fault)

    @staticmethod
    def _spoil(found: _Open, outcome: Literal["ok", "failed", "blocked", "interrupted"], why: str | None) -> None:
        """The gravest outcome stands, with the first reason for it."""
        if _GRAVITY.index(outcome) > _GRAVITY.index(found.outcome):
            found.outcome, found.fault = outcome, why
