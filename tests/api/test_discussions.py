"""Discussions: threads, posts in trees, edits, reactions, notifications, moderation, spoilers, search, feeds."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from people import Town, user
from serving import Counted, served, settings
from stock import SHOW
from trr_api.app import create_app
from trr_api.database import Database
from trr_api.markdown import render
from trr_api.queries import Statement
from trr_api.session import Caller, Session


def written(response: httpx.Response) -> str:
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


@pytest.fixture(scope="module")
def ada(town: Town) -> httpx.Client:
    return town.client("ada")


@pytest.fixture(scope="module")
def ben(town: Town) -> httpx.Client:
    return town.client("ben")


@pytest.fixture(scope="module")
def mod(town: Town) -> httpx.Client:
    return town.client("mod", "moderator")


@pytest.fixture(scope="module")
def nobody(town: Town) -> httpx.Client:
    return town.client()


@pytest.fixture(scope="module")
def show(town: Town) -> str:
    return str(town.one("SELECT entity_id FROM external_ids WHERE value = %s", SHOW))


@pytest.fixture(scope="module")
def episodes(town: Town, show: str) -> list[str]:
    """Of season 1, in order."""
    found = town.connection.execute(
        "SELECT id FROM episodes WHERE show_id = %s AND season_number = 1 ORDER BY episode_number", [show]
    )
    return [str(row[0]) for row in found]


@pytest.fixture
def thread(ada: httpx.Client, show: str) -> str:
    return written(ada.post(f"/shows/{show}/threads", json={"title": "That reunion"}))


def post(client: httpx.Client, thread: str, body: str = "Well.", parent: str | None = None) -> str:
    return written(client.post(f"/threads/{thread}/posts", json={"body": body, "parent_id": parent}))


def walk(client: httpx.Client, path: str) -> Iterator[dict[str, Any]]:
    """All rows of a list, page by page."""
    while path:
        response = client.get(path)
        assert response.status_code == 200, response.text
        yield from response.json()["data"]
        path = response.links["next"]["url"].removeprefix("/api/v1") if "next" in response.links else ""


class TestThreads:
    def test_they_are_about_shows_seasons_and_episodes(
        self, ada: httpx.Client, nobody: httpx.Client, town: Town, show: str, episodes: list[str]
    ) -> None:
        season = str(town.one("SELECT season_id FROM episodes WHERE id = %s", episodes[0]))
        made = {}
        for kind, subject in (("show", show), ("season", season), ("episode", episodes[0])):
            made[kind] = written(ada.post(f"/{kind}s/{subject}/threads", json={"title": f"About a {kind}"}))
            listed = [row["id"] for row in walk(nobody, f"/{kind}s/{subject}/threads")]
            assert made[kind] in listed
        by_slug = nobody.get("/shows/harbour-hearts/threads?limit=100").json()["data"]
        assert [row["id"] for row in by_slug] == [row["id"] for row in walk(nobody, f"/shows/{show}/threads")]
        of_show = [row["id"] for row in walk(nobody, f"/shows/{show}/threads?limit=2")]
        assert set(made.values()) <= set(of_show)
        assert len(of_show) == len(set(of_show))
        found = nobody.get(f"/threads/{made['episode']}").json()
        assert (found["show_id"], found["season_id"], found["episode_id"]) == (show, None, episodes[0])
        assert (found["author"]["name"], found["is_locked"], found["post_count"]) == ("ada", False, 0)

    def test_sticky_ones_come_first_and_then_those_that_somebody_wrote_in(
        self, ada: httpx.Client, mod: httpx.Client, nobody: httpx.Client, episodes: list[str]
    ) -> None:
        path = f"/episodes/{episodes[1]}/threads"
        ids = [written(ada.post(path, json={"title": title})) for title in ("one", "two", "three")]
        post(ada, ids[0])
        mod.patch(f"/moderation/threads/{ids[1]}", json={"is_sticky": True, "reason": "Rules"})
        assert [row["id"] for row in walk(nobody, f"{path}?limit=1")] == [ids[1], ids[0], ids[2]]
        assert [row["title"] for row in walk(nobody, f"{path}?type=spoilers")] == []

    def test_live_threads_open_on_the_day_that_the_episode_is_on_air(
        self, ada: httpx.Client, mod: httpx.Client, town: Town, show: str, episodes: list[str]
    ) -> None:
        town.connection.execute("UPDATE episodes SET air_date = current_date + 30 WHERE id = %s", [episodes[40]])
        body = {"title": "Live!", "type": "episode_live"}
        live = written(ada.post(f"/episodes/{episodes[40]}/threads", json=body))
        refused = ada.post(f"/threads/{live}/posts", json={"body": "First!"})
        assert (refused.status_code, "opens at" in refused.json()["detail"]) == (409, True)
        mod.patch(f"/moderation/threads/{live}", json={"opens_at": "2020-01-01T00:00:00Z", "reason": "Early"})
        post(ada, live, "First!")
        aired = written(ada.post(f"/episodes/{episodes[2]}/threads", json=body))
        post(ada, aired)
        assert ada.post(f"/shows/{show}/threads", json=body).status_code == 422

    def test_an_author_renames_and_nobody_else_does(
        self, ada: httpx.Client, ben: httpx.Client, nobody: httpx.Client, thread: str
    ) -> None:
        assert ada.patch(f"/threads/{thread}", json={"title": "Those two"}).status_code == 204
        assert ben.patch(f"/threads/{thread}", json={"title": "Mine"}).status_code == 404
        assert nobody.patch(f"/threads/{thread}", json={"title": "Mine"}).status_code == 401
        assert nobody.get(f"/threads/{thread}").json()["title"] == "Those two"

    def test_locked_and_removed_ones_take_nothing_more(
        self, ada: httpx.Client, ben: httpx.Client, mod: httpx.Client, nobody: httpx.Client, thread: str
    ) -> None:
        """Defect 10 of the reference system: reactions and edits passed by the lock."""
        own = post(ada, thread)
        mod.patch(f"/moderation/threads/{thread}", json={"is_locked": True, "reason": "Enough"})
        attempts = (
            ada.post(f"/threads/{thread}/posts", json={"body": "But"}),
            ada.patch(f"/posts/{own}", json={"body": "But"}),
            ben.put(f"/posts/{own}/reactions/fire"),
            ben.delete(f"/posts/{own}/reactions/fire"),
            ada.patch(f"/threads/{thread}", json={"title": "But"}),
        )
        assert {(attempt.status_code, attempt.json()["detail"]) for attempt in attempts} == {
            (409, "The thread is locked.")
        }
        mod.patch(f"/moderation/threads/{thread}", json={"is_removed": True, "reason": "Off topic"})
        for path in (f"/threads/{thread}", f"/threads/{thread}/posts", f"/threads/{thread}/feed", f"/posts/{own}"):
            assert [client.get(path).status_code for client in (nobody, ben, mod, ada)] == [404, 404, 200, 200]
        assert ben.put(f"/posts/{own}/reactions/fire").status_code == 404

    def test_of_what_is_not_there_nothing_is_told(self, ada: httpx.Client, nobody: httpx.Client) -> None:
        missing = uuid4()
        for path in (f"/shows/{missing}/threads", f"/threads/{missing}/posts"):
            assert nobody.get(path).status_code == 404
            assert ada.post(path, json={"title": "x"} if "shows" in path else {"body": "x"}).status_code == 404
        for path in (f"/threads/{missing}", f"/posts/{missing}", f"/posts/{missing}/edits", f"/threads/{missing}/feed"):
            assert nobody.get(path).status_code == 404
        assert ada.put(f"/posts/{missing}/reactions/lol").status_code == 404
        assert ada.patch(f"/posts/{missing}", json={"body": "x"}).status_code == 404


class TestPosts:
    def test_a_tree_of_any_depth_comes_in_one_query(
        self, ada: httpx.Client, ben: httpx.Client, nobody: httpx.Client, thread: str
    ) -> None:
        top = post(ada, thread, "top")
        chain = [top]
        for depth in range(12):
            chain.append(post(ben if depth % 2 else ada, thread, f"depth {depth}", chain[-1]))
        side = post(ben, thread, "side", top)
        [branch] = nobody.get(f"/threads/{thread}/posts?replies=100").json()["data"]
        assert [reply["id"] for reply in branch["replies"]] == [*chain[1:], side]
        assert [reply["depth"] for reply in branch["replies"]] == [*range(2, 14), 2]
        assert branch["reply_count"] == 2
        [deeper, other] = nobody.get(f"/threads/{thread}/posts?parent={top}&sort=oldest&replies=3").json()["data"]
        assert [reply["id"] for reply in deeper["replies"]] == chain[2:5]
        assert (other["id"], other["replies"]) == (side, [])
        path = f"/threads/{thread}/posts?replies=100"
        for _ in range(12):
            nobody.get(path)
        before = Counted.trips
        for _ in range(10):
            nobody.get(path)
        assert Counted.trips - before <= 22

    def test_every_order_has_every_post_once_page_by_page(
        self, ada: httpx.Client, ben: httpx.Client, mod: httpx.Client, thread: str
    ) -> None:
        """Defect 41 of the reference system: rows of the same moment were passed over."""
        ids = [post(ada, thread, f"Post {number}") for number in range(9)]
        for number, client in ((3, ada), (3, ben), (3, mod), (5, ada), (5, ben)):
            client.put(f"/posts/{ids[number]}/reactions/upvote")
        ben.put(f"/posts/{ids[8]}/reactions/downvote")
        path = f"/threads/{thread}/posts?limit=2&sort="
        orders = {sort: [row["id"] for row in walk(ada, path + sort)] for sort in ("oldest", "new", "top", "hot")}
        assert orders["oldest"] == ids
        assert orders["new"] == ids[::-1]
        assert orders["top"][:2] == [ids[3], ids[5]]
        assert sorted(orders["hot"]) == sorted(ids)
        assert orders["hot"][:2] == [ids[3], ids[5]]
        assert orders["top"][-1] == ids[8]

    def test_a_cursor_of_another_order_or_thread_is_refused(self, ada: httpx.Client, thread: str) -> None:
        for number in range(3):
            post(ada, thread, f"Post {number}")
        cursor = ada.get(f"/threads/{thread}/posts?limit=1&sort=new").json()["next_cursor"]
        assert ada.get(f"/threads/{thread}/posts?limit=1&sort=top&cursor={cursor}").status_code == 422
        for bad in ("limit=0", "limit=101", "limit=-1", "sort=best", "replies=1000", "offset=3"):
            assert ada.get(f"/threads/{thread}/posts?{bad}").status_code == 422

    def test_what_was_edited_can_be_read_as_it_was(self, ada: httpx.Client, nobody: httpx.Client, thread: str) -> None:
        identifier = post(ada, thread, "first")
        for body in ("second", "third"):
            assert ada.patch(f"/posts/{identifier}", json={"body": body}).status_code == 204
        found = nobody.get(f"/posts/{identifier}").json()
        assert (found["body"], found["edited_at"] is not None) == ("third", True)
        assert [edit["body"] for edit in walk(nobody, f"/posts/{identifier}/edits?limit=1")] == ["second", "first"]

    def test_deleted_and_removed_are_told_apart_and_both_come_back(
        self, ada: httpx.Client, ben: httpx.Client, mod: httpx.Client, nobody: httpx.Client, thread: str
    ) -> None:
        identifier = post(ada, thread, "a secret")
        answer = post(ben, thread, "what secret?", identifier)
        assert ada.delete(f"/posts/{identifier}").status_code == 204
        gone = nobody.get(f"/posts/{identifier}").json()
        assert (gone["body"], gone["html"], gone["deleted_at"] is None, gone["removed_at"]) == ("", "", False, None)
        assert nobody.get(f"/posts/{identifier}/edits").json()["data"] == []
        assert ben.post(f"/threads/{thread}/posts", json={"body": "x", "parent_id": identifier}).status_code == 409
        assert nobody.get(f"/posts/{answer}").json()["body"] == "what secret?"
        assert "a secret" not in nobody.get("/posts?q=secret").text
        assert mod.post(f"/moderation/posts/{identifier}/remove", json={"reason": "Rude"}).status_code == 204
        assert ada.post(f"/posts/{identifier}/restore").status_code == 409, "what a moderator removed stays so"
        assert mod.post(f"/moderation/posts/{identifier}/restore", json={"reason": "Mild"}).status_code == 204
        assert nobody.get(f"/posts/{identifier}").json()["body"] == "", "its author deleted it"
        assert ada.post(f"/posts/{identifier}/restore").status_code == 204
        back = nobody.get(f"/posts/{identifier}").json()
        assert (back["body"], back["deleted_at"], back["removed_at"], back["edited_at"]) == (
            "a secret",
            None,
            None,
            None,
        )

    def test_others_posts_are_nobodys_to_change(
        self, ada: httpx.Client, ben: httpx.Client, mod: httpx.Client, nobody: httpx.Client, thread: str
    ) -> None:
        identifier = post(ada, thread)
        for client, status in ((ben, 404), (mod, 404), (nobody, 401)):
            assert client.patch(f"/posts/{identifier}", json={"body": "Ha"}).status_code == status
            assert client.delete(f"/posts/{identifier}").status_code == status
            assert client.post(f"/posts/{identifier}/restore").status_code == status

    def test_an_answer_belongs_to_its_thread(self, ada: httpx.Client, show: str, thread: str) -> None:
        other = written(ada.post(f"/shows/{show}/threads", json={"title": "Another"}))
        parent = post(ada, other)
        assert ada.post(f"/threads/{thread}/posts", json={"body": "x", "parent_id": parent}).status_code == 404

    def test_they_cannot_be_deeper_than_the_limit(self, ada: httpx.Client, town: Town, thread: str) -> None:
        deep = post(ada, thread)
        town.connection.execute(
            "UPDATE posts SET path = path || array_fill(0::bigint, ARRAY[499]) WHERE id = %s", [deep]
        )
        assert ada.post(f"/threads/{thread}/posts", json={"body": "x", "parent_id": deep}).status_code == 409

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "   ",
            "\n\t",
            "\u200b\u200d",
            "a\x00b",
            "\u202eevil",
            "a\uffffb",
            "a\u2066b",
            "\x1b[31m",
            12,
            None,
            ["a"],
            "x" * 10_001,
        ],
    )
    def test_bad_bodies_are_problems(self, ada: httpx.Client, thread: str, body: Any) -> None:
        """Defect 42 of the reference system: no checks of length or blanks."""
        response = ada.post(f"/threads/{thread}/posts", json={"body": body})
        assert response.status_code == 422
        assert response.json()["errors"][0]["parameter"] == "body"

    def test_half_characters_and_a_megabyte_are_problems(self, ada: httpx.Client, thread: str) -> None:
        headers = {"content-type": "application/json"}
        path = f"/threads/{thread}/posts"
        assert ada.post(path, content=b'{"body": "\\ud800"}', headers=headers).status_code == 422
        assert ada.post(path, content=b'{"body": "' + b"x" * 1_000_000 + b'"}', headers=headers).status_code == 413
        assert ada.post(path, content=b"{", headers=headers).status_code == 422

    def test_other_scripts_and_long_posts_are_fine(self, ada: httpx.Client, nobody: httpx.Client, thread: str) -> None:
        for body in ("مرحبا بالعالم", "שלום", "👩‍👩‍👧 💥", "e\u0301", "x" * 10_000):
            identifier = post(ada, thread, body)
            assert len(nobody.get(f"/posts/{identifier}").json()["body"]) >= 1


class TestMarkdown:
    def test_a_post_has_its_markdown_and_safe_html(self, ada: httpx.Client, nobody: httpx.Client, thread: str) -> None:
        body = "**Bold** <script>alert(1)</script> [x](javascript:alert(1)) https://a.example\n\n> quoted"
        found = nobody.get(f"/posts/{post(ada, thread, body)}").json()
        assert found["body"] == body
        assert "<strong>Bold</strong>" in found["html"]
        assert "<blockquote>" in found["html"]
        assert "<script" not in found["html"]
        assert "<a" not in found["html"]

    @pytest.mark.parametrize(
        "text",
        [
            "<img src=x onerror=alert(1)>",
            "![x](https://a.example/track.gif)",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](\x01javascript:alert(1))",
            "<a href='javascript:alert(1)'>x</a>",
            "[x](https://a.example 'onmouseover=\"alert(1)')",
            "```\n</code><script>alert(1)</script>\n```",
        ],
    )
    def test_nothing_runs_and_nothing_is_fetched(self, text: str) -> None:
        html = render(text)
        for bad in ("<script", "<img", 'href="javascript', 'href="data', "<iframe", ' onerror="', ' onmouseover="'):
            assert bad not in html

    @pytest.mark.parametrize("entity", ["&#x202e;", "&#8238;", "&#x2067;", "&#12;"])
    def test_what_is_refused_does_not_come_as_an_entity(self, entity: str) -> None:
        assert render(f"a{entity}b") == "<p>ab</p>\n"
        assert 'title="ab"' in render(f'[x](https://a.example "a{entity}b")')

    def test_links_are_marked_as_others(self) -> None:
        assert render("[a](https://a.example)") == (
            '<p><a href="https://a.example" rel="nofollow noopener noreferrer ugc">a</a></p>\n'
        )

    @given(st.text(alphabet="<>[]()!*_`\"'=/:aojscriptnmg \n&;#x", max_size=200))
    def test_only_known_elements_come_out(self, text: str) -> None:
        tree = ElementTree.fromstring(f"<x>{render(text)}</x>".replace("<br>", "<br/>").replace("<hr>", "<hr/>"))
        for element in tree.iter():
            assert element.tag in {"x", "p", "br", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li",
                                   "a", "h1", "h2", "h3", "h4", "h5", "h6", "hr"}  # fmt: skip
            assert set(element.attrib) <= {"href", "title", "rel"}
            assert not element.get("href", "").lower().startswith(("javascript:", "data:", "vbscript:"))


class TestReactions:
    def test_they_count_once_however_often_they_come(
        self, ada: httpx.Client, ben: httpx.Client, nobody: httpx.Client, thread: str
    ) -> None:
        identifier = post(ada, thread)
        for reaction in ("upvote", "lol", "shade", "fire", "heart"):
            for _ in range(2):
                assert ben.put(f"/posts/{identifier}/reactions/{reaction}").status_code == 204
        found = ben.get(f"/posts/{identifier}").json()
        assert found["reactions"] == {"upvote": 1, "downvote": 0, "lol": 1, "shade": 1, "fire": 1, "heart": 1}
        assert sorted(found["mine"]) == ["fire", "heart", "lol", "shade", "upvote"]
        assert nobody.get(f"/posts/{identifier}").json()["mine"] == []
        assert ben.put(f"/posts/{identifier}/reactions/downvote").status_code == 204
        found = ben.get(f"/posts/{identifier}").json()
        assert (found["score"], found["reactions"]["upvote"], found["reactions"]["downvote"]) == (-1, 0, 1)
        for _ in range(2):
            assert ben.delete(f"/posts/{identifier}/reactions/downvote").status_code == 204
        assert ben.get(f"/posts/{identifier}").json()["score"] == 0
        assert ben.put(f"/posts/{identifier}/reactions/hate").status_code == 422
        assert nobody.put(f"/posts/{identifier}/reactions/lol").status_code == 401

    def test_sixteen_at_once_never_miscount(self, town: Town, ada: httpx.Client, thread: str) -> None:
        """Defect 42 of the reference system: two toggles at once were an error, and counts were guessed."""
        identifier = post(ada, thread)
        crowd = [town.client(f"crowd_{number}") for number in range(16)]

        def click(client: httpx.Client) -> None:
            dice = random.Random(id(client))
            for _ in range(12):
                path = f"/posts/{identifier}/reactions/{dice.choice(['upvote', 'downvote', 'fire'])}"
                answer = client.put(path) if dice.random() < 0.7 else client.delete(path)
                assert answer.status_code == 204, answer.text

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(click, crowd))
        shown = ada.get(f"/posts/{identifier}").json()["reactions"]
        kept = dict(town.connection.execute(
            "SELECT reaction, count(*) FROM reactions WHERE post_id = %s GROUP BY 1", [identifier]
        ).fetchall())  # fmt: skip
        assert {name: count for name, count in shown.items() if count} == kept

    def test_one_person_on_sixteen_devices_counts_once(self, town: Town, ada: httpx.Client, thread: str) -> None:
        identifier = post(ada, thread)
        client = town.client("many_handed")
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: client.put(f"/posts/{identifier}/reactions/upvote"), range(32)))
        assert {answer.status_code for answer in answers} == {204}
        assert ada.get(f"/posts/{identifier}").json()["score"] == 1

    def test_two_devices_that_disagree_leave_one_vote(self, people_url: str, town: Town, thread: str) -> None:
        client = town.client("of_two_minds")
        identifier = post(client, thread)
        person = client.get("/me").json()["id"]
        with ThreadPoolExecutor(1) as pool, psycopg.connect(people_url) as other:
            other.execute("INSERT INTO reactions (post_id, user_id, reaction) VALUES (%s, %s, 'upvote')",
                          [identifier, person])  # fmt: skip
            voting = pool.submit(client.put, f"/posts/{identifier}/reactions/downvote")
            while not town.one("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not voting.done()
                time.sleep(0.01)
            other.commit()
            assert voting.result().status_code == 204
        assert len(client.get(f"/posts/{identifier}").json()["mine"]) == 1


def test_writing_and_reacting_cost_one_round_trip(ada: httpx.Client, thread: str) -> None:
    """Defect 42 of the reference system: six for a reaction."""
    identifier = post(ada, thread)
    for _ in range(12):  # prepared on the connections of the pool
        post(ada, thread)
        ada.put(f"/posts/{identifier}/reactions/fire")
    for work in (lambda: post(ada, thread), lambda: ada.put(f"/posts/{identifier}/reactions/fire")):
        before = Counted.trips
        for _ in range(10):
            work()
        assert 10 <= Counted.trips - before <= 12


def test_who_is_answered_or_mentioned_is_notified_once(
    town: Town, ada: httpx.Client, ben: httpx.Client, thread: str
) -> None:
    cleo = town.client("cleo")
    first = post(ada, thread, "Hello")
    answer = post(cleo, thread, "Hi @ada, @ben. @cleo! mail@ben @nobody_here", first)
    [mark] = ada.get("/me/notifications?unread=true&limit=1").json()["data"]
    assert (mark["kind"], mark["post_id"], mark["author"]["name"]) == ("reply", answer, "cleo")
    newest = ben.get("/me/notifications").json()["data"][0]
    assert (newest["kind"], newest["post_id"]) == ("mention", answer)
    assert cleo.get("/me/notifications").json()["data"] == []
    assert cleo.post("/me/notifications/read", json={"id": mark["id"]}).status_code == 404
    assert ada.post("/me/notifications/read", json={"id": mark["id"]}).status_code == 204
    assert ada.get("/me/notifications?unread=true").json()["data"] == []


def test_what_is_about_later_episodes_is_hidden_from_who_has_not_seen_them(
    town: Town, ada: httpx.Client, show: str, episodes: list[str]
) -> None:
    dora = town.client("dora")
    late = written(ada.post(f"/episodes/{episodes[20]}/threads", json={"title": "The twist"}))
    post(ada, late, "zanzibar twist")
    early = written(ada.post(f"/episodes/{episodes[3]}/threads", json={"title": "The start"}))
    path = f"/threads/{early}/posts"
    hidden = written(ada.post(path, json={"body": "zanzibar comes", "about_episode_id": episodes[20]}))

    def seen(client: httpx.Client, query: str = "") -> tuple[bool, bool, int]:
        threads = [row["id"] for row in walk(client, f"/shows/{show}/threads?limit=100{query}")]
        posts = [row["id"] for row in walk(client, f"{path}?limit=100{query}")]
        return late in threads, hidden in posts, len(client.get(f"/posts?q=zanzibar{query}").json()["data"])

    assert seen(dora) == (True, True, 2), "who said nothing sees everything"
    assert dora.get(f"/me/progress/{show}").status_code == 404
    assert dora.put(f"/me/progress/{show}", json={"season_number": 1, "episode_number": 10}).status_code == 204
    assert seen(dora) == (False, False, 0)
    assert seen(dora, "&spoilers=true") == (True, True, 2)
    dora.put(f"/me/progress/{show}", json={"season_number": 1, "episode_number": 21})
    assert dora.get(f"/me/progress/{show}").json() == {"season_number": 1, "episode_number": 21}
    assert seen(dora) == (True, True, 2)
    dora.put(f"/me/progress/{show}", json={"season_number": 1, "episode_number": 10})
    answer = written(ada.post(path, json={"body": "oh no", "parent_id": hidden}))
    twist = post(ada, late, "Told in the thread of the twist.")
    own = written(dora.post(path, json={"body": "I guess", "about_episode_id": episodes[20]}))
    for address in (f"/posts/{hidden}", f"/posts/{answer}", f"/posts/{twist}", f"/threads/{late}/posts",
                    f"/threads/{late}/feed"):  # fmt: skip
        refused = dora.get(address)
        assert (refused.status_code, "spoilers=true" in refused.text) == (403, True), address
        assert dora.get(f"{address}?spoilers=true").status_code == 200
        assert ada.get(address).status_code == 200
    assert dora.get(f"/posts/{own}").status_code == 200, "one's own"
    assert hidden not in dora.get(f"/threads/{early}/feed").text
    assert hidden in dora.get(f"/threads/{early}/feed?spoilers=true").text
    assert dora.get(f"/posts/{uuid4()}").status_code == 404
    assert dora.get(f"{path}?parent={hidden}").json()["data"] == []
    dora.put(f"/me/progress/{show}", json={"season_number": 1, "episode_number": 21})
    assert dora.get(f"/posts/{hidden}").status_code == 200
    assert dora.put(f"/me/progress/{uuid4()}", json={"season_number": 1, "episode_number": 1}).status_code == 404
    assert dora.delete(f"/me/progress/{show}").status_code == 204
    foreign = {"body": "x", "about_episode_id": str(uuid4())}
    assert ada.post(path, json=foreign).status_code == 409


class TestModeration:
    def test_reports_are_a_queue_that_a_verdict_empties(
        self, town: Town, ada: httpx.Client, ben: httpx.Client, mod: httpx.Client, nobody: httpx.Client, thread: str
    ) -> None:
        identifier = post(ada, thread, "awful")
        for client in (ben, ben, town.client("emil")):
            assert client.post(f"/posts/{identifier}/reports", json={"reason": "Rude"}).status_code == 204
        assert nobody.post(f"/posts/{identifier}/reports", json={"reason": "Rude"}).status_code == 401
        assert ben.post(f"/posts/{uuid4()}/reports", json={"reason": "Rude"}).status_code == 404
        assert [client.get("/moderation/reports").status_code for client in (nobody, ben, mod)] == [401, 403, 200]
        queue = list(walk(mod, "/moderation/reports?limit=1"))
        assert [(row["post"]["body"], row["reporter"]["name"]) for row in queue] == [
            ("awful", "ben"),
            ("awful", "emil"),
        ]
        path = f"/moderation/reports/{queue[0]['id']}/resolve"
        assert ben.post(path, json={"outcome": "upheld"}).status_code == 403
        assert mod.post(path, json={"outcome": "upheld"}).status_code == 204
        assert mod.post(path, json={"outcome": "upheld"}).status_code == 404
        assert mod.get("/moderation/reports").json()["data"] == []
        assert nobody.get(f"/posts/{identifier}").json()["removed_at"] is not None
        [entry] = [row for row in walk(nobody, "/moderation/log") if row["post_id"] == identifier]
        assert (entry["action"], entry["reason"]) == ("post_removed", "Reported"), "who reports is not quoted"

    def test_of_two_verdicts_at_once_one_counts(
        self, people_url: str, town: Town, ada: httpx.Client, ben: httpx.Client, mod: httpx.Client, thread: str
    ) -> None:
        identifier = post(ada, thread, "so so")
        ben.post(f"/posts/{identifier}/reports", json={"reason": "Rude"})
        report = town.one("SELECT id FROM reports WHERE post_id = %s", identifier)
        with ThreadPoolExecutor(1) as pool, psycopg.connect(people_url) as other:
            other.execute("SELECT set_config('trr.user_id', %s, true)", [mod.get("/me").json()["id"]])
            other.execute("SELECT resolve_report(%s, 'dismissed')", [report])
            late = pool.submit(mod.post, f"/moderation/reports/{report}/resolve", json={"outcome": "upheld"})
            while not town.one("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not late.done()
                time.sleep(0.01)
            other.commit()
            assert late.result().status_code == 404
        assert ada.get(f"/posts/{identifier}").json()["removed_at"] is None

    def test_the_banned_read_and_write_nothing(
        self, town: Town, ada: httpx.Client, mod: httpx.Client, show: str, thread: str
    ) -> None:
        finn = town.client("finn")
        own, other = post(finn, thread), post(ada, thread)
        assert ada.post("/moderation/bans", json={"name": "finn", "reason": "No"}).status_code == 403
        assert mod.post("/moderation/bans", json={"name": "mod", "reason": "No"}).status_code == 404
        past = {"name": "finn", "reason": "No", "ends_at": "2020-01-01T00:00:00Z"}
        assert mod.post("/moderation/bans", json=past).status_code == 422
        assert mod.post("/moderation/bans", json={"name": "finn", "reason": "Spam"}).status_code == 204
        assert finn.get("/me").json()["ban"] == {"reason": "Spam", "ends_at": None}
        assert finn.get(f"/threads/{thread}").status_code == 200
        for attempt in (
            finn.post(f"/threads/{thread}/posts", json={"body": "x"}),
            finn.post(f"/shows/{show}/threads", json={"title": "x"}),
            finn.patch(f"/posts/{own}", json={"body": "x"}),
            finn.delete(f"/posts/{own}"),
            finn.put(f"/posts/{other}/reactions/lol"),
            finn.post(f"/posts/{other}/reports", json={"reason": "x"}),
        ):
            assert (attempt.status_code, "banned" in attempt.json()["detail"]) == (403, True), attempt.text
        assert mod.delete("/moderation/bans/finn").status_code == 204
        assert mod.delete("/moderation/bans/finn").status_code == 404
        post(finn, thread)

    def test_everybody_reads_what_moderators_did(self, mod: httpx.Client, nobody: httpx.Client, thread: str) -> None:
        for wanted in ({"is_locked": True}, {"is_locked": True}, {"is_locked": False, "is_sticky": True}):
            assert mod.patch(f"/moderation/threads/{thread}", json={**wanted, "reason": "Calm"}).status_code == 204
        entries = [row for row in walk(nobody, "/moderation/log?limit=3") if row["thread_id"] == thread]
        assert sorted(row["action"] for row in entries) == ["thread_locked", "thread_stuck", "thread_unlocked"]
        assert {(row["moderator"]["name"], row["reason"]) for row in entries} == {("mod", "Calm")}

    def test_only_admins_give_roles(self, town: Town, ada: httpx.Client, mod: httpx.Client) -> None:
        gina = town.client("gina")
        admin = town.client("admin", "admin")
        path = "/moderation/users/gina/role"
        assert [client.put(path, json={"role": "moderator"}).status_code for client in (ada, mod, admin)] == [
            403, 403, 204,
        ]  # fmt: skip
        assert gina.get("/moderation/reports").status_code == 200
        assert admin.put("/moderation/users/nobody_here/role", json={"role": "user"}).status_code == 404


def test_search_finds_words_and_not_what_is_gone(
    ada: httpx.Client, nobody: httpx.Client, show: str, thread: str
) -> None:
    ids = [post(ada, thread, f"The walrus number {number} sang") for number in range(3)]
    assert [row["id"] for row in walk(nobody, "/posts?q=walruses&limit=1")] == ids[::-1]
    assert [row["id"] for row in walk(nobody, f"/posts?q=walrus&show={show}")] == ids[::-1]
    assert nobody.get(f"/posts?q=walrus&show={uuid4()}").json()["data"] == []
    ada.delete(f"/posts/{ids[1]}")
    assert [row["id"] for row in walk(nobody, "/posts?q=walrus")] == [ids[2], ids[0]]
    for q in ("'", "a & | !", "<->", "((", "\\", "%27"):
        assert nobody.get("/posts", params={"q": q * 2}).status_code == 200


def test_a_thread_is_a_feed(ada: httpx.Client, nobody: httpx.Client, thread: str) -> None:
    empty = ElementTree.fromstring(nobody.get(f"/threads/{thread}/feed").content)
    names = {"a": "http://www.w3.org/2005/Atom"}
    assert empty.findtext("a:title", namespaces=names) == "That reunion"
    first = post(ada, thread, "Fish & <chips>")
    second = post(ada, thread, "More", first)
    answer = nobody.get(f"/threads/{thread}/feed")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    entries = ElementTree.fromstring(answer.content).findall("a:entry", names)
    assert [entry.findtext("a:id", namespaces=names) for entry in entries] == [
        f"urn:uuid:{second}",
        f"urn:uuid:{first}",
    ]
    assert entries[1].findtext("a:content", namespaces=names) == "<p>Fish &amp; &lt;chips&gt;</p>\n"


def test_events_are_written_with_the_change_and_wake_the_readers(
    town: Town, people_url: str, ada: httpx.Client, thread: str
) -> None:
    with psycopg.connect(people_url, autocommit=True) as listener:
        listener.execute("LISTEN outbox")
        identifier = post(ada, thread)
        ada.put(f"/posts/{identifier}/reactions/fire")
        assert len(list(listener.notifies(timeout=2, stop_after=2))) == 2
    found = town.connection.execute(
        "SELECT event, payload->>'post_id' FROM outbox WHERE topic = %s ORDER BY seq", [f"thread:{thread}"]
    ).fetchall()
    assert found == [("post_created", identifier), ("reaction_toggled", identifier)]


def test_a_commit_that_fails_is_no_success(town: Town, ada: httpx.Client, thread: str) -> None:
    town.connection.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''too late''; END'"
    )
    town.connection.execute(
        "CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON posts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
        "WHEN (NEW.body = 'fail late') EXECUTE FUNCTION fail()"
    )
    try:
        with httpx.Client(base_url=ada.base_url, headers=ada.headers) as client:
            answer = client.post(f"/threads/{thread}/posts", json={"body": "fail late"})
    finally:
        town.connection.execute("DROP TRIGGER fail ON posts")
        town.connection.execute("DROP FUNCTION fail()")
    assert answer.status_code == 503
    assert ada.get(f"/threads/{thread}").json()["post_count"] == 0
    post(ada, thread)


def test_who_was_logged_out_writes_nothing(town: Town, thread: str) -> None:
    client = town.client("hans")
    post(client, thread)
    client.post("/accounts/logout", json={})
    for answer in (
        client.post(f"/threads/{thread}/posts", json={"body": "x"}),
        client.get(f"/threads/{thread}"),
        client.get("/me/notifications"),
    ):
        assert answer.status_code == 401


def test_a_session_leaves_no_role_and_no_caller_on_the_connection(town: Town, people_url: str) -> None:
    configured = settings(people_url, pool_min=1, pool_max=1)
    person = user(town.connection, "ines")

    async def bare(database: Database, *, write: bool) -> list[tuple[str, str]]:
        async with database.pool(write=write).connection() as connection:
            cursor = await connection.execute("SELECT current_user::text, current_setting('trr.user_id', true)")
            return [(str(user_name), str(caller)) for user_name, caller in await cursor.fetchall()]

    async def look() -> list[tuple[str, str]]:
        database = Database(configured)
        await database.open()
        found = []
        try:
            for write in (False, True):
                session = Session(database, Caller(person), write=write)
                found += await session.fetch(Statement(b"SELECT current_user::text, caller()::text"))
                found += await bare(database, write=write)
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    await session.fetch(Statement(b"SELECT FROM credentials"))
                found += await bare(database, write=write)
        finally:
            await database.close()
        return found

    owner = town.one("SELECT current_user::text")
    assert asyncio.run(look()) == [("trr_api", str(person)), (owner, ""), (owner, "")] * 2


def test_what_only_reads_cannot_write(town: Town, people_url: str) -> None:
    person = user(town.connection, "jana")

    async def write_in_a_read() -> None:
        database = Database(settings(people_url))
        await database.open()
        try:
            session = Session(database, Caller(person), write=False)
            await session.fetch(Statement(b"UPDATE users SET bio = 'x' WHERE id = caller() RETURNING id"))
        finally:
            await database.close()

    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        asyncio.run(write_in_a_read())


def test_what_is_not_found_needs_no_second_connection(people_url: str) -> None:
    """It would wait for one that waits for another in turn."""
    with served(create_app(settings(people_url, pool_min=1, pool_max=1, pool_timeout=1))) as address:
        assert httpx.get(f"{address}/api/v1/shows/{uuid4()}/threads").status_code == 404


def test_the_id_of_a_merged_show_leads_to_the_other_ones_threads(town: Town, nobody: httpx.Client, show: str) -> None:
    old = uuid4()
    town.connection.execute("INSERT INTO entity_redirects (old_id, kind, new_id) VALUES (%s, 'show', %s)", [old, show])
    answer = nobody.get(f"/shows/{old}/threads?limit=3")
    assert (answer.status_code, answer.headers["location"]) == (308, f"/api/v1/shows/{show}/threads?limit=3")
