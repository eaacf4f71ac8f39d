"""The newest episode of a show, decided on the day, and totals with specials apart."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from support import Server
from trr_crawl.catalog import review, write
from trr_crawl.catalog.write import Record

SHOW = "tt99000001"
TODAY = datetime.now(UTC).date()


def show(source: str = "imdb", key: str = SHOW, **payload: Any) -> Record:
    return Record(source=source, kind="show", key=key, payload={"id": key, "country": "US", **payload})


def episode(
    season: int | None, number: int | None, aired: date | None, *, source: str = "imdb", of: str = SHOW, key: str = ""
) -> Record:
    key = key or f"{of}-{source}-{season}-{number}"
    stated = {"id": key, "show_id": of, "country": "US", "season_number": season, "episode_number": number}
    return Record(source=source, kind="episode", key=key, payload={**stated, "air_date": aired and aired.isoformat()})


def put(connection: Connection[Any], *records: Record) -> None:
    assert write.write(connection, records).rejects == []


def rows(connection: Connection[Any], query: str) -> list[tuple[Any, ...]]:
    found = connection.execute(query).fetchall()
    connection.commit()
    return found


def newest(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return rows(connection, "SELECT season_number, episode_number, air_date FROM newest_episodes")


def test_the_newest_is_the_last_that_was_to_air_by_today(connection: Connection[Any]) -> None:
    yesterday, tomorrow = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
    put(connection, show(), episode(1, 9, TODAY - timedelta(days=90)), episode(2, 1, yesterday))
    assert newest(connection) == [(2, 1, yesterday)]
    put(connection, episode(2, 2, TODAY), episode(2, 3, tomorrow), episode(2, 4, None))
    assert newest(connection) == [(2, 2, TODAY)]


def test_of_one_day_the_highest_number_is_the_newest_and_specials_never_are(connection: Connection[Any]) -> None:
    day = date(2026, 3, 1)
    put(connection, show(), episode(1, 9, day), episode(2, 2, day), episode(2, 10, day), episode(None, None, day))
    put(connection, episode(0, 30, date(2026, 4, 1)))
    assert newest(connection) == [(2, 10, day)]
    connection.execute("UPDATE episodes SET removed_at = now() WHERE episode_number = 10")
    assert newest(connection) == [(2, 2, day)]


def test_no_source_makes_it_flap(connection: Connection[Any]) -> None:
    """Whoever was heard last: the marker is of the joined episode, with both ids."""
    day = date(2026, 3, 1)
    put(connection, show(), episode(1, 1, day))
    put(connection, show("tmdb", "9901", external_ids={"imdb": SHOW}), episode(1, 1, day, source="tmdb", of="9901"))
    before = rows(connection, "SELECT * FROM newest_episodes")
    put(connection, episode(1, 1, day, source="tmdb", of="9901"), show("tmdb", "9901", title="Tide"))
    put(connection, show(title="Tide"), episode(1, 1, day))
    assert rows(connection, "SELECT * FROM newest_episodes") == before
    assert len(before) == 1
    ids = rows(connection, "SELECT source FROM external_ids JOIN newest_episodes ON entity_id = episode_id ORDER BY 1")
    assert ids == [("imdb",), ("tmdb",)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(0, 3), st.none() | st.integers(0, 4), st.none() | st.integers(-3, 3), st.booleans()
        ),
        max_size=8,
    )
)
def test_the_view_says_what_the_rule_says(embedded_server: Server, told: list[Any]) -> None:
    url = embedded_server.take()
    with psycopg.connect(url) as connection:
        write.prepare(connection)
        put(
            connection,
            show(),
            *(
                episode(season, number, None if day is None else TODAY + timedelta(days=day), key=f"e{place}")
                for place, (season, number, day, _) in enumerate(told)
            ),
        )
        for place, (*_, removed) in enumerate(told):
            if removed:
                connection.execute(
                    "UPDATE episodes SET removed_at = now() FROM external_ids WHERE entity_id = id AND value = %s",
                    [f"e{place}"],
                )
        aired = [
            (day, -1 if season is None else season, -1 if number is None else number)
            for season, number, day, removed in told
            if day is not None and day <= 0 and season != 0 and not removed
        ]
        found = [
            ((day - TODAY).days, -1 if season is None else season, -1 if number is None else number)
            for season, number, day in newest(connection)
        ]
    embedded_server.put_back(url)
    assert found == ([max(aired)] if aired else [])


def test_shows_by_their_newest_episode_are_read_from_the_index(connection: Connection[Any]) -> None:
    connection.execute(
        """
        INSERT INTO shows (id) SELECT new_id() FROM generate_series(1, 300);
        INSERT INTO episodes (show_id, season_number, episode_number, air_date)
        SELECT id, 1, number, date '2020-01-01' + (row_number() OVER ())::integer % 400 + number
        FROM shows CROSS JOIN generate_series(1, 40) number
        """,
        prepare=False,
    )
    connection.execute("ANALYZE")
    plan = "\n".join(
        row[0]
        for row in connection.execute(
            "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM newest_episodes ORDER BY air_date DESC LIMIT 20"
        )
    )
    assert "ix_episodes_air_date" in plan
    assert "Seq Scan" not in plan
    assert "Sort" not in plan


class TestTotals:
    def test_specials_are_apart_whoever_counts_them(self, connection: Connection[Any]) -> None:
        put(connection, show(total_seasons=3, total_episodes=34, unknown_season_episodes=4))
        put(
            connection,
            show("tmdb", "9901", external_ids={"imdb": SHOW}, total_seasons=3, total_episodes=28, total_specials=6),
        )
        query = "SELECT total_seasons, total_episodes, total_specials, provenance ->> 'total_episodes' FROM shows"
        assert rows(connection, query) == [(3, 30, 6, "imdb")]
        put(connection, show("tmdb", "9901", total_episodes=31))
        assert rows(connection, query) == [(3, 31, 6, "tmdb")]

    def test_editors_see_what_counts(self, connection: Connection[Any]) -> None:
        put(connection, show(total_episodes=34, unknown_season_episodes=4))
        put(connection, show("tmdb", "9901", external_ids={"imdb": SHOW}, total_episodes=30))
        assert review.conflicts(connection, ["show"], field="total_episodes") == []
        [found] = [
            one
            for one in review.explain(connection, "show", review.find(connection, "show", SHOW))
            if one.field == "total_episodes"
        ]
        assert [(one.source, one.value) for one in found.candidates] == [("imdb", 30), ("tmdb", 30)]
