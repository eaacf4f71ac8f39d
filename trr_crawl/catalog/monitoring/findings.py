"""Applies the rules to a run that has ended, and keeps what they find in `crawl_findings`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from trr_crawl.catalog import run_stats
from trr_crawl.catalog.monitoring import outbox
from trr_crawl.catalog.monitoring.checks import HISTORY, LATELY, Fields, Finding, Judged, Run, check

SILENT_AFTER: Final = timedelta(minutes=5)
"""A run without a heartbeat for so long is dead."""

LATE_AFTER: Final = timedelta(minutes=10)
"""A time of a schedule that is dealt with so much later was missed."""

_COLUMNS: Final = "spider, args, outcome, reason, requests, blocks, items, stats, finished_at"


def after_run(connection: Connection[Any], run_id: UUID) -> list[Finding]:
    """Check a run that has ended; returns what was found. What earlier runs had, and this one has not, is resolved."""
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            f"SELECT {_COLUMNS}, started_at FROM crawl_runs WHERE id = %s AND finished_at IS NOT NULL",  # noqa: S608
            [run_id],
        ).fetchone()
        if row is None:
            return []
        run = run_of(row)
        earlier = cursor.execute(
            f"""
            SELECT {_COLUMNS} FROM crawl_runs
            WHERE spider = %(spider)s AND started_at < %(started)s AND started_at > %(started)s - %(lately)s
              AND outcome IN ('ok', 'partial') AND requests > 0
              AND ARRAY(SELECT jsonb_object_keys(args) ORDER BY 1) = %(names)s
            ORDER BY started_at DESC LIMIT %(history)s
            """,  # noqa: S608 - names of columns, no values
            {
                "spider": run.spider,
                "started": row["started_at"],
                "lately": LATELY,
                "names": sorted(run.args),
                "history": HISTORY,
            },
        ).fetchall()
        findings, judged = check(run, [run_of(one) for one in earlier])
        # That it is over shows that it did not hang.
        judged.append(Judged(rule="hung"))
        ended = _resolve(connection, run.scope, judged, row["finished_at"], f"{run_id}")
        for finding in findings:
            _keep(connection, finding, run.scope, row["finished_at"], f"{run_id}", run_id)
        outbox.resolved(connection, ended)
    return findings


def run_of(row: Mapping[str, Any]) -> Run:
    """A row of `crawl_runs` as the rules see it. Stats that look otherwise than ours say nothing."""
    items, stats = row["items"], row["stats"]
    return Run(
        spider=row["spider"],
        args=row["args"],
        outcome=row["outcome"] or "",
        reason=row["reason"],
        requests=row["requests"],
        blocks=row["blocks"],
        items=sum(
            number
            for counts in items.values()
            for name, number in counts.items()
            if name not in ("rejected", "removed")
        ),
        rejected=sum(counts.get("rejected", 0) for counts in items.values()),
        coverage={
            f"{source} {kind}": Fields(records=records, told=told)
            for source, kind, records, told in run_stats.coverage(stats)
        },
        response_seconds=run_stats.mean_seconds(stats),
        drift=frozenset(name.removeprefix("drift/") for name in stats if name.startswith("drift/")),
    )


def end_dead_runs(connection: Connection[Any], run_id: UUID | None = None) -> list[UUID]:
    """Write the end of runs that give no sign of life, of one of them if it is named; returns which they were.

    Unless named, jobs of schedules are left to the scheduler: it sends again what died.
    """
    with connection.transaction():
        return _end_dead_runs(connection, run_id)


def _end_dead_runs(connection: Connection[Any], run_id: UUID | None) -> list[UUID]:
    rows = connection.execute(
        """
        UPDATE crawl_runs run SET outcome = 'failed', finished_at = heartbeat_at,
               reason = 'The process died: no sign of life after '
                        || to_char(heartbeat_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC.'
        WHERE outcome IS NULL AND heartbeat_at < now() - %(silent)s
          AND CASE WHEN %(run)s::uuid IS NOT NULL THEN id = %(run)s ELSE NOT EXISTS (
              SELECT FROM schedule_runs WHERE job_id = run.job_id AND finished_at IS NULL
          ) END
        RETURNING id
        """,
        {"silent": SILENT_AFTER, "run": run_id},
    ).fetchall()
    for (dead,) in rows:
        after_run(connection, dead)
    return [dead for (dead,) in rows]


def note_late(connection: Connection[Any], schedule: str, slot: datetime, now: datetime) -> None:
    """A time of a schedule has been dealt with; note it if that was much too late."""
    scope = f"schedule {schedule}"
    of = _slot(slot)
    ended = _resolve(connection, scope, [Judged(rule="late")], now, of)
    if now - slot > LATE_AFTER:
        finding = Finding(
            rule="late",
            severity="warning",
            message=f"The runs of {_minute(slot)} were made {_hours(now - slot)} late.",
            advice="No scheduler worked at that time, or its database was away: look after `scrapy scheduler`.",
        )
        _keep(connection, finding, scope, now, of, None)
    outbox.resolved(connection, ended)


def note_given_up(connection: Connection[Any], schedule: str, slot: datetime, why: str) -> None:
    """A run of a schedule was sent in vain too often: where its crawl never began, nothing else tells of it."""
    finding = Finding(
        rule="given_up",
        severity="error",
        message=f"A run of {_minute(slot)} was {why}.",
        advice="Look at the job's log on its node, and what `scrapy doctor` says; `scrapy schedule run` makes it anew.",
    )
    _keep(connection, finding, f"schedule {schedule}", _now(connection), _slot(slot), None)


def note_done(connection: Connection[Any], schedule: str, slot: datetime) -> None:
    """A run of a schedule came to its end: what was given up before is over."""
    ended = _resolve(connection, f"schedule {schedule}", [Judged(rule="given_up")], _now(connection), _slot(slot))
    outbox.resolved(connection, ended)


def note_hung(connection: Connection[Any], run_id: UUID, idle: timedelta, node: str) -> None:
    """A run was stopped because it got nothing new."""
    row = connection.execute("SELECT spider, args FROM crawl_runs WHERE id = %s", [run_id]).fetchone()
    assert row is not None
    finding = Finding(
        rule="hung",
        severity="error",
        message=f"The run on {node} got nothing new for {idle.total_seconds() / 60:,.0f} minutes, and was stopped.",
        advice="Look at the end of its log; what it had not done yet is crawled by the next run.",
    )
    scope = Run(spider=row[0], args=row[1], outcome="").scope
    _keep(connection, finding, scope, _now(connection), f"{run_id}", run_id)


def _now(connection: Connection[Any]) -> datetime:
    row = connection.execute("SELECT now()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now


def _slot(slot: datetime) -> str:
    return f"{slot.astimezone(UTC):%Y-%m-%dT%H:%M}Z"


def _minute(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _hours(length: timedelta) -> str:
    hours, minutes = divmod(round(length.total_seconds() / 60), 60)
    return " ".join(f"{number} {unit}" for number, unit in ((hours, "h"), (minutes, "min")) if number)


def _resolve(connection: Connection[Any], scope: str, judged: Sequence[Judged], at: datetime, of: str) -> list[int]:
    """Resolve what was found before of what is judged now, other than of this run or time (`of`) itself; returns it."""
    rows = connection.execute(
        """
        UPDATE crawl_findings finding SET resolved_at = %(at)s
        FROM unnest(%(rules)s::text[], %(subjects)s::text[]) AS judged (rule, subjects)
        WHERE scope = %(scope)s AND finding.rule = judged.rule AND starts_with(subject, judged.subjects)
          AND resolved_at IS NULL AND finding.at <= %(at)s AND NOT starts_with(dedupe_key, %(own)s)
        RETURNING id
        """,
        {
            "scope": scope,
            "rules": [one.rule for one in judged],
            "subjects": [one.subjects for one in judged],
            "at": at,
            "own": f"{scope}|{of}|",
        },
    ).fetchall()
    return [finding_id for (finding_id,) in rows]


def _keep(
    connection: Connection[Any], finding: Finding, scope: str, at: datetime, of: str, run_id: UUID | None
) -> None:
    kept = connection.execute(
        """
        INSERT INTO crawl_findings (dedupe_key, scope, rule, severity, subject, message, advice, run_id, at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (dedupe_key) DO NOTHING RETURNING id
        """,
        [
            f"{scope}|{of}|{finding.rule}|{finding.subject}",
            scope,
            finding.rule,
            finding.severity,
            finding.subject,
            finding.message,
            finding.advice,
            run_id,
            at,
        ],
    ).fetchone()
    if kept is not None:
        outbox.opened(connection, kept[0])
