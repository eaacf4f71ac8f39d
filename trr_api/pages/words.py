"""How pages write times, spans and amounts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from markupsafe import Markup, escape

NOTHING: Final = "-"
"""In place of what is not known."""

_UNITS: Final = (("d", 86400), ("h", 3600), ("min", 60))


def span(length: timedelta | float | None) -> str:
    """A span in its two largest units, seconds only below a minute: "2 h 5 min"."""
    if length is None:
        return NOTHING
    left = round(length.total_seconds() if isinstance(length, timedelta) else length)
    if left < 60:
        return f"{left} s"
    parts = []
    for unit, seconds in _UNITS:
        number, left = divmod(left, seconds)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2])


def ago(then: datetime | None, now: datetime) -> str:
    """How long ago a time was, or how far ahead it is."""
    if then is None:
        return "never"
    seconds = (now - then).total_seconds()
    if abs(seconds) < 10:
        return "just now"
    return f"{span(seconds)} ago" if seconds > 0 else f"in {span(-seconds)}"


def minute(then: datetime | None) -> str:
    """A time to the minute, UTC."""
    return NOTHING if then is None else f"{then.astimezone(UTC):%Y-%m-%d %H:%M}"


def number(value: float | None) -> str:
    """With commas between thousands, and no more digits than are read."""
    if value is None:
        return NOTHING
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 1 else f"{value:.2g}"


def percent(share: float | None) -> str:
    """A share between 0 and 1. What is not all is never called 100 %, and what is not nothing never 0 %."""
    if share is None:
        return NOTHING
    if 0 < share < 0.01:
        return "<1 %"
    if 0.99 < share < 1:
        return ">99 %"
    return f"{share:.0%}".replace("%", " %")


def size(count: float | None) -> str:
    """Bytes in a unit that leaves few digits."""
    if count is None:
        return NOTHING
    amount, units = float(count), ["TB", "GB", "MB", "KB", "B"]
    while amount >= 1000 and len(units) > 1:
        amount /= 1000
        units.pop()
    return f"{number(round(amount, 1))} {units[-1]}"


def sentence(text: str) -> str:
    """With a capital letter."""
    return text[:1].upper() + text[1:]


def code(text: str) -> Markup:
    """A text with what stands between backticks as code."""
    parts = [f"<code>{escape(part)}</code>" if at % 2 else str(escape(part)) for at, part in enumerate(text.split("`"))]
    return Markup("".join(parts))  # noqa: S704 - every part is escaped
