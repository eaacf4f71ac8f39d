"""Messages that members report to the moderators, who see them and little else; and no event keeps an earlier text.

Reports of messages are beside those of posts. A moderator reads a reported message, and a few before it that the
reporter sees too, through a function, while the report is open; the policy of messages stays that of members.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

PINNED = "SET search_path = pg_catalog, public, pg_temp"

REPORTER = "reporter_id = (SELECT caller()) AND NOT (SELECT is_banned())"
SEEN_POST = "EXISTS (SELECT FROM posts WHERE posts.id = post_id)"
SEEN_MESSAGE = "EXISTS (SELECT FROM messages WHERE messages.id = message_id)"

EVENTS = "event IN ('dm_message_created', 'dm_message_edited')"

# Five before it, however many of them the reporter sees.
REPORTED_MESSAGES = f"""
CREATE FUNCTION reported_messages(report uuid) RETURNS TABLE (
    id uuid, number integer, sender_id uuid, body text, html text, created_at timestamptz, edited_at timestamptz,
    redacted_at timestamptz, is_reported boolean
) LANGUAGE sql STABLE SECURITY DEFINER {PINNED}
BEGIN ATOMIC
    SELECT message.id, message.number, message.sender_id, message.body, message.html, message.created_at,
        message.edited_at, message.redacted_at, message.id = reported.id
    FROM reports JOIN messages reported ON reported.id = reports.message_id
    JOIN messages message ON message.conversation_id = reported.conversation_id
        AND message.number BETWEEN reported.number - 5 AND reported.number
    LEFT JOIN conversation_members reporter ON reporter.conversation_id = reported.conversation_id
        AND reporter.user_id = reports.reporter_id
    WHERE reports.id = report AND reports.resolved_at IS NULL AND is_moderator() AND (
        message.id = reported.id
        OR message.number > reporter.joined_after AND (NOT message.is_withheld OR message.sender_id = reporter.user_id)
    );
END
"""

# As in 0020, and for messages alike. The log is everybody's: of a message it says that there was one.
RESOLVE_REPORT = f"""
CREATE OR REPLACE FUNCTION resolve_report(report uuid, verdict text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    reported reports;
BEGIN
    PERFORM require_role('moderator');
    SELECT * INTO reported FROM reports WHERE id = report AND resolved_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- What others say of the same %(thing)s is answered by it too.
    UPDATE reports SET outcome = verdict, resolved_at = now(), resolved_by = caller()
    WHERE %(same)s AND resolved_at IS NULL;
    IF verdict = 'upheld'%(upheld)s
    END IF;
    RETURN true;
END $$
"""
RESOLVED = {
    "thing": "thing",
    "same": "(post_id = reported.post_id OR message_id = reported.message_id)",
    "upheld": """ AND reported.post_id IS NOT NULL THEN
        PERFORM moderate_post(reported.post_id, true, 'Reported');
    ELSIF verdict = 'upheld' THEN
        UPDATE messages SET removed_at = clock_timestamp(), redacted_at = clock_timestamp()
        WHERE id = reported.message_id AND redacted_at IS NULL;
        IF FOUND THEN
            INSERT INTO moderation_log (moderator_id, action, reason)
            VALUES (caller(), 'message_removed', 'Reported');
        END IF;""",
}
RESOLVED_BEFORE = {
    "thing": "post",
    "same": "post_id = reported.post_id",
    "upheld": """ THEN
        PERFORM moderate_post(reported.post_id, true, 'Reported');""",
}

# What was taken back or said otherwise since is not told to whoever goes on from before.
FORGET_MESSAGE = f"""
CREATE FUNCTION forget_message(message uuid) RETURNS void LANGUAGE sql SECURITY DEFINER {PINNED}
BEGIN ATOMIC
    UPDATE outbox SET payload = payload || '{{"body": "", "html": ""}}'::jsonb
    WHERE {EVENTS} AND payload->>'id' = message::text;
END
"""

FORGET_MESSAGE_BEFORE = f"""
CREATE FUNCTION forget_message() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    UPDATE outbox SET payload = payload || '{{"body": "", "html": ""}}'
    WHERE topic IN (
        'conversation:' || NEW.conversation_id, 'conversation:' || NEW.conversation_id || ':' || NEW.sender_id
    ) AND {EVENTS} AND (payload->>'number')::integer = NEW.number;
    RETURN NULL;
END $$
"""

# As in 0014, but old events forget first, and what a moderator takes away is an event of its own.
REVISE_MESSAGE = f"""
CREATE OR REPLACE FUNCTION revise_message() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    IF NEW.redacted_at IS NOT NULL AND OLD.redacted_at IS NULL THEN%(forget)s
        NEW.body := '';
        NEW.html := '';
        PERFORM tell_conversation(
            NEW.conversation_id, CASE WHEN NEW.is_withheld THEN NEW.sender_id END, %(event)s,
            jsonb_build_object('conversation_id', NEW.conversation_id, 'number', NEW.number)
        );
    ELSIF NEW.body <> OLD.body THEN%(forget)s
        NEW.edited_at := clock_timestamp();
        -- Whoever was blocked meanwhile does not get new words across in an old message: it is taken from the other.
        IF NOT OLD.is_withheld AND is_cut_off(NEW.conversation_id, NEW.sender_id) THEN
            NEW.is_withheld := true;
            PERFORM FROM conversations WHERE id = NEW.conversation_id FOR NO KEY UPDATE;
            UPDATE inboxes SET unread = unread - 1 FROM conversation_members member
            WHERE inboxes.conversation_id = NEW.conversation_id AND inboxes.user_id <> NEW.sender_id
            AND member.conversation_id = inboxes.conversation_id AND member.user_id = inboxes.user_id
            AND member.read_number < NEW.number;
        END IF;
        PERFORM tell_conversation(
            NEW.conversation_id, CASE WHEN NEW.is_withheld THEN NEW.sender_id END, 'dm_message_edited',
            message_payload(NEW)
        );
    END IF;
    RETURN NEW;
END $$
"""
REVISED = {
    "forget": "\n        PERFORM forget_message(NEW.id);",
    "event": "CASE WHEN NEW.removed_at IS NULL THEN 'dm_message_redacted' ELSE 'dm_message_removed' END",
}
REVISED_BEFORE = {"forget": "", "event": "'dm_message_redacted'"}

# Texts that were edited before this migration: what their events keep is not the message's any more.
FORGET_EDITED = f"""
UPDATE outbox SET payload = payload || '{{"body": "", "html": ""}}'::jsonb FROM messages
WHERE {EVENTS} AND messages.id = (payload->>'id')::uuid AND payload->>'body' <> messages.body
"""


def upgrade() -> None:
    op.add_column("messages", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_messages_removed_at"), "messages", "removed_at IS NULL OR redacted_at IS NOT NULL"
    )
    op.alter_column("reports", "post_id", nullable=True)
    op.add_column("reports", sa.Column("message_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_reports_message_id_messages"), "reports", "messages", ["message_id"], ["id"], ondelete="RESTRICT"
    )
    op.create_unique_constraint(op.f("uq_reports_message_id_reporter_id"), "reports", ["message_id", "reporter_id"])
    op.create_check_constraint(op.f("ck_reports_subject"), "reports", "num_nonnulls(post_id, message_id) = 1")
    op.execute(f"ALTER POLICY api_insert ON reports WITH CHECK ({REPORTER} AND ({SEEN_POST} OR {SEEN_MESSAGE}))")
    op.execute("GRANT INSERT (message_id) ON reports TO trr_api")
    op.execute(REPORTED_MESSAGES)
    op.execute("REVOKE EXECUTE ON FUNCTION reported_messages(uuid) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION reported_messages(uuid) TO trr_api")
    op.execute(RESOLVE_REPORT % RESOLVED)

    op.create_index("ix_outbox_message", "outbox", [sa.text("(payload->>'id')")], postgresql_where=sa.text(EVENTS))
    op.execute("DROP TRIGGER forget_message ON messages")
    op.execute("DROP FUNCTION forget_message()")
    op.execute(FORGET_MESSAGE)
    op.execute("REVOKE EXECUTE ON FUNCTION forget_message(uuid) FROM PUBLIC")
    op.execute(REVISE_MESSAGE % REVISED)
    op.execute(FORGET_EDITED)


def downgrade() -> None:
    op.execute(REVISE_MESSAGE % REVISED_BEFORE)
    op.execute("DROP FUNCTION forget_message(uuid)")
    op.execute(FORGET_MESSAGE_BEFORE)
    op.execute("REVOKE EXECUTE ON FUNCTION forget_message() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER forget_message AFTER UPDATE OF redacted_at ON messages FOR EACH ROW "
        "WHEN (OLD.redacted_at IS NULL AND NEW.redacted_at IS NOT NULL) EXECUTE FUNCTION forget_message()"
    )
    op.drop_index("ix_outbox_message", table_name="outbox")

    op.execute(RESOLVE_REPORT % RESOLVED_BEFORE)
    op.execute("DROP FUNCTION reported_messages(uuid)")
    op.execute(f"ALTER POLICY api_insert ON reports WITH CHECK ({REPORTER} AND {SEEN_POST})")
    op.drop_constraint(op.f("ck_reports_subject"), "reports")
    op.execute("DELETE FROM reports WHERE post_id IS NULL")
    op.drop_column("reports", "message_id")
    op.alter_column("reports", "post_id", nullable=False)
    op.drop_constraint(op.f("ck_messages_removed_at"), "messages")
    op.drop_column("messages", "removed_at")
