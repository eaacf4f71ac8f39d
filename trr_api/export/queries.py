"""SQL of exports: each row of the catalog as one line of JSON, by COPY."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, LiteralString

from psycopg import sql

from trr_crawl.catalog.precedence import OWNERS, PRECEDENCE, UNITED
from trr_crawl.catalog.tables import ENTITIES

REDIRECT: Final = "redirect"

KINDS: Final = (*ENTITIES, REDIRECT)
"""What there are files of: the catalog's kinds, and the ids that were merged into others."""

SEQ: Final = "SELECT coalesce(max(seq), 0) FROM changes"
"""How far the catalog had come: /changes goes on from there."""

UNLIMITED: Final = "SET statement_timeout = 0"

# JSON has no control characters, so with two of them as quote and delimiter CSV is the bare lines.
_COPY: Final = "COPY ({rows}) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"

_REDIRECTS: Final = """
SELECT jsonb_build_object('kind', 'redirect', 'of', kind, 'id', old_id, 'into', new_id)
FROM entity_redirects ORDER BY old_id
"""

_ROWS: Final = """
SELECT jsonb_build_object('kind', {kind}, 'withheld', withheld, 'external_ids', (
           SELECT coalesce(jsonb_agg(jsonb_build_object('source', source, 'id', value) ORDER BY source, value), '[]')
           FROM external_ids WHERE external_ids.entity_id = thing.id
       )) || (to_jsonb(thing) - withheld)
FROM {table} thing CROSS JOIN LATERAL (SELECT ARRAY(
    SELECT field FROM jsonb_each_text(provenance) AS said (field, source)
    WHERE string_to_array(source, '+') && {sources}::text[] {united} ORDER BY field
) AS withheld) closed
ORDER BY thing.id
"""

# Where sources make a field together, provenance names whose ids they use. What the owner did not say itself, another
# source said in its name.
_UNITED: Final = """
OR field = {field} AND {owner} = ANY (string_to_array(source, '+')) AND NOT EXISTS (
    SELECT FROM source_records record
    WHERE record.entity_id = thing.id AND record.source = ANY ({others}::text[])
      AND EXISTS (SELECT FROM unnest({keys}::text[]) key WHERE jsonb_typeof(record.payload -> key) = 'array')
)
"""


def lines(kind: str, closed: Sequence[str]) -> sql.Composed:
    """A COPY statement that gives all rows of a kind, without the fields that came from the sources in `closed`."""
    rows = sql.Composed([sql.SQL(_REDIRECTS)])
    if kind != REDIRECT:
        rows = sql.SQL(_ROWS).format(
            kind=kind, table=sql.Identifier(ENTITIES[kind].name), sources=list(closed), united=_united(kind, closed)
        )
    return sql.SQL(_COPY).format(rows=rows)


def _united(kind: str, closed: Sequence[str]) -> sql.Composed:
    conditions = []
    for field in sorted(UNITED.get(kind, ())):
        for source in closed:
            owner = OWNERS.get(source, source)
            ours = [said for said in PRECEDENCE[kind][field] if OWNERS.get(said.source, said.source) == owner]
            others = [said for said in ours if said.source not in closed]
            if len(others) < len(ours):
                condition: LiteralString = _UNITED
                conditions.append(
                    sql.SQL(condition).format(
                        field=field,
                        owner=owner,
                        others=[said.source for said in others],
                        keys=[said.field for said in others],
                    )
                )
    return sql.Composed(conditions)
