"""Conversations on sockets: members alone hear, and what a block or an end takes away is not heard."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from ears import Ear, listening
from people import Town, user
from trr_api.realtime.hub import Close


class Person:
    """Somebody who writes by requests and hears by sockets."""

    def __init__(self, town: Town) -> None:
        self.name = f"person_{uuid4().hex[:10]}"
        self.id = user(town.connection, self.name)
        self.town = town
        self.token = town.token(self.id)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """A request that is granted."""
        answer = httpx.request(
            method,
            f"{self.town.address}/api/v1{path}",
            json=body,
            headers={"authorization": f"Bearer {self.token}"},
        )
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def says(self, conversation: str, body: str = "Well.") -> int:
        """The number of the message."""
        return int(self.ask("POST", f"/dms/{conversation}/messages", {"body": body})["number"])


@pytest.fixture
def ada(town: Town) -> Person:
    return Person(town)


@pytest.fixture
def ben(town: Town) -> Person:
    return Person(town)


@pytest.fixture
def group(ada: Person, ben: Person) -> str:
    made = ada.ask("POST", "/dm-groups", {"title": "Pier crew", "member_ids": [str(ben.id)]})
    return str(made["id"])


@pytest.fixture
def pair(ada: Person, ben: Person) -> str:
    return str(ada.ask("POST", "/dms", {"other_user_id": str(ben.id)})["id"])


def bodies(ear: Ear, count: int) -> list[str]:
    return [ear.wait_for("dm_message_created")["payload"]["body"] for _ in range(count)]


def test_members_hear_whoever_writes_and_nobody_else_does(town: Town, ada: Person, ben: Person, group: str) -> None:
    stranger = Person(town)
    with listening(town.address, token=ben.token) as ear, listening(town.address, token=stranger.token) as outside:
        ear.follow(f"conversation:{group}")
        assert outside.follow(f"conversation:{group}")["payload"]["type"] == "/problems/not-found"
        number = ada.says(group, "Fog again")
        told = ear.wait_for("dm_message_created")
        assert told["payload"] | {"number": number, "body": "Fog again"} == told["payload"]
        assert told["payload"]["sender"]["id"] == str(ada.id)
        assert outside.is_quiet()


def test_the_address_of_a_conversation_follows_it(town: Town, ada: Person, ben: Person, pair: str) -> None:
    with listening(town.address, f"/dms/{pair}", token=ben.token) as ear:
        assert ear.hear("subscribed")["topic"] == f"conversation:{pair}"
        place = ear.hear("presence_state")
        ada.says(pair, "One")
        place = ear.wait_for("dm_message_created")["seq"]
    ada.says(pair, "Two")
    with Ear(town.address, f"/dms/{pair}?after={place}") as ear:
        ear.say("authenticate", token=ben.token)  # the first message does as well
        ear.hear("authenticated")
        assert bodies(ear, 1) == ["Two"]
    with Ear(town.address, f"/dms/{pair}", token=Person(town).token) as ear:
        assert ear.end()[0] == Close.NOT_FOUND


def test_an_address_that_needs_a_log_in_waits_for_it_not_for_ever(
    town: Town, pair: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trr_api.realtime.sockets.TOKEN_SECONDS", 0.3)
    with Ear(town.address, f"/dms/{pair}") as ear:
        assert ear.end()[0] == Close.UNAUTHORIZED


def test_who_is_removed_hears_nothing_after_that(town: Town, ada: Person, ben: Person, group: str) -> None:
    with listening(town.address, token=ben.token) as ear, listening(town.address, token=ada.token) as own:
        for one in (ear, own):
            one.follow(f"conversation:{group}")
            one.hear("presence_state")
        ada.says(group, "Before")
        assert bodies(ear, 1) == ["Before"]
        ada.ask("DELETE", f"/dms/{group}/members/{ben.id}")
        ada.says(group, "After")
        assert bodies(own, 2) == ["Before", "After"]
        own.say("typing_start", topic=f"conversation:{group}")
        assert ear.wait_for("unsubscribed")["topic"] == f"conversation:{group}"
        assert ear.is_quiet()
        assert ear.follow(f"conversation:{group}", 0)["type"] == "error"
        assert ear.follow(f"user:{ben.id}", 0)["type"] == "subscribed"  # the socket stays
        ear.wait_for("conversation_left")


def test_an_end_counts_before_its_turn(town: Town, people_url: str, ada: Person, ben: Person, group: str) -> None:
    """A removal is committed while an earlier number is still missing; what is told meanwhile waits, the end not."""
    with listening(town.address, token=ben.token) as ear, psycopg.connect(people_url) as slow:
        ear.follow(f"conversation:{group}")
        slow.execute("SELECT tell(%s, 'dm_message_created', '{\"body\": \"late\"}')", [f"conversation:{group}"])
        ada.ask("DELETE", f"/dms/{group}/members/{ben.id}")
        ear.wait_for("unsubscribed")
        slow.commit()
        assert ear.is_quiet()


def test_a_new_member_is_told_nothing_of_before(town: Town, ada: Person, ben: Person, group: str) -> None:
    cleo = Person(town)
    old = ada.says(group, "Secret")
    ada.ask("PUT", f"/dms/{group}/members/{cleo.id}", {})
    with listening(town.address, token=cleo.token) as ear:
        ear.follow(f"conversation:{group}", 0)
        ear.wait_for("presence_state")
        ada.ask("PATCH", f"/dms/{group}/messages/{old}", {"body": "Secret still"})
        ada.says(group, "Welcome")
        heard = ear.hear()
        assert (heard["type"], heard["payload"]["body"]) == ("dm_message_created", "Welcome")


def test_what_was_taken_back_is_not_told_later(town: Town, ada: Person, ben: Person, pair: str) -> None:
    number = ada.says(pair, "Regretted")
    ada.ask("DELETE", f"/dms/{pair}/messages/{number}")
    with listening(town.address, token=ben.token) as ear:
        ear.follow(f"conversation:{pair}", 0)
        assert bodies(ear, 1) == [""]
        ear.wait_for("dm_message_redacted")


def test_who_is_blocked_cannot_find_out(town: Town, ada: Person, ben: Person, pair: str) -> None:
    topic = f"conversation:{pair}"
    ada.ask("PUT", f"/me/blocks/{ben.name}")
    with (
        listening(town.address, token=ada.token) as ear,
        listening(town.address, token=ben.token) as phone,
        listening(town.address, token=town.token(UUID(str(ben.id)))) as laptop,
    ):
        ear.follow(topic)
        assert ear.hear("presence_state")["payload"] == {"online": [str(ada.id)]}
        for device in (phone, laptop):
            place = device.follow(topic)["seq"]
            assert set(device.hear("presence_state")["payload"]["online"]) == {str(ada.id), str(ben.id)}
        phone.say("typing_start", topic=topic)
        ben.says(pair, "Hello?")
        for device in (phone, laptop):
            told = device.wait_for("dm_message_created")
            assert (told["topic"], told["payload"]["body"]) == (topic, "Hello?")
        assert ear.is_quiet()
    with listening(town.address, token=ben.token) as later:
        later.follow(topic, place)
        assert bodies(later, 1) == ["Hello?"]
    with listening(town.address, token=ada.token) as later:
        later.follow(topic, place)
        later.hear("presence_state")
        assert later.is_quiet()


def test_what_concerns_a_person_has_a_topic_of_its_own(town: Town, ada: Person, ben: Person) -> None:
    with listening(town.address, token=ben.token) as ear:
        ear.follow(f"user:{ben.id}")
        pair = str(ada.ask("POST", "/dms", {"other_user_id": str(ben.id)})["id"])
        assert ear.hear("conversation_joined")["payload"]["conversation_id"] == pair
        ada.says(pair)
        assert ear.hear("conversation_changed")["payload"]["unread"] == 1
        assert ear.follow(f"conversation:{pair}")["type"] == "subscribed"
