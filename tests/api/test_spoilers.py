"""Spoilers: every address by which the text of a thread or a post goes out has the same gate and one parameter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection

from ears import listening
from people import Town, acting, user
from site_pages import Enter, page, text
from stock import SHOW
from trr_api.discussions.spoilers.queries import shows_thread

TEXTS = ("Thread", "Post", "Branch", "Edit", "Notification", "Report")
"""Shapes of the document that are of a thread or a post, or name one."""
UNGATED = {"/moderation/reports": "moderators judge what was reported"}


@dataclass(frozen=True)
class Scene:
    """A show in which people wrote of a later episode, everything with the word zanzibar."""

    author: httpx.Client
    show: str
    season: str
    """The second."""
    early: str
    """An episode that the reader has seen."""
    later: str
    """One that they have not."""
    thread: str
    """About the earlier one."""
    thread_of_later: str
    thread_of_season: str
    post: str
    """In the earlier one's thread, about the later one; what it was before, too."""
    answer: str
    """To that, which does not say what it is about."""
    post_of_later: str
    """In the later one's thread."""

    @property
    def refused(self) -> list[str]:
        """Addresses of one thing."""
        return [
            *(f"/threads/{thread}{of}" for thread in (self.thread_of_later, self.thread_of_season)
              for of in ("", "/posts", "/feed")),
            *(f"/posts/{post}{of}" for post in (self.post, self.answer, self.post_of_later) for of in ("", "/edits")),
        ]  # fmt: skip

    @property
    def listed(self) -> list[str]:
        """Addresses of many."""
        return [
            f"/shows/{self.show}/threads?limit=100",
            f"/episodes/{self.later}/threads?limit=100",
            f"/seasons/{self.season}/threads?limit=100",
            *(f"/threads/{self.thread}/posts?sort={sort}" for sort in ("hot", "top", "new", "oldest")),
            f"/threads/{self.thread}/posts?parent={self.post}",
            f"/threads/{self.thread}/feed?",
            "/posts?q=zanzibar",
            f"/posts?q=zanzibar&show={self.show}",
            "/me/notifications?limit=100",
        ]


@pytest.fixture(scope="module")
def scene(town: Town) -> Scene:
    author = town.client("author")
    town.client("reader"), town.client("watcher")
    show = str(town.one("SELECT entity_id FROM external_ids WHERE value = %s", SHOW))

    def episode(season: int, number: int) -> str:
        query = "SELECT id FROM episodes WHERE show_id = %s AND season_number = %s AND episode_number = %s"
        return str(town.one(query, show, season, number))

    def made(path: str, body: dict[str, Any]) -> str:
        answer = author.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    early, later = episode(1, 3), episode(1, 20)
    season = str(town.one("SELECT season_id FROM episodes WHERE id = %s", episode(2, 1)))
    thread = made(f"/episodes/{early}/threads", {"title": "The start"})
    thread_of_later = made(f"/episodes/{later}/threads", {"title": "Zanzibar"})
    thread_of_season = made(f"/seasons/{season}/threads", {"title": "Zanzibar again"})
    post = made(f"/threads/{thread}/posts", {"body": "zanzibar, first", "about_episode_id": later})
    assert author.patch(f"/posts/{post}", json={"body": "zanzibar, @reader"}).status_code == 204
    answer = made(f"/threads/{thread}/posts", {"body": "zanzibar! @reader @watcher", "parent_id": post})
    post_of_later = made(f"/threads/{thread_of_later}/posts", {"body": "zanzibar, @reader @watcher"})
    for identifier in (answer, post_of_later):
        body = author.get(f"/posts/{identifier}").json()["body"]
        assert author.patch(f"/posts/{identifier}", json={"body": f"{body}."}).status_code == 204
    return Scene(
        author, show, season, early, later, thread, thread_of_later, thread_of_season, post, answer, post_of_later
    )


def client_of(town: Town, name: str) -> httpx.Client:
    """Somebody who is there, logged in once more."""
    made = town.client()
    made.headers["authorization"] = f"Bearer {town.token(town.one('SELECT id FROM users WHERE name = %s', name))}"
    return made


@pytest.fixture(scope="module")
def reader(town: Town, scene: Scene) -> httpx.Client:
    """Saw the show up to the tenth episode."""
    client = client_of(town, "reader")
    seen = {"season_number": 1, "episode_number": 10}
    assert client.put(f"/me/progress/{scene.show}", json=seen).status_code == 204
    return client


def shows(client: httpx.Client, path: str, scene: Scene) -> bool:
    """Whether it tells of what comes later: by a text, or where it has none by naming the post."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return "zanzibar" in answer.text.lower() or scene.answer in answer.text


def with_spoilers(path: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}spoilers=true"


class TestTheApi:
    def test_what_one_can_ask_for_is_refused_unless_asked_for_with_spoilers(
        self, reader: httpx.Client, scene: Scene
    ) -> None:
        for path in scene.refused:
            refused = reader.get(path)
            assert (refused.status_code, "spoilers=true" in refused.text) == (403, True), path
            assert "zanzibar" not in refused.text.lower()
            answer = reader.get(with_spoilers(path))
            assert answer.status_code == 200, path
            assert reader.get(with_spoilers(path).replace("true", "false")).status_code == 403

    def test_lists_leave_it_out_unless_asked_with_spoilers(self, reader: httpx.Client, scene: Scene) -> None:
        for path in scene.listed:
            assert not shows(reader, path, scene), path
            assert shows(reader, with_spoilers(path), scene), path

    def test_who_said_nothing_or_is_further_is_shown_everything(
        self, town: Town, reader: httpx.Client, scene: Scene
    ) -> None:
        watcher, nobody = client_of(town, "watcher"), town.client()
        for path in (*scene.refused, *scene.listed):
            assert watcher.get(path).status_code == 200, path
            assert path.startswith("/me/") or nobody.get(path).status_code == 200, path
        assert all(shows(watcher, path, scene) for path in scene.listed)
        assert watcher.put(
            f"/me/progress/{scene.show}", json={"season_number": 1, "episode_number": 20}
        ).status_code == 204  # fmt: skip
        of_season = f"/threads/{scene.thread_of_season}"
        for path in scene.refused:
            assert watcher.get(path).status_code == (403 if path.startswith(of_season) else 200), path
        watcher.put(f"/me/progress/{scene.show}", json={"season_number": 2, "episode_number": 1})
        assert watcher.get(of_season).status_code == 200

    def test_what_one_wrote_oneself_is_shown_everywhere(self, scene: Scene) -> None:
        seen = {"season_number": 1, "episode_number": 10}
        assert scene.author.put(f"/me/progress/{scene.show}", json=seen).status_code == 204
        try:
            for path in scene.refused:
                assert scene.author.get(path).status_code == 200, path
            assert all(shows(scene.author, path, scene) for path in scene.listed if not path.startswith("/me/"))
        finally:
            scene.author.delete(f"/me/progress/{scene.show}")

    def test_hidden_notifications_stay_unread(self, town: Town, reader: httpx.Client, scene: Scene) -> None:
        told = scene.author.post(f"/threads/{scene.thread}/posts", json={"body": "Hello @reader"}).json()["id"]
        [mark] = reader.get("/me/notifications").json()["data"]
        assert mark["post_id"] == told
        assert reader.post("/me/notifications/read", json={"id": mark["id"]}).status_code == 204
        assert reader.get("/me/notifications?unread=true").json()["data"] == []
        waiting = reader.get("/me/notifications?unread=true&spoilers=true").json()["data"]
        assert {row["post_id"] for row in waiting} == {scene.answer, scene.post_of_later}
        assert reader.post("/me/notifications/read", json={"id": mark["id"], "spoilers": True}).status_code == 204
        assert reader.get("/me/notifications?unread=true&spoilers=true").json()["data"] == []

    def test_every_address_that_gives_such_a_text_has_the_parameter(self, town: Town) -> None:
        """A new one fails here until it has."""
        found = dict(_giving_texts(town.app))
        assert {"/threads/{thread}", "/posts/{post}/edits", "/me/notifications", "/posts"} <= set(found)
        assert {path for path, parameters in found.items() if "spoilers" not in parameters} == set(UNGATED)


def _giving_texts(app: FastAPI) -> Iterator[tuple[str, set[str]]]:
    """Addresses -> their parameters."""
    document = app.openapi()
    schemas = document["components"]["schemas"]

    def names(part: Any) -> set[str]:
        refs = {ref.rpartition("/")[2] for ref in _refs(part)}
        return refs.union(*(names(schemas[name]) for name in refs))

    for path, methods in document["paths"].items():
        if "get" in methods:
            told = names(methods["get"]["responses"]["200"])
            if told & set(TEXTS) or path.endswith("/feed"):
                parameters = {parameter["name"] for parameter in methods["get"].get("parameters", ())}
                yield path.removeprefix("/api/v1"), parameters


def _refs(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from _refs(value)
    elif isinstance(part, list):
        for value in part:
            yield from _refs(value)


class TestEvents:
    IDS = frozenset({"thread_id", "post_id", "parent_id", "author_id", "type", "reaction", "step"})

    def test_they_name_what_changed_and_have_no_text(self, town: Town, reader: httpx.Client, scene: Scene) -> None:
        """What is shown is then asked for, and the gate stands there."""
        topics = [f"thread:{scene.thread}", f"thread:{scene.thread_of_later}", f"episode:{scene.later}"]
        with listening(town.address, token=reader.headers["authorization"].removeprefix("Bearer ")) as ear:
            for topic in topics:
                ear.say("subscribe", topic=topic, after=0)
            post = scene.author.post(f"/threads/{scene.thread_of_later}/posts", json={"body": "zanzibar"}).json()["id"]
            scene.author.patch(f"/posts/{post}", json={"body": "zanzibar, once more"})
            scene.author.put(f"/posts/{post}/reactions/fire")
            scene.author.delete(f"/posts/{post}")
            missing = {"subscribed", "thread_created", "post_created", "post_edited", "reaction_toggled", "post_gone"}
            told = []
            while missing:
                told.append(ear.hear())
                missing.discard(told[-1]["type"])
        for one in told:
            assert set(one["payload"]) <= self.IDS, one
            assert "zanzibar" not in json.dumps(one).lower()


class TestTheSite:
    def test_its_pages_obey_it(self, enter: Enter, town: Town, scene: Scene) -> None:
        client = enter()
        reader = town.one("SELECT id FROM users WHERE name = 'reader'")
        client.cookies.set("access", town.token(reader), path="/app")
        gated = [
            f"/threads/{scene.thread_of_later}",
            f"/threads/{scene.thread_of_season}",
            f"/threads/{scene.thread}?parent={scene.post}",
        ]
        for path in gated:
            before = page(client.get(path))
            assert "an episode that you have not seen" in text(before), path
            assert "zanzibar" not in text(before).lower()
            [lead] = before.xpath("//a[contains(@class, 'primary')]/@href")
            assert "zanzibar" in text(page(client.get(lead.removeprefix("/app")))).lower()
        for path in (
            "/shows/harbour-hearts", "/shows/harbour-hearts/seasons/2", f"/episodes/{scene.later}",
            f"/threads/{scene.thread}",
        ):  # fmt: skip
            assert "zanzibar" not in text(page(client.get(path))).lower(), path
            assert "zanzibar" in text(page(client.get(with_spoilers(path)))).lower(), path
        marks = page(client.get("/notifications"))
        assert scene.answer not in str(marks.xpath("//a/@href"))
        assert not [link for link in marks.xpath("//ul[@id='notifications']//a/@href") if "spoilers" in link]
        assert scene.answer in str(page(client.get("/notifications?spoilers=true")).xpath("//a/@href"))

    def test_what_could_not_be_kept_behind_it_is_shown_again(self, enter: Enter, town: Town, scene: Scene) -> None:
        client = enter()
        client.cookies.set("access", town.token(town.one("SELECT id FROM users WHERE name = 'reader'")), path="/app")
        place = f"/threads/{scene.thread_of_later}"
        lost = {"body": "It took long.", "season": "9", "episode": "9", "back": f"/app{place}?spoilers=true"}
        again = page(client.post(f"{place}/posts", data=lost), 422)
        assert again.xpath("string(//textarea[@id='body'])") == "It took long."


@pytest.fixture(scope="module")
def gate(town: Town, scene: Scene) -> Any:
    """Says whether a thread about a place is shown to somebody who saw the show up to another."""
    person = user(town.connection, "tester")
    return lambda season, number, seen: _is_shown(town.connection, person, scene, season, number, seen)


def _is_shown(
    connection: Connection[Any], person: Any, scene: Scene, season: int | None, number: int | None, seen: Any
) -> bool:
    with acting(connection, person):
        connection.execute("RESET ROLE")
        connection.execute(
            "UPDATE episodes SET season_number = %s, episode_number = %s, season_id = NULL WHERE id = %s",
            [season, number, scene.later],
        )
        if seen is not None:
            connection.execute(
                "INSERT INTO progress (user_id, show_id, season_number, episode_number) VALUES (%s, %s, %s, %s)",
                [person, scene.show, *seen],
            )
        connection.execute("SET LOCAL ROLE trr_api")
        query = f"SELECT {shows_thread()} FROM threads thread WHERE id = %s"
        [(found,)] = connection.execute(query.encode(), [scene.thread_of_later]).fetchall()
        return bool(found)


@settings(max_examples=60, deadline=None)
@given(
    season=st.none() | st.integers(0, 3),
    number=st.none() | st.integers(0, 3),
    seen=st.none() | st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_only_what_is_known_to_be_later_is_hidden(gate: Any, season: int | None, number: int | None, seen: Any) -> None:
    is_later = seen is not None and season is not None and (season, number or 0) > seen
    assert gate(season, number, seen) is not is_later
