"""Reads what a run keeps of itself in `crawl_runs.stats`. Whatever looks otherwise than ours says nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_OF_AN_ANSWER: Final = {"url", "subject", "part", "status", "seconds"}


def coverage(stats: Mapping[str, Any]) -> Iterator[tuple[str, str, int, Mapping[str, int]]]:
    """(source, kind, records, field -> how many of them told it)."""
    for source, kinds in _mapping(stats.get("coverage")).items():
        for kind, counted in _mapping(kinds).items():
            records, told = _mapping(counted).get("records"), _mapping(_mapping(counted).get("told"))
            if isinstance(records, int) and all(isinstance(number, int) for number in told.values()):
                yield source, kind, records, told


def mean_seconds(stats: Mapping[str, Any]) -> float | None:
    """How long an answer took; None where none came."""
    match stats.get("responses"):
        case {"count": int(count), "seconds": int() | float() as seconds} if count:
            return seconds / count
    return None


def slowest(stats: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The answers that took longest: `url`, `subject`, `part`, `status`, `seconds`."""
    found = _mapping(stats.get("responses")).get("slowest")
    return [one for one in found if _mapping(one).keys() >= _OF_AN_ANSWER] if isinstance(found, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
