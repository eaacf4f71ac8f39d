"""`scrapy crawl imdb_credits` against a real server, dry: what it asks, what it yields, what it owns up to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dry_runs import DryRun, dry_run
from in_process import refused, scrapy
from origin import Asked, Origin, Reply, json_reply, serving

from support import CAPTURES

PAGES = Path(__file__).parents[1] / "pages" / "imdb" / "credits"
SHOW_ID = "tt99004000"
HEAD = {"id": SHOW_ID, "titleText": {"text": "Ferry Kings"}, "titleType": {"id": "tvSeries", "canHaveEpisodes": True}}


def node(number: int, category: str = "self") -> dict[str, Any]:
    """A credit as GraphQL tells it; every seventh person is a judge."""
    told: dict[str, Any] = {
        "category": {"id": category, "text": category.title()},
        "name": {"id": f"nm{99400000 + number}", "nameText": {"text": f"Person {number}"}},
        "episodeCredits": {"total": 3, "yearRange": {"year": 2024, "endYear": None}},
    }
    if category == "self":
        told |= {"characters": [{"name": "Self - Judge" if number % 7 == 0 else "Self"}], "attributes": None}
    else:
        told |= {"jobDetails": [{"job": {"text": "boat pilot"}, "attributes": None}]}
    return told


def connection(nodes: list[dict[str, Any]], first: int, after: str | None) -> dict[str, Any]:
    start = int(after or 0)
    shown = nodes[start : start + first]
    return {
        "total": len(nodes),
        "pageInfo": {"hasNextPage": start + first < len(nodes), "endCursor": str(start + first)},
        "edges": [{"node": shown_node} for shown_node in shown],
    }


@dataclass
class Credits:
    """Answers about one show: its credits, and who appears in its episodes."""

    cast: int = 12
    crew: int = 5
    episodes: list[int] = field(default_factory=lambda: [2, 3, 1])
    """How many appear in each."""
    page_size: int = 250
    episodes_page_size: int = 50
    episode_cast_size: int = 100
    cast_again: bool = False
    """The first of the cast comes once more at the end, in old footage."""

    def __call__(self, asked: Asked) -> Reply | None:
        if asked.path != "/graphql":
            return self.page(asked.path)
        body = json.loads(asked.body)
        variables = body["variables"]
        if body["operationName"] == "EpisodeCredits":
            return json_reply({"data": {"title": {**HEAD, "episodes": {"episodes": self.listed(variables)}}}})
        title_id, after = variables["id"], variables["after"]
        if title_id == SHOW_ID:
            nodes = [node(number) for number in range(self.cast)]
            nodes += [node(number, "transportation_department") for number in range(self.crew)]
            if self.cast_again:
                old = {**node(0, "self"), "category": {"id": "archive_footage", "text": "Archive Footage"}}
                nodes.append({**old, "characters": [{"name": "Self - Guest"}]})
            return json_reply({"data": {"title": {**HEAD, "credits": connection(nodes, self.page_size, after)}}})
        if title_id.startswith("tt994001"):
            assert variables["categories"] == ["cast", "archive_footage", "archive_sound"]
            head = {"id": title_id, "titleType": {"id": "tvEpisode"}, "series": {"series": {"id": SHOW_ID}}}
            nodes = self.of_episode(int(title_id[-2:]))
            return json_reply({"data": {"title": {**head, "credits": connection(nodes, self.page_size, after)}}})
        return json_reply({"data": {"title": None}})

    def of_episode(self, number: int) -> list[dict[str, Any]]:
        return [node(person) for person in range(self.episodes[number])]

    def listed(self, variables: dict[str, Any]) -> dict[str, Any]:
        nodes = [
            {"id": f"tt994001{number:02}", "credits": connection(self.of_episode(number), self.episode_cast_size, None)}
            for number in range(len(self.episodes))
        ]
        return connection(nodes, self.episodes_page_size, variables["after"])

    def page(self, path: str) -> Reply:
        names = {"fullcredits": "rows-of-2026", "reference": "reference-of-2025-10"}
        _, title, title_id, kind, _ = path.split("/")
        known = (title, title_id) == ("title", "tt99003000")
        return Reply((PAGES / f"{names[kind]}.html").read_bytes()) if known else Reply(b"no such page", 404)


@pytest.fixture
def credits_() -> Credits:
    return Credits()


@pytest.fixture
def origin(credits_: Credits) -> Iterator[Origin]:
    with serving(Origin()) as served:
        served.misbehave = credits_
        yield served


def crawl(tmp_path: Path, *arguments: str) -> DryRun:
    return dry_run("imdb_credits", tmp_path, *arguments)


class TestWholeShow:
    def test_all_of_it_in_one_request(self, origin: Origin, tmp_path: Path) -> None:
        done = crawl(tmp_path, "-a", f"show={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 0, done.output
        assert len(origin.pages_asked) == 1
        assert Counter(item["category"] for item in done.of("credit")) == {"cast": 12, "transportation_department": 5}
        assert len(done.of("person")) == 12
        hosts = [item["characters"] for item in done.of("credit") if item["person_id"] == "nm99400007"]
        assert hosts[0] == ["Self - Judge"]

    def test_all_pages_and_one_billing_order(self, origin: Origin, credits_: Credits, tmp_path: Path) -> None:
        credits_.page_size = 4
        done = crawl(tmp_path, "-a", f"show={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 0, done.output
        assert len(origin.pages_asked) == 5
        cast = [item for item in done.of("credit") if item["category"] == "cast"]
        assert [(item["person_id"], item["billing_order"]) for item in cast] == [
            (f"nm{99400000 + number}", number + 1) for number in range(12)
        ]

    def test_one_who_comes_again_on_a_later_page(self, origin: Origin, credits_: Credits, tmp_path: Path) -> None:
        credits_.page_size, credits_.cast_again = 4, True
        done = crawl(tmp_path, "-a", f"show={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 0, done.output
        [mine] = [
            item for item in done.of("credit") if item["person_id"] == "nm99400000" and item["category"] == "cast"
        ]
        assert mine["characters"] == ["Self - Judge", "Self - Guest"]
        assert (mine["billing_order"], mine["archive_footage"]) == (1, False)

    def test_roles_leave_out_and_say_how_many(self, origin: Origin, tmp_path: Path) -> None:
        done = crawl(tmp_path, "-a", f"show={SHOW_ID}", "-a", "roles=cast,director", *origin.settings("graphql"))
        assert done.status == 0, done.output
        assert {item["category"] for item in done.of("credit")} == {"cast"}
        assert f"{SHOW_ID}: 5 credits left out by roles=cast,director" in done.output

    def test_many_titles(self, origin: Origin, tmp_path: Path) -> None:
        done = crawl(tmp_path, "-a", f"shows=tt99404404,{SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 3
        assert "tt99404404 (IMDb knows no title tt99404404)" in done.last_line
        assert len(done.of("credit")) == 17

    def test_a_cursor_that_repeats_is_a_gap(self, origin: Origin, tmp_path: Path) -> None:
        answer = {**HEAD, "credits": {**connection([node(1)] * 9, 2, None), "total": 9}}
        origin.misbehave = lambda _asked: json_reply({"data": {"title": answer}})
        done = crawl(tmp_path, "-a", f"show={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 3
        assert f"{SHOW_ID} (the cursor 2 leads nowhere after 2 of 9)" in done.last_line
        assert len(origin.pages_asked) == 2

    def test_fewer_than_promised_and_none_at_all(self, origin: Origin, tmp_path: Path) -> None:
        answer = {**HEAD, "credits": {**connection([], 2, None), "total": 9}}
        origin.misbehave = lambda _asked: json_reply({"data": {"title": answer}})
        done = crawl(tmp_path, "-a", f"show={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 1
        assert f"{SHOW_ID} (0 of 9 credits came)" in done.last_line
        assert "'outcome/empty': 1" in done.output

    def test_a_field_that_the_server_rejects_is_named(self, origin: Origin, tmp_path: Path) -> None:
        problem = {"message": "Cannot query field jobDetails on type Crew", "extensions": {"code": "BAD_USER_INPUT"}}
        origin.misbehave = lambda _asked: json_reply({"errors": [problem]}, 400)
        done = crawl(tmp_path, "-a", f"show={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 1
        assert "(BAD_USER_INPUT): Cannot query field jobDetails on type Crew" in done.last_line


class TestEpisodes:
    def test_who_appears_where_in_one_request(self, origin: Origin, tmp_path: Path) -> None:
        done = crawl(tmp_path, "-a", f"show={SHOW_ID}", "-a", "episodes=true", *origin.settings("graphql"))
        assert done.status == 0, done.output
        assert len(origin.pages_asked) == 2
        assert Counter(item["episode_id"] for item in done.of("episode_credit")) == {
            "tt99400100": 2,
            "tt99400101": 3,
            "tt99400102": 1,
        }
        assert {item["show_id"] for item in done.of("episode_credit")} == {SHOW_ID}

    def test_many_episodes_need_few_requests(self, origin: Origin, credits_: Credits, tmp_path: Path) -> None:
        credits_.episodes, credits_.episodes_page_size = [3] * 40, 15
        done = crawl(
            tmp_path, "-a", f"show={SHOW_ID}", "-a", "episodes=true", "-a", "roles=cast", *origin.settings("graphql")
        )
        assert done.status == 0, done.output
        assert len(origin.pages_asked) == 1 + 3
        assert len(done.of("episode_credit")) == 120

    def test_an_episode_with_a_large_cast_is_asked_to_its_end(
        self, origin: Origin, credits_: Credits, tmp_path: Path
    ) -> None:
        credits_.episodes, credits_.episode_cast_size, credits_.page_size = [2, 11], 3, 5
        done = crawl(tmp_path, "-a", f"show={SHOW_ID}", "-a", "episodes=true", *origin.settings("graphql"))
        assert done.status == 0, done.output
        assert len([item for item in done.of("episode_credit") if item["episode_id"] == "tt99400101"]) == 11

    def test_an_episode_that_comes_short(self, origin: Origin, credits_: Credits, tmp_path: Path) -> None:
        def short(asked: Asked) -> Reply | None:
            reply = credits_(asked)
            assert reply is not None
            return Reply(reply.body.replace(b'"total": 3, "pageInfo"', b'"total": 4, "pageInfo"'), 200, reply.headers)

        origin.misbehave = short
        credits_.episodes = [2, 3]
        done = crawl(tmp_path, "-a", f"show={SHOW_ID}", "-a", "episodes=true", *origin.settings("graphql"))
        assert done.status == 3
        assert f"{SHOW_ID} episode tt99400101 (3 of 4 credits came)" in done.last_line

    def test_a_film_has_none(self, origin: Origin, tmp_path: Path) -> None:
        film = {**HEAD, "titleType": {"id": "movie", "canHaveEpisodes": False}, "episodes": None}
        film["credits"] = connection([node(1)], 9, None)
        origin.misbehave = lambda _asked: json_reply({"data": {"title": film}})
        done = crawl(tmp_path, "-a", f"show={SHOW_ID}", "-a", "episodes=true", *origin.settings("graphql"))
        assert done.status == 3
        assert f"{SHOW_ID} episodes ({SHOW_ID} (Ferry Kings) is a movie: it has no episodes)" in done.last_line
        assert len(done.of("credit")) == 1

    def test_pages_do_not_tell(self, origin: Origin, tmp_path: Path) -> None:
        done = crawl(tmp_path, "-a", "show=tt99003000", "-a", "episodes=true", *origin.settings("html"))
        assert done.status == 3
        assert "tt99003000 episodes (only GraphQL tells who appears in which of them)" in done.last_line
        assert len(done.of("credit")) == 8


class TestPages:
    def test_full_credits(self, origin: Origin, tmp_path: Path) -> None:
        done = crawl(tmp_path, "-a", "show=tt99003000", *origin.settings("html"))
        assert done.status == 0, done.output
        assert origin.pages_asked == ["/title/tt99003000/fullcredits/"]
        assert Counter(item["category"] for item in done.of("credit")) == {
            "cast": 5,
            "director": 1,
            "writer": 1,
            "sound_department": 1,
        }

    def test_a_cast_that_is_shown_in_part_is_a_gap(self, origin: Origin, tmp_path: Path) -> None:
        done = crawl(tmp_path, "-a", "show=tt99003000", "-a", "reference=true", *origin.settings("html"))
        assert done.status == 3
        assert origin.pages_asked == ["/title/tt99003000/reference/"]
        assert "tt99003000 (8 of 26 credits came: cast 5 of 23; only GraphQL serves the rest)" in done.last_line
        assert len(done.of("credit")) == 8

    def test_a_list_that_nobody_wants_is_no_gap(self, origin: Origin, tmp_path: Path) -> None:
        asked = ("-a", "show=tt99003000", "-a", "reference=true", "-a", "roles=director,writer")
        done = crawl(tmp_path, *asked, *origin.settings("html"))
        assert done.status == 0, done.output
        assert {item["category"] for item in done.of("credit")} == {"director", "writer"}

    @pytest.mark.parametrize(
        ("name", "status", "words"),
        [
            ("another-title", 1, "asked for tt99003000, the page is about tt99003009"),
            ("no-lists", 1, "lists no credits"),
            ("verification", 4, "a page that has no title data"),
        ],
    )
    def test_a_page_that_cannot_be_used(
        self, origin: Origin, tmp_path: Path, name: str, status: int, words: str
    ) -> None:
        origin.misbehave = lambda _asked: Reply((PAGES / f"{name}.html").read_bytes())
        done = crawl(tmp_path, "-a", "show=tt99003000", *origin.settings("html"))
        assert done.status == status
        assert words in done.last_line
        assert done.items == []

    def test_new_keys_and_categories_are_named(self, origin: Origin, tmp_path: Path) -> None:
        origin.misbehave = lambda _asked: Reply((PAGES / "rows-that-are-odd.html").read_bytes())
        done = crawl(tmp_path, "-a", "show=tt99003000", *origin.settings("html"))
        assert done.status == 0
        assert "nobody reads category.rope_tying_knots yet" in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Say whose credits to crawl"),
        (("-a", f"show={SHOW_ID}", "-a", "roles=actor"), "-a roles: 'actor' is no role; roles are accountant, "),
        (("-a", f"show={SHOW_ID}", "-a", "roles= , "), "' , ' is no role"),
        (("-a", f"show={SHOW_ID}", "-a", "roles=director", "-a", "episodes=true"), "-a roles must name cast then"),
        (("-a", f"show={SHOW_ID}", "-a", "region=US"), "it takes dry_run, due, episodes, force, limit"),
    ],
)
def test_a_mistake_in_the_call_is_one_sentence(arguments: tuple[str, ...], words: str) -> None:
    done = refused("imdb_credits", *arguments)
    assert done.status == 2
    assert words in done.last_line


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"there are no recorded pages in {CAPTURES}")
def test_fifty_of_the_cast_of_a_series_are_not_its_cast(tmp_path: Path) -> None:
    [captured] = (CAPTURES / "imdb" / "title_reference").glob("*tt1520211*.json")
    archive = tmp_path / "captured.warc.gz"
    assert scrapy("archive-add", archive, "https://www.imdb.com/title/tt1520211/reference/", captured).status == 0
    asked = ("-a", "show=tt1520211", "-a", "reference=true", "-a", "roles=cast", "-s", f"REPLAY={archive}")
    done = crawl(tmp_path, *asked)
    assert done.status == 3
    assert "tt1520211 (50 of 993 credits came: cast 50 of 993; only GraphQL serves the rest)" in done.last_line
    assert len(done.of("credit")) == 50
