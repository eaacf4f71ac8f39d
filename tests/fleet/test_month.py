"""A month of nights over an origin that fails and blocks: each show is crawled when it is due, and only then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from in_process import scrapy
from receiver import SECRET, Receiver, receiving

from support import ROOT
from trr_crawl.catalog.due import DUE

sys.path.insert(0, str(Path(__file__).parent))
from month import AIRING, BETWEEN, BLOCKED, BROKEN, ENDED, FRAGILE, KILLED, LAYOUT_CHANGED, MISSED, NIGHTS


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Whoever is told what is found in the month."""
    with receiving() as started:
        yield started


@pytest.fixture
def month(crawl_url: str, receiver: Receiver) -> list[dict[str, Any]]:
    """What each night came to."""
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests", ROOT / "tests" / "fleet")))
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("month.py")],
        env={
            **os.environ,
            "DATABASE_URL": crawl_url,
            "ALERTS": f"pager={receiver.url}/hook",
            "ALERTS_SECRET": SECRET,
            "PYTHONPATH": paths,
            "SCRAPY_SETTINGS_MODULE": "trr_crawl.settings",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    nights: list[dict[str, Any]] = json.loads(done.stdout)
    return nights


def test_each_show_is_crawled_when_it_is_due_and_only_then(
    month: list[dict[str, Any]], receiver: Receiver, crawl_url: str
) -> None:
    assert len(month) == NIGHTS
    for number, night in enumerate(month):
        assert night["made"] == 2, f"night {number}: both workers' runs, once, however often the scheduler looks"
        assert night["left"] == 0
        due_tonight = {subject for subject, reason in night["reasons"].items() if reason in DUE}
        assert max(Counter(night["asked"]).values(), default=1) == 1, f"night {number}: something was asked for twice"
        if number not in BLOCKED:
            assert set(night["asked"]) == due_tonight, f"night {number}: {night['reasons']}"
        assert all(night["sentences"])
    crawled = {
        key: [number for number, night in enumerate(month) if key in night["asked"]]
        for key in (AIRING, BETWEEN, ENDED, FRAGILE)
    }
    reasons = {key: [night["reasons"][key] for night in month] for key in crawled}

    assert crawled == {
        # Every other night, and the night after an episode (of a Wednesday) was out. Blocked in the nights 11 and 12,
        # then left alone for a night. Night 19 was made up at noon, so that the next one is later, too.
        AIRING: [0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 18, 19, 22, 24, 26, 28],
        # Every two weeks between seasons.
        BETWEEN: [0, 14, 28],
        # Not again this month, but for the run that died with it.
        ENDED: [0, KILLED],
        # Failed in the nights 6 and 7, then left alone for a night; episodes on Sundays.
        FRAGILE: [0, 2, 4, 6, 7, 9, 11, 12, 14, 16, 18, 20, 22, 23, 25, 27, 29],
    }
    assert reasons[ENDED][KILLED] == "lease-ran-out"
    assert [reasons[AIRING][number] for number in (5, 12, 13, 14, 19)] == [
        "new-episode", "blocked-retry", "backing-off", "blocked-retry", "new-episode",
    ]  # fmt: skip
    assert [reasons[FRAGILE][number] for number in (2, 6, 7, 8, 9)] == [
        "new-episode", "stale-airing", "failed-retry", "backing-off", "failed-retry",
    ]  # fmt: skip
    for number, night in enumerate(month):
        blocked, failed = number in BLOCKED, number in BROKEN and FRAGILE in night["asked"]
        assert "ok" in night["outcomes"] or blocked
        assert ("blocked" in night["outcomes"]) == blocked
        assert bool({"failed", "partial"} & set(night["outcomes"])) == failed
        # Every bad night has its findings, and no good one has any.
        assert night["findings"] == [
            *([["blocked", ""]] if blocked else []),
            *([["failed", ""]] if "failed" in night["outcomes"] else []),
            *([["fields_fell", "imdb episode overview"]] if number in LAYOUT_CHANGED else []),
            *([["late", ""]] if number == MISSED else []),
        ], number

    with psycopg.connect(crawl_url) as connection:
        found = connection.execute("SELECT id, rule, subject FROM crawl_findings ORDER BY id").fetchall()
        still_so = connection.execute(
            "SELECT DISTINCT scope || '|' || rule || '|' || subject FROM crawl_findings WHERE resolved_at IS NULL"
        ).fetchall()
        kept = connection.execute(
            "SELECT timeline, stats -> 'responses' FROM crawl_runs WHERE outcome = 'ok' AND requests > 0"
        ).fetchall()
    for timeline, responses in kept:
        assert timeline[0] == [0, 0, 0, 0]
        assert timeline[-1][1] > 0
        assert responses["count"] == len(responses["slowest"]) > 0

    # Each bad night has its alert; who goes by them knows what is still so.
    opened = [got.body["data"] for got in receiver.taken if got.event[0] == "opened"]
    assert [(one["finding"], one["rule"], one["subject"]) for one in opened] == found
    state = {got.body["data"]["key"]: got.event[0] for got in receiver.taken}
    assert sorted(key for key, event in state.items() if event == "opened") == sorted(key for (key,) in still_so)
    assert [one["rule"] for one in opened if one["rule"] == "late"] == ["late"]
    assert len(receiver.asked) == len({got.id for got in receiver.taken})

    explained = scrapy("due", "--explain", f"show={ENDED}", "--at", "2026-12-01")
    assert explained.status == 0
    assert "the last good crawl is young enough" in explained.output
    listed = scrapy("due", "imdb_episodes", "--at", "2027-06-01")
    assert "imdb_episodes: 4 due" in listed.output
