"""SQL of privacy. `PERSONAL` says of every table what of it is somebody's, and what becomes of that without them.

A new table of `trr_api.tables.SOCIAL` has a line here or in `NOBODYS`; a test fails until it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from trr_api.queries import Fields, Statement, objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    """What of a table is somebody's. In statements, $1 is their id and $2 that of the nobody who takes their place."""

    mine: str
    """Which rows are exported: a condition on `item`."""
    hidden: tuple[str, ...] = ()
    """Columns that are not: hashes of secrets."""
    keep: tuple[str, ...]
    """Statements for an account that goes and leaves what it wrote."""
    erase: tuple[str, ...]
    """Statements for one that takes it along."""


def _moved(table: str, *columns: str) -> tuple[str, ...]:
    return tuple(f"UPDATE {table} SET {column} = $2 WHERE {column} = $1" for column in columns)


def _gone(table: str, condition: str = "user_id = $1") -> tuple[str, ...]:
    return (f"DELETE FROM {table} WHERE {condition}",)


_USER: Final = "item.user_id = $1"
_OF_SESSION: Final = "session_id IN (SELECT id FROM sessions WHERE user_id = $1)"
_OF_POST: Final = "post_id IN (SELECT id FROM posts WHERE author_id = $1)"
_IN_CONVERSATION: Final = "id IN (SELECT conversation_id FROM conversation_members WHERE user_id = $1)"

# Events of messages have them whole.
_OF_SENDER: Final = "payload #>> '{sender,id}' = $1::uuid::text"
_SENT_BY_NOBODY: Final = f"""
UPDATE outbox SET payload = jsonb_set(payload, '{{sender}}', (
    SELECT jsonb_build_object('id', id, 'name', name, 'display_name', display_name) FROM users WHERE id = $2
)) WHERE {_OF_SENDER}
"""

# Of two people, the lesser id first.
_OF_NOBODY: Final = f"""
UPDATE conversations SET direct_key = (
    SELECT string_agg(person, ':' ORDER BY person)
    FROM unnest(string_to_array(replace(direct_key, $1::uuid::text, $2::uuid::text), ':')) person
) WHERE NOT is_group AND {_IN_CONVERSATION}
"""

# Groups are left, and where nobody else is an owner, who is there longest becomes one; two stay two, one of them
# nobody.
_LEFT: Final = (
    """
    UPDATE conversation_members SET role = 'owner' WHERE id IN (
        SELECT DISTINCT ON (heir.conversation_id) heir.id
        FROM conversation_members mine JOIN conversation_members heir USING (conversation_id)
        WHERE mine.user_id = $1 AND mine.role = 'owner' AND heir.user_id <> $1 AND NOT EXISTS (
            SELECT FROM conversation_members owner WHERE owner.conversation_id = mine.conversation_id
            AND owner.role = 'owner' AND owner.user_id <> $1
        )
        ORDER BY heir.conversation_id, heir.joined_at, heir.id
    )
    """,
    "DELETE FROM conversation_members USING conversations "
    "WHERE user_id = $1 AND conversations.id = conversation_id AND is_group",
    *_moved("conversation_members", "user_id"),
)

# Nobody is not to be written to.
_UNREACHABLE: Final = (
    *_gone("message_settings"),
    "INSERT INTO message_settings (user_id, writers) SELECT $2, 'nobody' WHERE $1::uuid IS NOT NULL",
)

# In this order: what refers to something goes before it.
PERSONAL: Final = {
    "refresh_tokens": Personal(
        mine=_OF_SESSION,
        hidden=("hash",),
        keep=_gone("refresh_tokens", _OF_SESSION),
        erase=_gone("refresh_tokens", _OF_SESSION),
    ),
    "sessions": Personal(mine=_USER, keep=_gone("sessions"), erase=_gone("sessions")),
    "credentials": Personal(
        mine=_USER, hidden=("password_hash",), keep=_gone("credentials"), erase=_gone("credentials")
    ),
    "identities": Personal(mine=_USER, keep=_gone("identities"), erase=_gone("identities")),
    "consents": Personal(mine=_USER, keep=_gone("consents"), erase=_gone("consents")),
    "progress": Personal(mine=_USER, keep=_gone("progress"), erase=_gone("progress")),
    "notifications": Personal(mine=_USER, keep=_gone("notifications"), erase=_gone("notifications")),
    # Who is banned comes back under another name; that somebody was, and why, stays.
    "bans": Personal(mine=_USER, keep=_moved("bans", "user_id"), erase=_moved("bans", "user_id")),
    "reports": Personal(
        mine="item.reporter_id = $1",
        keep=_moved("reports", "reporter_id", "resolved_by"),
        erase=(
            "UPDATE reports SET reason = 'Erased.' WHERE reporter_id = $1",
            *_moved("reports", "reporter_id", "resolved_by"),
        ),
    ),
    "moderation_log": Personal(
        mine="$1 IN (item.user_id, item.moderator_id)",
        keep=_moved("moderation_log", "user_id", "moderator_id"),
        erase=_moved("moderation_log", "user_id", "moderator_id"),
    ),
    "reactions": Personal(mine=_USER, keep=_moved("reactions", "user_id"), erase=_gone("reactions")),
    # Deleting a post puts its text among the edits; with those it is gone.
    "post_edits": Personal(
        mine=_OF_POST,
        keep=(),
        erase=(
            "UPDATE posts SET deleted_at = now() WHERE author_id = $1 AND deleted_at IS NULL",
            *_gone("post_edits", _OF_POST),
        ),
    ),
    "posts": Personal(
        mine="item.author_id = $1", keep=_moved("posts", "author_id"), erase=_moved("posts", "author_id")
    ),
    "threads": Personal(
        mine="item.author_id = $1",
        keep=_moved("threads", "author_id"),
        erase=("UPDATE threads SET title = 'Erased' WHERE author_id = $1", *_moved("threads", "author_id")),
    ),
    "message_reactions": Personal(
        mine=_USER,
        hidden=("is_withheld",),
        keep=_moved("message_reactions", "user_id"),
        erase=_gone("message_reactions"),
    ),
    # Whether somebody has blocked them, people do not learn.
    "messages": Personal(
        mine="item.sender_id = $1",
        hidden=("is_withheld",),
        keep=(_SENT_BY_NOBODY, *_moved("messages", "sender_id")),
        erase=(
            "UPDATE messages SET redacted_at = now() WHERE sender_id = $1 AND redacted_at IS NULL",
            *_gone("outbox", _OF_SENDER),
            *_moved("messages", "sender_id"),
        ),
    ),
    "message_settings": Personal(mine=_USER, keep=_UNREACHABLE, erase=_UNREACHABLE),
    "blocks": Personal(
        mine="item.blocker_id = $1",
        keep=_gone("blocks", "$1 IN (blocker_id, blocked_id)"),
        erase=_gone("blocks", "$1 IN (blocker_id, blocked_id)"),
    ),
    "conversations": Personal(mine=f"item.{_IN_CONVERSATION}", keep=(_OF_NOBODY,), erase=(_OF_NOBODY,)),
    "conversation_members": Personal(mine=_USER, keep=_LEFT, erase=_LEFT),
    "inboxes": Personal(mine=_USER, keep=_moved("inboxes", "user_id"), erase=_moved("inboxes", "user_id")),
    "surveys": Personal(
        mine="item.author_id = $1", keep=_moved("surveys", "author_id"), erase=_moved("surveys", "author_id")
    ),
    "responses": Personal(
        mine=_USER, hidden=("token_hash",), keep=_moved("responses", "user_id"), erase=_gone("responses")
    ),
    "scores": Personal(mine=_USER, keep=_moved("scores", "user_id"), erase=_gone("scores")),
    "users": Personal(mine="item.id = $1", keep=_gone("users", "id = $1"), erase=_gone("users", "id = $1")),
}
"""Table -> what of it is somebody's."""

NOBODYS: Final = frozenset(
    {
        *("questions", "options", "answer_keys"),  # of surveys, which moderators write
        *("response_counts", "tallies", "results", "score_counts"),  # sums
        "outbox",  # tells of rows above; whoever goes is taken out of it
        "presences",  # of this moment: a minute later they are gone
    }
)
"""Tables that hold nothing of anybody that is not in others."""

# Numbers of rows may be large, and nobody waits for this but who asked for it.
TAKE_TIME: Final = b"SELECT set_config('statement_timeout', '10min', true)"

# Everything at one moment: what is deleted meanwhile is there as a whole or not at all.
ONE_MOMENT: Final = b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"

WHO: Final = b"""
SELECT name FROM users WHERE id = $1 AND ($2::uuid IS NULL OR EXISTS (
    SELECT FROM sessions WHERE sessions.id = $2 AND user_id = $1 AND revoked_at IS NULL
))
"""

PASSWORD: Final = b"SELECT password_hash FROM credentials WHERE user_id = $1"
LOGGED_IN: Final = b"SELECT extract(epoch FROM now() - created_at)::float8 FROM sessions WHERE id = $1"

# They take reactions, answers and points out of the same counts, each in its own order.
ONE_BY_ONE: Final = b"SELECT pg_advisory_xact_lock(hashtextextended('end of accounts', 0))"

LOCK_USER: Final = b"SELECT name, avatar_url FROM users WHERE id = $1 FOR UPDATE"
NOBODY: Final = b"INSERT INTO users (name, display_name) VALUES ($1, 'Deleted user') RETURNING id"

FORGET_NAME: Final = b"SELECT forget_name($1, $2)"
FORGET_EVENTS: Final = (
    b"DELETE FROM outbox WHERE topic = 'user:' || $1::text OR topic LIKE 'conversation:%:' || $1::text"
)
RENAME_IN_EVENTS: Final = (
    b"UPDATE outbox SET payload = replace(payload::text, $1::text, $2::text)::jsonb "
    b"WHERE position($1::text IN payload::text) > 0"
)


def exported(table: str) -> bytes:
    """All of somebody's rows of a table as JSON, without what is hidden."""
    personal = PERSONAL[table]
    hidden = ", ".join(f"'{column}'" for column in personal.hidden)
    return f"SELECT (to_jsonb(item) - ARRAY[{hidden}]::text[])::json FROM {table} item WHERE {personal.mine}".encode()


def farewell(content: str, user: UUID, nobody: UUID) -> list[Statement]:
    """The statements that end an account, in order."""
    return [
        Statement(statement.encode(), [user, nobody] if "$2" in statement else [user])
        for personal in PERSONAL.values()
        for statement in (personal.keep if content == "keep" else personal.erase)
    ]


_CONSENT: Final[Fields] = {
    name: f"consent.{name}" for name in ("id", "subject", "version", "agreed_at", "withdrawn_at")
}
_CONSENTS: Final = (
    f"SELECT {objects(_CONSENT, 'consents consent WHERE user_id = (SELECT caller())', order='consent.id DESC')}"
).encode()


def consents() -> Statement:
    """What the caller agreed to, newest first."""
    return Statement(_CONSENTS)


def agree(subject: str, version: str) -> Statement:
    """Note that the caller agreed."""
    return Statement(
        b"INSERT INTO consents (user_id, subject, version) VALUES (caller(), $1, $2) RETURNING id", [subject, version]
    )


def withdraw(subject: str) -> Statement:
    """Note that the caller does not agree any more."""
    return Statement(
        b"UPDATE consents SET withdrawn_at = now() WHERE user_id = (SELECT caller()) AND subject = $1 "
        b"AND withdrawn_at IS NULL RETURNING id",
        [subject],
    )


_ENDED: Final = (
    "least(sessions.revoked_at, sessions.used_at + %(refresh_days)s * interval '1 day') "
    "< now() - %(days)s * interval '1 day'"
)

PRUNED: Final = {
    "refresh tokens of log-ins that ended": (
        "log_ins",
        f"DELETE FROM refresh_tokens USING sessions WHERE session_id = sessions.id AND {_ENDED}",
    ),
    "log-ins that ended": ("log_ins", f"DELETE FROM sessions WHERE {_ENDED}"),
    "notifications that were read": (
        "notifications",
        "DELETE FROM notifications WHERE read_at < now() - %(days)s * interval '1 day'",
    ),
    "tokens of anonymous surveys that are over": (
        "ballots",
        "UPDATE responses SET token_hash = NULL FROM surveys WHERE survey_id = surveys.id AND token_hash IS NOT NULL "
        "AND least(closed_at, ends_at) < now() - %(days)s * interval '1 day'",
    ),
}
"""What goes in time -> (the setting `keep_…_days` that says when, statement)."""
