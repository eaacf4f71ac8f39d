"""SQL of conversations and messages. All of it runs as the caller, under row-level security."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from trr_api.catalog.queries import embedded
from trr_api.queries import Fields, Sort, Statement, after_place, columns, objects, page, person
from trr_api.tables import LARGEST_GROUP, REACTIONS

if TYPE_CHECKING:
    from trr_api.messages.schemas import MessagesParameters

_COUNTS: Final = ", ".join(f"'{name}', count(*) FILTER (WHERE reaction = '{name}')" for name in REACTIONS)

MESSAGE: Final[Fields] = {
    "id": "message.id",
    "conversation_id": "message.conversation_id",
    "number": "message.number",
    "sender": person("message.sender_id"),
    "client_message_id": "CASE WHEN message.sender_id = (SELECT caller()) THEN message.client_message_id END",
    "body": "message.body",
    "html": "message.html",
    "created_at": "message.created_at",
    "edited_at": "message.edited_at",
    "redacted_at": "message.redacted_at",
    "removed_at": "message.removed_at",
    "reactions": f"(SELECT json_build_object({_COUNTS}) FROM message_reactions WHERE message_id = message.id)",
    "mine": (
        "(SELECT coalesce(json_agg(reaction ORDER BY reaction), '[]'::json) FROM message_reactions "
        "WHERE message_id = message.id AND user_id = (SELECT caller()))"
    ),
}

CONVERSATION: Final[Fields] = {
    "id": "conversation.id",
    "is_group": "conversation.is_group",
    "title": "conversation.title",
    "created_at": "conversation.created_at",
    "others": objects(
        {name: f"other.{name}" for name in ("id", "name", "display_name", "avatar_url")},
        "(SELECT users.* FROM conversation_members member JOIN users ON users.id = member.user_id "
        "WHERE member.conversation_id = conversation.id "
        "AND member.user_id <> inbox.user_id ORDER BY member.joined_at, member.id LIMIT 5) other",
    ),
    "member_count": (
        "(SELECT count(*) FROM conversation_members member WHERE member.conversation_id = conversation.id)"
    ),
    "last_at": "inbox.last_at",
    "last_number": "inbox.last_number",
    "last_message": embedded(
        MESSAGE, "messages message WHERE message.conversation_id = conversation.id ORDER BY message.number DESC LIMIT 1"
    ),
    "read_number": (
        "(SELECT member.read_number FROM conversation_members member "
        "WHERE member.conversation_id = conversation.id AND member.user_id = inbox.user_id)"
    ),
    "unread": "inbox.unread",
    "is_muted": "coalesce(inbox.muted_until > now(), false)",
    "muted_until": "CASE WHEN inbox.muted_until > now() THEN nullif(inbox.muted_until, 'infinity') END",
}

# What did not come through to the caller, its sender has read all the same.
_MEMBERS: Final = objects(
    {
        "user": person("member.user_id"),
        "role": "member.role",
        "joined_at": "member.joined_at",
        "read_number": "least(member.read_number, inbox.last_number)",
        "read_at": "member.read_at",
    },
    "conversation_members member WHERE member.conversation_id = conversation.id",
    order="member.joined_at, member.id",
)

_INBOX: Final = (
    "inboxes inbox JOIN conversations conversation ON conversation.id = inbox.conversation_id "
    "WHERE inbox.user_id = (SELECT caller())"
)
_NEWEST: Final = Sort((("inbox.last_at", "timestamptz"), ("inbox.conversation_id", "uuid")), descending=True)


def open_conversation(other: UUID) -> Statement:
    """The conversation with somebody, and whether it is new; no row where the caller may not begin one."""
    return Statement(b"SELECT conversation, is_new FROM open_conversation($1)", [other])


def open_group(title: str, people: Sequence[UUID]) -> Statement:
    """Found a group; null where one of these people may not be written to."""
    return Statement(b"SELECT open_group($1, $2)", [title, list(people)])


def may_not_begin(other: UUID | None) -> Statement:
    """Whether the caller is banned, and whether they have blocked the other one."""
    return Statement(
        b"SELECT is_banned(), EXISTS (SELECT FROM blocks WHERE blocker_id = caller() AND blocked_id = $1)", [other]
    )


def conversations(limit: int, after: Sequence[object] | None) -> Statement:
    """A page of the caller's conversations, the one with the newest message first."""
    return after_place(_conversations(after is not None), [], limit, after)


@lru_cache(maxsize=2)
def _conversations(after: bool) -> bytes:
    source, _, condition = _INBOX.partition(" WHERE ")
    return page(CONVERSATION, source, sort=_NEWEST, bound=0, after=after, where=(condition,))


_CONVERSATION: Final = (
    f"SELECT row_to_json(item) FROM (SELECT {columns({**CONVERSATION, 'members': _MEMBERS})} "
    f"FROM {_INBOX} AND inbox.conversation_id = $1) item"
).encode()


def conversation(identifier: UUID) -> Statement:
    """One conversation, with its members."""
    return Statement(_CONVERSATION, [identifier])


def rename(identifier: UUID, title: str) -> Statement:
    """Change a group's title, as its owner."""
    return Statement(b"UPDATE conversations SET title = $2 WHERE id = $1 RETURNING id", [identifier, title])


def set_member(identifier: UUID, person: UUID, role: str) -> Statement:
    """Add somebody to a group, or change what they are in it."""
    return Statement(b"SELECT set_member($1, $2, $3)", [identifier, person, role])


def remove_member(identifier: UUID, person: UUID) -> Statement:
    """Remove somebody from a group, or leave it."""
    return Statement(b"SELECT remove_member($1, $2)", [identifier, person])


def mute(identifier: UUID, until: datetime | None) -> Statement:
    """Mute a conversation for the caller, without an end where none is given."""
    return Statement(
        b"UPDATE inboxes SET muted_until = coalesce($2, 'infinity'::timestamptz) "
        b"WHERE conversation_id = $1 AND user_id = caller() RETURNING id",
        [identifier, until],
    )


def unmute(identifier: UUID) -> Statement:
    """Take that back."""
    return Statement(
        b"UPDATE inboxes SET muted_until = NULL WHERE conversation_id = $1 AND user_id = caller() RETURNING id",
        [identifier],
    )


def read(identifier: UUID, number: int) -> Statement:
    """Note that the caller has read up to there; the receipt, or null where there is no such message."""
    return Statement(b"SELECT read_conversation($1, $2)", [identifier, number])


def messages(conversation: UUID, asked: MessagesParameters) -> Statement:
    """A page of messages: (data, whether there are more, lowest number, highest number)."""
    if asked.after is not None:
        return Statement(_page(">", "ASC"), [conversation, asked.limit, asked.after])
    if asked.before is not None:
        return Statement(_page("<", "DESC"), [conversation, asked.limit, asked.before])
    return Statement(_page("", "DESC"), [conversation, asked.limit])


@lru_cache(maxsize=3)
def _page(than: str, order: str) -> bytes:
    beside = f" AND message.number {than} $3::int" if than else ""
    rows = (
        f"SELECT {embedded(MESSAGE)} AS item, message.number FROM messages message "
        f"WHERE message.conversation_id = owner.id{beside} ORDER BY message.number {order} LIMIT $2::int + 1"
    )
    return (
        "SELECT listed.* FROM (SELECT id FROM conversations WHERE id = $1) owner, LATERAL ("
        "SELECT coalesce(json_agg(item ORDER BY number DESC) FILTER (WHERE place <= $2), '[]'::json), "
        "count(*) > $2, min(number) FILTER (WHERE place <= $2), max(number) FILTER (WHERE place <= $2) "
        f"FROM (SELECT item, number, row_number() OVER () AS place FROM ({rows}) ordered) page) listed"
    ).encode()


_MESSAGE: Final = (
    f"SELECT {embedded(MESSAGE)} FROM messages message WHERE message.conversation_id = $1 AND message.number = $2"
).encode()


def message(conversation: UUID, number: int) -> Statement:
    """One message."""
    return Statement(_MESSAGE, [conversation, number])


_SEND: Final = (
    "INSERT INTO messages AS message (conversation_id, sender_id, client_message_id, body, html) "
    f"SELECT $1, caller(), $2, $3, $4 WHERE may_send($1) RETURNING {embedded(MESSAGE)}"
).encode()
_SENT: Final = (
    f"SELECT {embedded(MESSAGE)} FROM messages message WHERE message.conversation_id = $1 "
    "AND message.sender_id = caller() AND message.client_message_id = $2"
).encode()


def send(conversation: UUID, name: UUID | None, body: str, html: str) -> Statement:
    """Send a message; no row where the caller may not, or where it was sent before: see `sent` and `why_not`."""
    return Statement(_SEND, [conversation, name, body, html])


def sent(conversation: UUID, name: UUID) -> Statement:
    """The message that the caller sent before by that name."""
    return Statement(_SENT, [conversation, name])


def rewrite(conversation: UUID, number: int, body: str, html: str) -> Statement:
    """Change the text of the caller's own message."""
    return Statement(
        b"UPDATE messages SET body = $3, html = $4 WHERE conversation_id = $1 AND number = $2 RETURNING id",
        [conversation, number, body, html],
    )


def redact(conversation: UUID, number: int) -> Statement:
    """Take the text of a message away: its sender, or an owner of the group."""
    return Statement(b"SELECT redact_message($1, $2)", [conversation, number])


_OPEN_MESSAGE: Final = b"""
WITH open AS (
    SELECT id FROM messages
    WHERE conversation_id = $1 AND number = $2 AND redacted_at IS NULL AND NOT is_banned()
)"""
# An upvote takes the place of a downvote, and the other way round: `made` asks for `opposite`, which so comes first.
_REACT: Final = (
    _OPEN_MESSAGE
    + b""", opposite AS (
    DELETE FROM message_reactions USING open WHERE message_id = open.id AND user_id = caller()
    AND reaction = CASE $3 WHEN 'upvote' THEN 'downvote' WHEN 'downvote' THEN 'upvote' END RETURNING 1
), made AS (
    INSERT INTO message_reactions (message_id, user_id, reaction) SELECT id, caller(), $3 FROM open
    WHERE (SELECT count(*) FROM opposite) >= 0
    ON CONFLICT DO NOTHING
)
SELECT id FROM open
"""
)
_UNREACT: Final = (
    _OPEN_MESSAGE
    + b""", gone AS (
    DELETE FROM message_reactions USING open WHERE message_id = open.id AND user_id = caller() AND reaction = $3
)
SELECT id FROM open
"""
)


def react(conversation: UUID, number: int, reaction: str, *, wanted: bool) -> Statement:
    """Let the caller's reaction be there or not; no row where the message takes none."""
    return Statement(_REACT if wanted else _UNREACT, [conversation, number, reaction])


_REPORT: Final = b"""
WITH message AS (SELECT id FROM messages WHERE conversation_id = $1 AND number = $2 AND NOT is_banned()),
made AS (
    INSERT INTO reports (message_id, reporter_id, reason) SELECT id, caller(), $3 FROM message
    ON CONFLICT (message_id, reporter_id) DO NOTHING
)
SELECT id FROM message
"""


def report(conversation: UUID, number: int, reason: str) -> Statement:
    """Tell the moderators of a message; no row where there is none such."""
    return Statement(_REPORT, [conversation, number, reason])


def why_not(conversation: UUID, number: int | None = None) -> Statement:
    """What stands against doing something there; the columns are those of `routes.Obstacles`."""
    return Statement(
        b"SELECT conversation.id IS NOT NULL, coalesce(conversation.is_group, false), "
        b"coalesce(is_conversation_owner(conversation.id), false), "
        b"(SELECT count(*) >= %d FROM conversation_members WHERE conversation_id = conversation.id), "
        b"message.id IS NOT NULL, "
        b"coalesce(message.sender_id = caller(), false), is_banned(), EXISTS ("
        b"SELECT FROM conversation_members other JOIN blocks ON blocked_id = other.user_id "
        b"WHERE other.conversation_id = conversation.id AND NOT is_group AND blocker_id = caller()) "
        b"FROM (VALUES ($1::uuid, $2::int)) asked (conversation, number) "
        b"LEFT JOIN conversations conversation ON conversation.id = asked.conversation "
        b"LEFT JOIN messages message ON message.conversation_id = conversation.id AND message.number = asked.number"
        % LARGEST_GROUP,
        [conversation, number],
    )
