"""Which pictures we keep: the only writer of `image_files`, `image_objects` and `image_sources`.

A row is written after the store acknowledged the object, never before. Of several processes that have the same bytes,
one at a time holds the claim on them, and stores them once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

Catalog = Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of an address."""

    sha256: str | None
    etag: str | None
    last_modified: str | None
    error: str | None
    fresh: bool
    """Whether it was asked for so lately that it need not be asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A picture's bytes, as `image_files` has them."""

    sha256: str
    content_type: str
    bytes: int
    width: int
    height: int
    dominant_colour: str | None = None
    blurhash: str | None = None
    perceptual_hash: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """A stored object, as `image_objects` has it."""

    key: str
    sha256: str
    variant: str
    content_type: str
    bytes: int
    width: int
    height: int
    store: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What an address gave."""

    url: str
    etag: str | None = None
    last_modified: str | None = None


Claim = Literal["known", "mine", "busy"]
"""Of bytes: stored already; ours to store, until `record` or `release`; or just being stored by another process."""


def known(connection: Catalog, urls: Sequence[str], expires: timedelta) -> list[Known | None]:
    """What is known of each address; None for one that nobody fetched yet."""
    rows = connection.execute(
        """
        SELECT url, sha256, etag, last_modified, error, checked_at > now() - %s FROM image_sources WHERE url = ANY (%s)
        """,
        [expires, list(urls)],
    ).fetchall()
    found = {
        url: Known(sha256=sha256, etag=etag, last_modified=last_modified, error=error, fresh=fresh)
        for url, sha256, etag, last_modified, error, fresh in rows
    }
    return [found.get(url) for url in urls]


def claim(connection: Catalog, hashes: Sequence[str]) -> list[Claim]:
    """Try to become the one who stores some bytes. A claim ends with the connection, if with nothing else."""
    # The second statement sees what others committed before they let go.
    locked = connection.execute(
        "SELECT sha256, pg_try_advisory_lock(hashtextextended(sha256, 0)) FROM unnest(%s::text[]) sha256",
        [list(hashes)],
    ).fetchall()
    mine = {sha256 for sha256, got in locked if got}
    stored = connection.execute("SELECT sha256 FROM image_files WHERE sha256 = ANY (%s)", [list(mine)]).fetchall()
    there = {sha256 for (sha256,) in stored}
    if there:
        release(connection, sorted(there))
    return ["known" if sha256 in there else "mine" if sha256 in mine else "busy" for sha256 in hashes]


def release(connection: Catalog, hashes: Sequence[str]) -> None:
    """Give claims up."""
    connection.execute(
        "SELECT pg_advisory_unlock(hashtextextended(sha256, 0)) FROM unnest(%s::text[]) sha256", [list(hashes)]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Bytes that the store has, with all that was made of them, and the address that gave them."""

    file: File
    objects: Sequence[Object]
    source: Source


def record(connection: Catalog, stored: Sequence[Stored], run_id: UUID | None = None) -> None:
    """Note what the store has, all in one transaction; ends the claims."""
    with connection.transaction():
        connection.execute(
            """
            INSERT INTO image_files
                (sha256, content_type, bytes, width, height, dominant_colour, blurhash, perceptual_hash)
            SELECT sha256, content_type, bytes, width, height, dominant_colour, blurhash, perceptual_hash::bit(128)
            FROM jsonb_to_recordset(%s) AS file (
                sha256 text, content_type text, bytes bigint, width integer, height integer,
                dominant_colour text, blurhash text, perceptual_hash text
            )
            ON CONFLICT DO NOTHING
            """,
            [Jsonb([{**asdict(one.file), "perceptual_hash": _bits(one.file.perceptual_hash)} for one in stored])],
        )
        connection.execute(
            """
            INSERT INTO image_objects (key, sha256, variant, content_type, bytes, width, height, store, url)
            SELECT key, sha256, variant, content_type, bytes, width, height, store, url
            FROM jsonb_to_recordset(%s) AS object (
                key text, sha256 text, variant text, content_type text, bytes bigint, width integer, height integer,
                store text, url text
            )
            ON CONFLICT DO NOTHING
            """,
            [Jsonb([asdict(one) for entry in stored for one in entry.objects])],
        )
        _note(connection, [(entry.source, entry.file.sha256) for entry in stored], run_id)
    release(connection, [entry.file.sha256 for entry in stored])


def refer(connection: Catalog, source: Source, sha256: str, run_id: UUID | None = None) -> None:
    """Note that an address gave bytes that are stored already."""
    with connection.transaction():
        _note(connection, [(source, sha256)], run_id)


def confirm(connection: Catalog, urls: Sequence[str]) -> None:
    """Note that addresses still give what they gave before."""
    with connection.transaction():
        connection.execute(
            "UPDATE image_sources SET checked_at = now(), error = NULL WHERE url = ANY (%s)", [sorted(urls)]
        )


def refuse(
    connection: Catalog,
    *,
    url: str,
    source: str,
    payload: dict[str, Any],
    error: str,
    run_id: UUID | None = None,
    reject: bool = True,
) -> None:
    """Note that an address gave no picture, so that it is not asked for again too soon; what it gave before stays.

    With `reject` it gave something, which goes into `crawl_rejects`; without, it gave nothing.
    """
    with connection.transaction():
        connection.execute(
            """
            INSERT INTO image_sources (url, error, run_id) VALUES (%s, %s, %s)
            ON CONFLICT (url) DO UPDATE SET error = excluded.error, checked_at = now()
            """,
            [url, error, run_id],
        )
        if reject:
            connection.execute(
                """
                INSERT INTO crawl_rejects (run_id, source, kind, key, payload, error)
                VALUES (%s, %s, 'image', %s, %s::jsonb::text, %s)
                """,
                [run_id, source, url, Jsonb(payload), error],
            )


def _note(connection: Catalog, given: Sequence[tuple[Source, str]], run_id: UUID | None) -> None:
    """Note which bytes addresses gave; of one that is given twice, the last."""
    latest = {source.url: {**asdict(source), "sha256": sha256} for source, sha256 in given}
    connection.execute(
        """
        INSERT INTO image_sources (url, sha256, etag, last_modified, run_id)
        SELECT url, sha256, etag, last_modified, %s
        FROM jsonb_to_recordset(%s) AS source (url text, sha256 text, etag text, last_modified text)
        ORDER BY url COLLATE "C"
        ON CONFLICT (url) DO UPDATE
        SET sha256 = excluded.sha256, etag = excluded.etag, last_modified = excluded.last_modified,
            run_id = excluded.run_id, error = NULL, fetched_at = now(), checked_at = now()
        """,
        [run_id, Jsonb(list(latest.values()))],
    )


def _bits(number: int | None) -> str | None:
    return None if number is None else f"{number:0128b}"


def keys(connection: Catalog, store: str) -> Iterator[str]:
    """The keys of all objects that a store should have, in the order of their bytes, as a stream."""
    with connection.transaction(), connection.cursor(name="image_keys") as cursor:
        cursor.itersize = 5000
        cursor.execute("SELECT key FROM image_objects WHERE store = %s ORDER BY key", [store])
        for (key,) in cursor:
            yield key


def names_any(connection: Catalog, store: str, prefix: str) -> bool:
    """Whether any row names an object of a store, under a prefix."""
    query = "SELECT FROM image_objects WHERE store = %s AND starts_with(key, %s) LIMIT 1"
    return connection.execute(query, [store, prefix]).fetchone() is not None


def named(connection: Catalog, candidates: Sequence[str]) -> set[str]:
    """Those of some keys that a row names at this moment, whatever store it says."""
    rows = connection.execute("SELECT key FROM image_objects WHERE key = ANY (%s)", [list(candidates)])
    return {key for (key,) in rows}


def oldest_running(connection: Catalog) -> datetime | None:
    """When the oldest of the runs started that have not ended, whether they still live or not."""
    [(started,)] = connection.execute("SELECT min(started_at) FROM crawl_runs WHERE outcome IS NULL").fetchall()
    return started if isinstance(started, datetime) else None


def objects(connection: Catalog, *, after: Object | None, limit: int) -> list[Object]:
    """Some objects behind another one, in an order that does not change when they move."""
    cursor = connection.cursor(row_factory=class_row(Object))
    return cursor.execute(
        """
        SELECT key, sha256, variant, content_type, bytes, width, height, store, url
        FROM image_objects WHERE (sha256, variant) > (%s, %s) ORDER BY sha256, variant LIMIT %s
        """,
        [after.sha256 if after else "", after.variant if after else "", limit],
    ).fetchall()


def move(connection: Catalog, moved: Sequence[tuple[Object, str, str, str]]) -> None:
    """Note where objects are now: each with its new key, store and address."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE image_objects SET key = %s, store = %s, url = %s WHERE key = %s",
            [(key, store, url, entry.key) for entry, key, store, url in moved],
        )


def counts(connection: Catalog) -> tuple[int, int, int]:
    """How many addresses lead to a picture of ours, how many pictures those are, how many objects they fill."""
    [row] = connection.execute(
        """
        SELECT (SELECT count(*) FROM image_sources WHERE sha256 IS NOT NULL),
               (SELECT count(*) FROM image_files), (SELECT count(*) FROM image_objects)
        """
    ).fetchall()
    sources, files, stored = row
    return sources, files, stored
