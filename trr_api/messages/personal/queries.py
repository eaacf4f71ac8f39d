"""SQL of what is one person's own about messages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from trr_api.queries import Fields, Sort, Statement, after_place, page, person

_BLOCK: Final[Fields] = {"user": person("block.blocked_id"), "created_at": "block.created_at"}
_NEWEST: Final = Sort((("block.id", "uuid"),), descending=True)


def unread() -> Statement:
    """How much waits for the caller."""
    return Statement(
        b"SELECT json_build_object('conversations', count(*) FILTER (WHERE NOT is_muted), "
        b"'messages', coalesce(sum(unread) FILTER (WHERE NOT is_muted), 0), "
        b"'muted_messages', coalesce(sum(unread) FILTER (WHERE is_muted), 0)) FROM ("
        b"SELECT unread, coalesce(muted_until > now(), false) AS is_muted FROM inboxes "
        b"WHERE user_id = caller() AND unread > 0) waiting"
    )


def settings() -> Statement:
    """Who may begin to write to the caller."""
    return Statement(
        b"SELECT json_build_object('writers', coalesce("
        b"(SELECT writers FROM message_settings WHERE user_id = caller()), 'everyone'))"
    )


def set_writers(writers: str) -> Statement:
    """Say who may."""
    return Statement(
        b"INSERT INTO message_settings (user_id, writers) VALUES (caller(), $1) "
        b"ON CONFLICT (user_id) DO UPDATE SET writers = excluded.writers RETURNING id",
        [writers],
    )


def blocks(limit: int, after: Sequence[object] | None) -> Statement:
    """A page of whom the caller has blocked, the newest first."""
    return after_place(_blocks(after is not None), [], limit, after)


@lru_cache(maxsize=2)
def _blocks(after: bool) -> bytes:
    where = ("block.blocker_id = (SELECT caller())",)
    return page(_BLOCK, "blocks block", sort=_NEWEST, bound=0, after=after, where=where)


def block(name: str) -> Statement:
    """Block somebody; no row where nobody else has that name."""
    return Statement(
        b"WITH person AS (SELECT id FROM users WHERE name = $1 AND id <> caller()), made AS ("
        b"INSERT INTO blocks (blocker_id, blocked_id) SELECT caller(), id FROM person "
        b"ON CONFLICT (blocker_id, blocked_id) DO NOTHING) SELECT id FROM person",
        [name],
    )


def unblock(name: str) -> Statement:
    """Take that back."""
    return Statement(
        b"DELETE FROM blocks USING users WHERE blocker_id = caller() AND blocked_id = users.id AND users.name = $1 "
        b"RETURNING blocks.id",
        [name],
    )
