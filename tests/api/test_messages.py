"""Messages: conversations of two and groups, numbers without gaps, receipts, blocks that cannot be found out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest

from people import Person, Town
from serving import Counted

_names = count(1)


Newcomer = Callable[[], Person]


@pytest.fixture
def newcomer(town: Town) -> Newcomer:
    """Makes somebody new."""
    return lambda: Person(town, f"person_{next(_names)}")


@pytest.fixture
def ada(newcomer: Newcomer) -> Person:
    return newcomer()


@pytest.fixture
def ben(newcomer: Newcomer) -> Person:
    return newcomer()


@pytest.fixture
def cleo(newcomer: Newcomer) -> Person:
    return newcomer()


@pytest.fixture
def pair(ada: Person, ben: Person) -> str:
    """The conversation of ada and ben."""
    return ada.writes_to(ben)


@pytest.fixture
def group(ada: Person, ben: Person, cleo: Person) -> str:
    """Ada's group, with ben and cleo."""
    return ada.founds(ben, cleo)


def events(town: Town, topic: str, since: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a topic was told."""
    rows = town.connection.execute(
        "SELECT event, payload FROM outbox WHERE topic = %s AND seq > %s ORDER BY seq", [topic, since]
    )
    yield from rows.fetchall()


def latest(town: Town) -> int:
    return int(town.one("SELECT coalesce(max(seq), 0) FROM outbox"))


class TestConversations:
    def test_two_people_have_one_whoever_begins(self, ada: Person, ben: Person) -> None:
        first = ada.client.post("/dms", json={"other_user_id": ben.id})
        again = ben.client.post("/dms", json={"other_user_id": ada.id})
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        found = ben.has(first.json()["id"])
        assert (found["is_group"], found["title"], found["member_count"]) == (False, None, 2)
        assert [other["name"] for other in found["others"]] == [ada.name]
        assert {(member["user"]["name"], member["role"]) for member in found["members"]} == {
            (ada.name, "member"),
            (ben.name, "member"),
        }

    def test_thirty_two_at_once_get_one(self, town: Town, ada: Person, ben: Person) -> None:
        """Defect 5 of the reference system: two who began at the same moment got an error."""
        with ThreadPoolExecutor(32) as pool:
            made = set(pool.map(lambda at: ben.writes_to(ada) if at % 2 else ada.writes_to(ben), range(32)))
        assert len(made) == 1
        key = ":".join(sorted((ada.id, ben.id)))
        assert town.one("SELECT count(*) FROM conversations WHERE direct_key = %s", key) == 1
        assert ada.has(made.pop())["member_count"] == 2

    def test_the_one_with_the_newest_message_comes_first_page_by_page(self, ada: Person, newcomer: Newcomer) -> None:
        """Defect 41 of the reference system: lists shifted while somebody wrote."""
        made = [ada.writes_to(newcomer()) for _ in range(5)]
        for conversation in (*made, made[1]):
            ada.sends(conversation)
        order = [made[1], made[4], made[3], made[2], made[0]]
        listed: list[str] = []
        path = "/dms?limit=2"
        while path:
            answer = ada.client.get(path)
            listed += [row["id"] for row in answer.json()["data"]]
            path = answer.links["next"]["url"].removeprefix("/api/v1") if "next" in answer.links else ""
        assert listed == order
        [newest] = ada.client.get("/dms?limit=1").json()["data"]
        assert (newest["last_message"]["body"], newest["last_number"], newest["unread"]) == ("Well.", 2, 0)

    def test_nobody_writes_to_themselves(self, ada: Person) -> None:
        assert ada.client.post("/dms", json={"other_user_id": ada.id}).status_code == 422
        assert ada.client.post("/dm-groups", json={"title": "x", "member_ids": [ada.id]}).status_code == 422
        assert ada.client.post("/dm-groups", json={"title": "x", "member_ids": []}).status_code == 422
        assert ada.client.post("/dm-groups", json={"title": " ", "member_ids": [str(uuid4())]}).status_code == 422

    def test_of_others_conversations_nothing_is_told(
        self, town: Town, ada: Person, ben: Person, cleo: Person, pair: str
    ) -> None:
        """The same as of those that nobody has: neither 403 nor another text."""
        ada.sends(pair)
        for conversation in (pair, str(uuid4())):
            for answer in (
                cleo.client.get(f"/dms/{conversation}"),
                cleo.client.patch(f"/dms/{conversation}", json={"title": "Mine"}),
                cleo.client.get(f"/dms/{conversation}/messages"),
                cleo.client.post(
                    f"/dms/{conversation}/messages", json={"body": "x", "client_message_id": str(uuid4())}
                ),
                cleo.client.post(f"/dms/{conversation}/read", json={"number": 1}),
                cleo.client.get(f"/dms/{conversation}/messages/1"),
                cleo.client.patch(f"/dms/{conversation}/messages/1", json={"body": "x"}),
                cleo.client.delete(f"/dms/{conversation}/messages/1"),
                cleo.client.put(f"/dms/{conversation}/messages/1/reactions/lol"),
                cleo.client.delete(f"/dms/{conversation}/messages/1/reactions/lol"),
                cleo.client.put(f"/dms/{conversation}/members/{cleo.id}", json={}),
                cleo.client.delete(f"/dms/{conversation}/members/{cleo.id}"),
                cleo.client.put(f"/dms/{conversation}/mute", json={}),
                cleo.client.delete(f"/dms/{conversation}/mute"),
            ):
                assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such conversation.")
        nobody = town.client()
        for path in ("/dms", f"/dms/{pair}", f"/dms/{pair}/messages", "/me/unread", "/me/blocks"):
            assert nobody.get(path).status_code == 401


class TestGroups:
    def test_owners_rename_add_promote_and_remove(
        self, ada: Person, ben: Person, cleo: Person, newcomer: Newcomer
    ) -> None:
        group = ada.founds(ben)
        dora = newcomer()
        path = f"/dms/{group}/members"
        for answer in (
            ben.client.patch(f"/dms/{group}", json={"title": "Mine"}),
            ben.client.put(f"{path}/{cleo.id}", json={}),
            ben.client.delete(f"{path}/{ada.id}"),
        ):
            assert answer.status_code == 403
        assert ada.client.patch(f"/dms/{group}", json={"title": "Boat crew"}).status_code == 204
        assert ada.client.put(f"{path}/{cleo.id}", json={}).status_code == 204
        assert ada.client.put(f"{path}/{ben.id}", json={"role": "owner"}).status_code == 204
        assert ben.client.put(f"{path}/{dora.id}", json={"role": "member"}).status_code == 204
        assert ben.client.delete(f"{path}/{cleo.id}").status_code == 204
        assert ben.client.delete(f"{path}/{cleo.id}").status_code == 404
        found = dora.has(group)
        assert (found["title"], found["member_count"]) == ("Boat crew", 3)
        assert [(member["user"]["name"], member["role"]) for member in found["members"]] == [
            (ada.name, "owner"),
            (ben.name, "owner"),
            (dora.name, "member"),
        ]
        assert cleo.client.get(f"/dms/{group}").status_code == 404
        assert cleo.client.get("/dms").json()["data"] == []

    def test_where_the_last_owner_leaves_who_is_there_longest_becomes_one(
        self, town: Town, ada: Person, ben: Person, cleo: Person, group: str
    ) -> None:
        assert ada.client.delete(f"/dms/{group}/members/{ada.id}").status_code == 204
        roles = {member["user"]["name"]: member["role"] for member in ben.has(group)["members"]}
        assert sorted(roles.values()) == ["member", "owner"]
        assert ada.client.get(f"/dms/{group}/messages").status_code == 404
        owner, other = (ben, cleo) if roles[ben.name] == "owner" else (cleo, ben)
        # Who gives it up alone keeps it: they are there longest.
        demoted = owner.client.put(f"/dms/{group}/members/{owner.id}", json={"role": "member"})
        assert demoted.status_code == 204
        assert [member["role"] for member in other.has(group)["members"]].count("owner") == 1
        for person in (other, owner):
            assert person.client.delete(f"/dms/{group}/members/{person.id}").status_code == 204
        assert town.one("SELECT count(*) FROM conversation_members WHERE conversation_id = %s", group) == 0
        assert town.one("SELECT count(*) FROM inboxes WHERE conversation_id = %s", group) == 0

    def test_who_joins_sees_what_comes_from_then_on(self, ada: Person, ben: Person, cleo: Person) -> None:
        group = ada.founds(ben)
        ada.sends(group, "About cleo")
        assert ada.client.put(f"/dms/{group}/members/{cleo.id}", json={}).status_code == 204
        assert (cleo.sees(group), cleo.has(group)["unread"], cleo.has(group)["last_message"]) == ([], 0, None)
        ada.sends(group, "Welcome")
        assert (cleo.sees(group), cleo.has(group)["unread"]) == (["Welcome"], 1)
        assert cleo.client.get(f"/dms/{group}/messages/1").status_code == 404

    def test_a_pair_is_no_group(self, ada: Person, ben: Person, cleo: Person, pair: str) -> None:
        for answer in (
            ada.client.patch(f"/dms/{pair}", json={"title": "Us"}),
            ada.client.put(f"/dms/{pair}/members/{cleo.id}", json={}),
            ada.client.delete(f"/dms/{pair}/members/{ada.id}"),
            ada.client.delete(f"/dms/{pair}/members/{ben.id}"),
        ):
            assert answer.status_code == 409
        assert ada.has(pair)["member_count"] == 2

    def test_it_has_a_limit(self, town: Town, ada: Person, ben: Person) -> None:
        group = ada.founds(ben)
        town.connection.execute(
            "WITH made AS (INSERT INTO users (name) SELECT 'extra_' || n FROM generate_series(1, 98) n RETURNING id) "
            "INSERT INTO conversation_members (conversation_id, user_id) SELECT %s, id FROM made",
            [group],
        )
        late = Person(town, f"late_{next(_names)}")
        for identifier in (late.id, uuid4()):
            assert ada.client.put(f"/dms/{group}/members/{identifier}", json={}).status_code == 409
        assert len(ada.has(group)["others"]) == 5
        assert ada.has(group)["member_count"] == 100


class TestMessages:
    def test_the_newest_page_comes_first_and_leads_both_ways(self, ada: Person, ben: Person, pair: str) -> None:
        """Defect 41 of the reference system: the newest messages came last, and ties were passed over."""
        for number in range(1, 8):
            (ada if number % 2 else ben).sends(pair, f"{number}")
        path = f"/dms/{pair}/messages"
        answer = ben.client.get(f"{path}?limit=3")
        newest = answer.json()
        assert [message["number"] for message in newest["data"]] == [7, 6, 5]
        assert (newest["before"], newest["after"]) == (5, 7)
        assert answer.links["next"]["url"] == f"/api/v1{path}?limit=3&before=5"
        assert answer.links["prev"]["url"] == f"/api/v1{path}?limit=3&after=7"
        older = ben.client.get(f"{path}?limit=3&before={newest['before']}").json()
        assert ([message["body"] for message in older["data"]], older["before"]) == (["4", "3", "2"], 2)
        oldest = ben.client.get(f"{path}?limit=3&before={older['before']}").json()
        assert ([message["body"] for message in oldest["data"]], oldest["before"]) == (["1"], None)
        newer = ben.client.get(f"{path}?limit=3&after={oldest['after']}").json()
        assert ([message["number"] for message in newer["data"]], newer["after"]) == ([4, 3, 2], 4)
        nothing = ben.client.get(f"{path}?after={newest['after']}").json()
        assert nothing == {"data": [], "before": 8, "after": 7}
        ada.sends(pair, "8")
        assert ben.sees(pair, f"?after={nothing['after']}") == ["8"]
        for bad in ("limit=0", "limit=101", "before=0", "after=-1", "before=3&after=1", "offset=2", "before=x"):
            assert ben.client.get(f"{path}?{bad}").status_code == 422

    def test_an_empty_conversation_is_a_page(self, ada: Person, pair: str) -> None:
        assert ada.client.get(f"/dms/{pair}/messages").json() == {"data": [], "before": None, "after": 0}
        assert ada.client.get(f"/dms/{pair}/messages?after=0").json() == {"data": [], "before": None, "after": 0}

    def test_one_that_is_sent_again_is_the_same(self, ada: Person, ben: Person, pair: str) -> None:
        name = uuid4()
        first = ada.client.post(f"/dms/{pair}/messages", json={"body": "Once", "client_message_id": str(name)})
        again = ada.client.post(f"/dms/{pair}/messages", json={"body": "Twice", "client_message_id": str(name)})
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        assert first.json()["client_message_id"] == str(name)
        assert ben.sends(pair, "Mine", name)["number"] == 2, "another's name is another message"
        assert ben.sees(pair) == ["Mine", "Once"]
        assert ben.client.get(f"/dms/{pair}/messages/1").json()["client_message_id"] is None
        assert ben.has(pair)["unread"] == 1

    def test_numbers_have_no_gaps_whoever_writes_at_once(self, ada: Person, ben: Person, pair: str) -> None:
        """Each message comes twice, as from a client that lost the answer."""
        names = [uuid4() for _ in range(24)]

        def send(at: int) -> int:
            person = ben if at % 2 else ada
            return int(person.sends(pair, f"{at}", names[at])["number"])

        with ThreadPoolExecutor(16) as pool:
            numbers = list(pool.map(send, [*range(24), *range(24)]))
        assert sorted(numbers[:24]) == list(range(1, 25))
        assert numbers[24:] == numbers[:24]
        data = ada.client.get(f"/dms/{pair}/messages?limit=100").json()["data"]
        assert [message["number"] for message in data] == list(range(24, 0, -1))
        times = [message["created_at"] for message in data]
        assert times == sorted(times, reverse=True)
        assert (ada.has(pair)["unread"], ben.has(pair)["unread"]) == (12, 12)

    def test_text_is_markdown_that_is_safe_to_show(self, ada: Person, ben: Person, pair: str) -> None:
        ada.sends(pair, "**Bold** <script>alert(1)</script> [x](javascript:alert(1))")
        found = ben.client.get(f"/dms/{pair}/messages/1").json()
        assert "<strong>Bold</strong>" in found["html"]
        assert "<script" not in found["html"]
        assert "<a" not in found["html"]

    @pytest.mark.parametrize("body", ["", " \n", "a\x00b", "\u202eevil", "\x1b[31m", 12, None, ["a"], "x" * 10_001])
    def test_bad_texts_are_problems(self, ada: Person, pair: str, body: Any) -> None:
        answer = ada.client.post(f"/dms/{pair}/messages", json={"body": body})
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "body")
        assert ada.sees(pair) == []

    def test_a_megabyte_is_a_problem(self, ada: Person, pair: str) -> None:
        whole = b'{"body": "' + b"x" * 1_000_000 + b'"}'
        headers = {"content-type": "application/json"}
        for content in (whole, iter([whole[:500_000], whole[500_000:]])):  # the second one does not tell its length
            answer = ada.client.post(f"/dms/{pair}/messages", content=content, headers=headers)
            assert answer.status_code == 413

    def test_the_sender_rewrites_and_nobody_else(self, ada: Person, ben: Person, pair: str) -> None:
        ada.sends(pair, "Frist")
        path = f"/dms/{pair}/messages/1"
        assert ben.client.patch(path, json={"body": "Mine"}).status_code == 403
        assert ben.client.delete(path).status_code == 403
        assert ada.client.patch(path, json={"body": "*First*"}).status_code == 204
        found = ben.client.get(path).json()
        assert (found["body"], found["html"], found["edited_at"] is None) == (
            "*First*",
            "<p><em>First</em></p>\n",
            False,
        )
        assert ada.client.patch(f"/dms/{pair}/messages/9", json={"body": "x"}).status_code == 404

    def test_what_is_redacted_is_gone_for_everybody_and_keeps_its_place(
        self, town: Town, ada: Person, ben: Person, pair: str
    ) -> None:
        ada.sends(pair, "a secret")
        ada.sends(pair, "after it")
        path = f"/dms/{pair}/messages/1"
        for _ in range(2):
            assert ada.client.delete(path).status_code == 204
        for person in (ada, ben):
            found = person.client.get(path).json()
            assert (found["body"], found["html"], found["redacted_at"] is None) == ("", "", False)
            assert person.sees(pair) == ["after it", ""]
        assert ada.client.patch(path, json={"body": "again"}).status_code == 409
        assert ben.client.put(f"{path}/reactions/lol").status_code == 409
        assert town.one("SELECT count(*) FROM messages WHERE body = 'a secret'") == 0

    def test_an_owner_redacts_what_others_wrote_in_the_group(
        self, ada: Person, ben: Person, cleo: Person, group: str
    ) -> None:
        ben.sends(group, "Rude")
        assert cleo.client.delete(f"/dms/{group}/messages/1").status_code == 403
        assert ada.client.delete(f"/dms/{group}/messages/1").status_code == 204
        assert cleo.sees(group) == [""]

    def test_reactions_count_once(self, ada: Person, ben: Person, cleo: Person, group: str) -> None:
        ada.sends(group)
        path = f"/dms/{group}/messages/1"
        for person in (ben, ben, cleo):
            for reaction in ("upvote", "heart"):
                assert person.client.put(f"{path}/reactions/{reaction}").status_code == 204
        found = ben.client.get(path).json()
        assert found["reactions"] == {"upvote": 2, "downvote": 0, "lol": 0, "shade": 0, "fire": 0, "heart": 2}
        assert found["mine"] == ["heart", "upvote"]
        assert ben.client.put(f"{path}/reactions/downvote").status_code == 204
        for _ in range(2):
            assert cleo.client.delete(f"{path}/reactions/heart").status_code == 204
        found = ada.client.get(path).json()
        assert (found["reactions"]["upvote"], found["reactions"]["downvote"], found["reactions"]["heart"]) == (1, 1, 1)
        assert found["mine"] == []
        assert ben.client.put(f"{path}/reactions/hate").status_code == 422

    def test_the_banned_write_nothing_and_may_leave(
        self, town: Town, ada: Person, ben: Person, cleo: Person, group: str, pair: str
    ) -> None:
        ben.sends(group)
        town.connection.execute("INSERT INTO bans (user_id, reason) VALUES (%s, 'Spam')", [ben.id])
        for answer in (
            ben.client.post(f"/dms/{group}/messages", json={"body": "x"}),
            ben.client.patch(f"/dms/{group}/messages/1", json={"body": "x"}),
            ben.client.delete(f"/dms/{group}/messages/1"),
            ben.client.put(f"/dms/{group}/messages/1/reactions/lol"),
            ben.client.post("/dms", json={"other_user_id": cleo.id}),
            ben.client.post("/dm-groups", json={"title": "x", "member_ids": [cleo.id]}),
        ):
            assert (answer.status_code, "banned" in answer.json()["detail"]) == (403, True), answer.text
        assert ben.sees(group) == ["Well."]
        assert ben.client.delete(f"/dms/{group}/members/{ben.id}").status_code == 204


class TestReading:
    def test_receipts_move_forward_only_and_the_others_see_them(self, ada: Person, ben: Person, pair: str) -> None:
        """Defect 43 of the reference system: they moved backwards, and the other one could not see them."""
        for _ in range(5):
            ada.sends(pair)
        assert ben.has(pair)["unread"] == 5
        assert (ben.reads(pair, 3)["number"], ben.reads(pair, 2)["number"]) == (3, 3)
        found = ben.has(pair)
        assert (found["read_number"], found["unread"]) == (3, 2)
        seen = {member["user"]["name"]: member["read_number"] for member in ada.has(pair)["members"]}
        assert seen == {ada.name: 0, ben.name: 3}
        assert ben.client.post(f"/dms/{pair}/read", json={"number": 6}).status_code == 409
        assert ben.client.post(f"/dms/{pair}/read", json={"number": -1}).status_code == 422
        assert ben.reads(pair, 5)["unread"] == 0

    def test_ones_own_messages_are_not_unread(self, ada: Person, ben: Person, pair: str) -> None:
        ada.sends(pair, "1")
        ben.sends(pair, "2")
        ada.sends(pair, "3")
        assert (ada.has(pair)["unread"], ben.has(pair)["unread"]) == (1, 2)
        assert ben.reads(pair, 1)["unread"] == 1
        assert ada.reads(pair, 3)["unread"] == 0

    def test_counts_stay_exact_while_all_write_and_read_at_once(
        self, town: Town, ada: Person, ben: Person, pair: str
    ) -> None:
        """Defect 43 of the reference system: no unread counts, and sending was not one change."""

        def work(at: int) -> None:
            person = ben if at % 2 else ada
            sent = person.sends(pair, f"{at}")
            if at % 3 == 0:
                (ada if at % 2 else ben).reads(pair, sent["number"])

        with ThreadPoolExecutor(12) as pool:
            list(pool.map(work, range(48)))
        for person in (ada, ben):
            found = person.has(pair)
            exact = town.one(
                "SELECT count(*) FROM messages WHERE conversation_id = %s AND sender_id <> %s AND number > %s",
                UUID(pair), UUID(person.id), found["read_number"],
            )  # fmt: skip
            assert (found["unread"], found["last_number"]) == (exact, 48)

    def test_all_that_waits_is_counted_and_what_is_muted_apart(
        self, town: Town, ada: Person, ben: Person, cleo: Person, pair: str, group: str
    ) -> None:
        assert ben.client.get("/me/unread").json() == {"conversations": 0, "messages": 0, "muted_messages": 0}
        for conversation in (pair, group, group):
            ada.sends(conversation)
        assert ben.client.get("/me/unread").json() == {"conversations": 2, "messages": 3, "muted_messages": 0}
        assert ben.client.put(f"/dms/{group}/mute", json={"until": "2020-01-01T00:00:00Z"}).status_code == 422
        assert ben.client.put(f"/dms/{group}/mute", json={}).status_code == 204
        assert (ben.has(group)["is_muted"], ben.has(group)["muted_until"]) == (True, None)
        assert ben.client.get("/me/unread").json() == {"conversations": 1, "messages": 1, "muted_messages": 2}
        assert ben.client.put(f"/dms/{group}/mute", json={"until": "2100-01-01T00:00:00Z"}).status_code == 204
        assert ben.has(group)["muted_until"] == "2100-01-01T00:00:00+00:00"
        town.connection.execute(
            "UPDATE inboxes SET muted_until = now() - interval '1 second' WHERE muted_until > now()"
        )
        assert (ben.has(group)["is_muted"], ben.has(group)["muted_until"]) == (False, None)
        ben.client.put(f"/dms/{group}/mute", json={})
        assert ben.client.delete(f"/dms/{group}/mute").status_code == 204
        assert ben.client.get("/me/unread").json()["messages"] == 3
        assert not cleo.has(group)["is_muted"], "it was ben who muted it"


class TestWhoMayWrite:
    def test_it_is_a_setting_and_nobody_is_told_from_an_id_that_nobody_has(
        self, ada: Person, ben: Person, cleo: Person, newcomer: Newcomer
    ) -> None:
        """Defect 43 of the reference system: any id could be written to, which told whether there was somebody."""
        assert ada.client.get("/me/message-settings").json() == {"writers": "everyone"}
        assert ada.client.put("/me/message-settings", json={"writers": "friends"}).status_code == 422
        assert ada.client.put("/me/message-settings", json={"writers": "nobody"}).status_code == 204
        assert ada.client.get("/me/message-settings").json() == {"writers": "nobody"}
        own = ben.founds(cleo)

        def refused(person_id: str) -> set[tuple[int, str]]:
            answers = (
                ben.client.post("/dms", json={"other_user_id": person_id}),
                ben.client.post("/dm-groups", json={"title": "x", "member_ids": [cleo.id, person_id]}),
                ben.client.put(f"/dms/{own}/members/{person_id}", json={}),
            )
            return {(answer.status_code, answer.json()["detail"]) for answer in answers}

        assert refused(ada.id) == refused(str(uuid4())) == {(404, "There is nobody by this id to whom you may write.")}
        assert ben.client.get("/dms").json()["data"][0]["member_count"] == 2, "half a group is none"
        ada.client.put("/me/message-settings", json={"writers": "known"})
        assert refused(ada.id) == refused(str(uuid4()))
        ada.founds(ben, newcomer())
        assert ben.client.post("/dms", json={"other_user_id": ada.id}).status_code == 201
        ada.client.put("/me/message-settings", json={"writers": "nobody"})
        assert ben.client.post("/dms", json={"other_user_id": ada.id}).status_code == 200, "what there is goes on"

    def test_a_blocked_one_is_answered_as_by_somebody_who_lets_nobody_write(
        self, ada: Person, ben: Person, cleo: Person
    ) -> None:
        assert ada.client.put(f"/me/blocks/{ben.name}").status_code == 204
        cleo.client.put("/me/message-settings", json={"writers": "nobody"})
        answers = [ben.client.post("/dms", json={"other_user_id": person.id}) for person in (ada, cleo)]
        assert len({(answer.status_code, answer.json()["detail"]) for answer in answers}) == 1
        assert ada.client.post("/dms", json={"other_user_id": ben.id}).status_code == 409

    def test_blocks_are_ones_own_list(self, town: Town, ada: Person, ben: Person, cleo: Person) -> None:
        for name in (ben.name, ben.name, cleo.name):
            assert ada.client.put(f"/me/blocks/{name}").status_code == 204
        page = ada.client.get("/me/blocks?limit=1").json()
        assert [row["user"]["name"] for row in page["data"]] == [cleo.name]
        rest = ada.client.get(f"/me/blocks?limit=1&cursor={page['next_cursor']}").json()
        assert [row["user"]["name"] for row in rest["data"]] == [ben.name]
        assert ben.client.get("/me/blocks").json()["data"] == []
        for _ in range(2):
            assert ada.client.delete(f"/me/blocks/{ben.name}").status_code == 204
        assert ada.client.put("/me/blocks/nobody_here").status_code == 404
        assert ada.client.put(f"/me/blocks/{ada.name}").status_code == 404
        assert len(ada.client.get("/me/blocks").json()["data"]) == 1


class TestBlocked:
    """Whoever is blocked cannot find out: to them all is as with somebody who does not look."""

    def test_all_is_alike_for_who_is_blocked_and_who_is_not(self, town: Town, newcomer: Newcomer) -> None:
        """Statuses, bodies and events of two lives: beside somebody who blocks, and beside somebody who is away."""
        lives = [_life(town, newcomer(), newcomer(), is_blocked=is_blocked) for is_blocked in (False, True)]
        assert lives[0] == lives[1]
        assert len(lives[0]) > 20

    def test_what_they_write_never_comes(self, town: Town, ada: Person, ben: Person, pair: str) -> None:
        ben.sends(pair, "Before")
        before = ada.has(pair)
        ada.client.put(f"/me/blocks/{ben.name}")
        since = latest(town)
        ben.sends(pair, "Hidden")
        ben.client.put(f"/dms/{pair}/messages/1/reactions/heart")
        assert ben.sees(pair) == ["Hidden", "Before"]
        assert ben.client.get("/dms").json()["data"][0]["last_message"]["body"] == "Hidden"
        assert ada.sees(pair) == ["Before"]
        assert ada.client.get(f"/dms/{pair}/messages/2").status_code == 404
        assert ada.client.get(f"/dms/{pair}/messages/1").json()["reactions"]["heart"] == 0
        assert ada.has(pair) == before, "neither count nor order tells"
        told = {f"conversation:{pair}", f"user:{ada.id}"}
        assert [event for topic in told for event in events(town, topic, since)] == []
        assert [name for name, _ in events(town, f"conversation:{pair}:{ben.id}", since)] == [
            "dm_message_created",
            "dm_reaction_toggled",
        ]
        assert ada.client.post(f"/dms/{pair}/messages", json={"body": "x"}).status_code == 409
        ada.client.delete(f"/me/blocks/{ben.name}")
        assert ada.sends(pair, "After")["number"] == 3
        assert (ada.sees(pair), ben.sees(pair)) == (["After", "Before"], ["After", "Hidden", "Before"])
        assert ben.sends(pair, "At last")["number"] == 4
        assert ada.sees(pair) == ["At last", "After", "Before"]
        assert (ada.has(pair)["unread"], ada.reads(pair, 1)["unread"]) == (2, 1)

    def test_an_old_message_carries_no_new_words_across(self, town: Town, ada: Person, ben: Person, pair: str) -> None:
        ben.sends(pair, "Kind")
        ben.sends(pair, "Kinder")
        ada.client.put(f"/me/blocks/{ben.name}")
        since = latest(town)
        assert ben.client.patch(f"/dms/{pair}/messages/2", json={"body": "Unkind"}).status_code == 204
        assert (ben.sees(pair), ada.sees(pair)) == (["Unkind", "Kind"], ["Kind"])
        found = ada.has(pair)
        assert (found["unread"], found["last_message"]["body"]) == (1, "Kind")
        assert list(events(town, f"conversation:{pair}", since)) == []

    def test_in_a_group_they_are_heard_by_all(self, ada: Person, ben: Person, cleo: Person, group: str) -> None:
        ada.client.put(f"/me/blocks/{ben.name}")
        ben.sends(group, "Hello all")
        assert ada.sees(group) == cleo.sees(group) == ["Hello all"]


def _life(town: Town, quiet: Person, writer: Person, *, is_blocked: bool) -> list[Any]:
    """What somebody does who is blocked at some moment, or is not; ids and times left out."""
    conversation = writer.writes_to(quiet)
    quiet.sends(conversation, "Hello")
    if is_blocked:
        quiet.client.put(f"/me/blocks/{writer.name}")
    since = latest(town)
    base = f"/dms/{conversation}"
    name = str(uuid4())
    answers = [
        writer.client.post(f"{base}/messages", json={"body": "One", "client_message_id": name}),
        writer.client.post(f"{base}/messages", json={"body": "One", "client_message_id": name}),
        writer.client.post(f"{base}/messages", json={"body": "Two"}),
        writer.client.patch(f"{base}/messages/2", json={"body": "Better"}),
        writer.client.delete(f"{base}/messages/3"),
        writer.client.put(f"{base}/messages/1/reactions/heart"),
        writer.client.put(f"{base}/messages/2/reactions/lol"),
        writer.client.delete(f"{base}/messages/2/reactions/lol"),
        writer.client.post(f"{base}/read", json={"number": 1}),
        writer.client.post(f"{base}/read", json={"number": 3}),
        writer.client.post(f"{base}/read", json={"number": 4}),
        writer.client.get(f"{base}/messages"),
        writer.client.get(f"{base}/messages/2"),
        writer.client.get(base),
        writer.client.get("/dms"),
        writer.client.get("/me/unread"),
        writer.client.get("/me/blocks"),
        writer.client.post("/dms", json={"other_user_id": quiet.id}),
        writer.client.get(f"/users/{quiet.name}"),
    ]
    topics = (f"conversation:{conversation}", f"conversation:{conversation}:{writer.id}", f"user:{writer.id}")
    told = [event for topic in topics for event in events(town, topic, since)]
    names = {conversation: "conversation", quiet.id: "quiet", writer.id: "writer", quiet.name: "q", writer.name: "w"}
    return [_plain([answer.status_code, answer.json() if answer.content else None], names) for answer in answers] + [
        _plain(event, names) for event in told
    ]


def _plain(found: Any, names: dict[str, str]) -> Any:
    """Without what differs between any two people."""
    if isinstance(found, dict):
        kept = {key: value for key, value in found.items() if key not in {"id", "request_id"}}
        return {
            key: (value is not None) if key.endswith("_at") else _plain(value, names) for key, value in kept.items()
        }
    if isinstance(found, (list, tuple)):
        return [_plain(one, names) for one in found]
    if isinstance(found, str):
        for value, name in names.items():
            found = found.replace(value, name)
        try:
            UUID(found)
        except ValueError:
            return found
        return "an id"
    return found


def test_events_tell_members_of_every_change(town: Town, ada: Person, ben: Person, cleo: Person) -> None:
    since = latest(town)
    group = ada.founds(ben)
    ada.sends(group, "Hello *you*")
    [(_, told_at_once)] = list(events(town, f"conversation:{group}", since))[2:]
    assert (told_at_once["body"], told_at_once["html"]) == ("Hello *you*", "<p>Hello <em>you</em></p>\n")
    ada.client.patch(f"/dms/{group}/messages/1", json={"body": "Hello"})
    ben.client.put(f"/dms/{group}/messages/1/reactions/fire")
    ben.client.put(f"/dms/{group}/messages/1/reactions/fire")
    ben.reads(group, 1)
    ben.reads(group, 1)
    ada.client.delete(f"/dms/{group}/messages/1")
    ada.client.patch(f"/dms/{group}", json={"title": "Boat crew"})
    ada.client.put(f"/dms/{group}/members/{cleo.id}", json={})
    ada.client.put(f"/dms/{group}/members/{ben.id}", json={"role": "owner"})
    ben.client.delete(f"/dms/{group}/members/{ben.id}")
    told = list(events(town, f"conversation:{group}", since))
    assert [event for event, _ in told] == [
        "member_added", "member_added", "dm_message_created", "dm_message_edited", "dm_reaction_toggled",
        "dm_read_updated", "dm_message_redacted", "conversation_renamed", "member_added", "member_changed",
        "member_removed",
    ]  # fmt: skip
    created, edited = told[2][1], told[3][1]
    assert (created["number"], created["sender"]["name"]) == (1, ada.name)
    # Taken back since: who goes on from before is not told what it said.
    assert (created["body"], created["html"], edited["body"], edited["html"]) == ("", "", "", "")
    assert (told[4][1]["reaction"], told[4][1]["step"]) == ("fire", 1)
    assert (told[5][1]["user_id"], told[5][1]["number"]) == (ben.id, 1)
    own = list(events(town, f"user:{ben.id}", since))
    assert [event for event, _ in own] == [
        "conversation_joined", "conversation_changed", "conversation_changed", "conversation_left",
    ]  # fmt: skip
    assert [payload["unread"] for event, payload in own if event == "conversation_changed"] == [1, 0]
    assert all("@" not in str(payload) for _, payload in (*told, *own)), "no addresses"


def test_sending_reading_and_listing_cost_one_round_trip(ada: Person, ben: Person, pair: str) -> None:
    ada.sends(pair)
    number = count(2)

    def read() -> None:
        ada.sends(pair)
        ben.reads(pair, next(number))

    works: list[tuple[Any, int]] = [
        (lambda: ada.sends(pair, "Well.", uuid4()), 1),
        (read, 2),
        (lambda: ada.client.put(f"/dms/{pair}/messages/1/reactions/fire"), 1),
        (lambda: ada.client.get("/dms"), 1),
        (lambda: ada.client.get("/me/unread"), 1),
        (lambda: ada.client.get(f"/dms/{pair}/messages"), 1),
    ]
    for work, _ in works:
        for _ in range(12):  # prepared on the connections of the pool
            work()
    for work, most in works:
        before = Counted.trips
        for _ in range(10):
            work()
        assert 10 * most <= Counted.trips - before <= 10 * most + 2
