"""Schedules: what makes no sense, clocks that jump, missed nights, nodes that lie, jobs that hang. Time is an argument;
nodes are small servers that answer as they are told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection
from scrapyd_nodes import FakeNode

from support import free_port
from trr_crawl.clock import Clock
from trr_crawl.errors import UserError
from trr_crawl.fleet import dispatcher, schedules, watchdog
from trr_crawl.fleet.engine import once
from trr_crawl.fleet.nodes import Node, NodeError, configured
from trr_crawl.fleet.scheduler import make_runs, run_now
from trr_crawl.fleet.schedules import Schedule, ScheduleError

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def nightly(**told: Any) -> Schedule:
    return Schedule(
        **{"name": "nightly", "spider": "imdb_episodes", "args": {"due": "true"}, "cron": "0 3 * * *", **told}
    )


def slots(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return [
        (slot.astimezone(UTC), state)
        for slot, state in connection.execute("SELECT slot_at, state FROM schedule_runs ORDER BY slot_at, worker")
    ]


def finish_all(connection: Connection[Any]) -> None:
    connection.execute("UPDATE schedule_runs SET state = 'finished', finished_at = now() WHERE finished_at IS NULL")


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
            assert make_runs(connection, START + DAY + jump) == []
        assert len(make_runs(connection, START + 2 * DAY)) == 1

    def test_nights_follow_the_time_zone_when_its_clocks_change(self, connection: Connection[Any]) -> None:
        before = datetime(2026, 10, 23, tzinfo=UTC)
        schedules.add(connection, nightly(cron="30 2 * * *", time_zone="Europe/Berlin"), before)
        for hours in range(24 * 5):
            make_runs(connection, before + timedelta(hours=hours))
            finish_all(connection)
        made = [slot for slot, _ in slots(connection)]
        assert [slot.day for slot in made] == [23, 24, 25, 26, 27]
        assert [slot.hour for slot in made] == [0, 0, 0, 1, 1]

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


Nodes = tuple[list[FakeNode], list[Node]]


def sent(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT worker, state, attempts, node, outcome, reason FROM schedule_runs ORDER BY worker"
    ).fetchall()


def age(connection: Connection[Any], minutes: int) -> None:
    """Let jobs and crawls have been out for longer."""
    connection.execute(
        """
        UPDATE schedule_runs SET sent_at = sent_at - make_interval(mins => %(n)s),
               cancelled_at = cancelled_at - make_interval(mins => %(n)s)
        """,
        {"n": minutes},
    )
    connection.execute("UPDATE fleet_nodes SET stuck_since = stuck_since - make_interval(mins => %s)", [minutes])
    connection.execute(
        "UPDATE crawl_runs SET progressed_at = progressed_at - make_interval(mins => %s) WHERE outcome IS NULL",
        [minutes],
    )


def begin_crawl(connection: Connection[Any]) -> None:
    """What a crawl writes when it starts."""
    connection.execute(
        """
        INSERT INTO crawl_runs (spider, host, pid, version, job_id)
        SELECT 'imdb_episodes', 'h', 1, 'v', job_id FROM schedule_runs WHERE finished_at IS NULL
        """
    )


@pytest.fixture
def out(connection: Connection[Any], nodes: Nodes) -> Connection[Any]:
    """A job is out on one of the nodes."""
    schedules.add(connection, nightly(), START)
    run_now(connection, "nightly", START)
    assert dispatcher.send_waiting(connection, nodes[1]) == 1
    return connection


class TestNodes:
    def test_work_is_spread_over_the_least_busy(self, connection: Connection[Any], nodes: Nodes) -> None:
        fakes, real = nodes
        fakes[0].jobs = {"other": "running"}
        schedules.add(connection, nightly(workers=5), START)
        run_now(connection, "nightly", START)
        assert dispatcher.send_waiting(connection, real) == 5
        assert [len(fake.jobs) for fake in fakes] == [3, 3]
        _, values = next(asked for asked in fakes[1].asked if asked[0] == "schedule.json")
        assert (values["project"], values["spider"], values["due"]) == ("trr", "imdb_episodes", "true")
        assert values["setting"] == f"NODE={real[1].name}"
        assert dispatcher.send_waiting(connection, real) == 0

    def test_dead_nodes_are_left_out_and_without_any_the_job_waits(
        self, connection: Connection[Any], nodes: Nodes
    ) -> None:
        fakes, real = nodes
        dead = Node(f"http://127.0.0.1:{free_port()}")
        schedules.add(connection, nightly(workers=2), START)
        run_now(connection, "nightly", START)
        assert dispatcher.send_waiting(connection, [dead]) == 0
        assert [row[1] for row in sent(connection)] == ["waiting", "waiting"]
        assert dispatcher.send_waiting(connection, [dead, real[0]]) == 2
        assert len(fakes[0].jobs) == 2

    @pytest.mark.parametrize(
        "lie",
        [
            b"<html>502 Bad Gateway</html>",
            b"[]",
            {"status": "ok", "pending": "many", "running": 1},
            {"status": "ok", "pending": -1, "running": 0},
            {"status": "error", "message": "no"},
        ],
    )
    def test_a_node_that_talks_nonsense_is_left_out(self, connection: Connection[Any], nodes: Nodes, lie: Any) -> None:
        fakes, real = nodes
        fakes[0].lies["daemonstatus.json"] = lie
        with pytest.raises(NodeError):
            real[0].load()
        assert list(dispatcher.probe(connection, real)) == [real[1]]

    def test_a_node_that_refuses_passes_the_job_on(self, connection: Connection[Any], nodes: Nodes) -> None:
        fakes, real = nodes
        fakes[1].jobs = {"other": "running"}
        fakes[0].lies["schedule.json"] = {"status": "error", "message": "project 'trr' not found"}
        schedules.add(connection, nightly(), START)
        run_now(connection, "nightly", START)
        assert dispatcher.send_waiting(connection, real) == 1
        assert len(fakes[1].jobs) == 2
        assert sent(connection)[0][1:4] == ("sent", 1, real[1].name)

    def test_a_node_whose_queue_is_stuck_gets_no_more_and_loses_what_waits_there(
        self, out: Connection[Any], nodes: Nodes
    ) -> None:
        fakes, real = nodes
        stuck = next(fake for fake in fakes if fake.jobs)
        stuck.jobs = dict.fromkeys(stuck.jobs, "pending")
        assert len(dispatcher.probe(out, real)) == 2
        age(out, 3)
        assert len(dispatcher.probe(out, real)) == 1
        watchdog.look(out, real)
        assert stuck.jobs == {}
        assert dispatcher.send_waiting(out, real) == 1
        assert next(fake for fake in fakes if fake is not stuck).jobs

    def test_passwords_of_nodes_are_shown_nowhere(self) -> None:
        (one,) = configured(" http://me:sesame@127.0.0.1:6800/ ,")
        assert one.name == "http://127.0.0.1:6800"


class TestWatchdog:
    def test_what_ended_is_told_by_the_crawls_own_row(self, out: Connection[Any], nodes: Nodes) -> None:
        begin_crawl(out)
        assert watchdog.look(out, nodes[1]) == 1
        assert sent(out)[0][1] == "running"
        out.execute("UPDATE crawl_runs SET outcome = 'partial', reason = 'Some.', finished_at = now()")
        assert watchdog.look(out, nodes[1]) == 0
        assert sent(out)[0][1:] == ("finished", 1, sent(out)[0][3], "partial", "Some.")

    def test_a_job_that_its_node_forgot_is_sent_again_and_given_up_in_the_end(
        self, out: Connection[Any], nodes: Nodes
    ) -> None:
        fakes, real = nodes
        for attempt in (1, 2, 3):
            for fake in fakes:
                fake.jobs = {}
            assert watchdog.look(out, real) == 1, "it may still be about to start"
            age(out, 3)
            left = watchdog.look(out, real)
            assert left == (attempt < 3)
            if left:
                assert dispatcher.send_waiting(out, real) == 1
        assert sent(out)[0][1:3] == ("finished", 3)
        assert sent(out)[0][4] == "failed"
        assert "given up after 3 attempts" in sent(out)[0][5]

    def test_a_job_that_ended_before_it_began_is_sent_again(self, out: Connection[Any], nodes: Nodes) -> None:
        for fake in nodes[0]:
            fake.jobs = dict.fromkeys(fake.jobs, "finished")
        age(out, 3)
        assert watchdog.look(out, nodes[1]) == 1
        assert "ended on" in sent(out)[0][5]

    def test_a_node_that_says_running_is_not_believed_forever(self, out: Connection[Any], nodes: Nodes) -> None:
        age(out, 5)
        watchdog.look(out, nodes[1])
        assert sent(out)[0][1] == "sent"
        age(out, 6)
        watchdog.look(out, nodes[1])
        assert sent(out)[0][1] == "waiting"
        assert not any(fake.jobs for fake in nodes[0])

    def test_a_crawl_that_hangs_is_stopped_and_then_killed(self, out: Connection[Any], nodes: Nodes) -> None:
        begin_crawl(out)
        watchdog.look(out, nodes[1])
        age(out, 31)
        assert watchdog.look(out, nodes[1]) == 1
        asked = [values for fake in nodes[0] for service, values in fake.asked if service == "cancel.json"]
        assert [values.get("signal") for values in asked] == [None]
        assert "it hung" in sent(out)[0][5]
        assert out.execute("SELECT scope, rule FROM crawl_findings").fetchall() == [("imdb_episodes", "hung")]
        age(out, 3)
        watchdog.look(out, nodes[1])
        asked = [values for fake in nodes[0] for service, values in fake.asked if service == "cancel.json"]
        assert [values.get("signal") for values in asked] == [None, "KILL"]
        out.execute("UPDATE crawl_runs SET heartbeat_at = now() - interval '6 minutes'")
        watchdog.look(out, nodes[1])
        assert sent(out)[0][1] == "waiting"

    def test_a_crawl_that_beats_is_alive_whatever_its_node_says(self, out: Connection[Any], nodes: Nodes) -> None:
        begin_crawl(out)
        dead = [Node(f"http://127.0.0.1:{free_port()}")]
        age(out, 20)
        assert watchdog.look(out, dead) == 1
        assert sent(out)[0][1:3] == ("running", 1)


def test_once_does_all_of_it(connection: Connection[Any], nodes: Nodes) -> None:
    schedules.add(connection, nightly(workers=2), datetime(2020, 1, 1, tzinfo=UTC))
    assert once(connection, nodes[1], Clock(datetime(2020, 1, 5, tzinfo=UTC))) == 2
    assert [len(fake.jobs) for fake in nodes[0]] == [1, 1]
    begin_crawl(connection)
    connection.execute("UPDATE crawl_runs SET outcome = 'ok', finished_at = now()")
    assert once(connection, nodes[1], Clock(datetime(2020, 1, 5, tzinfo=UTC))) == 0
