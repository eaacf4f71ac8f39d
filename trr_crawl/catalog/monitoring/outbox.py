"""What is to be told to whom of what was found: rows of `alerts`, written in the transaction of the finding.

Nothing here knows an address: those who deliver do (`trr_crawl.alerts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from trr_crawl.catalog.monitoring.checks import Severity

FIRST_PAUSE: Final = timedelta(seconds=10)
"""After the first attempt in vain; twice as long after each more."""
LONGEST_PAUSE: Final = timedelta(hours=1)
"""So that a receiver that comes back hears of everything within this time."""
KEEP_TRYING: Final = timedelta(days=5)
"""What is older after an attempt in vain is given up."""
REFUSED_OFTEN: Final = 5
"""An alert that its receiver would not have so many times lets those after it pass."""
AT_ONCE: Final = 1000
"""So many are looked at in one round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something to be told to one receiver."""

    id: int
    message_id: UUID
    event: Literal["opened", "resolved"]
    at: datetime
    attempts: int
    refused: bool
    next_try_at: datetime
    finding_id: int
    scope: str
    rule: str
    severity: Severity
    subject: str
    message: str
    advice: str
    run_id: UUID | None
    found_at: datetime
    resolved_at: datetime | None

    @property
    def key(self) -> str:
        """What it is about, the same each time that it is found: one that is resolved has resolved those before it."""
        return "|".join((self.scope, self.rule, self.subject))

    @property
    def lets_pass(self) -> bool:
        """Whether those after it need not wait for it."""
        return self.refused and self.attempts >= REFUSED_OFTEN


def add_target(connection: Connection[Any], name: str, severity: Severity) -> None:
    """From now on, tell this receiver of what is found and is not milder."""
    connection.execute(
        """
        INSERT INTO alert_targets (name, severity) VALUES (%s, %s)
        ON CONFLICT (name) DO UPDATE SET severity = excluded.severity
        WHERE alert_targets.severity IS DISTINCT FROM excluded.severity
        """,
        [name, severity],
    )


def remove_target(connection: Connection[Any], name: str) -> bool:
    """Tell this receiver nothing more, what waits for it included; whether there was one."""
    with connection.transaction():
        removed = connection.execute("DELETE FROM alert_targets WHERE name = %s", [name]).rowcount
        connection.execute(
            """
            UPDATE alerts SET gave_up_at = now(), last_error = 'its receiver was removed'
            WHERE target = %s AND delivered_at IS NULL AND gave_up_at IS NULL
            """,
            [name],
        )
    return removed > 0


def opened(connection: Connection[Any], finding_id: int) -> None:
    """Something was found."""
    connection.execute(
        """
        INSERT INTO alerts (finding_id, event, target)
        SELECT finding.id, 'opened', target.name FROM crawl_findings finding CROSS JOIN alert_targets target
        WHERE finding.id = %s AND (finding.severity = 'error' OR target.severity = 'warning')
        ORDER BY target.name ON CONFLICT (finding_id, event, target) DO NOTHING
        """,
        [finding_id],
    )


def resolved(connection: Connection[Any], finding_ids: Sequence[int]) -> None:
    """These findings ended. Whoever was told of them is told so, unless the same was found anew."""
    connection.execute(
        """
        INSERT INTO alerts (finding_id, event, target)
        SELECT ended.id, 'resolved', told.target
        FROM alerts told JOIN crawl_findings ended ON ended.id = told.finding_id
        JOIN alert_targets target ON target.name = told.target
        WHERE told.event = 'opened' AND ended.id = ANY (%s) AND NOT EXISTS (
            SELECT FROM crawl_findings anew WHERE (anew.scope, anew.rule, anew.subject)
                                                = (ended.scope, ended.rule, ended.subject) AND anew.resolved_at IS NULL)
        ORDER BY ended.id, told.target ON CONFLICT (finding_id, event, target) DO NOTHING
        """,
        [list(finding_ids)],
    )


def waiting(connection: Connection[Any], target: str) -> list[Alert]:
    """What a receiver was not told yet, oldest first."""
    with connection.cursor(row_factory=class_row(Alert)) as cursor:
        return cursor.execute(
            """
            SELECT alert.id, message_id, event, alert.at, attempts, refused, next_try_at, finding_id, scope, rule,
                   severity, subject, message, advice, run_id, finding.at AS found_at, resolved_at
            FROM alerts alert JOIN crawl_findings finding ON finding.id = finding_id
            WHERE target = %s AND delivered_at IS NULL AND gave_up_at IS NULL ORDER BY alert.id LIMIT %s
            """,
            [target, AT_ONCE],
        ).fetchall()


def delivered(connection: Connection[Any], alert: Alert, now: datetime) -> None:
    """The receiver has it."""
    connection.execute(
        "UPDATE alerts SET delivered_at = %s, attempts = attempts + 1, last_error = NULL WHERE id = %s",
        [now, alert.id],
    )


def failed(
    connection: Connection[Any], alert: Alert, why: str, now: datetime, *, refused: bool, not_before: timedelta
) -> datetime | None:
    """The receiver does not have it; returns when it is tried again, None if it is given up."""
    pause = max(min(FIRST_PAUSE * 2 ** min(alert.attempts, 16), LONGEST_PAUSE), not_before)
    again = None if now - alert.at > KEEP_TRYING else now + pause
    connection.execute(
        """
        UPDATE alerts SET attempts = attempts + 1, last_error = %(why)s, refused = %(refused)s,
               next_try_at = coalesce(%(again)s::timestamptz, next_try_at),
               gave_up_at = CASE WHEN %(again)s::timestamptz IS NULL THEN %(now)s END
        WHERE id = %(id)s
        """,
        {"why": why, "refused": refused, "again": again, "now": now, "id": alert.id},
    )
    return again
