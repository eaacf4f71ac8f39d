"""Jobs that are out: nodes that lie, die or hang, and what becomes of the runs that they had. Nodes are small servers
that answer as they are told."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from psycopg import Connection
from schedule_runs import DAY, START, age, begin_crawl, finish_all, nightly, send, sent
from scrapyd_nodes import FakeNode

from support import free_port
from trr_crawl.catalog import monitoring
from trr_crawl.clock import Clock
from trr_crawl.errors import UserError
from trr_crawl.fleet import dispatcher, schedules, watchdog
from trr_crawl.fleet.engine import once
from trr_crawl.fleet.nodes import Node, NodeError, configured
from trr_crawl.fleet.scheduler import run_now
from trr_crawl.runs import is_superseded

Nodes = tuple[list[FakeNode], list[Node]]


@pytest.fixture
def out(connection: Connection[Any], nodes: Nodes) -> Connection[Any]:
    """A job is out on one of the nodes."""
    schedules.add(connection, nightly(), START)
    run_now(connection, "nightly", START)
    assert send(connection, nodes[1]) == 1
    return connection


class TestNodes:
    def test_work_is_spread_over_the_least_busy(self, connection: Connection[Any], nodes: Nodes) -> None:
        fakes, real = nodes
        fakes[0].jobs = {"other": "running"}
        schedules.add(connection, nightly(workers=5), START)
        run_now(connection, "nightly", START)
        assert send(connection, real) == 5
        assert [len(fake.jobs) for fake in fakes] == [3, 3]
        _, values = next(asked for asked in fakes[1].asked if asked[0] == "schedule.json")
        assert (values["project"], values["spider"], values["due"]) == ("trr", "imdb_episodes", "true")
        assert values["setting"] == f"NODE={real[1].name}"
        assert send(connection, real) == 0

    def test_dead_nodes_are_left_out_and_without_any_the_job_waits(
        self, connection: Connection[Any], nodes: Nodes
    ) -> None:
        fakes, real = nodes
        dead = Node(f"http://127.0.0.1:{free_port()}")
        schedules.add(connection, nightly(workers=2), START)
        run_now(connection, "nightly", START)
        assert send(connection, [dead]) == 0
        assert [row[1] for row in sent(connection)] == ["waiting", "waiting"]
        assert send(connection, [dead, real[0]]) == 2
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
        assert send(connection, real) == 1
        assert len(fakes[1].jobs) == 2
        assert sent(connection)[0][1:4] == ("sent", 1, real[1].name)

    def test_a_run_that_every_node_refuses_holds_up_no_other_and_is_told_once(
        self, connection: Connection[Any], nodes: Nodes, caplog: pytest.LogCaptureFixture
    ) -> None:
        fakes, real = nodes
        for fake in fakes:
            fake.refuses = {"imdb_titel": "spider 'imdb_titel' not found"}
        for name, spider in (("a", "imdb_titel"), ("b", "imdb_title")):
            schedules.add(connection, nightly(name=name, spider=spider), START)
            run_now(connection, name, START + DAY * (name == "b"))
        assert [send(connection, real) for _ in range(3)] == [1, 0, 0]
        rows = connection.execute(
            "SELECT state, attempts, job_id, reason FROM schedule_runs ORDER BY slot_at"
        ).fetchall()
        assert rows[0][:3] == ("waiting", 0, None)
        assert rows[0][3].count("spider 'imdb_titel' not found") == 2
        assert rows[1][:2] == ("sent", 1)
        assert caplog.text.count("No node takes imdb_titel") == 1

    def test_nodes_that_hang_are_waited_for_together(self, connection: Connection[Any], nodes: Nodes) -> None:
        fakes, real = nodes
        for fake in fakes:
            fake.delay = 0.5
        started = time.monotonic()
        assert len(dispatcher.probe(connection, real * 3)) == 2
        assert time.monotonic() - started < 2

    def test_what_a_removed_schedule_left_waiting_is_not_sent(self, connection: Connection[Any], nodes: Nodes) -> None:
        schedules.add(connection, nightly(), START)
        run_now(connection, "nightly", START)
        schedules.remove(connection, "nightly")
        assert send(connection, nodes[1]) == 0
        assert sent(connection)[0][1] == "skipped"
        assert sent(connection)[0][5] == "its schedule was removed"

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
        assert send(out, real) == 1
        assert next(fake for fake in fakes if fake is not stuck).jobs

    def test_passwords_of_nodes_are_shown_nowhere(self) -> None:
        (one,) = configured(" http://me:sesame@127.0.0.1:6800/ ,")
        assert one.name == "http://127.0.0.1:6800"

    def test_a_node_that_is_named_twice_is_one(self) -> None:
        assert len(configured("http://127.0.0.1:6800,http://127.0.0.1:6800/,http://127.0.0.1:6801")) == 2

    @pytest.mark.parametrize("text", ["127.0.0.1:6800", "http://", "ftp://me:sesame@a.example", "http://a b"])
    def test_what_is_no_address_of_a_node_is_told(self, text: str) -> None:
        with pytest.raises(UserError, match="is no address: write it as in http://127") as told:
            configured(text)
        assert "sesame" not in str(told.value)


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
                assert send(out, real) == 1
        assert sent(out)[0][1:3] == ("finished", 3)
        assert sent(out)[0][4] == "failed"
        assert "given up after 3 attempts" in sent(out)[0][5]
        # Its crawl never began: no run tells of it.
        findings = "SELECT scope, rule, severity, message LIKE '%given up after 3 attempts: %', resolved_at IS NULL "
        findings += "FROM crawl_findings"
        assert out.execute(findings).fetchall() == [("schedule nightly", "given_up", "error", True, True)]
        (slot,) = out.execute("SELECT slot_at FROM schedule_runs").fetchone() or ()
        monitoring.note_done(out, "nightly", slot)
        assert out.execute(findings).fetchall()[0][-1], "another worker of the same night"
        monitoring.note_done(out, "nightly", slot + DAY)
        assert not out.execute(findings).fetchall()[0][-1]

    def test_a_job_that_ended_before_it_began_is_sent_again(self, out: Connection[Any], nodes: Nodes) -> None:
        for fake in nodes[0]:
            fake.jobs = dict.fromkeys(fake.jobs, "finished")
        age(out, 3)
        assert watchdog.look(out, nodes[1]) == 1
        assert "ended on" in sent(out)[0][5]

    def test_a_job_that_waits_behind_others_waits_as_long_as_they_run(self, out: Connection[Any], nodes: Nodes) -> None:
        fake = next(fake for fake in nodes[0] if fake.jobs)
        (job,) = fake.jobs
        fake.jobs = {"other": "running", job: "pending"}
        for _ in range(10):
            age(out, 30)
            dispatcher.probe(out, nodes[1])
            assert watchdog.look(out, nodes[1]) == 1
        assert sent(out)[0][1:3] == ("sent", 1)
        fake.jobs = {job: "running"}
        assert watchdog.look(out, nodes[1]) == 1, "it has only begun to start"
        assert sent(out)[0][1:3] == ("sent", 1)

    def test_a_job_on_a_node_that_nobody_names_any_more_is_sent_to_another(
        self, out: Connection[Any], nodes: Nodes
    ) -> None:
        rest = [node for node in nodes[1] if node.name != sent(out)[0][3]]
        age(out, 3)
        watchdog.look(out, rest)
        assert "is not in SCRAPYD_NODES any more" in sent(out)[0][5]
        assert send(out, rest) == 1

    def test_a_run_that_was_given_up_or_waits_again_goes_by_no_job(self, out: Connection[Any], nodes: Nodes) -> None:
        (job_id,) = out.execute("SELECT job_id FROM schedule_runs").fetchone() or ()
        assert not is_superseded(out, job_id)
        for fake in nodes[0]:
            fake.jobs = {}
        age(out, 3)
        watchdog.look(out, nodes[1])
        assert sent(out)[0][1] == "waiting"
        assert is_superseded(out, job_id), "its node comes back before it is sent elsewhere"
        assert send(out, nodes[1]) == 1
        assert is_superseded(out, job_id)
        (second,) = out.execute("SELECT job_id FROM schedule_runs").fetchone() or ()
        assert not is_superseded(out, second)
        finish_all(out)
        assert is_superseded(out, second), "it was given up"

    def test_jobs_that_no_schedule_made_are_nobodys(self, connection: Connection[Any]) -> None:
        for job_id in (None, "", "slow", uuid4().hex, str(uuid4())):
            assert not is_superseded(connection, job_id)

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
