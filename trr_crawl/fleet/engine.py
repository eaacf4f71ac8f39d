"""The scheduler's process: procrastinate's worker, which looks every minute, and sooner while jobs are out.

Procrastinate keeps its tables in the schema `procrastinate` of the catalog's database; they are made, and brought up to
date, here. Any number of schedulers may run: its locks let one of them work at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final

import psycopg
from procrastinate import App, PsycopgConnector, exceptions, jobs
from psycopg import sql

from trr_crawl import database
from trr_crawl.clock import Clock
from trr_crawl.errors import UserError, one_line
from trr_crawl.fleet import dispatcher, scheduler, watchdog
from trr_crawl.fleet.nodes import Node

logger = logging.getLogger(__name__)

SCHEMA: Final = "procrastinate"
LOOK_AGAIN: Final = 5
"""Seconds until the next look, while jobs are out or wait."""
POLL: Final = 1.0
"""So often, in seconds, the worker sees whether it is time for that."""
PATIENCE: Final = 5.0
"""Seconds that it waits for a connection of its pool: more, and the database is away."""
AWAY: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds to wait, one after the other, for a database that is away."""


class EngineError(UserError):
    """The engine's tables cannot be used."""


def prepare(url: str) -> None:
    """Make the engine's tables, or bring them up to date with the version of it that is installed.

    The schema's comment names the latest of its migrations that they have. Each has its own transaction: up to
    PostgreSQL 16, a new value of an enum can be used in a later one only.
    """
    scripts = files("procrastinate").joinpath("sql")
    migrations = sorted(path.name for path in scripts.joinpath("migrations").iterdir() if path.name.endswith(".sql"))
    with database.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext('procrastinate'))")  # goes with the connection
        row = connection.execute(
            "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", [SCHEMA]
        ).fetchone()
        if row is None:
            try:
                _apply(connection, scripts.joinpath("schema.sql").read_bytes(), migrations[-1], create=True)
            except psycopg.errors.InsufficientPrivilege as error:
                raise EngineError(
                    f"{connection.info.user} may not make the engine's tables: GRANT CREATE ON DATABASE "
                    f"{connection.info.dbname} TO {connection.info.user}, until the scheduler has started once."
                ) from error
            return
        if row[0] not in migrations:
            raise EngineError(
                f"The engine's tables have the migration {row[0]}, which procrastinate {version('procrastinate')} does "
                "not know: install the newer version of it, here too."
            )
        for name in migrations[migrations.index(row[0]) + 1 :]:
            _apply(connection, scripts.joinpath("migrations", name).read_bytes(), name)


def _apply(connection: psycopg.Connection[Any], script: bytes, name: str, *, create: bool = False) -> None:
    schema = sql.Identifier(SCHEMA)
    with connection.transaction():
        if create:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        connection.execute(sql.SQL("SET LOCAL search_path = {}").format(schema))
        connection.execute(script)
        connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(schema, sql.Literal(name)))


def once(connection: psycopg.Connection[Any], nodes: Sequence[Node], clock: Clock) -> int:
    """All that there is to do now: make the runs whose time has come, look after those that are out, send those that
    wait. Returns how many are not finished."""
    scheduler.make_runs(connection, clock.now())
    working = dispatcher.probe(connection, nodes)
    watchdog.look(connection, nodes)
    dispatcher.send_waiting(connection, working)
    row = connection.execute("SELECT count(*) FROM schedule_runs WHERE finished_at IS NULL").fetchone()
    connection.commit()
    assert row is not None
    return int(row[0])


def look_around(url: str, nodes: Sequence[Node], clock: Clock) -> int:
    """`once`, unless another scheduler is at it: 0 then. Its lock goes with its connection, should it be killed."""
    # Every step is written down before the next: what a node was told must not be forgotten.
    with database.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(hashtext('scheduler'))").fetchone()
        return once(connection, nodes, clock) if row and row[0] else 0


def app(url: str, nodes: Sequence[Node] = (), clock: Clock | None = None) -> App:
    """The engine with its one task, which looks around."""
    connector = PsycopgConnector(
        conninfo=database.without_driver(url),
        kwargs={"options": f"-c search_path={SCHEMA}"},
        min_size=1,
        max_size=3,
        timeout=PATIENCE,
    )
    made = App(connector=connector)

    @made.periodic(cron="* * * * *", queueing_lock="look")
    @made.task(name="look", queueing_lock="look")
    def look(timestamp: int = 0) -> None:  # noqa: ARG001 - the minute that it is for
        if look_around(url, nodes, clock or Clock()):
            with suppress(exceptions.AlreadyEnqueued):
                look.configure(schedule_in={"seconds": LOOK_AGAIN}).defer()

    return made


def wake(url: str) -> None:
    """Let the scheduler look at once, if there is one; else when it comes."""
    with app(url).open() as opened, suppress(exceptions.AlreadyEnqueued):
        _at_once(opened).defer()


def _at_once(opened: App) -> jobs.JobDeferrer:
    return opened.configure_task("look", queueing_lock="look")


async def work(url: str, nodes: Sequence[Node], clock: Clock, *, tell: Callable[[str], None]) -> None:
    """Work until this task is cancelled or the process is told to stop. A database that goes away is waited for."""
    tries = 0
    while True:
        try:
            await asyncio.to_thread(prepare, url)
            async with app(url, nodes, clock).open_async() as opened:
                tries = 0
                for stalled in await opened.job_manager.get_stalled_jobs(seconds_since_heartbeat=60):
                    await opened.job_manager.finish_job(stalled, jobs.Status.FAILED, delete_job=True)
                with suppress(exceptions.AlreadyEnqueued):
                    await _at_once(opened).defer_async()
                await opened.run_worker_async(
                    concurrency=1,
                    fetch_job_polling_interval=POLL,
                    delete_jobs="always",
                    install_signal_handlers=True,
                    update_heartbeat_interval=10,
                )
            return
        except (psycopg.Error, database.DatabaseError, exceptions.ConnectorException) as error:
            seconds = AWAY[min(tries, len(AWAY) - 1)]
            tries += 1
            tell(f"The database cannot be used, next try in {seconds:g} s: {one_line(error)}")
            await asyncio.sleep(seconds)
