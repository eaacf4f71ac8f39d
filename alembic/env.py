"""Runs the migrations on DATABASE_URL, or on the connection that a caller puts into the configuration."""

import os

from alembic import context
from sqlalchemy import Connection, create_engine, pool

from trr_api.tables import metadata


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_server_default=True)
    with context.begin_transaction():
        context.run_migrations()


def connect_and_run() -> None:
    url = os.environ.get("DATABASE_URL")
    if not url:
        raise SystemExit(
            "DATABASE_URL is not set: set it to the database to migrate "
            "(the embedded one is migrated by every command that uses it)."
        )
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        run(connection)


given = context.config.attributes.get("connection")
if isinstance(given, Connection):
    run(given)
elif given is not None:  # an engine, as pytest-alembic passes
    with given.connect() as connection:
        run(connection)
else:
    connect_and_run()
