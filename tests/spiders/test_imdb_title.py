"""`scrapy crawl imdb_title` against a real server, dry: what it asks, what it yields, what it owns up to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dry_runs import DryRun, dry_run
from in_process import refused, scrapy
from origin import Asked, Origin, Reply, json_reply, serving

from support import CAPTURES

PAGES = Path(__file__).parents[1] / "pages" / "imdb" / "title"
SHOW_ID = "tt99003000"
EPISODE_ID = "tt99003101"


class Titles:
    """Answers with the recorded pages of one show and one episode."""

    def __init__(self) -> None:
        self.keywords: list[str] = []
        """When set, answers tell them two at a time."""
        self.keywords_page = "../keywords/page"
        self.places = 0
        """How many filming locations there are; answers tell two at a time."""
        self.offers = "answer-full"

    def __call__(self, asked: Asked) -> Reply | None:
        if asked.path == "/graphql":
            question = json.loads(asked.body)
            if question["operationName"] == "TitleWatchOptions":
                return Reply((PAGES / f"../watch_options/{self.offers}.json").read_bytes())
            if question["operationName"] == "TitleLocations":
                return self.locations(int(question["variables"]["after"] or 0))
            return self.answer(question["variables"])
        names = {
            f"/title/{SHOW_ID}/": "more-keywords-than-shown",
            f"/title/{SHOW_ID}/keywords/": self.keywords_page,
            f"/title/{SHOW_ID}/locations/": "../locations/page-first-of-several",
            f"/title/{SHOW_ID}/reference/": "reference-2025-10",
            f"/title/{EPISODE_ID}/": "episode",
        }
        name = names.get(asked.path)
        return Reply((PAGES / f"{name}.html").read_bytes()) if name else Reply(b"no such page", 404)

    def answer(self, variables: dict[str, Any]) -> Reply:
        names = {SHOW_ID: "answer-show", EPISODE_ID: "answer-episode"}
        name = names.get(variables["id"], "answer-no-such-title")
        answer = json.loads((PAGES / f"{name}.json").read_bytes())
        if self.keywords:
            start = int(variables.get("after") or 0)
            answer["data"]["title"]["keywords"] = {
                "total": len(self.keywords),
                "pageInfo": {"hasNextPage": start + 2 < len(self.keywords), "endCursor": str(start + 2)},
                "edges": [{"node": {"text": text}} for text in self.keywords[start : start + 2]],
            }
        return json_reply(answer)

    def locations(self, start: int) -> Reply:
        last = min(start + 2, self.places)
        nodes = [{"id": f"lc990{n}", "text": f"Harbour {n}", "attributes": []} for n in range(start + 1, last + 1)]
        title = {"id": SHOW_ID, "titleType": {"id": "tvSeries"}, "series": None}
        title["filmingLocations"] = {
            "total": self.places,
            "pageInfo": {"hasNextPage": last < self.places, "endCursor": str(last)},
            "edges": [{"node": node} for node in nodes],
        }
        return json_reply({"data": {"title": title}})


@pytest.fixture
def titles() -> Titles:
    return Titles()


@pytest.fixture
def origin(titles: Titles) -> Iterator[Origin]:
    with serving(Origin()) as served:
        served.misbehave = titles
        yield served


def crawl(tmp_path: Path, *arguments: str) -> DryRun:
    return dry_run("imdb_title", tmp_path, *arguments)


class TestGraphql:
    def test_a_title_is_one_request(self, origin: Origin, tmp_path: Path) -> None:
        done = crawl(tmp_path, "-a", f"title={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 0, done.output
        assert origin.pages_asked == ["/graphql"]
        assert json.loads(origin.asked[-1].body)["variables"] == {"id": SHOW_ID, "first": 250, "top": 18}
        assert Counter(item["kind"] for item in done.items) == {"show": 1, "person": 5, "credit": 5}
        [show] = done.of("show")
        assert (show["tags"], show["networks"]) == (["Reality TV Dating", "Game Show", "Reality TV"], ["Harbour TV"])

    def test_many_titles_an_episode_among_them(self, origin: Origin, tmp_path: Path) -> None:
        listed = tmp_path / "titles.txt"
        listed.write_text(f"{SHOW_ID}\n{EPISODE_ID} # the third\n{SHOW_ID}\n")
        done = crawl(tmp_path, "-a", f"titles=@{listed}", *origin.settings("graphql"))
        assert done.status == 0, done.output
        assert len(origin.pages_asked) == 2
        [episode] = done.of("episode")
        assert (episode["id"], episode["show_id"], episode["season_number"]) == (EPISODE_ID, SHOW_ID, 1)
        assert {item["episode_id"] for item in done.of("episode_credit")} == {EPISODE_ID}

    def test_keywords_are_followed_to_their_end(self, origin: Origin, titles: Titles, tmp_path: Path) -> None:
        titles.keywords = ["roof", "ladder", "gull", "tide", "salt"]
        done = crawl(tmp_path, "-a", f"title={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 0, done.output
        assert len(origin.pages_asked) == 3
        first, last = done.of("show")
        assert (first["main_keywords"], last["keywords"]) == (["roof", "ladder"], titles.keywords)
        assert "keywords" not in first

    def test_keywords_that_come_again_end_it(self, origin: Origin, titles: Titles, tmp_path: Path) -> None:
        titles.keywords = ["roof", "ladder", "roof", "ladder", "roof", "ladder"]
        done = crawl(tmp_path, "-a", f"title={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 3
        assert f"{SHOW_ID} keywords (the cursor 4 leads nowhere after 2 of 6)" in done.last_line

    def test_fewer_keywords_than_promised_is_partial(self, origin: Origin, titles: Titles, tmp_path: Path) -> None:
        titles.keywords = ["roof", "roof"]
        done = crawl(tmp_path, "-a", f"title={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 3
        assert f"{SHOW_ID} keywords (1 of 2 came)" in done.last_line

    def test_lists_that_are_told_in_part_are_a_gap(self, origin: Origin, tmp_path: Path) -> None:
        origin.misbehave = lambda _asked: Reply((PAGES / "answer-lists-cut.json").read_bytes())
        done = crawl(tmp_path, "-a", f"title={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 3
        assert "told in part: the tags, the production companies, the distributors" in done.last_line

    def test_one_that_nobody_knows_does_not_stop_the_others(self, origin: Origin, tmp_path: Path) -> None:
        done = crawl(tmp_path, "-a", f"title=tt99404404,{SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 3
        assert "tt99404404 (IMDb knows no title tt99404404)" in done.last_line
        assert len(done.of("show")) == 1

    def test_filming_locations_and_offers_are_asked_for_by_themselves(
        self, origin: Origin, titles: Titles, tmp_path: Path
    ) -> None:
        titles.places = 3
        arguments = ("-a", f"title={SHOW_ID}", "-a", "locations=true", "-a", "offers=true")
        done = crawl(tmp_path, *arguments, *origin.settings("graphql"))
        assert done.status == 0, done.output
        assert len(origin.pages_asked) == 4
        first, last = (item for item in done.of("show") if len(item) < 6)
        assert [place["place"] for place in first["main_filming_locations"]] == ["Harbour 1", "Harbour 2"]
        assert [place["id"] for place in last["filming_locations"]] == ["lc9901", "lc9902", "lc9903"]
        assert [offer["offer_type"] for offer in done.of("offer")] == ["streaming", "rent_buy", "rent_buy"]
        assert {offer["region"] for offer in done.of("offer")} == {"US"}

    def test_an_episodes_offers_are_its_series(self, origin: Origin, titles: Titles, tmp_path: Path) -> None:
        titles.offers = "answer-of-an-episode"
        done = crawl(tmp_path, "-a", f"title={EPISODE_ID}", "-a", "offers=true", *origin.settings("graphql"))
        assert done.status == 3
        assert f"{EPISODE_ID} offers (an episode's offers are its series': ask for {SHOW_ID})" in done.last_line
        assert done.of("offer") == []


class TestPages:
    def test_a_page_that_shows_the_first_keywords_is_followed_by_theirs(self, origin: Origin, tmp_path: Path) -> None:
        done = crawl(tmp_path, "-a", f"title={SHOW_ID}", *origin.settings("html"))
        assert done.status == 0, done.output
        assert origin.pages_asked == [f"/title/{SHOW_ID}/", f"/title/{SHOW_ID}/keywords/"]
        shown, last = done.of("show")
        assert (shown["title"], last["keywords"]) == ("Salt & Ladder", ["lighthouse", "rock & roll"])
        assert "keywords" not in shown
        assert [credit["billing_order"] for credit in done.of("credit")] == [1, 2, 3, 4, 5]

    def test_a_page_of_keywords_that_shows_not_all_is_a_gap(
        self, origin: Origin, titles: Titles, tmp_path: Path
    ) -> None:
        titles.keywords_page = "../keywords/page-cut"
        done = crawl(tmp_path, "-a", f"title={SHOW_ID}", *origin.settings("html"))
        assert done.status == 3
        assert f"{SHOW_ID} keywords (pages show 1 of 82, only GraphQL serves all)" in done.last_line
        assert len(done.of("show")) == 1

    def test_pages_tell_the_first_places_and_no_offers(self, origin: Origin, tmp_path: Path) -> None:
        arguments = ("-a", f"title={SHOW_ID}", "-a", "locations=true", "-a", "offers=true")
        done = crawl(tmp_path, *arguments, *origin.settings("html"))
        assert done.status == 3
        assert f"{SHOW_ID} filming locations (the page shows 5 of 20, only GraphQL serves all)" in done.last_line
        assert f"{SHOW_ID} offers (only GraphQL tells where it can be watched)" in done.last_line
        [places] = [item["main_filming_locations"] for item in done.of("show") if "main_filming_locations" in item]
        assert len(places) == 5

    def test_the_reference_page_tells_the_network(self, origin: Origin, tmp_path: Path) -> None:
        done = crawl(tmp_path, "-a", f"title={SHOW_ID}", "-a", "reference=true", *origin.settings("html"))
        assert done.status == 0, done.output
        assert origin.pages_asked == [f"/title/{SHOW_ID}/reference/"]
        assert done.of("show")[0]["networks"] == ["Harbour TV"]

    def test_an_episode(self, origin: Origin, tmp_path: Path) -> None:
        done = crawl(tmp_path, "-a", f"title={EPISODE_ID}", *origin.settings("html"))
        assert done.status == 0, done.output
        assert [episode["id"] for episode in done.of("episode")] == [EPISODE_ID]

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("another-title", f"asked for {SHOW_ID}, the page is about tt99003009"),
            ("cut", "the page is cut"),
            ("legacy-of-2017", "a page that has no title data"),
        ],
    )
    def test_a_page_that_cannot_be_used_gives_no_item(
        self, origin: Origin, tmp_path: Path, name: str, words: str
    ) -> None:
        origin.misbehave = lambda _asked: Reply((PAGES / f"{name}.html").read_bytes())
        done = crawl(tmp_path, "-a", f"title={SHOW_ID}", *origin.settings("html"))
        assert done.status in (1, 4)
        assert words in done.last_line
        assert done.items == []

    def test_new_keys_are_named(self, origin: Origin, tmp_path: Path) -> None:
        origin.misbehave = lambda _asked: Reply((PAGES / "new-keys.html").read_bytes())
        done = crawl(tmp_path, "-a", f"title={SHOW_ID}", *origin.settings("html"))
        assert done.status == 0
        assert "nobody reads credit.shoeSize yet" in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Say which title to crawl"),
        (("-a", "title=nm0000001"), "'nm0000001' is not an IMDb title"),
        (("-a", f"title={SHOW_ID}", "-a", "reference=perhaps"), "neither true nor false"),
        (
            ("-a", f"show={SHOW_ID}"),
            "imdb_title has no argument 'show'; it takes dry_run, due, force, limit, locations, offers, reference",
        ),
    ],
)
def test_a_mistake_in_the_call_is_one_sentence(arguments: tuple[str, ...], words: str) -> None:
    done = refused("imdb_title", *arguments)
    assert done.status == 2
    assert words in done.last_line


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"there are no recorded pages in {CAPTURES}")
def test_a_page_that_imdb_served_from_an_archive(tmp_path: Path) -> None:
    [captured] = (CAPTURES / "imdb" / "title").glob("*tt0213327*.html")
    archive = tmp_path / "captured.warc.gz"
    assert scrapy("archive-add", archive, "https://www.imdb.com/title/tt0213327/", captured).status == 0
    done = crawl(tmp_path, "-a", "title=tt0213327", "-s", f"REPLAY={archive}")
    assert done.status == 3
    assert "tt0213327 keywords 6 to 82 (not in the archive" in done.last_line
    assert Counter(item["kind"] for item in done.items) == {"show": 1, "person": 20, "credit": 18}
