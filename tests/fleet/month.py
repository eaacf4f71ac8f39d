"""A month of nightly crawls in one process, by a clock that is moved: the spider, the store, the database are real."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
from origin import Asked, Origin, Reply, json_reply, serving
from schedule_runs import send
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.settings import Settings
from scrapy.utils.reactor import install_reactor

from samples.imdb_pages import SampleEpisode, SampleShow
from trr_crawl import database
from trr_crawl.catalog import due
from trr_crawl.clock import Clock
from trr_crawl.fleet import schedules, watchdog
from trr_crawl.fleet.nodes import Load, Node
from trr_crawl.fleet.scheduler import make_runs
from trr_crawl.fleet.schedules import Schedule

FIRST = datetime(2026, 11, 1, 3, tzinfo=UTC)
NIGHTS = 30
AIRING, BETWEEN, ENDED, FRAGILE = "tt99100001", "tt99100002", "tt99100003", "tt99100004"
BROKEN, BLOCKED = range(5, 8), range(11, 13)
"""Nights, counted from 0, on which the origin fails for FRAGILE, and refuses to talk to us at all."""
MISSED, KILLED = 19, 24
"""The night on which nobody is there, and the one after a run was killed with ENDED in its hands."""
LAYOUT_CHANGED = range(26, 28)
"""Nights on which pages have no plots where we look for them."""


def show(key: str, days: list[date], end_year: int | None = None) -> SampleShow:
    episodes = tuple(
        SampleEpisode(
            id=f"tt98{key[-2:]}{number:04d}",
            season=1,
            number=number,
            title=f"Week {number}",
            plot="It rains.",
            released=day,
        )
        for number, day in enumerate(days, 1)
    )
    start = min(days).year
    return SampleShow(
        id=key, title=f"Show {key}", plot="Weeks.", start_year=start, end_year=end_year, episodes=episodes
    )


SHOWS = (
    show(AIRING, [date(2026, 10, 21) + timedelta(weeks=week) for week in range(10)]),
    show(BETWEEN, [date(2026, 3, 4), date(2026, 3, 11)]),
    show(ENDED, [date(2018, 3, 4), date(2018, 3, 11)], 2018),
    show(FRAGILE, [date(2026, 10, 25) + timedelta(weeks=week) for week in range(10)]),
)


def without_plots(show: SampleShow) -> SampleShow:
    return replace(show, episodes=tuple(replace(episode, plot=None) for episode in show.episodes))


class Here(Node):
    """A node whose jobs run in this process."""

    taken: list[tuple[str, Mapping[str, str], Mapping[str, str]]] = []

    def load(self) -> Load:
        return Load(0, len(self.taken))

    def schedule(self, spider: str, job_id: str, args: Mapping[str, str], settings: Mapping[str, str]) -> None:
        self.taken.append((spider, {**args, "_job": job_id}, settings))


async def night(number: int, url: str, origin: Origin) -> dict[str, Any]:
    """What one night came to."""
    now = FIRST + timedelta(days=number)
    if number == MISSED:
        now += timedelta(hours=9)  # the database is back at noon

    def misbehave(asked: Asked) -> Reply | None:
        if number in BLOCKED:
            return Reply(b"Forbidden", 403)
        if number in BROKEN and asked.method == "POST" and json.loads(asked.body)["variables"]["id"] == FRAGILE:
            return json_reply({"data": {"title": None}})
        return None

    origin.misbehave = misbehave
    origin.shows = {one.id: without_plots(one) if number in LAYOUT_CHANGED else one for one in SHOWS}
    origin.asked.clear()
    node = Here("here:")
    with psycopg.connect(url) as connection:
        if number == KILLED:
            with connection.transaction():
                connection.execute("UPDATE crawl_states SET ok_at = '2026-01-01' WHERE subject = %s", [ENDED])
            killed = due.Queue("imdb_episodes", uuid4(), due.Wish(subjects=[ENDED]))
            assert killed.take(connection, now, limit=1) == [ENDED]
            connection.execute("UPDATE crawl_leases SET expires_at = now() - interval '1 second'")
            connection.commit()
        [(found_before,)] = connection.execute("SELECT coalesce(max(id), 0) FROM crawl_findings").fetchall()
        decided = due.decide(connection, "imdb_episodes", now, all_of_them=True)
        made = sum(len(make_runs(connection, now + timedelta(minutes=minute))) for minute in (0, 1, 30))
        connection.commit()
        send(connection, [node])
        jobs, Here.taken = Here.taken, []
        settings = Settings()
        settings.setmodule("trr_crawl.settings", "project")
        for pair in origin.settings("graphql")[1::2]:
            settings.set(*pair.split("=", 1), priority="cmdline")
        settings.set("CLOCK", now.isoformat(), "cmdline")
        settings.set("DUE_BATCH", 1, "cmdline")
        settings.set("RETRY_ENABLED", False, "cmdline")
        runner = AsyncCrawlerRunner(settings)
        await asyncio.gather(*(runner.crawl(spider, **args) for spider, args, _ in jobs))
        left = watchdog.look(connection, [node])
        outcomes = connection.execute(
            "SELECT run.outcome FROM schedule_runs run WHERE finished_at > now() - interval '1 hour' "
            "AND slot_at > %s ORDER BY worker",
            [now - timedelta(hours=20)],
        ).fetchall()
        findings = connection.execute(
            "SELECT DISTINCT rule, subject FROM crawl_findings WHERE id > %s ORDER BY rule", [found_before]
        ).fetchall()
    asked = [json.loads(one.body)["variables"]["id"] for one in origin.asked if one.method == "POST"]
    return {
        "made": made,
        "left": left,
        "asked": asked,
        "outcomes": [row[0] for row in outcomes],
        "findings": findings,
        "reasons": {one.subject: one.reason for one in decided},
        "sentences": [one.sentence() for one in decided],
    }


async def month(url: str) -> list[dict[str, Any]]:
    """All nights."""
    with psycopg.connect(url) as connection:
        for sample in SHOWS:
            connection.execute(
                "WITH added AS (INSERT INTO shows (title, end_year) VALUES (%s, %s) RETURNING id) "
                "INSERT INTO external_ids (kind, source, value, entity_id) SELECT 'show', 'imdb', %s, id FROM added",
                [sample.title, sample.end_year, sample.id],
            )
        schedule = Schedule(name="nightly", spider="imdb_episodes", args={"due": "true"}, cron="0 3 * * *", workers=2)
        schedules.add(connection, schedule, Clock(FIRST - timedelta(hours=1)).now())
    with serving(Origin(*(replace(sample) for sample in SHOWS))) as origin:
        return [await night(number, url, origin) for number in range(NIGHTS)]


def main() -> None:
    install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred

    told: list[Any] = []
    deferred = Deferred.fromFuture(asyncio.get_event_loop().create_task(month(database.url())))
    deferred.addBoth(told.append)
    deferred.addBoth(lambda _: reactor.stop())
    reactor.run()
    if not isinstance(told[0], list):
        told[0].raiseException()
    json.dump(told[0], sys.stdout)


if __name__ == "__main__":
    main()
