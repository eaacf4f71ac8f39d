"""The episodes parser on a page that IMDb really served. It is not ours to publish, so a clone without it skips."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from golden_pages import as_page
from golden_pages import captured as recorded

from trr_crawl.items import UNSET, Episode, payload
from trr_crawl.parse.imdb import episodes
from trr_crawl.parse.imdb.episodes import EpisodesPage

KEPT = {
    "id": "id",
    "type": "episode_type",
    "season": "season_number",
    "episode": "episode_number",
    "titleText": "title",
    "releaseDate": "air_date",
    "releaseYear": "release_year",
    "image": "image",
    "plot": "overview",
    "aggregateRating": "rating",
    "voteCount": "vote_count",
    "canRate": "can_rate",
}
"""Where each key of a listed episode ends up."""

SAYS_NOTHING = {"contributionUrl": "where a user can send a picture of it"}
"""Keys that say nothing about the episode, and what they are for."""


@cache
def captured() -> tuple[bytes, dict[str, Any]]:
    """The one captured page's data: as it came, and read by `json`."""
    raw = recorded("episodes/*.json")
    return raw, json.loads(raw)


def content() -> dict[str, Any]:
    found: dict[str, Any] = captured()[1]["props"]["pageProps"]["contentData"]
    return found


def listed() -> list[dict[str, Any]]:
    """The episodes as the page lists them."""
    items: list[dict[str, Any]] = content()["section"]["episodes"]["items"]
    return items


@cache
def parsed() -> EpisodesPage:
    """What the parser makes of it, put into a page's script again."""
    return episodes.parse_page(as_page(captured()[0]), content()["entityMetadata"]["id"])


def test_all_episodes_are_read() -> None:
    page = parsed()
    assert (page.total, page.count, len(page.episodes)) == (11, 11, 11)
    assert page.next_cursor is None
    assert [episode.id for episode in page.episodes] == [item["id"] for item in listed()]
    assert [str(episode.episode_number) for episode in page.episodes] == [item["episode"] for item in listed()]
    assert {episode.show_id for episode in page.episodes} == {page.show.id}


def test_the_unaired_pilot_is_the_one_without_a_date() -> None:
    [pilot] = [episode for episode in parsed().episodes if episode.episode_number == 0]
    undated = [episode.id for episode in parsed().episodes if episode.air_date is None]
    assert undated == [pilot.id]
    assert (pilot.release_year, pilot.release_month, pilot.rating, pilot.vote_count) == (None, None, None, 0)


def test_the_selectors_are_read() -> None:
    page = parsed()
    section = content()["section"]
    assert len(page.season_labels) == 8
    assert page.season_labels == [entry["value"] for entry in section["seasons"]]
    assert page.year_labels == [entry["value"].lower() for entry in section["years"]]
    assert page.season == section["currentSeason"]
    assert [season.season_number for season in page.seasons] == list(range(1, 9))
    assert [season.season_number for season in page.seasons if season.episode_count == 11] == [1]


def test_the_show_is_told_as_to_a_caller_from_italy() -> None:
    show, head = parsed().show, content()["entityMetadata"]
    assert (show.country, show.language) == ("IT", "en-US")
    assert show.title == head["titleText"]["text"] != show.original_title == head["originalTitleText"]["text"]
    assert show.certificate == head["certificate"]["rating"]
    assert show.total_episodes == content()["section"]["episodesWidgetData"]["totalEpisodes"]["total"]
    assert show.top_episode_ids == content()["section"]["topTen"]
    assert show.rating == head["ratingsSummary"]["aggregateRating"]


def test_a_show_has_all_fields_that_the_page_tells() -> None:
    assert payload(parsed().show).keys() == set(
        "id title original_title country language show_type production_status publication_status canonical_id "
        "start_year end_year overview certificate runtime_seconds rating vote_count main_genres main_countries image "
        "season_labels years total_episodes unknown_season_episodes top_rated_episode_rating top_episode_ids "
        "top_cast_ids main_creator_ids director_ids credits_total reviews_total trivia_total faqs_total "
        "questions_total".split()
    )


def test_everyone_named_is_read() -> None:
    page, head = parsed(), content()["entityMetadata"]
    cast = [edge["node"]["name"]["id"] for edge in head["castPageTitle"]["edges"]]
    creators = [credit["name"]["id"] for group in head["creatorsPageTitle"] for credit in group["credits"]]
    assert (page.show.top_cast_ids, page.show.main_creator_ids) == (cast, creators)
    assert {person.id for person in page.people} == {*cast, *creators}
    assert all(person.name for person in page.people)


def test_nothing_in_it_is_new_to_the_parser() -> None:
    assert parsed().drift == []


def test_every_key_of_an_episode_is_kept_or_says_nothing() -> None:
    keys = {key for item in listed() for key in item}
    assert keys == KEPT.keys() | SAYS_NOTHING.keys()


@pytest.mark.parametrize(("key", "field"), KEPT.items())
def test_what_a_key_says_is_kept(key: str, field: str) -> None:
    for item, episode in zip(listed(), parsed().episodes, strict=True):
        told = item.get(key) is not None and (key, item[key]) != ("aggregateRating", 0)
        assert (getattr(episode, field) not in (None, UNSET)) == told, f"{key} of {item['id']}"


def test_no_text_keeps_its_entities() -> None:
    texts = [text for episode in parsed().episodes for text in words(episode)]
    assert any("&" in item.get("plot", "") for item in listed())
    assert [text for text in texts if "&quot;" in text or "&#" in text or "&amp;" in text] == []


def words(episode: Episode) -> list[str]:
    """All that is written about an episode."""
    caption = episode.image.caption if episode.image else None
    return [text for text in (episode.title, episode.overview, caption) if text]
