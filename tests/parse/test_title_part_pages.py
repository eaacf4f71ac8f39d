"""The pages and answers about one part of a title, against their goldens: keywords, filming locations, offers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from golden_pages import GoldenTests, captured

from trr_crawl.parse.imdb import keywords, locations, watch_options
from trr_crawl.parse.imdb.keywords import KeywordsPage
from trr_crawl.parse.imdb.locations import LocationsPage
from trr_crawl.parse.imdb.watch_options import WatchOptions


class TestKeywords(GoldenTests):
    kind = "keywords"
    parsers = (keywords,)

    def read(self, page: Path, about: str) -> KeywordsPage:
        return keywords.parse_page(page.read_bytes(), about)

    def describe(self, page: KeywordsPage) -> dict[str, Any]:
        return {"count": page.count, "total": page.total, "next_cursor": page.next_cursor}


class TestLocations(GoldenTests):
    kind = "locations"
    parsers = (locations,)

    def read(self, page: Path, about: str) -> LocationsPage:
        parse = locations.parse_page if page.suffix == ".html" else locations.parse_answer
        return parse(page.read_bytes(), about)

    def describe(self, page: LocationsPage) -> dict[str, Any]:
        return {"count": page.count, "total": page.total, "next_cursor": page.next_cursor}


class TestWatchOptions(GoldenTests):
    kind = "watch_options"
    parsers = (watch_options,)

    def read(self, page: Path, about: str) -> WatchOptions:
        return watch_options.parse_answer(page.read_bytes(), about, country="US")

    def describe(self, page: WatchOptions) -> dict[str, Any]:
        return {"count": page.count, "region": page.region, "series_id": page.series_id}


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (keywords.query("tt99003000", "c"), "TitleKeywords"),
        (locations.query("tt99003000", after="c"), "TitleLocations"),
        (watch_options.query("tt99003000"), "TitleWatchOptions"),
    ],
)
def test_a_query_names_its_operation_and_title(query: dict[str, Any], name: str) -> None:
    assert query["operationName"] == name
    assert f"query {name}(" in query["query"]
    assert query["query"].count("{") == query["query"].count("}")
    assert query["variables"]["id"] == "tt99003000"
    assert query["variables"].get("after", "c") == "c"


def test_the_real_page_of_locations_is_read_in_full() -> None:
    page = locations.parse_page(captured("title_other/*locations*"), "tt0111161")
    assert (page.count, page.total, page.drift) == (5, 20, [])
    assert all(place.id and place.id.startswith("lc") for place in page.locations)
    assert [len(place.notes) for place in page.locations] == [1, 1, 1, 1, 1]


def test_the_real_answer_about_offers_is_read_in_full() -> None:
    options = watch_options.parse_answer(captured("graphql/*watch_providers*"), "tt1375666", country="FR")
    assert (options.count, len(options.providers), options.drift) == (4, 4, [])
    assert [offer.offer_type for offer in options.offers] == ["streaming", "streaming", "rent_buy", "rent_buy"]
    assert {offer.region for offer in options.offers} == {"FR"}
