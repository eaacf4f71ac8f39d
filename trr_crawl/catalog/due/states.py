"""Remembers how the last crawl of each thing ended: the memory that `decide` decides by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg import Connection

from trr_crawl.catalog.due import leases
from trr_crawl.catalog.due.policy import BACK_OFF, CLOCKS_AGREE, POLICIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run is done with one of its things."""

    subject: str
    began_at: datetime
    outcome: Literal["ok", "failed", "blocked", "interrupted"]
    """`ok` only where nothing of it is missing; `interrupted` where the run ended before it knew."""
    reason: str | None = None
    """Why it is not ok."""


def remember(
    connection: Connection[Any], spider: str, finished: Sequence[Finished], run_id: UUID | None, now: datetime
) -> None:
    """Write how things ended, and give their leases back, in one transaction.

    A crawl that began before the last good one did says nothing new: its run was taken for dead, and came late.
    """
    policy = POLICIES[spider]
    pauses = [BACK_OFF.get(one.outcome) for one in finished]
    with connection.transaction():
        leases.lock(connection, spider)
        connection.execute(
            """
            WITH known AS (
                SELECT subject, ok_at FROM crawl_states
                WHERE spider = %(spider)s AND subject = ANY (%(subjects)s) ORDER BY subject FOR UPDATE
            )
            INSERT INTO crawl_states AS state
                   (spider, subject, tried_at, outcome, reason, run_id, ok_at, failures, next_try_at, seasons)
            SELECT %(spider)s, subject, %(now)s, outcome, told.reason, %(run_id)s,
                   CASE outcome WHEN 'ok' THEN began_at END,
                   (outcome IN ('failed', 'blocked'))::int, %(now)s + first, total_seasons
            FROM unnest(%(subjects)s::text[], %(began)s::timestamptz[], %(outcomes)s::text[], %(reasons)s::text[],
                        %(first)s::interval[]) AS told (subject, began_at, outcome, reason, first)
            LEFT JOIN external_ids own
              ON own.kind = %(kind)s AND own.source = %(source)s AND own.value = subject
            LEFT JOIN shows ON shows.id = own.entity_id
            LEFT JOIN known USING (subject)
            WHERE known.ok_at IS NULL OR known.ok_at <= began_at OR known.ok_at > %(now)s + %(clocks_agree)s
            ORDER BY subject
            ON CONFLICT (spider, subject) DO UPDATE SET
                tried_at = excluded.tried_at, outcome = excluded.outcome, reason = excluded.reason,
                run_id = excluded.run_id, ok_at = coalesce(excluded.ok_at, state.ok_at),
                failures = CASE excluded.outcome
                    WHEN 'ok' THEN 0 WHEN 'interrupted' THEN state.failures ELSE state.failures + 1 END,
                next_try_at = CASE excluded.outcome
                    WHEN 'failed' THEN excluded.tried_at + least(
                        (excluded.next_try_at - excluded.tried_at) * power(2, least(state.failures, 20)), %(failed)s)
                    WHEN 'blocked' THEN excluded.tried_at + least(
                        (excluded.next_try_at - excluded.tried_at) * power(2, least(state.failures, 20)), %(blocked)s)
                    END,
                -- What the catalog promised when all was got; it never goes down, so that sources that count
                -- differently do not make a show due again and again.
                seasons = CASE excluded.outcome WHEN 'ok' THEN greatest(state.seasons, excluded.seasons)
                          ELSE state.seasons END
            """,
            {
                "spider": spider,
                "kind": policy.kind,
                "source": policy.source,
                "now": now,
                "clocks_agree": CLOCKS_AGREE,
                "run_id": run_id,
                "subjects": [one.subject for one in finished],
                "began": [one.began_at for one in finished],
                "outcomes": [one.outcome for one in finished],
                "reasons": [one.reason for one in finished],
                "first": [pause.first if pause else None for pause in pauses],
                "failed": BACK_OFF["failed"].longest,
                "blocked": BACK_OFF["blocked"].longest,
            },
        )
        # Its own, and what a dead run left: what was just crawled need not be done again for that.
        connection.execute(
            """
            DELETE FROM crawl_leases
            WHERE spider = %s AND subject = ANY (%s) AND (owner_id = %s OR expires_at <= now())
            """,
            [spider, [one.subject for one in finished], run_id],
        )


def note_changes(connection: Connection[Any], changes: Sequence[tuple[str, str, str, datetime]]) -> None:
    """Remember that sources said of things (source, kind, key) that they changed, and when they said it."""
    with connection.transaction():
        connection.execute(
            """
            INSERT INTO source_changes (source, kind, key, noted_at)
            SELECT source, kind, key, max(at)
            FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[]) AS told (source, kind, key, at)
            GROUP BY source, kind, key ORDER BY source, kind, key
            ON CONFLICT (source, kind, key) DO UPDATE
            SET noted_at = greatest(least(source_changes.noted_at, excluded.noted_at + %s), excluded.noted_at)
            """,
            [*(list(column) for column in zip(*changes, strict=True)), CLOCKS_AGREE],
        )
