"""Pages that show the first few of something, and old exports, cover nothing that IMDb told in full before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from origin import Asked, Origin, Reply, json_reply, serving
from psycopg.rows import dict_row

from samples import imdb_pages
from samples.harbour_hearts import SHOW, SHOW_ID
from support import scrapy

COAST = replace(SHOW, genres=("Reality-TV", "Romance", "Game-Show", "Comedy"), countries=("US", "CA"))
WHOLE, CUT = imdb_pages.head(COAST, whole=True), imdb_pages.head(COAST)
CAST = [edge["node"]["name"] for edge in CUT["castPageTitle"]["edges"]]
CHARACTERS = [f"Self - Host {number}" for number in range(1, 6)]


def edges(count: int, node: Any) -> dict[str, Any]:
    return {"edges": [{"node": node(number)} for number in range(1, count + 1)]}


def keywords(count: int) -> dict[str, Any]:
    return {"total": 8, **edges(count, lambda number: {"text": f"keyword {number}"})}


def interests(count: int) -> dict[str, Any]:
    return edges(count, lambda number: {"primaryText": {"text": f"Tag {number}"}})


def companies(count: int) -> dict[str, Any]:
    return edges(
        count, lambda number: {"company": {"id": f"co990000{number}", "companyText": {"text": f"Co {number}"}}}
    )


def title_answer() -> dict[str, Any]:
    """All that IMDb has of the show."""
    return {
        **WHOLE,
        "keywords": keywords(8),
        "interests": {**interests(7), "pageInfo": {"hasNextPage": False}},
        "production": {**companies(4), "total": 4},
        "episodes": {**imdb_pages.totals(COAST), "displayableSeasons": season_labels()},
    }


def season_labels() -> dict[str, Any]:
    return {"total": 4, "edges": [{"node": {"text": label}} for label in COAST.seasons]}


def title_page() -> bytes:
    """What a title page shows of it."""
    roles = {"category": {"text": "Self", "traits": ["CAST_TRAIT", "SELF_TRAIT"]}}
    roles["characters"] = edges(3, lambda number: {"name": CHARACTERS[number - 1]})
    told = {"creditedRoles": {"edges": [{"node": roles}]}, "episodeCredits": {"total": 30}}
    cast = [{"name": name, **told} for name in CAST]
    props = {
        "aboveTheFoldData": {
            **CUT,
            "genres": WHOLE["genres"],
            "keywords": keywords(5),
            "interests": interests(5),
        },
        "mainColumnData": {
            "countriesDetails": WHOLE["countriesDetails"],
            "production": companies(3),
            "episodes": {**imdb_pages.totals(COAST), "displayableSeasons": season_labels()},
            "castV2": [{"grouping": {"text": "Top Cast"}, "totalCredits": 4, "credits": cast}],
        },
        "requestContext": {"sidecar": {"localizationResponse": {"userCountryCode": "US", "userLanguage": "en-US"}}},
    }
    script = json.dumps({"props": {"pageProps": props}})
    return f'<script id="__NEXT_DATA__" type="application/json">{script}</script>'.encode()


def credits_answer() -> dict[str, Any]:
    told = {"category": {"id": "self"}, "characters": [{"name": name} for name in CHARACTERS]}
    told["episodeCredits"] = {"total": 30}
    return {**WHOLE, "credits": {"total": len(CAST), **edges(len(CAST), lambda n: {"name": CAST[n - 1], **told})}}


def answer(asked: Asked) -> Reply | None:
    if asked.method == "POST":
        operation = json.loads(asked.body)["operationName"]
        titles = {"TitlePage": title_answer, "TitleCredits": credits_answer}
        return json_reply({"data": {"title": titles[operation]()}}) if operation in titles else None
    return Reply(title_page()) if asked.path == f"/title/{SHOW_ID}/" else None


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving(Origin(COAST)) as served:
        served.misbehave = answer
        yield served


def crawl(origin: Origin, spider: str, transport: str) -> str:
    """Crawl the show; returns the last line of the log."""
    done = scrapy(
        "crawl", spider, "-a", f"{'title' if spider == 'imdb_title' else 'show'}={SHOW_ID}", *origin.settings(transport)
    )
    assert done.status in (0, 3), done.output
    return done.last_line


def facts(url: str, table: str) -> list[dict[str, Any]]:
    """All rows of a table but for their times."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        found = connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
    return [{name: value for name, value in row.items() if not name.endswith("_at")} for row in found]


def changes(url: str, kind: str) -> int:
    with psycopg.connect(url) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM changes WHERE kind = %s", [kind]).fetchall()
    return int(count)


@pytest.mark.parametrize(
    "steps",
    [
        ["imdb_title graphql", "imdb_episodes html", "imdb_title html", "imdb_episodes graphql", "imdb_title graphql"],
        ["imdb_title html", "imdb_episodes html", "imdb_title html"],
    ],
    ids=["all ways", "pages only"],
)
def test_a_show_is_the_same_after_every_page(origin: Origin, crawl_url: str, steps: list[str]) -> None:
    crawl(origin, *steps[0].split())
    [before] = facts(crawl_url, "shows")
    for step in steps[1:]:
        last_line = crawl(origin, *step.split())
        assert facts(crawl_url, "shows") == [before], step
        assert changes(crawl_url, "show") == 1
    assert "1 show unchanged" in last_line
    assert (before["genres"], before["countries"]) == (list(COAST.genres), list(COAST.countries))
    shown = (5, 5, 3) if "graphql" not in steps[0] else (8, 7, 4)
    assert tuple(len(before[name]) for name in ("keywords", "tags", "companies")) == shown


def test_a_credit_is_the_same_after_a_page_that_shows_three_characters(origin: Origin, crawl_url: str) -> None:
    crawl(origin, "imdb_title", "html")
    assert [row["characters"] for row in facts(crawl_url, "credits")] == [CHARACTERS[:3]] * len(CAST)
    crawl(origin, "imdb_credits", "graphql")
    before = facts(crawl_url, "credits")
    assert [row["characters"] for row in before] == [CHARACTERS] * len(CAST)
    crawl(origin, "imdb_title", "html")
    assert facts(crawl_url, "credits") == before
    assert changes(crawl_url, "credit") == 2 * len(CAST)


def test_an_old_export_covers_nothing_but_tells_what_nobody_told(
    origin: Origin, crawl_url: str, tmp_path: Path
) -> None:
    crawl(origin, "imdb_title", "graphql")
    [before] = facts(crawl_url, "shows")
    assert before["release_date"] is None
    columns = "Const,Title,Original Title,Title Type,IMDb Rating,Runtime (mins),Year,Genres,Num Votes,Release Date"
    export = tmp_path / "coast.csv"
    export.write_text(f"{columns}\n{SHOW_ID},Hafen,Port,TV Movie,1.5,7,1999,Drama,12,1999-05-01\n")
    assert scrapy("crawl", "imdb_list", "-a", f"file={export}").status == 0
    [after] = facts(crawl_url, "shows")
    assert after.pop("release_date").year == 1999
    assert after.pop("provenance") == before.pop("provenance") | {"release_date": "imdb_exports"}
    assert after == {name: value for name, value in before.items() if name != "release_date"}
