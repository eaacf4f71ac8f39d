"""Hands out what is due: to one run at a time, until it is done with it or gives no sign of life any more.

Leases live by the database's own clock, which is one for all nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import Connection, sql

from trr_crawl.catalog.due.decide import Wish, decide, judged
from trr_crawl.catalog.due.policy import LEASE

AHEAD: Final = 5000
"""So many things are decided about ahead: in a large catalog that takes much longer than to lease some of them."""
FRESH: Final = timedelta(minutes=5)
"""So long that order holds; then something more urgent may have come."""


class Queue:
    """What is due for a run, most urgent first, and leased to it a few things at a time."""

    def __init__(self, spider: str, owner: UUID, wish: Wish | None = None) -> None:
        self.spider = spider
        self.owner = owner
        self.wish = wish or Wish()
        self._ahead: list[str] = []
        self._decided_at: datetime | None = None

    def take(self, connection: Connection[Any], now: datetime, *, limit: int) -> list[str]:
        """Lease the next things, at most `limit`; returns their ids, none when nothing is left. Commits."""
        if self._decided_at is None or not timedelta() <= now - self._decided_at < FRESH:
            self._ahead = []
        while self._ahead or self._look_ahead(connection, now, limit):
            with connection.transaction():
                lock(connection, self.spider)
                self._pass_by(connection)
                some, self._ahead = self._ahead[:limit], self._ahead[limit:]
                got = self._lease(connection, now, some)
            if got:
                return got
        return []

    def _look_ahead(self, connection: Connection[Any], now: datetime, limit: int) -> bool:
        with connection.transaction():
            connection.execute("SET LOCAL jit = off")  # to compile the query takes longer than to run it
            found = decide(connection, self.spider, now, self.wish, limit=max(AHEAD, limit))
        self._ahead, self._decided_at = [one.subject for one in found], now
        return bool(found)

    def _pass_by(self, connection: Connection[Any]) -> None:
        """What others took since it was decided about."""
        rows = connection.execute(
            "SELECT subject FROM crawl_leases WHERE spider = %s AND expires_at > now()", [self.spider]
        )
        taken = {row[0] for row in rows}
        self._ahead = [subject for subject in self._ahead if subject not in taken]

    def _lease(self, connection: Connection[Any], now: datetime, subjects: Sequence[str]) -> list[str]:
        """Those that are still due: others may be done with them by now."""
        query, values = judged(self.spider, replace(self.wish, subjects=subjects), now)
        rows = connection.execute(
            sql.SQL(
                """
                WITH {},
                leased AS (
                    INSERT INTO crawl_leases AS lease (spider, subject, owner_id, expires_at)
                    SELECT %(spider)s, subject, %(owner)s, now() + %(lease)s
                    FROM judged WHERE reason = ANY (%(order)s)
                    ON CONFLICT (spider, subject) DO UPDATE
                    SET owner_id = excluded.owner_id, expires_at = excluded.expires_at, taken_at = excluded.taken_at
                    WHERE lease.expires_at <= now()
                    RETURNING subject
                )
                SELECT subject FROM leased ORDER BY array_position(%(subjects)s, subject)
                """
            ).format(query),
            {**values, "owner": self.owner, "lease": LEASE},
        ).fetchall()
        return [row[0] for row in rows]


def lock(connection: Connection[Any], spider: str) -> None:
    """Take turns with all others who lease a spider's things or write how they ended, until the transaction's end:
    what one is done with is not leased by who still saw it waiting."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('crawl_leases'), hashtext(%s))", [spider])


def extend(connection: Connection[Any], owner: UUID) -> None:
    """A run's sign of life: what it holds stays its own, also where a lease ran out and nobody took it."""
    connection.execute("UPDATE crawl_leases SET expires_at = now() + %s WHERE owner_id = %s", [LEASE, owner])


def release(connection: Connection[Any], owner: UUID) -> None:
    """A run's end: what it still holds is free again."""
    connection.execute("DELETE FROM crawl_leases WHERE owner_id = %s", [owner])
