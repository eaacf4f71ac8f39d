"""What readiness and the numbers of crawls ask of the database."""

from typing import Final

REVISION: Final = b"SELECT version_num FROM alembic_version"

# Not `spider = …`: the planner would rather walk through the runs of all spiders, by the index of their times.
CRAWLS: Final = b"""
WITH RECURSIVE names AS (
    SELECT min(spider) AS spider FROM crawl_runs
    UNION ALL
    SELECT (SELECT min(spider) FROM crawl_runs WHERE spider > names.spider) FROM names WHERE names.spider IS NOT NULL
)
SELECT 'run', names.spider, last.outcome, ARRAY[
    extract(epoch FROM last.finished_at), extract(epoch FROM last.finished_at - last.started_at),
    (SELECT coalesce(sum(operation.value::bigint), 0) FROM jsonb_each(last.items) kind
     CROSS JOIN LATERAL jsonb_each_text(kind.value) operation WHERE operation.key NOT IN ('rejected', 'removed')),
    last.requests, last.blocks,
    (SELECT extract(epoch FROM finished_at) FROM crawl_runs good
     WHERE (good.spider, good.started_at) BETWEEN (names.spider, '-infinity'::timestamptz)
                                              AND (names.spider, 'infinity'::timestamptz)
       AND good.outcome = 'ok' ORDER BY good.spider DESC, good.started_at DESC LIMIT 1)
]::float8[]
FROM names CROSS JOIN LATERAL (
    SELECT outcome, started_at, finished_at, items, requests, blocks FROM crawl_runs run
    WHERE (run.spider, run.started_at) BETWEEN (names.spider, '-infinity'::timestamptz)
                                           AND (names.spider, 'infinity'::timestamptz)
      AND run.outcome IS NOT NULL ORDER BY run.spider DESC, run.started_at DESC LIMIT 1
) last
WHERE names.spider IS NOT NULL
UNION ALL
SELECT 'live', spider, CASE WHEN heartbeat_at < now() - interval '5 minutes' THEN 'lost' ELSE 'running' END,
       ARRAY[count(*)]::float8[]
FROM crawl_runs WHERE outcome IS NULL GROUP BY 2, 3
UNION ALL
SELECT 'finding', rule, severity, ARRAY[count(*)]::float8[]
FROM crawl_findings WHERE resolved_at IS NULL GROUP BY 2, 3
UNION ALL
SELECT 'alert', name, '', ARRAY[count(alert.id), extract(epoch FROM min(alert.at))]::float8[]
FROM alert_targets LEFT JOIN alerts alert ON target = name AND delivered_at IS NULL AND gave_up_at IS NULL GROUP BY 2
UNION ALL
SELECT 'schedule', name, '', ARRAY[extract(epoch FROM next_slot_at)]::float8[]
FROM schedules WHERE removed_at IS NULL AND paused_at IS NULL
ORDER BY 1, 2, 3
"""
"""The last run of each spider that ended, what runs, what is found and still so, what nobody was told yet, and when
schedules are next due: kind, two labels, numbers."""
