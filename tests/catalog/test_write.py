"""Writing records: what lands, what is left alone, what is refused, and who may write at the same time."""

from __future__ import annotations

import datetime
import itertools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from support import Server, catalog_state
from trr_crawl.catalog import merge, review, write
from trr_crawl.catalog.precedence import PRECEDENCE, first
from trr_crawl.catalog.write import Record

SHOW = "tt99000001"


def show(key: str = SHOW, *, source: str = "imdb", **payload: Any) -> Record:
    return Record(source=source, kind="show", key=key, payload={"id": key, "country": "US", **payload})


def season(number: Any, show_id: str = SHOW, **payload: Any) -> Record:
    key = f"{show_id}/{number}"
    return Record(
        source="imdb", kind="season", key=key, payload={"show_id": show_id, "season_number": number, **payload}
    )


def episode(key: str, *, show_id: str = SHOW, source: str = "imdb", **payload: Any) -> Record:
    stated = {"id": key, "show_id": show_id, "country": "US", **payload}
    return Record(source=source, kind="episode", key=key, payload=stated)


def put(connection: Connection[Any], *records: Record) -> dict[tuple[str, str], int]:
    written = write.write(connection, records)
    assert written.rejects == []
    return dict(written.counts)


def one(connection: Connection[Any], query: str, *values: Any) -> Any:
    row = connection.execute(query, values).fetchone()
    connection.commit()
    assert row is not None
    return row[0] if len(row) == 1 else row


class TestWhatLands:
    def test_first_time_again_and_changed(self, connection: Connection[Any]) -> None:
        records = [show(title="Tide"), season(1, episode_count=2), episode("tt99000011", season_number=1)]
        assert put(connection, *records) == {
            ("show", "inserted"): 1,
            ("season", "inserted"): 1,
            ("episode", "inserted"): 1,
        }
        assert put(connection, *records) == {
            ("show", "unchanged"): 1,
            ("season", "unchanged"): 1,
            ("episode", "unchanged"): 1,
        }
        assert put(connection, show(title="Tides"), *records[1:]) == {
            ("show", "updated"): 1,
            ("season", "unchanged"): 1,
            ("episode", "unchanged"): 1,
        }
        assert one(connection, "SELECT title FROM shows") == "Tides"

    def test_nothing_new_writes_nothing_but_seen_at(self, connection: Connection[Any]) -> None:
        records = [show(title="Tide"), episode("tt99000011", season_number=1, title="Ebb")]
        put(connection, *records)
        query = """
            SELECT array_agg(x ORDER BY x) FROM (
                SELECT (id, xmin)::text x FROM shows UNION ALL SELECT (id, xmin)::text FROM seasons
                UNION ALL SELECT (id, xmin)::text FROM episodes UNION ALL SELECT (value, xmin)::text FROM external_ids
                UNION ALL SELECT (key, changed_at, first_seen_at, run_id, payload)::text FROM source_records
                UNION ALL SELECT seq::text FROM changes) rows
        """
        before, seen = one(connection, query), one(connection, "SELECT max(seen_at) FROM source_records")
        put(connection, *records)
        assert one(connection, query) == before
        assert one(connection, "SELECT min(seen_at) FROM source_records") > seen

    def test_what_a_page_does_not_speak_of_stays_and_none_replaces(self, connection: Connection[Any]) -> None:
        put(connection, episode("tt99000011", title="Ebb", air_date=datetime.date(2026, 1, 2), rating=7.5))
        assert put(connection, episode("tt99000011", title="Ebb")) == {("episode", "unchanged"): 1}
        assert put(connection, episode("tt99000011", title="Flow", air_date=None)) == {("episode", "updated"): 1}
        row = one(connection, "SELECT (title, air_date, imdb_rating)::text FROM episodes")
        assert row == "(Flow,,7.5)"

    def test_a_child_may_come_before_its_parent(self, connection: Connection[Any]) -> None:
        put(connection, episode("tt99000011", season_number=2, episode_number=1))
        assert one(connection, "SELECT title, provenance FROM shows") == (None, {})
        put(connection, show(title="Tide"))
        assert one(connection, "SELECT count(*), min(title) FROM shows") == (1, "Tide")
        linked = (
            "SELECT e.show_id = s.id AND e.season_id = n.id AND n.show_id = s.id FROM episodes e, seasons n, shows s"
        )
        assert one(connection, linked) is True

    def test_an_episode_without_a_season_takes_its_place_later(self, connection: Connection[Any]) -> None:
        put(connection, episode("tt99000011", season_number=None))
        assert one(connection, "SELECT (season_id, season_number)::text FROM episodes") == "(,)"
        put(connection, episode("tt99000011", season_number=3, episode_number=4))
        assert one(connection, "SELECT season_id IS NOT NULL, season_number, episode_number FROM episodes") == (
            True,
            3,
            4,
        )

    def test_two_sayings_in_one_batch_are_one_record(self, connection: Connection[Any]) -> None:
        assert put(connection, season(1), season(1, episode_count=9)) == {("season", "inserted"): 1}
        assert one(connection, "SELECT episode_count FROM seasons") == 9

    def test_two_episodes_may_claim_one_number(self, connection: Connection[Any]) -> None:
        put(connection, *(episode(key, season_number=1, episode_number=1) for key in ("tt99000011", "tt99000012")))
        assert one(connection, "SELECT count(*) FROM episodes") == 2

    def test_a_batch_takes_as_many_statements_as_any_other(self, connection: Connection[Any]) -> None:
        def statements(size: int) -> int:
            before = one(connection, "SELECT count(*) FROM pg_prepared_statements")  # keeps the connection idle
            executed: list[Any] = []
            original = connection.execute
            connection.execute = lambda *a, **k: (executed.append(a), original(*a, **k))[1]  # type: ignore[method-assign]
            try:
                put(connection, *(episode(f"tt99{size:05d}{n:03d}", season_number=1) for n in range(size)))
            finally:
                connection.execute = original  # type: ignore[method-assign]
            assert before is not None
            return len(executed)

        assert statements(3) == statements(300) < 25


class TestTruth:
    def test_us_titles_win_then_tmdb_then_the_original(self, connection: Connection[Any]) -> None:
        def title() -> Any:
            return one(connection, "SELECT title, provenance ->> 'title' FROM shows")

        put(connection, show(title="La marea", original_title="Tide", country="IT", certificate="VM14"))
        assert title() == ("Tide", "imdb")
        assert one(connection, "SELECT certificate FROM shows") is None
        entity = one(connection, "SELECT id FROM shows")
        connection.execute("INSERT INTO external_ids VALUES ('show', 'tmdb', '4711', %s)", [entity])
        connection.commit()
        put(connection, show("4711", source="tmdb", title="The Tide"))
        assert one(connection, "SELECT count(*) FROM shows") == 1
        assert title() == ("The Tide", "tmdb")
        put(connection, show(title="Tide (US)", country="US", certificate="TV-14"))
        assert title() == ("Tide (US)", "imdb")
        assert one(connection, "SELECT certificate FROM shows") == "TV-14"

    def test_sources_make_some_lists_together_and_the_largest_count_is_true(self, connection: Connection[Any]) -> None:
        put(connection, show(genres=["Reality-TV", "Drama"], total_episodes=12, networks=None, keywords=[]))
        entity = one(connection, "SELECT id FROM shows")
        connection.execute("INSERT INTO external_ids VALUES ('show', 'tmdb', '4711', %s)", [entity])
        connection.commit()
        put(
            connection,
            show("4711", source="tmdb", genres=["drama", "Family"], total_episodes=14, networks=["Bravo"]),
            show(source="imdb_datasets", genres=["Comedy"]),
        )
        assert one(connection, "SELECT genres, total_episodes, networks, keywords FROM shows") == (
            ["Reality-TV", "Drama", "Family"], 14, ["Bravo"], None
        )  # fmt: skip
        assert one(connection, "SELECT provenance FROM shows") == {
            "genres": "imdb+tmdb", "total_episodes": "tmdb", "networks": "tmdb"
        }  # fmt: skip
        put(connection, show(genres=None))
        assert one(connection, "SELECT genres, provenance ->> 'genres' FROM shows") == (
            ["Comedy", "drama", "Family"], "imdb+tmdb"
        )  # fmt: skip

    def test_an_override_beats_every_source_and_survives(self, connection: Connection[Any]) -> None:
        put(connection, show(title="Tide", end_year=2025, genres=["Reality-TV"]))
        entity = one(connection, "SELECT id FROM shows")
        for field, value in (("title", '"Ebb"'), ("end_year", "null"), ("genres", '["Game-Show", "Reality-TV"]')):
            connection.execute("INSERT INTO overrides VALUES (%s, %s, %s, 'checked', 'ana')", [entity, field, value])
        connection.commit()
        put(connection, show(title="Tide II", end_year=2026, rating=7.0))
        assert one(connection, "SELECT title, end_year, genres, provenance ->> 'title' FROM shows") == (
            "Ebb",
            None,
            ["Game-Show", "Reality-TV"],
            "override",
        )
        assert one(connection, "SELECT payload ->> 'title' FROM source_records") == "Tide II"

    def test_a_new_rule_rederives_without_fetching(
        self, connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(connection, show(title="Tide", original_title="Ebbe"), episode("tt99000011", season_number=1, title="One"))
        assert merge.merge_all(connection) == {}
        monkeypatch.setitem(PRECEDENCE["show"], "title", first("imdb", field="original_title"))
        merge._derive.cache_clear()
        try:
            assert merge.merge_all(connection) == {"show": 1}
        finally:
            merge._derive.cache_clear()
        assert one(connection, "SELECT title FROM shows") == "Ebbe"

    def test_some_shows_are_rederived_and_the_others_left(
        self, connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = "tt99000002"
        for key, ebb in ((SHOW, "tt99000011"), (other, "tt99000021")):
            put(connection, show(key, title="Tide"), episode(ebb, show_id=key, season_number=1, title="Ebb"))
            stub = {"show_id": key, "episode_id": f"{ebb}9", "person_id": "nm99000001", "category": "cast"}
            put(connection, Record(source="imdb", kind="episode_credit", key=f"{ebb}9/nm99000001/cast", payload=stub))
        connection.execute("UPDATE shows SET title = 'spoilt'")
        connection.execute("UPDATE episodes SET title = 'spoilt' WHERE title IS NOT NULL")
        chosen = one(connection, "SELECT entity_id FROM external_ids WHERE value = %s", SHOW)
        assert merge.merge_shows(connection, [chosen]) == {"show": 1, "episode": 1}
        assert one(connection, "SELECT array_agg(title) FROM shows WHERE id = %s", chosen) == ["Tide"]
        assert one(connection, "SELECT count(*) FROM shows WHERE title = 'spoilt'") == 1
        assert one(connection, "SELECT count(*) FROM episodes WHERE title = 'spoilt'") == 1

    def test_an_episode_that_is_only_named_can_be_overridden(self, connection: Connection[Any]) -> None:
        stub = {"show_id": SHOW, "episode_id": "tt99000019", "person_id": "nm99000001", "category": "cast"}
        put(connection, Record(source="imdb", kind="episode_credit", key="tt99000019/nm99000001/cast", payload=stub))
        entity = one(connection, "SELECT id FROM episodes")
        review.override(connection, "episode", entity, "title", "Ebb", note="seen", author="ana")
        assert one(connection, "SELECT title FROM episodes") == "Ebb"
        assert merge.merge_all(connection) == {}

    @pytest.mark.parametrize("kind", PRECEDENCE)
    def test_every_rule_names_a_column(self, kind: str) -> None:
        assert PRECEDENCE[kind].keys() <= set(merge.ENTITIES[kind].c.keys())


class TestChanges:
    def test_one_row_an_entity_with_its_fields(self, connection: Connection[Any]) -> None:
        put(connection, show(title="Tide"), episode("tt99000011", season_number=1, title="Ebb"))
        rows = connection.execute("SELECT kind, op, fields FROM changes ORDER BY seq").fetchall()
        assert rows == [
            ("show", "insert", ["title"]),
            ("season", "insert", []),
            ("episode", "insert", ["season_id", "season_number", "show_id", "title"]),
        ]
        put(connection, episode("tt99000011", season_number=2, title="Ebb"))
        rows = connection.execute("SELECT kind, op, fields FROM changes ORDER BY seq OFFSET 3").fetchall()
        assert rows == [("season", "insert", []), ("episode", "update", ["season_id", "season_number"])]

    def test_seq_follows_the_order_of_commits(self, connection: Connection[Any], catalog_url: str) -> None:
        """A reader that remembers the highest seq it saw never misses a row, whoever is slow to commit."""
        stop, seen, cursor = threading.Event(), set(), 0

        def busy(writer: int) -> None:
            with psycopg.connect(catalog_url) as own:
                write.prepare(own)
                for number in range(25):
                    write.write(own, [show(f"tt98{writer:02d}{number:04d}", title="x")])

        writers = [threading.Thread(target=busy, args=(writer,)) for writer in range(4)]
        for thread in writers:
            thread.start()
        while not stop.is_set():
            stop.set() if not any(thread.is_alive() for thread in writers) else None
            for seq, entity in connection.execute(
                "SELECT seq, entity_id FROM changes WHERE seq > %s ORDER BY seq", [cursor]
            ):
                cursor = seq
                seen.add(entity)
            connection.commit()
        assert len(seen) == one(connection, "SELECT count(*) FROM changes") == 100


BAD = [
    episode("tt99000090", season_number=-1),
    episode("tt99000091", rating=99.0),
    episode("tt99000092", episode_number="twelve"),
    episode("tt99000093", title="null\0byte"),
    episode("tt99000094", release_year=70000),
    season(-4),
    season(None),
    Record(source="imdb", kind="vessel", key="x", payload={}),
    Record(source="imdb", kind="show", key="", payload={}),
]


class TestBadRows:
    @pytest.mark.parametrize("bad", BAD, ids=lambda record: f"{record.kind} {record.key}")
    def test_a_bad_row_is_isolated_and_the_rest_lands(self, connection: Connection[Any], bad: Record) -> None:
        good = [episode(f"tt9900{number:04d}", season_number=1) for number in range(40)]
        written = write.write(connection, [*good[:23], bad, *good[23:]])
        assert written.counts == {("episode", "inserted"): 40, (bad.kind, "rejected"): 1}
        assert [record for record, _ in written.rejects] == [bad]
        kind, key, error = one(connection, "SELECT kind, key, error FROM crawl_rejects")
        assert (kind, key) == (bad.kind, bad.key)
        assert error == written.rejects[0][1]
        assert one(connection, "SELECT count(*) FROM source_records") == 40

    def test_a_rejected_record_is_no_noise_in_the_log(
        self, connection: Connection[Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        assert write.write(connection, [episode("tt99000012", season_number=-1)]).rejects
        assert caplog.records == []

    def test_what_was_known_of_a_rejected_thing_stays(self, connection: Connection[Any]) -> None:
        put(connection, episode("tt99000011", season_number=1, title="Ebb"))
        assert write.write(connection, [episode("tt99000011", season_number=-1, title="Flow")]).rejects
        assert one(connection, "SELECT title, season_number FROM episodes") == ("Ebb", 1)

    def test_a_full_disk_is_no_fault_of_the_rows(self, connection: Connection[Any], catalog_url: str) -> None:
        put(connection, show(title="Tide"))
        with psycopg.connect(catalog_url) as admin:
            admin.execute(
                """
                CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$;
                CREATE TRIGGER full_disk BEFORE INSERT ON changes EXECUTE FUNCTION full_disk()
                """
            )
        with pytest.raises(psycopg.errors.DiskFull):
            write.write(connection, [show(title="Ebb"), episode("tt99000011")])
        state = catalog_state(catalog_url)
        assert [row["title"] for row in state["shows"]] == ["Tide"]
        assert state["episodes"] == []


class TestTogether:
    def test_many_writers_of_the_same_things_end_as_one_would(self, catalog_url: str, server: Server) -> None:
        def batch(turn: int) -> list[Record]:
            keys = [f"tt9901{number:04d}" for number in range(60)]
            rows = [show(f"tt990200{n:02d}", title=f"Show {n}") for n in range(6)]
            rows += [
                episode(key, show_id=f"tt990200{n % 6:02d}", season_number=n % 3, title=key)
                for n, key in enumerate(keys)
            ]
            return rows[turn:] + rows[:turn]  # everybody in another order

        errors: list[BaseException] = []

        def busy(writer: int) -> None:
            try:
                with psycopg.connect(catalog_url) as own:
                    write.prepare(own)
                    for turn in range(5):
                        write.write(own, batch(writer * 7 + turn))
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=busy, args=(writer,)) for writer in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        alone = server.create("alone", "template")
        try:
            with psycopg.connect(alone) as own:
                write.prepare(own)
                write.write(own, batch(0))
            assert catalog_state(catalog_url) == catalog_state(alone)
        finally:
            server.drop("alone")

    def test_killed_at_any_moment_a_batch_is_whole_or_not_there(self, catalog_url: str) -> None:
        context = multiprocessing.get_context("spawn")
        for delay in (0.0, 0.02, 0.05, 0.1, 0.2):
            ready = context.Event()
            writer = context.Process(target=_write_for_ever, args=(catalog_url, ready))
            writer.start()
            assert ready.wait(30)
            time.sleep(delay)
            assert writer.pid is not None
            os.kill(writer.pid, signal.SIGKILL)
            writer.join()
        with psycopg.connect(catalog_url) as connection:
            per_show = connection.execute(
                "SELECT count(*) FROM shows LEFT JOIN episodes ON show_id = shows.id GROUP BY shows.id"
            ).fetchall()
        assert {count for (count,) in per_show} == {30}
        state = catalog_state(catalog_url)
        assert state["orphans"] == [{"orphans": 0}]
        assert all(row["inserts"] == row["entities"] for row in state["inserts"])


def _write_for_ever(url: str, ready: Any) -> None:
    with psycopg.connect(url) as connection:
        write.prepare(connection)
        start = time.time_ns()
        for turn in range(100_000):
            key = f"tt{(start + turn) % 10**10:010d}"
            write.write(
                connection,
                [show(key, title="x"), *(episode(f"{key}-{n}", show_id=key, season_number=1) for n in range(30))],
            )
            ready.set()


KEYS = st.sampled_from(["tt99000001", "tt99000002"])
RECORDS = st.one_of(
    st.builds(lambda key, title: show(key, title=title), KEYS, st.sampled_from(["a", "b", None])),
    st.builds(
        lambda show_id, number, extra: season(number, show_id, **extra),
        KEYS,
        st.integers(0, 2),
        st.sampled_from([{}, {"episode_count": 3}]),
    ),
    st.builds(
        # Where an episode belongs is the same every time: a place that was named and taken back leaves its stub.
        lambda n, extra: episode(
            f"tt990000{n}", show_id=f"tt9900000{1 + n % 2}", season_number=(None, 0, 1)[n % 3], **extra
        ),
        st.integers(10, 15),
        st.sampled_from([{}, {"title": "x"}, {"title": None, "rating": 5.5}]),
    ),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(RECORDS, max_size=12), cuts=st.lists(st.integers(0, 12), max_size=4))
def test_the_end_does_not_depend_on_how_a_crawl_was_cut_into_batches(
    embedded_server: Server, records: Sequence[Record], cuts: Sequence[int]
) -> None:
    bounds = [0, *sorted(cuts), len(records)]
    states = []
    for batches in ([records], [records[start:end] for start, end in itertools.pairwise(bounds)]):
        url = embedded_server.take()
        with psycopg.connect(url) as connection:
            write.prepare(connection)
            for batch in batches:
                assert write.write(connection, batch).rejects == []
        states.append(catalog_state(url))
        embedded_server.put_back(url)
    assert states[0] == states[1]
