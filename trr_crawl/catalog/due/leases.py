"""Hands out what is due: to one run at a time, until it is done with it or gives no sign of life any more.

Leases live by the database's own clock, which is one for all nodes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection, sql

from trr_crawl.catalog.due.decide import Wish, judged
from trr_crawl.catalog.due.policy import LEASE


def hand_out(
    connection: Connection[Any], spider: str, owner: UUID, now: datetime, wish: Wish | None = None, *, limit: int
) -> list[str]:
    """Lease the most urgent things to a run, at most `limit`; returns their ids, none when nothing is left.

    Commits. Those who come at the same moment take turns, so that each gets the next ones; the lease itself is what
    keeps two from getting the same.
    """
    query, values = judged(spider, wish or Wish(), now)
    with connection.transaction():
        connection.execute("SET LOCAL jit = off")  # to compile the query takes longer than to run it
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('crawl_leases'), hashtext(%s))", [spider])
        rows = connection.execute(
            sql.SQL(
                """
                WITH {},
                chosen AS (
                    SELECT subject, row_number() OVER (
                        ORDER BY array_position(%(order)s, reason), ok_at NULLS FIRST, due_at, subject
                    ) AS place
                    FROM judged WHERE reason = ANY (%(order)s) ORDER BY place LIMIT %(limit)s
                ),
                leased AS (
                    INSERT INTO crawl_leases AS lease (spider, subject, owner_id, expires_at)
                    SELECT %(spider)s, subject, %(owner)s, now() + %(lease)s FROM chosen
                    ON CONFLICT (spider, subject) DO UPDATE
                    SET owner_id = excluded.owner_id, expires_at = excluded.expires_at, taken_at = excluded.taken_at
                    WHERE lease.expires_at <= now()
                    RETURNING subject
                )
                SELECT subject FROM leased JOIN chosen USING (subject) ORDER BY place
                """
            ).format(query),
            {**values, "owner": owner, "lease": LEASE, "limit": limit},
        ).fetchall()
    return [row[0] for row in rows]


def extend(connection: Connection[Any], owner: UUID) -> None:
    """A run's sign of life: what it holds stays its own, also where a lease ran out and nobody took it."""
    connection.execute("UPDATE crawl_leases SET expires_at = now() + %s WHERE owner_id = %s", [LEASE, owner])


def release(connection: Connection[Any], owner: UUID) -> None:
    """A run's end: what it still holds is free again."""
    connection.execute("DELETE FROM crawl_leases WHERE owner_id = %s", [owner])
