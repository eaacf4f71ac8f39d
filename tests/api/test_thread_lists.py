"""Lists of threads: a page is a range of an index, however many threads a show has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from support import Server
from trr_api.discussions import queries
from trr_api.discussions.schemas import ThreadsParameters

LIMIT: Final = 20
LATER: Final = 30
"""Threads about an episode that the reader has not seen: the newest ones of all."""


@pytest.fixture(scope="module")
def connection(embedded_server: Server) -> Iterator[Connection[Any]]:
    """A show with 6,000 threads; a third of them about its seasons, a third about its episodes."""
    url = embedded_server.create("thread_lists", "template")
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as made:
        made.execute("INSERT INTO shows (title) VALUES ('Harbour Hearts')")
        made.execute("INSERT INTO seasons (show_id, season_number) SELECT id, 1 FROM shows")
        made.execute(
            "INSERT INTO episodes (show_id, season_id, season_number, episode_number) "
            "SELECT show_id, id, 1, n FROM seasons, generate_series(1, 10) n"
        )
        made.execute("INSERT INTO users (name) VALUES ('author')")
        made.execute(
            "INSERT INTO threads (show_id, season_id, episode_id, type, title, author_id) "
            "SELECT seasons.show_id, CASE n % 3 WHEN 1 THEN seasons.id END, CASE n % 3 WHEN 2 THEN episodes.id END, "
            "CASE WHEN n % 1000 = 0 THEN 'spoilers' ELSE 'general' END, 'Thread ' || n, users.id "
            "FROM seasons, users, generate_series(1, 6000) n JOIN episodes ON episode_number = 1 + n / 3 % 9"
        )
        made.execute(
            "INSERT INTO threads (show_id, episode_id, type, title, author_id) "
            "SELECT show_id, episodes.id, 'general', 'Later', users.id FROM episodes, users, generate_series(1, $1) "
            "WHERE episode_number = 10",
            [LATER],
        )
        made.execute("UPDATE threads SET last_post_at = now() + (substr(title, 8)::integer) * interval '1 minute' "
                     "WHERE title <> 'Later'")  # fmt: skip
        made.execute("UPDATE threads SET last_post_at = now() + interval '1 year' WHERE title = 'Later'")
        made.execute("UPDATE threads SET is_sticky = true WHERE title IN ('Thread 12', 'Thread 13', 'Thread 14')")
        made.execute("VACUUM ANALYZE")
        yield made
    embedded_server.drop("thread_lists")


@pytest.fixture(scope="module")
def reader(connection: Connection[Any]) -> UUID:
    """Saw all of it but the last episode."""
    [(person,)] = connection.execute("INSERT INTO users (name) VALUES ('reader') RETURNING id").fetchall()
    connection.execute(
        "INSERT INTO progress (user_id, show_id, season_number, episode_number) SELECT $1, id, 1, 9 FROM shows",
        [person],
    )
    return UUID(str(person))


def listed(
    connection: Connection[Any], person: UUID, kind: str, *, after: Sequence[object] | None = None, **asked: Any
) -> tuple[list[str], list[Any], dict[str, Any]]:
    """The titles of a page, the place of its last row, and how the threads were read."""
    [(about,)] = connection.execute(f"SELECT id FROM {kind}s ORDER BY id LIMIT 1".encode()).fetchall()
    statement = queries.threads(kind, about, ThreadsParameters(limit=LIMIT, **asked), after)
    with connection.transaction(force_rollback=True):
        connection.execute(
            "SELECT set_config('trr.user_id', $1, true), set_config('role', 'trr_api', true)", [str(person)]
        )
        [(found, place, _)] = connection.execute(statement.query, statement.values).fetchall()
        explain = b"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + statement.query
        [([plan],)] = connection.execute(explain, statement.values).fetchall()
    [scan] = [node for node in _nodes(plan["Plan"]) if node.get("Relation Name") == "threads"]
    return [thread["title"] for thread in found], json.loads(place or "[]"), scan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def read(scan: dict[str, Any]) -> int:
    """Rows that were looked at."""
    return int(scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0))


@pytest.mark.parametrize(
    ("kind", "asked", "index"),
    [
        ("show", {}, "ix_threads_by_show"),
        ("show", {"type": "spoilers"}, "ix_threads_by_show_and_type"),
        ("season", {}, "ix_threads_by_season"),
        ("episode", {}, "ix_threads_by_episode"),
    ],
)
@pytest.mark.parametrize("spoilers", [True, False])
def test_a_page_reads_its_own_rows_and_one_more(
    connection: Connection[Any], reader: UUID, kind: str, asked: dict[str, Any], index: str, spoilers: bool
) -> None:
    hidden = LATER if kind == "show" and not asked and not spoilers else 0
    titles, place, scan = listed(connection, reader, kind, spoilers=spoilers, **asked)
    assert (scan["Index Name"], scan["Scan Direction"]) == (index, "Backward")
    assert len(titles) == (6 if asked else LIMIT)
    assert read(scan) == (6 if asked else LIMIT + 1 + hidden)
    if place:
        more, _, scan = listed(connection, reader, kind, spoilers=spoilers, after=place, **asked)
        assert (len(more), scan["Index Name"], read(scan)) == (LIMIT, index, LIMIT + 1)
        assert not set(more) - {"Later"} & set(titles)


def test_the_order_is_that_of_the_list(connection: Connection[Any], reader: UUID) -> None:
    sticky = ["Thread 14", "Thread 13", "Thread 12"]
    titles, _, _ = listed(connection, reader, "show", spoilers=False)
    assert titles == [*sticky, *(f"Thread {number}" for number in range(6000, 6000 - LIMIT + 3, -1))]
    titles, _, _ = listed(connection, reader, "show", spoilers=True)
    assert titles == [*sticky, *["Later"] * (LIMIT - 3)]


def test_after_many_calls_the_plan_is_the_same(connection: Connection[Any], reader: UUID) -> None:
    """A prepared statement may be planned anew without its values, once and for all."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        statement = queries.threads("show", _show(connection), ThreadsParameters(limit=LIMIT), None)
        connection.execute("SELECT set_config('trr.user_id', $1, true)", [str(reader)])
        connection.execute("SET LOCAL ROLE trr_api")
        connection.execute(b"PREPARE listed (uuid, integer) AS " + statement.query)
        values = ", ".join(f"'{value}'" for value in statement.values)
        [([plan],)] = connection.execute(f"EXPLAIN (FORMAT JSON) EXECUTE listed ({values})".encode()).fetchall()
    [scan] = [node for node in _nodes(plan["Plan"]) if node.get("Relation Name") == "threads"]
    assert scan["Index Name"] == "ix_threads_by_show"


def _show(connection: Connection[Any]) -> UUID:
    [(found,)] = connection.execute("SELECT id FROM shows").fetchall()
    return UUID(str(found))
