"""Live events: an outbox that is read in the order of transactions, how far it was pruned, and who is present.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0012"
branch_labels = None
depends_on = None

PINNED = "SET search_path = pg_catalog, public, pg_temp"

TELL_LOGIN_ENDED = f"""
CREATE FUNCTION tell_login_ended() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    PERFORM tell('user:' || NEW.user_id, 'login_ended', jsonb_build_object('session_id', NEW.id));
    RETURN NULL;
END $$
"""

CLOSED = ("outbox_horizon", "presences")
"""Tables of which the API's role may not even know the rows."""


def upgrade() -> None:
    op.drop_index("ix_outbox_topic_seq", table_name="outbox")
    op.drop_index("ix_outbox_at", table_name="outbox")
    op.create_index("ix_outbox_transaction_seq", "outbox", ["transaction", "seq"])
    op.create_index("ix_outbox_topic_transaction_seq", "outbox", ["topic", "transaction", "seq"])
    op.create_table(
        "outbox_horizon",
        sa.Column("is_only", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("transaction", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("is_only", name=op.f("pk_outbox_horizon")),
        sa.CheckConstraint("is_only", name=op.f("ck_outbox_horizon_is_only")),
    )
    op.create_table(
        "presences",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(collation="C"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "topic", name=op.f("pk_presences")),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_presences_topic", "presences", ["topic"])
    for table in CLOSED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
    op.execute(TELL_LOGIN_ENDED)
    op.execute("REVOKE EXECUTE ON FUNCTION tell_login_ended() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER tell_login_ended AFTER UPDATE OF revoked_at ON sessions FOR EACH ROW "
        "WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION tell_login_ended()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER tell_login_ended ON sessions")
    op.execute("DROP FUNCTION tell_login_ended()")
    op.drop_table("presences")
    op.drop_table("outbox_horizon")
    op.drop_index("ix_outbox_topic_transaction_seq", table_name="outbox")
    op.drop_index("ix_outbox_transaction_seq", table_name="outbox")
    op.create_index("ix_outbox_at", "outbox", ["at"])
    op.create_index("ix_outbox_topic_seq", "outbox", ["topic", "seq"])
