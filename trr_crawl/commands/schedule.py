"""`scrapy schedule …`: schedules of crawls, which `scrapy scheduler` works."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from psycopg import Connection
from rich.table import Table
from scrapy.exceptions import UsageError
from scrapy.spiderloader import get_spider_loader

from trr_crawl import cli, database
from trr_crawl.clock import Clock
from trr_crawl.errors import UserError
from trr_crawl.fleet import engine, scheduler, schedules
from trr_crawl.fleet.schedules import Schedule
from trr_crawl.spiders.base import CatalogSpider

ACTIONS = "list | add | pause | resume | run | remove | runs"


class Command(cli.CatalogCommand):
    """`scrapy schedule add nightly imdb_episodes -a due=true --cron '0 3 * * *' --zone Europe/Berlin --workers 2`."""

    def syntax(self) -> str:
        return f"[options] {ACTIONS} [name] [spider]"

    def short_desc(self) -> str:
        return "Keep schedules of crawls"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "-a", dest="spargs", action="append", default=[], metavar="NAME=VALUE", help="an argument of the spider"
        )
        parser.add_argument(
            "--setting", action="append", default=[], metavar="NAME=VALUE", help="a setting of the crawl"
        )
        parser.add_argument("--cron", help="when: minute, hour, day, month, day of the week")
        parser.add_argument("--zone", default="UTC", help="the time zone of that (default: UTC)")
        parser.add_argument("--workers", type=int, default=1, help="so many jobs at once share what is due")
        parser.add_argument("--limit", type=int, default=20, help="so many runs (default: 20)")

    def work(self, connection: Connection[Any], args: list[str], opts: argparse.Namespace) -> None:
        action, *rest = args or ["list"]
        try:
            match action, rest:
                case "list", []:
                    self._list(connection)
                case "runs", [] | [_]:
                    self._runs(connection, rest[0] if rest else None, opts.limit)
                case "add", [name, spider]:
                    self._add(connection, name, spider, opts)
                case "pause", [name]:
                    schedules.pause(connection, name)
                    print(f"{name} makes no more runs. Resume it: scrapy schedule resume {name}")
                case "resume", [name]:
                    schedules.resume(connection, name, self._clock().now())
                    print(f"{name} goes on: next {self._next(schedules.named(connection, name))}")
                case "remove", [name]:
                    schedules.remove(connection, name)
                    print(f"{name} is removed; its history stays.")
                case "run", [name]:
                    made = scheduler.run_now(connection, name, self._clock().now())
                    connection.commit()
                    engine.prepare(database.url())
                    engine.wake(database.url())
                    print(f"{name}: {len(made)} job(s) wait for the scheduler.")
                case _:
                    raise UsageError(f"say what to do: {ACTIONS}", print_help=False)
        except UserError as error:
            self.fail(str(error))

    def _clock(self) -> Clock:
        assert self.settings is not None
        return Clock.starting(self.settings.get("CLOCK", ""))

    def _add(self, connection: Connection[Any], name: str, spider: str, opts: argparse.Namespace) -> None:
        if not opts.cron:
            raise UsageError("say when: --cron '0 3 * * *'", print_help=False)
        given = _pairs(opts.spargs)
        self._check_spider(spider, given)
        schedule = Schedule(
            name=name,
            spider=spider,
            args=given,
            settings=_pairs(opts.setting),
            cron=opts.cron,
            time_zone=opts.zone,
            workers=opts.workers,
        )
        added = schedules.add(connection, schedule, self._clock().now())
        print(f"{name}: next {self._next(added)}")

    def _check_spider(self, name: str, given: Mapping[str, str]) -> None:
        assert self.settings is not None
        loader = get_spider_loader(self.settings)
        if name not in loader.list():
            raise schedules.ScheduleError(f"There is no spider {name}; there are {', '.join(loader.list())}.")
        spider = loader.load(name)
        if issubclass(spider, CatalogSpider):
            spider.read_arguments(given)

    def _next(self, schedule: Schedule) -> str:
        return f"{schedule.next_slot(self._clock().now()):%Y-%m-%d %H:%M} UTC"

    def _list(self, connection: Connection[Any]) -> None:
        table = Table("name", "spider", "arguments", "when", "zone", "workers", "next")
        for schedule in schedules.listed(connection):
            told = " ".join(f"{name}={value}" for name, value in schedule.args.items())
            when = "paused" if schedule.paused_at else self._next(schedule)
            table.add_row(
                schedule.name,
                schedule.spider,
                told,
                schedule.cron,
                schedule.time_zone,
                str(schedule.workers),
                when,
            )
        cli.show(table)

    def _runs(self, connection: Connection[Any], name: str | None, limit: int) -> None:
        table = Table("schedule", "time", "worker", "state", "node", "attempts", "outcome", "why")
        for row in connection.execute(
            """
            SELECT name, to_char(slot_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), worker, state, node, attempts,
                   outcome, reason
            FROM schedule_runs run JOIN schedules ON schedules.id = schedule_id
            WHERE %(name)s::text IS NULL OR name = %(name)s ORDER BY slot_at DESC, name, worker LIMIT %(limit)s
            """,
            {"name": name, "limit": limit},
        ):
            table.add_row(*(cli.short("" if value is None else str(value), 100) for value in row))
        cli.show(table)


def _pairs(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise schedules.ScheduleError(f"{text!r} is not NAME=VALUE.")
        found[name] = value
    return found
