"""Derives the entities from the records, by the rules of `precedence.py`, in SQL and in sets.

The truth about an entity is a function of its records and its overrides alone, so deriving again is always safe and
an entity whose truth did not change is not written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import Connection, sql
from sqlalchemy.dialects import postgresql

from trr_crawl.catalog import primary
from trr_crawl.catalog.identity import NATURAL_KEYS
from trr_crawl.catalog.precedence import LARGEST, OWNERS, PRECEDENCE, UNITED, Said
from trr_crawl.catalog.tables import ENTITIES

LINKS: Final = {**dict.fromkeys(ENTITIES, ()), **NATURAL_KEYS, "episode": ("show_id", "season_id")}
"""The columns of each kind that say where it belongs: they come from identity, not from precedence."""


def prepare(connection: Connection[Any]) -> None:
    """Create this session's working tables, empty at the end of every transaction.

    `touched` holds the entities to derive again, `derived` what became of them; see `merge` and `write_changes`.
    """
    connection.execute(
        """
        CREATE TEMP TABLE IF NOT EXISTS touched (kind text COLLATE "C", entity_id uuid)
            ON COMMIT DELETE ROWS;
        CREATE TEMP TABLE IF NOT EXISTS derived (kind text COLLATE "C", entity_id uuid, op text, fields text[])
            ON COMMIT DELETE ROWS;
        """,
        prepare=False,
    )
    connection.commit()


def merge(connection: Connection[Any], kinds: Collection[str]) -> None:
    """Derive all entities named in `touched`, the given kinds only, parents first.

    Runs inside the caller's transaction. What was inserted or updated is left in `derived`.
    """
    for kind in (kind for kind in ENTITIES if kind in kinds):
        # Two transactions that heard different sources about one entity take turns here,
        # so that the later one sees what the earlier one recorded.
        connection.execute(_lock(kind))
        connection.execute(_derive(kind))
    primary.choose(connection, set(kinds))


def write_changes(connection: Connection[Any]) -> None:
    """Write `derived` into `changes`, one row an entity: a stub, which has no fields, that got its record at once was
    just inserted.

    Call it last: it takes the lock that puts `seq` into commit order.
    """
    connection.execute(
        """
        INSERT INTO changes (kind, entity_id, op, fields)
        SELECT kind, entity_id, CASE WHEN bool_or(op = 'merge') THEN 'merge' ELSE min(op) END,
               -- Few were noted twice: the fields of all others are taken as they are.
               CASE WHEN bool_or(again)
                    THEN array_agg(DISTINCT field ORDER BY field) FILTER (WHERE field IS NOT NULL)
                    ELSE max(fields) END
        FROM (
            SELECT *, count(*) FILTER (WHERE fields <> '{}') OVER (PARTITION BY kind, entity_id) > 1 AS again
            FROM derived
        ) noted
        LEFT JOIN LATERAL unnest(CASE WHEN again THEN fields END) AS field ON true
        GROUP BY kind, entity_id
        ORDER BY array_position(%s, kind), entity_id
        """,
        [list(ENTITIES)],
    )


def merge_all(connection: Connection[Any]) -> dict[str, int]:
    """Derive the whole catalog again, in one transaction; returns how many entities changed, by kind."""
    return _merge_again(
        connection,
        """
        INSERT INTO touched
        SELECT kind, entity_id FROM source_records WHERE entity_id IS NOT NULL
        UNION SELECT kind, entity_id FROM overrides JOIN external_ids USING (entity_id)
        """,
        [],
    )


def merge_shows(connection: Connection[Any], shows: Sequence[UUID]) -> dict[str, int]:
    """Derive some shows again and all that is theirs, as `merge_all`: seasons, episodes, credits, pictures, offers.

    People, networks and the like are nobody's own: they stay as they are.
    """
    return _merge_again(connection, _OF_SHOWS, {"shows": list(shows)})


def _merge_again(
    connection: Connection[Any], touch: LiteralString, values: Sequence[Any] | Mapping[str, Any]
) -> dict[str, int]:
    prepare(connection)
    with connection.transaction():
        connection.execute(touch, values)
        merge(connection, tuple(ENTITIES))
        counts = connection.execute("SELECT kind, count(*)::integer FROM derived GROUP BY kind").fetchall()
        write_changes(connection)
    return dict(counts)


_OF_SHOWS: Final = """
    INSERT INTO touched
    SELECT 'show', unnest(%(shows)s::uuid[])
    UNION ALL SELECT 'season', id FROM seasons WHERE show_id = ANY (%(shows)s)
    UNION ALL SELECT 'episode', id FROM episodes WHERE show_id = ANY (%(shows)s)
    UNION ALL SELECT 'credit', id FROM credits WHERE show_id = ANY (%(shows)s)
    UNION ALL SELECT 'episode_credit', episode_credits.id FROM episode_credits JOIN episodes ON episodes.id = episode_id
              WHERE show_id = ANY (%(shows)s)
    UNION ALL SELECT 'image', picture_id FROM gallery_entries WHERE show_id = ANY (%(shows)s)
    UNION ALL SELECT 'gallery_entry', id FROM gallery_entries WHERE show_id = ANY (%(shows)s)
    UNION ALL SELECT 'list_entry', id FROM list_entries WHERE show_id = ANY (%(shows)s)
    UNION ALL SELECT 'offer', id FROM offers WHERE show_id = ANY (%(shows)s)
"""


def _identifiers(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


@cache
def _lock(kind: str) -> bytes:
    query = sql.SQL(
        "SELECT FROM {table} WHERE id IN (SELECT entity_id FROM touched WHERE kind = {kind}) ORDER BY id FOR UPDATE"
    )
    return query.format(table=sql.Identifier(ENTITIES[kind].name), kind=kind).as_bytes(None)


Rules = Mapping[str, tuple[Said, ...]]


def _sources(rules: Rules) -> list[str]:
    """The sources that have a say, in the order of their first mention."""
    return list(dict.fromkeys(said.source for sayings in rules.values() for said in sayings))


def _sql_type(kind: str, field: str) -> sql.SQL:
    column = ENTITIES[kind].c[field]
    return sql.SQL(str(column.type.compile(dialect=postgresql.dialect())))  # type: ignore[no-untyped-call]


def _record_columns(kind: str, rules: Rules, source: str) -> sql.Composed:
    """The typed fields that are read out of a source's payload."""
    types = {
        name: _sql_type(kind, field)
        for field, sayings in rules.items()
        for said in sayings
        if said.source == source
        for name in (said.field, said.less)
        if name is not None
    }
    types |= {"country": sql.SQL("text"), "show_id": sql.SQL("text")}
    return sql.SQL(", ").join(
        sql.SQL("{name} {type}").format(name=sql.Identifier(name), type=type_) for name, type_ in types.items()
    )


def _heard(kind: str, rules: Rules) -> sql.Composed:
    """A FROM clause: every touched entity of a kind beside what each source says of it, as typed columns.

    A source with several records of one entity (two ids that proved to be one thing) speaks by the one that changed
    last. `overriding` has the overrides as columns, `overridden` the names of the fields that have one.
    """
    latest = sql.SQL(", ").join(
        sql.SQL(
            "(array_agg(payload ORDER BY changed_at DESC, key) FILTER (WHERE source = {text}))[1] AS {name}"
        ).format(text=source, name=sql.Identifier(source))
        for source in _sources(rules)
    )
    speakers = sql.SQL(" ").join(
        sql.SQL("LEFT JOIN LATERAL jsonb_to_record(latest.{source}) AS {source} ({columns}) ON true").format(
            source=sql.Identifier(source), columns=_record_columns(kind, rules, source)
        )
        for source in _sources(rules)
    )
    override_columns = sql.SQL(", ").join(
        sql.SQL("{name} {type}").format(name=sql.Identifier(field), type=_sql_type(kind, field)) for field in rules
    )
    return sql.SQL(
        """
        FROM (SELECT DISTINCT entity_id FROM touched WHERE kind = {kind}) touched
        LEFT JOIN LATERAL (
            SELECT {latest}, CASE WHEN bool_and(gone_at IS NOT NULL) THEN max(gone_at) END AS removed_at
            FROM source_records WHERE entity_id = touched.entity_id
        ) latest ON true
        {speakers}
        LEFT JOIN LATERAL (
            SELECT jsonb_object_agg(field, value) AS payload FROM overrides WHERE entity_id = touched.entity_id
        ) overridden ON true
        LEFT JOIN LATERAL jsonb_to_record(overridden.payload) AS overriding ({columns}) ON true
        """
    ).format(kind=kind, latest=latest, speakers=speakers, columns=override_columns)


def _stated(said: Said) -> sql.Composed:
    """The value that one source gives, or NULL where it gives none or answered for another country."""
    value: sql.Composable = sql.Identifier(said.source, said.field)
    if said.less is not None:
        value = sql.SQL("CASE WHEN {value} IS NOT NULL THEN greatest({value} - coalesce({less}, 0), 0) END").format(
            value=value, less=sql.Identifier(said.source, said.less)
        )
    if said.country is None:
        return sql.Composed([value])
    return sql.SQL("CASE WHEN {country} = {wanted} THEN {value} END").format(
        country=sql.Identifier(said.source, "country"), wanted=said.country, value=value
    )


def _told(sayings: Sequence[Said]) -> sql.Composed:
    """The first value that is stated; NULL where only an override may speak."""
    if not sayings:
        return sql.Composed([sql.NULL])
    return sql.SQL("coalesce({stated})").format(stated=sql.SQL(", ").join(map(_stated, sayings)))


def _by_owner(sayings: Sequence[Said]) -> dict[str, list[Said]]:
    """Sayings apart by whose things they speak of: IMDb's datasets add nothing to what IMDb's pages say."""
    apart: dict[str, list[Said]] = {}
    for said in sayings:
        apart.setdefault(OWNERS.get(said.source, said.source), []).append(said)
    return apart


def _value(kind: str, field: str, sayings: Sequence[Said]) -> sql.Composed:
    """The true value of a field."""
    of_owners = [_told(said) for said in _by_owner(sayings).values()]
    if field in UNITED.get(kind, ()):
        lists = sql.SQL(" || ").join(sql.SQL("coalesce({told}, '{{}}')").format(told=told) for told in of_owners)
        truth = sql.SQL(
            """
            nullif(ARRAY(
                SELECT (array_agg(entry ORDER BY place))[1]
                FROM unnest({lists}) WITH ORDINALITY AS entries (entry, place)
                GROUP BY lower(entry) ORDER BY min(place)
            ), '{{}}')
            """
        ).format(lists=lists)
    elif field in LARGEST.get(kind, ()):
        truth = sql.SQL("greatest({told})").format(told=sql.SQL(", ").join(of_owners))
    else:
        truth = _told(sayings)
    return sql.SQL("CASE WHEN overridden.payload ? {field} THEN {override} ELSE {truth} END").format(
        field=field, override=sql.Identifier("overriding", field), truth=truth
    )


def _winner(kind: str, field: str, sayings: Sequence[Said]) -> sql.Composed:
    """The source of the true value, NULL where nobody gives one; `imdb+tmdb` where several sources make it together."""
    apart = _by_owner(sayings)
    winner: sql.Composable = sql.NULL
    if field in UNITED.get(kind, ()):
        names = (
            sql.SQL("CASE WHEN {told} <> '{{}}' THEN {owner} END").format(told=_told(said), owner=owner)
            for owner, said in apart.items()
        )
        winner = sql.SQL("nullif(concat_ws('+', {names}), '')").format(names=sql.SQL(", ").join(names))
    elif field in LARGEST.get(kind, ()):
        largest = sql.SQL("greatest({told})").format(told=sql.SQL(", ").join(map(_told, apart.values())))
        whens = (
            sql.SQL("WHEN {told} = {largest} THEN {owner}").format(told=_told(said), largest=largest, owner=owner)
            for owner, said in apart.items()
        )
        winner = sql.SQL("CASE {whens} END").format(whens=sql.SQL(" ").join(whens))
    elif sayings:
        stated = (
            sql.SQL("WHEN {stated} IS NOT NULL THEN {source}").format(stated=_stated(said), source=said.source)
            for said in sayings
        )
        winner = sql.SQL("CASE {whens} END").format(whens=sql.SQL(" ").join(stated))
    return sql.SQL("CASE WHEN overridden.payload ? {field} THEN 'override' ELSE {winner} END").format(
        field=field, winner=winner
    )


def _show(rules: Rules) -> sql.Composed:
    """The show that an episode's records name, the first source's word first; that of a stub is known already."""
    return sql.SQL("coalesce({shows}, (SELECT show_id FROM episodes WHERE id = touched.entity_id))").format(
        shows=sql.SQL(", ").join(
            sql.SQL(
                "(SELECT entity_id FROM external_ids WHERE kind = 'show' AND source = {source} AND value = {show_id})"
            ).format(source=OWNERS.get(source, source), show_id=sql.Identifier(source, "show_id"))
            for source in _sources(rules)
        )
    )


def _truth(kind: str) -> sql.Composed:
    """What is true of every touched entity of a kind: entity_id, its links, its fields, their provenance."""
    rules = PRECEDENCE[kind]
    values = sql.SQL(", ").join(
        sql.SQL("{value} AS {name}").format(value=_value(kind, field, sayings), name=sql.Identifier(field))
        for field, sayings in rules.items()
    )
    winners = [(field, _winner(kind, field, sayings)) for field, sayings in rules.items()]
    links, joins = sql.Composed([]), sql.Composed([])
    if kind in NATURAL_KEYS:  # the row stands before its records are merged, and tells its key itself
        links = sql.SQL(" ").join(sql.SQL("stands.{name},").format(name=sql.Identifier(name)) for name in LINKS[kind])
        joins = sql.SQL("JOIN {table} stands ON stands.id = touched.entity_id").format(
            table=sql.Identifier(ENTITIES[kind].name)
        )
    elif kind == "episode":
        links = sql.SQL("{show_id} AS show_id,").format(show_id=_show(rules))
    return sql.SQL(
        """
        SELECT touched.entity_id, latest.removed_at, {links} {values},
               jsonb_object(array_remove(ARRAY[{won}], NULL), array_remove(ARRAY[{winners}], NULL)) AS provenance
        {heard} {joins}
        """
    ).format(
        links=links,
        values=values,
        # Of all ways to build this object the fastest.
        won=sql.SQL(", ").join(
            sql.SQL("CASE WHEN {winner} IS NOT NULL THEN {field} END").format(winner=winner, field=field)
            for field, winner in winners
        ),
        winners=sql.SQL(", ").join(winner for _, winner in winners),
        heard=_heard(kind, rules),
        joins=joins,
    )


@cache
def _derive(kind: str) -> bytes:
    """Insert or update the touched entities of a kind whose truth changed, and note them in `derived`.

    The noted fields are those whose value changed; a field that only changed its source is none of them.
    """
    table = ENTITIES[kind]
    columns = [*LINKS[kind], *(name for name in PRECEDENCE[kind] if name not in LINKS[kind]), "removed_at"]
    query = sql.SQL(
        """
        WITH truth AS MATERIALIZED ({truth}), {linked},
        compared AS MATERIALIZED (
            SELECT linked.*, old.id IS NULL AS is_new,
                   array_remove(ARRAY[{differing}], NULL) AS fields,
                   old.provenance IS DISTINCT FROM linked.provenance AS other_sources
            FROM linked LEFT JOIN {table} old ON old.id = linked.entity_id
        ), inserted AS (
            INSERT INTO {table} (id, provenance, {columns})
            SELECT entity_id, provenance, {columns} FROM compared WHERE is_new ORDER BY entity_id
        ), updated AS (
            UPDATE {table} old SET provenance = compared.provenance, updated_at = now(), {assignments}
            FROM compared
            WHERE NOT is_new AND (other_sources OR fields <> '{{}}') AND old.id = compared.entity_id
        )
        INSERT INTO derived
        SELECT {kind}, entity_id, CASE WHEN is_new THEN 'insert' ELSE 'update' END, fields
        FROM compared WHERE is_new OR fields <> '{{}}'
        """
    ).format(
        kind=kind,
        truth=_truth(kind),
        linked=_WITH_SEASONS if kind == "episode" else sql.SQL("linked AS (SELECT * FROM truth)"),
        table=sql.Identifier(table.name),
        columns=_identifiers(columns),
        differing=sql.SQL(", ").join(
            sql.SQL("CASE WHEN old.{name} IS DISTINCT FROM linked.{name} THEN {text} END").format(
                name=sql.Identifier(name), text=name
            )
            for name in sorted(columns)
        ),
        assignments=sql.SQL(", ").join(
            sql.SQL("{name} = compared.{name}").format(name=sql.Identifier(name)) for name in columns
        ),
    )
    return query.as_bytes(None)


# A season that another writer creates at this moment is not seen but met: the update that changes nothing returns it.
_WITH_SEASONS: Final = sql.SQL(
    """
    missing AS (
        INSERT INTO seasons (show_id, season_number)
        SELECT show_id, season_number
        FROM (SELECT DISTINCT show_id, season_number FROM truth WHERE season_number IS NOT NULL) places
        WHERE NOT EXISTS (
            SELECT FROM seasons
            WHERE seasons.show_id = places.show_id AND seasons.season_number = places.season_number
        )
        ORDER BY show_id, season_number
        ON CONFLICT (show_id, season_number) DO UPDATE SET season_number = excluded.season_number
        RETURNING id, show_id, season_number, xmax = 0 AS is_new
    ), created AS (
        INSERT INTO derived SELECT 'season', id, 'insert', '{}' FROM missing WHERE is_new
    ), linked AS (
        SELECT truth.*, coalesce(seasons.id, missing.id) AS season_id FROM truth
        LEFT JOIN seasons USING (show_id, season_number) LEFT JOIN missing USING (show_id, season_number)
    )
    """
)
"""Create the seasons that episodes belong to and nobody described yet, and link the episodes to theirs."""
