"""Who is who. Most things are known by the ids that sources gave them, and `external_ids` is the one place for those.

The others are known by what they belong to (`NATURAL_KEYS`): a season is its show and its number, whatever the source.
The functions work on the session's table `fresh`, records that the catalog does not know yet, and run inside the
caller's transaction. Rows are taken in order, so that two writers wait for each other and never lock crosswise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, Final

from psycopg import Connection, sql
from sqlalchemy.dialects import postgresql

from trr_crawl.catalog.tables import ENTITIES

PARENTS: Final[dict[str, dict[str, str]]] = {
    "season": {"show_id": "show"},
    "episode": {"show_id": "show"},
    "credit": {"show_id": "show", "person_id": "person"},
    "episode_credit": {"show_id": "show", "episode_id": "episode", "person_id": "person"},
    "gallery_entry": {"picture_id": "image", "show_id": "show", "person_id": "person"},
    "list_entry": {"list_id": "list", "show_id": "show", "episode_id": "episode"},
    "fandom_page": {"person_id": "person"},
    "offer": {"show_id": "show", "provider_id": "watch_provider"},
}
"""By kind, the fields of a record that name another thing by its id at the source, and that thing's kind."""

NATURAL_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "season": ("show_id", "season_number"),
    "credit": ("show_id", "person_id", "category"),
    "episode_credit": ("episode_id", "person_id", "category"),
    "gallery_entry": ("picture_id", "show_id", "person_id"),
    "list_entry": ("list_id", "show_id", "episode_id", "occurrence"),
    "offer": ("show_id", "region", "offer_type", "provider_id"),
}
"""The kinds without ids of their own, and the columns that tell one from another."""


def resolve(connection: Connection[Any], kinds: Collection[str]) -> None:
    """Give every row of `fresh` and all that it names an entity, creating those that nobody knows yet.

    `kinds` are the kinds in `fresh`. What is only named is created as a stub, so that a child may arrive before its
    parent. Created rows are noted in `derived`.
    """
    connection.execute(_name(frozenset(kinds)))
    named = {parent for kind in kinds for parent in PARENTS.get(kind, {}).values()}
    for kind in ENTITIES:
        if kind in named:
            connection.execute(_create_stubs(kind, frozenset(kinds)))
    for kind in NATURAL_KEYS:
        if kind in kinds:
            connection.execute(_create(kind))


@cache
def place(kinds: frozenset[str]) -> sql.Composed:
    """A query: all rows of `fresh` with their `entity_id`, which is null for a kind that does not exist."""
    by_id = sql.SQL(
        """
        SELECT fresh.source, fresh.kind, fresh.key, fresh.payload, ids.entity_id FROM fresh
        LEFT JOIN external_ids ids
          ON ids.kind = fresh.kind AND ids.source = fresh.owner AND ids.value = fresh.key
        WHERE fresh.kind <> ALL ({natural})
        """
    ).format(natural=list(NATURAL_KEYS))
    return sql.SQL(" UNION ALL ").join([by_id, *(_place_by_key(kind) for kind in NATURAL_KEYS if kind in kinds)])


@cache
def _name(kinds: frozenset[str]) -> bytes:
    """Take down the ids of all that is described or named and not known."""
    own = sql.SQL("SELECT kind, owner, key AS value FROM fresh WHERE kind <> ALL ({natural})").format(
        natural=list(NATURAL_KEYS)
    )
    named = (
        sql.SQL("SELECT DISTINCT {parent}, owner, payload ->> {field} FROM fresh WHERE kind = {kind}").format(
            parent=parent, field=field, kind=kind
        )
        for kind, field, parent in _references(kinds)
    )
    return (
        sql.SQL(
            """
            INSERT INTO external_ids (kind, source, value, entity_id)
            SELECT kind, owner, value, new_id() FROM ({named}) named
            WHERE value IS NOT NULL
            ORDER BY kind, owner, value
            ON CONFLICT DO NOTHING
            """
        )
        .format(named=sql.SQL(" UNION ALL ").join([own, *named]))
        .as_bytes(None)
    )


@cache
def _create_stubs(parent: str, kinds: frozenset[str]) -> bytes:
    """Create the things of a kind that records only name; an episode needs its show."""
    columns = ("owner", "value", *(("show_id",) if parent == "episode" else ()))
    named = (
        sql.SQL("SELECT owner, payload ->> {field} AS value, payload ->> 'show_id' AS show_id FROM fresh").format(
            field=field
        )
        + sql.SQL(" WHERE kind = {kind} AND payload ->> {field} IS NOT NULL").format(kind=kind, field=field)
        for kind, field, of_kind in _references(kinds)
        if of_kind == parent
    )
    show = sql.SQL(
        """
        JOIN external_ids of_show
          ON of_show.kind = 'show' AND of_show.source = named.owner AND of_show.value = named.show_id
        """
    )
    return (
        sql.SQL(
            """
            WITH named AS MATERIALIZED (SELECT DISTINCT {columns} FROM ({named}) named),
            stubs AS (
                INSERT INTO {table} ({target})
                SELECT DISTINCT ON (ids.entity_id) {values} FROM named
                CROSS JOIN LATERAL (
                    SELECT entity_id FROM external_ids
                    WHERE kind = {parent} AND source = named.owner AND value = named.value OFFSET 0  -- look each one up
                ) ids
                {show}
                WHERE NOT EXISTS (SELECT FROM {table} WHERE id = ids.entity_id)
                ORDER BY ids.entity_id
                ON CONFLICT DO NOTHING
                RETURNING id
            )
            INSERT INTO derived SELECT {parent}, id, 'insert', '{{}}' FROM stubs
            """
        )
        .format(
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            named=sql.SQL(" UNION ALL ").join(named),
            table=sql.Identifier(ENTITIES[parent].name),
            target=sql.SQL("id, show_id" if parent == "episode" else "id"),
            values=sql.SQL("ids.entity_id, of_show.entity_id" if parent == "episode" else "ids.entity_id"),
            parent=parent,
            show=show if parent == "episode" else sql.SQL(""),
        )
        .as_bytes(None)
    )


@cache
def _create(kind: str) -> bytes:
    """Create the things of a kind that have no ids of their own."""
    key = sql.SQL(", ").join(map(sql.Identifier, NATURAL_KEYS[kind]))
    return (
        sql.SQL(
            """
            WITH named AS MATERIALIZED (
                SELECT DISTINCT {values} FROM fresh {ids} WHERE fresh.kind = {kind}
            ), created AS (
                INSERT INTO {table} ({key})
                SELECT {key} FROM named WHERE NOT EXISTS (SELECT FROM {table} known WHERE {same})
                ORDER BY {key}
                ON CONFLICT ({key}) DO NOTHING
                RETURNING id
            )
            INSERT INTO derived SELECT {kind}, id, 'insert', '{{}}' FROM created
            """
        )
        .format(
            values=_named_values(kind),
            ids=_ids_of_key(kind),
            kind=kind,
            table=sql.Identifier(ENTITIES[kind].name),
            key=key,
            same=_same_as_named(kind),
        )
        .as_bytes(None)
    )


def _place_by_key(kind: str) -> sql.Composed:
    return sql.SQL(
        """
        SELECT named.source, named.kind, named.key, named.payload, known.id FROM (
            SELECT fresh.source, fresh.kind, fresh.key, fresh.payload, {values} FROM fresh {ids}
            WHERE fresh.kind = {kind} OFFSET 0  -- ids first: else the planner lets all shows meet all people
        ) named JOIN {table} known ON {same}
        """
    ).format(
        values=_named_values(kind),
        ids=_ids_of_key(kind),
        table=sql.Identifier(ENTITIES[kind].name),
        same=_same_as_named(kind),
        kind=kind,
    )


def _references(kinds: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """All (kind, field, kind of what it names)."""
    for kind in PARENTS:
        if kind in kinds:
            yield from ((kind, field, parent) for field, parent in PARENTS[kind].items())


def _key_values(kind: str) -> Iterator[tuple[str, sql.Composable]]:
    """The columns of a natural key, and each one's value for a row of `fresh`."""
    for name in NATURAL_KEYS[kind]:
        if name in PARENTS[kind]:
            yield name, sql.Identifier(f"{name}s", "entity_id")
        else:
            type_ = ENTITIES[kind].c[name].type.compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]
            yield name, sql.SQL("(fresh.payload ->> {name})::{type}").format(name=name, type=sql.SQL(str(type_)))


def _named_values(kind: str) -> sql.Composed:
    """The same as a SELECT list."""
    return sql.SQL(", ").join(
        sql.SQL("{value} AS {name}").format(value=value, name=sql.Identifier(name)) for name, value in _key_values(kind)
    )


def _ids_of_key(kind: str) -> sql.Composed:
    return sql.SQL(" ").join(_ids(name, PARENTS[kind][name]) for name in NATURAL_KEYS[kind] if name in PARENTS[kind])


def _ids(field: str, parent: str) -> sql.Composed:
    """Joins the entity that a field of `fresh` names, as `<field>s.entity_id`."""
    return sql.SQL(
        """
        LEFT JOIN external_ids {alias} ON {alias}.kind = {parent} AND {alias}.source = fresh.owner
            AND {alias}.value = fresh.payload ->> {field}
        """
    ).format(alias=sql.Identifier(f"{field}s"), parent=parent, field=field)


def _same_as_named(kind: str) -> sql.Composed:
    """Whether `known` is the thing with the values of `named`."""
    columns = ENTITIES[kind].c
    return sql.SQL(" AND ").join(
        sql.SQL("known.{name} {equals} {value}").format(
            name=sql.Identifier(name),
            # An index finds rows by equality alone.
            equals=sql.SQL("IS NOT DISTINCT FROM" if columns[name].nullable else "="),
            value=sql.Identifier("named", name),
        )
        for name in NATURAL_KEYS[kind]
    )
