"""People under load: writing beside the bare statements in one transaction, a page out of many posts, and one person
with many conversations."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

from bench.api import SECRET, Load, load, served
from bench.databases import settle
from trr_api.accounts.tokens import Tokens
from trr_api.config import Settings
from trr_api.session import Caller
from trr_crawl import database

THREADS: Final = 50
"""Those that somebody writes in; posts of one thread wait for each other."""

CONVERSATIONS: Final = 10_000
"""Of one person."""

SORTS: Final = ("hot", "top", "new", "oldest")

_FILL: Final = """
INSERT INTO shows (title) VALUES ('Harbour Hearts');
INSERT INTO users (name) SELECT 'user_' || n FROM generate_series(1, 1000) n;
INSERT INTO threads (show_id, type, title, author_id)
SELECT shows.id, 'general', 'Thread ' || n, (SELECT min(id::text)::uuid FROM users)
FROM shows, generate_series(1, %(threads)s) n;
SET session_replication_role = replica;
WITH made AS (
    SELECT n, new_id() AS id, new_id() AS reply_id, (ARRAY(SELECT id FROM users))[1 + n %% 1000] AS author_id,
           (SELECT id FROM threads WHERE title = 'Thread 1') AS thread_id
    FROM generate_series(1, %(posts)s / 2) n
), top AS (
    INSERT INTO posts (number, id, thread_id, root_id, path, author_id, body, html, reply_count, upvotes, hot)
    OVERRIDING SYSTEM VALUE
    SELECT 2 * n - 1, id, thread_id, id, ARRAY[2 * n - 1], author_id, 'Nobody speaks, week ' || n,
           '<p>Nobody speaks, week ' || n || '</p>', 1, n %% 97, n %% 97 + n / 1000.0 FROM made
)
INSERT INTO posts (number, id, thread_id, parent_id, root_id, path, author_id, body, html, hot)
OVERRIDING SYSTEM VALUE
SELECT 2 * n, reply_id, thread_id, id, id, ARRAY[2 * n - 1, 2 * n], author_id, 'Indeed', '<p>Indeed</p>', n / 1000.0
FROM made;
SELECT setval(pg_get_serial_sequence('posts', 'number'), %(posts)s + 1);
SET session_replication_role = origin
"""

# The first of the people talks to everybody.
_FILL_CONVERSATIONS: Final = """
SET session_replication_role = replica;
CREATE TEMPORARY TABLE made AS
SELECT n, new_id() AS id, (SELECT min(id::text)::uuid FROM users) AS person_id,
       (ARRAY(SELECT id FROM users ORDER BY id::text))[2 + n %% 999] AS other_id
FROM generate_series(1, %(conversations)s) n;
INSERT INTO conversations (id, direct_key, last_number) SELECT id, 'pair ' || n, 3 FROM made;
INSERT INTO conversation_members (conversation_id, user_id, read_number)
SELECT id, person_id, 3 - n %% 3 FROM made UNION ALL SELECT id, other_id, 3 FROM made;
INSERT INTO inboxes (conversation_id, user_id, last_number, last_at, unread)
SELECT id, person_id, 3, now() - n * interval '1 second', n %% 3 FROM made
UNION ALL SELECT id, other_id, 3, now(), 0 FROM made;
INSERT INTO messages (conversation_id, sender_id, number, body, html)
SELECT id, other_id, number, 'Hello', '<p>Hello</p>' FROM made, generate_series(1, 3) number;
SET session_replication_role = origin
"""

_POST: Final = """
INSERT INTO posts (thread_id, author_id, body, html) VALUES ($1::uuid, $2::uuid, 'Well.', '<p>Well.</p>')
RETURNING json_build_object('id', id)
"""
_SEND: Final = """
INSERT INTO messages (conversation_id, sender_id, body, html) VALUES ($1::uuid, $2::uuid, 'Well.', '<p>Well.</p>')
RETURNING json_build_object('id', id)
"""
_REACT: Final = """
WITH made AS (
    INSERT INTO reactions (post_id, user_id, reaction) VALUES ($1::uuid, $2::uuid, 'fire')
    ON CONFLICT (post_id, user_id, reaction) DO NOTHING
) SELECT json_build_object()
"""
_TAKE_BACK: Final = """
WITH gone AS (DELETE FROM reactions WHERE post_id = $1::uuid AND user_id = $2::uuid AND reaction = 'fire')
SELECT json_build_object()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All of it."""

    writing: dict[str, tuple[Load, Load]]
    """What is done -> (by the API, by the bare statement)."""
    pages: dict[str, Load]
    """What is read -> pages of it."""


def measure(url: str, *, seconds: int, posts: int) -> Result:
    """In an empty, migrated database on a server whose superuser we are: fill it, then load it."""
    with database.connect(url) as connection:
        _fill(connection, posts)
        [(author, session)] = connection.execute(
            "INSERT INTO sessions (user_id) SELECT min(id::text)::uuid FROM users RETURNING user_id, id"
        ).fetchall()
        connection.commit()
        threads = _ids(connection, f"SELECT id FROM threads ORDER BY id LIMIT {THREADS}")
        targets = _ids(connection, f"SELECT id FROM posts ORDER BY number LIMIT {THREADS}")
        talks = _ids(connection, f"SELECT id FROM conversations ORDER BY id LIMIT {THREADS}")
        [big] = _ids(connection, "SELECT id FROM threads WHERE title = 'Thread 1'")
    token = _token(url, author, session)
    bare_routes = [
        *([f"/post/{one}", _POST, [str(one), str(author)]] for one in threads),
        *([f"/send/{one}", _SEND, [str(one), str(author)]] for one in talks),
        *([f"/react/{one}", _REACT, [str(one), str(author)]] for one in targets),
        *([f"/take-back/{one}", _TAKE_BACK, [str(one), str(author)]] for one in targets),
    ]
    with (
        served(url, "trr_api.app:create_app") as api,
        served(url, "bench.bare:create_app", bare_routes) as bare,
        tempfile.TemporaryDirectory() as folder,
    ):
        script = Path(folder) / "requests.lua"

        def by_script(address: str, calls: list[tuple[str, str]], body: str = "") -> Load:
            script.write_text(_script(calls, body, token), encoding="utf-8")
            load(address, 1, script=script)  # to warm up
            return load(address, seconds, script=script)

        posted = [("POST", f"/api/v1/threads/{one}/posts") for one in threads]
        sent = [("POST", f"/api/v1/dms/{one}/messages") for one in talks]
        reacted = [(method, f"/api/v1/posts/{one}/reactions/fire") for method in ("PUT", "DELETE") for one in targets]
        # Pages first: what is written then would change them.
        pages = {
            f"50 of {posts:,} posts, {sort}": load(f"{api}/api/v1/threads/{big}/posts?limit=50&sort={sort}", seconds)
            for sort in SORTS
        }
        for name, path in (("unread in", "me/unread"), ("50 of", "dms?limit=50")):
            pages[f"{name} {CONVERSATIONS:,} conversations"] = by_script(api, [("GET", f"/api/v1/{path}")])
        return Result(
            writing={
                "post": (
                    by_script(api, posted, '{"body": "Well."}'),
                    by_script(bare, [("GET", f"/post/{one}") for one in threads]),
                ),
                "send": (
                    by_script(api, sent, '{"body": "Well."}'),
                    by_script(bare, [("GET", f"/send/{one}") for one in talks]),
                ),
                "react, and take back": (
                    by_script(api, reacted),
                    by_script(bare, [("GET", f"/{what}/{one}") for what in ("react", "take-back") for one in targets]),
                ),
            },
            pages=pages,
        )


def _fill(connection: Connection[Any], posts: int) -> None:
    counts = {"threads": THREADS + 1, "posts": posts, "conversations": CONVERSATIONS}
    for statement in (f"{_FILL};\n{_FILL_CONVERSATIONS}" % counts).split(";\n"):
        connection.execute(statement.encode())
    connection.commit()
    settle(connection)
    connection.autocommit = True
    for table in ("posts", "messages", "conversations", "conversation_members", "inboxes"):
        connection.execute(f"VACUUM ANALYZE {table}".encode())
    connection.autocommit = False


def _ids(connection: Connection[Any], query: str) -> list[UUID]:
    return [row[0] for row in connection.execute(query.encode())]


def _token(url: str, author: UUID, session: UUID) -> str:
    settings = Settings(database_url=url, secret=SECRET)  # type: ignore[arg-type]
    return Tokens(settings).access(Caller(author, session))


def _script(calls: list[tuple[str, str]], body: str, token: str) -> str:
    """For wrk: one call (method, path) after the other."""
    listed = ", ".join(f"{{{json.dumps(method)}, {json.dumps(path)}}}" for method, path in calls)
    return f"""
local calls = {{{listed}}}
local headers = {{["content-type"] = "application/json", ["authorization"] = "Bearer {token}"}}
local turn = 0
request = function()
  turn = turn %% #calls + 1
  return wrk.format(calls[turn][1], calls[turn][2], headers, {json.dumps(body)})
end
""".replace("%%", "%")
