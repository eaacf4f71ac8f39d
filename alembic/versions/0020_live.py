"""Live events: who is present, log-ins whose end is told, and an outbox without what reading it does not need.

And what is told of discussions: the name of a reaction's event, and a public log without the words of those who report.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
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

# What was taken back is not told to whoever goes on from before.
FORGET_MESSAGE = f"""
CREATE FUNCTION forget_message() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    UPDATE outbox SET payload = payload || '{{"body": "", "html": ""}}'
    WHERE topic IN (
        'conversation:' || NEW.conversation_id, 'conversation:' || NEW.conversation_id || ':' || NEW.sender_id
    ) AND event IN ('dm_message_created', 'dm_message_edited') AND (payload->>'number')::integer = NEW.number;
    RETURN NULL;
END $$
"""


# As in 0011, with the name of the event.
COUNT_REACTION = f"""
CREATE OR REPLACE FUNCTION count_reaction() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    changed reactions := coalesce(NEW, OLD);
    step integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    thread uuid;
BEGIN
    UPDATE posts SET
        upvotes = upvotes + step * (changed.reaction = 'upvote')::int,
        downvotes = downvotes + step * (changed.reaction = 'downvote')::int,
        lols = lols + step * (changed.reaction = 'lol')::int,
        shades = shades + step * (changed.reaction = 'shade')::int,
        fires = fires + step * (changed.reaction = 'fire')::int,
        hearts = hearts + step * (changed.reaction = 'heart')::int
    WHERE id = changed.post_id RETURNING thread_id INTO thread;
    PERFORM tell('thread:' || thread, '%s', jsonb_build_object(
        'post_id', changed.post_id, 'reaction', changed.reaction, 'step', step
    ));
    RETURN NULL;
END $$
"""


# As in 0011, but what somebody tells the moderators stays with them; and of two verdicts at once, one counts.
RESOLVE_REPORT = f"""
CREATE OR REPLACE FUNCTION resolve_report(report uuid, verdict text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    reported reports;
BEGIN
    PERFORM require_role('moderator');
    SELECT * INTO reported FROM reports WHERE id = report AND resolved_at IS NULL%s;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- What others say of the same post is answered by it too.
    UPDATE reports SET outcome = verdict, resolved_at = now(), resolved_by = caller()
    WHERE post_id = reported.post_id AND resolved_at IS NULL;
    IF verdict = 'upheld' THEN
        PERFORM moderate_post(reported.post_id, true, %s);
    END IF;
    RETURN true;
END $$
"""

TAKE_WORDS_BACK = """
UPDATE moderation_log SET reason = 'Reported' FROM reports
WHERE action = 'post_removed' AND moderation_log.post_id = reports.post_id AND moderation_log.reason = reports.reason
"""


def upgrade() -> None:
    op.execute(RESOLVE_REPORT % (" FOR UPDATE", "'Reported'"))
    op.execute(TAKE_WORDS_BACK)
    op.execute(COUNT_REACTION % "reaction_toggled")
    op.execute("UPDATE outbox SET event = 'reaction_toggled' WHERE event = 'reaction_changed'")
    op.drop_index("ix_outbox_at", table_name="outbox")
    op.drop_column("outbox", "transaction")
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
    op.execute("ALTER TABLE presences ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE presences FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owner ON presences TO CURRENT_USER USING (true) WITH CHECK (true)")
    for function in (TELL_LOGIN_ENDED, FORGET_MESSAGE):
        op.execute(function)
    for name in ("tell_login_ended", "forget_message"):
        op.execute(f"REVOKE EXECUTE ON FUNCTION {name}() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER forget_message AFTER UPDATE OF redacted_at ON messages FOR EACH ROW "
        "WHEN (OLD.redacted_at IS NULL AND NEW.redacted_at IS NOT NULL) EXECUTE FUNCTION forget_message()"
    )
    op.execute(
        "CREATE TRIGGER tell_login_ended AFTER UPDATE OF revoked_at ON sessions FOR EACH ROW "
        "WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION tell_login_ended()"
    )


def downgrade() -> None:
    op.execute(RESOLVE_REPORT % ("", "reported.reason"))
    op.execute(COUNT_REACTION % "reaction_changed")
    op.execute("DROP TRIGGER tell_login_ended ON sessions")
    op.execute("DROP TRIGGER forget_message ON messages")
    op.execute("DROP FUNCTION tell_login_ended()")
    op.execute("DROP FUNCTION forget_message()")
    op.drop_table("presences")
    op.add_column(
        "outbox",
        sa.Column(
            "transaction", sa.BigInteger(), server_default=sa.text("pg_current_xact_id()::text::bigint"), nullable=False
        ),
    )
    op.create_index("ix_outbox_at", "outbox", ["at"])
