"""Every page and answer that IMDb really served, from an archive through its spider into PostgreSQL.

What must land is counted in the captured files themselves. They are not ours to publish: a clone without them skips.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import in_process
import orjson
import psycopg
import pytest
from protego import Protego
from scrapy.http import JsonRequest
from scrapy.utils.project import get_project_settings

from support import CAPTURES, Crawl, scrapy
from trr_crawl.catalog import write
from trr_crawl.catalog.write import Record
from trr_crawl.parse.imdb import gallery, lists, person, watch_options

pytestmark = pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"no recorded pages in {CAPTURES}")

WEB, GRAPHQL = "https://www.imdb.com", "https://api.graphql.imdb.com/"

Replay = Callable[..., Crawl]


EXPECTED = (
    "datasets/*.head.tsv",
    "find/*.json",
    "graphql/*directing_credits*",
    "graphql/*list_p1*",
    "graphql/*media_gallery*",
    "graphql/*private*",
    "graphql/*refused*",
    "graphql/*watch_providers*",
    "list/*_export*",
    "person/*2025-*.json",
    "robots/*.txt",
    "search_title/*.json",
    "suggestion/*tt0234215*",
    "suggestion/*sdfg*",
    "title/*.html",
    "title_other/*locations*",
    "title_reference/*.json",
)
"""What the tests of this module crawl."""

ELSEWHERE = (
    "episodes/*.json",  # tests/test_captures.py
    "waf/*.html",  # tests/test_blocks.py
)
"""What other tests read."""


def captured(pattern: str) -> Path:
    """The one capture that a pattern names."""
    [found] = (CAPTURES / "imdb").glob(pattern)
    return found


def test_every_capture_has_its_expectation() -> None:
    found = {path for path in (CAPTURES / "imdb").rglob("*") if path.is_file()}
    by_pattern = {pattern: set((CAPTURES / "imdb").glob(pattern)) for pattern in (*EXPECTED, *ELSEWHERE)}
    assert all(by_pattern.values()), "a pattern names no capture"
    assert found - set().union(*by_pattern.values()) == set()


def props(path: Path) -> Any:
    """`props.pageProps` of a captured page, or of its bare data."""
    content = path.read_bytes()
    if content.lstrip().startswith(b"<"):
        content = content.partition(b'id="__NEXT_DATA__"')[2].partition(b">")[2].partition(b"</script")[0]
    return orjson.loads(content)["props"]["pageProps"]


@pytest.fixture
def replay(tmp_path: Path) -> Replay:
    """Puts a capture into an archive, as the answer to `url`, and crawls it with a spider."""

    def crawl(spider: str, pattern: str, url: str, *arguments: str, asked: Any = None) -> Crawl:
        archive, options = tmp_path / "captured.warc.gz", []
        if asked is not None:
            body = tmp_path / "asked"
            body.write_bytes(JsonRequest(url, data=asked).body)
            options = ["--post", str(body)]
        added = in_process.scrapy("archive-add", archive, url, captured(pattern), *options)
        assert added.status == 0, added.output
        transport = "html" if asked is None else "graphql"
        done = scrapy("crawl", spider, *arguments, "-s", f"REPLAY={archive}", "-s", f"IMDB_TRANSPORT={transport}")
        archive.unlink()
        return done

    return crawl


def query(url: str, statement: str) -> Any:
    """The rows of a query, or the bare values where it has one column."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(statement).fetchall()
    return [row[0] if len(row) == 1 else row for row in rows]


def run(url: str) -> dict[str, Any]:
    """What `crawl_runs` says of the last run."""
    [row] = query(
        url,
        "SELECT to_jsonb(r) FROM (SELECT * FROM crawl_runs ORDER BY started_at DESC LIMIT 1) r, LATERAL (SELECT 1) x",
    )
    found: dict[str, Any] = row
    return found


def cast_of_title_page(page: Any) -> list[str]:
    """The ids of a title page's cast, in either layout."""
    main = page["mainColumnData"]
    if "castV2" in main:
        edges = [edge for group in main["castV2"] for edge in group["credits"]]
        return [edge["name"]["id"] for edge in edges]
    return [edge["node"]["name"]["id"] for edge in main["cast"]["edges"]]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("title/tt0000001/", True),
        ("title/tt0000001/keywords/", True),
        ("title/tt0000001/locations/", True),
        ("title/tt0000001/fullcredits/", True),
        ("name/nm0000001/mediaviewer/rm0000001/", True),
        ("list/ls000000001/", True),
        ("title/tt0000001/watchoptions", False),
        ("find/?q=harbour", False),
    ],
)
def test_pages_that_robots_txt_closes_are_not_asked_for(path: str, allowed: bool) -> None:
    rules = Protego.parse(captured("robots/*.txt").read_text())
    assert rules.can_fetch(f"{WEB}/{path}", get_project_settings()["USER_AGENT"]) is allowed


TITLES = {
    "tt0111161": "title/AdrianTodd*.html",
    "tt0133093": "title/Flexget*tt0133093*.html",
    "tt3303790": "title/Flexget*tt3303790*.html",
    "tt0213327": "title/TheBestPessimist*.html",
}


@pytest.mark.parametrize("title_id", TITLES)
def test_a_title_page_of_every_layout_lands(replay: Replay, crawl_url: str, title_id: str) -> None:
    pattern = TITLES[title_id]
    page = props(captured(pattern))
    done = replay("imdb_title", pattern, f"{WEB}/title/{title_id}/", "-a", f"title={title_id}")
    head, main, cast = page["aboveTheFoldData"], page["mainColumnData"], cast_of_title_page(page)
    keywords = main.get("storylineKeywords") or head.get("keywords")
    assert done.status == (3 if keywords["total"] > len(keywords["edges"]) else 0), done.output
    [row] = query(
        crawl_url,
        "SELECT original_title, show_type, start_year, imdb_rating::float, imdb_vote_count, runtime_seconds FROM shows",
    )
    rating, runtime = head["ratingsSummary"], head["runtime"]
    assert row == (
        head["originalTitleText"]["text"],
        head["titleType"]["id"],
        head["releaseYear"]["year"] if head["releaseYear"] else None,
        rating["aggregateRating"],
        rating["voteCount"],
        runtime["seconds"] if runtime else None,
    )
    assert query(
        crawl_url,
        """
        SELECT value FROM credits JOIN external_ids ON entity_id = person_id
        WHERE category = 'cast' ORDER BY billing_order
        """,
    ) == list(dict.fromkeys(cast))
    assert query(crawl_url, "SELECT count(*) FROM crawl_rejects") == [0]
    again = replay("imdb_title", pattern, f"{WEB}/title/{title_id}/", "-a", f"title={title_id}")
    assert set(run(crawl_url)["items"]["show"]) == {"unchanged"}
    assert again.status == done.status


def test_the_page_of_2017_is_no_empty_answer(replay: Replay, crawl_url: str) -> None:
    done = replay("imdb_title", "title/*tt0114478*.html", f"{WEB}/title/tt0114478/", "-a", "title=tt0114478")
    assert done.status in (1, 4)
    assert query(crawl_url, "SELECT count(*) FROM source_records") == [0]


@pytest.mark.parametrize(("title_id", "cast"), [("tt1520211", 50), ("tt0133093", 41)])
def test_a_reference_page_is_a_part_of_the_credits(replay: Replay, crawl_url: str, title_id: str, cast: int) -> None:
    pattern = f"title_reference/*{title_id}*.json"
    done = replay(
        "imdb_credits", pattern, f"{WEB}/title/{title_id}/reference/", "-a", f"show={title_id}", "-a", "reference=true"
    )
    assert done.status == 3
    assert query(crawl_url, "SELECT count(*) FROM credits WHERE category = 'cast'") == [cast]
    orders = query(crawl_url, "SELECT billing_order FROM credits WHERE category = 'cast' ORDER BY 1")
    assert orders == list(range(1, cast + 1))
    if title_id == "tt1520211":
        assert "cast 50 of 993" in run(crawl_url)["reason"]
        assert query(crawl_url, "SELECT count(*) FROM credits WHERE removed_at IS NOT NULL") == [0]


def test_both_layouts_of_titles_give_the_same_cast(replay: Replay, crawl_url: str) -> None:
    """The title page of 2023 and the reference page of 2025 of one film, two years and two layouts apart."""
    replay("imdb_title", TITLES["tt0133093"], f"{WEB}/title/tt0133093/", "-a", "title=tt0133093")
    statement = """
        SELECT key, payload - 'billing_order' FROM source_records WHERE kind = 'credit' ORDER BY key
    """
    before = dict(query(crawl_url, statement))
    url = f"{WEB}/title/tt0133093/reference/"
    replay("imdb_title", "title_reference/*tt0133093*", url, "-a", "title=tt0133093", "-a", "reference=true")
    after = dict(query(crawl_url, statement))
    assert len(before) == 18
    assert before.items() <= after.items()


def test_both_layouts_of_a_person_give_the_same_facts(replay: Replay, crawl_url: str) -> None:
    facts = """
        SELECT to_jsonb(people) - 'id' - 'created_at' - 'updated_at' - 'biography' FROM people  -- which was rewritten
        JOIN external_ids ON entity_id = people.id WHERE value = 'nm0000126'
    """
    arguments = ("imdb_person", f"{WEB}/name/nm0000126/", "-a", "person=nm0000126")
    spider, url, *rest = arguments
    old = replay(spider, "person/*2025-07-02.json", url, *rest)
    assert old.status == 3
    before = query(crawl_url, facts)
    credited = dict(query(crawl_url, "SELECT key, payload FROM source_records WHERE kind = 'credit'"))
    replay(spider, "person/*2025-10-13.json", url, *rest)
    assert query(crawl_url, facts) == before
    now = dict(query(crawl_url, "SELECT key, payload FROM source_records WHERE kind = 'credit'"))
    assert credited.items() <= now.items()
    assert run(crawl_url)["items"]["credit"]["unchanged"] == len(credited)
    page = props(captured("person/*2025-10-13.json"))
    assert before[0]["name"] == page["aboveTheFold"]["nameText"]["text"]


def test_the_first_fifty_of_a_gallery_are_a_part_of_it(replay: Replay, crawl_url: str) -> None:
    images = orjson.loads(captured("graphql/*media_gallery*").read_bytes())["data"]["title"]["images"]
    asked = gallery.query("tt0910970", after=None)
    done = replay("imdb_media_index", "graphql/*media_gallery*", GRAPHQL, "-a", "show=tt0910970", asked=asked)
    assert done.status == 3
    assert (len(images["edges"]), images["total"]) == (50, 557)
    assert query(crawl_url, "SELECT count(*), count(source_id), count(url) FROM images") == [(50, 50, 50)]
    positions = query(crawl_url, "SELECT position FROM gallery_entries WHERE show_id IS NOT NULL ORDER BY 1")
    assert positions == list(range(1, 51))
    tagged = {name["id"] for edge in images["edges"] for name in edge["node"]["names"]}
    assert query(crawl_url, "SELECT count(DISTINCT person_id) FROM gallery_entries") == [len(tagged)]
    reason = run(crawl_url)["reason"]
    assert images["pageInfo"]["endCursor"] in reason
    assert "51 to 557" in reason


def test_offers_land_in_the_country_that_asked(replay: Replay, crawl_url: str) -> None:
    found = orjson.loads(captured("graphql/*watch_providers*").read_bytes())["data"]["title"]["watchOptionsByCategory"]
    options = [option for listed in found["categorizedWatchOptionsList"] for option in listed["watchOptions"]]
    arguments = ("-a", "title=tt1375666", "-a", "offers=true", "-s", "IMDB_COUNTRY=FR")
    asked = watch_options.query("tt1375666")
    done = replay("imdb_title", "graphql/*watch_providers*", GRAPHQL, *arguments, asked=asked)
    assert done.status == 3
    assert run(crawl_url)["reason"].startswith("could not get tt1375666 (not in the archive")
    landed = query(
        crawl_url,
        """
        SELECT value, region, link FROM offers JOIN external_ids ON entity_id = provider_id
        WHERE removed_at IS NULL ORDER BY display_priority
        """,
    )
    assert landed == [(option["provider"]["id"], "FR", option["link"]) for option in options]
    assert query(crawl_url, "SELECT count(logo_url) FROM watch_providers") == [len(options)]


def test_the_page_of_filming_locations_tells_the_first(replay: Replay, crawl_url: str) -> None:
    pattern, title_id = "title_other/*locations*", "tt0111161"
    [section] = [
        category["section"]
        for category in props(captured(pattern))["contentData"]["categories"]
        if category["id"] == "flmg_locations"
    ]
    url = f"{WEB}/title/{title_id}/locations/"
    done = replay("imdb_title", pattern, url, "-a", f"title={title_id}", "-a", "locations=true")
    assert done.status == 3
    assert f"filming locations (the page shows 5 of {section['total']}" in run(crawl_url)["reason"]
    [places] = query(crawl_url, "SELECT filming_locations FROM shows")
    assert [(place["id"], place["place"]) for place in places] == [
        (card["id"], card["cardText"]) for card in section["items"]
    ]


def test_an_answer_that_names_nobody_is_about_the_person_asked_for(replay: Replay, crawl_url: str) -> None:
    edges = orjson.loads(captured("graphql/*directing_credits*").read_bytes())["data"]["name"]["credits"]["edges"]
    asked = person.query("nm0898288", roles=("director",))
    arguments = ("-a", "person=nm0898288", "-a", "roles=director")
    done = replay("imdb_person", "graphql/*directing_credits*", GRAPHQL, *arguments, asked=asked)
    assert done.status == 3
    assert f"{len(edges)} came, and the page does not say of how many" in run(crawl_url)["reason"]
    credited = query(
        crawl_url,
        """
        SELECT of_show.value, show_type FROM credits JOIN shows ON shows.id = show_id
        JOIN external_ids of_show ON of_show.entity_id = show_id
        JOIN external_ids of_person ON of_person.entity_id = person_id
        WHERE category = 'director' AND of_person.value = 'nm0898288'
        """,
    )
    titles = [edge["node"]["title"] for edge in edges]
    assert set(credited) == {(title["id"], title["titleType"]["id"]) for title in titles}


def test_a_list_lands_with_its_ranks_and_the_rest_is_missing(replay: Replay, crawl_url: str) -> None:
    found = orjson.loads(captured("graphql/*list_p1*").read_bytes())["data"]["list"]["titleListItemSearch"]
    asked = lists.query("ls055350410", after=None)
    done = replay("imdb_list", "graphql/*list_p1*", GRAPHQL, "-a", "list=ls055350410", asked=asked)
    assert done.status == 3
    entries = query(crawl_url, "SELECT position FROM list_entries WHERE removed_at IS NULL ORDER BY position")
    assert len(entries) == len(found["edges"])
    assert query(crawl_url, "SELECT total_entries FROM lists") == [found["total"]]
    assert query(crawl_url, "SELECT DISTINCT listed_on FROM listed_shows") == [["imdb"]]


@pytest.mark.parametrize(
    ("pattern", "code"), [("graphql/*private*", "FORBIDDEN"), ("graphql/*refused*", "BAD_USER_INPUT")]
)
def test_a_refused_query_is_an_error_and_no_block(replay: Replay, crawl_url: str, pattern: str, code: str) -> None:
    asked = lists.query("ls055350410", after=None)
    done = replay("imdb_list", pattern, GRAPHQL, "-a", "list=ls055350410", asked=asked)
    assert done.status == 1
    assert code in run(crawl_url)["reason"]
    assert run(crawl_url)["blocks"] == 0
    assert query(crawl_url, "SELECT count(*) FROM source_records") == [0]


@pytest.mark.parametrize("pattern", ["list/*list_export*", "list/*ratings_export*"])
def test_an_export_lands(crawl_url: str, pattern: str) -> None:
    path = captured(pattern)
    done = scrapy("crawl", "imdb_list", "-a", f"file={path}")
    assert done.status == 0, done.output
    lines = len(path.read_text(encoding="utf-8-sig").strip().splitlines()) - 1
    assert query(crawl_url, "SELECT count(*) FROM list_entries") == [lines]


SEARCH = f"{WEB}/search/title/?series=tt0071007&count=250&sort=release_date%2Casc"


def test_a_search_enriches_episodes_whose_place_nobody_knows(replay: Replay, crawl_url: str) -> None:
    arguments = ("imdb_search", "search_title/*.json", SEARCH, "-a", "series=tt0071007")
    assert replay(*arguments).status == 0
    [counts] = query(
        crawl_url,
        """
        SELECT count(*), count(season_number), count(runtime_seconds), count(genres), count(imdb_rating) FROM episodes
        """,
    )
    assert counts[:2] == (204, 0)
    assert min(counts[2:]) > 150
    with psycopg.connect(crawl_url) as connection:
        write.prepare(connection)
        [episode_id] = connection.execute(
            "SELECT key FROM source_records WHERE kind = 'episode' ORDER BY key LIMIT 1"
        ).fetchone() or [""]
        placed = {"id": episode_id, "show_id": "tt0071007", "season_number": 2, "episode_number": 5}
        write.write(connection, [Record(source="imdb", kind="episode", key=episode_id, payload=placed)])
    placed_now = """
        SELECT seasons.season_number, episode_number, runtime_seconds IS NOT NULL FROM episodes
        JOIN seasons ON seasons.id = season_id
    """
    assert query(crawl_url, placed_now) == [(2, 5, True)]
    replay(*arguments)
    assert query(crawl_url, placed_now) == [(2, 5, True)]


def test_a_translated_title_of_a_series_does_not_cover_the_original(replay: Replay, crawl_url: str) -> None:
    with psycopg.connect(crawl_url) as connection:
        write.prepare(connection)
        known = {"id": "tt0071007", "title": "Known", "original_title": "Known", "country": "US"}
        write.write(connection, [Record(source="imdb", kind="show", key="tt0071007", payload=known)])
    replay("imdb_search", "search_title/*.json", SEARCH, "-a", "series=tt0071007")
    [(title, original, told, country)] = query(
        crawl_url,
        """
        SELECT title, original_title, payload ->> 'title', payload ->> 'country' FROM shows, source_records
        WHERE kind = 'show'
        """,
    )
    assert country == "IT"
    assert told != original
    assert title == original


SUGGEST = "https://v3.sg.media-imdb.com/suggestion/titles/x/{}.json?includeVideos=0"


@pytest.mark.parametrize(
    ("pattern", "url", "name", "more", "count"),
    [
        ("suggestion/*tt0234215*", SUGGEST.format("tt0234215"), "tt0234215", (), 1),
        ("suggestion/*sdfg*", SUGGEST.format("sdfgsdfgsdfgsdfg"), "sdfgsdfgsdfgsdfg", (), 0),
        ("find/*", f"{WEB}/find/?q=matrix&ref_=hm_nv_srb_sm", "matrix", ("-a", "by=page"), 5),
    ],
)
def test_a_name_gives_candidates_or_none(
    replay: Replay, tmp_path: Path, pattern: str, url: str, name: str, more: tuple[str, ...], count: int
) -> None:
    found = tmp_path / "found.json"
    done = replay("imdb_find", pattern, url, "-a", f"name={name}", *more, "-O", str(found))
    assert done.status == 0, done.output
    candidates = orjson.loads(found.read_bytes())
    assert len(candidates) == count
    assert [candidate["position"] for candidate in candidates] == list(range(1, count + 1))


def test_the_heads_of_the_datasets_land(tmp_path: Path, crawl_url: str) -> None:
    for path in (CAPTURES / "imdb" / "datasets").glob("*.head.tsv"):
        name = path.name.rpartition("__")[2].replace(".head", "")
        (tmp_path / name).write_bytes(path.read_bytes())
    named = {path.name for path in tmp_path.iterdir()}
    assert "title.basics.tsv" in named
    lines = [line.split("\t") for line in (tmp_path / "title.basics.tsv").read_text("utf-8").splitlines()[1:]]
    shorts = {line[0] for line in lines if line[1] == "short"}
    done = scrapy("crawl", "imdb_datasets", "-a", f"path={tmp_path}", "-a", "types=short")
    assert done.status == 0, done.output
    assert set(query(crawl_url, "SELECT value FROM external_ids WHERE kind = 'show'")) == shorts
    principals = [line.split("\t") for line in (tmp_path / "title.principals.tsv").read_text("utf-8").splitlines()[1:]]
    credited = {(line[0], line[2]) for line in principals if line[0] in shorts}
    assert (
        set(
            query(
                crawl_url,
                """
            SELECT of_show.value, of_person.value FROM credits
            JOIN external_ids of_show ON of_show.entity_id = show_id
            JOIN external_ids of_person ON of_person.entity_id = person_id
            """,
            )
        )
        == credited
    )
    assert query(crawl_url, "SELECT DISTINCT source FROM source_records") == ["imdb_datasets"]
