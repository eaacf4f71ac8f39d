"""People who write, block, join and leave in any order, beside a model of what each of them must see."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from people import Person, Town
from stock import SHOW

PEOPLE = 4
WHO = st.integers(0, PEOPLE - 1)
NUMBER = st.integers(1, 5)

_names = count(1)


@dataclass
class Place:
    """Somebody's place in a conversation."""

    joined_after: int = 0
    read: int = 0
    arrived: int = 0
    """The last number that came to them."""
    role: str = "member"


@dataclass
class Said:
    """A message."""

    sender: int
    body: str
    name: str
    is_withheld: bool = False


@dataclass
class Talk:
    """A conversation."""

    id: str
    is_group: bool
    places: dict[int, Place]
    """In the order of joining."""
    messages: list[Said] = field(default_factory=list)

    def seen(self, person: int) -> dict[int, Said]:
        """What they see: number -> message."""
        return {
            number: said
            for number, said in enumerate(self.messages, 1)
            if number > self.places[person].joined_after and (not said.is_withheld or said.sender == person)
        }

    def unread(self, person: int) -> int:
        """Others' messages after the last that they have read."""
        return sum(
            number > self.places[person].read and said.sender != person for number, said in self.seen(person).items()
        )


class Lives(RuleBasedStateMachine):
    """Everything through the API; after each step everybody looks at what was touched."""

    talks = Bundle("talks")

    def __init__(self, town: Town) -> None:
        super().__init__()
        self.people = [Person(town, f"life_{next(_names)}") for _ in range(PEOPLE)]
        self.blocks: set[tuple[int, int]] = set()
        self.writers = ["everyone"] * PEOPLE
        self.pairs: dict[frozenset[int], Talk] = {}
        self.all: list[Talk] = []
        self.touched: Talk | None = None
        show = town.one("SELECT entity_id FROM external_ids WHERE value = %s", SHOW)
        self.thread = self.people[0].client.post(f"/shows/{show}/threads", json={"title": "Lives"}).json()["id"]
        self.posts: list[tuple[str, int, bool]] = []
        """(id, author, whether it is deleted)"""
        self.reactions: set[tuple[int, int, str]] = set()
        self.has_posted = False

    def may_begin(self, who: int, other: int) -> bool:
        if who == other or (other, who) in self.blocks or self.writers[other] == "nobody":
            return False
        share = any(who in talk.places and other in talk.places for talk in self.all)
        return self.writers[other] == "everyone" or share

    def is_cut_off(self, talk: Talk, who: int) -> bool:
        return not talk.is_group and any((other, who) in self.blocks for other in talk.places)

    def has_blocked(self, talk: Talk, who: int) -> bool:
        return not talk.is_group and any((who, other) in self.blocks for other in talk.places)

    @rule(who=WHO, other=WHO, wanted=st.booleans())
    def block(self, who: int, other: int, wanted: bool) -> None:
        path = f"/me/blocks/{self.people[other].name}"
        client = self.people[who].client
        answer = client.put(path) if wanted else client.delete(path)
        assert answer.status_code == (404 if wanted and who == other else 204)
        if wanted and who != other:
            self.blocks.add((who, other))
        self.blocks -= set() if wanted else {(who, other)}

    @rule(who=WHO, writers=st.sampled_from(["everyone", "known", "nobody"]))
    def choose_writers(self, who: int, writers: str) -> None:
        assert self.people[who].client.put("/me/message-settings", json={"writers": writers}).status_code == 204
        self.writers[who] = writers

    @rule(target=talks, who=WHO, other=WHO)
    def write_to(self, who: int, other: int) -> Any:
        answer = self.people[who].client.post("/dms", json={"other_user_id": self.people[other].id})
        known = self.pairs.get(frozenset((who, other)))
        if who == other:
            assert answer.status_code == 422
        elif known is not None:
            assert (answer.status_code, answer.json()["id"]) == (200, known.id)
        elif (who, other) in self.blocks:
            assert answer.status_code == 409
        elif not self.may_begin(who, other):
            assert answer.status_code == 404
        else:
            assert answer.status_code == 201
            made = Talk(answer.json()["id"], False, {who: Place(), other: Place()})
            self.pairs[frozenset((who, other))] = made
            return self.begin(made)
        return multiple()

    @rule(target=talks, who=WHO, others=st.lists(WHO, min_size=1, max_size=2, unique=True))
    def found(self, who: int, others: list[int]) -> Any:
        wanted = {"title": "Crew", "member_ids": [self.people[other].id for other in others]}
        answer = self.people[who].client.post("/dm-groups", json=wanted)
        if who in others:
            assert answer.status_code == 422
        elif not all(self.may_begin(who, other) for other in others):
            assert answer.status_code == 404
        else:
            assert answer.status_code == 201
            ids = {self.people[other].id: other for other in others}
            members = self.people[who].has(answer.json()["id"])["members"]
            joined = [ids[member["user"]["id"]] for member in members if member["role"] == "member"]
            assert sorted(joined) == sorted(others)
            places = {who: Place(role="owner"), **{other: Place() for other in joined}}
            return self.begin(Talk(answer.json()["id"], True, places))
        return multiple()

    def begin(self, talk: Talk) -> Talk:
        self.all.append(talk)
        self.touched = talk
        return talk

    @rule(talk=talks, who=WHO, again=st.booleans())
    def send(self, talk: Talk, who: int, again: bool) -> None:
        own = [(number, said) for number, said in enumerate(talk.messages, 1) if said.sender == who]
        is_member = who in talk.places
        number, said = own[-1] if own and again else (0, Said(who, f"{uuid4()}", str(uuid4())))
        wanted = {"body": f"{uuid4()}" if number else said.body, "client_message_id": said.name}
        answer = self.people[who].client.post(f"/dms/{talk.id}/messages", json=wanted)
        self.touched = talk
        if number and is_member and number > talk.places[who].joined_after:
            assert (answer.status_code, answer.json()["number"], answer.json()["body"]) == (200, number, said.body)
        elif not is_member:
            assert answer.status_code == 404
        elif self.has_blocked(talk, who):
            assert answer.status_code == 409
        elif not number:
            talk.messages.append(said)
            said.is_withheld = self.is_cut_off(talk, who)
            assert (answer.status_code, answer.json()["number"]) == (201, len(talk.messages))
            for person, place in talk.places.items():
                if person == who or not said.is_withheld:
                    place.arrived = len(talk.messages)

    @rule(talk=talks, who=WHO, number=NUMBER)
    def read(self, talk: Talk, who: int, number: int) -> None:
        answer = self.people[who].client.post(f"/dms/{talk.id}/read", json={"number": number})
        self.touched = talk
        if who not in talk.places:
            assert answer.status_code == 404
        elif number > talk.places[who].arrived:
            assert answer.status_code == 409
        else:
            place = talk.places[who]
            place.read = max(place.read, number)
            assert (answer.json()["number"], answer.json()["unread"]) == (place.read, talk.unread(who))

    @rule(talk=talks, who=WHO, number=NUMBER, is_redaction=st.booleans())
    def rewrite(self, talk: Talk, who: int, number: int, is_redaction: bool) -> None:
        path, body = f"/dms/{talk.id}/messages/{number}", str(uuid4())
        client = self.people[who].client
        answer = client.delete(path) if is_redaction else client.patch(path, json={"body": body})
        self.touched = talk
        said = talk.seen(who).get(number) if who in talk.places else None
        if said is None:
            assert answer.status_code == 404
        elif is_redaction and (said.sender == who or talk.places[who].role == "owner"):
            assert answer.status_code == 204
            said.body = ""
        elif said.sender != who:
            assert answer.status_code == 403
        elif self.has_blocked(talk, who) or not said.body:
            assert answer.status_code == 409
        else:
            assert answer.status_code == 204
            said.body = body
            said.is_withheld |= self.is_cut_off(talk, who)

    @rule(talk=talks, who=WHO, other=WHO, role=st.sampled_from(["owner", "member"]))
    def set_member(self, talk: Talk, who: int, other: int, role: str) -> None:
        path = f"/dms/{talk.id}/members/{self.people[other].id}"
        answer = self.people[who].client.put(path, json={"role": role})
        self.touched = talk
        place = talk.places.get(who)
        if place is None or not talk.is_group or place.role != "owner":
            assert answer.status_code == (404 if place is None else 403 if talk.is_group else 409)
        elif other in talk.places:
            assert answer.status_code == 204
            talk.places[other].role = role
            self.pass_ownership(talk)
        elif not self.may_begin(who, other):
            assert answer.status_code == 404
        else:
            assert answer.status_code == 204
            before = len(talk.messages)
            talk.places[other] = Place(before, before, before, role)

    @rule(talk=talks, who=WHO, other=WHO)
    def remove(self, talk: Talk, who: int, other: int) -> None:
        answer = self.people[who].client.delete(f"/dms/{talk.id}/members/{self.people[other].id}")
        self.touched = talk
        place = talk.places.get(who)
        if place is None or not talk.is_group or (place.role != "owner" and who != other):
            assert answer.status_code == (404 if place is None else 403 if talk.is_group else 409)
        elif other not in talk.places:
            assert answer.status_code == 404
        else:
            assert answer.status_code == 204
            del talk.places[other]
            self.pass_ownership(talk)

    def pass_ownership(self, talk: Talk) -> None:
        if talk.places and all(place.role != "owner" for place in talk.places.values()):
            next(iter(talk.places.values())).role = "owner"

    @rule(who=WHO, at=st.integers(0, 4))
    def post(self, who: int, at: int) -> None:
        parent = self.posts[at] if at < len(self.posts) else None
        wanted = {"body": "Well.", "parent_id": parent and parent[0]}
        answer = self.people[who].client.post(f"/threads/{self.thread}/posts", json=wanted)
        if parent is not None and parent[2]:
            assert answer.status_code == 409
        else:
            assert answer.status_code == 201
            self.posts.append((answer.json()["id"], who, False))
        self.has_posted = True

    @rule(who=WHO, at=st.integers(0, 4), reaction=st.sampled_from(["upvote", "downvote", "fire"]), wanted=st.booleans())
    def react(self, who: int, at: int, reaction: str, wanted: bool) -> None:
        if at >= len(self.posts):
            return
        identifier, _, is_deleted = self.posts[at]
        path = f"/posts/{identifier}/reactions/{reaction}"
        answer = self.people[who].client.put(path) if wanted else self.people[who].client.delete(path)
        self.has_posted = True
        assert answer.status_code == (409 if is_deleted else 204)
        if is_deleted:
            return
        self.reactions.discard((at, who, reaction))
        if wanted:
            self.reactions.add((at, who, reaction))
            self.reactions.discard((at, who, {"upvote": "downvote", "downvote": "upvote"}.get(reaction, "")))

    @rule(who=WHO, at=st.integers(0, 4))
    def delete_post(self, who: int, at: int) -> None:
        if at >= len(self.posts):
            return
        identifier, author, _ = self.posts[at]
        assert self.people[who].client.delete(f"/posts/{identifier}").status_code == (204 if who == author else 404)
        if who == author:
            self.posts[at] = (identifier, author, True)
        self.has_posted = True

    @invariant()
    def everybody_sees_what_is_theirs(self) -> None:
        talk, self.touched = self.touched, None
        if talk is None:
            return
        for number, person in enumerate(self.people):
            if number not in talk.places:
                assert person.client.get(f"/dms/{talk.id}/messages").status_code == 404
                continue
            page = person.client.get(f"/dms/{talk.id}/messages?limit=100").json()["data"]
            seen = talk.seen(number)
            assert {message["number"]: message["body"] for message in page} == {
                at: said.body for at, said in seen.items()
            }
            assert [message["number"] for message in page] == sorted(seen, reverse=True)
            found = person.has(talk.id)
            assert (found["unread"], found["read_number"]) == (talk.unread(number), talk.places[number].read)
            arrived = talk.places[number].arrived
            assert {member["user"]["name"]: (member["role"], member["read_number"]) for member in found["members"]} == {
                self.people[other].name: (place.role, min(place.read, arrived)) for other, place in talk.places.items()
            }
        reader = len(talk.messages) % PEOPLE  # everybody in their turn
        waiting = [other.unread(reader) for other in self.all if reader in other.places]
        assert self.people[reader].client.get("/me/unread").json() == {
            "conversations": sum(map(bool, waiting)),
            "messages": sum(waiting),
            "muted_messages": 0,
        }

    @invariant()
    def counts_of_posts_are_right(self) -> None:
        if not self.has_posted:
            return
        self.has_posted = False
        client = self.people[0].client
        assert client.get(f"/threads/{self.thread}").json()["post_count"] == len(self.posts)
        for at, (identifier, _, is_deleted) in enumerate(self.posts[:5]):
            found = client.get(f"/posts/{identifier}").json()
            assert (found["body"] == "", found["deleted_at"] is not None) == (is_deleted, is_deleted)
            for reaction in ("upvote", "downvote", "fire"):
                counted = sum((at, who, reaction) in self.reactions for who in range(PEOPLE))
                assert found["reactions"][reaction] == counted


def test_whatever_people_do_each_sees_what_is_theirs(town: Town) -> None:
    """Numbers without gaps, exact counts, receipts that never go back, nothing across a block or without membership."""
    run_state_machine_as_test(
        lambda: Lives(town),
        settings=settings(
            max_examples=8,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
