"""What is due, why, and that nobody gets the same twice: on a real database, with the time as an argument."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from trr_crawl.catalog import due, write
from trr_crawl.catalog.due import DUE, NOT_DUE, POLICIES, Decision, Queue, Wish, decide
from trr_crawl.catalog.due.leases import extend, release
from trr_crawl.catalog.due.states import Finished, note_changes, remember
from trr_crawl.catalog.write import Record

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
SHOW = "tt99000001"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def connection(shared_url: str) -> Iterator[Connection[Any]]:
    """To one database for all of these tests; those that ask for `catalog_url` run on each server."""
    with psycopg.connect(shared_url) as opened:
        write.prepare(opened)
        yield opened


def add_show(connection: Connection[Any], key: str = SHOW, *, source: str = "imdb", **told: object) -> None:
    connection.commit()
    write.write(
        connection, [Record(source=source, kind="show", key=key, payload={"id": key, "title": f"Show {key}", **told})]
    )


def add_episode(connection: Connection[Any], day: date, show: str = SHOW, number: int = 1) -> None:
    told = {"id": f"tt98{number:06d}", "show_id": show, "season_number": 1, "episode_number": number}
    write.write(
        connection,
        [Record(source="imdb", kind="episode", key=str(told["id"]), payload={**told, "air_date": day.isoformat()})],
    )


def end(connection: Connection[Any], at: datetime, outcome: Any = "ok", *, spider: str = "imdb_episodes") -> None:
    reason = None if outcome == "ok" else "it went wrong"
    remember(connection, spider, [Finished(subject=SHOW, began_at=at, outcome=outcome, reason=reason)], None, at)


def hand_out(
    connection: Connection[Any], spider: str, owner: UUID, now: datetime, wish: Wish | None = None, *, limit: int
) -> list[str]:
    """What a run gets that asks for the first time."""
    return Queue(spider, owner, wish).take(connection, now, limit=limit)


def decision(connection: Connection[Any], now: datetime = NOW, spider: str = "imdb_episodes", **wish: Any) -> Decision:
    found = decide(connection, spider, now, Wish(**wish), all_of_them=True)
    assert [one.subject for one in found] == [SHOW]
    return found[0]


def reason(connection: Connection[Any], now: datetime = NOW, spider: str = "imdb_episodes", **wish: Any) -> str:
    return decision(connection, now, spider, **wish).reason


class TestReasons:
    def test_what_was_never_crawled_is_due(self, connection: Connection[Any]) -> None:
        add_show(connection)
        found = decision(connection)
        assert (found.reason, found.is_due, found.name) == ("never", True, f"Show {SHOW}")
        assert found.sentence() == "this spider never crawled it"

    def test_after_a_good_crawl_it_is_due_when_its_age_is_reached(self, connection: Connection[Any]) -> None:
        add_show(connection)
        end(connection, NOW)
        limit = POLICIES["imdb_episodes"].ages["between"]
        young = decision(connection, NOW + limit - HOUR)
        assert (young.reason, young.is_due, young.due_at) == ("up-to-date", False, NOW + limit)
        assert young.sentence() == (
            "the last good crawl is young enough (last good crawl 2026-11-20 03:00; due 2026-12-03 21:00)"
        )
        assert reason(connection, NOW + limit) == "stale-between"

    @pytest.mark.parametrize(
        ("told", "episode", "stage"),
        [
            ({}, None, "between"),
            ({}, NOW.date() - 10 * DAY, "airing"),
            ({}, NOW.date() + 5 * DAY, "airing"),
            ({}, NOW.date() - 40 * DAY, "between"),
            ({"production_status": "Ended"}, None, "ended"),
            ({"production_status": "Ended"}, NOW.date() - 3 * DAY, "airing"),
            ({"end_year": 2019}, None, "ended"),
            ({"end_year": 2026}, None, "between"),
        ],
    )
    def test_ages_follow_what_a_show_is(
        self, connection: Connection[Any], told: dict[str, object], episode: date | None, stage: str
    ) -> None:
        add_show(connection, **told)
        if episode is not None:
            add_episode(connection, episode)
        end(connection, NOW)
        assert decision(connection).stage == stage
        limit = POLICIES["imdb_title"].ages[stage]  # type: ignore[index]
        end(connection, NOW - limit, spider="imdb_title")
        assert reason(connection, spider="imdb_title") == f"stale-{stage}"
        assert reason(connection, NOW - HOUR, spider="imdb_title") == "up-to-date"

    def test_an_episode_makes_its_show_due_once_its_evening_is_over(self, connection: Connection[Any]) -> None:
        add_show(connection)
        add_episode(connection, date(2026, 11, 20))
        end(connection, NOW)
        evening = datetime(2026, 11, 21, 4, tzinfo=UTC)
        before = decision(connection, evening - HOUR)
        assert (before.reason, before.due_at) == ("up-to-date", evening)
        assert reason(connection, evening) == "new-episode"
        assert "out since 2026-11-21 04:00" in decision(connection, evening).sentence()
        end(connection, evening + HOUR)
        assert reason(connection, evening + 2 * HOUR) == "up-to-date"
        assert reason(connection, evening + 2 * HOUR, spider="imdb_title") == "never"

    def test_a_season_that_the_catalog_heard_of_makes_it_due_once(self, connection: Connection[Any]) -> None:
        add_show(connection, total_seasons=3)
        end(connection, NOW)
        assert reason(connection, NOW + HOUR) == "up-to-date"
        add_show(connection, total_seasons=4)
        assert reason(connection, NOW + HOUR) == "season-missing"
        end(connection, NOW + HOUR)
        assert reason(connection, NOW + 2 * HOUR) == "up-to-date"

    def test_sources_that_count_seasons_differently_do_not_make_it_due_forever(
        self, connection: Connection[Any]
    ) -> None:
        for number, seasons in enumerate((3, 4, 3, 4, 3, 4)):
            add_show(connection, total_seasons=seasons)
            now = NOW + number * HOUR
            if number >= 2:
                assert reason(connection, now) == "up-to-date"
            end(connection, now)

    def test_the_change_feed_makes_it_due(self, connection: Connection[Any]) -> None:
        add_show(connection, SHOW, source="tmdb")
        end(connection, NOW, spider="tmdb_show")
        note_changes(connection, [("tmdb", "show", SHOW, NOW - HOUR), ("tmdb", "show", "7", NOW)])
        assert reason(connection, NOW + HOUR, "tmdb_show") == "up-to-date"
        note_changes(connection, [("tmdb", "show", SHOW, NOW + HOUR)])
        assert reason(connection, NOW + 2 * HOUR, "tmdb_show") == "changed-at-source"
        end(connection, NOW + 2 * HOUR, spider="tmdb_show")
        assert reason(connection, NOW + 3 * HOUR, "tmdb_show") == "up-to-date"

    def test_people_are_due_by_what_they_are_at(self, catalog_url: str) -> None:
        with psycopg.connect(catalog_url) as connection:
            write.prepare(connection)
            self.check_people(connection)

    def check_people(self, connection: Connection[Any]) -> None:
        add_show(connection)
        add_episode(connection, NOW.date() - 3 * DAY)
        people = {"nm1": {}, "nm2": {}, "nm3": {"death_date": "2020-01-01"}}
        write.write(
            connection,
            [
                Record(source="imdb", kind="person", key=key, payload={"id": key, "name": key, **told})
                for key, told in people.items()
            ],
        )
        credit = {"show_id": SHOW, "person_id": "nm1", "category": "cast"}
        write.write(connection, [Record(source="imdb", kind="credit", key=f"{SHOW}/nm1/cast", payload=credit)])
        found = decide(connection, "imdb_person", NOW)
        assert {one.subject: one.stage for one in found} == {"nm1": "on-screen", "nm2": "living", "nm3": "deceased"}

    def test_films_have_no_episodes_and_ids_of_films_are_no_shows(self, connection: Connection[Any]) -> None:
        add_show(connection, show_type="movie")
        add_show(connection, "movie/5", source="tmdb")
        assert decide(connection, "imdb_episodes", NOW) == []
        assert decide(connection, "tmdb_show", NOW) == []
        assert [one.stage for one in decide(connection, "imdb_title", NOW)] == ["ended"]


class TestFailures:
    def test_pauses_double_up_to_the_longest_and_end_with_a_good_crawl(self, connection: Connection[Any]) -> None:
        add_show(connection)
        now, pauses = NOW, []
        for _ in range(8):
            end(connection, now, "failed")
            waiting = decision(connection, now + HOUR)
            assert (waiting.reason, waiting.is_due) == ("backing-off", False)
            assert waiting.due_at is not None
            pauses.append(waiting.due_at - now)
            assert reason(connection, waiting.due_at) == "failed-retry"
            now = waiting.due_at
        assert pauses[:4] == [timedelta(hours=hours) for hours in (18, 36, 72, 144)]
        assert pauses[-1] == timedelta(days=14)
        end(connection, now)
        assert decision(connection, now + HOUR).failures == 0
        assert reason(connection, now + HOUR) == "up-to-date"

    def test_a_block_is_waited_for_less_long(self, connection: Connection[Any]) -> None:
        add_show(connection)
        for number in range(6):
            end(connection, NOW + number * HOUR, "blocked")
        found = decision(connection, NOW + 6 * HOUR)
        assert found.due_at == NOW + 5 * HOUR + 3 * DAY
        assert reason(connection, NOW + 4 * DAY) == "blocked-retry"

    def test_a_failure_does_not_forget_the_last_good_crawl(self, connection: Connection[Any]) -> None:
        add_show(connection)
        end(connection, NOW)
        end(connection, NOW + DAY, "failed")
        found = decision(connection, NOW + 2 * DAY)
        assert (found.ok_at, found.tried_at, found.reason) == (NOW, NOW + DAY, "failed-retry")
        assert "1 failure 2026-11-21 03:00: it went wrong" in found.sentence()

    def test_what_was_interrupted_is_due_at_once(self, connection: Connection[Any]) -> None:
        add_show(connection)
        end(connection, NOW, "interrupted")
        assert reason(connection) == "interrupted"
        assert "it went wrong" in decision(connection).sentence()

    def test_a_clock_that_was_wrong_hides_nothing(self, connection: Connection[Any]) -> None:
        add_show(connection)
        end(connection, NOW + 400 * DAY)
        assert reason(connection) == "from-the-future"
        assert reason(connection, untried_since=NOW - HOUR) == "from-the-future", "nor from a run that begins now"
        end(connection, NOW + 400 * DAY, "failed")
        assert reason(connection) == "failed-retry"
        end(connection, NOW)
        assert reason(connection, NOW + HOUR) == "up-to-date"

    def test_a_change_that_a_wrong_clock_dated_hides_no_other_and_is_not_due_night_after_night(
        self, connection: Connection[Any]
    ) -> None:
        add_show(connection, SHOW, source="tmdb")
        end(connection, NOW, spider="tmdb_show")
        note_changes(connection, [("tmdb", "show", SHOW, NOW + 400 * DAY)])
        assert reason(connection, NOW + HOUR, "tmdb_show") == "up-to-date"
        note_changes(connection, [("tmdb", "show", SHOW, NOW + 2 * HOUR)])
        assert reason(connection, NOW + 3 * HOUR, "tmdb_show") == "changed-at-source"
        end(connection, NOW + DAY, spider="tmdb_show")
        assert reason(connection, NOW + DAY, "tmdb_show") == "up-to-date"

    @pytest.mark.parametrize("late", ["ok", "failed", "blocked", "interrupted"])
    def test_a_run_that_comes_late_does_not_have_the_last_word(self, connection: Connection[Any], late: str) -> None:
        add_show(connection)
        end(connection, NOW + HOUR)
        told = Finished(subject=SHOW, began_at=NOW, outcome=late, reason=None)  # type: ignore[arg-type]
        remember(connection, "imdb_episodes", [told], None, NOW + 2 * HOUR)
        found = decision(connection, NOW + 3 * HOUR)
        assert (found.reason, found.ok_at, found.failures) == ("up-to-date", NOW + HOUR, 0)


class TestWishes:
    def test_force_takes_all_and_since_takes_what_is_older(self, connection: Connection[Any]) -> None:
        add_show(connection)
        end(connection, NOW)
        assert reason(connection, force=True) == "force"
        assert reason(connection, since=NOW + HOUR) == "since"
        assert reason(connection, since=NOW) == "up-to-date"
        assert reason(connection, force=True, untried_since=NOW) == "just-tried"

    def test_resume_takes_what_was_left_and_nothing_else(self, connection: Connection[Any]) -> None:
        add_show(connection)
        assert reason(connection, resume=True) == "not-left"
        for outcome in ("failed", "blocked"):
            end(connection, NOW, outcome)
            assert reason(connection, resume=True) == "resume"
        end(connection, NOW, "interrupted")
        assert reason(connection, resume=True) == "interrupted"
        end(connection, NOW)
        assert reason(connection, resume=True) == "not-left"


class TestLeases:
    def test_what_is_handed_out_is_nobody_elses(self, connection: Connection[Any]) -> None:
        add_show(connection)
        one, other = uuid4(), uuid4()
        assert hand_out(connection, "imdb_episodes", one, NOW, limit=5) == [SHOW]
        assert hand_out(connection, "imdb_episodes", other, NOW, Wish(force=True), limit=5) == []
        assert hand_out(connection, "imdb_title", other, NOW, limit=5) == [SHOW]
        assert decision(connection).sentence() == "a run is at it"
        release(connection, one)
        assert hand_out(connection, "imdb_episodes", other, NOW, limit=5) == [SHOW]

    def test_a_killed_runs_leases_run_out(self, connection: Connection[Any]) -> None:
        add_show(connection)
        dead, heir = uuid4(), uuid4()
        hand_out(connection, "imdb_episodes", dead, NOW, limit=5)
        connection.execute("UPDATE crawl_leases SET expires_at = now() - interval '1 second'")
        assert reason(connection) == "lease-ran-out"
        assert reason(connection, resume=True) == "lease-ran-out"
        assert hand_out(connection, "imdb_episodes", heir, NOW, limit=5) == [SHOW]
        extend(connection, dead)
        release(connection, dead)
        assert connection.execute("SELECT owner_id FROM crawl_leases").fetchall() == [(heir,)]

    def test_a_run_that_was_away_for_long_keeps_what_nobody_took(self, connection: Connection[Any]) -> None:
        add_show(connection)
        owner = uuid4()
        hand_out(connection, "imdb_episodes", owner, NOW, limit=5)
        connection.execute("UPDATE crawl_leases SET expires_at = now() - interval '1 hour'")
        extend(connection, owner)
        assert reason(connection) == "leased"
        assert hand_out(connection, "imdb_episodes", uuid4(), NOW, limit=5) == []

    def test_what_was_crawled_meanwhile_is_not_done_again_for_a_dead_run(self, connection: Connection[Any]) -> None:
        add_show(connection)
        hand_out(connection, "imdb_episodes", uuid4(), NOW, limit=5)
        connection.execute("UPDATE crawl_leases SET expires_at = now() - interval '1 second'")
        end(connection, NOW)
        assert reason(connection, NOW + HOUR) == "up-to-date"

    def test_more_than_a_thousand_are_all_found_and_handed_out(self, connection: Connection[Any]) -> None:
        connection.execute(
            """
            WITH added AS (INSERT INTO shows (title) SELECT 'Show ' || n FROM generate_series(1, 2500) n RETURNING id)
            INSERT INTO external_ids (kind, source, value, entity_id)
            SELECT 'show', 'imdb', 'tt' || 98000000 + row_number() OVER (), id FROM added
            """
        )
        assert len(decide(connection, "imdb_episodes", NOW)) == 2500
        assert len(set(hand_out(connection, "imdb_episodes", uuid4(), NOW, limit=5000))) == 2500

    def test_a_sign_of_life_keeps_them(self, connection: Connection[Any]) -> None:
        add_show(connection)
        owner = uuid4()
        hand_out(connection, "imdb_episodes", owner, NOW, limit=5)
        connection.execute("UPDATE crawl_leases SET expires_at = now() + interval '1 second'")
        extend(connection, owner)
        left = connection.execute("SELECT expires_at - now() FROM crawl_leases").fetchone()
        assert left is not None
        assert left[0] > timedelta(minutes=4)

    def test_the_most_urgent_come_first_and_the_limit_holds(self, connection: Connection[Any]) -> None:
        for number in range(5):
            add_show(connection, f"tt9900010{number}")
        for key, at in (("tt99000101", 30), ("tt99000103", 40)):
            done = Finished(subject=key, began_at=NOW - at * DAY, outcome="ok")
            remember(connection, "imdb_episodes", [done], None, NOW - at * DAY)
        got = [hand_out(connection, "imdb_episodes", uuid4(), NOW, limit=2) for _ in range(3)]
        assert got == [["tt99000100", "tt99000102"], ["tt99000104", "tt99000103"], ["tt99000101"]]

    def test_a_run_passes_by_what_others_took_or_did_since_it_looked(self, connection: Connection[Any]) -> None:
        keys = [f"tt9900010{number}" for number in range(5)]
        for key in keys:
            add_show(connection, key)
        mine, other = Queue("imdb_episodes", uuid4()), Queue("imdb_episodes", uuid4())
        assert mine.take(connection, NOW, limit=1) == keys[:1]
        assert other.take(connection, NOW, limit=1) == keys[1:2]
        done = Finished(subject=keys[2], began_at=NOW, outcome="ok")
        remember(connection, "imdb_episodes", [done], None, NOW)
        assert mine.take(connection, NOW, limit=2) == keys[3:4]
        add_show(connection, "tt99000199")
        assert mine.take(connection, NOW, limit=5) == keys[4:]
        assert other.take(connection, NOW + HOUR, limit=5) == ["tt99000199"], "after a while it looks anew"
        assert mine.take(connection, NOW, limit=5) == []

    def test_eight_at_once_get_nothing_twice(self, catalog_url: str) -> None:
        with psycopg.connect(catalog_url) as connection:
            write.prepare(connection)
            keys = [f"tt98{number:06d}" for number in range(400)]
            write.write(connection, [Record(source="imdb", kind="show", key=key, payload={"id": key}) for key in keys])

        def work(_: int) -> list[str]:
            got: list[str] = []
            with psycopg.connect(catalog_url) as own:
                queue = Queue("imdb_episodes", uuid4())
                while batch := queue.take(own, NOW, limit=7):
                    got += batch
            return got

        with ThreadPoolExecutor(8) as pool:
            handed = Counter(subject for got in pool.map(work, range(8)) for subject in got)
        assert handed == Counter(keys)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ends=st.lists(
        st.tuples(st.sampled_from(["ok", "failed", "blocked", "interrupted"]), st.integers(0, 200)), max_size=6
    ),
    force=st.booleans(),
    resume=st.booleans(),
    hours=st.integers(-100, 9000),
)
def test_every_history_has_one_reason_in_words(
    connection: Connection[Any], ends: list[tuple[Any, int]], force: bool, resume: bool, hours: int
) -> None:
    connection.execute("DELETE FROM crawl_states")
    if not decide(connection, "imdb_episodes", NOW, all_of_them=True):
        add_show(connection)
    now = NOW
    for outcome, later in ends:
        now += later * HOUR
        end(connection, now, outcome)
    found = decision(connection, now + hours * HOUR, force=force, resume=resume)
    assert found.is_due == (found.reason in DUE)
    assert found.reason in {**DUE, **NOT_DUE}
    assert found.sentence()
    assert force == (found.reason == "force")


def test_policies_name_spiders_that_take_due() -> None:
    from scrapy.settings import Settings
    from scrapy.spiderloader import SpiderLoader

    from trr_crawl.spiders.base import DueArguments

    loader = SpiderLoader.from_settings(Settings({"SPIDER_MODULES": ["trr_crawl.spiders"]}))
    taking = {name for name in loader.list() if issubclass(loader.load(name).arguments_class, DueArguments)}
    assert taking == set(POLICIES) == set(due.POLICIES)


def test_owners_are_uuids(connection: Connection[Any]) -> None:
    add_show(connection)
    hand_out(connection, "imdb_episodes", UUID(int=7), NOW, limit=1)
    assert connection.execute("SELECT owner_id FROM crawl_leases").fetchone() == (UUID(int=7),)
