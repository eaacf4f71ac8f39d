"""Every recorded episodes page against its golden: the items that it holds, or the error that refuses it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from golden_pages import PAGES, GoldenTests, errors_expected, errors_raised, faults, page_of

from trr_crawl.parse import errors, node
from trr_crawl.parse.errors import PageError
from trr_crawl.parse.imdb import episodes, graphql, next_data, title
from trr_crawl.parse.imdb.episodes import EpisodesPage

FOLDER = PAGES / "episodes"


class TestGoldens(GoldenTests):
    kind = "episodes"
    parsers = (episodes, title, next_data, graphql, node)
    named = "show_id"

    def read(self, page: Path, about: str) -> EpisodesPage:
        if page.suffix == ".html":
            return episodes.parse_page(page.read_bytes(), about)
        return episodes.parse_answer(page.read_bytes(), about, country="US", language="en-US")

    def describe(self, page: EpisodesPage) -> dict[str, Any]:
        return {
            "total": page.total,
            "season": page.season,
            "season_labels": page.season_labels,
            "year_labels": page.year_labels,
            "next_cursor": page.next_cursor,
        }

    def test_no_page_expects_an_error_that_nobody_raises(self) -> None:
        assert errors_expected(self.kind) <= errors_raised(*self.parsers)
        assert all(issubclass(getattr(errors, name), PageError) for name in errors_raised(*self.parsers))


def test_a_page_or_golden_alone_is_found(tmp_path: Path) -> None:
    for name in ("good.html", "good.items.json", "lonely.html", "answer-lonely.json", "pageless.error.json"):
        (tmp_path / name).touch()
    for name in ("twofold.html", "twofold.items.json", "twofold.error.json", "stray.json", "notes.txt"):
        (tmp_path / name).touch()
    assert faults(tmp_path) == [
        "notes.txt is neither a page nor a golden",
        "stray.json is neither a page nor a golden",
        "answer-lonely has 1 pages and 0 goldens",
        "lonely has 1 pages and 0 goldens",
        "pageless has 0 pages and 1 goldens",
        "twofold has 1 pages and 2 goldens",
    ]


def layout(page: Path) -> str | None:
    """The dress in which a page lists its episodes; None where it lists none."""
    if page.suffix == ".json":
        return "answer"
    listed = next_data.page_props(page.read_bytes()).down("contentData", "section", "episodes")
    if listed is None or not (items := listed.array("items")):
        return "edges" if listed and listed.array("edges") else None
    return {str: "numbers as strings", int: "numbers"}[type(items[0]["season"])]


def test_every_layout_has_its_page() -> None:
    found = Counter(layout(page_of(path)) for path in FOLDER.glob("*.items.json"))
    assert set(found) == {"numbers as strings", "numbers", "edges", "answer", None}
