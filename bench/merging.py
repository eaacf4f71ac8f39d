"""Deriving the catalog again: episodes of two sources and people of three, joined as they came; statements a batch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import psutil  # type: ignore[import-untyped]
from psycopg import Connection, Cursor
from psycopg.abc import Query

from bench.databases import settle
from trr_crawl import database
from trr_crawl.catalog import merge, write
from trr_crawl.catalog.write import Record

EPISODES_A_SHOW: Final = 100
PEOPLE_A_SHOW: Final = 10
BATCH: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds, the client's memory and statements, for so many episodes of two sources each."""

    episodes: int
    people: int
    """Of three sources each."""
    written: float
    """To write both sources' records, the second source's joined to the first's."""
    derived: float
    """To derive everything again; nothing changes."""
    memory: int
    """Bytes that this process grew by while it did."""
    statements: tuple[int, int]
    """That the first batch of the second source took, and a batch of a single record."""


class Counting(Connection[Any]):
    """Counts its statements."""

    statements = 0

    def execute(self, query: Query, *args: Any, **kwargs: Any) -> Cursor[Any]:
        self.statements += 1
        return super().execute(query, *args, **kwargs)


def measure(url: str, episodes: int) -> Timing:
    """In an empty catalog."""
    shows = episodes // EPISODES_A_SHOW
    with Counting.connect(database.without_driver(url)) as connection:
        write.prepare(connection)
        started = time.perf_counter()
        for source in ("imdb", "tmdb"):
            _write(connection, list(_records(source, shows)))
        for source in ("imdb", "tmdb", "fandom"):
            _write(connection, list(_people(source, shows)))
        written = time.perf_counter() - started
        found = connection.execute("SELECT count(*), (SELECT count(*) FROM people) FROM episodes").fetchone()
        people = shows * PEOPLE_A_SHOW
        if found != (episodes, people):
            raise RuntimeError(f"{episodes} episodes of two sources and {people} people of three came to {found}")
        connection.commit()
        statements = _statements(connection, shows)
        settle(connection)
        before = psutil.Process().memory_info().rss
        started = time.perf_counter()
        changed = merge.merge_all(connection)
        derived = time.perf_counter() - started
        if changed:
            raise RuntimeError(f"deriving again changed {changed}")
        memory = psutil.Process().memory_info().rss - before
    return Timing(
        episodes=episodes, people=people, written=written, derived=derived, memory=memory, statements=statements
    )


def _statements(connection: Counting, shows: int) -> tuple[int, int]:
    """What a batch of new things takes, with ids of another source, and one of a single thing."""
    counts = []
    new = [
        Record(source="tmdb", kind="person", key=f"8{number}", payload={"external_ids": {"imdb": f"nm8{number:06d}"}})
        for number in range(shows, shows + BATCH)
    ]
    for batch in (new[1:], new[:1]):
        before = connection.statements
        write.write(connection, batch)
        counts.append(connection.statements - before)
    return counts[0], counts[1]


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


def _people(source: str, shows: int) -> Iterator[Record]:
    """People whom each source names by its own id, and two of them by IMDb's as well."""
    for number in range(shows * PEOPLE_A_SHOW):
        imdb_id = f"nm7{number:06d}"
        key = {"imdb": imdb_id, "tmdb": str(number + 1), "fandom": f"gulls:{number}"}[source]
        others = {} if source == "imdb" else {"external_ids": {"imdb": imdb_id}}
        told = {"id": key, "name": f"Ana {number}", "biography": f"What {source} tells of her.", "gender": "female"}
        yield Record(source=source, kind="person", key=key, payload=told | others)
