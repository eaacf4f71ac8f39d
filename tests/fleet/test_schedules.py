"""Schedules: what makes no sense, clocks that jump or change with the season, missed nights. Time is an argument."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection
from schedule_runs import DAY, MINUTE, START, finish_all, nightly, slots

from trr_crawl.clock import Clock
from trr_crawl.errors import UserError
from trr_crawl.fleet import schedules
from trr_crawl.fleet.scheduler import make_runs, run_now
from trr_crawl.fleet.schedules import ScheduleError


class TestMistakes:
    @pytest.mark.parametrize(
        ("told", "words"),
        [
            ({"cron": "every night"}, "is no cron expression"),
            ({"cron": "61 3 * * *"}, "is no cron expression"),
            ({"cron": "0 3 * * * *"}, "is no cron expression"),
            ({"cron": "0 3 30 2 *"}, "names a day that never comes"),
            ({"time_zone": "Mars/Olympus"}, "is no time zone"),
            ({"time_zone": "../../etc/passwd"}, "is no time zone"),
            ({"name": "Every Night"}, "is no name"),
            ({"workers": 0}, "give a number from 1 to 64"),
            ({"workers": 2, "args": {"show": "tt0000001"}}, "would do the same 2 times"),
        ],
    )
    def test_a_schedule_that_makes_no_sense_is_refused_with_the_reason(
        self, connection: Connection[Any], told: dict[str, Any], words: str
    ) -> None:
        with pytest.raises(ScheduleError, match=words):
            schedules.add(connection, nightly(**told), START)
        assert schedules.listed(connection) == []

    def test_names_are_unique_until_removed_and_unknown_ones_are_told(self, connection: Connection[Any]) -> None:
        schedules.add(connection, nightly(), START)
        with pytest.raises(ScheduleError, match="There is a schedule nightly already"):
            schedules.add(connection, nightly(), START)
        schedules.remove(connection, "nightly")
        with pytest.raises(ScheduleError, match="There is no schedule nightly"):
            schedules.pause(connection, "nightly")
        schedules.add(connection, nightly(), START)

    @pytest.mark.parametrize("text", ["tonight", "2026-11-20", "2026-11-20T03:00"])
    def test_a_clock_that_makes_no_sense_is_told(self, text: str) -> None:
        with pytest.raises(UserError, match="write it as in 2026-11-28T03:00:00"):
            Clock.starting(text)


class TestTimes:
    def test_each_night_makes_one_run_however_often_one_looks(self, connection: Connection[Any]) -> None:
        schedules.add(connection, nightly(), START)
        now = START
        while now < START + 3 * DAY:
            make_runs(connection, now)
            finish_all(connection)
            now += 17 * MINUTE
        assert [slot for slot, _ in slots(connection)] == [
            datetime(2026, 11, day, 3, tzinfo=UTC) for day in (21, 22, 23)
        ]

    def test_missed_nights_are_made_up_by_one_run(self, connection: Connection[Any]) -> None:
        schedules.add(connection, nightly(), START)
        assert len(make_runs(connection, START + 5 * DAY)) == 1
        assert make_runs(connection, START + 5 * DAY + MINUTE) == []
        assert slots(connection) == [(datetime(2026, 11, 25, 3, tzinfo=UTC), "waiting")]

    def test_a_clock_that_goes_back_makes_nothing_twice(self, connection: Connection[Any]) -> None:
        schedules.add(connection, nightly(), START)
        make_runs(connection, START + DAY)
        finish_all(connection)
        for jump in (-30 * DAY, -DAY, -MINUTE, timedelta(0)):
            make_runs(connection, START + DAY + jump)
            finish_all(connection)
        made = [slot for slot, _ in slots(connection)]
        assert made.count(START.replace(hour=3) + DAY) == 1
        assert len(make_runs(connection, START + 2 * DAY)) == 1

    @pytest.mark.parametrize("jump", [2 * DAY, 400 * DAY])
    def test_a_clock_that_was_ahead_does_not_stop_the_nights_that_follow(
        self, connection: Connection[Any], jump: timedelta
    ) -> None:
        schedules.add(connection, nightly(), START)
        assert len(make_runs(connection, START + jump)) == 1
        finish_all(connection)
        assert make_runs(connection, START) == [], "the clock is right again"
        for night in (1, 2, 3):
            made = make_runs(connection, START + night * DAY)
            finish_all(connection)
            assert len(made) == (night != 2 or jump > 2 * DAY), "a time that was dealt with stays so"

    def test_nights_follow_the_time_zone_when_its_clocks_change(self, connection: Connection[Any]) -> None:
        before = datetime(2026, 10, 23, tzinfo=UTC)
        schedules.add(connection, nightly(cron="30 2 * * *", time_zone="Europe/Berlin"), before)
        for hours in range(24 * 5):
            make_runs(connection, before + timedelta(hours=hours))
            finish_all(connection)
        made = [slot for slot, _ in slots(connection)]
        assert [slot.day for slot in made] == [23, 24, 25, 26, 27]
        assert [slot.hour for slot in made] == [0, 0, 0, 1, 1]

    @pytest.mark.parametrize(
        ("cron", "day", "expected"),
        [
            # Clocks go from 02:00 to 03:00 at 01:00 UTC, and from 03:00 to 02:00 at 01:00 UTC.
            ("30 2 * * *", "2026-03-29", ["01:30"]),
            ("45 * * * *", "2026-03-29", ["00:45", "01:45", "02:45"]),
            ("30 2 * * *", "2026-10-25", ["00:30"]),
            ("50 2,3 * * *", "2026-10-25", ["00:50", "02:50"]),
        ],
    )
    def test_a_time_comes_once_when_the_clocks_change_and_is_known_before(
        self, connection: Connection[Any], cron: str, day: str, expected: list[str]
    ) -> None:
        now = datetime.fromisoformat(f"{day}T00:00Z")
        schedules.add(connection, nightly(cron=cron, time_zone="Europe/Berlin"), now)
        told, made_at = set(), []
        while now < datetime.fromisoformat(f"{day}T03:00Z"):
            (schedule,) = schedules.listed(connection)
            upcoming = schedule.next_slot(now)
            assert upcoming > now
            told.add(f"{upcoming:%H:%M}")
            now += 5 * MINUTE
            if make_runs(connection, now):
                made_at.append(f"{now:%H:%M}")
                finish_all(connection)
        assert made_at == expected
        assert [f"{slot:%H:%M}" for slot, _ in slots(connection)] == expected
        assert told >= set(expected)

    def test_a_schedule_that_cannot_be_worked_holds_up_no_other(
        self, connection: Connection[Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        schedules.add(connection, nightly(name="a"), START)
        schedules.add(connection, nightly(name="b"), START)
        connection.execute("UPDATE schedules SET time_zone = 'Mars/Olympus' WHERE name = 'a'")
        assert len(make_runs(connection, START + DAY)) == 1
        assert "The schedule a cannot be worked here: 'Mars/Olympus' is no time zone" in caplog.text

    def test_paused_it_makes_nothing_and_the_pause_is_not_made_up(self, connection: Connection[Any]) -> None:
        schedules.add(connection, nightly(), START)
        schedules.pause(connection, "nightly")
        assert make_runs(connection, START + 2 * DAY) == []
        schedules.resume(connection, "nightly", START + 2 * DAY)
        next_slot = connection.execute("SELECT next_slot_at FROM schedules").fetchone()
        assert next_slot == (START.replace(hour=3) + 3 * DAY,)
        assert make_runs(connection, START + 2 * DAY) == []
        assert len(make_runs(connection, START + 3 * DAY)) == 1

    def test_while_a_run_is_not_finished_the_next_is_skipped_and_kept_as_such(
        self, connection: Connection[Any]
    ) -> None:
        schedules.add(connection, nightly(workers=2), START)
        assert len(make_runs(connection, START + DAY)) == 2
        assert make_runs(connection, START + 2 * DAY) == []
        with pytest.raises(ScheduleError, match="nightly is running"):
            run_now(connection, "nightly", START + 2 * DAY)
        assert [state for _, state in slots(connection)] == ["waiting", "waiting", "skipped", "skipped"]
        finish_all(connection)
        assert len(run_now(connection, "nightly", START + 2 * DAY)) == 2

    def test_eight_schedulers_at_once_make_each_run_once(self, catalog_url: str) -> None:
        with psycopg.connect(catalog_url) as connection:
            for number in range(5):
                schedules.add(connection, nightly(name=f"n{number}"), START)

        def look(_: int) -> int:
            with psycopg.connect(catalog_url) as own:
                return len(make_runs(own, START + DAY))

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(look, range(8))) == 5

    def test_two_who_order_a_run_at_the_same_moment_get_one(self, catalog_url: str) -> None:
        with psycopg.connect(catalog_url) as connection:
            schedules.add(connection, nightly(), START)

        def order(number: int) -> int:
            with psycopg.connect(catalog_url) as own:
                try:
                    return len(run_now(own, "nightly", START + number * MINUTE))
                except ScheduleError:
                    return 0

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(order, range(8))) == 1

    @given(st.lists(st.integers(-5000, 5000), max_size=30))
    def test_whatever_the_clock_does_no_time_is_dealt_with_twice(self, jumps: list[int]) -> None:
        now, last, seen = START, START, []
        for jump in jumps:
            now += jump * MINUTE
            slot = nightly(last_slot_at=last).latest_slot(now)
            if slot is not None:
                seen.append(slot)
                last = slot
        assert seen == sorted(set(seen))

    @given(
        st.sampled_from(["30 2 * * *", "*/20 * * * *", "15 1-4 * * *", "0 3 * * 0", "59 23 29 2 *"]),
        st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
        st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    )
    def test_the_latest_time_is_not_after_now_and_the_next_one_is_what_follows(
        self, cron: str, zone: str, now: datetime
    ) -> None:
        schedule = nightly(cron=cron, time_zone=zone)
        latest, upcoming = schedule.latest_slot(now), schedule.next_slot(now)
        assert latest is not None
        assert latest <= now < upcoming
        assert schedule.latest_slot(upcoming - timedelta(microseconds=1)) == latest
        assert schedule.latest_slot(upcoming) == upcoming
