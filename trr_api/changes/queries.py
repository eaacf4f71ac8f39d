"""SQL of changes."""

from __future__ import annotations

from typing import Final

from trr_api.queries import Fields, Statement, objects
from trr_crawl.catalog.tables import ENTITIES

WINDOW: Final = 100_000
"""Changes that one request looks through at most: those of a rare kind may lie far apart."""

_REMOVED_AT: Final = " ".join(
    f"WHEN '{kind}' THEN (SELECT removed_at FROM {table.name} thing WHERE thing.id = change.entity_id)"
    for kind, table in ENTITIES.items()
)

CHANGE: Final[Fields] = {
    "seq": "change.seq",
    "kind": "change.kind",
    "id": "change.entity_id",
    # Told by what is true today: a thing that came back since is no tombstone any more.
    "op": f"CASE WHEN 'removed_at' = ANY(change.fields) AND CASE change.kind {_REMOVED_AT} END IS NOT NULL "
    "THEN 'remove' ELSE change.op END",
    "fields": "change.fields",
    "into": "CASE change.op WHEN 'merge' THEN "
    "(SELECT new_id FROM entity_redirects WHERE old_id = change.entity_id) END",
    "at": "change.at",
}

# One snapshot: whatever has a number up to `latest` is visible in it, because numbers follow the order of commits.
_PAGE: Final = f"""
WITH latest AS MATERIALIZED (SELECT coalesce(max(seq), 0) AS seq FROM changes),
reach AS MATERIALIZED (SELECT least(seq, $1::bigint + {WINDOW}) AS seq FROM latest),
page AS MATERIALIZED (
    SELECT * FROM changes
    WHERE seq > $1::bigint AND seq <= (SELECT seq FROM reach) AND ($3::text[] IS NULL OR kind = ANY($3::text[]))
    ORDER BY seq LIMIT $2::int
), place AS (
    SELECT CASE WHEN count(*) = $2::int THEN max(page.seq) ELSE greatest((SELECT seq FROM reach), $1::bigint) END AS seq
    FROM page
)
SELECT {objects(CHANGE, "page change", order="change.seq")}, place.seq, latest.seq FROM place, latest
""".encode()


def changes(after: int, limit: int, kinds: tuple[str, ...]) -> Statement:
    """What came after a seq: the changes, how far they reach, and how far the catalog has come."""
    return Statement(_PAGE, [min(after, 2**63 - 1 - WINDOW), limit, list(kinds) or None])
