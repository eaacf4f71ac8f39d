"""SQL of threads and posts. All of it runs as the caller, under row-level security."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from trr_api.catalog.places import Key
from trr_api.catalog.queries import named
from trr_api.discussions.spoilers.queries import shows_lone_post, shows_post, shows_thread
from trr_api.queries import Fields, Sort, Statement, after_place, columns, one, page, person
from trr_api.tables import REACTIONS

if TYPE_CHECKING:
    from trr_api.discussions.schemas import (
        EditsParameters,
        NewPost,
        PostsParameters,
        SearchParameters,
        ThreadsParameters,
    )


THREAD: Final[Fields] = {
    "id": "thread.id",
    "show_id": "thread.show_id",
    "season_id": "thread.season_id",
    "episode_id": "thread.episode_id",
    "type": "thread.type",
    "title": "thread.title",
    "author": person("thread.author_id"),
    "created_at": "thread.created_at",
    "opens_at": "thread.opens_at",
    "is_sticky": "thread.is_sticky",
    "is_locked": "thread.locked_at IS NOT NULL",
    "is_removed": "thread.removed_at IS NOT NULL",
    "post_count": "thread.post_count",
    "last_post_at": "thread.last_post_at",
}

_COUNTS: Final = ", ".join(f"'{reaction}', post.{reaction}s" for reaction in REACTIONS)

POST: Final[Fields] = {
    "id": "post.id",
    "thread_id": "post.thread_id",
    "parent_id": "post.parent_id",
    "about_episode_id": "post.about_episode_id",
    "depth": "cardinality(post.path)",
    "author": person("post.author_id"),
    "body": "post.body",
    "html": "post.html",
    "created_at": "post.created_at",
    "edited_at": "post.edited_at",
    "deleted_at": "post.deleted_at",
    "removed_at": "post.removed_at",
    "reply_count": "post.reply_count",
    "score": "post.score",
    "reactions": f"json_build_object({_COUNTS})",
    "mine": (
        "(SELECT coalesce(json_agg(reaction ORDER BY reaction), '[]'::json) FROM reactions "
        "WHERE reactions.post_id = post.id AND reactions.user_id = (SELECT caller()))"
    ),
}

SORTS: Final = {
    "new": Sort((("post.number", "bigint"),), descending=True),
    "oldest": Sort((("post.number", "bigint"),)),
    "top": Sort((("post.score", "int"), ("post.number", "bigint")), descending=True),
    "hot": Sort((("post.hot", "float8"), ("post.number", "bigint")), descending=True),
}
_THREADS: Final = Sort(
    (("thread.is_sticky", "bool"), ("thread.last_post_at", "timestamptz"), ("thread.id", "uuid")), descending=True
)
_EDITS: Final = Sort((("edit.replaced_at", "timestamptz"), ("edit.id", "uuid")), descending=True)

_SUBJECTS: Final = {
    "show": "SELECT show.id AS show_id, NULL::uuid AS season_id, NULL::uuid AS episode_id FROM shows show",
    "season": "SELECT season.show_id, season.id AS season_id, NULL::uuid AS episode_id FROM seasons season",
    "episode": "SELECT episode.show_id, NULL::uuid AS season_id, episode.id AS episode_id FROM episodes episode",
}


def subject(kind: str, key: Key) -> str:
    """What a thread can be about, as a thread names it; bound at $1."""
    return f"{_SUBJECTS[kind]} WHERE {named(kind, key)}"


def threads(kind: str, about: Key, asked: ThreadsParameters, after: Sequence[object] | None) -> Statement:
    """A page of the threads about something; sticky ones first, then those that somebody wrote in last."""
    query = _threads(kind, subject(kind, about), asked.type is not None, asked.spoilers, after is not None)
    of_type = [] if asked.type is None else [asked.type]
    return after_place(query, [about, *of_type], asked.limit, after)


@lru_cache(maxsize=64)
def _threads(kind: str, owner: str, of_type: bool, spoilers: bool, after: bool) -> bytes:
    return page(
        THREAD,
        "threads thread",
        sort=_THREADS,
        bound=2 if of_type else 1,
        after=after,
        where=(
            f"thread.{kind}_id = owner.{kind}_id",
            *(("thread.type = $2",) if of_type else ()),
            *(() if spoilers else (shows_thread("owner.show_id"),)),
        ),
        within=owner,
    )


_THREAD: Final = one(THREAD, f"threads thread WHERE id = $1 AND ($2::bool OR {shows_thread()})")


def thread(identifier: UUID, *, spoilers: bool) -> Statement:
    """One thread; no row where it would spoil something."""
    return Statement(_THREAD, [identifier, spoilers])


def new_thread(kind: str, about: Key, type_: str, title: str) -> Statement:
    """Begin a thread; no row where there is no such thing to talk about."""
    query = (
        f"WITH subject AS ({subject(kind, about)}) "
        "INSERT INTO threads (show_id, season_id, episode_id, type, title, author_id) "
        "SELECT show_id, season_id, episode_id, $2, $3, caller() FROM subject WHERE NOT is_banned() RETURNING id"
    )
    return Statement(query.encode(), [about, type_, title])


def rename_thread(identifier: UUID, title: str) -> Statement:
    """Change the title of the caller's own thread."""
    return Statement(b"UPDATE threads SET title = $2 WHERE id = $1 RETURNING id", [identifier, title])


def posts(thread: UUID, asked: PostsParameters, after: Sequence[object] | None) -> Statement:
    """A page of a thread's posts, or of the answers to one of them, each with the upper part of its branch."""
    query = _posts(asked.sort, asked.parent is not None, asked.spoilers, after is not None)
    parent = [] if asked.parent is None else [asked.parent]
    return after_place(query, [thread, asked.replies, *parent], asked.limit, after)


@lru_cache(maxsize=64)
def _posts(sort: str, of_parent: bool, spoilers: bool, after: bool) -> bytes:
    shown = () if spoilers else (shows_post("owner.show_id"),)
    below = " AND ".join(
        (
            "post.root_id = top.root_id",
            "cardinality(post.path) > cardinality(top.path)",
            "post.path[:cardinality(top.path)] = top.path",
            *shown,
        )
    )
    branch = (
        "(SELECT coalesce(json_agg(reply.made ORDER BY reply.path), '[]'::json) FROM ("
        f"SELECT (SELECT to_json(o) FROM (SELECT {columns(POST)}) o) AS made, post.path "
        f"FROM (SELECT post.root_id, post.path) top, LATERAL ("
        f"SELECT post.* FROM posts post WHERE {below} ORDER BY post.path LIMIT $2::int) post) reply)"
    )
    level = "post.parent_id = $3::uuid" if of_parent else "post.parent_id IS NULL"
    return page(
        {**POST, "replies": f"CASE WHEN post.reply_count > 0 AND $2::int > 0 THEN {branch} ELSE '[]'::json END"},
        "posts post",
        sort=SORTS[sort],
        bound=3 if of_parent else 2,
        after=after,
        where=("post.thread_id = owner.id", level, *shown),
        within=f"SELECT id, show_id FROM threads thread WHERE id = $1{'' if spoilers else f' AND {shows_thread()}'}",
    )


_LONE_POST: Final = (
    "posts post JOIN threads thread ON thread.id = post.thread_id "
    f"WHERE post.id = $1 AND ($2::bool OR {shows_lone_post()})"
)
_POST: Final = one(POST, _LONE_POST)


def post(identifier: UUID, *, spoilers: bool) -> Statement:
    """One post; no row where it would spoil something."""
    return Statement(_POST, [identifier, spoilers])


_OPEN: Final = (
    b"threads.locked_at IS NULL AND threads.removed_at IS NULL "
    b"AND (threads.opens_at IS NULL OR threads.opens_at <= now()) AND NOT (SELECT is_banned())"
)

# No row: no such thread, or not open; or no such post to answer in it.
_NEW_POST: Final = b"""
INSERT INTO posts (thread_id, parent_id, author_id, about_episode_id, body, html)
SELECT threads.id, $2, caller(), coalesce($3, (SELECT above.about_episode_id FROM posts above WHERE above.id = $2)),
    $4, $5 FROM threads
WHERE threads.id = $1 AND %b AND ($2::uuid IS NULL OR EXISTS (
    SELECT FROM posts above WHERE above.id = $2 AND above.thread_id = threads.id
    AND above.deleted_at IS NULL AND above.removed_at IS NULL AND cardinality(above.path) < %d
)) AND ($3::uuid IS NULL OR EXISTS (SELECT FROM episodes WHERE id = $3 AND episodes.show_id = threads.show_id))
RETURNING id
"""


def new_post(thread: UUID, wanted: NewPost, html: str, deepest: int) -> Statement:
    """Write a post; see `why_not` where no row comes back."""
    values = [thread, wanted.parent_id, wanted.about_episode_id, wanted.body, html]
    return Statement(_NEW_POST % (_OPEN, deepest), values)


def why_not(thread: UUID | None, post: UUID | None) -> Statement:
    """What stands against writing there; the columns are those of `routes.Obstacles`."""
    return Statement(
        b"SELECT thread.id IS NOT NULL, "
        b"coalesce(thread.locked_at IS NOT NULL OR thread.removed_at IS NOT NULL, false), "
        b"CASE WHEN thread.opens_at > now() THEN thread.opens_at END, post.id IS NOT NULL, "
        b"coalesce(post.deleted_at IS NOT NULL OR post.removed_at IS NOT NULL, false), is_banned(), "
        b"coalesce(post.author_id = caller(), false), coalesce(thread.author_id = caller(), false) "
        b"FROM (VALUES ($1::uuid, $2::uuid)) asked (thread, post) "
        b"LEFT JOIN posts post ON post.id = asked.post AND (asked.thread IS NULL OR post.thread_id = asked.thread) "
        b"LEFT JOIN threads thread ON thread.id = coalesce(asked.thread, post.thread_id)",
        [thread, post],
    )


def rewrite_post(identifier: UUID, body: str, html: str) -> Statement:
    """Change the text of the caller's own post."""
    return Statement(b"UPDATE posts SET body = $2, html = $3 WHERE id = $1 RETURNING id", [identifier, body, html])


def withdraw_post(identifier: UUID, gone: bool) -> Statement:
    """Delete the caller's own post, or take that back."""
    return Statement(b"SELECT withdraw_post($1, $2)", [identifier, gone])


_EDIT: Final[Fields] = {
    "id": "edit.id",
    "body": "edit.body",
    "html": "edit.html",
    "replaced_at": "edit.replaced_at",
}


def edits(identifier: UUID, asked: EditsParameters, after: Sequence[object] | None) -> Statement:
    """A page of what a post was before, newest first; no row where it would spoil something."""
    return after_place(_edits(after is not None), [identifier, asked.spoilers], asked.limit, after)


@lru_cache(maxsize=2)
def _edits(after: bool) -> bytes:
    return page(
        _EDIT,
        "post_edits edit",
        sort=_EDITS,
        bound=2,
        after=after,
        where=("edit.post_id = owner.id",),
        within=f"SELECT post.id FROM {_LONE_POST}",
    )


# An upvote takes the place of a downvote, and the other way round: `made` asks for `opposite`, which so comes first.
_OPEN_POST: Final = (
    b"""
WITH open AS (
    SELECT posts.id FROM posts JOIN threads ON threads.id = thread_id
    WHERE posts.id = $1 AND posts.deleted_at IS NULL AND posts.removed_at IS NULL AND %b
)"""
    % _OPEN
)
_REACT: Final = (
    _OPEN_POST
    + b""", opposite AS (
    DELETE FROM reactions USING open WHERE post_id = open.id AND user_id = caller()
    AND reaction = CASE $2 WHEN 'upvote' THEN 'downvote' WHEN 'downvote' THEN 'upvote' END RETURNING 1
), made AS (
    INSERT INTO reactions (post_id, user_id, reaction) SELECT id, caller(), $2 FROM open
    WHERE (SELECT count(*) FROM opposite) >= 0
    ON CONFLICT DO NOTHING
)
SELECT id FROM open
"""
)
_UNREACT: Final = (
    _OPEN_POST
    + b""", gone AS (DELETE FROM reactions USING open WHERE post_id = open.id AND user_id = caller() AND reaction = $2)
SELECT id FROM open
"""
)


def react(identifier: UUID, reaction: str, *, wanted: bool) -> Statement:
    """Let the caller's reaction be there or not; no row where the post is not open."""
    return Statement(_REACT if wanted else _UNREACT, [identifier, reaction])


_REPORT: Final = b"""
WITH post AS (SELECT id FROM posts WHERE id = $1 AND NOT is_banned()),
made AS (
    INSERT INTO reports (post_id, reporter_id, reason) SELECT id, caller(), $2 FROM post
    ON CONFLICT (post_id, reporter_id) DO NOTHING
)
SELECT id FROM post
"""


def report(identifier: UUID, reason: str) -> Statement:
    """Tell the moderators of a post; no row where there is none such."""
    return Statement(_REPORT, [identifier, reason])


_FOUND: Final = Sort((("post.number", "bigint"),), descending=True)


def search(asked: SearchParameters, after: Sequence[object] | None) -> Statement:
    """A page of the posts that have the words, newest first."""
    return after_place(_search(asked.spoilers, after is not None), [asked.q, asked.show], asked.limit, after)


@lru_cache(maxsize=4)
def _search(spoilers: bool, after: bool) -> bytes:
    return page(
        POST,
        "posts post JOIN threads thread ON thread.id = post.thread_id",
        sort=_FOUND,
        bound=2,
        after=after,
        where=(
            "post.words @@ websearch_to_tsquery('english', $1)",
            "($2::uuid IS NULL OR thread.show_id = $2)",
            *(() if spoilers else (shows_lone_post(),)),
        ),
    )


_FEED: Final = f"""
SELECT thread.title, thread.created_at, post.id, person.name, post.html, post.created_at, post.edited_at
FROM threads thread LEFT JOIN LATERAL (
    SELECT post.* FROM posts post WHERE post.thread_id = thread.id AND deleted_at IS NULL AND removed_at IS NULL
    AND ($3::bool OR {shows_post()}) ORDER BY number DESC LIMIT $2
) post ON true LEFT JOIN users person ON person.id = post.author_id
WHERE thread.id = $1 AND ($3::bool OR {shows_thread()}) ORDER BY post.number DESC
""".encode()


def feed(identifier: UUID, limit: int, *, spoilers: bool) -> Statement:
    """A thread's title and its newest posts: (title, created_at, id, name, html, created_at, edited_at)."""
    return Statement(_FEED, [identifier, limit, spoilers])
