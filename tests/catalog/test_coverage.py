"""Coverage as sums: true after every write, whatever is written, taken back or refused."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import psycopg
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection

from trr_crawl.catalog import coverage, write
from trr_crawl.catalog.due import states
from trr_crawl.catalog.due.states import Finished
from trr_crawl.catalog.write import Record

SUMS = """
    SELECT source, kind, field, sum(number)::integer FROM (
        SELECT source, kind, '' AS field, records AS number FROM source_coverage
        UNION ALL SELECT source, kind, said.key, said.value::bigint FROM source_coverage, jsonb_each(told) said
    ) parts GROUP BY 1, 2, 3 HAVING sum(number) <> 0 ORDER BY 1, 2, 3
"""
COUNTED = """
    SELECT source, kind, field, count(*)::integer FROM (
        SELECT source, kind, '' AS field FROM source_records WHERE gone_at IS NULL
        UNION ALL SELECT source, kind, said.key FROM source_records, jsonb_each(payload) said
        WHERE gone_at IS NULL AND said.value <> 'null'
    ) parts GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def show(key: str, source: str = "imdb", **fields: Any) -> Record:
    return Record(source=source, kind="show", key=key, payload=fields)


def check(connection: Connection[Any]) -> dict[tuple[str, str, str], int]:
    """The sums are what counting all records gives."""
    counted = connection.execute(COUNTED).fetchall()
    assert connection.execute(SUMS).fetchall() == counted
    connection.commit()
    return {(source, kind, field): number for source, kind, field, number in counted}


def test_every_write_keeps_the_sums_true(connection: Connection[Any]) -> None:
    chosen = random.Random(7)
    names = ("title", "original_title", "overview", "tagline", "certificate")
    for _ in range(25):
        records = [
            show(
                f"tt{chosen.randrange(30):08d}",
                chosen.choice(("imdb", "tmdb")),
                **{name: chosen.choice((None, "A", "B")) for name in chosen.sample(names, chosen.randint(1, 5))},
            )
            for _ in range(chosen.randint(1, 8))
        ]
        write.write(connection, records)
        check(connection)
    rows = connection.execute("SELECT count(*) FROM source_coverage").fetchone()
    coverage.add_up(connection)
    check(connection)
    assert rows is not None
    assert rows[0] > 2
    assert connection.execute("SELECT count(*) FROM source_coverage").fetchone() == (2,)


def test_what_vanishes_is_taken_off_and_counts_again_when_it_returns(connection: Connection[Any]) -> None:
    def episode(number: int, **fields: Any) -> Record:
        place = {"show_id": "tt1", "season_number": 1, "episode_number": number}
        return Record(source="imdb", kind="episode", key=f"tt9{number}", payload={**place, **fields})

    write.write(
        connection, [show("tt1", title="Weeks"), episode(1, title="One"), episode(2, title="Two", overview=None)]
    )
    assert check(connection)["imdb", "episode", "title"] == 2
    gone = write.sweep(
        connection, source="imdb", kind="episode", parent_field="show_id", parent_ids=["tt1"], keys=["tt91"]
    )
    assert gone == 1
    assert check(connection)["imdb", "episode", ""] == 1
    write.write(connection, [episode(2, overview="It is back.")])
    after = check(connection)
    assert (after["imdb", "episode", ""], after["imdb", "episode", "overview"]) == (2, 1)


def test_records_that_are_refused_do_not_count(connection: Connection[Any]) -> None:
    written = write.write(connection, [show("tt1", title="Weeks"), show("tt2", start_year=99999)])
    assert written.counts["show", "rejected"] == 1
    assert check(connection)["imdb", "show", ""] == 1


def test_a_writer_who_fails_leaves_no_trace(connection: Connection[Any], catalog_url: str) -> None:
    write.write(connection, [show("tt1", title="Weeks")])
    with psycopg.connect(catalog_url) as other:
        other.execute("INSERT INTO source_coverage (source, kind, records, told) VALUES ('imdb', 'show', 5, '{}')")
        other.rollback()
    check(connection)


@given(
    st.lists(st.dictionaries(st.sampled_from("abcd"), st.none() | st.integers() | st.just([]), max_size=4), max_size=9)
)
def test_counting_by_shapes_is_counting_by_fields(payloads: list[Mapping[str, Any]]) -> None:
    counted = coverage.tally(("imdb", "show", payload) for payload in payloads)
    found = coverage.by_field(counted["imdb", "show"]) if payloads else {}
    assert found == {
        name: number for name in "abcd" if (number := sum(payload.get(name) is not None for payload in payloads))
    }


def test_freshness_has_each_thing_on_the_day_of_its_last_good_crawl(connection: Connection[Any]) -> None:
    def crawl(day: int, *subjects: str, outcome: str = "ok") -> None:
        at = datetime(2026, 11, day, 3, tzinfo=UTC)
        done = [Finished(subject=one, began_at=at, outcome=outcome) for one in subjects]  # type: ignore[arg-type]
        states.remember(connection, "imdb_title", done, None, at)

    crawl(1, "tt1", "tt2", "tt3")
    crawl(2, "tt2", "tt4")
    crawl(3, "tt1", outcome="failed")
    crawl(3, "tt2")
    crawl(4, "tt5", outcome="blocked")
    found = connection.execute("SELECT day, things FROM crawl_freshness WHERE things > 0 ORDER BY day").fetchall()
    assert found == [(date(2026, 11, 1), 2), (date(2026, 11, 2), 1), (date(2026, 11, 3), 1)]
