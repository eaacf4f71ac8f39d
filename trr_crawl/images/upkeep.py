"""The store beside the catalog: what no row names any more, and what is kept in another place than it should be."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Final

from psycopg import Connection

from trr_crawl.catalog import hosting
from trr_crawl.catalog.hosting import Object
from trr_crawl.images.stores import ROOT, Listed, Store, StoreError, url_of

AT_ONCE: Final = 1000
"""Objects that are deleted by one request: as many as S3 takes."""
MOVED_AT_ONCE: Final = 100
PARTS: Final = 6
"""Of a key, after the prefix; see `keys.py`."""

Told = Callable[[str], None]
"""Is told what is done, object by object."""


@dataclass(slots=True)
class Pruned:
    """What became of the objects of a store."""

    listed: int = 0
    named: int = 0
    """Of these a row of the catalog says so."""
    young: int = 0
    """Nobody names them, but somebody may be about to."""
    deleted: int = 0
    bytes: int = 0
    """Of the deleted ones."""


def prune(connection: Connection[Any], store: Store, grace: timedelta, *, dry_run: bool, told: Told) -> Pruned:
    """Delete the objects that no row names, but for those younger than the grace time or than a run that goes on.

    Both sides are streamed in the order of the keys, so their number does not matter. Raises StoreError, and so where
    the catalog names no object of the store at all: it is hardly the one that belongs to it.
    """
    if not hosting.names_any(connection, store.name, store.prefix + ROOT):
        raise StoreError(
            f"The catalog names no object of {store.name}/{store.prefix}{ROOT}: check DATABASE_URL and IMAGES_STORE."
        )
    done = Pruned()
    before = datetime.now(UTC) - grace
    if (started := hosting.oldest_running(connection)) is not None:
        before = min(before, started)
    orphans = _orphans(store.listed(), hosting.keys(connection, store.name), done)
    old = (entry for entry in orphans if _is_old(entry, before, done))
    while some := list(islice(old, AT_ONCE)):
        # What was stored long ago may have been named since the stream of the catalog began.
        named = hosting.named(connection, [entry.key for entry in some])
        gone = [entry for entry in some if entry.key not in named]
        done.named += len(named)
        for entry in gone:
            told(entry.key)
        if gone and not dry_run:
            store.delete([entry.key for entry in gone])
        done.deleted += len(gone)
        done.bytes += sum(entry.size for entry in gone)
    return done


def _orphans(listed: Iterator[Listed], named: Iterator[str], done: Pruned) -> Iterator[Listed]:
    """The objects whose keys the catalog does not name: one walk along two sorted streams."""
    name = next(named, None)
    last = ""
    for entry in listed:
        if entry.key <= last:
            raise StoreError(f"The store lists {entry.key} behind {last}: without order nothing is deleted.")
        last = entry.key
        done.listed += 1
        while name is not None and name < entry.key:
            name = next(named, None)
        if name == entry.key:
            done.named += 1
        else:
            yield entry


def _is_old(entry: Listed, before: datetime, done: Pruned) -> bool:
    old = entry.modified_at < before
    done.young += not old
    return old


@dataclass(slots=True)
class Rehosted:
    """What became of the objects of the catalog."""

    in_place: int = 0
    readdressed: int = 0
    """The same object, by another address."""
    copied: int = 0
    missing: list[str] = field(default_factory=list)
    """Keys of objects that the old store does not have, or not as they were: their rows stay."""


def rehost(
    connection: Connection[Any], store: Store, old: Callable[[str], Store], *, dry_run: bool, told: Told
) -> Rehosted:
    """Bring all objects, and their addresses, to a store; `old` opens another one by its name.

    An object is copied before its row says so, and what was copied stays where it was. Raises StoreError.
    """
    done, opened = Rehosted(), {store.name: store}
    after: Object | None = None
    with ThreadPoolExecutor(8) as pool:
        while some := hosting.objects(connection, after=after, limit=MOVED_AT_ONCE):
            after = some[-1]
            moves = [(entry, key := _key(entry, store), url_of(store, key)) for entry in some]
            moves = [move for move in moves if (*move[1:], store.name) != (move[0].key, move[0].url, move[0].store)]
            done.in_place += len(some) - len(moves)
            strange = [(entry, key) for entry, key, _ in moves if (entry.store, entry.key) != (store.name, key)]
            for entry, _ in strange:
                if entry.store not in opened:
                    opened[entry.store] = old(entry.store)
            copy = _would_copy if dry_run else partial(_copy, store, opened)
            arrived = {key for key in pool.map(copy, strange) if key is not None}
            lost = {entry.key for entry, _ in strange} - arrived
            done.missing += sorted(lost)
            kept = [(entry, key, store.name, url) for entry, key, url in moves if entry.key not in lost]
            done.copied += len(arrived)
            done.readdressed += len(kept) - len(arrived)
            for entry, _, _, url in kept:
                told(f"{entry.url} -> {url}")
            if kept and not dry_run:
                hosting.move(connection, kept)
    return done


def _key(entry: Object, store: Store) -> str:
    """The key that an object has in a store: only the prefix differs."""
    return store.prefix + "/".join(entry.key.split("/")[-PARTS:])


def _would_copy(move: tuple[Object, str]) -> str | None:
    return move[0].key


def _copy(store: Store, opened: dict[str, Store], move: tuple[Object, str]) -> str | None:
    """Copy an object; returns its old key, None where the old store has no such bytes."""
    entry, key = move
    content = opened[entry.store].get(entry.key)
    if content is None or len(content) != entry.bytes:
        return None
    if entry.variant == "original" and hashlib.sha256(content).hexdigest() != entry.sha256:
        return None
    store.put(key, content, entry.content_type)
    return entry.key
