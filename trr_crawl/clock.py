"""What time it is. A run, or the scheduler, can be given another time: nothing in here is patched for that."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from trr_crawl.errors import UserError


class Clock:
    """Real time, or time that started elsewhere and goes on as fast as the real one."""

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start
        self._since = time.monotonic()

    @classmethod
    def starting(cls, text: str) -> Clock:
        """A clock that shows an ISO time with its zone now; for an empty text, real time. Else a UserError."""
        if not text:
            return cls()
        try:
            start = datetime.fromisoformat(text)
        except ValueError as error:
            raise UserError(f"CLOCK={text} is no time: write it as in 2026-11-28T03:00:00+00:00.") from error
        if start.tzinfo is None:
            raise UserError(f"CLOCK={text} names no time zone: write it as in 2026-11-28T03:00:00+00:00.")
        return cls(start.astimezone(UTC))

    def now(self) -> datetime:
        """The time, UTC."""
        if self._start is None:
            return datetime.now(UTC)
        return self._start + timedelta(seconds=time.monotonic() - self._since)
