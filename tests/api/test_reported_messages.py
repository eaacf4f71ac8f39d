"""Reports of messages: what moderators see of a conversation, and what a verdict does to a message."""

from __future__ import annotations

from itertools import count
from typing import Any
from uuid import uuid4

import pytest

from ears import listening
from people import Person, Town

_names = count(1)


@pytest.fixture
def ada(town: Town) -> Person:
    return Person(town, f"ada_{next(_names)}")


@pytest.fixture
def ben(town: Town) -> Person:
    return Person(town, f"ben_{next(_names)}")


@pytest.fixture
def cleo(town: Town) -> Person:
    return Person(town, f"cleo_{next(_names)}")


@pytest.fixture
def mod(town: Town) -> Person:
    return Person(town, f"mod_{next(_names)}", "moderator")


@pytest.fixture
def pair(ada: Person, ben: Person) -> str:
    return ada.writes_to(ben)


def reports(person: Person, conversation: str, number: int, reason: str = "Rude") -> int:
    """The status."""
    path = f"/dms/{conversation}/messages/{number}/reports"
    return person.client.post(path, json={"reason": reason}).status_code


def queue(mod: Person, *reporters: Person) -> list[dict[str, Any]]:
    """The open reports of these people, oldest first."""
    answer = mod.client.get("/moderation/reports?limit=100")
    assert answer.status_code == 200, answer.text
    names = {reporter.name for reporter in reporters}
    return [row for row in answer.json()["data"] if row["reporter"]["name"] in names]


def resolve(mod: Person, report: dict[str, Any], outcome: str) -> int:
    """The status."""
    answer = mod.client.post(f"/moderation/reports/{report['id']}/resolve", json={"outcome": outcome})
    return answer.status_code


class TestReporting:
    def test_a_member_reports_a_message_once(self, town: Town, ada: Person, ben: Person, mod: Person) -> None:
        pair = ada.writes_to(ben)
        sent = ada.sends(pair, "**Awful**")
        assert [reports(ben, pair, 1, reason) for reason in ("Rude", "Ruder")] == [204, 204]
        [found] = queue(mod, ben)
        assert (found["reason"], found["post"], found["before"]) == ("Rude", None, [])
        assert (found["message"]["id"], found["message"]["sender"]["name"]) == (sent["id"], ada.name)
        assert (found["message"]["body"], found["message"]["html"]) == ("**Awful**", "<p><strong>Awful</strong></p>\n")
        assert set(found["message"]) == {
            "id", "sender", "body", "html", "created_at", "edited_at", "redacted_at",
        }, "neither which conversation it is, nor who else is in it"  # fmt: skip

    def test_strangers_and_the_banned_report_nothing(
        self, town: Town, ada: Person, ben: Person, cleo: Person, mod: Person, pair: str
    ) -> None:
        ada.sends(pair)
        assert [reports(cleo, pair, 1), reports(cleo, str(uuid4()), 1), reports(ben, pair, 2)] == [404, 404, 404]
        assert town.client().post(f"/dms/{pair}/messages/1/reports", json={"reason": "x"}).status_code == 401
        for reason in ("", " ", "x" * 1001, None):
            path = f"/dms/{pair}/messages/1/reports"
            assert ben.client.post(path, json={"reason": reason}).status_code == 422
        mod.client.post("/moderation/bans", json={"name": ben.name, "reason": "Spam"})
        assert reports(ben, pair, 1) == 403
        assert queue(mod, ben, cleo) == []

    def test_what_did_not_come_through_or_was_before_is_not_there_to_report(
        self, ada: Person, ben: Person, cleo: Person, pair: str
    ) -> None:
        ada.client.put(f"/me/blocks/{ben.name}")
        ben.sends(pair, "Hidden")
        assert reports(ada, pair, 1) == 404
        group = ada.founds(ben)
        ada.sends(group, "Before cleo")
        ada.client.put(f"/dms/{group}/members/{cleo.id}", json={})
        assert reports(cleo, group, 1) == 404

    def test_reports_of_posts_and_messages_are_one_queue_page_by_page(
        self, town: Town, ada: Person, ben: Person, mod: Person, pair: str
    ) -> None:
        show = town.one("SELECT id FROM shows LIMIT 1")
        thread = ada.client.post(f"/shows/{show}/threads", json={"title": "Boats"}).json()["id"]
        post = ada.client.post(f"/threads/{thread}/posts", json={"body": "Pah"}).json()["id"]
        ada.sends(pair, "Bah")
        assert reports(ben, pair, 1) == 204
        assert ben.client.post(f"/posts/{post}/reports", json={"reason": "Rude"}).status_code == 204
        listed: list[dict[str, Any]] = []
        path = "/moderation/reports?limit=1"
        while path:
            answer = mod.client.get(path)
            listed += answer.json()["data"]
            path = answer.links["next"]["url"].removeprefix("/api/v1") if "next" in answer.links else ""
        own = [row for row in listed if row["reporter"]["name"] == ben.name]
        assert [(row["message"] or row["post"])["body"] for row in own] == ["Bah", "Pah"]
        assert [(row["message"] is None, row["post"] is None) for row in own] == [(False, True), (True, False)]


class TestWhatModeratorsSee:
    def test_the_message_and_five_before_it_and_nothing_else(
        self, ada: Person, ben: Person, mod: Person, pair: str
    ) -> None:
        for number in range(1, 11):
            (ada if number % 2 else ben).sends(pair, f"{number}")
        reports(ben, pair, 9)
        [found] = queue(mod, ben)
        assert found["message"]["body"] == "9"
        assert [message["body"] for message in found["before"]] == ["4", "5", "6", "7", "8"]
        assert [message["sender"]["name"] for message in found["before"]] == [ben.name, ada.name] * 2 + [ben.name]
        for path in (f"/dms/{pair}", f"/dms/{pair}/messages", f"/dms/{pair}/messages/9"):
            assert mod.client.get(path).status_code == 404
        assert mod.client.put(f"/dms/{pair}/messages/9/reactions/lol").status_code == 404
        assert ben.client.get("/moderation/reports").status_code == 403

    def test_nothing_that_the_reporter_does_not_see(
        self, town: Town, ada: Person, ben: Person, cleo: Person, mod: Person, pair: str
    ) -> None:
        group = ada.founds(ben)
        ada.sends(group, "Before cleo")
        ada.client.put(f"/dms/{group}/members/{cleo.id}", json={})
        ada.sends(group, "Welcome")
        ada.sends(group, "Rude")
        reports(cleo, group, 3)
        [found] = queue(mod, cleo)
        assert [message["body"] for message in found["before"]] == ["Welcome"]
        cleo.client.delete(f"/dms/{group}/members/{cleo.id}")
        [found] = queue(mod, cleo)
        assert (found["message"]["body"], found["before"]) == ("Rude", []), "who left sees nothing any more"

        ada.client.put(f"/me/blocks/{ben.name}")
        ben.sends(pair, "Hidden")
        ada.client.delete(f"/me/blocks/{ben.name}")
        ben.sends(pair, "Rude again")
        reports(ada, pair, 2)
        [found] = queue(mod, ada)
        assert (found["message"]["body"], found["before"]) == ("Rude again", [])

    def test_what_was_edited_or_redacted_since_as_it_is_now(
        self, ada: Person, ben: Person, mod: Person, pair: str
    ) -> None:
        """An edit keeps nothing of what was before, also not for moderators."""
        ada.sends(pair, "First")
        ada.sends(pair, "Second")
        reports(ben, pair, 2)
        ada.client.delete(f"/dms/{pair}/messages/1")
        ada.client.patch(f"/dms/{pair}/messages/2", json={"body": "Milder"})
        [found] = queue(mod, ben)
        assert (found["message"]["body"], found["message"]["edited_at"] is None) == ("Milder", False)
        assert [(message["body"], message["redacted_at"] is None) for message in found["before"]] == [("", False)]

    def test_after_the_verdict_nothing(self, town: Town, ada: Person, ben: Person, mod: Person, pair: str) -> None:
        ada.sends(pair)
        reports(ben, pair, 1)
        [found] = queue(mod, ben)
        assert resolve(ada, found, "upheld") == 403
        assert resolve(mod, found, "dismissed") == 204
        assert resolve(mod, found, "upheld") == 404
        assert queue(mod, ben) == []
        assert reports(ben, pair, 1) == 204
        assert queue(mod, ben) == [], "it was answered"
        told = ada.client.get(f"/dms/{pair}/messages/1").json()
        assert (told["body"], told["removed_at"], told["redacted_at"]) == ("Well.", None, None)


class TestRemoval:
    def test_members_see_that_a_moderator_removed_it(
        self, town: Town, ada: Person, ben: Person, cleo: Person, mod: Person
    ) -> None:
        group = ada.founds(ben, cleo)
        ada.sends(group, "Awful words")
        ada.sends(group, "My own doing")
        ada.client.delete(f"/dms/{group}/messages/2")
        assert [reports(person, group, 1) for person in (ben, cleo)] == [204, 204]
        with listening(town.address, token=ben.client.headers["authorization"].removeprefix("Bearer ")) as ear:
            place = ear.follow(f"conversation:{group}")["seq"]
            assert resolve(mod, queue(mod, ben)[0], "upheld") == 204
            told = ear.wait_for("dm_message_removed")
            assert told["payload"] == {"conversation_id": group, "number": 1}
            assert told["seq"] > place
        assert queue(mod, ben, cleo) == [], "what others say of it is answered too"
        for person in (ada, ben, cleo):
            removed, redacted = (person.client.get(f"/dms/{group}/messages/{number}").json() for number in (1, 2))
            assert (removed["body"], removed["html"], removed["removed_at"] is None) == ("", "", False)
            assert removed["redacted_at"] is not None
            assert (redacted["body"], redacted["redacted_at"] is None, redacted["removed_at"]) == ("", False, None)
        for attempt in (
            ada.client.patch(f"/dms/{group}/messages/1", json={"body": "Again"}),
            ben.client.put(f"/dms/{group}/messages/1/reactions/lol"),
        ):
            assert attempt.status_code == 409
        assert "Awful words" not in str(town.connection.execute("SELECT payload FROM outbox").fetchall())
        assert town.one("SELECT count(*) FROM messages WHERE body = 'Awful words'") == 0

    def test_the_public_log_has_that_it_was_and_nothing_of_it(
        self, town: Town, ada: Person, ben: Person, mod: Person, pair: str
    ) -> None:
        ada.sends(pair, "Awful words")
        reports(ben, pair, 1, "Private reasons")
        assert resolve(mod, queue(mod, ben)[0], "upheld") == 204
        [entry] = [
            row for row in town.client().get("/moderation/log").json()["data"] if row["moderator"]["name"] == mod.name
        ]
        assert (entry["action"], entry["reason"]) == ("message_removed", "Reported")
        assert (entry["user"], entry["post_id"], entry["thread_id"]) == (None, None, None)

    def test_what_its_sender_took_back_first_was_not_removed(
        self, town: Town, ada: Person, ben: Person, mod: Person, pair: str
    ) -> None:
        ada.sends(pair, "Awful words")
        reports(ben, pair, 1)
        ada.client.delete(f"/dms/{pair}/messages/1")
        assert resolve(mod, queue(mod, ben)[0], "upheld") == 204
        found = ben.client.get(f"/dms/{pair}/messages/1").json()
        assert (found["redacted_at"] is None, found["removed_at"]) == (False, None)
        assert mod.name not in str(town.client().get("/moderation/log").json())

    def test_what_a_block_withholds_is_told_to_its_sender_alone(
        self, town: Town, ada: Person, ben: Person, mod: Person, pair: str
    ) -> None:
        """Reported, then rewritten by somebody who was blocked meanwhile."""
        ben.sends(pair, "Kind")
        reports(ada, pair, 1)
        ada.client.put(f"/me/blocks/{ben.name}")
        ben.client.patch(f"/dms/{pair}/messages/1", json={"body": "Unkind"})
        assert resolve(mod, queue(mod, ada)[0], "upheld") == 204
        topics = town.connection.execute("SELECT topic FROM outbox WHERE event = 'dm_message_removed' ORDER BY seq")
        assert topics.fetchall()[-1] == (f"conversation:{pair}:{ben.id}",)
        assert ben.client.get(f"/dms/{pair}/messages/1").json()["removed_at"] is not None


class TestTextsOfEvents:
    """What a message said before is kept nowhere: events neither, which wait two days for those who come back."""

    def test_an_edit_takes_the_old_text_out_of_them(self, town: Town, ada: Person, ben: Person, pair: str) -> None:
        ada.sends(pair, "Old secret")
        ben.sends(pair, "Another's")
        for body in ("Newer secret", "Final words"):
            assert ada.client.patch(f"/dms/{pair}/messages/1", json={"body": body}).status_code == 204
        told = town.connection.execute(
            "SELECT event, payload->>'number', payload->>'body' FROM outbox WHERE topic = %s ORDER BY seq",
            [f"conversation:{pair}"],
        ).fetchall()
        assert [row for row in told if row[0].startswith("dm_message")] == [
            ("dm_message_created", "1", ""),
            ("dm_message_created", "2", "Another's"),
            ("dm_message_edited", "1", ""),
            ("dm_message_edited", "1", "Final words"),
        ]
        assert "secret" not in str(town.connection.execute("SELECT payload FROM outbox").fetchall())

    def test_whoever_comes_back_hears_what_it_says_now(self, town: Town, ada: Person, ben: Person, pair: str) -> None:
        ada.sends(pair, "Old secret")
        ada.client.patch(f"/dms/{pair}/messages/1", json={"body": "Final words"})
        with listening(town.address, token=ben.client.headers["authorization"].removeprefix("Bearer ")) as ear:
            ear.follow(f"conversation:{pair}", 0)
            assert ear.wait_for("dm_message_created")["payload"]["body"] == ""
            assert ear.wait_for("dm_message_edited")["payload"]["body"] == "Final words"

    def test_it_is_found_by_an_index_however_much_was_said(
        self, town: Town, ada: Person, ben: Person, pair: str
    ) -> None:
        ada.sends(pair)
        town.connection.execute(
            "INSERT INTO outbox (topic, event, payload) SELECT 'conversation:' || %s, 'dm_message_created', "
            "jsonb_build_object('id', new_id(), 'number', n, 'body', 'x') FROM generate_series(1, 5000) n",
            [pair],
        )
        town.connection.execute("ANALYZE outbox")
        with town.connection.transaction():
            before = town.one("SELECT pg_stat_get_xact_tuples_returned('outbox'::regclass)")
            town.connection.execute("UPDATE messages SET body = 'New' WHERE conversation_id = %s", [pair])
            after = town.one("SELECT pg_stat_get_xact_tuples_returned('outbox'::regclass)")
        assert after - before == 0, "rows that were read without the index"
        assert town.one("SELECT count(*) FROM outbox WHERE topic = %s AND payload->>'body' = 'Well.'",
                        f"conversation:{pair}") == 0  # fmt: skip
