"""The schema: up, down and up again, and the models say the same as the migrations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from pytest_alembic import MigrationContext, create_alembic_fixture, tests
from sqlalchemy import Engine, create_engine, pool

from support import ROOT, Server
from trr_api.tables import metadata
from trr_crawl import database
from trr_crawl.catalog import SCHEMA_REVISION

alembic = create_alembic_fixture({"script_location": str(ROOT / "alembic")})


@pytest.fixture
def empty_url(server: Server) -> Iterator[str]:
    yield server.create("empty")
    server.drop("empty")


@pytest.fixture
def alembic_engine(empty_url: str) -> Iterator[Engine]:
    engine = create_engine(empty_url, poolclass=pool.NullPool)
    yield engine
    engine.dispose()


def test_there_is_one_head(alembic: MigrationContext) -> None:
    tests.test_single_head_revision(alembic)


def test_up_down_and_up(alembic: MigrationContext) -> None:
    tests.test_upgrade(alembic)
    tests.test_up_down_consistency(alembic)
    alembic.migrate_up_to("head")


def test_nothing_is_left_after_down(alembic: MigrationContext, empty_url: str) -> None:
    alembic.migrate_up_to("head")
    alembic.migrate_down_to("base")
    with psycopg.connect(empty_url) as connection:
        left = connection.execute(
            """
            SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '^alembic_version'
            UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            """
        ).fetchall()
    assert left == []


def test_models_match_the_migrated_schema(alembic: MigrationContext) -> None:
    tests.test_model_definitions_match_ddl(alembic)


def test_checks_indexes_and_storage_match_too(alembic: MigrationContext, empty_url: str, server: Server) -> None:
    """What Alembic's comparison leaves out: CHECKs, generated columns, collations, storage parameters."""
    alembic.migrate_up_to("head")
    by_models = server.create("by_models")
    try:
        with psycopg.connect(by_models) as connection:
            connection.execute("CREATE FUNCTION new_id() RETURNS uuid LANGUAGE sql RETURN gen_random_uuid()")
            connection.execute("CREATE EXTENSION pg_trgm")
        engine = create_engine(by_models, poolclass=pool.NullPool)
        metadata.create_all(engine)
        engine.dispose()
        with psycopg.connect(empty_url) as migrated:
            # Tables alone are modelled.
            migrated.execute("DROP VIEW appearances, listed_shows, newest_episodes CASCADE")
            migrated.execute("DROP VIEW hosted_images, served_images, served_primary_images, image_twins")
        with psycopg.connect(by_models) as models, psycopg.connect(empty_url) as migrated:
            assert _details(models) == _details(migrated)
    finally:
        server.drop("by_models")


def _details(connection: Connection[Any]) -> set[tuple[Any, ...]]:
    queries = (
        """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
        """,
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        """
        SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default, generation_expression,
               is_identity
        FROM information_schema.columns WHERE table_schema = 'public'
        """,
        "SELECT relname, reloptions::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
    )
    return {row for query in queries for row in connection.execute(query) if "alembic_version" not in row[0]}


def test_every_constraint_is_named_by_the_convention(connection: Connection[Any]) -> None:
    names = connection.execute(
        """
        SELECT conrelid::regclass::text, conname FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
        """
    ).fetchall()
    for table, name in names:
        prefix, _, rest = name.partition("_")
        assert table == "alembic_version" or (prefix in {"pk", "fk", "uq", "ck"} and rest.startswith(table)), name


def test_the_code_asks_for_the_newest_revision(alembic: MigrationContext) -> None:
    assert alembic.heads == [SCHEMA_REVISION]


def test_new_ids_are_uuidv7_in_order_of_time(connection: Connection[Any]) -> None:
    made = [connection.execute("SELECT new_id(), clock_timestamp(), pg_sleep(0.002)").fetchone() for _ in range(20)]
    ids = [row[0] for row in made if row]
    assert ids == sorted(ids)
    for row in made:
        assert row is not None
        assert (row[0].version, row[0].variant) == (7, "specified in RFC 4122")
        assert abs((row[0].int >> 80) / 1000 - row[1].timestamp()) < 0.1


class TestConfiguredDatabase:
    def test_an_old_schema_is_refused_with_the_command_that_mends_it(
        self, empty_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", empty_url)
        with pytest.raises(database.DatabaseError, match=r"revision none.*alembic upgrade head"):
            database.url()
        database.migrate(empty_url)
        assert database.url() == empty_url

    def test_passwords_are_never_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://me:sesame@127.0.0.1:1/catalog")
        with pytest.raises(database.DatabaseError, match=r"me:\*\*\*@127.0.0.1:1/\w+ cannot be reached") as caught:
            database.url()
        assert "sesame" not in str(caught.value)

    def test_nonsense_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", "somewhere")
        with pytest.raises(database.DatabaseError, match="not a PostgreSQL URL"):
            database.url()
