"""An invented catalog for the tests of the API: a full show, some more, what belongs to them; and a walk over lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
from psycopg import Connection

from trr_crawl.catalog import write
from trr_crawl.catalog.write import Record

SHOW, PERSON, LIST = "tt99000001", "nm99000001", "ls99000001"
SHOWS = 25


def record(kind: str, key: str, source: str = "imdb", **payload: Any) -> Record:
    return Record(source=source, kind=kind, key=key, payload=payload)


def put(connection: Connection[Any], *records: Record) -> None:
    """Write them; nothing may be refused."""
    assert write.write(connection, records).rejects == []


def stock(connection: Connection[Any]) -> None:
    """Fill an empty catalog, search with it."""
    put(connection, *_harbour_hearts(), *_others())
    index(connection)


def index(connection: Connection[Any]) -> None:
    """Let search catch up with the catalog at once, as the API does by itself a moment later."""
    while connection.execute("SELECT index_search_documents(1000)").fetchall() != [(0,)]:
        pass
    connection.commit()


def _harbour_hearts() -> list[Record]:
    tmdb = {"external_ids": {"imdb": SHOW, "tvdb": "9901"}}
    return [
        record(
            "show",
            SHOW,
            title="Harbour Hearts",
            original_title="Harbour Hearts",
            show_type="tvSeries",
            start_year=2019,
            genres=["Reality-TV", "Romance"],
            networks=["Harbour Channel"],
            tags=["Dating"],
            keywords=["boat"],
            rating=7.4,
            vote_count=1203,
            country="US",
            release_date="2019-05-03",
        ),
        record(
            "show",
            "99001",
            "tmdb",
            title="Harbour Hearts",
            overview="Nobody is speaking to anybody at the marina.",
            production_status="Returning Series",
            network_ids=["9101"],
            company_ids=["9201"],
            popularity=41.5,
            rating=6.9,
            vote_count=88,
            last_air_date="2020-06-01",
            content_ratings=[{"country": "US", "rating": "TV-14"}],
            alternative_titles=[{"title": "Hafenherzen", "country": "DE"}],
            **tmdb,
        ),
        record("network", "9101", "tmdb", name="Harbour Channel", country="US"),
        record("company", "9201", "tmdb", name="Pier Pictures", country="US"),
        record("watch_provider", "9301", "tmdb", name="Streamly"),
        record("watch_provider", "9302", "tmdb", name="Boatflix"),
        *(
            record(
                "offer",
                f"99001/{region}/{terms}/{provider}",
                "tmdb",
                show_id="99001",
                region=region,
                offer_type=terms,
                provider_id=provider,
                display_priority=priority,
                link="https://offers.example/99001",
            )
            for region, terms, provider, priority in (
                ("US", "flatrate", "9301", 2),
                ("US", "flatrate", "9302", 1),
                ("US", "buy", "9301", None),
                ("DE", "flatrate", "9301", 1),
            )
        ),
        *(
            record("season", f"{SHOW}/{season}", show_id=SHOW, season_number=season, episode_count=count)
            for season, count in ((0, 1), (1, 60), (2, 2))
        ),
        *(_episode(season, number) for season, last in ((0, 1), (1, 60), (2, 2)) for number in range(1, last + 1)),
        record("person", PERSON, name="Mara Lindqvist", birth_date="1985-09-14"),
        record("person", "nm99000002", name="Tom O'Hara"),
        record(
            "credit",
            f"{SHOW}/{PERSON}/cast",
            show_id=SHOW,
            person_id=PERSON,
            category="cast",
            billing_order=1,
            characters=["Self - Host"],
            as_self=True,
            episode_count=60,
        ),
        record(
            "credit",
            f"{SHOW}/nm99000002/cast",
            show_id=SHOW,
            person_id="nm99000002",
            category="cast",
            billing_order=2,
            characters=["Self"],
        ),
        *(
            record(
                "episode_credit",
                f"tt9901{number:03d}/{person}/cast",
                show_id=SHOW,
                episode_id=f"tt9901{number:03d}",
                person_id=person,
                category="cast",
            )
            for number, person in ((1, PERSON), (2, PERSON), (1, "nm99000002"))
        ),
        *(
            record(
                "image", f"MV5B{name}", url=f"https://pictures.example/{name}.jpg", width=1000, height=1500,
                image_type=kind, person_ids=[PERSON] if name == "Face" else [],
            )
            for name, kind in (("Poster", "poster"), ("Still", "still_frame"), ("Face", "profile"))
        ),
        record("gallery_entry", f"{SHOW}/MV5BPoster", picture_id="MV5BPoster", show_id=SHOW, position=2),
        record("gallery_entry", f"{SHOW}/MV5BStill", picture_id="MV5BStill", show_id=SHOW, position=1),
        record("gallery_entry", f"{PERSON}/MV5BFace", picture_id="MV5BFace", person_id=PERSON, position=1),
        record("person", "harbour/7", "fandom", name="Mara Lindqvist", external_ids={"imdb": PERSON}),
        record(
            "fandom_page", "harbour/7", "fandom", wiki="harbour", page_id=7, title="Mara Lindqvist",
            url="https://harbour.example/wiki/Mara", person_id="harbour/7",
            taglines=[{"season": 1, "tagline": "Ahoy."}],
        ),
        record("list", LIST, name="Shows by the sea", author="ur99000001", total_entries=1),
        record("list_entry", f"{LIST}/{SHOW}/1", list_id=LIST, show_id=SHOW, occurrence=1, position=1),
    ]  # fmt: skip


def _episode(season: int, number: int) -> Record:
    return record(
        "episode",
        f"tt99{season:02d}{number:03d}",
        show_id=SHOW,
        season_number=season,
        episode_number=number,
        title=f"Week {number}",
        air_date=f"20{19 + season}-{1 + number // 28:02d}-{1 + number % 28:02d}",
        country="US",
    )


def _others() -> list[Record]:
    return [
        record(
            "show",
            f"tt990001{number:02d}",
            title=f"Lagoon {number:02d}",
            original_title=f"Lagoon {number:02d}",
            show_type="tvMiniSeries" if number % 2 else "tvSeries",
            start_year=2000 + number,
            genres=["Game-Show"],
            country="US",
            **({"rating": number / 4} if number > 5 else {}),
        )
        for number in range(1, SHOWS)
    ]


def walk(client: httpx.Client, path: str) -> Iterator[dict[str, Any]]:
    """All rows of a list, page by page as the Link header leads."""
    pages = 0
    while path:
        response = client.get(path)
        assert response.status_code == 200, response.text
        yield from response.json()["data"]
        cursor = response.json()["next_cursor"]
        assert (cursor is None) == ("next" not in response.links)
        path = response.links["next"]["url"].removeprefix("/api/v1") if cursor else ""
        pages += 1
        assert pages < 1000
