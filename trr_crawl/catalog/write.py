"""Writes records into the catalog: one batch, one transaction, whole or not at all.

A batch goes by COPY into a temporary table and from there, in sets, into `source_records`, the derived tables and
`changes`. A record that the database refuses is isolated into `crawl_rejects`; the rest of its batch lands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
from psycopg import Connection, sql

from trr_crawl.catalog import coverage, identity, matching, merge
from trr_crawl.catalog.precedence import OWNERS
from trr_crawl.catalog.tables import ENTITIES

ATTEMPTS = 5
"""How often a batch is tried when it collides with another writer's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one source says about one thing, normalized."""

    source: str
    """"imdb", "tmdb", …"""
    kind: str
    """One of `tables.KINDS`."""
    key: str
    """The thing's id at the source; a season's is its show's id and its number, as in `tt0000001/2`."""
    payload: dict[str, Any]
    """The fields that the source states, JSON types, dates and dataclasses; a field it leaves out stays as known."""


@dataclass(slots=True)
class Written:
    """What became of a batch: counts by (kind, operation), and the records that the database refused."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Operations are "inserted", "updated", "unchanged" and "rejected"."""
    rejects: list[tuple[Record, str]] = field(default_factory=list)
    """Each with the database's reason."""


class _Overtaken(Exception):
    """Another writer recorded the same things between two of our statements."""


# What was looked for and not found may be there when it is inserted: nothing in a record breaks a unique constraint.
_COLLISIONS: Final = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.UniqueViolation,
    _Overtaken,
)


def prepare(connection: Connection[Any]) -> None:
    """Create this session's working tables; needed once a connection, before `write`.

    `fresh` takes the batch and keeps what the catalog does not have; what it has goes to `known`, locked.
    """
    merge.prepare(connection)
    connection.execute(
        """
        CREATE TEMP TABLE IF NOT EXISTS fresh (
            source text COLLATE "C", owner text COLLATE "C", kind text COLLATE "C", key text COLLATE "C", payload jsonb
        ) ON COMMIT DELETE ROWS;
        CREATE TEMP TABLE IF NOT EXISTS known (
            source text COLLATE "C", kind text COLLATE "C", key text COLLATE "C", record tid, payload jsonb, copied tid
        ) ON COMMIT DELETE ROWS
        """,
        prepare=False,
    )
    connection.commit()
    connection.prepare_threshold = 0  # every batch is the same statements: each is planned once


def write(connection: Connection[Any], records: Sequence[Record], run_id: UUID | None = None) -> Written:
    """Write a batch of records for a crawl run (None: outside of any).

    Raises psycopg.OperationalError and its kin when the database is gone, full or out of reach; nothing of the
    batch that was under way is then stored. The connection must not be in a transaction.
    """
    written = Written()
    _write_or_split(connection, _combine(records), run_id, written)
    return written


def sweep(
    connection: Connection[Any],
    *,
    source: str,
    kind: str,
    parent_field: str,
    parent_ids: Collection[str],
    keys: Collection[str],
    stating: str | None = None,
    value: str | None = None,
) -> int:
    """Mark the records of a kind within some parents that a source no longer names as gone; returns how many.

    `keys` are those of all the records that it names there, `parent_field` the field of these records that names their
    parent, by its id at the source. Of records that do not state the field `stating`, or another `value` there, another
    page told. What no source names any more gets `removed_at`, and stays; it loses that when it returns.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return _sweep(connection, source, kind, parent_field, list(parent_ids), list(keys), stating, value)
        except psycopg.errors.DeadlockDetected:
            continue
    return _sweep(connection, source, kind, parent_field, list(parent_ids), list(keys), stating, value)


def _sweep(
    connection: Connection[Any],
    source: str,
    kind: str,
    parent_field: str,
    parent_ids: list[str],
    keys: list[str],
    stating: str | None,
    value: str | None,
) -> int:
    with connection.transaction():
        _look_up(connection)
        gone = connection.execute(
            sql.SQL(
                """
                WITH gone AS (
                    UPDATE source_records record SET gone_at = now(), changed_at = now()
                    WHERE record.entity_id = ANY (ARRAY(
                        SELECT child.id FROM external_ids parent JOIN {table} child ON child.{field} = parent.entity_id
                        WHERE parent.kind = %s AND parent.source = %s AND parent.value = ANY (%s)
                    )) AND record.source = %s AND record.kind = %s AND record.gone_at IS NULL
                      AND record.key <> ALL (%s)
                      AND (%s::text IS NULL OR record.payload ? %s)
                      AND (%s::text IS NULL OR record.payload ->> %s = %s)
                    RETURNING record.kind, record.entity_id, record.key
                ), touching AS (
                    INSERT INTO touched SELECT kind, entity_id FROM gone
                )
                SELECT key FROM gone
                """
            ).format(table=sql.Identifier(ENTITIES[kind].name), field=sql.Identifier(parent_field)),
            [
                identity.PARENTS[kind][parent_field],
                OWNERS.get(source, source),
                parent_ids,
                source,
                kind,
                keys,
                stating,
                stating,
                value,
                stating,
                value,
            ],
        ).fetchall()
        if gone:
            coverage.note_gone(connection, source, kind, [key for (key,) in gone])
            merge.merge(connection, {kind})
            merge.write_changes(connection)
    return len(gone)


def _combine(records: Sequence[Record]) -> list[Record]:
    """One record a thing: what is stated later adds to and replaces what was stated earlier."""
    combined: dict[tuple[str, str, str], Record] = {}
    for record in records:
        identifier = (record.source, record.kind, record.key)
        earlier = combined.get(identifier)
        if earlier is not None:
            record = Record(
                source=record.source,
                kind=record.kind,
                key=record.key,
                payload={**earlier.payload, **record.payload},
            )
        combined[identifier] = record
    return list(combined.values())


def _write_or_split(connection: Connection[Any], records: list[Record], run_id: UUID | None, written: Written) -> None:
    """Write all of them, or halve the batch until the records at fault stand alone."""
    try:
        written.counts.update(_write_with_retries(connection, records, run_id))
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(records) > 1:
            middle = len(records) // 2
            _write_or_split(connection, records[:middle], run_id, written)
            _write_or_split(connection, records[middle:], run_id, written)
        else:
            reason = str(error).splitlines()[0]
            _reject(connection, records[0], reason, run_id)
            written.counts[records[0].kind, "rejected"] += 1
            written.rejects.append((records[0], reason))


def _write_with_retries(
    connection: Connection[Any], records: list[Record], run_id: UUID | None
) -> dict[tuple[str, str], int]:
    for _ in range(ATTEMPTS - 1):
        try:
            return _write_batch(connection, records, run_id)
        except _COLLISIONS:
            continue
    return _write_batch(connection, records, run_id)


def _write_batch(connection: Connection[Any], records: list[Record], run_id: UUID | None) -> dict[tuple[str, str], int]:
    with connection.transaction():
        _look_up(connection)
        _copy(connection, records)
        with _streaming(connection):
            operations = _take_known(connection)
            fresh = len(records) - sum(operations.values())
            updated = any(operation == "updated" for _, operation in operations)
            if operations and (fresh or updated):
                connection.execute("DELETE FROM fresh USING known WHERE fresh.ctid = known.copied")
            if updated:
                coverage.note_changes(connection)
                _update_known(connection, run_id)
            if fresh:
                operations |= _record_fresh(connection, {record.kind for record in records}, fresh, run_id)
                coverage.note(connection, coverage.tally(_of_fresh(connection, records, fresh)))
            changed = {kind for kind, operation in operations if operation != "unchanged"}
            if changed:
                merge.merge(connection, changed)
                matching.join_what_is_one(connection)
                merge.write_changes(connection)
    return operations


@contextmanager
def _streaming(connection: Connection[Any]) -> Iterator[None]:
    """Statements of which nobody reads an answer follow each other without waiting for one."""
    with connection.pipeline() as pipeline:
        try:
            yield
        except psycopg.Error:
            with suppress(psycopg.Error):
                pipeline.sync()  # those behind the one that failed: they were not done
            raise


def _look_up(connection: Connection[Any]) -> None:
    """For this transaction: a batch is small beside the tables it meets, look rows up and never scan for them."""
    connection.execute(
        """
        SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
               set_config('enable_seqscan', 'off', true), set_config('enable_material', 'off', true),
               set_config('jit', 'off', true)
        """
    )


def _of_fresh(
    connection: Connection[Any], records: list[Record], fresh: int
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The records of a batch that are new: source, kind, payload."""
    new = None
    if fresh < len(records):
        new = set(connection.execute("SELECT source, kind, key FROM fresh").fetchall())
    for record in records:
        if new is None or (record.source, record.kind, record.key) in new:
            yield record.source, record.kind, record.payload


def _copy(connection: Connection[Any], records: list[Record]) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY fresh FROM STDIN") as copy:
        for record in records:
            owner = OWNERS.get(record.source, record.source)
            copy.write_row((record.source, owner, record.kind, record.key, orjson.dumps(record.payload).decode()))


def _take_known(connection: Connection[Any]) -> dict[tuple[str, str], int]:
    """Bring the known records of the batch up to date; returns counts by (kind, operation).

    They are locked in order: two writers of the same things wait, and never crosswise. A record that tells nothing
    new only notes when it was seen.
    """
    connection.execute(
        """
        INSERT INTO known
        SELECT source, kind, key, record.ctid,
               CASE WHEN record.gone_at IS NOT NULL
                      OR (record.payload <> fresh.payload AND record.payload || fresh.payload <> record.payload)
                    THEN fresh.payload END,
               fresh.ctid
        FROM fresh JOIN source_records record USING (source, kind, key)
        ORDER BY source, kind, key FOR UPDATE OF record
        """
    )
    connection.execute(
        """
        UPDATE source_records SET seen_at = now()
        FROM known WHERE known.payload IS NULL AND source_records.ctid = known.record
        """
    )
    counts = connection.execute("SELECT kind, payload IS NULL, count(*)::integer FROM known GROUP BY 1, 2").fetchall()
    return {(kind, "unchanged" if unchanged else "updated"): count for kind, unchanged, count in counts}


def _update_known(connection: Connection[Any], run_id: UUID | None) -> None:
    connection.execute(
        """
        WITH updated AS (
            UPDATE source_records record
            SET payload = record.payload || known.payload, run_id = %s,
                seen_at = now(), changed_at = now(), gone_at = NULL
            FROM known WHERE known.payload IS NOT NULL AND record.ctid = known.record
            RETURNING record.kind, record.entity_id
        )
        INSERT INTO touched SELECT kind, entity_id FROM updated
        """,
        [run_id],
    )


def _record_fresh(
    connection: Connection[Any], kinds: set[str], expected: int, run_id: UUID | None
) -> dict[tuple[str, str], int]:
    """Keep what is said for the first time, each record with its entity; returns counts by (kind, operation)."""
    matching.adopt(connection)
    identity.resolve(connection, kinds)
    recorded = connection.execute(_record(frozenset(kinds)), [run_id]).fetchall()
    if sum(count for _, count in recorded) != expected:
        raise _Overtaken
    return {(kind, "inserted"): count for kind, count in recorded}


@cache
def _record(kinds: frozenset[str]) -> bytes:
    return (
        sql.SQL(
            """
            WITH placed AS ({placed}), recorded AS (
                INSERT INTO source_records (source, kind, key, payload, run_id, entity_id)
                SELECT source, kind, key, payload, %s, entity_id FROM placed ORDER BY source, kind, key
                RETURNING kind, entity_id
            ), touching AS (
                INSERT INTO touched SELECT kind, entity_id FROM recorded
            )
            SELECT kind, count(*)::integer FROM recorded GROUP BY kind
            """
        )
        .format(placed=identity.place(kinds))
        .as_bytes(None)
    )


def _reject(connection: Connection[Any], record: Record, reason: str, run_id: UUID | None) -> None:
    with connection.transaction():
        connection.execute(
            "INSERT INTO crawl_rejects (run_id, source, kind, key, payload, error) VALUES (%s, %s, %s, %s, %s, %s)",
            [
                run_id,
                *(text.replace("\0", "�") for text in (record.source, record.kind, record.key)),
                orjson.dumps(record.payload).decode(),
                reason,
            ],
        )
