"""SQL of what is one person's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from uuid import UUID

from trr_api.discussions.queries import person
from trr_api.queries import Fields, Sort, Statement, after_place, page

_NOTIFICATION: Final[Fields] = {
    "id": "mark.id",
    "kind": "mark.kind",
    "post_id": "mark.post_id",
    "thread_id": "post.thread_id",
    "author": person("post.author_id"),
    "created_at": "mark.created_at",
    "read_at": "mark.read_at",
}
_NEWEST: Final = Sort((("mark.id", "uuid"),), descending=True)


def notifications(unread: bool, limit: int, after: Sequence[object] | None) -> Statement:
    """A page of the caller's notifications, newest first."""
    return after_place(_notifications(unread, after is not None), [], limit, after)


@lru_cache(maxsize=4)
def _notifications(unread: bool, after: bool) -> bytes:
    return page(
        _NOTIFICATION,
        "notifications mark JOIN posts post ON post.id = mark.post_id",
        sort=_NEWEST,
        bound=0,
        after=after,
        where=("mark.user_id = (SELECT caller())", *(("mark.read_at IS NULL",) if unread else ())),
    )


def read_up_to(identifier: UUID) -> Statement:
    """Mark the caller's notifications as read, up to one of them."""
    return Statement(
        b"WITH read AS (UPDATE notifications SET read_at = now() "
        b"WHERE user_id = caller() AND id <= $1 AND read_at IS NULL) "
        b"SELECT id FROM notifications WHERE id = $1 AND user_id = caller()",
        [identifier],
    )


_PROGRESS: Final = (
    b"SELECT json_build_object('season_number', season_number, 'episode_number', episode_number) "
    b"FROM progress WHERE user_id = caller() AND show_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1"
)


def progress(show: UUID) -> Statement:
    """How far the caller watched a show."""
    return Statement(_PROGRESS, [show])


def set_progress(show: UUID, season: int, episode: int) -> Statement:
    """Note how far the caller watched a show; no row where there is no such show."""
    return Statement(
        b"WITH before AS (DELETE FROM progress WHERE user_id = caller() AND show_id = $1) "
        b"INSERT INTO progress (user_id, show_id, season_number, episode_number) "
        b"SELECT caller(), id, $2, $3 FROM shows WHERE id = $1 RETURNING id",
        [show, season, episode],
    )


def forget_progress(show: UUID) -> Statement:
    """Show the caller everything about a show again."""
    return Statement(b"DELETE FROM progress WHERE user_id = caller() AND show_id = $1 RETURNING id", [show])
