"""The datasets' filter and store beside a bare gzip and split of the same file, and beside a COPY of the rows kept."""

from __future__ import annotations

import gzip
import random
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from psycopg import Connection

from bench import store
from trr_crawl import database
from trr_crawl.catalog import write
from trr_crawl.catalog.write import Record
from trr_crawl.datasets import blocks
from trr_crawl.items import Item
from trr_crawl.parse.imdb.datasets import COLUMNS, Principals, Selection, Table

ROWS: Final = 2_000_000
"""Rows of the generated title.principals; IMDb's has about 90 million."""
ROWS_A_TITLE: Final = 10
CHOSEN_OF: Final = 200
"""One title in so many is chosen for the filter."""

WRITTEN: Final = ("source_records", "external_ids", "shows", "people", "credits", "changes")
"""The tables in which the store leaves rows of the chosen titles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds for one generated file, and the memory of a selection."""

    rows: int
    megabytes: float
    """Of the file as text."""
    filtered: float
    """To read it all and make items of the chosen titles."""
    kept: int
    """Items of the chosen titles."""
    stored: float
    """To read it all, and to write those items into an empty catalog as they come."""
    copied: float
    """To COPY the rows that this left behind, in all tables, and do nothing else."""
    bare: float
    """To read it all with Python's gzip and split every row at its tabs, and do nothing with it."""
    items: int
    """That a file makes in which every title is chosen."""
    items_seconds: float
    bytes_a_title: float
    """Memory of a selection, for each title in it."""

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.filtered

    @property
    def bare_rows_per_second(self) -> float:
        return self.rows / self.bare

    @property
    def stored_rows_per_second(self) -> float:
        return self.rows / self.stored

    @property
    def items_per_second(self) -> float:
        return self.items / self.items_seconds


def measure(url: str, rows: int = ROWS) -> Timing:
    """Generate a file, read it both ways, store what is chosen in an empty catalog, throw the file away."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        path = Path(name) / "title.principals.tsv.gz"
        size = _generate(path, rows)
        titles = rows // ROWS_A_TITLE
        chosen = _selection(range(0, titles, CHOSEN_OF))
        filtered, made = _timed(lambda: sum(1 for _ in _items(path, chosen)))
        if made != -(-titles // CHOSEN_OF) * ROWS_A_TITLE:
            raise RuntimeError(f"the filter made {made} items")
        stored, copied = _store(url, path, chosen)
        bare, split = _timed(lambda: _split(path))
        if split != rows + 1:
            raise RuntimeError(f"there are {split} lines")
        few = Path(name) / "few.tsv.gz"
        _generate(few, rows // 10)
        everything = _selection(range(titles // 10))
        items_seconds, items = _timed(lambda: sum(1 for _ in _items(few, everything)))
    return Timing(
        rows=rows,
        megabytes=size / 1e6,
        filtered=filtered,
        kept=made,
        stored=stored,
        copied=copied,
        bare=bare,
        items=items,
        items_seconds=items_seconds,
        bytes_a_title=_weight(100_000),
    )


def _generate(path: Path, rows: int) -> int:
    """Write a title.principals with invented rows; returns the bytes of its text."""
    dice = random.Random(1)
    size = 0
    with gzip.open(path, "wb", compresslevel=6) as file:
        size += file.write("\t".join(COLUMNS[Table.PRINCIPALS]).encode() + b"\n")
        for title in range(rows // ROWS_A_TITLE):
            lines = []
            for place in range(1, ROWS_A_TITLE + 1):
                role = b'self\t\\N\t["Self"]' if place < 6 else b"producer\texecutive producer\t\\N"
                lines.append(b"%s\t%d\tnm%07d\t%s\n" % (_title_id(title), place, dice.randrange(10**7), role))
            size += file.write(b"".join(lines))
    return size


def _title_id(number: int) -> bytes:
    return b"tt%07d" % (number * 7 + 1)


def _selection(numbers: range) -> Selection:
    selection = Selection()
    for number in numbers:
        selection.add_show(_title_id(number))
    return selection


def _items(path: Path, selection: Selection) -> Iterator[Item]:
    """What the spider makes of a file."""
    principals = Principals(selection, of_episodes=True)
    for block in blocks(path):
        yield from principals.read(block)
    yield from principals.end(whole=True)


def _store(url: str, path: Path, chosen: Selection) -> tuple[float, float]:
    """Seconds to read a file into the catalog, and seconds for a bare COPY of the rows that this leaves there."""
    with database.connect(url) as connection:
        write.prepare(connection)
        kept: list[Record] = []
        stored, _ = _timed(lambda: _write(connection, path, chosen, kept))
        copied = store.Floors(connection, kept, WRITTEN).timing(len(kept), stored, WRITTEN).copy_rows
    return stored, copied


def _write(connection: Connection[Any], path: Path, chosen: Selection, kept: list[Record]) -> int:
    """Write the items of a file in batches, as they come; what was written is added to `kept`."""
    items = _items(path, chosen)
    while batch := [store.record_of(item) for item in islice(items, store.BATCH)]:
        if write.write(connection, batch).rejects:
            raise RuntimeError("the store refused records")
        kept += batch
    return len(kept)


def _split(path: Path) -> int:
    with gzip.open(path, "rb") as file:
        return sum(1 for _ in _fields(file))


def _fields(file: gzip.GzipFile) -> Iterator[list[bytes]]:
    for line in file:
        yield line.split(b"\t")


def _weight(episodes: int) -> float:
    """Bytes of memory for each of so many chosen episodes, with what title.episode and title.ratings told of them."""
    tracemalloc.start()
    selection = _selection(range(1))
    for number in range(1, episodes):
        title_id = _title_id(number)
        selection.titles[title_id] = b"tt0000001\t%d\t%d" % (number % 30, number)
        selection.ratings[title_id] = b"7.%d\t%d" % (number % 10, number)
    weight, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return weight / episodes


def _timed(work: Callable[[], int]) -> tuple[float, int]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result
