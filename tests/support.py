"""What tests share: servers, processes, and where things are."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent
CAPTURES = ROOT.parent / "shared" / "captures"


def lacking(what: str) -> None:
    """Skip a test whose program is not on this machine; in CI, where all of them are installed, fail."""
    if os.environ.get("CI"):
        pytest.fail(f"CI must have it: {what}")
    pytest.skip(what)


def chromium() -> str:
    """The path of a browser."""
    found = os.environ.get("PLAYWRIGHT_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        lacking("no Chromium: install one, or name it by PLAYWRIGHT_CHROMIUM")
    assert found is not None
    return found


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL server with a migrated template."""

    url: str
    """Of its maintenance database."""
    with_name: Callable[[str], str]
    """The URL of another of its databases."""

    def create(self, name: str, template: str | None = None) -> str:
        """Create a database, empty or as a copy; returns its URL."""
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)
        return self.with_name(name)

    def drop(self, name: str) -> None:
        """Drop a database, whoever uses it."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@dataclass(frozen=True)
class Crawl:
    """A finished `scrapy` process."""

    status: int
    output: str

    @property
    def last_line(self) -> str:
        """The last line of its log."""
        return self.output.rstrip().splitlines()[-1]


def scrapy(*arguments: str | Path, timeout: float = 120, **environment: str) -> Crawl:
    """Run the project's `scrapy` as a user does, warnings being errors."""
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Crawl(done.returncode, done.stdout)


def crawl_episodes(*arguments: str | Path, **environment: str) -> Crawl:
    """`scrapy crawl imdb_episodes …`."""
    return scrapy("crawl", "imdb_episodes", *arguments, **environment)


def free_port() -> int:
    """A TCP port on loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


TIMES_AND_IDS = {"id", "entity_id", "show_id", "season_id", "run_id", "created_at", "updated_at", "first_seen_at"}
TIMES_AND_IDS |= {"seen_at", "changed_at"}

STATE = {
    "source_records": "SELECT * FROM source_records ORDER BY source, kind, key",
    "external_ids": "SELECT kind, source, value FROM external_ids ORDER BY kind, source, value",
    "shows": """
        SELECT external_ids.value AS "key", shows.* FROM shows
        JOIN external_ids ON entity_id = shows.id ORDER BY source, value
    """,
    "people": """
        SELECT external_ids.value AS "key", people.* FROM people
        JOIN external_ids ON entity_id = people.id ORDER BY source, value
    """,
    "seasons": """
        SELECT external_ids.value AS show, seasons.* FROM seasons
        JOIN external_ids ON entity_id = show_id ORDER BY source, value, season_number
    """,
    "episodes": """
        SELECT of_episode.value AS "key", of_show.value AS show, seasons.season_number AS in_season, episodes.*
        FROM episodes JOIN external_ids of_episode ON of_episode.entity_id = episodes.id
        JOIN external_ids of_show ON of_show.entity_id = episodes.show_id
        LEFT JOIN seasons ON seasons.id = season_id ORDER BY of_episode.value, of_show.value
    """,
    "inserts": """
        SELECT kind, count(*) AS inserts, count(DISTINCT entity_id) AS entities FROM changes WHERE op = 'insert'
        GROUP BY kind ORDER BY kind
    """,
    "orphans": """
        SELECT count(*) AS orphans FROM source_records WHERE entity_id NOT IN (
            SELECT id FROM shows UNION ALL SELECT id FROM seasons UNION ALL SELECT id FROM episodes
            UNION ALL SELECT id FROM people)
    """,
}


def catalog_state(url: str) -> dict[str, list[dict[str, object]]]:
    """Everything that the catalog holds, surrogate ids and times aside."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return {
            name: [
                {column: value for column, value in row.items() if column not in TIMES_AND_IDS}
                for row in connection.execute(query)
            ]
            for name, query in STATE.items()
        }


def in_a_process(function: Callable[..., T], *arguments: object) -> T:
    """Call a function in a fresh interpreter: a reactor can be started only once in a process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result(timeout=60)
