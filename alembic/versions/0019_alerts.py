"""Alerts: who is told what checks find, and an outbox of what is to be told to whom.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

CODE = sa.Text(collation="C")


def _timestamp(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(
        name, sa.DateTime(timezone=True), nullable=nullable, server_default=None if nullable else sa.text("now()")
    )


def upgrade() -> None:
    op.create_table(
        "alert_targets",
        sa.Column("name", CODE, nullable=False),
        sa.Column("severity", CODE, nullable=False),
        _timestamp("added_at"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_alert_targets")),
        sa.CheckConstraint("severity IN ('warning', 'error')", name=op.f("ck_alert_targets_severity")),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("finding_id", sa.BigInteger(), nullable=False),
        sa.Column("event", CODE, nullable=False),
        sa.Column("target", CODE, nullable=False),
        _timestamp("at"),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _timestamp("next_try_at"),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("refused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _timestamp("delivered_at", nullable=True),
        _timestamp("gave_up_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("finding_id", "event", "target", name=op.f("uq_alerts_finding_id_event_target")),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["crawl_findings.id"], ondelete="RESTRICT", name=op.f("fk_alerts_finding_id_crawl_findings")
        ),
        sa.CheckConstraint("event IN ('opened', 'resolved')", name=op.f("ck_alerts_event")),
        sa.CheckConstraint("delivered_at IS NULL OR gave_up_at IS NULL", name=op.f("ck_alerts_ended")),
    )
    op.create_index(
        "ix_alerts_waiting",
        "alerts",
        ["target", "id"],
        postgresql_where=sa.text("delivered_at IS NULL AND gave_up_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("alerts")
    op.drop_table("alert_targets")
