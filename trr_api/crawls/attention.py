"""What somebody should look at now: what is late, why, and what to do. Pure: rows and a time in, sentences out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from trr_api.pages import words

LATE_AFTER: Final = timedelta(minutes=10)
"""So long after its time nothing of a schedule has begun."""
HUNG_AFTER: Final = timedelta(minutes=30)
"""So long a run got nothing new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to look at."""

    kind: str
    """"late", or a severity: the class of its colour."""
    title: str
    why: str
    todo: str
    address: str | None = None
    """The page about it."""
    since: datetime | None = None


def late(schedules: Iterable[Mapping[str, Any]], runs: Iterable[Mapping[str, Any]], now: datetime) -> list[Notice]:
    """Schedules and runs (rows of `queries.SCHEDULES` and `queries.RECENT`) that are not where they should be."""
    found = [notice for schedule in schedules for notice in _of_schedule(schedule, now)]
    found += [notice for run in runs for notice in of_run(run, now)]
    return found


def nodes(schedules: Sequence[Mapping[str, Any]]) -> list[Notice]:
    """Nodes that cannot be used, of which each row of `queries.SCHEDULES` tells the same."""
    if not schedules or not schedules[0]["problems"]:
        return []
    return [
        Notice(
            kind="warning",
            title="Some nodes cannot be used",
            why=_why_unusable(schedules[0]),
            todo="Look after them: `scrapy doctor` says what is wrong with each. Until then the others do their work.",
            address="/crawls/schedules",
        )
    ]


def untold(days: Iterable[Sequence[Any]]) -> list[Notice]:
    """Receivers of alerts that did not take them (rows of `queries.DAYS`)."""
    return [
        Notice(
            kind="warning",
            title=f"{target} is not told",
            why=f"{count} alert{'s' if count > 1 else ''} could not be delivered, the oldest of {day}.",
            todo="`scrapy alerts` says why; they are tried again by themselves, for five days.",
        )
        for what, day, target, count in days
        if what == "untold"
    ]


def _of_schedule(schedule: Mapping[str, Any], now: datetime) -> Iterator[Notice]:
    if schedule["paused_at"] is not None:
        return
    name, due = f"{schedule['name']} ({schedule['spider']})", schedule["next_slot_at"]
    if due is not None and due < now - LATE_AFTER:
        yield Notice(
            kind="late",
            title=f"{name} did not start",
            why=f"Its time was {words.minute(due)} UTC, {words.ago(due, now)}, and no scheduler has looked at it.",
            todo="Start `scrapy scheduler`; the latest missed time is made up at once.",
            address="/crawls/schedules",
            since=due,
        )
    waiting = schedule["waiting_since"]
    if waiting is not None and waiting < now - LATE_AFTER:
        yield Notice(
            kind="late",
            title=f"{name} waits for a node",
            why=_why_waiting(schedule, waiting, now),
            todo="Look after the nodes: `scrapy doctor` says what is wrong with each of them.",
            address="/crawls/schedules",
            since=waiting,
        )
    if "skipped" in (schedule["states"] or ()):
        yield Notice(
            kind="warning",
            title=f"{name} was skipped",
            why=f"At {words.minute(schedule['slot_at'])} UTC an earlier run of it was not finished.",
            todo="Look whether that run hangs; if it only takes long, give the schedule more workers or more time.",
            address="/crawls/schedules",
            since=schedule["slot_at"],
        )


def _why_waiting(schedule: Mapping[str, Any], waiting: datetime, now: datetime) -> str:
    since = f"It waits since {words.minute(waiting)} UTC ({words.ago(waiting, now)}). "
    if schedule["problems"]:
        return since + _why_unusable(schedule)
    if schedule["reasons"]:
        return f"{since}It was tried already: {'; '.join(schedule['reasons'])}."
    return f"{since}No node was free, or no scheduler works."


def _why_unusable(schedule: Mapping[str, Any]) -> str:
    problems: Mapping[str, str] = schedule["problems"]
    told = "; ".join(f"{node}: {problem}" for node, problem in sorted(problems.items()))
    return f"{len(problems)} of {schedule['node_count']} nodes cannot be used. {told}."


def of_run(run: Mapping[str, Any], now: datetime) -> Iterator[Notice]:
    """What is wrong with a run that has not ended."""
    address = f"/crawls/runs/{run['id']}"
    if run["state"] == "lost":
        yield Notice(
            kind="late",
            title=f"A run of {run['spider']} gives no sign of life",
            why=f"Its last one was {words.ago(run['heartbeat_at'], now)}"
            f"{' on ' + run['node'] if run['node'] else ''}: the process died, or cannot reach the database.",
            todo="Look at its log. The next run that starts ends it, and goes on with what it had left; one of a "
            "schedule is sent again by `scrapy scheduler`.",
            address=address,
            since=run["heartbeat_at"],
        )
    elif run["state"] == "running" and run["progressed_at"] < now - HUNG_AFTER:
        yield Notice(
            kind="late",
            title=f"A run of {run['spider']} hangs",
            why=f"It lives, and got nothing new for {words.span(now - run['progressed_at'])}.",
            todo="A scheduler stops it by itself; stop one that was started by hand with Ctrl-C, once.",
            address=address,
            since=run["progressed_at"],
        )
