"""The rules: what is wrong with a run, compared with earlier ones of the same spider and the same kind of arguments.

Pure: a run and its history in, findings out. "Usual" is the median of the history, which one odd night does not move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from types import MappingProxyType
from typing import Final, Literal

Severity = Literal["warning", "error"]

HISTORY: Final = 20
"""So many earlier runs are looked at, those that ended as `ok` or `partial`."""
LATELY: Final = timedelta(days=120)
"""No run before that."""
ENOUGH: Final = 5
"""With fewer of them nothing is usual yet, and only what is wrong by itself is found."""
FEW: Final = 0.5
"""Fewer items than this part of the usual number are too few."""
ITEMS_THAT_SAY_SOMETHING: Final = 10
"""Below that, a number of items or records is a matter of chance."""
REQUESTS_THAT_SAY_SOMETHING: Final = 10
"""By fewer requests it is a matter of chance what they bring: one show is large, the next one small."""
COVERAGE_FALL: Final = 0.25
"""A field that so many points fewer of the records have than usual has fallen."""
EVER_THERE: Final = 0.1
"""A field that fewer of the records usually have may well be missing in all of them."""
BLOCKS: Final = 0.05
"""So many of the requests may be answered by blocks, or twice the usual part."""
SLOW: Final = 3.0
"""So many times the usual response time is slow,"""
SLOW_SECONDS: Final = 2.0
"""if it is more than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """How much the records of a kind told."""

    records: int
    told: Mapping[str, int]

    def share(self, name: str) -> float:
        """The part of the records that told a field."""
        return self.told.get(name, 0) / self.records if self.records else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that has ended, as the rules see it."""

    spider: str
    args: Mapping[str, object]
    outcome: str
    reason: str | None = None
    requests: int = 0
    blocks: int = 0
    items: int = 0
    """Stored, changed or not."""
    rejected: int = 0
    coverage: Mapping[str, Fields] = field(default_factory=dict)
    """"imdb show" -> what its records told."""
    response_seconds: float | None = None
    """The mean."""
    drift: frozenset[str] = frozenset()
    """Keys of pages that no parser knows."""

    @property
    def scope(self) -> str:
        """What it is compared within: the spider and the names of its arguments."""
        return " ".join([self.spider, *sorted(self.args)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that somebody should look at."""

    rule: str
    severity: Severity
    subject: str = ""
    """What it is about within the run; empty for all of it."""
    message: str
    """What is wrong: a sentence with the numbers."""
    advice: str
    """What to do: a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A rule could tell; what it found before about the same subjects, and finds no more, is over."""

    rule: str
    subjects: str = ""
    """How these subjects begin; empty for all of them."""


Found = Iterator[Finding | Judged]
Rule = Callable[[Run, Sequence[Run]], Found]


def failed(run: Run, _: Sequence[Run]) -> Found:
    """It failed."""
    yield Judged(rule="failed")
    if run.outcome == "failed":
        yield Finding(
            rule="failed",
            severity="error",
            message=f"The run failed: {run.reason or 'nothing says why'}",
            advice="Read the reason and the log of the run; what it stored is stored, the next run goes on from there.",
        )


def blocked(run: Run, history: Sequence[Run]) -> Found:
    """The source refused to talk to us, or did so more often than usual."""
    if not run.requests and run.outcome != "blocked":
        return
    yield Judged(rule="blocked")
    part = run.blocks / run.requests if run.requests else 0.0
    usual = median([one.blocks / one.requests for one in history if one.requests] or [0.0])
    if run.outcome == "blocked":
        yield Finding(
            rule="blocked",
            severity="error",
            message=f"The source refuses to talk to us: {run.blocks:,} of {run.requests:,} requests were blocked.",
            advice="Leave it alone for a day: what is due waits by itself. If it stays so, crawl saved pages "
            "(docs/blocks.md).",
        )
    elif run.blocks and part > max(BLOCKS, 2 * usual):
        yield Finding(
            rule="blocked",
            severity="warning",
            message=f"{part:.0%} of the requests were blocked, usually {usual:.0%}.",
            advice="Ask more slowly (DOWNLOAD_DELAY, FLEET_DELAY) before the source refuses altogether.",
        )


def too_few_items(run: Run, history: Sequence[Run]) -> Found:
    """It brought much less than runs with the same arguments do, or than so many requests usually bring."""
    alike = [one.items for one in history if one.args == run.args and "due" not in run.args]
    if len(alike) >= ENOUGH:
        expected = float(median(alike))
    elif run.requests >= REQUESTS_THAT_SAY_SOMETHING:
        expected = median([one.items / one.requests for one in history if one.requests] or [0.0]) * run.requests
    else:
        return
    yield Judged(rule="too_few_items")
    if expected >= ITEMS_THAT_SAY_SOMETHING and run.items < FEW * expected:
        yield Finding(
            rule="too_few_items",
            severity="error",
            message=f"{run.items:,} items by {run.requests:,} requests; usually it would be {expected:,.0f}.",
            advice="Compare a page with its recorded one: the layout may have changed. Archives can be parsed anew "
            "once the parser is mended.",
        )


def fields_fell(run: Run, history: Sequence[Run]) -> Found:
    """A field is missing that records used to have."""
    for kind, fields in sorted(run.coverage.items()):
        before = [one.coverage[kind] for one in history if kind in one.coverage and one.coverage[kind].records]
        if fields.records < ITEMS_THAT_SAY_SOMETHING or len(before) < ENOUGH:
            continue
        yield Judged(rule="fields_fell", subjects=f"{kind} ")
        for name in sorted({name for one in before for name in one.told}):
            usual, now = median(one.share(name) for one in before), fields.share(name)
            if usual - now < COVERAGE_FALL and not (now == 0 and usual >= EVER_THERE):
                continue
            emptied = now == 0
            yield Finding(
                rule="fields_fell",
                severity="error" if emptied else "warning",
                subject=f"{kind} {name}",
                message=f"{name} is {'empty in all' if emptied else f'told by {now:.0%} of'} {fields.records:,} "
                f"records of {kind}; usually {usual:.0%} have it.",
                advice="Compare a page with its recorded one: the field has moved, or the source dropped it. What the "
                "catalog knew is kept until the source says otherwise.",
            )


def slow(run: Run, history: Sequence[Run]) -> Found:
    """The source answers much more slowly than usual."""
    before = [one.response_seconds for one in history if one.response_seconds is not None]
    if run.response_seconds is None or not before:
        return
    yield Judged(rule="slow")
    usual = median(before)
    if run.response_seconds > max(SLOW * usual, SLOW_SECONDS):
        yield Finding(
            rule="slow",
            severity="warning",
            message=f"An answer took {run.response_seconds:.1f} s on average, usually {usual:.1f} s.",
            advice="The source has trouble, or slows us down: look at the slowest requests of the run.",
        )


def drift(run: Run, history: Sequence[Run]) -> Found:
    """Pages have keys that no parser knows, and that were not there before."""
    if not run.items:
        return
    yield Judged(rule="drift")
    known = frozenset[str]().union(*(one.drift for one in history))
    for path in sorted(run.drift - known):
        yield Finding(
            rule="drift",
            severity="warning",
            subject=path,
            message=f"The source says something new: nobody reads {path} yet.",
            advice="Look whether it is worth reading, and name it in the parser either way.",
        )


def rejected(run: Run, _: Sequence[Run]) -> Found:
    """The database refused records."""
    if not (run.items or run.rejected):
        return
    yield Judged(rule="rejected")
    if run.rejected:
        yield Finding(
            rule="rejected",
            severity="warning",
            message=f"The database refused {run.rejected:,} records.",
            advice="Read the reasons on the page of the run; once they are mended, let them be tried again there.",
        )


RULES: Final[Mapping[str, tuple[Rule, bool]]] = MappingProxyType(
    {
        # Rule, and whether it needs a run that came to its end and a history to compare it with.
        "failed": (failed, False),
        "blocked": (blocked, False),
        "rejected": (rejected, False),
        "too_few_items": (too_few_items, True),
        "fields_fell": (fields_fell, True),
        "slow": (slow, True),
        "drift": (drift, True),
    }
)


def check(run: Run, history: Sequence[Run]) -> tuple[list[Finding], list[Judged]]:
    """What is wrong with a run, and about what the rules could tell at all: one that asked nothing shows nothing."""
    comparable = run.outcome in ("ok", "partial") and len(history) >= ENOUGH
    told = [one for rule, compares in RULES.values() if comparable or not compares for one in rule(run, history)]
    return [one for one in told if isinstance(one, Finding)], [one for one in told if isinstance(one, Judged)]
