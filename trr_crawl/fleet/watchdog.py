"""Looks after the jobs that are out: what ended, what hangs, what died with its node and is to be done again.

The database knows best: a crawl writes its own row and heartbeat there, whatever its node says or no longer says.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from trr_crawl.catalog import monitoring
from trr_crawl.fleet.nodes import Node, NodeError

logger = logging.getLogger(__name__)

START_WITHIN: Final = timedelta(minutes=2)
"""A job that has no row in `crawl_runs` after so long is asked about. One that waits in its node's queue, behind others
that run, may wait as long as they do."""
START_AT_LAST: Final = timedelta(minutes=10)
"""A process that runs for so long and has none hangs before its start."""
HUNG_AFTER: Final = timedelta(minutes=30)
"""A crawl that got nothing new for so long hangs. The longest pause that a host may ask for is shorter."""
KILL_AFTER: Final = timedelta(minutes=2)
"""So long may a job take to stop that was asked to."""
ATTEMPTS: Final = 3
"""So often a run is sent before it is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run that was sent, and what the database knows of its crawl."""

    id: UUID
    schedule: str
    slot_at: datetime
    node: str
    job_id: str
    attempts: int
    state: str
    sent_for: timedelta
    cancelled_for: timedelta | None
    crawl_id: UUID | None
    outcome: str | None
    reason: str | None
    silent_for: timedelta | None
    idle_for: timedelta | None


def look(connection: Connection[Any], nodes: Sequence[Node]) -> int:
    """Look after all jobs that are out; returns how many still are."""
    by_name = {node.name: node for node in nodes}
    with connection.transaction(), connection.cursor(row_factory=class_row(Job)) as cursor:
        jobs = cursor.execute(
            """
            SELECT run.id, schedule.name AS schedule, slot_at, run.node, run.job_id, attempts, state,
                   now() - sent_at AS sent_for, now() - cancelled_at AS cancelled_for,
                   crawl.id AS crawl_id, crawl.outcome, crawl.reason, now() - heartbeat_at AS silent_for,
                   now() - progressed_at AS idle_for
            FROM schedule_runs run JOIN schedules schedule ON schedule.id = schedule_id
            LEFT JOIN LATERAL (
                SELECT * FROM crawl_runs WHERE job_id = run.job_id ORDER BY started_at DESC LIMIT 1
            ) crawl ON true
            WHERE state IN ('sent', 'running') AND run.finished_at IS NULL
            """
        ).fetchall()
    return sum(_look_after(connection, job, by_name.get(job.node)) for job in jobs)


def _look_after(connection: Connection[Any], job: Job, node: Node | None) -> bool:
    """Whether a job is still out."""
    if job.outcome is not None:
        with connection.transaction():
            _set(connection, job, "finished", job.outcome, job.reason)
            monitoring.note_done(connection, job.schedule, job.slot_at)
        return False
    if job.crawl_id is None:
        return _not_begun(connection, job, node)
    assert job.silent_for is not None
    assert job.idle_for is not None
    if job.silent_for > monitoring.SILENT_AFTER:
        _stop(node, job, kill=True)
        with connection.transaction():
            monitoring.end_dead_runs(connection, job.crawl_id)
        return _again(connection, job, f"{job.node} gives no sign of life of it")
    if job.cancelled_for is not None:
        if job.cancelled_for > KILL_AFTER:
            _stop(node, job, kill=True)
    elif job.idle_for > HUNG_AFTER:
        logger.error("The job %s on %s hangs: nothing new for %s. It is stopped.", job.job_id, job.node, job.idle_for)
        _stop(node, job)
        _set(connection, job, "running", None, f"it hung: nothing new for {job.idle_for}", cancelled=True)
        with connection.transaction():
            monitoring.note_hung(connection, job.crawl_id, job.idle_for, job.node)
    elif job.state == "sent":
        _set(connection, job, "running", None, None)
    return True


def _not_begun(connection: Connection[Any], job: Job, node: Node | None) -> bool:
    if job.sent_for <= START_WITHIN:
        return True
    if node is None:
        return _again(connection, job, f"{job.node} is not in SCRAPYD_NODES any more")
    try:
        state = node.state(job.job_id)
    except NodeError as error:
        # Should the node come back with the job, the job finds its run sent elsewhere and does nothing.
        return _again(connection, job, f"{job.node} is gone: {error}")
    if state == "finished":
        return _again(connection, job, f"it ended on {job.node} before it began: see its log there")
    if state is None:
        return _again(connection, job, f"{job.node} knows nothing of it")
    if state == "pending" and not _is_stuck(connection, job.node):
        _waits_there(connection, job)
        return True
    if state == "pending" or job.sent_for > START_AT_LAST:
        _stop(node, job, kill=state == "running")
        return _again(connection, job, f"on {job.node} it was {state} for {job.sent_for} and did not begin")
    return True


def _waits_there(connection: Connection[Any], job: Job) -> None:
    """The time that it may take to begin counts from the end of its wait."""
    with connection.transaction():
        connection.execute(
            "UPDATE schedule_runs SET sent_at = now() WHERE id = %s AND job_id = %s AND state = 'sent'",
            [job.id, job.job_id],
        )


def _is_stuck(connection: Connection[Any], node: str) -> bool:
    row = connection.execute("SELECT problem IS NOT NULL FROM fleet_nodes WHERE url = %s", [node]).fetchone()
    return bool(row and row[0])


def _again(connection: Connection[Any], job: Job, reason: str) -> bool:
    """Let a run wait for a node again, or give it up; whether it is still to be done."""
    if job.attempts >= ATTEMPTS:
        logger.error("The job %s is given up: %s.", job.job_id, reason)
        why = f"given up after {job.attempts} attempts: {reason}"
        with connection.transaction():
            _set(connection, job, "finished", "failed", why)
            monitoring.note_given_up(connection, job.schedule, job.slot_at, why)
        return False
    logger.warning("The job %s is sent again: %s.", job.job_id, reason)
    _set(connection, job, "waiting", None, reason)
    return True


def _stop(node: Node | None, job: Job, *, kill: bool = False) -> None:
    try:
        if node is not None:
            node.cancel(job.job_id, kill=kill)
    except NodeError as error:
        logger.warning("The job %s on %s cannot be stopped: %s.", job.job_id, job.node, error)


def _set(
    connection: Connection[Any],
    job: Job,
    state: str,
    outcome: str | None,
    reason: str | None,
    *,
    cancelled: bool = False,
) -> None:
    """Unless somebody else set it meanwhile. A run that waits again goes by no job: should the old one begin after all,
    it finds that and does nothing."""
    with connection.transaction():
        connection.execute(
            """
            UPDATE schedule_runs SET state = %(state)s, outcome = %(outcome)s,
                   job_id = CASE WHEN %(state)s <> 'waiting' THEN job_id END,
                   reason = coalesce(%(reason)s, CASE WHEN %(state)s = 'running' THEN reason END),
                   finished_at = CASE %(state)s WHEN 'finished' THEN now() END,
                   cancelled_at = CASE WHEN %(cancelled)s THEN now() ELSE cancelled_at END
            WHERE id = %(id)s AND job_id = %(job_id)s AND state = %(before)s
            """,
            {
                "state": state,
                "outcome": outcome,
                "reason": reason,
                "cancelled": cancelled,
                "id": job.id,
                "job_id": job.job_id,
                "before": job.state,
            },
        )
