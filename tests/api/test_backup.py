"""Backup and restore, by the very commands of docs/deployment.md, from one server into another that knows nothing."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from people import acting, attempt, user
from stock import SHOW, record, stock
from support import ROOT, Server, system_cluster, system_postgres
from trr_crawl import database
from trr_crawl.catalog import write
from trr_crawl.fleet import engine


@dataclass(frozen=True)
class Kept:
    """A database whose owner is no superuser, as on a managed server, and its dump."""

    url: str
    dump: Path


def commands(heading: str) -> str:
    """The shell commands under a heading of the documentation."""
    text = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    [found] = re.findall(rf"^### {heading}$.*?^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return str(found)


def shell(heading: str, folder: Path, **urls: str) -> None:
    """Run the documentation's commands in a folder."""
    done = subprocess.run(
        ["bash", "-euc", commands(heading)],
        cwd=folder,
        env={**os.environ, **urls, "PATH": f"{system_postgres()}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def owned(server: Server) -> str:
    """The URL of the database `trr`, as its owner."""
    return server.with_name("trr").replace("postgres@", "trr@")


def tables(connection: Connection[Any]) -> list[str]:
    return [
        name
        for (name,) in connection.execute(
            "SELECT relid::regclass::text FROM pg_stat_user_tables WHERE schemaname IN ('public', 'procrastinate')"
        )
    ]


def rows(url: str) -> dict[str, tuple[int, str]]:
    """Of every table: how many rows it has, and a checksum over all of them."""
    with psycopg.connect(url) as connection:
        connection.execute("SET timezone = UTC")
        return {
            name: connection.execute(
                f"SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM {name} t".encode()
            ).fetchall()[0]
            for name in tables(connection)
        }


OURS = "('public'::regnamespace, 'procrastinate'::regnamespace)"

SCHEMA = f"""
SELECT 'policy', tablename::text, policyname::text, concat_ws(' ', cmd, roles, qual, with_check) FROM pg_policies
UNION ALL
SELECT 'table', oid::regclass::text, relkind::text,
       concat_ws(' ', relrowsecurity, relforcerowsecurity, relacl, reloptions)
FROM pg_class WHERE relnamespace IN {OURS}
UNION ALL
SELECT 'column', attrelid::regclass::text, attname::text,
       concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attacl, attcollation::regcollation)
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace IN {OURS} AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'function', oid::regprocedure::text, '', concat_ws(' ', pg_get_functiondef(oid), proacl, proowner::regrole)
FROM pg_proc WHERE pronamespace IN {OURS} AND prokind = 'f'
UNION ALL
SELECT 'trigger', tgrelid::regclass::text, tgname::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace IN {OURS}
UNION ALL
SELECT 'index', tablename::text, indexname::text, indexdef FROM pg_indexes
WHERE schemaname IN ('public', 'procrastinate')
UNION ALL
SELECT 'view', viewname::text, '', definition FROM pg_views WHERE schemaname IN ('public', 'procrastinate')
UNION ALL
SELECT 'sequence', sequencename::text, '', last_value::text FROM pg_sequences
UNION ALL
SELECT 'extension', extname::text, '', extversion FROM pg_extension
ORDER BY 1, 2, 3, 4
"""


def schema(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(SCHEMA.encode()).fetchall()


@pytest.fixture(scope="module")
def kept(system_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("backup")
    url = owned(system_server)
    with psycopg.connect(system_server.url, autocommit=True) as server:
        for statement in ("CREATE ROLE trr LOGIN", "GRANT trr_api TO trr", "CREATE DATABASE trr OWNER trr"):
            server.execute(statement.encode())
    try:
        database.migrate(url)
        engine.prepare(url)
        with psycopg.connect(url) as connection:
            write.prepare(connection)
            stock(connection)
            ada = user(connection, "ada")
            connection.execute(
                """
                INSERT INTO progress (user_id, show_id, season_number, episode_number)
                SELECT %s, entity_id, 1, 3 FROM external_ids WHERE value = %s
                """,
                [ada, SHOW],
            )
        shell("Back up", folder, DATABASE_URL=url)
        yield Kept(url, folder / "trr.dump")
    finally:
        system_server.drop("trr")
        with psycopg.connect(system_server.url, autocommit=True) as server:
            server.execute("DROP ROLE trr")


def test_a_backup_comes_back_whole_on_a_server_that_knows_nothing(kept: Kept) -> None:
    with system_cluster("restored") as server:
        url = owned(server)
        shell("Roles and the database", kept.dump.parent, ADMIN_URL=server.url)
        shell("Restore", kept.dump.parent, DATABASE_URL=url)
        assert schema(url) == schema(kept.url)
        found = rows(url)
        assert found == rows(kept.url)
        assert found["episodes"][0] == 63
        with database.connect(url) as connection:
            database.require_schema(connection, url)
        _it_works(url)


def test_a_dump_that_row_level_security_would_thin_out_is_refused(kept: Kept) -> None:
    done = subprocess.run(
        [system_postgres() / "pg_dump", "--data-only", "--table=users", kept.url], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "row-level security" in done.stderr


def _it_works(url: str) -> None:
    """Row-level security guards what came back, and the catalog goes on being written."""
    with psycopg.connect(url, autocommit=True) as connection:
        ben = user(connection, "ben")
        [(ada,)] = connection.execute("SELECT id FROM users WHERE name = 'ada'").fetchall()
        for person, reached in ((ada, 1), (ben, 0)):
            with acting(connection, person) as acted:
                assert attempt(acted, "SELECT FROM progress") == reached
                assert attempt(acted, "SELECT FROM credentials") == 0
    with psycopg.connect(url) as connection:
        write.prepare(connection)
        known, new = record("show", SHOW, title="Harbour Hearts"), record("show", "tt99000999", title="Lantern Lane")
        written = write.write(connection, [known, new])
        assert written.rejects == []
        assert written.counts == {("show", "inserted"): 1, ("show", "unchanged"): 1}
