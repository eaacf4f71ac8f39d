"""What an editor asks of the catalog: why a field is what it is, where sources disagree, how much each one tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from trr_crawl.catalog import joining, merge, primary
from trr_crawl.catalog.precedence import PRECEDENCE, UNITED, Said
from trr_crawl.catalog.primary import ROLES
from trr_crawl.catalog.tables import ENTITIES

Catalog = Connection[Any]

_OWN_FORM = {"show": "tt", "episode": "tt", "person": "nm", "list": "ls"}


class ReviewError(Exception):
    """A question that cannot be answered or an edit that cannot be made, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What one source says for a field."""

    source: str
    field: str
    """The field of its record."""
    value: Any
    counts: bool
    """False where the source answered for a country whose word does not count here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How a field got its value."""

    field: str
    value: Any
    winner: str | None
    """The source, "override", or None where nobody says anything."""
    candidates: list[Candidate]
    """In the order of precedence."""
    override: Mapping[str, Any] | None
    """value, note, author and created_at of an override."""


def find(connection: Catalog, kind: str, name: str) -> UUID:
    """The entity that somebody means: its UUID, `source:id`, or a bare id of IMDb. ReviewError where there is none."""
    if kind not in ENTITIES:
        raise ReviewError(f"there is no kind {kind!r}; kinds are {', '.join(ENTITIES)}.")
    try:
        entity = UUID(name)
    except ValueError:
        source, colon, value = name.partition(":")
        if not colon:
            source, value = ("imdb", name) if name.startswith(_OWN_FORM.get(kind, "\0")) else ("", name)
        row = connection.execute(
            "SELECT entity_id FROM external_ids WHERE kind = %s AND source = %s AND value = %s", [kind, source, value]
        ).fetchone()
        if row is None:
            raise ReviewError(
                f"the catalog knows no {kind} {name}: give a UUID, source:id, or an id of IMDb."
            ) from None
        entity = row[0]
    entity = joining.now(connection, entity)
    table = sql.Identifier(ENTITIES[kind].name)
    if connection.execute(sql.SQL("SELECT FROM {} WHERE id = %s").format(table), [entity]).fetchone() is None:
        raise ReviewError(f"the catalog knows no {kind} {name}.")
    return entity


def explain(connection: Catalog, kind: str, entity: UUID) -> list[Explanation]:
    """Every field of an entity with what its sources say, in the order in which their word counts."""
    [row] = connection.execute(
        sql.SQL("SELECT to_jsonb(t) FROM {} t WHERE id = %s").format(sql.Identifier(ENTITIES[kind].name)), [entity]
    ).fetchall()
    records: dict[str, Any] = dict(
        connection.execute(
            "SELECT source, payload FROM source_records WHERE entity_id = %s ORDER BY changed_at, key DESC", [entity]
        ).fetchall()
    )
    overrides = {
        field: {"value": value, "note": note, "author": author, "created_at": at}
        for field, value, note, author, at in connection.execute(
            "SELECT field, value, note, author, created_at FROM overrides WHERE entity_id = %s", [entity]
        )
    }
    return [
        Explanation(
            field=field,
            value=row[0][field],
            winner=row[0]["provenance"].get(field),
            candidates=[
                Candidate(
                    source=said.source,
                    field=said.field,
                    value=_said(records[said.source], said),
                    counts=said.country is None or records[said.source].get("country") == said.country,
                )
                for said in sayings
                if said.field in records.get(said.source, {})
            ],
            override=overrides.get(field),
        )
        for field, sayings in PRECEDENCE[kind].items()
    ] + [_explain_role(connection, kind, entity, role, overrides.get(role)) for role in ROLES.get(kind, ())]


def _explain_role(
    connection: Catalog, kind: str, entity: UUID, role: str, override: Mapping[str, Any] | None
) -> Explanation:
    """Why a picture stands for an entity."""
    chosen = connection.execute(
        "SELECT url, source FROM primary_images WHERE entity_id = %s AND role = %s", [entity, role]
    ).fetchone()
    url, source = chosen or (None, None)
    return Explanation(
        field=role,
        value=url,
        winner=source,
        candidates=[
            Candidate(source=said, field="picture", value=candidate, counts=True)
            for said, candidate in primary.candidates(connection, kind, entity, role)
        ],
        override=override,
    )


def conflicts(
    connection: Catalog, kinds: list[str], *, show: UUID | None = None, field: str | None = None, limit: int = 100
) -> list[tuple[str, UUID, str, dict[str, Any]]]:
    """Where sources contradict each other: (kind, entity, field, what each source says), by kind and field.

    Only fields count for which more than one source has a say, and that they do not make together; texts that differ in
    case or spaces alone agree.
    """
    return connection.execute(
        """
        WITH said AS (
            SELECT record.kind, record.entity_id, rule.field, record.source,
                   CASE WHEN record.payload ->> rule.less IS NULL THEN record.payload -> rule.said
                   ELSE to_jsonb((record.payload ->> rule.said)::numeric - (record.payload ->> rule.less)::numeric)
                   END AS value
            FROM source_records record
            JOIN jsonb_to_recordset(%(rules)s) AS rule (kind text, field text, source text, said text, less text)
              ON rule.kind = record.kind AND rule.source = record.source
            WHERE record.gone_at IS NULL AND record.payload ->> rule.said IS NOT NULL
        )
        SELECT kind, entity_id, field, jsonb_object_agg(source, value) FROM said
        WHERE (%(field)s::text IS NULL OR field = %(field)s) AND (%(show)s::uuid IS NULL OR entity_id IN (
            SELECT %(show)s::uuid UNION ALL SELECT id FROM seasons WHERE show_id = %(show)s
            UNION ALL SELECT id FROM episodes WHERE show_id = %(show)s
            UNION ALL SELECT id FROM credits WHERE show_id = %(show)s
        ))
        GROUP BY kind, entity_id, field
        HAVING count(DISTINCT lower(regexp_replace(value #>> '{}', '\\s+', ' ', 'g'))) > 1
        ORDER BY array_position(%(kinds)s::text[], kind), field, entity_id
        LIMIT %(limit)s
        """,
        {
            "rules": Jsonb([rule for rule in _rules(kinds) if rule["field"] not in UNITED.get(str(rule["kind"]), ())]),
            "kinds": kinds,
            "show": show,
            "field": field,
            "limit": limit,
        },
    ).fetchall()


def coverage(connection: Catalog, kinds: list[str]) -> list[tuple[str, str, str, int, int]]:
    """How much each source tells: (kind, field, source, records with a value, all its records of the kind)."""
    return connection.execute(
        """
        SELECT record.kind, rule.field, record.source,
               count(*) FILTER (WHERE record.payload ->> rule.said IS NOT NULL), count(*)
        FROM source_records record
        JOIN jsonb_to_recordset(%s) AS rule (kind text, field text, source text, said text)
          ON rule.kind = record.kind AND rule.source = record.source
        WHERE record.gone_at IS NULL
        GROUP BY 1, 2, 3
        ORDER BY array_position(%s::text[], record.kind), 2, 3
        """,
        [Jsonb(list(_rules(kinds))), kinds],
    ).fetchall()


def override(connection: Catalog, kind: str, entity: UUID, field: str, value: Any, *, note: str, author: str) -> None:
    """Set a field against every source, and derive the entity again; a value that the field cannot hold is refused.

    Needs a connection that `write.prepare` made ready.
    """
    _check_field(kind, field)
    with _refusing(f"{field} of a {kind} cannot be {value!r}"), connection.transaction():
        connection.execute(
            """
            INSERT INTO overrides (entity_id, field, value, note, author) VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (entity_id, field) DO UPDATE
            SET value = excluded.value, note = excluded.note, author = excluded.author, created_at = now()
            """,
            [entity, field, Jsonb(value), note, author],
        )
        _derive(connection, kind, entity)


def unset(connection: Catalog, kind: str, entity: UUID, field: str) -> None:
    """Let the sources speak again. ReviewError where nobody overrode the field."""
    _check_field(kind, field)
    with connection.transaction():
        removed = connection.execute(
            "DELETE FROM overrides WHERE entity_id = %s AND field = %s", [entity, field]
        ).rowcount
        if not removed:
            raise ReviewError(f"nobody overrode {field} of this {kind}.")
        _derive(connection, kind, entity)


def overrides(connection: Catalog) -> list[tuple[str, UUID, str, Any, str, str]]:
    """All of them: (kind, entity, field, value, note, author)."""
    query = sql.SQL(" UNION ALL ").join(
        sql.SQL(
            """
            SELECT {kind} AS kind, entity_id, field, value, overrides.note, overrides.author FROM overrides
            WHERE EXISTS (SELECT FROM {table} WHERE id = entity_id)
            """
        ).format(kind=kind, table=sql.Identifier(table.name))
        for kind, table in ENTITIES.items()
    )
    return connection.execute(query + sql.SQL(" ORDER BY 1, 2, 3")).fetchall()


def proposals(connection: Catalog, state: str = "open") -> list[tuple[int, str, UUID, UUID, float, Any]]:
    """Pairs that may be one thing: (id, kind, one, other, score, evidence), likeliest first."""
    return connection.execute(
        """
        SELECT id, kind, entity_id, other_id, score::float, evidence FROM identity_proposals
        WHERE state = %s ORDER BY score DESC, id
        """,
        [state],
    ).fetchall()


def accept(connection: Catalog, proposal: int, *, author: str) -> UUID:
    """Join what was proposed; returns the id of the join, with which it can be undone."""
    with connection.transaction():
        kind, one, other = _decide(connection, proposal, "accepted", author)
        survivor, absorbed = sorted((joining.now(connection, one), joining.now(connection, other)))
        if survivor == absorbed:
            raise ReviewError(f"the two of proposal {proposal} are one already.")
        merge_id = joining.join(
            connection, kind, survivor, absorbed, reason=f"proposal {proposal} was accepted", author=author
        )
        joining.settle(connection)
    return merge_id


def reject(connection: Catalog, proposal: int, *, author: str) -> None:
    """Note that the two of a proposal are two; it will not be made again."""
    with connection.transaction():
        _decide(connection, proposal, "rejected", author)


def _decide(connection: Catalog, proposal: int, state: str, author: str) -> tuple[str, UUID, UUID]:
    row = connection.execute(
        """
        UPDATE identity_proposals SET state = %s, decided_by = %s, decided_at = now()
        WHERE id = %s AND state = 'open' RETURNING kind, entity_id, other_id
        """,
        [state, author, proposal],
    ).fetchone()
    if row is None:
        raise ReviewError(f"there is no open proposal {proposal}.")
    kind, one, other = row
    return kind, one, other


def _said(record: Mapping[str, Any], said: Said) -> Any:
    value = record[said.field]
    return value if said.less is None or value is None else max(value - (record.get(said.less) or 0), 0)


def _rules(kinds: list[str]) -> Iterator[dict[str, str | None]]:
    """Which field of which source speaks of which field; the first one of a source that counts everywhere."""
    for kind in kinds:
        for field, sayings in PRECEDENCE[kind].items():
            seen = set()
            for said in sorted(sayings, key=lambda said: said.country is not None):
                if said.source not in seen:
                    seen.add(said.source)
                    yield {
                        "kind": kind,
                        "field": field,
                        "source": said.source,
                        "said": said.field,
                        "less": said.less,
                    }


@contextmanager
def _refusing(sentence: str) -> Iterator[None]:
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise ReviewError(f"{sentence}: {str(error).splitlines()[0]}.") from error


def _check_field(kind: str, field: str) -> None:
    known = [*PRECEDENCE[kind], *ROLES.get(kind, ())]
    if field not in known:
        raise ReviewError(f"a {kind} has no field {field!r}; it has {', '.join(known)}.")


def _derive(connection: Catalog, kind: str, entity: UUID) -> None:
    connection.execute("INSERT INTO touched VALUES (%s, %s)", [kind, entity])
    merge.merge(connection, {kind})
    merge.write_changes(connection)
