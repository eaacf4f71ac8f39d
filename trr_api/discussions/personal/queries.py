"""SQL of what is one person's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from trr_api.catalog.places import Key
from trr_api.catalog.queries import named
from trr_api.discussions.spoilers.queries import shows_lone_post
from trr_api.queries import Fields, Sort, Statement, after_place, page, person

if TYPE_CHECKING:
    from trr_api.discussions.schemas import MarksParameters

_NOTIFICATION: Final[Fields] = {
    "id": "mark.id",
    "kind": "mark.kind",
    "post_id": "mark.post_id",
    "thread_id": "post.thread_id",
    "author": person("post.author_id"),
    "created_at": "mark.created_at",
    "read_at": "mark.read_at",
}
_POSTS: Final = "(posts post JOIN threads thread ON thread.id = post.thread_id)"
_NEWEST: Final = Sort((("mark.id", "uuid"),), descending=True)


def notifications(asked: MarksParameters, after: Sequence[object] | None) -> Statement:
    """A page of the caller's notifications, newest first."""
    return after_place(_notifications(asked.unread, asked.spoilers, after is not None), [], asked.limit, after)


@lru_cache(maxsize=8)
def _notifications(unread: bool, spoilers: bool, after: bool) -> bytes:
    return page(
        _NOTIFICATION,
        f"notifications mark JOIN {_POSTS} ON post.id = mark.post_id",
        sort=_NEWEST,
        bound=0,
        after=after,
        where=(
            "mark.user_id = (SELECT caller())",
            *(("mark.read_at IS NULL",) if unread else ()),
            *(() if spoilers else (shows_lone_post(),)),
        ),
    )


_READ_UP_TO: Final = f"""
WITH read AS (
    UPDATE notifications mark SET read_at = now()
    FROM {_POSTS}
    WHERE post.id = mark.post_id AND mark.user_id = caller() AND mark.id <= $1 AND mark.read_at IS NULL
    AND ($2::bool OR {shows_lone_post()})
)
SELECT id FROM notifications WHERE id = $1 AND user_id = caller()
""".encode()


def read_up_to(identifier: UUID, *, spoilers: bool) -> Statement:
    """Mark the caller's notifications as read, up to one of them."""
    return Statement(_READ_UP_TO, [identifier, spoilers])


def _statement(show: Key, query: str, *values: object) -> Statement:
    """`{show}`: the show's id, or null where there is no such show."""
    found = f"(SELECT show.id FROM shows show WHERE {named('show', show)})"
    return Statement(query.format(show=found).encode(), [show, *values])


_PROGRESS: Final = (
    "SELECT json_build_object('season_number', season_number, 'episode_number', episode_number) "
    "FROM progress WHERE user_id = caller() AND show_id = {show} ORDER BY created_at DESC, id DESC LIMIT 1"
)
_SET_PROGRESS: Final = (
    "WITH watched AS (SELECT {show} AS id), before AS ("
    "DELETE FROM progress USING watched WHERE user_id = caller() AND show_id = watched.id) "
    "INSERT INTO progress (user_id, show_id, season_number, episode_number) "
    "SELECT caller(), id, $2, $3 FROM watched WHERE id IS NOT NULL RETURNING id"
)
_FORGET_PROGRESS: Final = "DELETE FROM progress WHERE user_id = caller() AND show_id = {show} RETURNING id"


def progress(show: Key) -> Statement:
    """How far the caller watched a show."""
    return _statement(show, _PROGRESS)


def set_progress(show: Key, season: int, episode: int) -> Statement:
    """Note how far the caller watched a show; no row where there is no such show."""
    return _statement(show, _SET_PROGRESS, season, episode)


def forget_progress(show: Key) -> Statement:
    """Show the caller everything about a show again."""
    return _statement(show, _FORGET_PROGRESS)
