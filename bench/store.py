"""The store alone, beside two floors below which no store can get."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson
from psycopg import Connection, sql

from bench import pages
from bench.databases import settle
from trr_crawl import database
from trr_crawl.catalog import write
from trr_crawl.catalog.write import Record
from trr_crawl.items import Item, payload
from trr_crawl.parse.imdb.episodes import parse_page

BATCH: Final = 2000
"""Records a transaction: STORE_BATCH_SIZE."""

WRITTEN_FIRST: Final = ("source_records", "external_ids", "shows", "seasons", "episodes", "people", "changes")
"""The tables in which the store leaves rows when all is new."""
WRITTEN_UNCHANGED: Final = ("source_records",)
"""And when nothing is: each record notes when it was seen."""

HEAP: Final = "incoming"
"""The table without any index that takes the input."""

Database: TypeAlias = Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds for the same records: the store, a bare COPY of the rows it wrote, a bare COPY of its input."""

    records: int
    rows: int
    """Rows that the store left behind, in all tables."""
    store: float
    copy_rows: float
    copy_input: float


def records(page_count: int) -> list[Record]:
    """What the pipelines hand to the store from so many pages, exact repeats left out as they do."""
    said: dict[tuple[str, str, str], dict[str, Any]] = {}
    found = []
    for show_id, body in pages.bodies(pages.SMALL, page_count):
        for item in parse_page(body, show_id).items():
            record = record_of(item)
            thing = (record.source, record.kind, record.key)
            if said.get(thing) != record.payload:
                said[thing] = record.payload
                found.append(record)
    return found


def record_of(item: Item) -> Record:
    """What the pipelines hand to the store for an item."""
    return Record(source=item.source, kind=item.kind, key=item.key, payload=payload(item))


def measure(url: str, given: Sequence[Record]) -> tuple[Timing, Timing]:
    """Times in an empty catalog: the first write of the records, and the second, which finds nothing changed."""
    with database.connect(url) as connection:
        write.prepare(connection)
        settle(connection)
        first = _timed(lambda: _store(connection, given, "inserted"))
        settle(connection)
        unchanged = _timed(lambda: _store(connection, given, "unchanged"))
        prepared = Floors(connection, given, WRITTEN_FIRST)
        return (
            prepared.timing(len(given), first, WRITTEN_FIRST),
            prepared.timing(len(given), unchanged, WRITTEN_UNCHANGED),
        )


def _store(connection: Database, given: Sequence[Record], expected: str) -> None:
    for start in range(0, len(given), BATCH):
        written = write.write(connection, given[start : start + BATCH])
        if written.rejects or not any(operation == expected for _, operation in written.counts):
            raise RuntimeError(f"the store was to find records {expected}: {written.counts}, {written.rejects[:1]}")


class Floors:
    """Copies of the store's tables, empty, with their indexes and checks but no foreign keys and no triggers."""

    def __init__(self, connection: Database, given: Sequence[Record], tables: Sequence[str]) -> None:
        self.connection = connection
        connection.execute("CREATE SCHEMA floor")
        self.rows = {table: self._mirror(table) for table in tables}
        self.input = self._heap(given)
        connection.commit()

    def timing(self, count: int, store: float, tables: Sequence[str]) -> Timing:
        rows = {table: self.rows[table] for table in tables}
        return Timing(
            records=count,
            rows=sum(data.count(b"\n") for data in rows.values()),
            store=store,
            copy_rows=self._copy(rows),
            copy_input=self._copy({HEAP: self.input}),
        )

    def _mirror(self, table: str) -> bytes:
        """Make the empty copy of a table; returns the table's rows in COPY's text form."""
        self.connection.execute(
            sql.SQL("CREATE TABLE floor.{0} (LIKE public.{0} INCLUDING ALL)").format(sql.Identifier(table))
        )
        return self._export("public", table)

    def _heap(self, given: Sequence[Record]) -> bytes:
        """Make the table without any index; returns the records in COPY's text form."""
        self.connection.execute("CREATE TABLE floor.incoming (source text, kind text, key text, payload jsonb)")
        with self.connection.cursor() as cursor, cursor.copy("COPY floor.incoming FROM STDIN") as copy:
            for record in given:
                copy.write_row((record.source, record.kind, record.key, orjson.dumps(record.payload).decode()))
        return self._export("floor", HEAP)

    def _export(self, schema: str, table: str) -> bytes:
        statement = sql.SQL("COPY {} TO STDOUT").format(self._target(schema, table))
        with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            return b"".join(map(bytes, copy))

    def _target(self, schema: str, table: str) -> sql.Composed:
        """A table with all columns that can be given: COPY refuses generated ones."""
        found = self.connection.execute(
            """
            SELECT attname FROM pg_attribute
            WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
            """,
            [f"{schema}.{table}"],
        )
        columns = sql.SQL(", ").join(sql.Identifier(name) for (name,) in found)
        return sql.SQL("{} ({})").format(sql.Identifier(schema, table), columns)

    def _copy(self, rows: Mapping[str, bytes]) -> float:
        """Seconds to COPY rows into their empty tables, all in one transaction."""
        data = [(self._target("floor", table), exported) for table, exported in rows.items()]
        tables = sql.SQL(", ").join(sql.Identifier("floor", table) for table in rows)
        self.connection.execute(sql.SQL("TRUNCATE {}").format(tables))
        self.connection.commit()
        settle(self.connection)
        return _timed(lambda: self._copy_in(data))

    def _copy_in(self, data: Sequence[tuple[sql.Composed, bytes]]) -> None:
        with self.connection.transaction(), self.connection.cursor() as cursor:
            for target, rows in data:
                with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(target)) as copy:
                    copy.write(rows)


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
