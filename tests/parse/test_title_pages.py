"""Every recorded title page against its golden, and the layouts of all years against each other.

A page is `<name>.html`, or `answer-<name>.json` for an answer of GraphQL. Beside it stands its golden, checked by hand:
`<name>.items.json` or `<name>.error.json`. A message in a golden that ends with "…" goes on in another library's words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from support import CAPTURES
from trr_crawl import text
from trr_crawl.items import UNSET, Credit, Item, Show, payload
from trr_crawl.parse.errors import PageError, ShapeError
from trr_crawl.parse.imdb import title_page
from trr_crawl.parse.imdb.title_page import TitlePage

PAGES = Path(__file__).parents[1] / "pages" / "imdb" / "title"
GOLDENS = (".items.json", ".error.json")
LAYOUTS = ("layout-2023", "layout-2025", "layout-2026", "reference-2025-08", "reference-2025-10")


def is_golden(path: Path) -> bool:
    return path.name.endswith(GOLDENS)


def name_of(path: Path) -> str:
    return path.name.partition(".")[0]


def page_of(golden: Path) -> Path:
    [page] = (path for path in golden.parent.glob(f"{name_of(golden)}.*") if not is_golden(path))
    return page


def read(page: Path, title_id: str) -> TitlePage:
    if page.suffix == ".html":
        return title_page.parse_page(page.read_bytes(), title_id)
    return title_page.parse_answer(page.read_bytes(), title_id, country="US", language="en-US")


def as_json(items: Iterator[Item]) -> list[dict[str, Any]]:
    return [
        {"kind": item.kind, "key": item.key, "payload": orjson.loads(orjson.dumps(payload(item)))} for item in items
    ]


def as_golden(page: TitlePage, title_id: str) -> dict[str, Any]:
    """What a golden says of a page."""
    return {
        "title_id": title_id,
        "cast_count": page.cast.count,
        "cast_total": page.cast.total,
        "keywords_count": page.count,
        "keywords_total": page.keywords_total,
        "next_cursor": page.next_cursor,
        "drift": page.drift,
        "items": as_json(page.items()),
    }


def lines(data: Any) -> list[str]:
    """As JSON, a line a value: tells 8 from 8.0 and 1 from true, which Python holds for equal."""
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False).splitlines()


def goldens(ending: str) -> list[Any]:
    return [pytest.param(path, id=name_of(path)) for path in sorted(PAGES.glob(f"*{ending}"))]


def test_every_page_has_one_golden() -> None:
    pages = sorted(name_of(path) for path in PAGES.iterdir() if not is_golden(path))
    assert sorted(name_of(path) for path in PAGES.iterdir() if is_golden(path)) == pages


@pytest.mark.parametrize("golden", goldens(".items.json"))
def test_a_page_holds_these_items(golden: Path) -> None:
    expected = json.loads(golden.read_bytes())
    page = read(page_of(golden), expected["title_id"])
    assert lines(as_golden(page, expected["title_id"])) == lines(expected)
    assert {item.source for item in page.items()} == {"imdb"}


@pytest.mark.parametrize("golden", goldens(".error.json"))
def test_a_page_is_refused(golden: Path) -> None:
    expected = json.loads(golden.read_bytes())
    with pytest.raises(PageError) as caught:
        read(page_of(golden), expected["title_id"])
    ours, dots, _ = expected["message"].partition("…")
    assert (type(caught.value).__name__, str(caught.value)[: len(ours) if dots else None]) == (expected["error"], ours)


class TestLayouts:
    """One show, told in the layouts of all years."""

    ONLY_SOME: frozenset[str] = frozenset(
        # Older pages do not speak of these, a /reference page of the totals, a title page of tagline and networks.
        "tags tagline networks total_episodes unknown_season_episodes top_rated_episode_rating credits_total "
        "faqs_total questions_total".split()
    )

    def show(self, name: str) -> dict[str, Any]:
        page = title_page.parse_page((PAGES / f"{name}.html").read_bytes(), "tt99003000")
        return payload(page.title)

    def credits(self, name: str) -> list[Item]:
        page = title_page.parse_page((PAGES / f"{name}.html").read_bytes(), "tt99003000")
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
            body = (PAGES / "answer-show.json").read_bytes()
            page = title_page.parse_answer(body, "tt99003000", country="US", language="en-US")
            assert list(page.cast.items()) == newest
        else:
            assert self.credits(name) == newest

    def test_an_answer_says_all_that_pages_say(self) -> None:
        body = (PAGES / "answer-show.json").read_bytes()
        show = title_page.parse_answer(body, "tt99003000", country="US", language="en-US").title
        unsaid = {name for name in Show.__slots__ if getattr(show, name) is UNSET}
        assert unsaid == {
            "top_rated_episode_rating",
            "top_episode_ids",
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
        page = title_page.parse_keywords_answer(
            self.answer(
                total=300,
                pageInfo={"hasNextPage": True, "endCursor": "cursor-3"},
                edges=[{"node": {"text": "gull"}}, {"node": {"text": "gull"}}, {"node": {"text": "roof"}}],
            ),
            "tt99003000",
        )
        assert (page.keywords, page.total, page.next_cursor) == (["gull", "roof"], 300, "cursor-3")

    def test_the_last_part(self) -> None:
        page = title_page.parse_keywords_answer(self.answer(total=0, edges=[]), "tt99003000")
        assert (page.keywords, page.total, page.next_cursor) == ([], 0, None)

    def test_of_another_title(self) -> None:
        with pytest.raises(PageError, match="asked for tt99003001, the page is about tt99003000"):
            title_page.parse_keywords_answer(self.answer(total=0), "tt99003001")

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


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"there are no recorded pages in {CAPTURES}")
class TestCaptured:
    """Pages that IMDb really served, of 2022 to 2026. They are not ours to publish."""

    def body(self, pattern: str) -> bytes:
        [path] = (CAPTURES / "imdb").glob(pattern)
        raw = path.read_bytes()
        if path.suffix == ".html":
            return raw
        return b'<script id="__NEXT_DATA__">' + raw.replace(b"</", b"<\\/") + b"</script>"

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
        assert newer.networks == [], "a film was first shown by none"

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
