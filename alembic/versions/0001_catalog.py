"""The catalog: observations, derived entities, identity, overrides, changes, crawl runs.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


NEW_ID_BEFORE_18 = """
CREATE FUNCTION new_id() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN encode(
    substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)  -- 48 bits of milliseconds
    || set_byte(substring(uuid_send(gen_random_uuid()) FROM 7),
                0, 112 | (get_byte(uuid_send(gen_random_uuid()), 6) & 15)),             -- version 7, variant kept
    'hex')::uuid
"""

NEW_ID_FROM_18 = """
CREATE FUNCTION new_id() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN uuidv7()
"""

# Rows of `changes` are numbered under a lock that is held until commit, so numbers appear in commit order and whoever
# reads `seq > n` can never skip a row that commits later. Take it last: no row lock may be taken after it.
ORDER_CHANGES = """
CREATE FUNCTION order_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('changes'::regclass::oid::bigint);
    RETURN NULL;
END $$
"""


def _server_version() -> int:
    return int(op.get_bind().exec_driver_sql("SHOW server_version_num").scalar_one()) // 10000


def upgrade() -> None:
    op.execute(NEW_ID_FROM_18 if _server_version() >= 18 else NEW_ID_BEFORE_18)
    op.create_table(
        "changes",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("op", sa.Text(collation="C"), nullable=False),
        sa.Column("fields", ARRAY(sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('show', 'season', 'episode', 'person')", name=op.f("ck_changes_kind")),
        sa.CheckConstraint("op IN ('insert', 'update')", name=op.f("ck_changes_op")),
        sa.PrimaryKeyConstraint("seq", name="pk_changes"),
    )
    op.create_index("ix_changes_entity_id_seq", "changes", ["entity_id", "seq"], unique=False)
    op.create_table(
        "crawl_runs",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("spider", sa.Text(), nullable=False),
        sa.Column("args", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("gaps", JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("items", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("requests", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("blocks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("images", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("stats", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.CheckConstraint("outcome IN ('ok', 'partial', 'blocked', 'failed')", name=op.f("ck_crawl_runs_outcome")),
        sa.CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name=op.f("ck_crawl_runs_finished")),
        sa.PrimaryKeyConstraint("id", name="pk_crawl_runs"),
    )
    op.create_index(
        "ix_crawl_runs_running",
        "crawl_runs",
        ["heartbeat_at"],
        unique=False,
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_index("ix_crawl_runs_spider_started_at", "crawl_runs", ["spider", "started_at"], unique=False)
    op.create_index("ix_crawl_runs_started_at", "crawl_runs", ["started_at"], unique=False)
    op.create_table(
        "external_ids",
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("value", sa.Text(collation="C"), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('show', 'season', 'episode', 'person')", name=op.f("ck_external_ids_kind")),
        sa.CheckConstraint("value <> ''", name=op.f("ck_external_ids_value")),
        sa.PrimaryKeyConstraint("kind", "source", "value", name="pk_external_ids"),
    )
    op.create_index("ix_external_ids_entity_id", "external_ids", ["entity_id"], unique=False)
    op.create_table(
        "overrides",
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.Text(collation="C"), nullable=False),
        sa.Column("value", JSONB(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("entity_id", "field", name="pk_overrides"),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("provenance", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("jsonb_typeof(provenance) = 'object'", name=op.f("ck_people_provenance")),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
    )
    op.create_index("ix_people_name", "people", ["name"], unique=False)
    op.create_table(
        "shows",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("original_title", sa.Text(), nullable=True),
        sa.Column("show_type", sa.Text(), nullable=True),
        sa.Column("production_status", sa.Text(), nullable=True),
        sa.Column("start_year", sa.SmallInteger(), nullable=True),
        sa.Column("end_year", sa.SmallInteger(), nullable=True),
        sa.Column("overview", sa.Text(), nullable=True),
        sa.Column("certificate", sa.Text(), nullable=True),
        sa.Column("runtime_seconds", sa.Integer(), nullable=True),
        sa.Column("genres", ARRAY(sa.Text()), nullable=True),
        sa.Column("countries", ARRAY(sa.Text()), nullable=True),
        sa.Column("total_episodes", sa.Integer(), nullable=True),
        sa.Column("imdb_rating", sa.Numeric(precision=3, scale=1), nullable=True),
        sa.Column("imdb_vote_count", sa.Integer(), nullable=True),
        sa.Column("provenance", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("jsonb_typeof(provenance) = 'object'", name=op.f("ck_shows_provenance")),
        sa.CheckConstraint("end_year BETWEEN 1800 AND 2200", name=op.f("ck_shows_end_year")),
        sa.CheckConstraint("imdb_rating BETWEEN 0 AND 10", name=op.f("ck_shows_imdb_rating")),
        sa.CheckConstraint("imdb_vote_count >= 0", name=op.f("ck_shows_imdb_vote_count")),
        sa.CheckConstraint("runtime_seconds >= 0", name=op.f("ck_shows_runtime_seconds")),
        sa.CheckConstraint("start_year BETWEEN 1800 AND 2200", name=op.f("ck_shows_start_year")),
        sa.CheckConstraint("total_episodes >= 0", name=op.f("ck_shows_total_episodes")),
        sa.PrimaryKeyConstraint("id", name="pk_shows"),
    )
    op.create_index("ix_shows_title", "shows", ["title"], unique=False)
    op.create_table(
        "crawl_rejects",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["crawl_runs.id"], name="fk_crawl_rejects_run_id_crawl_runs", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_crawl_rejects"),
    )
    op.create_index("ix_crawl_rejects_run_id", "crawl_rejects", ["run_id"], unique=False)
    op.create_table(
        "seasons",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("show_id", sa.Uuid(), nullable=False),
        sa.Column("season_number", sa.Integer(), nullable=False),
        sa.Column("episode_count", sa.Integer(), nullable=True),
        sa.Column("provenance", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("jsonb_typeof(provenance) = 'object'", name=op.f("ck_seasons_provenance")),
        sa.CheckConstraint("episode_count >= 0", name=op.f("ck_seasons_episode_count")),
        sa.CheckConstraint("season_number >= 0", name=op.f("ck_seasons_season_number")),
        sa.ForeignKeyConstraint(["show_id"], ["shows.id"], name="fk_seasons_show_id_shows", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_seasons"),
        sa.UniqueConstraint("show_id", "season_number", name="uq_seasons_show_id_season_number"),
    )
    op.create_table(
        "source_records",
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("payload", JSONB(), nullable=False),
        sa.Column("payload_hash", sa.Uuid(), sa.Computed("md5(payload::text)::uuid", persisted=True), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("jsonb_typeof(payload) = 'object'", name=op.f("ck_source_records_payload")),
        sa.CheckConstraint("key <> ''", name=op.f("ck_source_records_key")),
        sa.CheckConstraint("kind IN ('show', 'season', 'episode', 'person')", name=op.f("ck_source_records_kind")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["crawl_runs.id"], name="fk_source_records_run_id_crawl_runs", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("source", "kind", "key", name="pk_source_records"),
        postgresql_with={"fillfactor": 85},
    )
    op.create_index("ix_source_records_entity_id", "source_records", ["entity_id"], unique=False)
    op.create_index("ix_source_records_run_id", "source_records", ["run_id"], unique=False)
    op.create_table(
        "episodes",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("show_id", sa.Uuid(), nullable=False),
        sa.Column("season_id", sa.Uuid(), nullable=True),
        sa.Column("season_number", sa.Integer(), nullable=True),
        sa.Column("episode_number", sa.Integer(), nullable=True),
        sa.Column("episode_type", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("overview", sa.Text(), nullable=True),
        sa.Column("air_date", sa.Date(), nullable=True),
        sa.Column("release_year", sa.SmallInteger(), nullable=True),
        sa.Column("imdb_rating", sa.Numeric(precision=3, scale=1), nullable=True),
        sa.Column("imdb_vote_count", sa.Integer(), nullable=True),
        sa.Column("provenance", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("jsonb_typeof(provenance) = 'object'", name=op.f("ck_episodes_provenance")),
        sa.CheckConstraint("episode_number >= 0", name=op.f("ck_episodes_episode_number")),
        sa.CheckConstraint("imdb_rating BETWEEN 0 AND 10", name=op.f("ck_episodes_imdb_rating")),
        sa.CheckConstraint("imdb_vote_count >= 0", name=op.f("ck_episodes_imdb_vote_count")),
        sa.CheckConstraint("release_year BETWEEN 1800 AND 2200", name=op.f("ck_episodes_release_year")),
        sa.CheckConstraint("season_number >= 0", name=op.f("ck_episodes_season_number")),
        sa.ForeignKeyConstraint(
            ["season_id"], ["seasons.id"], name="fk_episodes_season_id_seasons", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["show_id"], ["shows.id"], name="fk_episodes_show_id_shows", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_episodes"),
    )
    op.create_index("ix_episodes_air_date", "episodes", ["air_date"], unique=False)
    op.create_index("ix_episodes_season_id_episode_number", "episodes", ["season_id", "episode_number"], unique=False)
    op.create_index(
        "ix_episodes_show_id_season_number_episode_number",
        "episodes",
        ["show_id", "season_number", "episode_number"],
        unique=False,
    )
    op.execute(ORDER_CHANGES)
    op.execute(
        "CREATE TRIGGER order_changes BEFORE INSERT ON changes FOR EACH STATEMENT EXECUTE FUNCTION order_changes()"
    )


def downgrade() -> None:
    op.drop_index("ix_episodes_show_id_season_number_episode_number", table_name="episodes")
    op.drop_index("ix_episodes_season_id_episode_number", table_name="episodes")
    op.drop_index("ix_episodes_air_date", table_name="episodes")
    op.drop_table("episodes")
    op.drop_index("ix_source_records_run_id", table_name="source_records")
    op.drop_index("ix_source_records_entity_id", table_name="source_records")
    op.drop_table("source_records")
    op.drop_table("seasons")
    op.drop_index("ix_crawl_rejects_run_id", table_name="crawl_rejects")
    op.drop_table("crawl_rejects")
    op.drop_index("ix_shows_title", table_name="shows")
    op.drop_table("shows")
    op.drop_index("ix_people_name", table_name="people")
    op.drop_table("people")
    op.drop_table("overrides")
    op.drop_index("ix_external_ids_entity_id", table_name="external_ids")
    op.drop_table("external_ids")
    op.drop_index("ix_crawl_runs_started_at", table_name="crawl_runs")
    op.drop_index("ix_crawl_runs_spider_started_at", table_name="crawl_runs")
    op.drop_index("ix_crawl_runs_running", table_name="crawl_runs", postgresql_where=sa.text("outcome IS NULL"))
    op.drop_table("crawl_runs")
    op.drop_index("ix_changes_entity_id_seq", table_name="changes")
    op.drop_table("changes")
    op.execute("DROP FUNCTION order_changes()")
    op.execute("DROP FUNCTION new_id()")
