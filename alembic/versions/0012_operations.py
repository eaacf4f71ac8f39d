"""Operations: what is due, leases, schedules over one node or many, one pace a host for all of them.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

CODE = sa.Text(collation="C")


def _timestamp(name: str, *, nullable: bool = False, default: bool = False) -> sa.Column:
    return sa.Column(
        name, sa.DateTime(timezone=True), nullable=nullable, server_default=sa.text("now()") if default else None
    )


def upgrade() -> None:
    op.add_column("crawl_runs", sa.Column("node", sa.Text(), nullable=True))
    op.add_column("crawl_runs", _timestamp("progressed_at", default=True))
    op.create_index("ix_crawl_runs_job_id", "crawl_runs", ["job_id"])
    op.create_table(
        "crawl_states",
        sa.Column("spider", CODE, nullable=False),
        sa.Column("subject", CODE, nullable=False),
        _timestamp("tried_at"),
        sa.Column("outcome", CODE, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        _timestamp("ok_at", nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _timestamp("next_try_at", nullable=True),
        sa.Column("seasons", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("spider", "subject", name=op.f("pk_crawl_states")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["crawl_runs.id"], ondelete="RESTRICT", name=op.f("fk_crawl_states_run_id_crawl_runs")
        ),
        sa.CheckConstraint(
            "outcome IN ('ok', 'failed', 'blocked', 'interrupted')", name=op.f("ck_crawl_states_outcome")
        ),
        sa.CheckConstraint("outcome <> 'ok' OR ok_at IS NOT NULL", name=op.f("ck_crawl_states_ok_at")),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_crawl_states_failures")),
    )
    op.create_index("ix_crawl_states_run_id", "crawl_states", ["run_id"])
    op.create_table(
        "crawl_leases",
        sa.Column("spider", CODE, nullable=False),
        sa.Column("subject", CODE, nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        _timestamp("taken_at", default=True),
        _timestamp("expires_at"),
        sa.PrimaryKeyConstraint("spider", "subject", name=op.f("pk_crawl_leases")),
    )
    op.create_index("ix_crawl_leases_owner_id", "crawl_leases", ["owner_id"])
    op.create_table(
        "source_changes",
        sa.Column("source", CODE, nullable=False),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("key", CODE, nullable=False),
        _timestamp("noted_at"),
        sa.PrimaryKeyConstraint("source", "kind", "key", name=op.f("pk_source_changes")),
    )
    op.create_table(
        "schedules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", CODE, nullable=False),
        sa.Column("spider", CODE, nullable=False),
        sa.Column("args", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("settings", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("cron", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("workers", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        _timestamp("last_slot_at"),
        _timestamp("created_at", default=True),
        _timestamp("paused_at", nullable=True),
        _timestamp("removed_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_schedules_name")),
        sa.CheckConstraint("workers BETWEEN 1 AND 64", name=op.f("ck_schedules_workers")),
    )
    op.create_index(
        "uq_schedules_name", "schedules", ["name"], unique=True, postgresql_where=sa.text("removed_at IS NULL")
    )
    op.create_table(
        "schedule_runs",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("schedule_id", sa.BigInteger(), nullable=False),
        _timestamp("slot_at"),
        sa.Column("worker", sa.SmallInteger(), nullable=False),
        sa.Column("state", CODE, server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        _timestamp("created_at", default=True),
        _timestamp("sent_at", nullable=True),
        _timestamp("cancelled_at", nullable=True),
        _timestamp("finished_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_runs")),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], ondelete="RESTRICT", name=op.f("fk_schedule_runs_schedule_id_schedules")
        ),
        sa.UniqueConstraint(
            "schedule_id", "slot_at", "worker", name=op.f("uq_schedule_runs_schedule_id_slot_at_worker")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'sent', 'running', 'finished', 'skipped')", name=op.f("ck_schedule_runs_state")
        ),
    )
    op.create_index(
        "ix_schedule_runs_open", "schedule_runs", ["state"], postgresql_where=sa.text("finished_at IS NULL")
    )
    op.create_table(
        "fleet_nodes",
        sa.Column("url", sa.Text(), nullable=False),
        _timestamp("seen_at", nullable=True),
        _timestamp("stuck_since", nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_fleet_nodes")),
    )
    op.create_table(
        "host_turns",
        sa.Column("host", CODE, nullable=False),
        _timestamp("next_at"),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_host_turns")),
        postgresql_with={"fillfactor": 50},
    )


def downgrade() -> None:
    # The engine of the schedules keeps its own tables in a schema of its own, made by the scheduler.
    op.execute("DROP SCHEMA IF EXISTS procrastinate CASCADE")
    for table in (
        "host_turns",
        "fleet_nodes",
        "schedule_runs",
        "schedules",
        "source_changes",
        "crawl_leases",
        "crawl_states",
    ):
        op.drop_table(table)
    op.drop_index("ix_crawl_runs_job_id", table_name="crawl_runs")
    op.drop_column("crawl_runs", "progressed_at")
    op.drop_column("crawl_runs", "node")
