"""Privacy: consents, an export of everything, an end of the account after which nothing is left, retention, logs."""

from __future__ import annotations

import io
import json
import logging
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import Connection, sql
from pwdlib import PasswordHash
from test_accounts import Provider, bearer, provider

from ears import listening
from people import Town, user
from serving import served, settings
from stock import SHOW
from trr_api import __main__ as command
from trr_api import tables
from trr_api.accounts.privacy import queries
from trr_api.app import create_app
from trr_api.middleware import without_values
from trr_api.realtime.hub import Close

__all__ = ["provider"]  # a fixture of theirs

PASSWORD = "correct horse battery"
NAMES = ("quentin_z", "quentin@mail.example", "Quentin Zed", "I like quince.", "zed|7")
"""What must be nowhere in the end, beside the id."""


class Resident:
    """Somebody who left rows in every table."""

    def __init__(self, town: Town, show: str) -> None:
        self.town = town
        self.client = town.client("quentin_z")
        self.other = town.client("rosa_y")
        self.mod = town.client("mod_x", "moderator")
        self.id, other = (town.one("SELECT id FROM users WHERE name = %s", name) for name in ("quentin_z", "rosa_y"))
        self.client.put("/me", json={"display_name": "Quentin Zed", "bio": "I like quince."})
        self.client.post("/me/consents", json={"subject": "terms", "version": "1"})
        self.client.put(f"/me/progress/{show}", json={"season_number": 1, "episode_number": 1})
        thread = self.client.post(f"/shows/{show}/threads", json={"title": "Quinces"}).json()["id"]
        self.post, self.edited = (self._write(self.client, thread, body) for body in ("First words", "Second words"))
        self.client.patch(f"/posts/{self.edited}", json={"body": "Third words"})
        self.client.put(f"/posts/{self.post}/reactions/fire")
        self.mention = self._write(self.other, thread, "Hello @Quentin_Z and @quentinx!", parent_id=self.post)
        self.client.post(f"/posts/{self.mention}/reports", json={"reason": "Rude words"})
        survey = {"show_id": show, "title": "x", "questions": [{"type": "free_text", "prompt": "Say?"}]}
        self.survey = self.mod.post("/surveys", json=survey).json()["id"]
        self.mod.post(f"/surveys/{self.survey}/publish")
        [question] = self.mod.get(f"/surveys/{self.survey}").json()["questions"]
        answers = [{"question_id": question["id"], "text": "Fourth words"}]
        self.client.post(f"/surveys/{self.survey}/submit", json={"answers": answers})
        self.direct = self.client.post("/dms", json={"other_user_id": str(other)}).json()["id"]
        club = {"title": "The club", "member_ids": [str(other)]}
        self.group = self.client.post("/dm-groups", json=club).json()["id"]
        for conversation in (self.direct, self.group):
            sent = self.client.post(f"/dms/{conversation}/messages", json={"body": "Fifth words"})
            assert sent.status_code == 201, sent.text
        assert self.client.put(f"/dms/{self.direct}/messages/1/reactions/fire").status_code == 204
        self.other.post(f"/dms/{self.group}/messages", json={"body": "Theirs"})
        reported = self.client.post(f"/dms/{self.group}/messages/2/reports", json={"reason": "Tenth words"})
        assert reported.status_code == 204, reported.text
        self.client.put("/me/message-settings", json={"writers": "known"})
        run = town.connection.execute
        moderator = town.one("SELECT id FROM users WHERE name = 'mod_x'")
        for pair in ((self.id, moderator), (moderator, self.id)):
            run("INSERT INTO blocks (blocker_id, blocked_id) VALUES (%s, %s)", pair)
        run("INSERT INTO identities (user_id, issuer, subject) VALUES (%s, 'x', 'zed|7')", [self.id])
        run(
            "INSERT INTO bans (user_id, reason, created_at, ends_at) "
            "VALUES (%s, 'Spam', now() - interval '2 d', now() - interval '1 d')", [self.id]
        )  # fmt: skip
        run("INSERT INTO moderation_log (moderator_id, action, user_id) VALUES (%s, 'x', %s)", [other, self.id])
        run("INSERT INTO moderation_log (moderator_id, action, user_id) VALUES (%s, 'x', %s)", [self.id, other])
        run(
            "INSERT INTO reports (post_id, reporter_id, reason, outcome, resolved_at, resolved_by) "
            "VALUES (%s, %s, 'No', 'dismissed', now(), %s)", [self.post, other, self.id]
        )  # fmt: skip
        run(
            "INSERT INTO surveys (kind, show_id, author_id, title, is_anonymous) "
            "VALUES ('poll', %s, %s, 'Mine', false)",
            [show, self.id],
        )
        run("INSERT INTO scores (board_id, user_id, points) VALUES (%s, %s, 7)", [self.survey, self.id])
        run(
            "INSERT INTO refresh_tokens (session_id, hash, expires_at) "
            "SELECT id, sha256(id::text::bytea), now() FROM sessions WHERE user_id = %s", [self.id]
        )  # fmt: skip
        run(
            "INSERT INTO credentials (user_id, email, password_hash) VALUES (%s, 'quentin@mail.example', %s)",
            [self.id, PasswordHash.recommended().hash(PASSWORD)],
        )
        for topic in (f"user:{self.id}", f"conversation:{self.direct}:{self.id}"):
            run("INSERT INTO outbox (topic, event, payload) VALUES (%s, 'x', '{}')", [topic])

    def _write(self, client: httpx.Client, thread: str, body: str, **more: str) -> str:
        return str(client.post(f"/threads/{thread}/posts", json={"body": body, **more}).json()["id"])

    def end(self, content: str, password: str | None = PASSWORD) -> httpx.Response:
        return self.client.request("DELETE", "/me", json={"content": content, "password": password})


@pytest.fixture
def show(town: Town) -> str:
    return str(town.one("SELECT entity_id FROM external_ids WHERE value = %s", SHOW))


@pytest.fixture
def resident(town: Town, show: str) -> Any:
    made = Resident(town, show)
    yield made
    # Whoever is left makes room for the next one.
    for name in ("quentin_z", "rosa_y", "mod_x"):
        town.connection.execute("UPDATE users SET name = 'old_' || substr(id::text, 25) WHERE name = %s", [name])
    town.connection.execute("UPDATE credentials SET email = id || '@mail.example' WHERE email = %s", [NAMES[1]])
    town.connection.execute("UPDATE identities SET subject = id::text")
    town.connection.execute("UPDATE users SET display_name = NULL, bio = NULL")
    for table in ("posts", "messages"):
        emptied = sql.SQL("UPDATE {} SET body = 'x', html = 'x' WHERE body <> ''")
        town.connection.execute(emptied.format(sql.Identifier(table)))
    town.connection.execute("UPDATE threads SET title = 'x'")
    town.connection.execute("UPDATE reports SET reason = 'x'")
    for table in ("post_edits", "responses", "outbox"):
        town.connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))


def user_columns() -> set[tuple[str, str]]:
    return {
        (table.name, key.parent.name)
        for table in tables.SOCIAL
        for key in table.foreign_keys
        if key.column.table.name == "users"
    }


def found_in(connection: Connection[Any], text: str) -> list[str]:
    """Every table of the database that has a text anywhere in a row."""
    names = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    search = sql.SQL("SELECT EXISTS (SELECT FROM {table} item WHERE position(lower(%s) IN lower(item::text)) > 0)")
    return [
        name
        for (name,) in names.fetchall()
        if connection.execute(search.format(table=sql.Identifier(name)), [text]).fetchall() == [(True,)]
    ]


def test_every_table_says_what_of_it_is_personal() -> None:
    """A new social table fails here until it is in the registry of the export and of the end of accounts."""
    assert {table.name for table in tables.SOCIAL} == set(queries.PERSONAL) | queries.NOBODYS
    assert not {table for table, _ in user_columns()} & queries.NOBODYS
    for table, column in user_columns():
        for statements in (queries.PERSONAL[table].keep, queries.PERSONAL[table].erase):
            assert any(column in statement for statement in statements), f"{table}.{column}"


def test_an_export_has_everything_and_no_secret(town: Town, resident: Resident) -> None:
    for table, column in user_columns():
        count = f"SELECT count(*) FROM {table} WHERE {column} = %s"
        assert town.one(count, resident.id) > 0, f"{table}.{column}: the tests would prove nothing"
    answer = resident.client.get("/me/export")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        files = {name: json.loads(archive.read(name)) for name in archive.namelist()}
    manifest = files.pop("manifest.json")
    assert {file["file"]: file["rows"] for file in manifest["files"]} == {
        name: len(rows) for name, rows in files.items()
    }
    assert set(files) == {f"{table}.json" for table in queries.PERSONAL}
    assert all(files.values()), [name for name, rows in files.items() if not rows]
    assert manifest["name"] == "quentin_z"
    assert {row["body"] for row in files["posts.json"]} == {"First words", "Third words"}
    assert [row["body"] for row in files["post_edits.json"]] == ["Second words"]
    assert files["credentials.json"][0]["email"] == "quentin@mail.example"
    assert "Fourth words" in str(files["responses.json"])
    assert {row["reason"]: row["message_id"] is None for row in files["reports.json"]} == {
        "Rude words": True,
        "Tenth words": False,
    }
    for secret in ("argon2", "password_hash", "token_hash", '"hash"'):
        assert secret not in str(files)
    assert "rosa_y" not in str(files), "what others are is theirs"


def test_an_export_is_ones_own(town: Town, resident: Resident) -> None:
    assert town.client().get("/me/export").status_code == 401
    answer = resident.other.get("/me/export")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert "First words" not in str(texts)
    assert str(resident.id) not in texts["posts.json"] + texts["responses.json"] + texts["users.json"]


@pytest.mark.parametrize("content", ["keep", "erase"])
def test_whoever_is_deleted_appears_nowhere(town: Town, resident: Resident, content: str) -> None:
    is_kept = content == "keep"
    for name in NAMES:
        assert found_in(town.connection, name), f"{name}: the test would prove nothing"
    before = town.one("SELECT edited_at IS NULL FROM posts WHERE id = %s", resident.mention)
    assert resident.end(content).status_code == 204
    for name in (*NAMES, str(resident.id)):
        assert found_in(town.connection, name) == [], name
    assert resident.client.get("/me").status_code == 401
    assert resident.client.post("/accounts/login", json={"email": NAMES[1], "password": PASSWORD}).status_code == 401
    seen = resident.other.get(f"/posts/{resident.post}").json()
    assert seen["author"]["display_name"] == "Deleted user"
    assert seen["body"] == ("First words" if is_kept else "")
    assert seen["reactions"]["fire"] == is_kept
    assert bool(found_in(town.connection, "Third words")) == is_kept
    for words in ("First words", "Second words", "Fourth words", "Rude words", "Quinces", "Tenth words"):
        assert bool(found_in(town.connection, words)) == is_kept, words
    mention = resident.other.get(f"/posts/{resident.mention}").json()
    assert mention["body"] == f"Hello @{seen['author']['name']} and @quentinx!"
    assert (mention["edited_at"] is None) == before
    assert bool(found_in(town.connection, "Fifth words")) == is_kept
    nobody = seen["author"]["id"]
    for conversation, people in ((resident.direct, {"rosa_y", seen["author"]["name"]}), (resident.group, {"rosa_y"})):
        left = resident.other.get(f"/dms/{conversation}").json()
        assert {member["user"]["name"] for member in left["members"]} == people
        assert resident.other.post(f"/dms/{conversation}/messages", json={"body": "Gone?"}).status_code == 201
    assert [member["role"] for member in left["members"]] == ["owner"], "a group has an owner"
    assert resident.other.post("/dms", json={"other_user_id": nobody}).json()["id"] == resident.direct
    assert resident.mod.post("/dms", json={"other_user_id": nobody}).status_code == 404
    counts = "SELECT coalesce(sum(responses), 0) FROM response_counts WHERE survey_id = %s"
    assert town.one(counts, resident.survey) == is_kept
    assert town.one("SELECT count(*) FROM scores WHERE board_id = %s", resident.survey) == is_kept


def test_whoever_is_deleted_hears_nothing_more(town: Town, resident: Resident) -> None:
    phone, laptop = (town.token(resident.id) for _ in range(2))
    with listening(town.address, token=phone) as here, listening(town.address, token=laptop) as there:
        for ear in (here, there):
            assert ear.follow(f"conversation:{resident.direct}")["type"] == "subscribed"
        assert resident.end("keep").status_code == 204
        for ear in (here, there):
            assert ear.end() == (Close.UNAUTHORIZED, "This account was deleted.")


def test_many_accounts_may_end_at_once_that_are_in_the_same_counts(town: Town, show: str) -> None:
    people = [user(town.connection, f"passer_by_{number}") for number in range(16)]
    run = town.connection.execute
    run(
        "INSERT INTO surveys (kind, show_id, author_id, title, is_anonymous, published_at) "
        "SELECT 'poll', %s, %s, 'Crowd', false, now() FROM generate_series(1, 40)",
        [show, user(town.connection, "host")],
    )
    # In another order for each of them.
    for statement in (
        "INSERT INTO responses (survey_id, user_id, answers, changed_in) "
        "SELECT surveys.id, person, '{}', 0 FROM surveys, unnest(%s::uuid[]) person WHERE title = 'Crowd' "
        "ORDER BY md5(surveys.id::text || person)",
        "INSERT INTO scores (board_id, user_id, points) "
        "SELECT surveys.id, person, 1 FROM surveys, unnest(%s::uuid[]) person WHERE title = 'Crowd' "
        "ORDER BY md5(surveys.id::text || person)",
    ):
        run(statement.encode(), [people])
    tokens = [bearer(town.token(person)) for person in people]
    client = town.client()
    with ThreadPoolExecutor(len(people)) as pool:
        ended = pool.map(
            lambda token: client.request("DELETE", "/me", json={"content": "erase"}, headers=token), tokens
        )
        assert [answer.status_code for answer in ended] == [204] * len(people)
    counts = "SELECT sum(responses)::int FROM response_counts JOIN surveys ON survey_id = id WHERE title = 'Crowd'"
    assert town.one(counts) == 0
    assert town.one("SELECT count(*) FROM score_counts JOIN surveys ON board_id = id WHERE title = 'Crowd'") == 0


def test_an_account_ends_with_its_password_alone(town: Town, resident: Resident) -> None:
    assert [resident.end("keep", password).status_code for password in (None, "", "wrong wrong")] == [403] * 3
    assert resident.client.request("DELETE", "/me", json={"password": PASSWORD}).status_code == 422
    assert resident.client.get("/me").status_code == 200
    assert town.client().request("DELETE", "/me", json={"content": "keep"}).status_code == 401


def test_a_log_in_that_ended_neither_exports_nor_deletes(town: Town, resident: Resident) -> None:
    assert resident.client.post("/accounts/logout", json={"everywhere": True}).status_code == 204
    assert resident.client.get("/me/export").status_code == 401
    assert resident.end("erase").status_code == 401
    assert town.one("SELECT count(*) FROM users WHERE id = %s", resident.id) == 1


def test_without_a_password_the_log_in_must_be_new(town: Town) -> None:
    person = user(town.connection, "newcomer")
    token = bearer(town.token(person))
    client = town.client()
    town.connection.execute("UPDATE sessions SET created_at = now() - interval '11 min' WHERE user_id = %s", [person])
    assert client.request("DELETE", "/me", json={"content": "keep"}, headers=token).status_code == 403
    fresh = bearer(town.token(person))
    assert client.request("DELETE", "/me", json={"content": "keep"}, headers=fresh).status_code == 204


def test_people_of_a_provider_log_in_anew_and_come_back_as_somebody_else(people_url: str, provider: Provider) -> None:
    provider.add("k1", "ES256")
    configured = settings(people_url, jwt_issuer="https://id.example/", jwt_audience="app", jwks_url=provider.url)
    with served(create_app(configured)) as address, httpx.Client(base_url=f"{address}/api/v1") as client:

        def token(since: int) -> dict[str, str]:
            return bearer(provider.token("k1", sub="zoe|1", auth_time=int(time.time()) - since))

        first = client.get("/me", headers=token(0)).json()["id"]
        body = {"content": "erase"}
        assert client.request("DELETE", "/me", json=body, headers=token(700)).status_code == 403
        assert client.request("DELETE", "/me", json=body, headers=token(60)).status_code == 204
        assert client.get("/me", headers=token(60)).json()["id"] != first


def test_an_export_while_the_account_is_deleted_is_whole_or_a_clear_problem(town: Town, resident: Resident) -> None:
    town.connection.execute(
        "INSERT INTO consents (user_id, subject, version) SELECT %s, 'terms', n::text FROM generate_series(1, 3000) n",
        [resident.id],
    )
    with ThreadPoolExecutor(5) as pool:
        exports = [pool.submit(resident.client.get, "/me/export") for _ in range(4)]
        ending = pool.submit(resident.end, "erase")
        answers = [export.result() for export in exports]
        assert ending.result().status_code == 204
    answers.append(resident.client.get("/me/export"))
    assert answers[-1].status_code == 401
    for answer in answers:
        if answer.status_code == 200:
            with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                assert len(json.loads(archive.read("consents.json"))) == 3001
                assert json.loads(archive.read("users.json"))
        else:
            assert (answer.status_code, answer.json()["title"][:5]) == (401, "A key")


def test_who_writes_while_the_account_is_deleted_is_told_that_it_is_gone(town: Town, resident: Resident) -> None:
    def agree(number: int) -> int:
        return resident.client.post("/me/consents", json={"subject": "mail", "version": str(number)}).status_code

    with ThreadPoolExecutor(8) as pool:
        written = [pool.submit(agree, number) for number in range(20)]
        ending = pool.submit(resident.end, "keep")
        written += [pool.submit(agree, number) for number in range(40)]
        assert {done.result() for done in written} <= {204, 401}
        assert ending.result().status_code == 204
    assert found_in(town.connection, str(resident.id)) == []


def test_consents_are_noted_with_their_times(town: Town) -> None:
    client = town.client("agreeable")
    for version in ("1", "2"):
        assert client.post("/me/consents", json={"subject": "privacy", "version": version}).status_code == 204
    assert client.delete("/me/consents/privacy").status_code == 204
    assert client.delete("/me/consents/privacy").status_code == 404
    found = client.get("/me/consents").json()["data"]
    assert [(consent["subject"], consent["version"]) for consent in found] == [("privacy", "2"), ("privacy", "1")]
    assert all(consent["agreed_at"] <= consent["withdrawn_at"] for consent in found)
    assert client.post("/me/consents", json={"subject": "everything", "version": "1"}).status_code == 422
    assert town.client("other_one").get("/me/consents").json() == {"data": []}


def test_what_was_kept_long_enough_goes(
    people_url: str, town: Town, show: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = town.connection.execute
    person = user(town.connection, "forgetful")
    old, new = (town.one("INSERT INTO sessions (user_id) VALUES (%s) RETURNING id", person) for _ in range(2))
    run("UPDATE sessions SET revoked_at = now() - interval '40 d' WHERE id = %s", [old])
    run("INSERT INTO refresh_tokens (session_id, hash, expires_at) VALUES (%s, sha256('old'), now())", [old])
    survey = town.one(
        "INSERT INTO surveys (kind, show_id, author_id, title, is_anonymous, published_at, closed_at) "
        "VALUES ('survey', %s, %s, 'x', true, now(), now() - interval '31 d') RETURNING id", show, person
    )  # fmt: skip
    run(
        "INSERT INTO responses (survey_id, token_hash, answers, changed_in) VALUES (%s, sha256('x'), '{}', 0)", [survey]
    )
    thread = town.client("talkative").post(f"/shows/{show}/threads", json={"title": "Piers"}).json()["id"]
    for days in (364, 366, None):
        post = town.client(f"talker_{days or 0}").post(f"/threads/{thread}/posts", json={"body": "Well."}).json()["id"]
        run(
            "INSERT INTO notifications (user_id, kind, post_id, created_at, read_at) "
            "VALUES (%s, 'mention', %s, now() - interval '2 y', now() - %s * interval '1 d')", [person, post, days]
        )  # fmt: skip
    monkeypatch.setenv("DATABASE_URL", people_url)
    monkeypatch.setattr("sys.argv", ["trr_api", "prune"])
    assert command.main() == 0
    told = capsys.readouterr().out
    assert "log-ins that ended, kept for 30 days: 1\n" in told
    assert "notifications that were read, kept for 365 days: 1\n" in told
    assert town.one("SELECT count(*) FROM notifications WHERE user_id = %s", person) == 2, "one was never read"
    assert town.connection.execute("SELECT id FROM sessions WHERE user_id = %s", [person]).fetchall() == [(new,)]
    assert town.one("SELECT token_hash IS NULL FROM responses WHERE survey_id = %s", survey)
    run("UPDATE sessions SET revoked_at = now() - interval '1 d' WHERE id = %s", [new])
    monkeypatch.setenv("TRR_API_KEEP_LOG_INS_DAYS", "0.5")
    assert command.main() == 0
    assert town.one("SELECT count(*) FROM sessions WHERE user_id = %s", person) == 0
    monkeypatch.setenv("TRR_API_KEEP_LOG_INS_DAYS", "-1")
    assert command.main() == 2
    assert "keep_log_ins_days" in capsys.readouterr().err


def test_nothing_that_people_write_is_in_a_log(
    town: Town, resident: Resident, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        client = resident.client
        client.get("/me/export")
        client.patch(f"/posts/{resident.post}", json={"body": "Fifth words"})
        client.post(f"/surveys/{resident.survey}/submit", json={"answers": [], "token": "x.sixth.words"})
        client.post("/accounts/registration", json={"email": "seventh@mail.example"})
        client.post("/accounts/login", json={"email": "quentin@mail.example", "password": "eighth words"})
        client.post(f"/posts/{resident.post}/reports", json={"reason": "x" * 2_000 + "Ninth words"})
        resident.end("erase")
    secrets = (
        *("Fifth words", "sixth.words", "seventh@mail", "quentin@mail", "eighth words", "Ninth words", PASSWORD),
        client.headers["authorization"].split()[1],
    )
    ours = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))
    )
    for secret in secrets:
        assert secret not in ours


def test_an_error_is_logged_without_the_row_that_was_refused(town: Town, resident: Resident) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        town.connection.execute(
            "INSERT INTO credentials (user_id, email, password_hash) "
            "SELECT id, 'quentin@mail.example', '-' FROM users WHERE name = 'rosa_y'"
        )
    assert "quentin@mail.example" in str(caught.value)
    told = without_values(caught.value)
    assert "quentin" not in str(told)
    assert "uq_credentials_email" in str(told)
    assert told.__traceback__ is not None
