"""The scheduler's engine: its tables, and a database that goes away at midnight."""

from __future__ import annotations

import asyncio
import contextlib
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

import psycopg
import pytest
from psycopg import sql
from scrapy.commands import ScrapyCommand
from scrapy.utils.project import get_project_settings
from scrapyd_nodes import FakeNode

from support import Server, scrapy
from trr_crawl.clock import Clock
from trr_crawl.commands.schedule import Command as ScheduleCommand
from trr_crawl.commands.scheduler import Command as SchedulerCommand
from trr_crawl.fleet import engine, schedules
from trr_crawl.fleet.engine import EngineError, prepare
from trr_crawl.fleet.nodes import Node
from trr_crawl.fleet.scheduler import run_now
from trr_crawl.fleet.schedules import Schedule

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


MIGRATIONS = files("procrastinate").joinpath("sql", "migrations")
NAMES = sorted(path.name for path in MIGRATIONS.iterdir() if path.name.endswith(".sql"))


def comment(connection: psycopg.Connection[tuple[str, ...]]) -> str | None:
    row = connection.execute("SELECT obj_description('procrastinate'::regnamespace, 'pg_namespace')").fetchone()
    return row[0] if row else None


def test_its_tables_are_made_once_and_beside_ours(catalog_url: str) -> None:
    prepare(catalog_url)
    prepare(catalog_url)
    with psycopg.connect(catalog_url) as connection:
        assert comment(connection) == NAMES[-1]
        found = connection.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'procrastinate_jobs'").fetchall()
        assert found == [("procrastinate",)]


def test_older_tables_are_brought_up_to_date_and_newer_ones_refused(catalog_url: str) -> None:
    with psycopg.connect(catalog_url, autocommit=True, options="-c search_path=procrastinate") as connection:
        connection.execute("CREATE SCHEMA procrastinate")
        for name in NAMES[:20]:
            connection.execute(MIGRATIONS.joinpath(name).read_bytes())
        connection.execute(sql.SQL("COMMENT ON SCHEMA procrastinate IS {}").format(sql.Literal(NAMES[19])))
        prepare(catalog_url)
        assert comment(connection) == NAMES[-1]
        assert connection.execute("SELECT to_regproc('procrastinate.procrastinate_retry_job_v2')").fetchone() != (None,)
        connection.execute("COMMENT ON SCHEMA procrastinate IS '99.00.00_01_later.sql'")
        with pytest.raises(EngineError, match=r"have the migration 99\.00\.00_01_later\.sql, which procrastinate"):
            prepare(catalog_url)


def test_a_user_who_may_not_make_them_is_told_what_to_grant(system_server: Server) -> None:
    url = system_server.create("granting", "template")
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE weak LOGIN")
        with pytest.raises(EngineError, match="weak may not make the engine's tables: GRANT CREATE ON DATABASE grant"):
            prepare(url.replace("postgres@", "weak@"))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("GRANT CREATE ON DATABASE granting TO weak")
        prepare(url.replace("postgres@", "weak@"))
    finally:
        system_server.drop("granting")


async def until(what: Callable[[], bool], seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 - it is other processes that change it
            await asyncio.sleep(0.1)


def rename(server: Server, old: str, new: str) -> None:
    """Take a database away from under whoever uses it."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(old)))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [old])
        for attempt in range(20):
            with contextlib.suppress(psycopg.errors.ObjectInUse):
                connection.execute(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
                )
                break
            assert attempt < 19
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(new)))


def test_a_database_that_is_away_at_midnight_costs_one_run_nothing_and_makes_none_twice(
    embedded_server: Server, crawl_url: str, nodes: tuple[list[FakeNode], list[Node]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "AWAY", (0.2, 0.4))
    monkeypatch.setattr(engine, "PATIENCE", 1.0)
    name = crawl_url.partition("?")[0].rpartition("/")[2]
    fakes, real = nodes
    told: list[str] = []

    def jobs() -> int:
        return sum(len(fake.jobs) for fake in fakes)

    async def nights() -> None:
        with psycopg.connect(crawl_url) as connection:
            schedule = Schedule(
                name="nightly", spider="imdb_episodes", args={"due": "true"}, cron="0 3 * * *", workers=2
            )
            schedules.add(connection, schedule, LONG_AGO)
        rename(embedded_server, name, "gone")
        worker = asyncio.create_task(engine.work(crawl_url, real, Clock(), tell=told.append))
        try:
            await until(lambda: len(told) >= 2)
            rename(embedded_server, "gone", name)
            await until(lambda: jobs() == 2)
            # Away again, in the middle of its work, and back.
            told.clear()
            await asyncio.to_thread(rename, embedded_server, name, "gone")
            await until(lambda: bool(told), 90)
            await asyncio.to_thread(rename, embedded_server, "gone", name)
            await asyncio.to_thread(finish_and_run_again)
            await until(lambda: jobs() == 4, 90)
        finally:
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker

    def finish_and_run_again() -> None:
        with psycopg.connect(crawl_url) as connection:
            connection.execute("UPDATE schedule_runs SET state = 'finished', finished_at = now()")
            run_now(connection, "nightly", datetime.now(UTC))

    asyncio.run(nights())
    assert all("The database cannot be used, next try in" in sentence for sentence in told)
    with psycopg.connect(crawl_url) as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT slot_at) FROM schedule_runs").fetchone() == (4, 2)


@dataclass
class Commands:
    """Runs the project's commands in this process."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, command: ScrapyCommand, *given: str) -> tuple[int, str]:
        """The exit status, and what was said."""
        command.settings = get_project_settings()
        parser = ArgumentParser()
        command.add_options(parser)
        options, args = parser.parse_known_args(given)
        command.run(args, options)
        told = self.capsys.readouterr()
        return command.exitcode, told.out + told.err


def test_the_commands_add_list_pause_and_refuse(crawl_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = Commands(capsys)
    add = ("add", "nightly", "imdb_episodes", "-a", "due=true", "--cron", "0 3 * * *")
    assert "nightly: next " in scrapy("schedule", *add, "--zone", "Europe/Berlin", "--workers", "2").output
    assert "makes no more runs" in run(ScheduleCommand(), "pause", "nightly")[1]
    status, listed = run(ScheduleCommand())
    assert status == 0
    assert "due=true" in listed
    assert "paused" in listed
    for mistake, words in (
        (add, "There is a schedule nightly already"),
        (("add", "x", "imdb_nothing", "--cron", "0 3 * * *"), "There is no spider imdb_nothing"),
        (("add", "x", "imdb_episodes", "-a", "shw=1", "--cron", "0 3 * * *"), "has no argument 'shw'"),
        (("run", "daily"), "There is no schedule daily"),
    ):
        status, told = run(ScheduleCommand(), *mistake)
        assert status == 1
        assert words in told
    status, told = run(SchedulerCommand())
    assert status == 1
    assert "set SCRAPYD_NODES" in told
    with psycopg.connect(crawl_url) as connection:
        assert connection.execute(
            "SELECT (SELECT count(*) FROM schedules), count(*) FROM schedule_runs"
        ).fetchone() == (1, 0)
