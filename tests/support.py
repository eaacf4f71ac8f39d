"""What tests share: servers, processes, and where things are."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

import forked
import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

T = TypeVar("T")

Schema: TypeAlias = list[tuple[Any, ...]]

ROOT = Path(__file__).resolve().parent.parent
CAPTURES = ROOT.parent / "shared" / "captures"

_numbers = count(1)


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


@dataclass
class Server:
    """A running PostgreSQL server with a migrated template."""

    url: str
    """Of its maintenance database."""
    with_name: Callable[[str], str]
    """The URL of another of its databases."""
    crash: Callable[[], None] | None = None
    """Stop it as a crash does, and start it again."""
    _free: list[str] = field(default_factory=list)
    _migrated: Schema | None = None

    def create(self, name: str, template: str | None = None) -> str:
        """Create a database, empty or as a copy; returns its URL."""
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)
        return self.with_name(name)

    def take(self) -> str:
        """The URL of a migrated, empty database: one that was put back, or a new one."""
        if self._free:
            return self.with_name(self._free.pop())
        return self.create(f"test_{next(_numbers)}", "template")

    def put_back(self, url: str) -> None:
        """Empty a database, whoever uses it, for the next one who takes it: many times faster than another copy.

        One whose schema was changed is dropped.
        """
        name = urlsplit(url).path[1:]
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            is_as_new = empty(url) == self._schema()
        except psycopg.Error:
            is_as_new = False
        if is_as_new:
            self._free.append(name)
        else:
            self.drop(name)

    def _schema(self) -> Schema:
        if self._migrated is None:
            url = self.create("unchanged", "template")
            self._migrated = empty(url)
            self._free.append("unchanged")
        return self._migrated

    def drop(self, name: str) -> None:
        """Drop a database, whoever uses it."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def empty(url: str) -> Schema:
    """Make a migrated database as good as new; returns what its schema is made of."""
    with psycopg.connect(url, autocommit=True) as connection:
        # No foreign key is looked at, and statistics go too. TRUNCATE would make every file of every index anew.
        connection.execute("SET session_replication_role = replica; SET allow_system_table_mods = on")
        connection.execute(_EMPTY)
        return connection.execute(_SCHEMA).fetchall()


_EMPTY = """
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                AND relname NOT IN ('alembic_version', 'search_progress') AND pg_relation_size(oid) > 0 LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
    UPDATE search_progress SET seq = 0;
    PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)
    FROM pg_sequences WHERE schemaname = 'public';
    DELETE FROM pg_statistic WHERE starelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace);
END $$
"""

_SCHEMA = """
SELECT relkind::text, relname, relnatts, relowner::regrole::text FROM pg_class
WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
UNION ALL SELECT 'function', proname, pronargs, md5(prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger', tgname, tgtype, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'constraint', conname, 0, conrelid::regclass::text FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'setting', setting, 0, '' FROM pg_db_role_setting, unnest(setconfig) setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT 'revision', version_num, 0, '' FROM alembic_version
ORDER BY 1, 2, 3, 4
"""


@dataclass(frozen=True)
class Crawl:
    """A finished `scrapy` process."""

    status: int
    output: str

    @property
    def last_line(self) -> str:
        """The last line of its log."""
        return self.output.rstrip().splitlines()[-1]


def system_postgres() -> Path:
    """The programs of the oldest PostgreSQL that the system has, 15 or later."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin/postgres") if int(path.parts[-3]) >= 15]
    if not found:
        lacking("no PostgreSQL under /usr/lib/postgresql")
    return min(found, key=lambda path: int(path.parts[-3])).parent


@contextmanager
def system_cluster(name: str) -> Iterator[Server]:
    """A new server of the system's PostgreSQL, as a user would set it up: without a role or database of ours."""
    binaries = system_postgres()
    folder = Path("/tmp") / f"trr-{name}-{os.getpid()}"  # short: a socket's path holds 107 characters
    folder.mkdir(mode=0o755)
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    port = free_port()
    run: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run(
        [*as_user, binaries / "initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres", "--no-sync"], **run
    )
    options = f"-k {folder} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = [*as_user, binaries / "pg_ctl", "-w", "-D", folder / "data"]
    started = ["-o", options, "-l", folder / "log"]
    subprocess.run([*control, *started, "start"], **run)
    try:
        yield Server(
            f"postgresql://postgres@127.0.0.1:{port}/postgres",
            lambda name: f"postgresql://postgres@127.0.0.1:{port}/{name}",
            lambda: subprocess.run([*control, "-m", "immediate", *started, "restart"], **run),
        )
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **run)
        shutil.rmtree(folder)


def scrapy(*arguments: str | Path, timeout: float = 120, **environment: str) -> Crawl:
    """Run the project's `scrapy` as a user does, warnings being errors."""
    return Crawl(*forked.scrapy(list(map(str, arguments)), ROOT, {**os.environ, **environment}, timeout))


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
