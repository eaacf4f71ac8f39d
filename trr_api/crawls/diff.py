"""How two runs differ: their numbers, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trr_api.crawls.schemas import Difference

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
    for name, value in run["stats"].items():
        if name == "coverage":
            yield from _shares(value)
        elif name == "responses":
            if isinstance(value, dict) and value.get("count"):
                yield "response seconds", round(value["seconds"] / value["count"], 3)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield name, value


def _shares(coverage: Any) -> Iterator[tuple[str, float]]:
    if not isinstance(coverage, dict):
        return
    for source, kinds in coverage.items():
        for kind, counted in kinds.items():
            for field, told in counted["told"].items():
                if counted["records"]:
                    yield f"coverage/{source}/{kind}/{field}", round(told / counted["records"], 4)
