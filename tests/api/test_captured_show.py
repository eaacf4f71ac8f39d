"""A real show, as TMDb really told of it, through the crawl and out of the API; every answer held against its model."""

from __future__ import annotations

from pathlib import Path

import httpx
from test_captured_tmdb import archive, pytestmark  # noqa: F401 - a fixture, and where there is nothing recorded: skip

from serving import Checked, served, settings
from stock import walk
from support import scrapy
from trr_api.app import create_app


def test_game_of_thrones_is_served(archive: Path, crawl_url: str) -> None:  # noqa: F811
    done = scrapy("crawl", "tmdb_show", "-a", "show=1399", "-s", f"REPLAY={archive}", TMDB_BEARER_TOKEN="")
    assert done.status == 3, done.output
    app = create_app(settings(crawl_url))
    hooks = {"response": [Checked(app)]}
    with served(app) as address, httpx.Client(base_url=f"{address}/api/v1", event_hooks=hooks) as client:
        show = client.get("/shows/game-of-thrones?expand=seasons,top_cast,provenance,translations").json()
        assert client.get("/find/imdb/tt0944947").json()["data"][0]["id"] == show["id"]
        assert ([season["season_number"] for season in show["seasons"]], len(show["top_cast"])) == (list(range(9)), 20)
        assert show["network_details"]
        assert len(client.get("/shows/game-of-thrones/seasons/1/episodes").json()["data"]) == 10
        assert sum(1 for _ in walk(client, "/shows/game-of-thrones/credits?category=cast&limit=100")) == 580
        first = show["top_cast"][0]["person"]
        assert client.get(f"/people/{first['slug']}").json()["id"] == first["id"]
        assert client.get(f"/people/{first['id']}/credits").json()["data"][0]["show"]["id"] == show["id"]
        assert client.get(f"/people/{first['id']}/co-stars?limit=1").json()["data"]
        for path in ("/networks", "/companies", "/schedule?from=2011-04-01&to=2011-07-01"):
            assert client.get(path).json()["data"]
