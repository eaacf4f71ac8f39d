"""Decides what is due, and why: one query over everything that a spider may crawl."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import class_row

from trr_crawl.catalog.due.policy import (
    AIRED_LATELY,
    AIRS_SOON,
    BACK_OFF,
    CLOCKS_AGREE,
    DUE,
    ENDED,
    EPISODE_IS_OUT,
    FILMS,
    NOT_DUE,
    POLICIES,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to be taken for due; nothing of it means: what the policy says."""

    force: bool = False
    """Everything, whatever its age."""
    since: datetime | None = None
    """Also what was not crawled well since then."""
    resume: bool = False
    """Only what earlier runs began and did not get, without waiting for the end of a pause."""
    untried_since: datetime | None = None
    """Not what was tried since then: a run does nothing twice, whatever else is wanted."""
    subjects: Sequence[str] | None = None
    """Only these ids."""
    entity_id: UUID | None = None
    """Only this thing of the catalog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether one spider is to crawl one thing, and why."""

    spider: str
    subject: str
    """The thing's id at the spider's source."""
    entity_id: UUID
    name: str | None
    stage: str
    """As in `policy`."""
    reason: str
    """A key of `policy.DUE` or `policy.NOT_DUE`."""
    ok_at: datetime | None
    """When the last good crawl of it began."""
    tried_at: datetime | None
    """When the last crawl of it ended, however it did."""
    failures: int
    """In a row."""
    last_words: str | None
    """Why the last crawl was not a good one."""
    due_at: datetime | None
    """When something that is not due will be, as far as is known now."""
    episode: datetime | None
    """When the latest known episode was out."""

    @property
    def is_due(self) -> bool:
        """Whether it is to be crawled."""
        return self.reason in DUE

    def sentence(self) -> str:
        """The decision in words."""
        said = {**DUE, **NOT_DUE}[self.reason]
        facts = []
        if self.reason == "new-episode":
            facts.append(f"out since {_minute(self.episode)}")
        if self.ok_at is not None:
            facts.append(f"last good crawl {_minute(self.ok_at)}")
        if self.failures:
            times = "1 failure" if self.failures == 1 else f"{self.failures} failures in a row, the last"
            facts.append(f"{times} {_minute(self.tried_at)}: {self.last_words}")
        elif self.reason == "interrupted":
            facts.append(f"{_minute(self.tried_at)}: {self.last_words}")
        if not self.is_due and self.due_at is not None:
            facts.append(f"due {_minute(self.due_at)}")
        return said + (f" ({'; '.join(facts)})" if facts else "")


def _minute(time: datetime | None) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}" if time is not None else "never"


# Episodes around today only, by the index on air_date: what is further away changes no decision.
_NEAR = """
    near AS (
        SELECT show_id,
               max(air_date) FILTER (WHERE air_date <= %(out)s) AS last_out,
               min(air_date) FILTER (WHERE air_date > %(out)s) AS next_out
        FROM episodes
        WHERE air_date BETWEEN %(out)s - 60 AND %(out)s + 30 AND removed_at IS NULL {only}
        GROUP BY show_id
    ),
    airing AS (SELECT * FROM near WHERE last_out >= %(lately)s OR next_out <= %(soon)s)
"""

_OWN_SHOWS = "own.kind = 'show' AND own.source = %(source)s"

_SHOWS = f"""
    SELECT own.value AS subject, own.entity_id, shows.title AS name, total_seasons, last_out, next_out,
           CASE WHEN show_type = ANY (%(films)s) THEN 'ended'
                WHEN last_out >= %(lately)s OR next_out <= %(soon)s THEN 'airing'
                WHEN production_status = ANY (%(ended)s) OR end_year < %(year)s THEN 'ended'
                ELSE 'between' END AS stage
    FROM external_ids own JOIN shows ON shows.id = own.entity_id
    LEFT JOIN near ON near.show_id = own.entity_id
    WHERE {_OWN_SHOWS} AND shows.removed_at IS NULL
      AND (%(films_too)s OR (show_type IS NULL OR show_type <> ALL (%(films)s)) AND own.value NOT LIKE 'movie/%%')
"""  # noqa: S608 - made of the constant above

_PEOPLE = """
    SELECT own.value AS subject, own.entity_id, people.name, NULL::int AS total_seasons,
           NULL::date AS last_out, NULL::date AS next_out,
           CASE WHEN death_date IS NOT NULL OR death_year IS NOT NULL THEN 'deceased'
                WHEN own.entity_id IN (
                    SELECT person_id FROM credits JOIN airing USING (show_id)
                    WHERE category = 'cast' AND credits.removed_at IS NULL
                ) THEN 'on-screen'
                ELSE 'living' END AS stage
    FROM external_ids own JOIN people ON people.id = own.entity_id
    WHERE own.kind = 'person' AND own.source = %(source)s AND people.removed_at IS NULL
"""

# The first line that applies decides. What happened in the future, or is to be tried again only after more than the
# longest pause, is a clock's mistake.
_JUDGED = """
    SELECT thing.*, ok_at, tried_at, coalesce(failures, 0) AS failures, state.reason AS last_words,
           (last_out::timestamp AT TIME ZONE 'UTC') + %(is_out)s AS episode,
           CASE
               WHEN lease.expires_at > now() THEN 'leased'
               WHEN tried_at BETWEEN %(untried_since)s::timestamptz AND %(future)s THEN 'just-tried'
               WHEN %(force)s THEN 'force'
               WHEN lease.expires_at IS NOT NULL THEN 'lease-ran-out'
               WHEN outcome = 'interrupted' THEN 'interrupted'
               WHEN %(resume)s THEN CASE WHEN outcome IN ('failed', 'blocked') THEN 'resume' ELSE 'not-left' END
               WHEN outcome IS NULL THEN 'never'
               WHEN outcome IN ('failed', 'blocked') AND next_try_at > %(now)s
                    AND next_try_at <= %(now)s + %(longest)s THEN 'backing-off'
               WHEN outcome IN ('failed', 'blocked') THEN outcome || '-retry'
               WHEN ok_at > %(future)s THEN 'from-the-future'
               WHEN ok_at < %(since)s::timestamptz THEN 'since'
               WHEN noted_at > ok_at AND noted_at <= %(future)s THEN 'changed-at-source'
               WHEN %(episodes)s AND (last_out::timestamp AT TIME ZONE 'UTC') + %(is_out)s > ok_at THEN 'new-episode'
               WHEN %(episodes)s AND total_seasons > state.seasons THEN 'season-missing'
               WHEN ok_at + age <= %(now)s THEN 'stale-' || stage
               ELSE 'up-to-date'
           END AS reason,
           CASE
               WHEN lease.expires_at > now() THEN NULL
               WHEN outcome IN ('failed', 'blocked') THEN next_try_at
               ELSE least(ok_at + age,
                          CASE WHEN %(episodes)s THEN (next_out::timestamp AT TIME ZONE 'UTC') + %(is_out)s END)
           END AS due_at
    FROM things thing
    CROSS JOIN LATERAL (SELECT (%(ages)s::interval[])[array_position(%(stages)s::text[], stage)] AS age) of_stage
    LEFT JOIN crawl_states state ON state.spider = %(spider)s AND state.subject = thing.subject
    LEFT JOIN crawl_leases lease ON lease.spider = %(spider)s AND lease.subject = thing.subject
    LEFT JOIN source_changes change
      ON change.source = %(source)s AND change.kind = %(kind)s AND change.key = thing.subject
"""


def judged(spider: str, wish: Wish, now: datetime) -> tuple[sql.Composed, dict[str, Any]]:
    """The query whose rows are `judged`, all things of a spider with their decisions, and its values."""
    policy = POLICIES[spider]
    only = of_these = ""
    if wish.subjects is not None:
        only = "AND own.value = ANY (%(subjects)s)"
        if policy.kind == "show":
            own = f"SELECT entity_id FROM external_ids own WHERE {_OWN_SHOWS} {only}"  # noqa: S608 - constants
            of_these = f"AND show_id IN ({own})"
    elif wish.entity_id is not None:
        only = "AND own.entity_id = %(entity_id)s"
    things = f"{_SHOWS if policy.kind == 'show' else _PEOPLE} {only}"
    query = f"{_NEAR.format(only=of_these)}, things AS ({things}), judged AS ({_JUDGED})"
    out = (now.astimezone(UTC) - EPISODE_IS_OUT).date()
    values = {
        "spider": spider,
        "kind": policy.kind,
        "source": policy.source,
        "now": now,
        "future": now + CLOCKS_AGREE,
        "force": wish.force,
        "since": wish.since,
        "untried_since": wish.untried_since,
        "resume": wish.resume,
        "subjects": list(wish.subjects or ()),
        "entity_id": wish.entity_id,
        "out": out,
        "lately": out - AIRED_LATELY,
        "soon": out + AIRS_SOON,
        "year": out.year,
        "is_out": EPISODE_IS_OUT,
        "films": list(FILMS),
        "films_too": policy.films,
        "ended": list(ENDED),
        "episodes": policy.episodes,
        "stages": list(policy.ages),
        "ages": list(policy.ages.values()),
        "longest": max(pause.longest for pause in BACK_OFF.values()) + timedelta(days=1),
        "order": list(DUE),
    }
    return sql.SQL(query), values  # type: ignore[return-value]


def decide(
    connection: Connection[Any],
    spider: str,
    now: datetime,
    wish: Wish | None = None,
    *,
    all_of_them: bool = False,
    limit: int | None = None,
) -> list[Decision]:
    """What is due for a spider, most urgent first; with `all_of_them` also what is not."""
    query, values = judged(spider, wish or Wish(), now)
    with connection.cursor(row_factory=class_row(Decision)) as cursor:
        return cursor.execute(
            sql.SQL(
                """
                WITH {}
                SELECT %(spider)s AS spider, subject, entity_id, name, stage, reason, ok_at, tried_at, failures,
                       last_words, due_at, episode
                FROM judged WHERE %(all_of_them)s OR reason = ANY (%(order)s)
                ORDER BY array_position(%(order)s, reason), ok_at NULLS FIRST, due_at, subject LIMIT %(limit)s
                """
            ).format(query),
            {**values, "all_of_them": all_of_them, "limit": limit},
        ).fetchall()
