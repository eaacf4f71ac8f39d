"""Empties the outbox: each receiver in order, one attempt after the other, until it acknowledged.

At least once: a process that dies between the acknowledgement and its note tells it again, under the same id.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from psycopg import Connection

from trr_crawl import database
from trr_crawl.alerts.sending import NotDelivered, send
from trr_crawl.alerts.targets import Target, Targets
from trr_crawl.catalog.monitoring import outbox
from trr_crawl.errors import one_line

AFTER_A_RUN: Final = 15.0
"""Seconds that a crawl's process gives to what it found; the rest is for the scheduler, or for the next crawl."""
LOOK_EVERY: Final = 20.0
"""Seconds between two looks of the scheduler."""

logger = logging.getLogger(__name__)


def register(connection: Connection[Any], targets: Targets) -> None:
    """From now on, whatever is found anywhere is kept for these receivers too."""
    for target in targets:
        outbox.add_target(connection, target.name, targets.severity)


def deliver(
    connection: Connection[Any],
    targets: Targets,
    *,
    seconds: float = float("inf"),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> int:
    """Tell every receiver what it was not told, for about so many seconds; returns how many alerts were told.

    The connection must be in autocommit: what was acknowledged is noted before the next one is sent.
    """
    assert connection.autocommit
    end = time.monotonic() + seconds
    told = 0
    for left, target in zip(range(len(targets), 0, -1), targets, strict=True):
        # To each its part: who takes its time keeps nobody else waiting.
        until = time.monotonic() + (end - time.monotonic()) / left
        with _turn(connection, target) as is_ours:
            if is_ours:
                told += _deliver_to(connection, target, targets, until, now)
    return told


def keep_delivering(url: str, targets: Targets, stop: threading.Event) -> None:
    """Keep alerts for them from now on, and look again and again until `stop` is set.

    A database that is away is waited for.
    """
    while not stop.is_set():
        try:
            with database.connect(url, autocommit=True) as connection:
                register(connection, targets)
                deliver(connection, targets, seconds=LOOK_EVERY)
        except (psycopg.Error, database.DatabaseError) as error:
            logger.warning("Alerts wait, the database is away: %s", one_line(error))
        stop.wait(LOOK_EVERY)


def _deliver_to(
    connection: Connection[Any], target: Target, targets: Targets, until: float, now: Callable[[], datetime]
) -> int:
    told = 0
    for alert in outbox.waiting(connection, target.name):
        if time.monotonic() > until:
            break
        if alert.next_try_at > now():
            if alert.lets_pass:
                continue
            break
        try:
            send(alert, target, targets)
        except NotDelivered as error:
            again = outbox.failed(
                connection, alert, str(error), now(), refused=error.refused, not_before=error.not_before
            )
            logger.warning(
                "Alert %d did not reach %s: %s. %s",
                *(alert.id, target, error, f"Next try at {again:%H:%M:%S}." if again else "It is given up."),
            )
            if again is None or (alert.lets_pass and error.refused):
                continue
            break
        outbox.delivered(connection, alert, now())
        told += 1
    return told


@contextmanager
def _turn(connection: Connection[Any], target: Target) -> Iterator[bool]:
    """Whether it is our turn: one process at a time tells a receiver. The lock goes with its connection."""
    key = f"alerts {target.name}"
    row = connection.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [key]).fetchone()
    is_ours = bool(row and row[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            connection.execute("SELECT pg_advisory_unlock(hashtext(%s))", [key])
