"""Makes runs of schedules when their time has come: each time once, whoever looks and however often."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

from trr_crawl.catalog import monitoring
from trr_crawl.fleet import schedules
from trr_crawl.fleet.schedules import Schedule, ScheduleError

logger = logging.getLogger(__name__)


CLOCK_WAS_WRONG: Final = timedelta(days=1)
"""A schedule whose last time is further in the future was worked by a clock that was wrong."""


def make_runs(connection: Connection[Any], now: datetime) -> list[UUID]:
    """Make the runs whose time has come; returns their ids.

    Of the times that were missed, because nobody was here or the database was away, the latest is made up, once. A
    clock that goes back makes nothing, one that jumps ahead makes what a missed time makes; once it is right again the
    schedule goes on from there. While the runs of an earlier time are not finished, a new one is skipped, and kept as
    such. A schedule that cannot be worked holds up no other.
    """
    made: list[UUID] = []
    for schedule in schedules.listed(connection):
        if schedule.paused_at is not None:
            continue
        try:
            slot = schedule.latest_slot(now)
        except ScheduleError as error:
            logger.error("The schedule %s cannot be worked here: %s", schedule.name, error)
            continue
        if slot is not None:
            made += _make(connection, schedule, slot, now)
        elif schedule.last_slot_at is not None and schedule.last_slot_at > now + CLOCK_WAS_WRONG:
            logger.error("%s was last worked by a clock that showed %s.", schedule.name, schedule.last_slot_at)
            schedules.go_on_from(connection, schedule, now)
    return made


def run_now(connection: Connection[Any], name: str, now: datetime) -> list[UUID]:
    """Make runs of a schedule at once, whatever its cron expression says; none while others are not finished."""
    schedule = schedules.named(connection, name)
    with connection.transaction():
        # Its row's lock, as in `_make`: who comes at the same moment finds these.
        connection.execute("SELECT FROM schedules WHERE id = %s FOR UPDATE", [schedule.id])
        if open_runs(connection, schedule):
            raise ScheduleError(f"{name} is running: wait for its end, or cancel it on its node.")
        return _insert(connection, schedule, now, "waiting")


def open_runs(connection: Connection[Any], schedule: Schedule) -> int:
    """How many runs of it are not finished."""
    row = connection.execute(
        "SELECT count(*) FROM schedule_runs WHERE schedule_id = %s AND finished_at IS NULL", [schedule.id]
    ).fetchone()
    assert row is not None
    return int(row[0])


def _make(connection: Connection[Any], schedule: Schedule, slot: datetime, now: datetime) -> list[UUID]:
    with connection.transaction():
        # The row's lock is the turn of whoever looks first; the second finds the time dealt with.
        claimed = connection.execute(
            """
            UPDATE schedules SET last_slot_at = %(slot)s, next_slot_at = %(next)s
            WHERE id = %(id)s AND last_slot_at < %(slot)s AND paused_at IS NULL AND removed_at IS NULL
            """,
            {"slot": slot, "next": schedule.next_slot(slot), "id": schedule.id},
        )
        if claimed.rowcount == 0:
            return []
        monitoring.note_late(connection, schedule.name, slot, now)
        if open_runs(connection, schedule):
            logger.warning("%s of %s is skipped: an earlier one is still running.", schedule.name, slot)
            _insert(connection, schedule, slot, "skipped")
            return []
        logger.info("%s of %s: %d job(s).", schedule.name, slot, schedule.workers)
        return _insert(connection, schedule, slot, "waiting")


def _insert(connection: Connection[Any], schedule: Schedule, slot: datetime, state: str) -> list[UUID]:
    with connection.transaction():
        rows = connection.execute(
            """
            INSERT INTO schedule_runs (schedule_id, slot_at, worker, state, finished_at, reason)
            SELECT %(id)s, %(slot)s, worker, %(state)s, CASE %(state)s WHEN 'skipped' THEN now() END,
                   CASE %(state)s WHEN 'skipped' THEN 'an earlier run was not finished' END
            FROM generate_series(1, %(workers)s) worker
            ON CONFLICT (schedule_id, slot_at, worker) DO NOTHING RETURNING id
            """,
            {"id": schedule.id, "slot": slot, "state": state, "workers": schedule.workers},
        ).fetchall()
    return [row[0] for row in rows]
