"""The circuit breaker and the budget: the machine alone, and real crawls against a host that blocks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from origin import Asked, Origin, Reply, serving

from samples.imdb_pages import SampleEpisode, SampleShow
from support import ROOT, Crawl, crawl_episodes
from trr_crawl.breaker import Breaker, State

FORBIDDEN = Reply(b"<html>403 Forbidden</html>", 403)
CHALLENGE = Reply(b"", 202, {"x-amzn-waf-action": "challenge"})
MISSING = Reply(b"no such page", 404)


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class TestMachine:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def breaker(self, clock: Clock) -> Breaker:
        return Breaker(blocks=3, pause=60, tries=2, clock=clock)

    def opened(self, breaker: Breaker) -> Breaker:
        assert [breaker.was_blocked(object()) for _ in range(3)] == [False, False, True]
        return breaker

    def test_only_blocks_in_a_row_open_it(self, breaker: Breaker) -> None:
        for _ in range(5):
            breaker.was_blocked(object())
            breaker.was_blocked(object())
            assert not breaker.was_answered(object())
        assert breaker.state is State.CLOSED
        self.opened(breaker)
        assert breaker.state is State.OPEN

    def test_nothing_goes_out_before_the_pause_is_over_and_then_one(self, breaker: Breaker, clock: Clock) -> None:
        self.opened(breaker)
        first, second = object(), object()
        clock.now += 59.9
        assert not breaker.lets_through(first, lambda _: True)
        clock.now += 0.2
        assert breaker.lets_through(first, lambda _: True)
        assert breaker.lets_through(first, lambda _: True), "it is asked at every gate"
        assert not breaker.lets_through(second, lambda _: True)

    def test_an_answer_to_the_probe_closes_it(self, breaker: Breaker, clock: Clock) -> None:
        self.opened(breaker)
        clock.now += 60
        probe = object()
        assert breaker.lets_through(probe, lambda _: True)
        assert not breaker.was_answered(object()), "it was on its way when the breaker opened"
        assert breaker.was_answered(probe)
        assert breaker.state is State.CLOSED
        self.opened(breaker)

    def test_a_probe_that_got_no_answer_leaves_its_place_to_the_next(self, breaker: Breaker, clock: Clock) -> None:
        self.opened(breaker)
        clock.now += 60
        assert breaker.lets_through(object(), lambda _: True)
        assert breaker.lets_through(object(), lambda _: False)

    def test_failed_probes_end_it(self, breaker: Breaker, clock: Clock) -> None:
        self.opened(breaker)
        for expected in (State.OPEN, State.FINAL):
            clock.now += 60
            probe = object()
            assert breaker.lets_through(probe, lambda _: True)
            assert breaker.was_blocked(probe) is (expected is State.OPEN)
            assert breaker.state is expected
        clock.now += 10_000
        assert not breaker.lets_through(object(), lambda _: True)

    def test_late_blocks_do_not_lengthen_the_pause(self, breaker: Breaker, clock: Clock) -> None:
        self.opened(breaker)
        clock.now += 30
        assert not breaker.was_blocked(object())
        assert breaker.seconds_left() == 30

    def test_without_tries_the_opening_is_the_end(self, clock: Clock) -> None:
        breaker = Breaker(blocks=1, pause=60, tries=0, clock=clock)
        assert not breaker.was_blocked(object())
        assert breaker.state is State.FINAL

    @pytest.mark.parametrize("earlier", range(4))
    def test_for_good(self, breaker: Breaker, earlier: int) -> None:
        for _ in range(earlier):
            breaker.was_blocked(object())
        breaker.was_blocked(object(), for_good=True)
        assert breaker.state is State.FINAL

    @given(st.lists(st.sampled_from(["ask", "block", "answer", "late", "wait"]), max_size=60))
    def test_whatever_happens_at_most_one_probe_is_out_and_the_end_is_the_end(self, events: list[str]) -> None:
        clock = Clock()
        breaker = Breaker(blocks=2, pause=10, tries=2, clock=clock)
        out: list[object] = []
        ended = False
        for event in events:
            if event == "wait":
                clock.now += 10
            elif event == "late":
                breaker.was_blocked(object())
            elif event == "ask":
                request = object()
                was = breaker.state
                if breaker.lets_through(request, lambda found: found in out):
                    assert was is State.CLOSED or not [found for found in out if found is breaker.probe]
                    out.append(request)
            elif out:
                request = out.pop()
                breaker.was_blocked(request) if event == "block" else breaker.was_answered(request)
            assert not ended or breaker.state is State.FINAL
            ended = breaker.state is State.FINAL


def shows(count: int) -> list[SampleShow]:
    """Shows of one episode each."""
    return [
        SampleShow(
            id=f"tt9933{number:04d}",
            title=f"Show {number}",
            plot="A show.",
            start_year=2025,
            episodes=(SampleEpisode(id=f"tt9934{number:04d}", season=1, number=1, title="Pilot"),),
        )
        for number in range(count)
    ]


@dataclass
class Script:
    """Answers the first requests as it is told, the others as the origin does; notes when each came."""

    replies: list[Reply | None]
    after: Callable[[Asked], Reply | None] = lambda _asked: None
    times: list[float] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply | None:
        self.times.append(time.monotonic())
        number = len(self.times) - 1
        return self.replies[number] if number < len(self.replies) else self.after(asked)

    @property
    def pauses(self) -> list[float]:
        """Seconds between each request and the next."""
        return [later - earlier for earlier, later in pairwise(self.times)]


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving(Origin(*shows(8))) as served:
        yield served


def crawl(origin: Origin, *settings: str, dry_run: bool = True, one_by_one: bool = True) -> Crawl:
    """Without any delay, a few requests more go out while an answer is on its way through the middlewares."""
    paced = ("DOWNLOAD_DELAY=0.05", "DOWNLOAD_DELAY_JITTER=0", *settings)
    given = [part for setting in paced for part in ("-s", setting)]
    if one_by_one:
        given += ["-s", "CONCURRENT_REQUESTS_PER_DOMAIN=1"]
    return crawl_episodes(
        "-a", f"shows={','.join(origin.shows)}", "-a", f"dry_run={str(dry_run).lower()}",
        *origin.settings("graphql"), *given,
    )  # fmt: skip


class TestCrawl:
    @pytest.mark.parametrize("one_by_one", [True, False])
    def test_a_host_that_answers_again_is_asked_for_all_and_nothing_is_lost(
        self, origin: Origin, one_by_one: bool
    ) -> None:
        origin.misbehave = script = Script([None, None, FORBIDDEN])
        done = crawl(origin, "BREAKER_BLOCKS=1", "BREAKER_PAUSE=1", one_by_one=one_by_one)
        assert done.status == 0, done.output
        assert "8 episodes not stored" in done.last_line
        assert len(script.times) == 9
        assert sum(pause > 0.7 for pause in script.pauses) == 1
        for counter in ("opened", "probes", "closed"):
            assert f"'breaker/{counter}': 1" in done.output

    def test_more_requests_in_line_than_may_go_out_at_once(self, origin: Origin) -> None:
        """The probe must not wait for those that wait for it."""
        origin.delay = 0.1
        origin.misbehave = script = Script([FORBIDDEN, FORBIDDEN])
        done = crawl(
            origin, "BREAKER_BLOCKS=1", "BREAKER_PAUSE=0.5", "DOWNLOAD_DELAY=0.05", "DOWNLOAD_DELAY_JITTER=0",
            one_by_one=False,
        )  # fmt: skip
        assert done.status == 0, done.output
        assert len(script.times) == 10

    def test_one_probe_at_a_time(self, origin: Origin) -> None:
        came: list[float] = []
        paused: list[int] = []

        def slow(_asked: Asked) -> Reply | None:
            """Blocks all until there was a pause; every answer takes a while."""
            came.append(time.monotonic())
            if len(came) > 1 and came[-1] - came[-2] > 0.6:
                paused.append(len(came) - 1)
            answer = None if paused else FORBIDDEN
            time.sleep(0.4)
            return answer

        origin.misbehave = slow
        done = crawl(
            origin, "BREAKER_BLOCKS=2", "BREAKER_PAUSE=1", "CONCURRENT_REQUESTS_PER_DOMAIN=4", one_by_one=False
        )
        [probe] = paused
        assert came[3] - came[0] < 0.3, "before, several are under way"
        assert came[probe + 1] - came[probe] > 0.35, "the others wait for the answer to the probe"
        assert "'breaker/probes': 1" in done.output
        assert done.status == 4, "one was refused before the breaker opened"

    def test_a_host_that_goes_on_blocking_is_left_alone(self, origin: Origin, crawl_url: str) -> None:
        origin.misbehave = script = Script([None], after=lambda _asked: FORBIDDEN)
        done = crawl(origin, "BREAKER_BLOCKS=2", "BREAKER_PAUSE=0.4", "BREAKER_TRIES=2", dry_run=False)
        assert done.status == 4
        assert len(script.times) == 1 + 2 + 2
        assert [pause > 0.35 for pause in script.pauses] == [False, False, True, True]
        assert "not asked for: 127.0.0.1" in done.last_line
        with psycopg.connect(crawl_url) as connection:
            [(outcome, gaps)] = connection.execute("SELECT outcome, gaps FROM crawl_runs").fetchall()
        assert outcome == "blocked"
        assert sorted(gap["subject"] for gap in gaps) == sorted(origin.shows)[1:]
        assert all(gap["blocked"] for gap in gaps)
        assert "Traceback" not in done.output

    def test_a_challenge_is_the_end_at_once(self, origin: Origin) -> None:
        origin.misbehave = script = Script([CHALLENGE])
        done = crawl(origin)
        assert done.status == 4
        assert len(script.times) == 1

    def test_which_blocks_are_the_end_is_a_setting(self, origin: Origin) -> None:
        origin.misbehave = Script([CHALLENGE])
        done = crawl(origin, "BREAKER_FINAL=", "BREAKER_BLOCKS=1", "BREAKER_PAUSE=0.1")
        assert done.status == 0, done.output

    def test_blocks_that_are_not_in_a_row_change_nothing_for_the_others(self, origin: Origin) -> None:
        origin.misbehave = script = Script([FORBIDDEN, None, FORBIDDEN, None, FORBIDDEN, MISSING, FORBIDDEN])
        done = crawl(origin, "BREAKER_BLOCKS=2", "DOWNLOAD_DELAY=0.2")
        assert len(script.times) == 8
        assert "breaker/opened" not in done.output
        assert "3 episodes" in done.last_line

    def test_a_probe_that_meets_trouble_is_followed_by_another(self, origin: Origin) -> None:
        origin.misbehave = script = Script([FORBIDDEN, Reply(b"", 500), Reply(b"", 500)])
        done = crawl(origin, "BREAKER_BLOCKS=1", "BREAKER_PAUSE=0.2", "RETRY_TIMES=1")
        assert done.status == 3
        assert "has trouble of its own (500)" in done.last_line
        assert "7 episodes" in done.last_line
        assert len(script.times) == 10

    def test_a_run_that_waits_can_be_stopped(self, origin: Origin) -> None:
        origin.misbehave = script = Script([FORBIDDEN])
        command = [
            sys.executable, "-m", "scrapy", "crawl", "imdb_episodes", "-a", "dry_run=true",
            "-a", f"shows={','.join(origin.shows)}", *origin.settings("graphql"),
            "-s", "BREAKER_BLOCKS=1", "-s", "BREAKER_PAUSE=60",
        ]  # fmt: skip
        with subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stderr=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + 30
            while not script.times and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            _, output = process.communicate(timeout=10)
        assert process.returncode == 4
        assert "the run was stopped" in output.splitlines()[-1]


class TestBudget:
    def test_what_is_over_it_is_a_gap(self, origin: Origin) -> None:
        done = crawl(origin, "REQUEST_BUDGET=4", one_by_one=False)
        assert done.status == 3
        assert len(origin.asked) == 4, "robots.txt is one of them"
        assert "3 episodes not stored" in done.last_line
        assert "the run's 4 requests are used up" in done.last_line
        assert "'outcome/not_asked': 5" in done.output

    def test_retries_count(self, origin: Origin) -> None:
        origin.misbehave = Script([Reply(b"", 500)] * 2)
        done = crawl(origin, "REQUEST_BUDGET=5", "RETRY_TIMES=5")
        assert len(origin.asked) == 5
        assert done.status == 3

    def test_there_is_none_by_default(self, origin: Origin) -> None:
        assert crawl(origin).status == 0
        assert len(origin.asked) == 9

    def test_one_that_fits_exactly(self, origin: Origin) -> None:
        assert crawl(origin, "REQUEST_BUDGET=9").status == 0


def test_the_answers_of_the_script_are_those_of_the_origin(origin: Origin) -> None:
    """The stand-in for IMDb tells shows apart, or the counts above would mean nothing."""
    crawl(origin)
    asked = [json.loads(asked.body)["variables"]["id"] for asked in origin.asked if asked.method == "POST"]
    assert sorted(asked) == sorted(origin.shows)
