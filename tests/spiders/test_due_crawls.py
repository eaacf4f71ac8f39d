"""`-a due=true` as a user runs it, and what every crawl remembers of its shows and people."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from in_process import scrapy
from origin import Asked, Origin, Reply, json_reply, serving
from scrapy.exceptions import UsageError
from scrapy.http import Request
from scrapy.settings import Settings
from scrapy.utils.test import get_crawler
from twisted.python.failure import Failure

from samples.imdb_pages import SampleEpisode, SampleShow
from support import ROOT, Crawl, crawl_episodes
from trr_crawl.arguments import ArgumentError
from trr_crawl.commands.due import Command as DueCommand
from trr_crawl.politeness import Stopped
from trr_crawl.spiders.base import Want
from trr_crawl.spiders.imdb_episodes import ImdbEpisodesSpider
from trr_crawl.subjects import Subjects

KEYS = [f"tt9920000{number}" for number in range(6)]


def sample(key: str) -> SampleShow:
    episode = SampleEpisode(id=f"tt97{key[-7:]}", season=1, number=1, title="One")
    return SampleShow(id=key, title=key, plot="Plot.", start_year=2020, episodes=(episode,))


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving(Origin(*map(sample, KEYS))) as served:
        yield served


@pytest.fixture
def known(crawl_url: str) -> str:
    """A catalog that has heard of the shows."""
    with psycopg.connect(crawl_url) as connection:
        for key in KEYS:
            connection.execute(
                "WITH added AS (INSERT INTO shows (title) VALUES (%s) RETURNING id) "
                "INSERT INTO external_ids (kind, source, value, entity_id) SELECT 'show', 'imdb', %s, id FROM added",
                [key, key],
            )
    return crawl_url


def crawl(origin: Origin, *arguments: str) -> Crawl:
    return crawl_episodes(*arguments, *origin.settings("graphql"))


def states(url: str) -> dict[str, tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT subject, outcome, failures, reason FROM crawl_states").fetchall()
    return {row[0]: row[1:] for row in rows}


def asked(origin: Origin) -> list[str]:
    return [json.loads(one.body)["variables"]["id"] for one in origin.asked if one.method == "POST"]


def test_due_crawls_all_that_is_due_and_then_nothing(origin: Origin, known: str) -> None:
    first = crawl(origin, "-a", "due=true", "-a", "limit=4", "-s", "DUE_BATCH=3")
    assert first.status == 0, first.output
    assert sorted(asked(origin)) == KEYS[:4]
    assert states(known) == dict.fromkeys(KEYS[:4], ("ok", 0, None))
    assert crawl(origin, "-a", "due=true").status == 0
    assert sorted(asked(origin)) == KEYS
    nothing = crawl(origin, "-a", "due=true")
    assert nothing.status == 0
    assert "ok: nothing to do: nothing was due." in nothing.last_line
    assert crawl(origin, "-a", "due=true", "-a", "force=true", "-s", "DUE_BATCH=2").status == 0
    assert sorted(asked(origin)) == sorted(KEYS * 2)
    with psycopg.connect(known) as connection:
        assert connection.execute("SELECT count(*) FROM crawl_leases").fetchone() == (0,)


def test_a_show_with_a_gap_is_never_a_success_and_the_others_are(origin: Origin, known: str) -> None:
    def misbehave(request: Asked) -> Reply | None:
        show = json.loads(request.body)["variables"]["id"] if request.method == "POST" else None
        return json_reply({"data": {"title": None}}) if show == KEYS[1] else None

    origin.misbehave = misbehave
    done = crawl(origin, "-a", f"show={','.join(KEYS[:3])}")
    assert done.status == 3
    found = states(known)
    assert {key: row[:2] for key, row in found.items()} == {
        KEYS[0]: ("ok", 0),
        KEYS[1]: ("failed", 1),
        KEYS[2]: ("ok", 0),
    }
    assert found[KEYS[1]][2]
    origin.misbehave = lambda _: None
    resumed = crawl(origin, "-a", "due=true", "-a", "resume=true")
    assert resumed.status == 0, resumed.output
    assert asked(origin)[3:] == [KEYS[1]]


def test_blocked_it_takes_no_more_than_it_has(origin: Origin, known: str) -> None:
    origin.misbehave = lambda request: Reply(b"no", 403) if request.method == "POST" else None
    done = crawl(origin, "-a", "due=true", "-s", "DUE_BATCH=2", "-s", "BREAKER_TRIES=0")
    assert done.status == 4
    assert {row[0] for row in states(known).values()} == {"blocked"}
    assert len(states(known)) <= 4


def test_over_its_budget_it_leaves_the_rest_as_it_was(origin: Origin, known: str) -> None:
    done = crawl(origin, "-a", f"show={','.join(KEYS)}", "-s", "REQUEST_BUDGET=4")  # robots.txt is one
    assert done.status == 3
    outcomes = [row[0] for row in states(known).values()]
    assert sorted(outcomes) == ["interrupted"] * 3 + ["ok"] * 3


def test_over_its_budget_it_takes_no_more_of_what_is_due(origin: Origin, known: str) -> None:
    done = crawl(origin, "-a", "due=true", *("-s", "REQUEST_BUDGET=2"), *("-s", "DUE_BATCH=2"))
    assert done.status == 3
    outcomes = [row[0] for row in states(known).values()]
    assert outcomes.count("ok") == 1
    assert len(outcomes) <= 4, "the others were left to a later run as they were"


def test_records_that_the_database_refuses_make_their_show_no_success(origin: Origin, known: str) -> None:
    with psycopg.connect(known) as connection:
        connection.execute("ALTER TABLE episodes ADD CONSTRAINT none CHECK (title <> 'One')")
    assert crawl(origin, "-a", f"show={KEYS[0]}").status == 3
    assert states(known)[KEYS[0]][0] == "failed"
    assert "refused by the database" in states(known)[KEYS[0]][2]


def test_some_seasons_are_no_crawl_of_the_show_and_a_dry_run_is_none_at_all(origin: Origin, known: str) -> None:
    assert crawl(origin, "-a", f"show={KEYS[0]}", "-a", "seasons=1").status == 0
    assert crawl(origin, "-a", "due=true", "-a", "limit=2", "-a", "dry_run=true").status == 0
    assert sorted(asked(origin)) == sorted([KEYS[0], *KEYS[:2]])
    assert states(known) == {}


def test_runs_share_and_those_that_die_leave_their_part_to_another(origin: Origin, known: str) -> None:
    origin.delay = 60
    command = [sys.executable, "-m", "scrapy", "crawl", "imdb_episodes", "-a", "due=true", *origin.settings("graphql")]
    killed, stopped = (
        subprocess.Popen(
            [*command, "-s", "DUE_BATCH=2"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(2)
    )
    deadline = time.monotonic() + 60
    while len(asked(origin)) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert sorted(asked(origin)) == KEYS[:4], "two of them each"
    origin.delay = 0
    beside = crawl(origin, "-a", "due=true")
    assert beside.status == 0, beside.output
    assert set(states(known)) == set(KEYS[4:]), "what others have is left alone"
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    while stopped.poll() is None:  # the second time it does not wait for the answers
        stopped.send_signal(signal.SIGTERM)
        time.sleep(0.2)
    with psycopg.connect(known) as connection:
        connection.execute("UPDATE crawl_leases SET expires_at = now()")
    assert crawl(origin, "-a", "due=true").status == 0
    assert {key: row[0] for key, row in states(known).items()} == dict.fromkeys(KEYS, "ok")


def test_a_disk_that_fills_ends_the_run_with_nothing_half_written(origin: Origin, known: str) -> None:
    origin.delay = 1
    done = crawl(
        origin,
        "-a",
        "due=true",
        *("-s", "DISK_RESERVE=1e12"),
        *("-s", "HEARTBEAT_SECONDS=0.5"),
        *("-s", "CONCURRENT_REQUESTS=1"),
    )
    assert done.status == 1
    assert "MB left, fewer than DISK_RESERVE=1e+12: make room" in done.last_line
    assert "interrupted" in {row[0] for row in states(known).values()}
    with psycopg.connect(known) as connection:
        assert connection.execute("SELECT outcome FROM crawl_runs").fetchall() == [("failed",)]
        assert connection.execute("SELECT count(*) FROM crawl_leases").fetchone() == (0,)


def test_scrapy_due_lists_and_explains(known: str) -> None:
    listed = scrapy("due", "imdb_episodes", "--limit", "2")
    assert "imdb_episodes: 6 due (6 never)" in listed.output
    assert "and 4 more: --limit" in listed.output
    explained = scrapy("due", "--explain", f"show={KEYS[0]}")
    assert explained.output.count("this spider never crawled it") == 4
    unknown = scrapy("due", "--explain", "show=tt00000009")
    assert unknown.status == 1
    assert "tt00000009" in unknown.last_line


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (["imdb_find"], "is no spider with a policy"),
        (["--reason", "tired"], "there is no reason 'tired'"),
        (["--at", "soon"], "is no time"),
    ],
)
def test_scrapy_due_refuses_nonsense(
    mistake: list[str], words: str, known: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = DueCommand()
    command.settings = Settings()
    parser = ArgumentParser()
    command.add_options(parser)
    options, args = parser.parse_known_args(mistake)
    with psycopg.connect(known) as connection:
        try:
            command.work(connection, args, options)
        except UsageError as error:
            assert words in str(error)
        else:
            assert command.exitcode == 1
            assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "-a due=true"),
        ({"show": KEYS[0], "force": "true"}, "give due=true with them"),
        ({"due": "true", "force": "true", "resume": "true"}, "give one of them"),
        ({"due": "true", "limit": "0"}, "limit=0"),
        ({"due": "true", "seasons": "1"}, "gets a part of a show"),
        ({"due": "true", "since": "yesterday"}, "is no time"),
    ],
)
def test_arguments_that_make_no_sense(given: dict[str, str], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        ImdbEpisodesSpider.read_arguments(given)


def test_an_account_that_is_renamed_keeps_what_was_said() -> None:
    from datetime import UTC, datetime

    account = Subjects(lambda: datetime(2026, 11, 20, tzinfo=UTC))
    account.begin("tt1")
    account.asked("tt1")
    account.rename("tt1", "1399")
    account.asked("1399")
    account.answered("tt1")
    account.fault("1399", "a part is missing")
    account.fault("1399", "blocked", "blocked")
    assert account.done == []
    account.answered("1399")
    (told,) = account.take(account.done)
    assert (told.subject, told.outcome, told.reason) == ("1399", "blocked", "blocked")
    assert account.take_all("over") == []


def test_what_was_not_asked_for_because_the_run_was_stopped_did_not_fail() -> None:
    crawler = get_crawler(ImdbEpisodesSpider)
    spider = ImdbEpisodesSpider.from_crawler(crawler, show=KEYS[0])
    spider.subjects.begin(KEYS[0])
    request = spider.ask(Request("https://a.example/"), Want(KEYS[0]))
    failure = Failure(Stopped("not asked for: the run was stopped before its turn came"))
    failure.request = request  # type: ignore[attr-defined]
    spider.note_failure(failure)
    (told,) = spider.subjects.take_all("over")
    assert (told.outcome, told.reason) == ("interrupted", str(failure.value))
