"""Writes records into the catalog: one batch, one transaction, whole or not at all.

A batch goes by COPY into a temporary table and from there, in sets, into `source_records`, the derived tables and
`changes`. A record that the database refuses is isolated into `crawl_rejects`; the rest of its batch lands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg import Connection

from trr_crawl.catalog import identity, merge

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


def prepare(connection: Connection[Any]) -> None:
    """Create this session's working tables; needed once a connection, before `write`."""
    merge.prepare(connection)
    connection.execute(
        """
        CREATE TEMP TABLE IF NOT EXISTS incoming (
            source text COLLATE "C", kind text COLLATE "C", key text COLLATE "C",
            show_key text COLLATE "C", season_number integer, payload jsonb
        ) ON COMMIT DELETE ROWS;
        CREATE TEMP TABLE IF NOT EXISTS staged (
            source text COLLATE "C", kind text COLLATE "C", key text COLLATE "C",
            payload jsonb, entity_id uuid, op text
        ) ON COMMIT DELETE ROWS
        """
    )
    connection.commit()


def write(connection: Connection[Any], records: Sequence[Record], run_id: UUID | None = None) -> Written:
    """Write a batch of records for a crawl run (None: outside of any).

    Raises psycopg.OperationalError and its kin when the database is gone, full or out of reach; nothing of the
    batch that was under way is then stored. The connection must not be in a transaction.
    """
    written = Written()
    _write_or_split(connection, _combine(records), run_id, written)
    return written


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
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
            continue
    return _write_batch(connection, records, run_id)


def _write_batch(connection: Connection[Any], records: list[Record], run_id: UUID | None) -> dict[tuple[str, str], int]:
    with connection.transaction():
        # A batch is small beside the tables it meets: look rows up, never scan for them.
        for setting in ("enable_hashjoin", "enable_mergejoin", "enable_seqscan", "enable_material", "jit"):
            connection.execute(f"SET LOCAL {setting} = off")
        _copy(connection, records)
        _lock(connection)
        identity.resolve(connection)
        _stage(connection)
        _record(connection, run_id)
        connection.execute("INSERT INTO touched SELECT DISTINCT kind, entity_id FROM staged WHERE op <> 'unchanged'")
        merge.merge(connection, {record.kind for record in records})
        counts = connection.execute("SELECT kind, op, count(*)::integer FROM staged GROUP BY kind, op")
        operations = {(kind, op): count for kind, op, count in counts}
        merge.write_changes(connection)
    return operations


def _copy(connection: Connection[Any], records: list[Record]) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY incoming FROM STDIN") as copy:
        for record in records:
            payload = record.payload
            copy.write_row(
                (
                    record.source,
                    record.kind,
                    record.key,
                    payload.get("show_id"),
                    payload.get("season_number") if record.kind == "season" else None,
                    orjson.dumps(payload).decode(),
                )
            )


def _lock(connection: Connection[Any]) -> None:
    """Take the known records of the batch, in order: two writers of the same things wait, and never crosswise."""
    connection.execute(
        """
        SELECT FROM incoming JOIN source_records USING (source, kind, key)
        ORDER BY source, kind, key FOR UPDATE OF source_records
        """
    )


def _stage(connection: Connection[Any]) -> None:
    """Find each record's entity, and whether it tells anything new."""
    connection.execute(
        """
        INSERT INTO staged (source, kind, key, payload, entity_id, op)
        SELECT incoming.source, incoming.kind, incoming.key, incoming.payload,
               coalesce(seasons.id, known.entity_id),
               CASE WHEN earlier.key IS NULL THEN 'inserted'
                    WHEN earlier.payload || incoming.payload = earlier.payload THEN 'unchanged'
                    ELSE 'updated' END
        FROM incoming
        LEFT JOIN source_records earlier
          ON earlier.source = incoming.source AND earlier.kind = incoming.kind AND earlier.key = incoming.key
        LEFT JOIN external_ids known
          ON known.kind = incoming.kind AND known.source = incoming.source AND known.value = incoming.key
        LEFT JOIN seasons ON incoming.kind = 'season' AND seasons.season_number = incoming.season_number
          AND seasons.show_id = (
              SELECT entity_id FROM external_ids
              WHERE kind = 'show' AND source = incoming.source AND value = incoming.show_key
          )
        """
    )


def _record(connection: Connection[Any], run_id: UUID | None) -> None:
    """Keep what the sources said. A record that tells nothing new only notes when it was seen."""
    connection.execute(
        """
        INSERT INTO source_records AS record (source, kind, key, payload, run_id, entity_id)
        SELECT source, kind, key, payload, %s, entity_id FROM staged WHERE op <> 'unchanged'
        ORDER BY source, kind, key
        ON CONFLICT (source, kind, key) DO UPDATE
        SET payload = record.payload || excluded.payload, run_id = excluded.run_id,
            entity_id = excluded.entity_id, seen_at = now(), changed_at = now()
        """,
        [run_id],
    )
    connection.execute(
        """
        UPDATE source_records SET seen_at = now()
        FROM (SELECT source, kind, key FROM staged WHERE op = 'unchanged') seen
        WHERE source_records.source = seen.source AND source_records.kind = seen.kind
          AND source_records.key = seen.key
        """
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
