"""SQL of moderation. What moderators may do is decided by the functions in the database, which log it too."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from trr_api.catalog.queries import embedded
from trr_api.discussions.queries import POST
from trr_api.queries import Fields, Sort, Statement, after_place, objects, page, person

if TYPE_CHECKING:
    from trr_api.discussions.schemas import Moderation, NewBan

_MESSAGE: Final[Fields] = {
    "id": "message.id",
    "sender": person("message.sender_id"),
    "body": "message.body",
    "html": "message.html",
    "created_at": "message.created_at",
    "edited_at": "message.edited_at",
    "redacted_at": "message.redacted_at",
}

_REPORT: Final[Fields] = {
    "id": "report.id",
    "reason": "report.reason",
    "created_at": "report.created_at",
    "reporter": person("report.reporter_id"),
    "post": embedded(POST, "posts post WHERE post.id = report.post_id"),
    "message": embedded(_MESSAGE, "reported_messages(report.id) message WHERE message.is_reported"),
    "before": objects(
        _MESSAGE, "reported_messages(report.id) message WHERE NOT message.is_reported", order="message.number"
    ),
}
_OLDEST: Final = Sort((("report.id", "uuid"),))

_ENTRY: Final[Fields] = {
    "id": "entry.id",
    "at": "entry.at",
    "action": "entry.action",
    "reason": "entry.reason",
    "moderator": person("entry.moderator_id"),
    "thread_id": "entry.thread_id",
    "post_id": "entry.post_id",
    "user": person("entry.user_id"),
}
_NEWEST: Final = Sort((("entry.id", "uuid"),), descending=True)


def reports(limit: int, after: Sequence[object] | None) -> Statement:
    """A page of the open reports, oldest first; none for those who are no moderators."""
    return after_place(_reports(after is not None), [], limit, after)


@lru_cache(maxsize=2)
def _reports(after: bool) -> bytes:
    where = ("report.resolved_at IS NULL", "is_moderator()")
    return page(_REPORT, "reports report", sort=_OLDEST, bound=0, after=after, where=where)


def log(limit: int, after: Sequence[object] | None) -> Statement:
    """A page of what moderators did, newest first."""
    return after_place(_log(after is not None), [], limit, after)


@lru_cache(maxsize=2)
def _log(after: bool) -> bytes:
    return page(_ENTRY, "moderation_log entry", sort=_NEWEST, bound=0, after=after)


def is_moderator() -> Statement:
    """Whether the caller is one."""
    return Statement(b"SELECT is_moderator()")


def resolve(report: UUID, outcome: str) -> Statement:
    """Close a report."""
    return Statement(b"SELECT resolve_report($1, $2)", [report, outcome])


def moderate_post(post: UUID, gone: bool, reason: str | None) -> Statement:
    """Remove or restore a post."""
    return Statement(b"SELECT moderate_post($1, $2, $3)", [post, gone, reason])


def moderate_thread(thread: UUID, wanted: Moderation) -> Statement:
    """Stick, lock, remove or reschedule a thread, or take that back."""
    return Statement(
        b"SELECT moderate_thread($1, $2, $3, $4, $5, $6)",
        [thread, wanted.is_sticky, wanted.is_locked, wanted.is_removed, wanted.opens_at, wanted.reason],
    )


def ban(wanted: NewBan) -> Statement:
    """Ban somebody; null where nobody has that name who could be banned."""
    return Statement(
        b"SELECT ban((SELECT id FROM users WHERE name = $1), $2, $3)", [wanted.name, wanted.ends_at, wanted.reason]
    )


def lift_bans(name: str, reason: str | None) -> Statement:
    """Let somebody write again."""
    return Statement(b"SELECT lift_bans((SELECT id FROM users WHERE name = $1), $2)", [name, reason])


def set_role(name: str, role: str) -> Statement:
    """Let somebody be a moderator, an admin, or neither."""
    return Statement(b"SELECT set_role((SELECT id FROM users WHERE name = $1), $2)", [name, role])
