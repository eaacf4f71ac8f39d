"""Every recorded list against its golden, and the parser on what IMDb really served."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from golden_pages import PAGES, GoldenTests, captured

from trr_crawl.items import UNSET, Show
from trr_crawl.parse.errors import NoSuchTitle, Refused
from trr_crawl.parse.imdb import lists
from trr_crawl.parse.imdb.lists import ListPage


class TestGoldens(GoldenTests):
    kind = "list"
    parsers = (lists,)
    sources = frozenset({"imdb", lists.EXPORTS})

    def read(self, page: Path, about: str) -> ListPage:
        body = page.read_bytes()
        if page.suffix == ".csv":
            return lists.parse_csv(body, about)
        if page.suffix == ".html":
            return lists.parse_page(body, about)
        return lists.parse_answer(body, about, country="US", language="en-US")

    def describe(self, page: ListPage) -> dict[str, Any]:
        keys = [(item.kind, item.key) for item in page.items()]
        assert len(set(keys)) == len(keys)
        return {
            "about": page.title_list.id,
            "count": page.count,
            "total": page.total,
            "unplaced": page.unplaced,
            "next_cursor": page.next_cursor,
            "has_more": page.has_more,
        }


def test_titles_that_earlier_parts_named_are_counted_on() -> None:
    page = PAGES / "list" / "answer-full.json"
    part = lists.parse_answer(
        page.read_bytes(), "ls990000001", country="US", language="en-US", earlier={"tt99000001": 3, "tt99000101": 1}
    )
    assert [entry.occurrence for entry in part.entries] == [4, 1, 2, 5]
    assert part.named == Counter({"tt99000001": 2, "tt99000010": 1, "tt99000101": 1})


@pytest.mark.parametrize(
    ("list_id", "operation", "variable", "argument"),
    [
        ("ls990000001", "TitleListEntries", "ls990000001", "list(id: $id)"),
        (
            "ur99000001/watchlist",
            "WatchlistEntries",
            "ur99000001",
            "predefinedList(classType: WATCH_LIST, userId: $id)",
        ),
    ],
)
def test_the_query_names_its_operation_and_cursor(list_id: str, operation: str, variable: str, argument: str) -> None:
    query = lists.query(list_id, after="c")
    assert query["operationName"] == operation
    assert query["variables"] == {"id": variable, "first": 250, "after": "c"}
    assert f"query {operation}($id: ID!, $first: Int!, $after: String)" in query["query"]
    assert argument in query["query"]
    assert query["query"].count("{") == query["query"].count("}")


def test_a_real_answer_to_a_shorter_query_is_read() -> None:
    body = captured("graphql/*imdb_list_p1.json")
    search = json.loads(body)["data"]["list"]["titleListItemSearch"]
    page = lists.parse_answer(body, "ls055350410", country="US", language="en-US")
    assert (page.total, page.count, page.has_more) == (27, 3, True)
    assert page.next_cursor == search["pageInfo"]["endCursor"]
    assert [entry.show_id for entry in page.entries] == [edge["title"]["id"] for edge in search["edges"]]


def test_a_real_private_watchlist_is_called_private() -> None:
    with pytest.raises(Refused, match=r"\(FORBIDDEN\): the list ur99000001/watchlist is private"):
        lists.parse_answer(
            captured("graphql/*watchlist_private.json"), "ur99000001/watchlist", country="US", language="en-US"
        )


def test_a_real_refusal_keeps_its_words() -> None:
    with pytest.raises(Refused, match=r"BAD_USER_INPUT.*Not a valid Date"):
        lists.parse_answer(captured("graphql/*search_refused.json"), "ls990000001", country="US", language="en-US")


def test_another_kind_of_list_in_the_answer_is_none() -> None:
    with pytest.raises(NoSuchTitle, match="shows no list ur99000001/watchlist"):
        lists.parse_answer(
            captured("graphql/*imdb_list_p1.json"), "ur99000001/watchlist", country="US", language="en-US"
        )


@pytest.mark.parametrize("pattern", ["list/*list_export_2023.csv", "list/*ratings_export_2023.csv"])
def test_real_exports_are_read_cell_by_cell(pattern: str) -> None:
    body = captured(pattern)
    rows = list(csv.DictReader(body.decode().splitlines()))
    page = lists.parse_csv(body, "csv:x")
    assert (page.total, page.drift, page.unplaced) == (3, [], [])
    for row, entry, show in zip(rows, page.entries, page.titles.values(), strict=True):
        assert isinstance(show, Show)
        assert entry.show_id == show.id == row["Const"]
        assert entry.position == (int(row["Position"]) if "Position" in row else UNSET)
        assert str(entry.added_on) == row.get("Created", row["Date Rated"])
        assert (show.title, show.show_type) == (row["Title"], row["Title Type"])
        assert (str(show.rating), str(show.vote_count)) == (row["IMDb Rating"], row["Num Votes"])
        assert show.runtime_seconds == int(row["Runtime (mins)"]) * 60
        assert (str(show.start_year), str(show.release_date)) == (row["Year"], row["Release Date"])
        assert isinstance(show.genres, list)
        assert ", ".join(show.genres) == row["Genres"]


@pytest.mark.parametrize(
    ("words", "type_id"),
    [
        ("tvMiniSeries", "tvMiniSeries"),
        ("TV Mini Series", "tvMiniSeries"),
        ("Movie", "movie"),
        ("movie", "movie"),
        ("Podcast Episode", "podcastEpisode"),
    ],
)
def test_types_of_newer_exports_are_imdb_s_own_words(words: str, type_id: str) -> None:
    page = lists.parse_csv(f"Const,Title Type\ntt99000001,{words}\n".encode(), "csv:x")
    types = {show.show_type for show in page.titles.values() if isinstance(show, Show)}
    assert types == ({type_id} if type_id != "podcastEpisode" else set())
    assert page.unplaced == ([] if types else ["tt99000001"])
