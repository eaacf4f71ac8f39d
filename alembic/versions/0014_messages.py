"""Messages between people: conversations, who is in them, what each has of them, blocks. Tables and their security.

As in 0011: the API's role may do what is granted and allowed here; the rest is behind functions of the tables' owner.
Everything that counts takes the lock of its conversation first. Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

LARGEST_GROUP = 100

CODE = sa.Text(collation="C")
REACTIONS = "'upvote', 'downvote', 'lol', 'shade', 'fire', 'heart'"
IS_VOTE = "reaction IN ('upvote', 'downvote')"

# Two devices at once could leave both: the later one stays.
SETTLE_VOTES = """
DELETE FROM reactions USING reactions later
WHERE later.post_id = reactions.post_id AND later.user_id = reactions.user_id AND later.id > reactions.id
AND reactions.reaction IN ('upvote', 'downvote') AND later.reaction IN ('upvote', 'downvote')
"""


def _id() -> sa.Column:
    return sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False)


def _when(name: str, *, nullable: bool = False) -> sa.Column:
    default = None if nullable else sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def _number(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)


def _flag(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)


def _table(name: str, *parts: sa.schema.SchemaItem, **references: str) -> None:
    """With an id, and references (column=table) that nothing goes away with."""
    op.create_table(
        name,
        _id(),
        *(sa.Column(column, sa.Uuid(), nullable=False) for column in references),
        *parts,
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_{name}_{column}_{table}"), ondelete="RESTRICT"
            )
            for column, table in references.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _index_votes(table: str, of: str) -> None:
    """Nobody votes up and down at once, from two devices either."""
    op.create_index(f"ix_{table}_vote", table, [of, "user_id"], unique=True, postgresql_where=sa.text(IS_VOTE))


def _make_tables() -> None:
    _table(
        "conversations",
        _flag("is_group"),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("direct_key", CODE, nullable=True),
        _when("created_at"),
        _number("last_number"),
        _check("conversations", "kind", "is_group = (direct_key IS NULL) AND is_group = (title IS NOT NULL)"),
        _check("conversations", "title", "length(title) BETWEEN 1 AND 100"),
        _unique("conversations", "direct_key"),
    )
    _table(
        "conversation_members",
        sa.Column("role", CODE, server_default=sa.text("'member'"), nullable=False),
        _when("joined_at"),
        _number("joined_after"),
        _number("read_number"),
        _when("read_at", nullable=True),
        _check("conversation_members", "role", "role IN ('owner', 'member')"),
        _unique("conversation_members", "conversation_id", "user_id"),
        conversation_id="conversations",
        user_id="users",
    )
    op.create_index("ix_conversation_members_user_id", "conversation_members", ["user_id"])
    _table(
        "inboxes",
        _number("last_number"),
        _when("last_at"),
        _number("unread"),
        _when("muted_until", nullable=True),
        _check("inboxes", "unread", "unread >= 0"),
        _unique("inboxes", "conversation_id", "user_id"),
        conversation_id="conversations",
        user_id="users",
    )
    op.create_index("ix_inboxes_user_id_last_at_conversation_id", "inboxes", ["user_id", "last_at", "conversation_id"])
    op.create_index("ix_inboxes_unread", "inboxes", ["user_id"], postgresql_where=sa.text("unread > 0"))
    _table(
        "messages",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("client_message_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        _flag("is_withheld"),
        _when("created_at"),
        _when("edited_at", nullable=True),
        _when("redacted_at", nullable=True),
        _check("messages", "body", "length(body) <= 10000 AND (body <> '' OR redacted_at IS NOT NULL)"),
        _unique("messages", "conversation_id", "number"),
        _unique("messages", "conversation_id", "sender_id", "client_message_id"),
        conversation_id="conversations",
        sender_id="users",
    )
    op.create_index("ix_messages_sender_id", "messages", ["sender_id"])
    _table(
        "message_reactions",
        sa.Column("reaction", CODE, nullable=False),
        _flag("is_withheld"),
        _when("created_at"),
        _check("message_reactions", "reaction", f"reaction IN ({REACTIONS})"),
        _unique("message_reactions", "message_id", "user_id", "reaction"),
        message_id="messages",
        user_id="users",
    )
    op.create_index("ix_message_reactions_user_id", "message_reactions", ["user_id"])
    _index_votes("message_reactions", "message_id")
    _table(
        "message_settings",
        sa.Column("writers", CODE, nullable=False),
        _check("message_settings", "writers", "writers IN ('everyone', 'known', 'nobody')"),
        _unique("message_settings", "user_id"),
        user_id="users",
    )
    _table(
        "blocks",
        _when("created_at"),
        _check("blocks", "blocked_id", "blocked_id <> blocker_id"),
        _unique("blocks", "blocker_id", "blocked_id"),
        blocker_id="users",
        blocked_id="users",
    )
    op.create_index("ix_blocks_blocked_id", "blocks", ["blocked_id"])


TABLES = (
    "conversations",
    "conversation_members",
    "inboxes",
    "messages",
    "message_reactions",
    "message_settings",
    "blocks",
)

PINNED = "SET search_path = pg_catalog, public, pg_temp"

# name and arguments -> what follows. The API may call those of CALLABLE, nobody may call the others.
FUNCTIONS = {
    # Looked up by the owner, so that the policy of the members' table does not ask itself.
    "is_member(conversation uuid)": f"""
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER {PINNED}
RETURN EXISTS (SELECT FROM conversation_members WHERE conversation_id = conversation AND user_id = caller())
""",
    "is_conversation_owner(conversation uuid)": f"""
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER {PINNED}
RETURN EXISTS (
    SELECT FROM conversation_members
    WHERE conversation_id = conversation AND user_id = caller() AND role = 'owner'
)
""",
    "may_send(conversation uuid)": f"""
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER {PINNED}
RETURN is_member(conversation) AND NOT is_banned() AND NOT EXISTS (
    SELECT FROM conversations JOIN conversation_members other ON other.conversation_id = conversations.id
    JOIN blocks ON blocker_id = caller() AND blocked_id = other.user_id
    WHERE conversations.id = conversation AND NOT is_group
)
""",
    # Whether what somebody says there reaches nobody: the other one of two has blocked them.
    "is_cut_off(conversation uuid, person uuid)": f"""
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER {PINNED}
RETURN EXISTS (
    SELECT FROM conversations JOIN conversation_members other ON other.conversation_id = conversations.id
    JOIN blocks ON blocker_id = other.user_id AND blocked_id = person
    WHERE conversations.id = conversation AND NOT is_group
)
""",
    # Of an id that nobody has, of who has blocked the caller, and of who lets nobody write: the same.
    "may_be_written_to(person uuid)": f"""
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER {PINNED}
RETURN EXISTS (
    SELECT FROM users LEFT JOIN message_settings ON message_settings.user_id = users.id
    WHERE users.id = person AND users.id <> caller()
    AND NOT EXISTS (SELECT FROM blocks WHERE blocker_id = person AND blocked_id = caller())
    AND CASE coalesce(writers, 'everyone')
        WHEN 'everyone' THEN true
        WHEN 'known' THEN EXISTS (
            SELECT FROM conversation_members mine JOIN conversation_members theirs USING (conversation_id)
            WHERE mine.user_id = caller() AND theirs.user_id = person
        )
        ELSE false
    END
)
""",
    # What is for one member alone has a topic of its own.
    "tell_conversation(conversation uuid, only_to uuid, event text, payload jsonb)": f"""
RETURNS void LANGUAGE sql SECURITY DEFINER {PINNED}
BEGIN ATOMIC
    SELECT tell(concat_ws(':', 'conversation', conversation, only_to), event, payload);
END
""",
    "message_payload(message messages)": f"""
RETURNS jsonb LANGUAGE sql STABLE {PINNED}
RETURN (
    SELECT jsonb_build_object(
        'id', message.id, 'conversation_id', message.conversation_id, 'number', message.number,
        'sender', jsonb_build_object('id', users.id, 'name', users.name, 'display_name', users.display_name),
        'client_message_id', message.client_message_id, 'body', message.body, 'html', message.html,
        'created_at', message.created_at, 'edited_at', message.edited_at
    ) FROM users WHERE users.id = message.sender_id
)
""",
    # The lock on the conversation makes numbers without gaps, and times in their order.
    "place_message()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    PERFORM FROM conversations WHERE id = NEW.conversation_id FOR NO KEY UPDATE;
    -- Sent again by its sender: it is there.
    IF NEW.sender_id = caller() AND EXISTS (
        SELECT FROM messages WHERE conversation_id = NEW.conversation_id AND sender_id = NEW.sender_id
        AND client_message_id = NEW.client_message_id
    ) THEN
        RETURN NULL;
    END IF;
    UPDATE conversations SET last_number = last_number + 1 WHERE id = NEW.conversation_id
    RETURNING last_number INTO NEW.number;
    NEW.created_at := clock_timestamp();
    NEW.is_withheld := is_cut_off(NEW.conversation_id, NEW.sender_id);
    RETURN NEW;
END $$
""",
    "note_message()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    WITH reached AS (
        UPDATE inboxes SET last_number = NEW.number, last_at = NEW.created_at,
            unread = unread + (user_id <> NEW.sender_id)::int
        WHERE conversation_id = NEW.conversation_id AND (user_id = NEW.sender_id OR NOT NEW.is_withheld)
        RETURNING user_id, conversation_id, last_number, unread
    )
    INSERT INTO outbox (topic, event, payload)
    SELECT 'user:' || user_id, 'conversation_changed', to_jsonb(reached) - 'user_id' FROM reached;
    PERFORM tell_conversation(
        NEW.conversation_id, CASE WHEN NEW.is_withheld THEN NEW.sender_id END, 'dm_message_created',
        message_payload(NEW)
    );
    RETURN NULL;
END $$
""",
    "revise_message()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    IF NEW.redacted_at IS NOT NULL AND OLD.redacted_at IS NULL THEN
        NEW.body := '';
        NEW.html := '';
        PERFORM tell_conversation(
            NEW.conversation_id, CASE WHEN NEW.is_withheld THEN NEW.sender_id END, 'dm_message_redacted',
            jsonb_build_object('conversation_id', NEW.conversation_id, 'number', NEW.number)
        );
    ELSIF NEW.body <> OLD.body THEN
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
""",
    "place_message_reaction()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    NEW.is_withheld := (SELECT is_cut_off(conversation_id, NEW.user_id) FROM messages WHERE id = NEW.message_id);
    RETURN NEW;
END $$
""",
    "note_message_reaction()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    changed message_reactions := coalesce(NEW, OLD);
    message messages;
BEGIN
    SELECT * INTO message FROM messages WHERE id = changed.message_id;
    PERFORM tell_conversation(
        message.conversation_id, CASE WHEN changed.is_withheld OR message.is_withheld THEN changed.user_id END,
        'dm_reaction_toggled', jsonb_build_object(
            'conversation_id', message.conversation_id, 'number', message.number, 'user_id', changed.user_id,
            'reaction', changed.reaction, 'step', CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END
        )
    );
    RETURN NULL;
END $$
""",
    "note_conversation()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    PERFORM tell_conversation(
        NEW.id, NULL, 'conversation_renamed', jsonb_build_object('conversation_id', NEW.id, 'title', NEW.title)
    );
    RETURN NULL;
END $$
""",
    # Who joins sees what comes from now on, and has read what came before.
    "place_member()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    SELECT last_number, last_number INTO NEW.joined_after, NEW.read_number FROM conversations
    WHERE id = NEW.conversation_id;
    RETURN NEW;
END $$
""",
    "note_member()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    member conversation_members := coalesce(NEW, OLD);
    told jsonb := jsonb_build_object(
        'conversation_id', member.conversation_id, 'user_id', member.user_id, 'role', member.role
    );
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO inboxes (conversation_id, user_id, last_number)
        VALUES (member.conversation_id, member.user_id, member.joined_after);
        PERFORM tell('user:' || member.user_id, 'conversation_joined', told);
        PERFORM tell_conversation(member.conversation_id, NULL, 'member_added', told);
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM tell_conversation(member.conversation_id, NULL, 'member_changed', told);
    ELSE
        DELETE FROM inboxes WHERE conversation_id = member.conversation_id AND user_id = member.user_id;
        PERFORM tell('user:' || member.user_id, 'conversation_left', told);
        PERFORM tell_conversation(member.conversation_id, NULL, 'member_removed', told);
    END IF;
    RETURN NULL;
END $$
""",
    # Two who write to each other at the same moment get one conversation; no row where nobody may be written to.
    "open_conversation(person uuid)": f"""
RETURNS TABLE (conversation uuid, is_new boolean) LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    pair text := least(caller(), person) || ':' || greatest(caller(), person);
BEGIN
    SELECT id, false INTO conversation, is_new FROM conversations WHERE direct_key = pair;
    IF NOT FOUND THEN
        IF is_banned() OR NOT may_be_written_to(person) OR EXISTS (
            SELECT FROM blocks WHERE blocker_id = caller() AND blocked_id = person
        ) THEN
            RETURN;
        END IF;
        INSERT INTO conversations (direct_key) VALUES (pair)
        ON CONFLICT (direct_key) DO NOTHING RETURNING id, true INTO conversation, is_new;
        IF FOUND THEN
            INSERT INTO conversation_members (conversation_id, user_id)
            VALUES (conversation, caller()), (conversation, person);
        ELSE
            SELECT id, false INTO conversation, is_new FROM conversations WHERE direct_key = pair;
        END IF;
    END IF;
    RETURN NEXT;
END $$
""",
    "open_group(title text, people uuid[])": f"""
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    made uuid;
BEGIN
    IF caller() IS NULL OR is_banned() OR cardinality(people) >= {LARGEST_GROUP}
    OR NOT coalesce((SELECT bool_and(may_be_written_to(person)) FROM unnest(people) person), true) THEN
        RETURN NULL;
    END IF;
    INSERT INTO conversations (is_group, title) VALUES (true, title) RETURNING id INTO made;
    INSERT INTO conversation_members (conversation_id, user_id, role) VALUES (made, caller(), 'owner');
    INSERT INTO conversation_members (conversation_id, user_id) SELECT DISTINCT made, person FROM unnest(people) person;
    RETURN made;
END $$
""",
    # A group that has members has an owner: where the last one went, who is there longest.
    "pass_ownership(conversation uuid)": f"""
RETURNS void LANGUAGE sql SECURITY DEFINER {PINNED}
BEGIN ATOMIC
    UPDATE conversation_members SET role = 'owner' WHERE id = (
        SELECT id FROM conversation_members WHERE conversation_id = conversation ORDER BY joined_at, id LIMIT 1
    ) AND NOT EXISTS (SELECT FROM conversation_members WHERE conversation_id = conversation AND role = 'owner');
END
""",
    "set_member(conversation uuid, person uuid, wanted text)": f"""
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    PERFORM FROM conversations
    WHERE id = conversation AND is_group AND is_conversation_owner(id) AND NOT is_banned() FOR NO KEY UPDATE;
    IF NOT FOUND OR NOT is_conversation_owner(conversation) THEN
        RETURN false;
    END IF;
    IF EXISTS (SELECT FROM conversation_members WHERE conversation_id = conversation AND user_id = person) THEN
        UPDATE conversation_members SET role = wanted
        WHERE conversation_id = conversation AND user_id = person AND role <> wanted;
        PERFORM pass_ownership(conversation);
        RETURN true;
    END IF;
    IF NOT may_be_written_to(person)
    OR (SELECT count(*) FROM conversation_members WHERE conversation_id = conversation) >= {LARGEST_GROUP} THEN
        RETURN false;
    END IF;
    INSERT INTO conversation_members (conversation_id, user_id, role) VALUES (conversation, person, wanted);
    RETURN true;
END $$
""",
    "remove_member(conversation uuid, person uuid)": f"""
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    PERFORM FROM conversations WHERE id = conversation AND is_group AND is_member(id) FOR NO KEY UPDATE;
    IF NOT FOUND OR NOT (person = caller() OR is_conversation_owner(conversation)) THEN
        RETURN false;
    END IF;
    DELETE FROM conversation_members WHERE conversation_id = conversation AND user_id = person;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM pass_ownership(conversation);
    RETURN true;
END $$
""",
    # Forward only; the lock keeps a message that comes at this moment from being counted wrong. The receipt as JSON;
    # null where there is no such conversation, or no such message in it yet.
    "read_conversation(conversation uuid, upto integer)": f"""
RETURNS json LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    has_moved boolean;
    receipt json;
BEGIN
    PERFORM FROM conversations WHERE id = conversation AND is_member(id) FOR NO KEY UPDATE;
    UPDATE conversation_members member SET read_number = upto, read_at = clock_timestamp() FROM inboxes
    WHERE member.conversation_id = conversation AND member.user_id = caller() AND read_number < upto
    AND inboxes.conversation_id = conversation AND inboxes.user_id = caller() AND upto <= last_number;
    has_moved := FOUND;
    IF has_moved THEN
        UPDATE inboxes SET unread = (
            SELECT count(*) FROM messages WHERE messages.conversation_id = conversation AND number > upto
            AND sender_id <> caller() AND NOT is_withheld
        ) WHERE conversation_id = conversation AND user_id = caller();
    END IF;
    SELECT json_build_object(
        'conversation_id', conversation, 'user_id', user_id, 'number', read_number, 'read_at', read_at,
        'unread', unread
    ) INTO receipt FROM conversation_members JOIN inboxes USING (conversation_id, user_id)
    WHERE conversation_id = conversation AND user_id = caller() AND upto <= last_number;
    IF has_moved THEN
        PERFORM tell_conversation(
            conversation, CASE WHEN is_cut_off(conversation, caller()) THEN caller() END, 'dm_read_updated',
            receipt::jsonb - 'unread'
        );
        PERFORM tell('user:' || caller(), 'conversation_changed', jsonb_build_object(
            'conversation_id', conversation, 'last_number', last_number, 'unread', unread
        )) FROM inboxes WHERE conversation_id = conversation AND user_id = caller();
    END IF;
    RETURN receipt;
END $$
""",
    "redact_message(conversation uuid, wanted integer)": f"""
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    UPDATE messages SET redacted_at = coalesce(redacted_at, clock_timestamp())
    FROM conversation_members member
    WHERE messages.conversation_id = conversation AND number = wanted
    AND member.conversation_id = conversation AND member.user_id = caller() AND number > joined_after
    AND (sender_id = caller() AND NOT is_banned() OR role = 'owner');
    RETURN FOUND;
END $$
""",
}

CALLABLE = (
    "is_member(uuid)",
    "is_conversation_owner(uuid)",
    "may_send(uuid)",
    "open_conversation(uuid)",
    "open_group(text, uuid[])",
    "set_member(uuid, uuid, text)",
    "remove_member(uuid, uuid)",
    "read_conversation(uuid, integer)",
    "redact_message(uuid, integer)",
)

TRIGGERS = (
    ("conversations", "note_conversation", "AFTER UPDATE OF title"),
    ("conversation_members", "place_member", "BEFORE INSERT"),
    ("conversation_members", "note_member", "AFTER INSERT OR DELETE OR UPDATE OF role"),
    ("messages", "place_message", "BEFORE INSERT"),
    ("messages", "note_message", "AFTER INSERT"),
    ("messages", "revise_message", "BEFORE UPDATE OF body, redacted_at"),
    ("message_reactions", "place_message_reaction", "BEFORE INSERT"),
    ("message_reactions", "note_message_reaction", "AFTER INSERT OR DELETE"),
)

# The owner's own rule: crawls, and functions that run as it.
OWNER = "CREATE POLICY owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)"

MINE = "user_id = (SELECT caller())"
SENDER = "sender_id = (SELECT caller())"
BLOCKER = "blocker_id = (SELECT caller())"
SEEN_MESSAGE = "EXISTS (SELECT FROM messages WHERE messages.id = message_id)"
REACTING = f"{MINE} AND NOT (SELECT is_banned()) AND {SEEN_MESSAGE}"

# table -> (command, USING, WITH CHECK) of the API.
POLICIES = {
    "conversations": (
        (
            "SELECT",
            "EXISTS (SELECT FROM conversation_members member "
            "WHERE member.conversation_id = conversations.id AND member.user_id = (SELECT caller()))",
            "",
        ),
        (
            "UPDATE",
            "is_group AND is_conversation_owner(id) AND NOT (SELECT is_banned())",
            "is_group AND is_conversation_owner(id)",
        ),
    ),
    "conversation_members": (("SELECT", f"{MINE} OR is_member(conversation_id)", ""),),
    "inboxes": (("SELECT", MINE, ""), ("UPDATE", MINE, MINE)),
    "messages": (
        (
            "SELECT",
            "EXISTS (SELECT FROM conversation_members member "
            "WHERE member.conversation_id = messages.conversation_id AND member.user_id = (SELECT caller()) "
            f"AND messages.number > member.joined_after) AND (NOT is_withheld OR {SENDER})",
            "",
        ),
        ("INSERT", "", f"{SENDER} AND may_send(conversation_id)"),
        ("UPDATE", f"{SENDER} AND may_send(conversation_id) AND redacted_at IS NULL", SENDER),
    ),
    "message_reactions": (
        ("SELECT", f"(NOT is_withheld OR {MINE}) AND {SEEN_MESSAGE}", ""),
        (
            "INSERT",
            "",
            f"{MINE} AND NOT (SELECT is_banned()) AND EXISTS ("
            "SELECT FROM messages WHERE messages.id = message_id AND redacted_at IS NULL)",
        ),
        ("DELETE", REACTING, ""),
    ),
    "message_settings": (("SELECT", MINE, ""), ("INSERT", "", MINE), ("UPDATE", MINE, MINE)),
    "blocks": (("SELECT", BLOCKER, ""), ("INSERT", "", BLOCKER), ("DELETE", BLOCKER, "")),
}

# Column by column: nobody moves a message to another conversation, or writes a date.
GRANTS = {
    "conversations": "SELECT, UPDATE (title)",
    "conversation_members": "SELECT",
    "inboxes": "SELECT, UPDATE (muted_until)",
    "messages": "SELECT, INSERT (conversation_id, sender_id, client_message_id, body, html), UPDATE (body, html)",
    "message_reactions": "SELECT, INSERT (message_id, user_id, reaction), DELETE",
    "message_settings": "SELECT, INSERT (user_id, writers), UPDATE (writers)",
    "blocks": "SELECT, INSERT (blocker_id, blocked_id), DELETE",
}


def upgrade() -> None:
    op.execute(SETTLE_VOTES)
    _index_votes("reactions", "post_id")
    _make_tables()
    for function, rest in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {function} {rest}")
        op.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
    for function in CALLABLE:
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO trr_api")
    for table, function, event in TRIGGERS:
        op.execute(f"CREATE TRIGGER {function} {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()")
    for table, policies in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(OWNER.format(table=table))
        for command, using, check in policies:
            op.execute(
                f"CREATE POLICY api_{command.lower()} ON {table} FOR {command} TO trr_api"
                + (f" USING ({using})" if using else "")
                + (f" WITH CHECK ({check})" if check else "")
            )
    for table, granted in GRANTS.items():
        op.execute(f"GRANT {granted} ON {table} TO trr_api")


def downgrade() -> None:
    for table, function, _ in TRIGGERS:
        op.execute(f"DROP TRIGGER {function} ON {table}")
    for table, policies in POLICIES.items():
        for command, _, _ in policies:
            op.execute(f"DROP POLICY api_{command.lower()} ON {table}")
    for function in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {function}")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_index("ix_reactions_vote", table_name="reactions")
