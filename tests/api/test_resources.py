"""Seasons, episodes, credits, people, pictures, organisations, lists, and ids elsewhere."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg
import pytest

from serving import Counted
from stock import walk


@pytest.fixture(scope="module")
def ids(stocked_url: str) -> dict[str, str]:
    """Ids of sources -> the catalog's."""
    with psycopg.connect(stocked_url) as connection:
        return {value: str(entity) for value, entity in connection.execute("SELECT value, entity_id FROM external_ids")}


def data(client: httpx.Client, path: str) -> Any:
    response = client.get(path)
    assert response.status_code == 200, response.text
    return response.json()["data"]


def test_seasons_come_by_number(client: httpx.Client) -> None:
    assert [season["season_number"] for season in data(client, "/shows/harbour-hearts/seasons")] == [0, 1, 2]
    season = client.get("/shows/harbour-hearts/seasons/2?expand=episodes").json()
    assert (season["episode_count"], [found["title"] for found in season["episodes"]]) == (2, ["Week 1", "Week 2"])


def test_episodes_come_in_order_whole_and_by_season(client: httpx.Client) -> None:
    numbers = [
        (found["season_number"], found["episode_number"]) for found in walk(client, "/shows/harbour-hearts/episodes")
    ]
    assert numbers == [(0, 1), *((1, number) for number in range(1, 61)), (2, 1), (2, 2)]
    first = walk(client, "/shows/harbour-hearts/seasons/1/episodes?limit=7")
    assert [found["episode_number"] for found in first] == list(range(1, 61))


def test_an_episode_names_its_show(client: httpx.Client, ids: dict[str, str]) -> None:
    episode = client.get(f"/episodes/{ids['tt9902001']}?expand=provenance").json()
    assert (episode["show"]["slug"], episode["season_number"], episode["air_date"]) == (
        "harbour-hearts",
        2,
        "2021-01-02",
    )
    assert episode["provenance"]["title"] == "imdb"


def test_the_schedule_has_the_days_asked_for(client: httpx.Client) -> None:
    found = list(walk(client, "/schedule?from=2020-01-10&to=2020-02-03&limit=5"))
    days = [episode["air_date"] for episode in found]
    assert days == sorted(days)
    assert (days[0], days[-1], len(days)) == ("2020-01-10", "2020-02-03", 22)
    assert data(client, "/schedule?from=2020-01-10&to=2020-02-03&network=Nobody") == []
    assert len(data(client, "/schedule?from=2020-01-10&to=2020-01-10&network=Harbour Channel")) == 1


def test_credits_come_in_billing_order(client: httpx.Client) -> None:
    cast = data(client, "/shows/harbour-hearts/credits?category=cast")
    assert [(credit["person"]["name"], credit["billing_order"]) for credit in cast] == [
        ("Mara Lindqvist", 1),
        ("Tom O'Hara", 2),
    ]
    assert [credit["person"]["slug"] for credit in data(client, "/shows/harbour-hearts/credits?as_self=true")] == [
        "mara-lindqvist"
    ]
    assert data(client, "/shows/harbour-hearts/credits?category=director") == []


def test_credits_of_a_season_and_an_episode(client: httpx.Client, ids: dict[str, str]) -> None:
    season = data(client, "/shows/harbour-hearts/seasons/1/credits")
    assert [(credit["person"]["name"], credit["episode_count"]) for credit in season] == [
        ("Mara Lindqvist", 2),
        ("Tom O'Hara", 1),
    ]
    episode = data(client, f"/episodes/{ids['tt9901001']}/credits?category=cast")
    assert [credit["person"]["name"] for credit in episode] == ["Mara Lindqvist", "Tom O'Hara"]


def test_people_are_found_by_the_beginning_of_a_name(client: httpx.Client) -> None:
    assert [person["name"] for person in data(client, "/people?name=MARA")] == ["Mara Lindqvist"]
    assert data(client, "/people?name=%25") == []
    assert [person["name"] for person in walk(client, "/people?limit=1")] == ["Mara Lindqvist", "Tom O'Hara"]
    assert len(data(client, "/people?sort=popularity")) == 2


def test_a_person_has_a_picture_and_facts_of_fandom(client: httpx.Client) -> None:
    person = client.get("/people/mara-lindqvist?expand=fandom,provenance").json()
    assert (person["birth_date"], person["picture"]["url"]) == ("1985-09-14", "https://pictures.example/Face.jpg")
    [page] = person["fandom"]
    assert (page["wiki"], page["taglines"]) == ("harbour", [{"season": 1, "tagline": "Ahoy."}])


def test_a_persons_work_has_shows_and_seasons(client: httpx.Client) -> None:
    [work] = data(client, "/people/mara-lindqvist/credits")
    assert (work["show"]["title"], work["seasons"], work["episodes_seen"]) == ("Harbour Hearts", [1], 2)


def test_co_stars_share_casts(client: httpx.Client) -> None:
    [star] = data(client, "/people/mara-lindqvist/co-stars")
    assert (star["person"]["name"], star["shared_shows"]) == ("Tom O'Hara", 1)
    assert [show["slug"] for show in star["shows"]] == ["harbour-hearts"]


def test_the_primary_picture_comes_first(client: httpx.Client, ids: dict[str, str]) -> None:
    pictures = data(client, "/shows/harbour-hearts/images")
    assert [(picture["kind"], picture["primary"]) for picture in pictures] == [("poster", True), ("still_frame", False)]
    assert [picture["id"] for picture in walk(client, "/shows/harbour-hearts/images?limit=1")] == [
        picture["id"] for picture in pictures
    ]
    assert [picture["kind"] for picture in data(client, "/shows/harbour-hearts/images?kind=still_frame")] == [
        "still_frame"
    ]
    assert data(client, "/shows/harbour-hearts/images?source=tmdb") == []
    assert data(client, "/shows/harbour-hearts/images?language=en") == []
    assert [picture["source"] for picture in data(client, "/people/mara-lindqvist/images")] == ["imdb"]
    assert client.get(f"/images/{ids['MV5BFace']}").json()["people"] == [
        {"id": ids["nm99000001"], "slug": "mara-lindqvist", "name": "Mara Lindqvist"}
    ]


def test_organisations_by_name_and_id(client: httpx.Client, ids: dict[str, str]) -> None:
    assert [found["name"] for found in data(client, "/networks?country=US")] == ["Harbour Channel"]
    assert data(client, "/networks?country=DE") == []
    assert [found["name"] for found in data(client, "/companies")] == ["Pier Pictures"]
    assert [found["name"] for found in walk(client, "/providers?limit=1")] == ["Boatflix", "Streamly"]
    assert client.get(f"/networks/{ids['9101']}").json()["external_ids"] == {"tmdb": "9101"}
    assert client.get(f"/companies/{ids['9201']}").json()["owner"] is None
    assert client.get(f"/providers/{ids['9301']}").json()["name"] == "Streamly"
    assert [show["slug"] for show in data(client, f"/shows?network={ids['9101']}")] == ["harbour-hearts"]
    assert [show["slug"] for show in data(client, f"/shows?company={ids['9201']}")] == ["harbour-hearts"]


def test_lists_have_entries(client: httpx.Client, ids: dict[str, str]) -> None:
    [found] = data(client, "/lists")
    assert found == client.get(f"/lists/{ids['ls99000001']}").json()
    [entry] = data(client, f"/lists/{found['id']}/entries")
    assert (entry["position"], entry["show"]["slug"], entry["episode"]) == (1, "harbour-hearts", None)


@pytest.mark.parametrize(
    ("source", "value", "kind"),
    [
        ("imdb", "tt99000001", "show"),
        ("tvdb", "9901", "show"),
        ("imdb", "tt9901001", "episode"),
        ("imdb", "nm99000001", "person"),
        ("imdb", "ls99000001", "list"),
        ("imdb", "MV5BFace", "image"),
        ("tmdb", "9101", "network"),
        ("tmdb", "9201", "company"),
        ("tmdb", "9301", "watch_provider"),
    ],
)
def test_every_external_id_is_found(
    client: httpx.Client, ids: dict[str, str], source: str, value: str, kind: str
) -> None:
    [found] = data(client, f"/find/{source}/{value}")
    assert (found["kind"], found["id"]) == (kind, ids[value])
    assert client.get(found["url"].removeprefix("/api/v1")).json()["id"] == ids[value]


def test_much_is_embedded_in_one_request(client: httpx.Client) -> None:
    client.get("/shows/harbour-hearts?expand=seasons,top_cast,provenance,translations")
    before = Counted.trips
    show = client.get("/shows/harbour-hearts?expand=seasons,top_cast,provenance,translations").json()
    assert Counted.trips - before <= 2
    assert ([season["season_number"] for season in show["seasons"]], len(show["top_cast"])) == ([0, 1, 2], 2)


@pytest.mark.parametrize(
    "path", ["/shows/harbour-hearts/seasons/1/episodes?limit=50", "/shows/harbour-hearts/credits?limit=100"]
)
def test_episodes_and_credits_cost_one_round_trip(client: httpx.Client, path: str) -> None:
    for _ in range(4):
        client.get(path)
    before = Counted.trips
    for _ in range(20):
        client.get(path)
    assert 20 <= Counted.trips - before <= 22
