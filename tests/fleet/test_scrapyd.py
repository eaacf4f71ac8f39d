"""A real Scrapyd on loopback: deploy, schedule, finish, cancel, and a node that is killed in the middle."""

from __future__ import annotations

import io
import zipfile
from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import requests
from origin import Origin, serving
from psycopg.rows import dict_row
from schedule_runs import send
from scrapy.utils.project import get_project_settings
from scrapyd_nodes import Scrapyd

from samples.harbour_hearts import SHOW, SHOW_ID
from support import ROOT
from trr_crawl import doctor
from trr_crawl.commands.deploy import Command as DeployCommand
from trr_crawl.fleet import schedules, watchdog
from trr_crawl.fleet.nodes import Refused
from trr_crawl.fleet.scheduler import run_now
from trr_crawl.fleet.schedules import Schedule

START = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving(Origin(SHOW)) as served:
        yield served


def settings_for(origin: Origin) -> dict[str, str]:
    pairs = origin.settings("html")[1::2]
    return dict(pair.split("=", 1) for pair in (*pairs, "HEARTBEAT_SECONDS=0.2"))


def runs(url: str) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute("SELECT * FROM crawl_runs ORDER BY started_at").fetchall()


def test_the_egg_holds_all_that_crawls_need(egg: bytes) -> None:
    inside = set(zipfile.ZipFile(io.BytesIO(egg)).namelist())
    for path in (ROOT / "trr_crawl").rglob("*.py"):
        assert str(path.relative_to(ROOT)) in inside
    assert not [name for name in inside if name.startswith(("tests", "alembic"))]


def test_deployed_scheduled_and_finished_it_is_in_the_runs_and_in_the_history_after_a_restart(
    deployed: list[Scrapyd], origin: Origin, shared_url: str
) -> None:
    one = deployed[0]
    assert len(one.node.spiders()) > 15
    job_id = uuid4().hex
    settings = {**settings_for(origin), "NODE": one.node.name}
    one.node.schedule("imdb_episodes", job_id, {"show": SHOW_ID}, settings)
    one.wait_for(lambda: one.node.state(job_id) == "finished")
    (run,) = runs(shared_url)
    assert (run["job_id"], run["node"], run["outcome"]) == (job_id, one.node.name, "ok"), one.log_of(
        "imdb_episodes", job_id
    )
    with psycopg.connect(shared_url) as connection:
        assert connection.execute("SELECT count(*) FROM episodes").fetchone() == (len(SHOW.episodes),)
    one.kill()
    one.start()
    assert one.node.state(job_id) == "finished"


def test_a_cancelled_job_says_what_it_left(deployed: list[Scrapyd], origin: Origin, shared_url: str) -> None:
    one = deployed[1]
    origin.delay = 1
    one.node.schedule("imdb_episodes", "slow", {"show": SHOW_ID}, settings_for(origin))
    one.wait_for(lambda: len(origin.asked) > 1)
    one.node.cancel("slow")
    one.wait_for(lambda: one.node.state("slow") == "finished")
    (run,) = runs(shared_url)
    assert run["outcome"] in ("partial", "failed")
    assert "the run was stopped before its end" in run["reason"]
    with psycopg.connect(shared_url) as connection:
        assert connection.execute("SELECT subject, outcome, ok_at FROM crawl_states").fetchall() == [
            (SHOW_ID, "interrupted", None)
        ]


def test_a_job_on_a_node_that_dies_is_done_by_another_and_never_again_when_the_node_is_back(
    deployed: list[Scrapyd], origin: Origin, shared_url: str
) -> None:
    doomed, heir = deployed
    origin.delay = 1
    with psycopg.connect(shared_url) as connection:
        schedules.add(
            connection,
            Schedule(
                name="nightly",
                spider="imdb_episodes",
                args={"show": SHOW_ID},
                settings=settings_for(origin),
                cron="0 3 * * *",
            ),
            START,
        )
        (run_id,) = run_now(connection, "nightly", START)
        assert send(connection, [doomed.node]) == 1
        doomed.wait_for(lambda: len(origin.asked) > 1)
        doomed.wait_for(lambda: len(runs(shared_url)) == 1)
        assert watchdog.look(connection, [doomed.node, heir.node]) == 1
        doomed.kill()
        connection.execute("UPDATE crawl_runs SET heartbeat_at = heartbeat_at - interval '1 hour'")
        connection.commit()
        assert watchdog.look(connection, [doomed.node, heir.node]) == 1
        origin.delay = 0
        assert send(connection, [doomed.node, heir.node]) == 1
        first, second = f"{run_id.hex}-1", f"{run_id.hex}-2"
        heir.wait_for(lambda: heir.node.state(second) == "finished")
        assert watchdog.look(connection, [doomed.node, heir.node]) == 0
        row = connection.execute("SELECT state, outcome, attempts, node FROM schedule_runs").fetchone()
        assert row == ("finished", "ok", 2, heir.node.name)
        problem = connection.execute("SELECT problem FROM fleet_nodes WHERE url = %s", [doomed.node.name]).fetchone()
        assert problem is not None
        assert "does not answer" in problem[0]
    dead, done = runs(shared_url)
    assert (dead["job_id"], dead["outcome"]) == (first, "failed")
    assert (done["job_id"], done["outcome"]) == (second, "ok")
    # The node comes back, with the old job in its queue.
    doomed.start()
    doomed.node.schedule("imdb_episodes", first, {"show": SHOW_ID}, settings_for(origin))
    asked = len(origin.pages_asked)
    doomed.wait_for(lambda: doomed.node.state(first) == "finished")
    assert len(runs(shared_url)) == 2
    assert len(origin.pages_asked) == asked
    assert "it is left to the one that was sent in its place" in doomed.log_of("imdb_episodes", first)


def test_deploy_and_doctor_tell_of_each_node(
    pair: list[Scrapyd], egg: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, dead = pair[0].node, "http://127.0.0.1:9"
    settings = get_project_settings()
    settings.set("SCRAPYD_NODES", f"{one.url},{dead}", "cmdline")
    requests.post(f"{one.url}/delproject.json", data={"project": "trr"}, timeout=10)
    with pytest.raises(Refused, match="project 'trr' not found"):
        one.schedule("imdb_episodes", "x", {}, {})
    assert [(found.mark, "Run: scrapy deploy" in found.sentence) for found in doctor._nodes(settings)] == [
        ("bad", True),
        ("bad", False),
    ]
    path = tmp_path / "trr.egg"
    path.write_bytes(egg)
    command = DeployCommand()
    command.settings = settings
    command.run([], Namespace(egg=path, version="7"))
    assert command.exitcode == 1
    told = capsys.readouterr()
    assert f"{one.name}: version 7, " in told.out
    assert f"{dead} did not take it: it does not answer" in told.err
    found = [(finding.mark, finding.sentence) for finding in doctor._nodes(settings)]
    assert found[0][0] == "ok"
    assert found[1] == (
        "bad",
        f"{dead}: it does not answer (ConnectionError). Start Scrapyd there, or correct SCRAPYD_NODES.",
    )
