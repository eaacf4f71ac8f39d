"""How two runs differ: their numbers, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trr_api.crawls.schemas import Difference
from trr_crawl.catalog import run_stats

Numbers = Mapping[str, float]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What differs between two rows of `queries.TWO_RUNS`, by name."""
    one, other = dict(numbers(before)), dict(numbers(after))
    return [
        Difference(
            name=name,
            before=one.get(name),
            after=other.get(name),
            change=round(other[name] - one[name], 4) if name in one and name in other else None,
        )
        for name in sorted(one.keys() | other.keys())
        if one.get(name) != other.get(name)
    ]


def numbers(run: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """All numbers of a run: counters, what records told as shares, and what else is a number in its stats."""
    for name in ("requests", "bytes", "blocks", "images"):
        yield name, run[name]
    if run["finished_at"] is not None:
        yield "seconds", round((run["finished_at"] - run["started_at"]).total_seconds(), 1)
    for kind, counts in run["items"].items():
        for operation, count in counts.items():
            yield f"items/{kind}/{operation}", count
    for source, kind, records, told in run_stats.coverage(run["stats"]):
        if records:
            yield from ((f"coverage/{source}/{kind}/{field}", round(one / records, 4)) for field, one in told.items())
    if (seconds := run_stats.mean_seconds(run["stats"])) is not None:
        yield "response seconds", round(seconds, 3)
    for name, value in run["stats"].items():
        if name not in ("coverage", "responses") and isinstance(value, int | float) and not isinstance(value, bool):
            yield name, value
