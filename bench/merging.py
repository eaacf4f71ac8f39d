"""Deriving the catalog again: episodes that two sources describe, joined as they came, then all re-derived at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import psutil  # type: ignore[import-untyped]
from psycopg import Connection

from bench.databases import settle
from trr_crawl import database
from trr_crawl.catalog import merge, write
from trr_crawl.catalog.write import Record

EPISODES_A_SHOW: Final = 100
BATCH: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds, and the client's memory, for so many episodes of two sources each."""

    episodes: int
    written: float
    """To write both sources' records, the second source's joined to the first's."""
    derived: float
    """To derive everything again; nothing changes."""
    memory: int
    """Bytes that this process grew by while it did."""


def measure(url: str, episodes: int) -> Timing:
    """In an empty catalog."""
    with database.connect(url) as connection:
        write.prepare(connection)
        started = time.perf_counter()
        for source in ("imdb", "tmdb"):
            _write(connection, list(_records(source, episodes // EPISODES_A_SHOW)))
        written = time.perf_counter() - started
        found = connection.execute("SELECT count(*) FROM episodes").fetchone()
        if found != (episodes,):
            raise RuntimeError(f"{episodes} episodes of two sources came to {found}")
        settle(connection)
        before = psutil.Process().memory_info().rss
        started = time.perf_counter()
        changed = merge.merge_all(connection)
        derived = time.perf_counter() - started
        if changed:
            raise RuntimeError(f"deriving again changed {changed}")
        memory = psutil.Process().memory_info().rss - before
    return Timing(episodes=episodes, written=written, derived=derived, memory=memory)


def _write(connection: Connection[object], records: list[Record]) -> None:
    for start in range(0, len(records), BATCH):
        write.write(connection, records[start : start + BATCH])


def _records(source: str, shows: int) -> Iterator[Record]:
    for show in range(shows):
        imdb_id = f"tt8{show:06d}"
        show_id = imdb_id if source == "imdb" else str(show + 1)
        told = {"id": show_id, "title": f"Show {show}", "country": "US", "genres": ["Reality-TV"]}
        others = {"external_ids": {"imdb": imdb_id}} if source == "tmdb" else {}
        yield Record(source=source, kind="show", key=show_id, payload=told | others)
        for number in range(EPISODES_A_SHOW):
            key = f"{show_id}{number:03d}"
            place = {"season_number": number // 10 + 1, "episode_number": number % 10 + 1}
            yield Record(
                source=source,
                kind="episode",
                key=key,
                payload={
                    "id": key,
                    "show_id": show_id,
                    **place,
                    "title": f"Tide {number}",
                    "air_date": f"20{10 + number // 10}-03-{number % 10 + 1:02d}",
                    "country": "US",
                    "overview": f"What {source} tells of it.",
                    "rating": 7.5,
                },
            )
