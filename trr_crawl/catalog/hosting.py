"""Which pictures we keep: the only writer of `image_files`, `image_objects` and `image_sources`.

A row is written after the store acknowledged the object, never before. Of several processes that have the same bytes,
one at a time holds the claim on them, and stores them once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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


def known(connection: Catalog, url: str, expires: timedelta) -> Known | None:
    """What is known of an address; None for one that nobody fetched yet."""
    cursor = connection.cursor(row_factory=class_row(Known))
    return cursor.execute(
        """
        SELECT sha256, etag, last_modified, error, checked_at > now() - %s AS fresh FROM image_sources WHERE url = %s
        """,
        [expires, url],
    ).fetchone()


def claim(connection: Catalog, sha256: str) -> Claim:
    """Try to become the one who stores some bytes. The claim ends with the connection, if with nothing else."""
    [(mine,)] = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [sha256]).fetchall()
    if not mine:
        return "busy"
    if connection.execute("SELECT FROM image_files WHERE sha256 = %s", [sha256]).fetchone() is None:
        return "mine"
    release(connection, sha256)
    return "known"


def release(connection: Catalog, sha256: str) -> None:
    """Give a claim up."""
    connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [sha256])


def record(
    connection: Catalog, file: File, objects: Sequence[Object], source: Source, run_id: UUID | None = None
) -> None:
    """Note bytes that the store has, and the address that gave them, in one transaction; ends the claim."""
    with connection.transaction():
        connection.execute(
            """
            INSERT INTO image_files
                (sha256, content_type, bytes, width, height, dominant_colour, blurhash, perceptual_hash)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s::text::bit(128)) ON CONFLICT DO NOTHING
            """,
            [
                file.sha256,
                file.content_type,
                file.bytes,
                file.width,
                file.height,
                file.dominant_colour,
                file.blurhash,
                None if file.perceptual_hash is None else f"{file.perceptual_hash:0128b}",
            ],
        )
        for entry in objects:
            connection.execute(
                """
                INSERT INTO image_objects (key, sha256, variant, content_type, bytes, width, height, store, url)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
                """,
                [
                    entry.key,
                    entry.sha256,
                    entry.variant,
                    entry.content_type,
                    entry.bytes,
                    entry.width,
                    entry.height,
                    entry.store,
                    entry.url,
                ],
            )
        _note(connection, source, file.sha256, run_id)
    release(connection, file.sha256)


def refer(connection: Catalog, source: Source, sha256: str, run_id: UUID | None = None) -> None:
    """Note that an address gave bytes that are stored already."""
    with connection.transaction():
        _note(connection, source, sha256, run_id)


def confirm(connection: Catalog, url: str) -> None:
    """Note that an address still gives what it gave before."""
    with connection.transaction():
        connection.execute("UPDATE image_sources SET checked_at = now(), error = NULL WHERE url = %s", [url])


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


def _note(connection: Catalog, source: Source, sha256: str, run_id: UUID | None) -> None:
    connection.execute(
        """
        INSERT INTO image_sources (url, sha256, etag, last_modified, run_id) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (url) DO UPDATE
        SET sha256 = excluded.sha256, etag = excluded.etag, last_modified = excluded.last_modified,
            run_id = excluded.run_id, error = NULL, fetched_at = now(), checked_at = now()
        """,
        [source.url, sha256, source.etag, source.last_modified, run_id],
    )


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
