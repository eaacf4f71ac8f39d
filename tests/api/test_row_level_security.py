"""Row-level security, attacked: as the API's role, everything is tried as somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import Table

from people import acting, attempt, user
from stock import SHOW, stock
from support import Server
from trr_api import tables
from trr_crawl import database
from trr_crawl.catalog import joining, write
from trr_crawl.catalog import tables as catalog

SOCIAL = [table.name for table in tables.SOCIAL]
CLOSED = {"credentials", "identities", "refresh_tokens", "outbox", "presences", "response_counts", "tallies"}
"""Tables of which the role may not even know the rows."""
PUBLIC = {
    *("users", "threads", "posts", "post_edits", "moderation_log"),
    *("surveys", "questions", "options", "results", "scores", "score_counts"),
}
"""Tables that everybody reads."""
OWNED_BY = {
    "reports": "reporter_id",
    "messages": "sender_id",
    "blocks": "blocker_id",
    # Of what only members see, nobody else sees anything: whoever these belong to, it is somebody else.
    "conversations": "NULL::uuid",
    "conversation_members": "user_id",
    # An answer key is nobody's.
    "answer_keys": "question_id",
}
"""Table -> whose a row is, where that is not `user_id`."""
OWNERS = {"user_id", "author_id", "reporter_id", "sender_id", "blocker_id"}


@dataclass(frozen=True)
class Scene:
    """A catalog in which two people wrote something, one of each kind."""

    connection: Connection[Any]
    ada: UUID
    ben: UUID
    cleo: UUID
    mod: UUID
    banned: UUID
    show: UUID
    episode: UUID
    thread: UUID
    locked: UUID
    post: UUID
    answer: UUID
    removed: UUID
    conversation: UUID
    message: UUID
    quiz: UUID
    draft: UUID
    question: UUID


@pytest.fixture(scope="module")
def scene(embedded_server: Server) -> Iterator[Scene]:
    url = embedded_server.create("town", "template")
    with psycopg.connect(url) as connection:
        write.prepare(connection)
        stock(connection)
        connection.commit()
        connection.autocommit = True
        yield _settle(connection)
    embedded_server.drop("town")


def _settle(connection: Connection[Any]) -> Scene:
    def one(statement: str, *values: object) -> UUID:
        [(found,)] = connection.execute(statement.encode(), values).fetchall()
        return UUID(str(found))

    ada, ben, mod = user(connection, "ada"), user(connection, "ben"), user(connection, "mod", "moderator")
    cleo, banned = user(connection, "cleo"), user(connection, "banned")
    connection.execute("INSERT INTO bans (user_id, reason) VALUES (%s, 'Spam')", [banned])
    show = one("SELECT entity_id FROM external_ids WHERE value = %s", SHOW)
    episode = one("SELECT id FROM episodes WHERE show_id = %s AND air_date IS NOT NULL ORDER BY id LIMIT 1", show)
    threads = [
        one(
            "INSERT INTO threads (show_id, episode_id, type, title, author_id) VALUES (%s, %s, 'general', %s, %s) "
            "RETURNING id",
            show,
            episode,
            title,
            ada,
        )
        for title in ("Open", "Locked", "Removed")
    ]
    connection.execute("UPDATE threads SET locked_at = now() WHERE title = 'Locked'")
    connection.execute("UPDATE threads SET removed_at = now() WHERE title = 'Removed'")
    posts = [
        one(
            "INSERT INTO posts (thread_id, author_id, body, html) VALUES (%s, %s, %s, '') RETURNING id",
            threads[0],
            ada,
            body,
        )
        for body in ("One", "Two @ben")
    ]
    answer = one(
        "INSERT INTO posts (thread_id, parent_id, author_id, body, html) VALUES (%s, %s, %s, 'Three', '') RETURNING id",
        threads[0],
        posts[0],
        ben,
    )
    connection.execute("UPDATE posts SET removed_at = now() WHERE id = %s", [posts[1]])
    connection.execute("INSERT INTO reactions (post_id, user_id, reaction) VALUES (%s, %s, 'lol')", [posts[0], ada])
    connection.execute("INSERT INTO reports (post_id, reporter_id, reason) VALUES (%s, %s, 'Rude')", [answer, ada])
    connection.execute(
        "INSERT INTO progress (user_id, show_id, season_number, episode_number) VALUES (%s, %s, 1, 1)", [ada, show]
    )
    connection.execute("INSERT INTO credentials (user_id, email, password_hash) VALUES (%s, 'a@x.example', '-')", [ada])
    connection.execute("INSERT INTO identities (user_id, issuer, subject) VALUES (%s, 'elsewhere', '1')", [ada])
    session = one("INSERT INTO sessions (user_id) VALUES (%s) RETURNING id", ada)
    connection.execute(
        "INSERT INTO refresh_tokens (session_id, hash, expires_at) VALUES (%s, sha256('x'), now())", [session]
    )
    connection.execute("INSERT INTO moderation_log (moderator_id, action) VALUES (%s, 'test')", [mod])
    connection.execute("INSERT INTO consents (user_id, subject, version) VALUES (%s, 'terms', '1')", [ada])
    quiz, draft = (
        one(
            "INSERT INTO surveys (kind, show_id, author_id, title, is_anonymous, published_at) "
            "VALUES ('quiz', %s, %s, 'Quiz', false, %s) RETURNING id",
            show,
            mod,
            published,
        )
        for published in ("2026-11-28", None)
    )
    question, _ = (
        one(
            "INSERT INTO questions (survey_id, position, type, prompt, is_required, shuffle_options) "
            "VALUES (%s, 1, 'single_choice', 'Who?', true, false) RETURNING id",
            survey,
        )
        for survey in (quiz, draft)
    )
    option = one("INSERT INTO options (question_id, position, label) VALUES (%s, 1, 'Mara') RETURNING id", question)
    right = f'{{"option_ids": ["{option}"]}}'
    connection.execute("INSERT INTO answer_keys (question_id, key, points) VALUES (%s, %s, 1)", [question, right])
    connection.execute(
        "INSERT INTO responses (survey_id, user_id, answers, changed_in) VALUES (%s, %s, %s, 0)",
        [quiz, ada, f'{{"{question}": {right}}}'],
    )
    connection.execute("INSERT INTO results (survey_id, number, changes, body) VALUES (%s, 1, 1, '{}')", [quiz])
    connection.execute("INSERT INTO scores (board_id, user_id, points) VALUES (%s, %s, 1)", [quiz, ada])
    connection.execute("INSERT INTO presences (device_id, topic, user_id) VALUES (new_id(), 'thread:1', %s)", [ada])
    conversation, message = _settle_messages(connection, ada, cleo)
    return Scene(
        connection, ada, ben, cleo, mod, banned, show, episode, threads[0], threads[1], posts[0], answer, posts[1],
        conversation, message, quiz, draft, question,
    )  # fmt: skip


def _settle_messages(connection: Connection[Any], ada: UUID, cleo: UUID) -> tuple[UUID, UUID]:
    """Two who talk: ada, who has blocked cleo since, and cleo, whose second message did not come through."""
    connection.execute("INSERT INTO conversations (direct_key) VALUES ('a:c')")
    connection.execute(
        "INSERT INTO conversation_members (conversation_id, user_id) SELECT id, person FROM conversations, "
        "unnest(%s::uuid[]) person", [[ada, cleo]],
    )  # fmt: skip
    send = (
        "INSERT INTO messages (conversation_id, sender_id, client_message_id, body, html) "
        "SELECT id, %s, new_id(), %s, '' FROM conversations RETURNING conversation_id, id"
    )
    [(conversation, message)] = connection.execute(send, [cleo, "Hello"]).fetchall()
    connection.execute(
        "INSERT INTO message_reactions (message_id, user_id, reaction) VALUES (%s, %s, 'lol')", [message, ada]
    )
    connection.execute("INSERT INTO message_settings (user_id, writers) VALUES (%s, 'nobody')", [ada])
    connection.execute("INSERT INTO blocks (blocker_id, blocked_id) VALUES (%s, %s)", [ada, cleo])
    connection.execute(send, [cleo, "Are you there?"])
    connection.execute("INSERT INTO reports (message_id, reporter_id, reason) VALUES (%s, %s, 'Rude')", [message, ada])
    return conversation, message


def count(connection: Connection[Any], table: str, condition: str = "true", values: list[object] | None = None) -> int:
    [(found,)] = connection.execute(
        sql.SQL("SELECT count(*) FROM {} WHERE {}").format(sql.Identifier(table), sql.SQL(condition)), values
    ).fetchall()
    return int(found)


def test_every_table_that_is_not_the_catalogs_is_under_row_level_security(scene: Scene) -> None:
    """A new table without policies fails here. (Defect 9 of the reference system: tables left open.)"""
    facts = {table.name for table in vars(catalog).values() if isinstance(table, Table)}
    facts |= {"api_keys", "alembic_version"}
    found = scene.connection.execute(
        "SELECT relname, relrowsecurity AND relforcerowsecurity, "
        "(SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) "
        "FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    ).fetchall()
    guarded = {name: is_guarded for name, is_guarded, _ in found if name not in facts}
    assert set(guarded) == set(SOCIAL)
    assert all(guarded.values()), guarded
    assert {name for name, _, policies in found if policies == 1} == CLOSED
    for table in SOCIAL:
        assert count(scene.connection, table) > 0, f"{table}: the attacks below would prove nothing"


def test_the_role_is_nobodys_way_around(scene: Scene) -> None:
    [row] = scene.connection.execute(
        "SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'trr_api'"
    ).fetchall()
    assert row == (False,) * 5


def test_the_role_may_do_nothing_to_the_catalog_but_read_what_it_needs(scene: Scene) -> None:
    granted = scene.connection.execute(
        "SELECT table_name, privilege_type FROM information_schema.table_privileges WHERE grantee = 'trr_api'"
    ).fetchall()
    facts = {(table, right) for table, right in granted if table not in SOCIAL}
    assert facts == {
        (table, "SELECT") for table in ("shows", "seasons", "episodes", "slugs", "entity_redirects", "changes")
    }


@pytest.mark.parametrize("table", SOCIAL)
def test_nobody_reads_what_is_anothers(scene: Scene, table: str) -> None:
    for person in (None, scene.ben, scene.banned):
        with acting(scene.connection, person) as connection:
            if table in CLOSED:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    count(connection, table)
                return
            if table not in PUBLIC:
                column = OWNED_BY.get(table, "user_id")
                assert count(connection, table, f"{column} IS DISTINCT FROM %s OR {column} IS NULL", [person]) == 0


@pytest.mark.parametrize("table", SOCIAL)
def test_nobody_changes_or_deletes_what_is_anothers(scene: Scene, table: str) -> None:
    columns = [name for (name,) in scene.connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER' "
        "AND is_identity = 'NO' AND table_schema = 'public'", [table]
    )]  # fmt: skip
    assert columns
    for person in (None, scene.mod, scene.banned):  # none of them wrote anything; the moderator has functions only
        with acting(scene.connection, person) as connection:
            others = "id <> %s" if table == "users" else "true"
            own = [person] if table == "users" else []
            for column in columns:
                assert attempt(connection, f"UPDATE {table} SET {column} = {column} WHERE {others}", own) == 0, column
            if table != "bans":
                assert attempt(connection, f"DELETE FROM {table} WHERE {others}", own) == 0


@pytest.mark.parametrize("table", SOCIAL)
def test_nobody_writes_in_anothers_name(scene: Scene, table: str) -> None:
    """Every row of the town is written once more, by somebody whose it is not."""
    for person in (None, scene.ben, scene.banned):
        rows = scene.connection.execute(f"SELECT to_jsonb(t) FROM {table} t".encode()).fetchall()
        for (row,) in rows:
            if str(person) in {row.get(column) for column in OWNERS}:
                continue
            insertable = [name for (name,) in scene.connection.execute(
                "SELECT column_name FROM information_schema.column_privileges "
                "WHERE grantee = 'trr_api' AND table_name = %s AND privilege_type = 'INSERT'", [table]
            )] or list(row)  # fmt: skip
            names = ", ".join(insertable)
            with acting(scene.connection, person) as connection:
                statement = (
                    f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE "
                    f"SELECT {names} FROM jsonb_populate_record(NULL::{table}, %s)"
                )
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.encode(), [psycopg.types.json.Jsonb(row)])


def test_an_author_cannot_move_a_post_or_forge_what_the_database_keeps(scene: Scene) -> None:
    """Defect 10 of the reference system: posts moved to another thread, edited in a locked one."""
    forged = ("thread_id", "parent_id", "author_id", "created_at", "upvotes", "path", "hot", "deleted_at", "removed_at")
    with acting(scene.connection, scene.ada) as connection:
        for column in forged:
            assert attempt(connection, f"UPDATE posts SET {column} = {column} WHERE id = %s", [scene.post]) == 0, column
        for column in ("episode_id", "show_id", "is_sticky", "locked_at", "opens_at", "removed_at", "post_count"):
            assert attempt(connection, f"UPDATE threads SET {column} = {column}") == 0, column
        assert attempt(connection, "UPDATE posts SET body = 'Better' WHERE id = %s", [scene.post]) == 1
    scene.connection.execute("UPDATE threads SET locked_at = now() WHERE id = %s", [scene.thread])
    try:
        with acting(scene.connection, scene.ada) as connection:
            assert attempt(connection, "UPDATE posts SET body = 'Too late' WHERE id = %s", [scene.post]) == 0
            assert attempt(connection, "DELETE FROM reactions") == 0
            assert attempt(
                connection, "INSERT INTO reactions (post_id, user_id, reaction) VALUES (%s, %s, 'fire')",
                [scene.post, scene.ada],
            ) == 0  # fmt: skip
    finally:
        scene.connection.execute("UPDATE threads SET locked_at = NULL WHERE id = %s", [scene.thread])


@pytest.mark.parametrize("where", ["locked", "removed"])
def test_nobody_writes_where_it_is_closed(scene: Scene, where: str) -> None:
    for person in (scene.ada, scene.ben, scene.banned):
        with acting(scene.connection, person) as connection:
            if where == "locked":
                values = [scene.locked, person]
                statement = "INSERT INTO posts (thread_id, author_id, body, html) VALUES (%s, %s, 'Hello', '')"
            else:
                values = [scene.removed, person]
                statement = "INSERT INTO reactions (post_id, user_id, reaction) VALUES (%s, %s, 'fire')"
            assert attempt(connection, statement, values) == 0


def test_the_banned_write_nothing_at_all(scene: Scene) -> None:
    with acting(scene.connection, scene.banned) as connection:
        for statement, values in (
            ("INSERT INTO posts (thread_id, author_id, body, html) VALUES (%s, %s, 'Hi', '')", [scene.thread]),
            ("INSERT INTO reactions (post_id, user_id, reaction) VALUES (%s, %s, 'lol')", [scene.post]),
            ("INSERT INTO reports (post_id, reporter_id, reason) VALUES (%s, %s, 'No')", [scene.post]),
        ):
            assert attempt(connection, statement, [*values, scene.banned]) == 0
        assert attempt(connection, "UPDATE users SET bio = 'Hi' WHERE id = %s", [scene.banned]) == 0


def test_a_removed_post_has_no_text_left_to_read(scene: Scene) -> None:
    for person, is_readable in ((None, False), (scene.ben, False), (scene.ada, True), (scene.mod, True)):
        with acting(scene.connection, person) as connection:
            assert connection.execute("SELECT body FROM posts WHERE id = %s", [scene.removed]).fetchall() == [("",)]
            assert count(connection, "post_edits", "post_id = %s", [scene.removed]) == is_readable


def test_functions_of_the_owner_pin_their_path_and_are_granted_one_by_one(scene: Scene) -> None:
    """Defect 2 of the reference system: anybody could call them, and lead them to tables of their own."""
    found = scene.connection.execute(
        "SELECT proname, proconfig::text, has_function_privilege('trr_api', oid, 'EXECUTE'), "
        "EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0) "
        "FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
    ).fetchall()
    assert found
    for name, config, _, is_public in found:
        assert "search_path" in (config or ""), name
        assert not is_public, name
    assert {name for name, _, is_granted, _ in found if is_granted} == {
        "is_moderator", "is_banned", "withdraw_post", "moderate_post", "moderate_thread", "resolve_report", "ban",
        "lift_bans", "set_role", "is_member", "is_conversation_owner", "may_send", "open_conversation", "open_group",
        "set_member", "remove_member", "read_conversation", "redact_message", "write_survey", "publish_survey",
        "close_survey", "set_answer_key", "submit_response", "has_new_results", "take_avatar",
        "reported_messages",
    }  # fmt: skip


@pytest.mark.parametrize(
    "call",
    [
        "moderate_post('{post}', true, 'x')",
        "moderate_thread('{thread}', true, true, true, NULL, 'x')",
        "ban('{ben}', NULL, 'x')",
        "lift_bans('{banned}', 'x')",
        "set_role('{ben}', 'admin')",
        "take_avatar('{ben}', 'x')",
        "resolve_report('{post}', 'upheld')",
        "write_survey('{draft}', '{{}}')",
        "publish_survey('{draft}')",
        "close_survey('{quiz}')",
        "set_answer_key('{question}', '{{}}', 1)",
    ],
)
def test_what_moderators_do_nobody_else_does(scene: Scene, call: str) -> None:
    statement = f"SELECT {call}".format(**{name: str(value) for name, value in vars(scene).items()})
    for person in (None, scene.ada, scene.ben, scene.banned):
        with acting(scene.connection, person) as connection:
            assert attempt(connection, statement) == 0
    if "set_role" in call:
        with acting(scene.connection, scene.mod) as connection:
            assert attempt(connection, statement) == 0


def test_nobody_withdraws_anothers_post(scene: Scene) -> None:
    for person in (None, scene.ben, scene.banned, scene.mod):
        with acting(scene.connection, person) as connection:
            assert connection.execute("SELECT withdraw_post(%s, true)", [scene.post]).fetchall() == [(False,)]


def test_members_read_their_conversation_and_not_what_is_one_members_own(scene: Scene) -> None:
    """Defect 5 of the reference system: the policy of members asked itself, and nothing was granted."""
    for person, messages in ((scene.ada, 1), (scene.cleo, 2), (scene.ben, 0), (scene.mod, 0), (None, 0)):
        is_member = messages > 0
        with acting(scene.connection, person) as connection:
            assert count(connection, "conversations") == is_member
            assert count(connection, "conversation_members") == 2 * is_member
            assert count(connection, "messages") == messages
            assert count(connection, "message_reactions") == is_member
            assert count(connection, "inboxes") == is_member, "the other one's unread and mute are theirs"
            assert count(connection, "blocks") == (person == scene.ada), "who is blocked cannot find out"
            assert count(connection, "message_settings") == (person == scene.ada)


def test_members_change_their_own_texts_and_nothing_else(scene: Scene) -> None:
    """Defect 10 of the reference system: any column of a conversation could be changed."""
    forged = {
        "conversations": ("is_group", "title", "direct_key", "last_number", "created_at"),
        "conversation_members": ("role", "joined_after", "read_number", "read_at", "user_id", "conversation_id"),
        "inboxes": ("unread", "last_number", "last_at", "user_id", "conversation_id"),
        "messages": (
            "conversation_id", "sender_id", "number", "is_withheld", "created_at", "edited_at", "redacted_at",
            "client_message_id", "removed_at",
        ),
        "message_reactions": ("message_id", "user_id", "reaction", "is_withheld"),
        "blocks": ("blocker_id", "blocked_id"),
    }  # fmt: skip
    for person in (scene.ada, scene.cleo):
        with acting(scene.connection, person) as connection:
            for table, columns in forged.items():
                for column in columns:
                    assert attempt(connection, f"UPDATE {table} SET {column} = {column}") == 0, (table, column)
            for table in ("conversations", "conversation_members", "inboxes", "messages", "message_settings"):
                assert attempt(connection, f"DELETE FROM {table}") == 0, table
            own = 2 if person == scene.cleo else 0
            # Ada has blocked cleo, and wrote nothing.
            assert attempt(connection, "UPDATE messages SET body = 'Better'") == own
    with acting(scene.connection, scene.ben) as connection:
        reaction = "INSERT INTO message_reactions (message_id, user_id, reaction) VALUES (%s, %s, 'lol')"
        assert attempt(connection, reaction, [scene.message, scene.ben]) == 0
        message = "INSERT INTO messages (conversation_id, sender_id, body, html) VALUES (%s, %s, 'Hi', '')"
        assert attempt(connection, message, [scene.conversation, scene.ben]) == 0


@pytest.mark.parametrize(
    ("call", "nothing"),
    [
        ("is_member('{conversation}')", False),
        ("is_conversation_owner('{conversation}')", False),
        ("may_send('{conversation}')", False),
        ("read_conversation('{conversation}', 1)", None),
        ("redact_message('{conversation}', 1)", False),
        ("set_member('{conversation}', '{ben}', 'owner')", False),
        ("remove_member('{conversation}', '{ada}')", False),
        ("open_group('Mine', '{{{ada}}}')", None),
    ],
)
def test_functions_of_conversations_do_nothing_for_strangers(scene: Scene, call: str, nothing: object) -> None:
    """And nobody is added to a group who lets nobody write to them."""
    statement = f"SELECT {call}".format(**{name: str(value) for name, value in vars(scene).items()})
    before = count(scene.connection, "outbox")
    for person in (None, scene.ben, scene.banned, scene.mod):
        with acting(scene.connection, person) as connection:
            assert connection.execute(statement.encode()).fetchall() == [(nothing,)]
            connection.execute("RESET ROLE")
            assert count(connection, "outbox") == before


def test_of_a_conversation_moderators_read_what_was_reported_and_nobody_else_does(scene: Scene) -> None:
    [(report,)] = scene.connection.execute("SELECT id FROM reports WHERE message_id = %s", [scene.message]).fetchall()
    read = "SELECT body, is_reported FROM reported_messages(%s)"
    for person in (None, scene.ada, scene.ben, scene.cleo, scene.banned):
        with acting(scene.connection, person) as connection:
            assert connection.execute(read, [report]).fetchall() == []
    with acting(scene.connection, scene.mod) as connection:
        assert connection.execute(read, [report]).fetchall() == [("Hello", True)], "not what came after it"
        assert count(connection, "messages") == 0, "the policy of the table knows no moderators"
        connection.execute("SELECT resolve_report(%s, 'dismissed')", [report])
        assert connection.execute(read, [report]).fetchall() == []


def test_only_what_one_sees_can_be_reported(scene: Scene) -> None:
    """Nor is anything reported in another's name, or a post and a message as one."""
    hidden = scene.connection.execute("SELECT id FROM messages WHERE is_withheld").fetchall()[0][0]
    report = "INSERT INTO reports (message_id, reporter_id, reason) VALUES (%s, %s, 'Rude')"
    for person, message, reporter in (
        (scene.ben, scene.message, scene.ben),
        (scene.mod, scene.message, scene.mod),
        (scene.ada, hidden, scene.ada),
        (scene.cleo, scene.message, scene.ben),
    ):
        with acting(scene.connection, person) as connection:
            assert attempt(connection, report, [message, reporter]) == 0
    with acting(scene.connection, scene.cleo) as connection:
        assert attempt(connection, report, [scene.message, scene.cleo]) == 1
        both = "INSERT INTO reports (post_id, message_id, reporter_id, reason) VALUES (%s, %s, %s, 'Rude')"
        with pytest.raises(psycopg.errors.CheckViolation), connection.transaction():
            connection.execute(both.encode(), [scene.post, scene.message, scene.cleo])


def test_who_may_not_be_written_to_is_told_from_nobody_by_nothing(scene: Scene) -> None:
    """Defect 43 of the reference system: whether an id exists could be found out."""
    stranger = scene.connection.execute("SELECT new_id()").fetchall()[0][0]
    for person in (None, scene.ben, scene.banned, scene.mod):
        with acting(scene.connection, person) as connection:
            for other in (scene.ada, stranger):
                assert connection.execute("SELECT * FROM open_conversation(%s)", [other]).fetchall() == []


def test_a_draft_is_seen_by_moderators_alone(scene: Scene) -> None:
    """Defect 6 of the reference system: its policy let everybody read drafts."""
    for person, is_seen in ((None, False), (scene.ada, False), (scene.banned, False), (scene.mod, True)):
        with acting(scene.connection, person) as connection:
            for table, column in (("surveys", "id"), ("questions", "survey_id")):
                assert count(connection, table, f"{column} = %s", [scene.draft]) == is_seen


def test_nobody_answers_for_another_or_twice(scene: Scene) -> None:
    for person in (scene.ben, scene.mod):
        with acting(scene.connection, person) as connection:
            for answers in ("{}", "{}"):
                connection.execute("SELECT submit_response(%s, NULL, %s)", [scene.quiz, answers])
            assert count(connection, "responses") == 1
            with connection.transaction(force_rollback=True):
                connection.execute("RESET ROLE")
                assert count(connection, "responses", "survey_id = %s", [scene.quiz]) == 2
    for person, why in ((None, "needs log-in"), (scene.banned, "banned")):
        with acting(scene.connection, person) as connection:
            found = connection.execute("SELECT obstacle FROM submit_response(%s, NULL, '{}')", [scene.quiz])
            assert found.fetchall() == [(why,)]


def test_joining_episodes_takes_the_threads_along(scene: Scene) -> None:
    """Defect 7 of the reference system: discussions went away with the episode that another one replaced."""
    kept = {table: count(scene.connection, table) for table in SOCIAL}
    with scene.connection.transaction(force_rollback=True):
        [(survivor,)] = scene.connection.execute(
            "SELECT id FROM episodes WHERE show_id = %s AND id <> %s ORDER BY id DESC LIMIT 1",
            [scene.show, scene.episode],
        ).fetchall()
        scene.connection.execute("UPDATE posts SET about_episode_id = %s WHERE id = %s", [scene.episode, scene.post])
        joining.join(scene.connection, "episode", survivor, scene.episode, reason="a test", author="test")
        assert count(scene.connection, "threads", "episode_id = %s", [survivor]) == 3
        assert count(scene.connection, "posts", "about_episode_id = %s", [survivor]) == 1
        assert {table: count(scene.connection, table) for table in SOCIAL} == kept


def test_joining_shows_keeps_how_far_somebody_watched_both(scene: Scene) -> None:
    with scene.connection.transaction(force_rollback=True):
        [(other,)] = scene.connection.execute("SELECT id FROM shows WHERE id <> %s LIMIT 1", [scene.show]).fetchall()
        scene.connection.execute(
            "INSERT INTO progress (user_id, show_id, season_number, episode_number) VALUES (%s, %s, 2, 1)",
            [scene.ada, other],
        )
        joining.join(scene.connection, "show", scene.show, other, reason="a test", author="test")
        assert count(scene.connection, "progress", "show_id = %s", [scene.show]) == 2


def test_what_people_wrote_about_cannot_be_deleted(scene: Scene) -> None:
    rules = scene.connection.execute(
        "SELECT conrelid::regclass::text, confdeltype FROM pg_constraint WHERE contype = 'f' "
        "AND conrelid::regclass::text = ANY (%s)", [SOCIAL]
    ).fetchall()  # fmt: skip
    assert {rule for _, rule in rules} == {"r"}
    with (
        pytest.raises((psycopg.errors.ForeignKeyViolation, psycopg.errors.RestrictViolation)),
        scene.connection.transaction(),
    ):
        scene.connection.execute("DELETE FROM episodes WHERE id = %s", [scene.episode])


def test_it_works_for_an_owner_whom_it_binds_too(embedded_server: Server) -> None:
    """As on a managed server: the tables' owner is no superuser, so that FORCE ROW LEVEL SECURITY holds for it."""
    with psycopg.connect(embedded_server.url, autocommit=True) as server:
        server.execute("CREATE ROLE landlord LOGIN PASSWORD 'sesame' NOSUPERUSER")
        server.execute("GRANT trr_api TO landlord")
    url = embedded_server.create("rented")
    try:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute("ALTER DATABASE rented OWNER TO landlord")
            server.execute("ALTER SCHEMA public OWNER TO landlord")
        as_landlord = make_conninfo(url, user="landlord", password="sesame")
        with psycopg.connect(as_landlord) as connection:
            database.migrate(url.replace("://postgres:", "://landlord:").replace("://postgres@", "://landlord@"))
            write.prepare(connection)
            stock(connection)
            connection.commit()
            connection.autocommit = True
            scene = _settle(connection)
            with acting(connection, scene.ben) as acted:
                assert count(acted, "progress") == 0
                assert count(acted, "posts") == 3
                assert attempt(acted, "UPDATE posts SET body = 'x' WHERE id = %s", [scene.post]) == 0
                assert attempt(acted, "UPDATE posts SET body = 'x' WHERE id = %s", [scene.answer]) == 1
            with acting(connection, scene.cleo) as acted:
                message = "INSERT INTO messages (conversation_id, sender_id, body, html) VALUES (%s, %s, 'Hi', '')"
                assert attempt(acted, message, [scene.conversation, scene.cleo]) == 1
                assert acted.execute("SELECT max(number), count(*) FROM messages").fetchall() == [(3, 3)]
                [(receipt,)] = acted.execute("SELECT read_conversation(%s, 3)", [scene.conversation]).fetchall()
                assert receipt["number"] == 3
            with acting(connection, scene.mod) as acted:
                assert acted.execute("SELECT moderate_post(%s, true, 'x')", [scene.post]).fetchall() == [(True,)]
                [(report,)] = acted.execute("SELECT id FROM reports WHERE message_id = %s", [scene.message]).fetchall()
                read = "SELECT body FROM reported_messages(%s)"
                assert acted.execute(read, [report]).fetchall() == [("Hello",)]
                acted.execute("SELECT resolve_report(%s, 'upheld')", [report])
                acted.execute("RESET ROLE")
                taken = "SELECT body, removed_at IS NULL FROM messages WHERE id = %s"
                assert acted.execute(taken, [scene.message]).fetchall() == [("", False)]
            assert count(connection, "outbox") > 0
    finally:
        embedded_server.drop("rented")
        with psycopg.connect(embedded_server.url, autocommit=True) as server:
            server.execute("DROP ROLE landlord")
