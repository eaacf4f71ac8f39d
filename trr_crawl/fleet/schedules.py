"""Schedules as people make them: which spider, when, how many at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from psycopg import Connection, errors
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from trr_crawl.errors import UserError

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
AT_MOST: Final = 64
"""So many jobs a schedule may run at once."""
CLOCK_CHANGE: Final = timedelta(hours=2)
"""More than any zone turns its clocks by."""


class ScheduleError(UserError):
    """A schedule that makes no sense, or is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One of them."""

    id: int = 0
    name: str
    spider: str
    args: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    cron: str
    time_zone: str = "UTC"
    workers: int = 1
    last_slot_at: datetime | None = None
    paused_at: datetime | None = None

    def check(self) -> None:
        """ScheduleError says what makes no sense."""
        if _NAME.fullmatch(self.name) is None:
            raise ScheduleError(f"{self.name!r} is no name: give small letters, digits, - and _.")
        if not 1 <= self.workers <= AT_MOST:
            raise ScheduleError(f"workers={self.workers}: give a number from 1 to {AT_MOST}.")
        if self.workers > 1 and self.args.get("due", "").lower() not in ("true", "yes", "1"):
            raise ScheduleError(
                f"workers={self.workers} of the same arguments would do the same {self.workers} times: only due=true "
                "is shared between workers."
            )
        zone = self.zone
        if len(self.cron.split()) != 5 or not croniter.is_valid(self.cron):
            raise ScheduleError(
                f"{self.cron!r} is no cron expression: give minute, hour, day, month and day of the week, "
                "as in '0 3 * * *'."
            )
        start = datetime(2024, 1, 1, tzinfo=UTC)
        try:
            croniter(self.cron, start.astimezone(zone), max_years_between_matches=8).get_next(datetime)
        except ValueError as error:  # CroniterError is one
            raise ScheduleError(f"{self.cron!r} names a day that never comes.") from error

    @property
    def zone(self) -> ZoneInfo:
        """The time zone; ScheduleError where this machine knows none of that name."""
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ScheduleError(f"{self.time_zone!r} is no time zone: write it as in Europe/Berlin.") from error

    def latest_slot(self, now: datetime) -> datetime | None:
        """The latest time by the expression that is not after `now` and not dealt with; None if there is none."""
        slot = next(slot for slot in self._slots(now, "get_prev") if slot <= now)
        return slot if self.last_slot_at is None or slot > self.last_slot_at else None

    def next_slot(self, now: datetime) -> datetime:
        """The next time by the expression."""
        return next(slot for slot in self._slots(now, "get_next") if slot > now)

    def _slots(self, now: datetime, which: Literal["get_prev", "get_next"]) -> Iterator[datetime]:
        """By the wall clock of the zone, from a little beyond `now` on: in the hour that comes twice a year, a time
        comes once, and one in the hour that is left out comes an hour later."""
        zone = self.zone
        beyond = CLOCK_CHANGE if which == "get_prev" else -CLOCK_CHANGE
        wall = croniter(self.cron, now.astimezone(zone).replace(tzinfo=None) + beyond)
        while True:
            yield getattr(wall, which)(datetime).replace(tzinfo=zone).astimezone(UTC)


_COLUMNS: Final = "id, name, spider, args, settings, cron, time_zone, workers, last_slot_at, paused_at"


def add(connection: Connection[Any], schedule: Schedule, now: datetime) -> Schedule:
    """Add a schedule; its first run is at the first time after `now`."""
    schedule.check()
    try:
        with connection.transaction(), connection.cursor(row_factory=class_row(Schedule)) as cursor:
            added = cursor.execute(
                f"""
                INSERT INTO schedules
                       (name, spider, args, settings, cron, time_zone, workers, last_slot_at, next_slot_at)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING {_COLUMNS}
                """,  # noqa: S608 - names of columns, no values
                [
                    schedule.name,
                    schedule.spider,
                    Jsonb(dict(schedule.args)),
                    Jsonb(dict(schedule.settings)),
                    schedule.cron,
                    schedule.time_zone,
                    schedule.workers,
                    now,
                    schedule.next_slot(now),
                ],
            ).fetchone()
    except errors.UniqueViolation as error:
        raise ScheduleError(f"There is a schedule {schedule.name} already: remove it, or take another name.") from error
    assert added is not None
    return added


def listed(connection: Connection[Any]) -> Sequence[Schedule]:
    """All schedules, by name."""
    with connection.cursor(row_factory=class_row(Schedule)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM schedules WHERE removed_at IS NULL ORDER BY name"  # noqa: S608
        ).fetchall()


def named(connection: Connection[Any], name: str) -> Schedule:
    """The one of a name; ScheduleError if there is none."""
    for schedule in listed(connection):
        if schedule.name == name:
            return schedule
    raise ScheduleError(f"There is no schedule {name}: scrapy schedule list shows them.")


def pause(connection: Connection[Any], name: str) -> None:
    """Make no more runs until it is resumed; runs that are out end as they would."""
    _update(connection, name, "paused_at = coalesce(paused_at, now())")


def resume(connection: Connection[Any], name: str, now: datetime) -> None:
    """Go on with the next time; those that fell into the pause are not made up."""
    _go_on(connection, named(connection, name), "paused_at = NULL, ", now)


def go_on_from(connection: Connection[Any], schedule: Schedule, now: datetime) -> None:
    """Take its times up to `now` for dealt with, and those after that for open."""
    _go_on(connection, schedule, "", now)


def _go_on(connection: Connection[Any], schedule: Schedule, change: str, now: datetime) -> None:
    change = f"{change}last_slot_at = %(now)s, next_slot_at = %(next)s"
    _update(connection, schedule.name, change, now=now, next=schedule.next_slot(now))


def remove(connection: Connection[Any], name: str) -> None:
    """Take it off the list; what waits is not sent any more, and its history stays."""
    _update(connection, name, "removed_at = now()")


def _update(connection: Connection[Any], name: str, change: str, **values: object) -> None:
    schedule = named(connection, name)
    with connection.transaction():
        connection.execute(f"UPDATE schedules SET {change} WHERE id = %(id)s", {"id": schedule.id, **values})  # noqa: S608
