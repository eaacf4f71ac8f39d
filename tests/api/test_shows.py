"""/shows: lists, filters, orders, pages; one show by id, slug and old slug."""

from __future__ import annotations

import httpx
import psycopg
import pytest

from serving import Counted
from stock import SHOWS, walk


def titles(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [show["title"] for show in response.json()["data"]]


@pytest.fixture(scope="module")
def ids(stocked_url: str) -> dict[str, str]:
    """Ids of sources -> the catalog's."""
    with psycopg.connect(stocked_url) as connection:
        return {value: str(entity) for value, entity in connection.execute("SELECT value, entity_id FROM external_ids")}


def test_a_show_has_all_that_is_known_of_it(client: httpx.Client, ids: dict[str, str]) -> None:
    show = client.get("/shows/harbour-hearts").json()
    assert show["id"] == ids["tt99000001"]
    assert (show["title"], show["slug"], show["genres"]) == (
        "Harbour Hearts",
        "harbour-hearts",
        ["Reality-TV", "Romance"],
    )
    assert show["ratings"] == {"imdb": {"rating": 7.4, "votes": 1203}, "tmdb": {"rating": 6.9, "votes": 88}}
    assert show["external_ids"] == {"imdb": "tt99000001", "tmdb": "99001", "tvdb": "9901"}
    assert [named["name"] for named in show["network_details"] + show["company_details"]] == [
        "Harbour Channel",
        "Pier Pictures",
    ]
    assert [
        (offers["region"], offers["offer_type"], [provider["name"] for provider in offers["providers"]])
        for offers in show["providers"]
    ] == [("DE", "flatrate", ["Streamly"]), ("US", "buy", ["Streamly"]), ("US", "flatrate", ["Boatflix", "Streamly"])]
    assert show["poster"]["url"] == "https://pictures.example/Poster.jpg"
    assert (show["newest_episode"]["season_number"], show["newest_episode"]["episode_number"]) == (2, 2)
    assert show["listed_on"] == ["imdb"]
    assert "provenance" not in show


def test_provenance_comes_on_request(client: httpx.Client) -> None:
    show = client.get("/shows/harbour-hearts?expand=provenance").json()
    assert show["provenance"]["title"] == "imdb"
    assert show["provenance"]["overview"] == "tmdb"


def test_fields_leave_out_the_rest(client: httpx.Client) -> None:
    assert list(client.get("/shows/harbour-hearts?fields=title,genres").json()) == ["id", "title", "genres"]
    assert all(list(show) == ["id", "slug"] for show in client.get("/shows?fields=slug").json()["data"])


@pytest.mark.parametrize("sort", ["name", "popularity", "rating", "updated"])
def test_pages_of_every_order_have_each_show_once(client: httpx.Client, sort: str) -> None:
    whole = titles(client.get(f"/shows?sort={sort}&limit=100"))
    assert len(whole) == SHOWS == len(set(whole))
    assert [show["title"] for show in walk(client, f"/shows?sort={sort}&limit=7")] == whole


def test_orders_are_what_they_are_called(client: httpx.Client) -> None:
    assert titles(client.get("/shows?limit=2")) == ["Harbour Hearts", "Lagoon 01"]
    assert titles(client.get("/shows?sort=popularity&limit=1")) == ["Harbour Hearts"]
    assert titles(client.get("/shows?sort=newest_episode")) == ["Harbour Hearts"]  # of the others nothing aired
    rated = client.get("/shows?sort=rating&limit=100").json()["data"]
    ratings = [(show["ratings"]["imdb"] or show["ratings"]["tmdb"] or {"rating": -1})["rating"] for show in rated]
    assert ratings == sorted(ratings, reverse=True)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("genre=Romance", 1),
        ("genre=Game-Show", SHOWS - 1),
        ("genre=romance", 0),
        ("network=Harbour Channel", 1),
        ("tag=Dating", 1),
        ("status=Returning Series", 1),
        ("type=tvMiniSeries", 12),
        ("year=2019&genre=Romance", 1),
        ("updated_since=2000-01-01T00:00:00Z", SHOWS),
        ("updated_since=2199-01-01T00:00:00Z", 0),
    ],
)
def test_filters_narrow_the_list(client: httpx.Client, query: str, found: int) -> None:
    assert len(titles(client.get(f"/shows?limit=100&{query}"))) == found


def test_lists_and_providers_narrow_by_id(client: httpx.Client, ids: dict[str, str]) -> None:
    assert titles(client.get(f"/shows?list={ids['ls99000001']}")) == ["Harbour Hearts"]
    assert titles(client.get(f"/shows?provider={ids['9302']}")) == ["Harbour Hearts"]
    assert titles(client.get(f"/shows?provider={ids['9302']}&region=US")) == ["Harbour Hearts"]
    assert titles(client.get(f"/shows?provider={ids['9302']}&region=DE")) == []


def test_a_show_and_a_list_cost_one_round_trip(client: httpx.Client, ids: dict[str, str]) -> None:
    for path in ("/shows/harbour-hearts", f"/shows/{ids['tt99000001']}", "/shows?genre=Romance&limit=3"):
        client.get(path)  # prepared on a connection of the pool
    for path in ("/shows/harbour-hearts", f"/shows/{ids['tt99000001']}", "/shows?genre=Romance&limit=3"):
        before = Counted.trips
        for _ in range(20):
            client.get(path)
        # A connection that has not seen the statement prepares it first.
        assert 20 <= Counted.trips - before <= 22
