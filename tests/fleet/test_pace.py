"""One pace a host for all nodes, and what a node does that cannot ask for it."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from origin import Asked, Origin, Reply, serving
from psycopg import Connection
from scrapy.exceptions import NotConfigured
from scrapy.http import Request
from scrapy.utils.test import get_crawler

from samples.harbour_hearts import SHOW, SHOW_ID
from support import ROOT, free_port
from trr_crawl.fleet.pace import next_turn
from trr_crawl.fleetwide import FleetPace
from trr_crawl.politeness import Stopped


def test_turns_of_a_host_lie_apart_whoever_takes_them(catalog_url: str) -> None:
    def take(_: int) -> list[float]:
        with psycopg.connect(catalog_url, autocommit=True) as own:
            return [time.time() + next_turn(own, "a.example", 0.05) for _ in range(10)]

    with ThreadPoolExecutor(8) as pool:
        turns = sorted(turn for got in pool.map(take, range(8)) for turn in got)
    assert turns[-1] - turns[0] >= 79 * 0.05 - 0.03
    assert sum(later - earlier for earlier, later in pairwise(turns)) / 79 >= 0.0495


def test_hosts_do_not_wait_for_each_other_and_an_idle_one_saves_nothing_up(connection: Connection[Any]) -> None:
    connection.autocommit = True
    assert next_turn(connection, "a.example", 5) == 0
    assert next_turn(connection, "b.example", 5) == 0
    assert 4.5 < next_turn(connection, "a.example", 5) <= 5
    connection.execute("UPDATE host_turns SET next_at = now() - interval '1 day'")
    assert [next_turn(connection, "a.example", 5) > 1 for _ in range(2)] == [False, True]


def test_a_turn_that_a_wrong_clock_put_far_away_is_not_waited_for(connection: Connection[Any]) -> None:
    connection.autocommit = True
    next_turn(connection, "a.example", 1)
    connection.execute("UPDATE host_turns SET next_at = now() + interval '3 days'")
    assert next_turn(connection, "a.example", 1) <= 3600


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving(Origin(SHOW)) as served:
        yield served


def test_two_crawls_at_once_send_a_host_no_more_than_one_does(origin: Origin, crawl_url: str) -> None:
    times: list[float] = []

    def note(_: Asked) -> Reply | None:
        times.append(time.monotonic())
        return None

    origin.misbehave = note
    command = [sys.executable, "-m", "scrapy", "crawl", "imdb_episodes", "-a", f"show={SHOW_ID}"]
    command += [*origin.settings("html"), "-s", "FLEET_DELAY=0.4"]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len(times) >= 6
    assert times[-1] - times[0] >= (len(times) - 1) * 0.4 - 0.1


def middleware(**settings: Any) -> FleetPace:
    crawler = get_crawler(settings_dict=settings)
    crawler._apply_settings()
    return FleetPace.from_crawler(crawler)


def test_without_the_database_it_goes_slowly_by_itself_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me:sesame@127.0.0.1:{free_port()}/trr")

    async def three() -> list[float]:
        pace = middleware(FLEET_DELAY=0.5, FLEET_ALONE=4)
        return [await pace._seconds("a.example", 0.5) for _ in range(3)]

    with caplog.at_level(logging.WARNING):
        waits = asyncio.run(three())
    assert [round(wait) for wait in waits] == [0, 2, 4]
    said = [record.getMessage() for record in caplog.records if "fleet's pace" in record.getMessage()]
    assert len(said) == 1
    assert "4 times slower" in said[0]
    assert "sesame" not in said[0]


def test_it_is_back_when_the_database_is(crawl_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def back() -> tuple[float, float]:
        pace = middleware(FLEET_DELAY=0.5)
        monkeypatch.setenv("DATABASE_URL", f"postgresql://127.0.0.1:{free_port()}/trr")
        await pace._seconds("a.example", 0.5)
        monkeypatch.setenv("DATABASE_URL", crawl_url)
        pace._away_until = 0.001  # as if the time until the next try were over
        first = await pace._seconds("a.example", 0.5)
        await pace.process_request(Request("https://unnamed.example/"))
        pace.close()
        return first, pace._away_until

    assert asyncio.run(back()) == (0.0, 0.0)


def test_a_run_that_is_stopped_does_not_send_what_waits_for_its_turn(
    crawl_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", crawl_url)
    monkeypatch.setattr("trr_crawl.fleetwide.still_running", lambda _: False)
    request = Request("https://a.example/")

    async def both() -> None:
        pace = middleware(FLEET_DELAY=60)
        await pace.process_request(request)
        try:
            await pace.process_request(request)
        finally:
            pace.close()

    with pytest.raises(Stopped, match="stopped before its turn came"):
        asyncio.run(both())


def test_a_database_that_hangs_is_asked_once_for_all_that_wait(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://127.0.0.1:{free_port()}/trr")

    async def eight() -> int:
        pace = middleware(FLEET_DELAY=0.5)
        asked = []
        ask = pace._ask
        monkeypatch.setattr(pace, "_ask", lambda *told: asked.append(told) or ask(*told))
        await asyncio.gather(*(pace._seconds("a.example", 0.5) for _ in range(8)))
        return len(asked)

    assert asyncio.run(eight()) == 1


def test_without_a_number_or_out_of_an_archive_there_is_nothing_to_wait_for() -> None:
    for settings in ({}, {"FLEET_DELAY": 1, "REPLAY": "a.warc.gz"}):
        with pytest.raises(NotConfigured):
            middleware(**settings)
