"""Makes one entity of two that prove to be one thing, and takes that back.

Everything that points to the absorbed entity is pointed to the survivor, in one transaction; the absorbed id stays as
a redirect. What was moved is logged in `entity_merges`, so that a join can be undone as long as nobody edited the
survivor since. Two children that become one by it (season 1 of either show) are joined in turn.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from trr_crawl.catalog import merge
from trr_crawl.catalog.identity import NATURAL_KEYS
from trr_crawl.catalog.tables import ENTITIES

Catalog = Connection[Any]

_KIND_OF_TABLE: Final = {table.name: kind for kind, table in ENTITIES.items()}


class JoinError(Exception):
    """Two entities cannot be joined, or a join cannot be undone."""


def join(
    connection: Catalog,
    kind: str,
    survivor: UUID,
    absorbed: UUID,
    *,
    reason: str,
    author: str,
    within: UUID | None = None,
) -> UUID:
    """Let one entity absorb another of its kind; returns the id of the entry in `entity_merges`.

    Runs inside the caller's transaction, on a connection that `write.prepare` made ready; `settle` must follow. Raises
    JoinError where one of them does not exist. `within` is the join from which this one follows.
    """
    table = sql.Identifier(ENTITIES[kind].name)
    locked = connection.execute(
        sql.SQL("SELECT id FROM {table} WHERE id = ANY (%s) ORDER BY id FOR UPDATE").format(table=table),
        [[survivor, absorbed]],
    ).fetchall()
    if len(locked) != 2:
        raise JoinError(f"there are no two entities {survivor} and {absorbed} of kind {kind}.")
    [(merge_id,)] = connection.execute(
        """
        INSERT INTO entity_merges (kind, survivor_id, absorbed_id, reason, author, within_id)
        VALUES (%s, %s, %s, %s, %s, %s) RETURNING id
        """,
        [kind, survivor, absorbed, reason, author, within],
    ).fetchall()
    moved: dict[str, list[Any]] = {
        "records": _move(
            connection,
            "UPDATE source_records SET entity_id = %s WHERE entity_id = %s RETURNING source, kind, key",
            survivor,
            absorbed,
        ),
        "ids": _move(
            connection,
            "UPDATE external_ids SET entity_id = %s WHERE entity_id = %s RETURNING kind, source, value",
            survivor,
            absorbed,
        ),
        "overrides": _move_overrides(connection, survivor, absorbed),
        "references": [],
    }
    for referrer, column in _references(connection, ENTITIES[kind].name):
        child = _KIND_OF_TABLE.get(referrer)
        if child is not None and column in NATURAL_KEYS.get(child, ()):
            for twin, double in _twins(connection, child, column, survivor, absorbed):
                join(connection, child, twin, double, reason=reason, author=author, within=merge_id)
        ids = _point(connection, referrer, column, survivor, absorbed)
        moved["references"].append([referrer, column, ids])
        if child is not None:
            _touch(connection, child, ids)
    deleted = connection.execute(
        sql.SQL("DELETE FROM {table} gone WHERE id = %s RETURNING to_jsonb(gone)").format(table=table), [absorbed]
    ).fetchone()
    assert deleted is not None
    connection.execute(
        "UPDATE entity_merges SET moved = %s WHERE id = %s", [Jsonb({**moved, "row": deleted[0]}), merge_id]
    )
    connection.execute("UPDATE entity_redirects SET new_id = %s WHERE new_id = %s", [survivor, absorbed])
    connection.execute(
        "INSERT INTO entity_redirects (old_id, kind, new_id) VALUES (%s, %s, %s)", [absorbed, kind, survivor]
    )
    connection.execute("INSERT INTO derived VALUES (%s, %s, 'merge', '{}')", [kind, absorbed])
    connection.execute("DELETE FROM touched WHERE entity_id = %s", [absorbed])
    _touch(connection, kind, [survivor])
    result: UUID = merge_id
    return result


def settle(connection: Catalog) -> None:
    """Derive what joins touched, and write `changes`."""
    derive(connection)
    merge.write_changes(connection)


def derive(connection: Catalog) -> None:
    """Derive again all that is in `touched`."""
    merge.merge(connection, {kind for (kind,) in connection.execute("SELECT DISTINCT kind FROM touched").fetchall()})


def undo(connection: Catalog, merge_id: UUID, *, author: str) -> None:
    """Take a join back: the absorbed entity stands again, with all that was its own.

    Runs inside the caller's transaction, `settle` included. Raises JoinError where it was undone already, where the
    survivor was absorbed itself, or where somebody edited the survivor since.
    """
    found = _merge(connection, merge_id)
    if found is None or found["within_id"] is not None:
        raise JoinError(f"there is no join {merge_id}.")
    if found["undone_at"] is not None:
        raise JoinError(f"the join {merge_id} was undone at {found['undone_at']:%Y-%m-%d %H:%M}.")
    for entry in _with_inner(connection, merge_id):
        _refuse_edited(connection, entry)
    for entry in _with_inner(connection, merge_id):
        _undo(connection, entry, author)
    _decide_to_be_two(connection, found, author)
    settle(connection)


def now(connection: Catalog, entity: UUID) -> UUID:
    """The entity that an id leads to today: itself, or the one that absorbed it."""
    row = connection.execute("SELECT new_id FROM entity_redirects WHERE old_id = %s", [entity]).fetchone()
    return row[0] if row else entity


def propose(connection: Catalog, kind: str, one: UUID, other: UUID, *, score: float, evidence: dict[str, Any]) -> None:
    """Note that two entities may be one thing, for somebody to decide; a pair is proposed once."""
    connection.execute(
        """
        INSERT INTO identity_proposals (kind, entity_id, other_id, score, evidence)
        VALUES (%s, least(%s, %s), greatest(%s, %s), %s, %s) ON CONFLICT (entity_id, other_id) DO NOTHING
        """,
        [kind, one, other, one, other, score, Jsonb(evidence)],
    )


def _decide_to_be_two(connection: Catalog, undone: dict[str, Any], author: str) -> None:
    """Note that the two of a join that was taken back are two, or the next crawl would join them again."""
    propose(
        connection, undone["kind"], undone["survivor_id"], undone["absorbed_id"], score=0, evidence={"undone": author}
    )
    connection.execute(
        """
        UPDATE identity_proposals SET state = 'rejected', decided_by = %s, decided_at = now()
        WHERE entity_id = least(%s, %s) AND other_id = greatest(%s, %s)
        """,
        [author, *(undone["survivor_id"], undone["absorbed_id"]) * 2],
    )


def _undo(connection: Catalog, entry: dict[str, Any], author: str) -> None:
    kind, survivor, absorbed, moved = entry["kind"], entry["survivor_id"], entry["absorbed_id"], entry["moved"]
    connection.execute(
        sql.SQL("INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s)").format(
            table=sql.Identifier(ENTITIES[kind].name)
        ),
        [Jsonb(moved["row"])],
    )
    for source, of_kind, key in moved["records"]:
        connection.execute(
            "UPDATE source_records SET entity_id = %s WHERE (source, kind, key) = (%s, %s, %s) AND entity_id = %s",
            [absorbed, source, of_kind, key, survivor],
        )
    for of_kind, source, value in moved["ids"]:
        connection.execute(
            "UPDATE external_ids SET entity_id = %s WHERE (kind, source, value) = (%s, %s, %s) AND entity_id = %s",
            [absorbed, of_kind, source, value, survivor],
        )
    for override in moved["overrides"]:
        connection.execute(
            "DELETE FROM overrides WHERE entity_id = %s AND field = %s AND %s",
            [survivor, override["field"], override.pop("moved")],
        )
        connection.execute(
            "INSERT INTO overrides SELECT * FROM jsonb_populate_record(NULL::overrides, %s)", [Jsonb(override)]
        )
    for referrer, column, ids in moved["references"]:
        connection.execute(
            sql.SQL("UPDATE {table} SET {column} = %s WHERE {column} = %s AND id = ANY (%s::uuid[])").format(
                table=sql.Identifier(referrer), column=sql.Identifier(column)
            ),
            [absorbed, survivor, ids],
        )
        if referrer in _KIND_OF_TABLE:
            _touch(connection, _KIND_OF_TABLE[referrer], ids)
    connection.execute("DELETE FROM entity_redirects WHERE old_id = %s", [absorbed])
    connection.execute(
        "UPDATE entity_merges SET undone_at = now(), undone_by = %s WHERE id = %s", [author, entry["id"]]
    )
    connection.execute("INSERT INTO derived VALUES (%s, %s, 'insert', '{}')", [kind, absorbed])
    _touch(connection, kind, [survivor, absorbed])


def _move(connection: Catalog, update: str, survivor: UUID, absorbed: UUID) -> list[list[str]]:
    return [list(row) for row in connection.execute(update, [survivor, absorbed]).fetchall()]


def _move_overrides(connection: Catalog, survivor: UUID, absorbed: UUID) -> list[dict[str, Any]]:
    """The survivor's own overrides stand, those for other fields come over; returns the absorbed one's as they were."""
    own = connection.execute(
        """
        DELETE FROM overrides WHERE entity_id = %s
        RETURNING to_jsonb(overrides.*) || jsonb_build_object('moved', NOT EXISTS (
            SELECT FROM overrides kept WHERE kept.entity_id = %s AND kept.field = overrides.field
        ))
        """,
        [absorbed, survivor],
    ).fetchall()
    found: list[dict[str, Any]] = [row[0] for row in own]
    for override in found:
        if override["moved"]:
            connection.execute(
                "INSERT INTO overrides SELECT * FROM jsonb_populate_record(NULL::overrides, %s)",
                [Jsonb({**override, "entity_id": str(survivor)})],
            )
    return found


def _references(connection: Catalog, table: str) -> list[tuple[str, str]]:
    """All columns of the database that refer to a table, the social tables' too: (table, column)."""
    return connection.execute(
        """
        SELECT conrelid::regclass::text, attname::text FROM pg_constraint
        JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
        WHERE contype = 'f' AND confrelid = %s::regclass AND cardinality(conkey) = 1
        ORDER BY 1, 2
        """,
        [table],
    ).fetchall()


def _twins(connection: Catalog, child: str, column: str, survivor: UUID, absorbed: UUID) -> list[tuple[UUID, UUID]]:
    """The children of both that have the same key otherwise: (the survivor's, the absorbed one's)."""
    same = sql.SQL(" AND ").join(
        sql.SQL("ours.{name} IS NOT DISTINCT FROM theirs.{name}").format(name=sql.Identifier(name))
        for name in NATURAL_KEYS[child]
        if name != column
    )
    return connection.execute(
        sql.SQL(
            """
            SELECT ours.id, theirs.id FROM {table} ours JOIN {table} theirs ON {same}
            WHERE ours.{column} = %s AND theirs.{column} = %s ORDER BY ours.id
            """
        ).format(table=sql.Identifier(ENTITIES[child].name), same=same, column=sql.Identifier(column)),
        [survivor, absorbed],
    ).fetchall()


def _point(connection: Catalog, table: str, column: str, survivor: UUID, absorbed: UUID) -> list[str]:
    rows = connection.execute(
        sql.SQL("UPDATE {table} SET {column} = %s WHERE {column} = %s RETURNING id").format(
            table=sql.Identifier(table), column=sql.Identifier(column)
        ),
        [survivor, absorbed],
    ).fetchall()
    return [str(row[0]) for row in rows]


def _touch(connection: Catalog, kind: str, ids: list[Any]) -> None:
    connection.execute("INSERT INTO touched SELECT %s, unnest(%s::uuid[])", [kind, [str(one) for one in ids]])


def _merge(connection: Catalog, merge_id: UUID) -> dict[str, Any] | None:
    cursor = connection.cursor(row_factory=dict_row)
    return cursor.execute("SELECT * FROM entity_merges WHERE id = %s FOR UPDATE", [merge_id]).fetchone()


def _with_inner(connection: Catalog, merge_id: UUID) -> list[dict[str, Any]]:
    """A join and those that followed from it, outermost first: a child can only return to a parent that stands."""
    return (
        connection.cursor(row_factory=dict_row)
        .execute(
            """
            WITH RECURSIVE entries AS (
                SELECT *, 0 AS depth FROM entity_merges WHERE id = %s
                UNION ALL
                SELECT inner_.*, depth + 1 FROM entity_merges inner_ JOIN entries ON inner_.within_id = entries.id
            )
            SELECT * FROM entries ORDER BY depth, at, id
            """,
            [merge_id],
        )
        .fetchall()
    )


def _refuse_edited(connection: Catalog, entry: dict[str, Any]) -> None:
    """Raise JoinError unless the survivor is still what the join made of it, but for what sources said since."""
    later = connection.execute(
        """
        SELECT 'somebody overrode a field of it since' FROM overrides
        WHERE entity_id = %(survivor)s AND created_at > %(at)s
        UNION ALL
        SELECT 'it was itself absorbed since' FROM entity_redirects WHERE old_id = %(survivor)s
        LIMIT 1
        """,
        {"survivor": entry["survivor_id"], "at": entry["at"]},
    ).fetchone()
    if later is not None:
        raise JoinError(f"the join into {entry['kind']} {entry['survivor_id']} cannot be undone: {later[0]}.")
