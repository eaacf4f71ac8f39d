"""Every recorded advanced search against its golden, and the parser on the one that IMDb really served."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from golden_pages import GoldenTests, as_page
from golden_pages import captured as recorded

from trr_crawl.items import UNSET, Image
from trr_crawl.parse.imdb import search_title
from trr_crawl.parse.imdb.search_title import SearchPage


class TestGoldens(GoldenTests):
    kind = "search_title"
    parsers = (search_title,)

    def read(self, page: Path, about: str) -> SearchPage:
        if page.suffix == ".html":
            return search_title.parse_page(page.read_bytes(), about)
        return search_title.parse_answer(page.read_bytes(), about, country="US", language="en-US")

    def describe(self, page: SearchPage) -> dict[str, Any]:
        named = {"about": page.series.id} if page.series else {}
        return {**named, "count": page.count, "total": page.total, "next_cursor": page.next_cursor}


def test_the_query_names_its_operation_and_cursor() -> None:
    query = search_title.query("tt99000001", after="c")
    assert query["variables"] == {"id": "tt99000001", "first": 250, "after": "c"}
    assert f"query {query['operationName']}(" in query["query"]
    assert query["query"].count("{") == query["query"].count("}")


def captured() -> tuple[dict[str, Any], SearchPage]:
    """The one search that IMDb served, and what the parser makes of it."""
    raw = recorded("search_title/*.json")
    results: dict[str, Any] = json.loads(raw)["props"]["pageProps"]["searchResults"]["titleResults"]
    return results, search_title.parse_page(as_page(raw), "tt0071007")


def test_a_real_search_is_read_in_full() -> None:
    results, page = captured()
    assert (page.count, page.total, page.next_cursor, page.drift) == (204, 204, None, [])
    for item, episode in zip(results["titleListItems"], page.episodes, strict=True):
        assert (episode.id, episode.show_id) == (item["titleId"], "tt0071007")
        assert (episode.season_number, episode.episode_number) == (UNSET, UNSET)
        assert (episode.title, episode.overview) == (html.unescape(item["titleText"]), html.unescape(item["plot"]))
        assert (episode.runtime_seconds, episode.certificate) == (item["runtime"], item["certificate"])
        assert (episode.genres, episode.main_genres) == (UNSET, item["genres"]), "there may be more than three"
        assert episode.can_rate == item["canRate"]
        assert episode.rating == (item["ratingSummary"]["aggregateRating"] or None)
        assert episode.vote_count == item["ratingSummary"]["voteCount"]
        assert episode.release_year == item["releaseYear"]
        assert isinstance(episode.image, Image)
        assert episode.image.url == item["primaryImage"]["url"]


def test_the_series_is_told_as_to_a_caller_from_italy() -> None:
    results, page = captured()
    told_series = results["titleListItems"][0]["series"]
    assert page.series is not None
    assert page.series.country == "IT"
    assert page.series.title == told_series["titleText"] != page.series.original_title
    assert page.series.original_title == told_series["originalTitleText"]
    assert (page.series.start_year, page.series.end_year) == (1974, 1983)
