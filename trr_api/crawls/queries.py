"""SQL of crawl stats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from trr_api.queries import Fields, Sort, Statement, Values, after_place, columns, objects, page

if TYPE_CHECKING:
    from trr_api.crawls.schemas import FindingsParameters, RunsParameters

_GOT: Final = (
    "(SELECT coalesce(sum(operation.value::bigint), 0)::bigint FROM jsonb_each(run.items) kind "
    "CROSS JOIN LATERAL jsonb_each_text(kind.value) operation WHERE operation.key NOT IN ('rejected', 'removed'))"
)
"""How many items a run got, new or not."""

_STATE: Final = (
    "CASE WHEN run.outcome IS NOT NULL THEN run.outcome "
    "WHEN run.heartbeat_at < now() - interval '5 minutes' THEN 'lost' ELSE 'running' END"
)

RUN: Final[Fields] = {
    "id": "run.id",
    "spider": "run.spider",
    "args": "run.args",
    "state": _STATE,
    "outcome": "run.outcome",
    "reason": "run.reason",
    "node": "run.node",
    "host": "run.host",
    "job_id": "run.job_id",
    "version": "run.version",
    "started_at": "run.started_at",
    "heartbeat_at": "run.heartbeat_at",
    "progressed_at": "run.progressed_at",
    "finished_at": "run.finished_at",
    "items": "run.items",
    "items_total": _GOT,
    "requests": "run.requests",
    "bytes": "run.bytes",
    "blocks": "run.blocks",
    "images": "run.images",
}
"""A run in a list."""

FINDING: Final[Fields] = {
    "id": "finding.id",
    "scope": "finding.scope",
    "rule": "finding.rule",
    "severity": "finding.severity",
    "subject": "finding.subject",
    "message": "finding.message",
    "advice": "finding.advice",
    "run_id": "finding.run_id",
    "at": "finding.at",
    "resolved_at": "finding.resolved_at",
    "acknowledged_at": "finding.acknowledged_at",
    "acknowledged_by": "finding.acknowledged_by",
}

_OUTCOMES: Final = (
    "(SELECT coalesce(jsonb_object_agg(substr(stat.key, 9), stat.value), '{}') FROM jsonb_each(run.stats) stat "
    "WHERE stat.key LIKE 'outcome/%' AND jsonb_typeof(stat.value) = 'number')"
)

RUN_DETAIL: Final[Fields] = {
    **RUN,
    "gaps": "run.gaps",
    "requests_by_outcome": _OUTCOMES,
    "coverage": "coalesce(run.stats -> 'coverage', '{}')",
    "responses": "run.stats -> 'responses'",
    "timeline": "run.timeline",
    "rejects": "(SELECT count(*) FROM crawl_rejects reject WHERE reject.run_id = run.id)",
    "findings": objects(FINDING, "crawl_findings finding WHERE finding.run_id = run.id", order="finding.id"),
    "stats": "run.stats",
}
"""A run alone."""

REJECT: Final[Fields] = {
    "id": "reject.id",
    "run_id": "reject.run_id",
    "source": "reject.source",
    "kind": "reject.kind",
    "key": "reject.key",
    "payload": "reject.payload",
    "error": "reject.error",
    "at": "reject.at",
    "retry_wanted_at": "reject.retry_wanted_at",
    "retry_wanted_by": "reject.retry_wanted_by",
    "retried_at": "reject.retried_at",
    "retried_as": "reject.retried_as",
}

_NEWEST_RUN_FIRST: Final = Sort((("run.started_at", "timestamptz"), ("run.id", "uuid")), descending=True)
_NEWEST_FINDING_FIRST: Final = Sort((("finding.at", "timestamptz"), ("finding.id", "bigint")), descending=True)
_BY_NUMBER: Final = Sort((("reject.id", "bigint"),))


def runs(asked: RunsParameters, after: Sequence[object] | None) -> Statement:
    """A page of the runs that match, as JSON."""
    values, where = _matching(asked)
    query = page(
        RUN, "crawl_runs run", sort=_NEWEST_RUN_FIRST, bound=len(values.bound), after=after is not None, where=where
    )
    return after_place(query, values.bound, asked.limit, after)


def run_rows(asked: RunsParameters, after: Sequence[object] | None) -> Statement:
    """The same as rows, with one more than asked for where there are more."""
    values, where = _matching(asked)
    if after is not None:
        where.append(f"(run.started_at, run.id) < ({values(after[0], 'timestamptz')}, {values(after[1], 'uuid')})")
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    query = (
        f"SELECT {columns(RUN)}, json_build_array(run.started_at, run.id) AS place FROM crawl_runs run{condition} "
        f"ORDER BY {_NEWEST_RUN_FIRST.order} LIMIT {values(asked.limit + 1, 'int')}"
    )
    return Statement(query.encode(), values.bound)


def _matching(asked: RunsParameters) -> tuple[Values, list[str]]:
    values = Values()
    where = []
    if asked.spider is not None:
        where.append(f"run.spider = {values(asked.spider, 'text')}")
    if asked.outcome == "live":
        where.append("run.outcome IS NULL")
    elif asked.outcome is not None:
        where.append(f"run.outcome = {values(asked.outcome, 'text')}")
    if asked.node is not None:
        where.append(f"run.node = {values(asked.node, 'text')}")
    if asked.since is not None:
        where.append(f"run.started_at >= {values(asked.since, 'timestamptz')}")
    if asked.until is not None:
        where.append(f"run.started_at < {values(asked.until, 'timestamptz')}")
    return values, where


RUN_BY_ID: Final = (
    f"SELECT row_to_json(item) FROM (SELECT {columns(RUN_DETAIL)} FROM crawl_runs run WHERE run.id = $1::uuid) item"
).encode()

RUN_ROW: Final = f"SELECT {columns(RUN_DETAIL)} FROM crawl_runs run WHERE run.id = $1::uuid".encode()
"""The same with the values as PostgreSQL has them, for a page."""

COMPARED: Final[Fields] = {
    name: f"run.{name}"
    for name in (
        "id", "spider", "started_at", "finished_at", "items", "requests", "bytes", "blocks", "images", "stats",
    )
}  # fmt: skip

TWO_RUNS: Final = f"SELECT {columns(COMPARED)} FROM crawl_runs run WHERE run.id = ANY ($1::uuid[])".encode()

GOOD_ONE_BEFORE: Final = b"""
SELECT (SELECT id FROM crawl_runs earlier WHERE earlier.spider = run.spider AND earlier.started_at < run.started_at
          AND earlier.started_at > run.started_at - interval '120 days'
          AND earlier.outcome IN ('ok', 'partial') AND earlier.requests > 0
          AND ARRAY(SELECT jsonb_object_keys(earlier.args) ORDER BY 1) =
              ARRAY(SELECT jsonb_object_keys(run.args) ORDER BY 1)
        ORDER BY earlier.started_at DESC LIMIT 1)
FROM crawl_runs run WHERE run.id = $1::uuid
"""
"""The last good run before one that checks would compare it with (`monitoring.findings`): of the same spider and names
of arguments, and not one that had nothing to do."""

LIVE: Final = (
    f"SELECT {columns(RUN)} FROM crawl_runs run WHERE run.outcome IS NULL ORDER BY run.started_at, run.id"
).encode()


def rejects(run: UUID, limit: int, after: Sequence[object] | None) -> Statement:
    """A page of the records of a run that the database refused; no row where there is no such run."""
    query = page(
        REJECT,
        "crawl_rejects reject",
        sort=_BY_NUMBER,
        bound=1,
        after=after is not None,
        where=["reject.run_id = owner.id"],
        within="SELECT id FROM crawl_runs WHERE id = $1::uuid",
    )
    return after_place(query, [run], limit, after)


# Files of pictures are named by their address: they are no records, and fetched again by themselves.
_MAY_BE_RETRIED: Final = "retry_wanted_at IS NULL AND NOT (kind = 'image' AND key LIKE '%://%')"

REJECTS_OF_RUN: Final = (
    f"SELECT {columns(REJECT)}, {_MAY_BE_RETRIED} FROM crawl_rejects reject WHERE reject.run_id = $1::uuid "
    "ORDER BY reject.id LIMIT 50"
).encode()

RETRY: Final = f"""
UPDATE crawl_rejects SET retry_wanted_at = now(), retry_wanted_by = $3::text
WHERE run_id = $1::uuid AND ($2::bigint IS NULL OR id = $2::bigint) AND {_MAY_BE_RETRIED}
RETURNING id
""".encode()


def findings(asked: FindingsParameters, after: Sequence[object] | None) -> Statement:
    """A page of what the checks found."""
    values = Values()
    where = []
    if asked.open is not None:
        where.append(f"finding.resolved_at IS {'' if asked.open else 'NOT '}NULL")
    if asked.rule is not None:
        where.append(f"finding.rule = {values(asked.rule, 'text')}")
    if asked.severity is not None:
        where.append(f"finding.severity = {values(asked.severity, 'text')}")
    if asked.since is not None:
        where.append(f"finding.at >= {values(asked.since, 'timestamptz')}")
    query = page(
        FINDING,
        "crawl_findings finding",
        sort=_NEWEST_FINDING_FIRST,
        bound=len(values.bound),
        after=after is not None,
        where=where,
    )
    return after_place(query, values.bound, asked.limit, after)


ACKNOWLEDGE: Final = b"""
UPDATE crawl_findings SET acknowledged_at = now(), acknowledged_by = $2::text
WHERE id = $1::bigint AND acknowledged_at IS NULL RETURNING id
"""
IS_FINDING: Final = b"SELECT id FROM crawl_findings WHERE id = $1::bigint"

# The overview, in five statements.

DAYS: Final = f"""
SELECT 'run', (started_at AT TIME ZONE 'UTC')::date AS day, {_STATE}, count(*)::int
FROM crawl_runs run WHERE started_at >= $1::timestamptz GROUP BY 2, 3
UNION ALL
SELECT 'finding', (at AT TIME ZONE 'UTC')::date, severity, count(*)::int
FROM crawl_findings WHERE at >= $1::timestamptz GROUP BY 2, 3
UNION ALL
SELECT 'untold', (min(at) AT TIME ZONE 'UTC')::date, target, count(*)::int
FROM alerts WHERE delivered_at IS NULL AND gave_up_at IS NULL AND attempts > 0 GROUP BY target
""".encode()
"""What ran and what was found, day by day; and since which day receivers of alerts could not be told."""

RECENT_FIELDS: Final = {name: RUN[name] for name in (
    "id", "state", "outcome", "reason", "node", "args", "started_at", "heartbeat_at", "progressed_at", "finished_at",
    "items_total", "requests", "blocks",
)}  # fmt: skip

# Not `spider = …`: the planner would rather walk through the runs of all spiders, by the index of their times.
RECENT: Final = f"""
WITH RECURSIVE names AS (
    SELECT min(spider) AS spider FROM crawl_runs
    UNION ALL
    SELECT (SELECT min(spider) FROM crawl_runs WHERE spider > names.spider) FROM names WHERE names.spider IS NOT NULL
)
SELECT names.spider, recent.* FROM names CROSS JOIN LATERAL (
    SELECT {columns(RECENT_FIELDS)} FROM crawl_runs run
    WHERE (run.spider, run.started_at) BETWEEN (names.spider, '-infinity'::timestamptz)
                                           AND (names.spider, 'infinity'::timestamptz)
    ORDER BY run.spider DESC, run.started_at DESC LIMIT 20
) recent
WHERE names.spider IS NOT NULL
UNION
SELECT run.spider, {columns(RECENT_FIELDS)} FROM crawl_runs run WHERE run.outcome IS NULL
ORDER BY spider, started_at DESC
""".encode()
"""The last runs of each spider, and all that are running."""

SCHEDULES: Final = b"""
SELECT schedule.name, schedule.spider, schedule.args, schedule.settings, schedule.cron, schedule.time_zone,
       schedule.workers, schedule.last_slot_at, schedule.next_slot_at, schedule.paused_at,
       latest.slot_at, latest.states, latest.waiting_since, latest.outcomes, latest.reasons, latest.nodes,
       (SELECT coalesce(jsonb_object_agg(url, problem), '{}') FROM fleet_nodes WHERE problem IS NOT NULL) AS problems,
       (SELECT count(*)::int FROM fleet_nodes) AS node_count
FROM schedules schedule LEFT JOIN LATERAL (
    SELECT slot_at, array_agg(state ORDER BY worker) AS states,
           min(created_at) FILTER (WHERE state = 'waiting') AS waiting_since,
           array_agg(outcome ORDER BY worker) FILTER (WHERE outcome IS NOT NULL) AS outcomes,
           array_agg(DISTINCT reason) FILTER (WHERE reason IS NOT NULL) AS reasons,
           array_agg(DISTINCT node) FILTER (WHERE node IS NOT NULL) AS nodes
    FROM schedule_runs run
    WHERE run.schedule_id = schedule.id
      AND slot_at = (SELECT max(slot_at) FROM schedule_runs newest WHERE newest.schedule_id = schedule.id)
    GROUP BY slot_at
) latest ON true
WHERE schedule.removed_at IS NULL ORDER BY schedule.name
"""
"""All schedules with their latest runs, and what is wrong with nodes."""

SCHEDULES_JSON: Final = (
    f"SELECT coalesce(json_agg(row_to_json(found)), '[]') FROM ({SCHEDULES.decode()}) found".encode()
)

SCHEDULE_RUNS: Final = b"""
SELECT schedule.name, run.slot_at, run.worker, run.state, run.attempts, run.node, run.outcome, run.reason,
       crawl.id AS crawl_id
FROM schedule_runs run JOIN schedules schedule ON schedule.id = run.schedule_id
LEFT JOIN LATERAL (
    SELECT id FROM crawl_runs WHERE job_id = run.job_id ORDER BY started_at DESC LIMIT 1
) crawl ON true
ORDER BY run.slot_at DESC, schedule.name, run.worker LIMIT 30
"""

RECENT_FINDINGS: Final = (
    f"SELECT {columns(FINDING)}, count(*) OVER () AS all_found, "
    "count(*) FILTER (WHERE finding.resolved_at IS NULL) OVER () AS all_open, "
    "count(*) FILTER (WHERE finding.resolved_at IS NULL AND finding.rule = 'blocked') OVER () AS all_blocked "
    "FROM crawl_findings finding WHERE finding.at >= $1::timestamptz "
    "ORDER BY finding.resolved_at IS NOT NULL, finding.severity, finding.acknowledged_at IS NOT NULL, finding.at DESC "
    "LIMIT 100"
).encode()
"""What was found lately: what is still so first, errors before warnings; and how much there is in all."""

_COVERAGE: Final = """
SELECT summed.source, summed.kind, field.name, field.told, summed.records FROM (
    SELECT source, kind, sum(records)::bigint AS records FROM source_coverage GROUP BY source, kind
) summed CROSS JOIN LATERAL (
    SELECT said.key AS name, sum(said.value::bigint)::bigint AS told
    FROM source_coverage part CROSS JOIN LATERAL jsonb_each(part.told) said
    WHERE (part.source, part.kind) = (summed.source, summed.kind) GROUP BY said.key
) field
WHERE summed.records > 0
"""

_FRESHNESS: Final = """
SELECT spider, greatest(current_date - day, 0) AS age, sum(things)::bigint AS things FROM crawl_freshness
WHERE things > 0 GROUP BY 1, 2
"""

WORTH: Final = f"""
SELECT 'coverage', source, kind, name, told, records FROM ({_COVERAGE}) coverage
UNION ALL
SELECT 'freshness', spider, '', '', age, things FROM ({_FRESHNESS}) freshness
ORDER BY 1, 2, 3, 4, 5
""".encode()
"""How much each source tells, and how old what each spider got is: both out of sums that are kept."""

COVERAGE: Final = f"""
SELECT coalesce(json_agg(json_build_object(
    'source', source, 'kind', kind, 'field', name, 'told', told, 'records', records
) ORDER BY source, kind, name), '[]') FROM ({_COVERAGE}) coverage
WHERE ($1::text IS NULL OR source = $1::text) AND ($2::text IS NULL OR kind = $2::text)
""".encode()

FRESHNESS: Final = f"SELECT spider, age, things FROM ({_FRESHNESS}) freshness ORDER BY 1, 2".encode()

# A show.

SHOWS_FOUND: Final = 50
FIND_SHOWS: Final = f"""
SELECT shows.id, shows.title, shows.start_year, shows.show_type FROM search_documents found
JOIN shows ON shows.id = found.entity_id
WHERE found.kind = 'show' AND found.name >= fold($1::text) AND found.name < fold($1::text) || U&'\\+10FFFF'
ORDER BY found.name, found.entity_id LIMIT {SHOWS_FOUND}
""".encode()

SHOW: Final = b"""
SELECT show.id, show.title, show.start_year, show.updated_at, show.removed_at,
       (SELECT coalesce(jsonb_object_agg(source, ids), '{}') FROM (
           SELECT source, jsonb_agg(value ORDER BY value) AS ids FROM external_ids
           WHERE kind = 'show' AND entity_id = show.id GROUP BY source
       ) known) AS external_ids
FROM shows show WHERE show.id = $1::uuid
"""

SHOW_RECORDS: Final = b"""
SELECT record.source, record.kind, count(*)::int, count(*) FILTER (WHERE record.gone_at IS NOT NULL)::int,
       min(record.first_seen_at), max(record.seen_at), max(record.changed_at)
FROM (
    SELECT $1::uuid AS id
    UNION ALL SELECT id FROM seasons WHERE show_id = $1::uuid
    UNION ALL SELECT id FROM episodes WHERE show_id = $1::uuid
    UNION ALL SELECT id FROM credits WHERE show_id = $1::uuid
    UNION ALL SELECT id FROM gallery_entries WHERE show_id = $1::uuid
    UNION ALL SELECT id FROM offers WHERE show_id = $1::uuid
) thing JOIN source_records record ON record.entity_id = thing.id
GROUP BY 1, 2 ORDER BY 1, 2
"""
"""What each source said of a show and what belongs to it."""

SHOW_CRAWLS: Final = b"""
SELECT state.spider, state.subject, state.outcome, state.reason, state.tried_at, state.ok_at, state.failures,
       state.next_try_at, state.run_id
FROM external_ids own JOIN crawl_states state ON state.subject = own.value
WHERE own.kind = 'show' AND own.entity_id = $1::uuid AND state.spider = ANY ($2::text[])
  AND (own.source = ($3::jsonb ->> state.spider))
ORDER BY state.spider
"""

SHOW_PICTURES: Final = b"""
SELECT chosen.role, chosen.source, chosen.url, object.key, object.store
FROM primary_images chosen LEFT JOIN image_sources USING (url)
LEFT JOIN LATERAL (
    SELECT key, store FROM image_objects WHERE sha256 = image_sources.sha256 ORDER BY width LIMIT 1
) object ON true
WHERE chosen.entity_id = $1::uuid ORDER BY chosen.role
"""
"""The pictures that stand for a show; the smallest of each that is kept."""

SHOW_PICTURE_COUNTS: Final = b"""
SELECT record.source, count(*)::int, count(image_sources.sha256)::int
FROM gallery_entries entry JOIN source_records record ON record.entity_id = entry.picture_id AND record.kind = 'image'
JOIN images ON images.id = entry.picture_id LEFT JOIN image_sources ON image_sources.url = images.url
WHERE entry.show_id = $1::uuid AND entry.removed_at IS NULL GROUP BY 1 ORDER BY 1
"""
"""How many pictures each source has of a show, and how many of them are kept."""
