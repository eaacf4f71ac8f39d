"""How much each source tells, field by field: counted as records are written, so that nobody looks through all of them.

`source_coverage` holds sums. A batch adds one row for each source and kind of which it wrote something new, in its own
transaction, so that the sums are true whatever else fails; it updates none, so that writers never wait for each other.
The end of a run adds the rows up.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from psycopg import Connection
from psycopg.types.json import Jsonb

Told = Mapping[tuple[str, str], Mapping[tuple[str, ...], int]]
"""(source, kind) -> the names of the fields that a record tells -> how many records tell just these."""

_LOCK: Final = 0x7472_7263_6F76
"""Of who adds the rows up."""


def told(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the fields of which a record tells something: null says that the source knows nothing."""
    return tuple([name for name, value in payload.items() if value is not None])


def tally(records: Iterable[tuple[str, str, Mapping[str, Any]]]) -> Told:
    """Count records (source, kind, payload). Most records of a kind tell the same fields: counting those is quick."""
    counted: dict[tuple[str, str], Counter[tuple[str, ...]]] = defaultdict(Counter)
    for source, kind, payload in records:
        counted[source, kind][told(payload)] += 1
    return counted


def by_field(counted: Mapping[tuple[str, ...], int]) -> dict[str, int]:
    """Field -> in how many records it has a value."""
    fields: Counter[str] = Counter()
    for names, number in counted.items():
        for name in names:
            fields[name] += number
    return dict(sorted(fields.items()))


def note(connection: Connection[Any], counted: Told) -> None:
    """Add records that are new."""
    rows = [
        (source, kind, sum(of_kind.values()), Jsonb(by_field(of_kind))) for (source, kind), of_kind in counted.items()
    ]
    if rows:
        connection.execute(
            """
            INSERT INTO source_coverage (source, kind, records, told)
            SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::jsonb[])
            """,
            [list(column) for column in zip(*rows, strict=True)],
        )


# Most changes are of values: the names of what is told are compared first, and counted where they differ.
_CHANGES: Final = """
    WITH told AS (
        SELECT known.source, known.kind, record.gone_at IS NOT NULL AS returned,
               CASE WHEN record.gone_at IS NULL
                    THEN ARRAY(SELECT jsonb_object_keys(jsonb_strip_nulls(record.payload))) ELSE '{}' END AS before,
               ARRAY(SELECT jsonb_object_keys(jsonb_strip_nulls(record.payload || known.payload))) AS after
        FROM known JOIN source_records record ON record.ctid = known.record
        WHERE known.payload IS NOT NULL
    ), changed AS MATERIALIZED (
        SELECT * FROM told WHERE returned OR before <> after
    ), fields AS (
        SELECT source, kind, jsonb_object_agg(field, change) AS told
        FROM (
            SELECT source, kind, field, sum(step) AS change
            FROM (
                SELECT source, kind, unnest(after) AS field, 1 AS step FROM changed
                UNION ALL SELECT source, kind, unnest(before), -1 FROM changed
            ) steps
            GROUP BY source, kind, field HAVING sum(step) <> 0
        ) counted GROUP BY source, kind
    )
    INSERT INTO source_coverage (source, kind, records, told)
    SELECT source, kind, records, coalesce(fields.told, '{}')
    FROM (SELECT source, kind, count(*) FILTER (WHERE returned) AS records FROM changed GROUP BY source, kind) back
    LEFT JOIN fields USING (source, kind)
    WHERE records > 0 OR fields.told IS NOT NULL
"""


def note_changes(connection: Connection[Any]) -> None:
    """Count what the records of `known` (see `write.prepare`) gain and lose. Call it before they are updated."""
    connection.execute(_CHANGES)


def note_gone(connection: Connection[Any], source: str, kind: str, keys: list[str]) -> None:
    """Take records off that their source no longer names."""
    connection.execute(
        """
        INSERT INTO source_coverage (source, kind, records, told)
        SELECT %(source)s, %(kind)s, -cardinality(%(keys)s::text[]), coalesce(jsonb_object_agg(field, -number), '{}')
        FROM (
            SELECT said.key AS field, count(*) AS number
            FROM source_records record CROSS JOIN LATERAL jsonb_each(payload) said
            WHERE source = %(source)s AND kind = %(kind)s AND record.key = ANY (%(keys)s) AND said.value <> 'null'
            GROUP BY said.key
        ) counted
        """,
        {"source": source, "kind": kind, "keys": keys},
    )


def add_up(connection: Connection[Any]) -> None:
    """Make one row of all rows of a source and kind. Who finds somebody else at it leaves it to them."""
    with connection.transaction():
        row = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK]).fetchone()
        if row is None or not row[0]:
            return
        connection.execute(
            """
            WITH taken AS (
                DELETE FROM source_coverage WHERE (source, kind) IN (
                    SELECT source, kind FROM source_coverage GROUP BY source, kind HAVING count(*) > 1
                )
                RETURNING source, kind, records, told
            ), fields AS (
                SELECT source, kind, jsonb_object_agg(field, number) AS told
                FROM (
                    SELECT source, kind, said.key AS field, sum(said.value::bigint) AS number
                    FROM taken CROSS JOIN LATERAL jsonb_each(told) said
                    GROUP BY source, kind, said.key HAVING sum(said.value::bigint) <> 0
                ) summed GROUP BY source, kind
            )
            INSERT INTO source_coverage (source, kind, records, told)
            SELECT source, kind, records, coalesce(fields.told, '{}')
            FROM (SELECT source, kind, sum(records) AS records FROM taken GROUP BY source, kind) summed
            LEFT JOIN fields USING (source, kind)
            """
        )
