"""Every recorded title page against its golden, and the layouts of all years against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from golden_pages import PAGES, GoldenTests, as_page, captured

from trr_crawl import text
from trr_crawl.items import UNSET, Credit, Item, Show, payload
from trr_crawl.parse.errors import PageError, ShapeError
from trr_crawl.parse.imdb import keywords, title_page
from trr_crawl.parse.imdb.title_page import TitlePage

FOLDER = PAGES / "title"
LAYOUTS = ("layout-2023", "layout-2025", "layout-2026", "reference-2025-08", "reference-2025-10")


class TestGoldens(GoldenTests):
    kind = "title"
    parsers = (title_page,)
    named = "title_id"

    def read(self, page: Path, about: str) -> TitlePage:
        if page.suffix == ".html":
            return title_page.parse_page(page.read_bytes(), about)
        return title_page.parse_answer(page.read_bytes(), about, country="US", language="en-US")

    def describe(self, page: TitlePage) -> dict[str, Any]:
        return {
            "cast_count": page.cast.count,
            "cast_total": page.cast.total,
            "keywords_count": page.count,
            "keywords_total": page.keywords_total,
            "next_cursor": page.next_cursor,
        }


class TestLayouts:
    """One show, told in the layouts of all years."""

    ONLY_SOME: frozenset[str] = frozenset(
        # Older pages do not speak of these, a /reference page of the totals, a title page of tagline and networks.
        "tags tagline networks total_episodes unknown_season_episodes top_rated_episode_rating credits_total "
        "faqs_total questions_total".split()
    )

    def show(self, name: str) -> dict[str, Any]:
        page = title_page.parse_page((FOLDER / f"{name}.html").read_bytes(), "tt99003000")
        return payload(page.title)

    def credits(self, name: str) -> list[Item]:
        page = title_page.parse_page((FOLDER / f"{name}.html").read_bytes(), "tt99003000")
        return list(page.cast.items())

    @pytest.mark.parametrize("name", LAYOUTS)
    def test_the_same_facts_are_the_same_fields(self, name: str) -> None:
        newest = self.show("layout-2026")
        show = self.show(name)
        assert newest.keys() ^ show.keys() <= self.ONLY_SOME
        assert {key: show[key] for key in show.keys() & newest.keys()} == {
            key: newest[key] for key in show.keys() & newest.keys()
        }

    @pytest.mark.parametrize("name", [*LAYOUTS, "answer-show"])
    def test_the_same_cast_is_the_same_credits(self, name: str) -> None:
        newest = self.credits("layout-2026")
        if name == "answer-show":
            body = (FOLDER / "answer-show.json").read_bytes()
            page = title_page.parse_answer(body, "tt99003000", country="US", language="en-US")
            assert list(page.cast.items()) == newest
        else:
            assert self.credits(name) == newest

    def test_an_answer_says_all_that_pages_say(self) -> None:
        body = (FOLDER / "answer-show.json").read_bytes()
        show = title_page.parse_answer(body, "tt99003000", country="US", language="en-US").title
        said_by_pages = {field for name in LAYOUTS for field in self.show(name)}
        assert said_by_pages - payload(show).keys() == {
            "top_rated_episode_rating",
            "reviews_total",
            "trivia_total",
            "faqs_total",
            "questions_total",
        }
        newest = self.show("layout-2026")
        assert {key: payload(show)[key] for key in payload(show).keys() & newest.keys()} == {
            key: newest[key] for key in payload(show).keys() & newest.keys()
        }


class TestKeywords:
    def answer(self, **keywords: Any) -> bytes:
        title = {"id": "tt99003000", "titleText": {"text": "Salt & Ladder"}, "keywords": keywords}
        return orjson.dumps({"data": {"title": title}})

    def test_the_next_part(self) -> None:
        page = keywords.parse_answer(
            self.answer(
                total=300,
                pageInfo={"hasNextPage": True, "endCursor": "cursor-3"},
                edges=[{"node": {"text": "gull"}}, {"node": {"text": "gull"}}, {"node": {"text": "roof"}}],
            ),
            "tt99003000",
        )
        assert (page.keywords, page.total, page.next_cursor) == (["gull", "roof"], 300, "cursor-3")

    def test_the_last_part(self) -> None:
        page = keywords.parse_answer(self.answer(total=0, edges=[]), "tt99003000")
        assert (page.keywords, page.total, page.next_cursor) == ([], 0, None)

    def test_of_another_title(self) -> None:
        with pytest.raises(PageError, match="asked for tt99003001, the page is about tt99003000"):
            keywords.parse_answer(self.answer(total=0), "tt99003001")

    @pytest.mark.parametrize(
        ("names", "tags"),
        [
            (["Dating Reality TV"], ["Reality TV Dating"]),
            (["dating reality tv", "Dating Reality TV"], ["Reality TV dating"]),
            (["Reality TV", "reality tv"], ["Reality TV"]),
            (["  Game   Show ", ""], ["Game Show"]),
            ([], []),
        ],
    )
    def test_tags_are_normalized(self, names: list[str], tags: list[str]) -> None:
        assert text.tags(names) == tags


CAPTURED = {
    "title/*tt3303790*.html": "tt3303790",
    "title/*tt0133093_2023*.html": "tt0133093",
    "title/*tt0111161*.html": "tt0111161",
    "title/*tt0213327*.html": "tt0213327",
    "title_reference/*tt1520211*.json": "tt1520211",
    "title_reference/*tt0133093*.json": "tt0133093",
}


class TestCaptured:
    """Pages that IMDb really served, of 2022 to 2026. They are not ours to publish."""

    def body(self, pattern: str) -> bytes:
        raw = captured(pattern)
        return raw if pattern.endswith(".html") else as_page(raw)

    def show(self, pattern: str) -> Show:
        show = title_page.parse_page(self.body(pattern), CAPTURED[pattern]).title
        assert isinstance(show, Show)
        return show

    @pytest.mark.parametrize(("pattern", "title_id"), CAPTURED.items())
    def test_it_is_read_and_nothing_in_it_is_new(self, pattern: str, title_id: str) -> None:
        page = title_page.parse_page(self.body(pattern), title_id)
        assert (page.title.key, page.drift) == (title_id, [])
        assert page.title.title
        assert page.cast.count <= page.cast.total
        assert len([item for item in page.items() if isinstance(item, Credit)]) == page.cast.count

    def test_a_film_in_three_layouts(self) -> None:
        older, newer = self.show("title/*tt0133093_2023*.html"), self.show("title_reference/*tt0133093*.json")
        same = "original_title show_type start_year overview runtime_seconds genres countries languages trailer_url"
        same += " top_cast_ids director_ids creator_ids production_status"
        assert [getattr(older, name) for name in same.split()] == [getattr(newer, name) for name in same.split()]
        assert (older.country, newer.country) == ("US", "IT")
        assert older.release_date != newer.release_date, "dates follow the caller's country"
        assert newer.networks is UNSET, "not all of its distributors are here"
        assert newer.main_networks == [], "a film was first shown by none"

    def test_a_series_saved_by_a_browser(self) -> None:
        show = self.show("title/*tt0213327*.html")
        assert (show.total_seasons, show.total_episodes, show.start_year, show.end_year) == (5, 110, 2000, 2005)
        assert show.countries == ["CA", "US"], "the head names only the first"
        assert isinstance(show.genres, list)
        assert len(show.genres) == 4, "titleGenres ends after the third"
        assert isinstance(show.creator_ids, list)
        assert len(show.creator_ids) == 2

    def test_a_series_on_its_reference_page(self) -> None:
        show = self.show("title_reference/*tt1520211*.json")
        assert show.season_labels == [str(number) for number in range(1, 12)]
        assert isinstance(show.networks, list)
        assert len(show.networks) == 1
        assert isinstance(show.companies, list)
        assert len(show.companies) == 6
        assert show.tagline

    def test_the_page_of_2017_is_an_error_and_no_empty_item(self) -> None:
        with pytest.raises(ShapeError, match="the page holds no __NEXT_DATA__"):
            title_page.parse_page(self.body("title/*tt0114478*.html"), "tt0114478")

    def test_the_page_of_another_title_is_refused(self) -> None:
        with pytest.raises(PageError, match="asked for tt0213328, the page is about tt0213327"):
            title_page.parse_page(self.body("title/*tt0213327*.html"), "tt0213328")
