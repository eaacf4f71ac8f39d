"""Schedules and their runs, as tests make them, age them and look at them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection

from trr_crawl.fleet import dispatcher
from trr_crawl.fleet.nodes import Node
from trr_crawl.fleet.schedules import Schedule

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def nightly(**told: Any) -> Schedule:
    return Schedule(
        **{"name": "nightly", "spider": "imdb_episodes", "args": {"due": "true"}, "cron": "0 3 * * *", **told}
    )


def slots(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return [
        (slot.astimezone(UTC), state)
        for slot, state in connection.execute("SELECT slot_at, state FROM schedule_runs ORDER BY slot_at, worker")
    ]


def finish_all(connection: Connection[Any]) -> None:
    connection.execute("UPDATE schedule_runs SET state = 'finished', finished_at = now() WHERE finished_at IS NULL")


def send(connection: Connection[Any], nodes: Sequence[Node]) -> int:
    """What waits, to those nodes that work."""
    return dispatcher.send_waiting(connection, dispatcher.probe(connection, nodes))


def sent(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT worker, state, attempts, node, outcome, reason FROM schedule_runs ORDER BY worker"
    ).fetchall()


def age(connection: Connection[Any], minutes: int) -> None:
    """Let jobs and crawls have been out for longer."""
    connection.execute(
        """
        UPDATE schedule_runs SET sent_at = sent_at - make_interval(mins => %(n)s),
               cancelled_at = cancelled_at - make_interval(mins => %(n)s)
        """,
        {"n": minutes},
    )
    connection.execute("UPDATE fleet_nodes SET stuck_since = stuck_since - make_interval(mins => %s)", [minutes])
    connection.execute(
        "UPDATE crawl_runs SET progressed_at = progressed_at - make_interval(mins => %s) WHERE outcome IS NULL",
        [minutes],
    )


def begin_crawl(connection: Connection[Any]) -> None:
    """What a crawl writes when it starts."""
    connection.execute(
        """
        INSERT INTO crawl_runs (spider, host, pid, version, job_id)
        SELECT 'imdb_episodes', 'h', 1, 'v', job_id FROM schedule_runs WHERE finished_at IS NULL
        """
    )
