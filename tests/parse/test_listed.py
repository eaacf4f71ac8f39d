"""Titles as other pages mention them."""

from __future__ import annotations

from typing import Any

import pytest

from trr_crawl.items import UNSET, Episode, payload
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.imdb import listed
from trr_crawl.parse.node import Node

SERIES = {"id": "tt99000001", "titleText": {"text": "Harbour Hearts"}}


def episode(**more: Any) -> Episode:
    node = {"id": "tt99000101", "titleType": {"id": "tvEpisode"}, "series": {"series": SERIES}, **more}
    show, found = listed.titles(Node(node, "title"), country="US", language="en-US")
    assert show is not None
    assert show.id == "tt99000001"
    assert found is not None
    return found


@pytest.mark.parametrize("show_type", ["tvEpisode", "podcastEpisode"])
def test_an_episode_brings_its_series(show_type: str) -> None:
    assert episode(titleType={"id": show_type}).show_id == "tt99000001"


def test_what_a_node_does_not_carry_stays_unset() -> None:
    assert payload(episode()) == {
        "id": "tt99000101",
        "show_id": "tt99000001",
        "episode_type": "tvEpisode",
        "country": "US",
    }


@pytest.mark.parametrize("inner", [None, {"text": None}, {"text": ""}, {"text": "unknown"}, {"text": "Unknown"}])
def test_a_number_that_nobody_knows_is_none(inner: Any) -> None:
    found = episode(
        series={"series": SERIES, "displayableEpisodeNumber": {"displayableSeason": inner, "episodeNumber": inner}}
    )
    assert (found.season_number, found.episode_number) == (None, None)


def test_a_strange_number_is_an_error() -> None:
    number = {"displayableSeason": {"text": "winter"}}
    with pytest.raises(
        ShapeError, match=r"title\.series\.displayableEpisodeNumber\.displayableSeason\.text is 'winter'"
    ):
        episode(series={"series": SERIES, "displayableEpisodeNumber": number})


def test_a_year_without_a_date_is_no_date() -> None:
    found = episode(releaseYear={"year": 2023})
    assert (found.air_date, found.release_year, found.release_month) == (UNSET, 2023, UNSET)


def test_an_episode_of_a_series_that_is_not_told_is_neither() -> None:
    node = Node({"id": "tt99000101", "titleType": {"id": "tvEpisode"}, "series": None}, "title")
    assert listed.titles(node, country=None, language=None) == (None, None)


def test_a_title_of_unknown_type_is_taken_for_a_show() -> None:
    show, found = listed.titles(Node({"id": "tt99000010"}, "title"), country="US", language="en-US")
    assert show is not None
    assert (show.id, found) == ("tt99000010", None)
