"""Every answer that TMDb really served: read strictly, and one show from an archive through its spider into PostgreSQL.

What must land is counted in the captured files themselves. They are not ours to publish: a clone without them skips.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import in_process
import orjson
import psycopg
import pytest

from support import CAPTURES, Server, catalog_state, scrapy
from trr_crawl.items import Credit, Item, Picture
from trr_crawl.parse.errors import PageError, ShapeError
from trr_crawl.parse.node import Node
from trr_crawl.parse.tmdb import (
    answer,
    changes,
    exports,
    fields,
    find,
    images,
    listed,
    lists,
    offers,
    organisations,
    person,
    season,
    show,
    work,
)
from trr_crawl.parse.tmdb.fields import Drift

FOLDER = CAPTURES / "tmdb"
EN = "en-US"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no recorded answers in {FOLDER}")


def captures(kind: str) -> list[Any]:
    """All captures of a kind; one that skips with the rest where there are none."""
    return [pytest.param(path, id=path.name) for path in sorted((FOLDER / kind).glob("*"))] or [pytest.param(FOLDER)]


def captured(pattern: str) -> Any:
    """The one capture that a pattern names, as data."""
    [found] = FOLDER.glob(pattern)
    return orjson.loads(found.read_bytes())


def id_of(path: Path) -> str:
    """The id in an answer."""
    return str(orjson.loads(path.read_bytes())["id"])


def whole(path: Path) -> tuple[Node, Drift]:
    return answer.read(path.read_bytes(), "capture"), Drift()


class TestParts:
    @pytest.mark.parametrize("path", captures("tv_details_append"))
    def test_a_show(self, path: Path) -> None:
        page = show.parse(path.read_bytes(), id_of(path), language=EN)
        told = orjson.loads(path.read_bytes())
        kinds = Counter(item.kind for item in page.items())
        assert page.drift == []
        assert (page.show.title, kinds["season"]) == (told["name"], len(told["seasons"]))
        assert kinds["image"] == sum(map(len, told.get("images", {}).values()))

    @pytest.mark.parametrize("path", captures("tv_season_append"))
    def test_a_season(self, path: Path) -> None:
        page = season.parse(path.read_bytes(), "1399", 1)
        told = orjson.loads(path.read_bytes())["episodes"]
        assert page.drift == []
        assert [episode.id for episode in page.episodes] == [str(episode["id"]) for episode in told]
        assert {(credit.episode_id, credit.person_id) for credit in page.cast.credits} == {
            (str(episode["id"]), str(entry["id"]))
            for episode in told
            for entry in (*episode["guest_stars"], *episode["crew"])
        }

    @pytest.mark.parametrize("path", captures("tv_aggregate_credits"))
    def test_credits(self, path: Path) -> None:
        node, drift = whole(path)
        found = work.aggregate(node, id_of(path), drift)
        told = node.data
        assert drift == set()
        assert len(found.credits) == found.count == len(told["cast"]) + len(told["crew"])
        assert sum(len(credit.roles or ()) for credit in found.credits) == sum(
            len(entry.get("roles") or entry["jobs"]) for entry in (*told["cast"], *told["crew"])
        )

    @pytest.mark.parametrize("path", [*captures("tv_images"), *captures("person_images"), *captures("network")])
    def test_pictures(self, path: Path) -> None:
        node, drift = whole(path)
        found = list(images.gallery(node, drift, show_id=id_of(path)))
        assert drift == set()
        assert sum(isinstance(item, Picture) for item in found) == sum(
            len(listed) for listed in node.data.values() if isinstance(listed, list)
        )

    @pytest.mark.parametrize("path", captures("tv_watch_providers"))
    def test_offers(self, path: Path) -> None:
        node, drift = whole(path)
        found = offers.read(node, id_of(path), drift)
        assert drift == set()
        assert Counter((offer.region, offer.offer_type) for offer in found.offers) == {
            (region, terms): len(listed)
            for region, told in node.data["results"].items()
            for terms, listed in told.items()
            if terms != "link"
        }

    @pytest.mark.parametrize("path", captures("tv_keywords"))
    def test_keywords(self, path: Path) -> None:
        node, drift = whole(path)
        assert show.keywords(node, drift) == [entry["name"] for entry in node.data["results"]]
        assert drift == set()

    @pytest.mark.parametrize("path", captures("genre_tv_list"))
    def test_genres_are_the_ones_that_we_know(self, path: Path) -> None:
        assert {entry["id"]: entry["name"] for entry in whole(path)[0].data["genres"]} == listed.GENRES

    @pytest.mark.parametrize("path", captures("configuration"))
    def test_originals_are_where_we_think(self, path: Path) -> None:
        told = whole(path)[0].data["images"]
        assert told["secure_base_url"] + "original" == fields.IMAGES_URL
        assert all("original" in sizes for name, sizes in told.items() if name.endswith("_sizes"))


class TestPages:
    @pytest.mark.parametrize("path", [*captures("person"), *captures("person_append")])
    def test_a_person(self, path: Path) -> None:
        page = person.parse(path.read_bytes(), id_of(path), language=EN)
        told = orjson.loads(path.read_bytes())
        assert page.drift == []
        assert (page.person.external_ids or {}).get("imdb") == told["imdb_id"]
        entries = [entry for kind in told.get("tv_credits", {}).values() for entry in kind]
        assert sum(len(credit.roles or ()) for credit in page.credits) == len(entries)
        assert set(page.shows) == {str(entry["id"]) for entry in entries}

    @pytest.mark.parametrize("path", [*captures("list_v3"), *captures("list_v4")])
    def test_a_list(self, path: Path) -> None:
        told = orjson.loads(path.read_bytes())
        if "id" not in told:  # it answers a change of a list, which we never ask for
            with pytest.raises(ShapeError, match=r"list\.id is missing"):
                lists.parse(path.read_bytes(), "1", language=EN)
            return
        page = lists.parse(path.read_bytes(), str(told["id"]), language=EN)
        assert page.drift == []
        assert page.count == page.total == len(told.get("items") or told["results"])

    @pytest.mark.parametrize("path", captures("find"))
    def test_what_is_found(self, path: Path) -> None:
        page = find.parse(path.read_bytes(), "tt0000000", language=EN)
        assert (page.drift, page.count) == ([], 1)

    @pytest.mark.parametrize("path", captures("tv_changes_list"))
    def test_changes(self, path: Path) -> None:
        page = changes.parse(path.read_bytes())
        assert (page.drift, page.count, page.page) == ([], 100, 1)
        assert page.total_pages == -(-page.total // 100)

    @pytest.mark.parametrize("path", captures("company"))
    def test_a_company(self, path: Path) -> None:
        if "_movies" in path.name:  # only its films
            assert whole(path)[0].data["total_results"] > 0
            return
        company, drift = organisations.parse_company(path.read_bytes(), id_of(path))
        assert (company.country, drift) == ("US", [])

    @pytest.mark.parametrize("path", captures("daily_export"))
    def test_lines_of_a_daily_list(self, path: Path) -> None:
        told = path.read_bytes().splitlines()
        assert all(isinstance(exports.read_line(line).data["id"], int) for line in told)
        if "tv_series" in path.name:
            export = exports.Export(exports.Of.SHOWS)
            assert len(export.read(path.read_bytes())) == len(told)
            assert export.drift == set()

    @pytest.mark.parametrize("path", captures("error"))
    def test_an_error_has_a_sentence_of_its_own(self, path: Path) -> None:
        code = orjson.loads(path.read_bytes())["status_code"]
        names = {7: "KeyRefused", 20: "BadQuery", 22: "BadQuery", 25: "AskedTooOften", 34: "NoSuchTitle"}
        with pytest.raises(PageError) as caught:
            answer.read(path.read_bytes(), "show 1")
        assert type(caught.value).__name__ == names.get(code, "Refused")


def test_no_capture_is_left_out() -> None:
    read = set(re.findall(r'captures\("(\w+)"\)', Path(__file__).read_text(encoding="utf-8")))
    assert {path.name for path in FOLDER.iterdir()} - read == {"headers"}


SHOW_ID = "1399"
Replay = Callable[..., Any]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The captured show and its first season, as one answer to the spider's first question."""
    details = captured("tv_details_append/*GetShow_0.json")
    first = captured("tv_season_append/*.json")
    parts = ("credits", "aggregate_credits", "external_ids")
    details["season/1"] = {key: value for key, value in first.items() if key not in parts}
    details["season/1/external_ids"] = first["external_ids"]
    body = tmp_path / "answer.json"
    body.write_bytes(orjson.dumps(details))
    asked = ",".join([*show.PARTS, *show.season_parts(range(20))][:20])
    url = f"https://api.themoviedb.org/3/tv/{SHOW_ID}?append_to_response={asked}&include_image_language=en,null"
    path = tmp_path / "captured.warc.gz"
    added = in_process.scrapy("archive-add", path, f"{url}&language={EN}", body)
    assert added.status == 0, added.output
    return path


def rows(url: str, statement: str) -> list[Any]:
    """The rows of a query, or the bare values where it has one column."""
    with psycopg.connect(url) as connection:
        found = connection.execute(statement).fetchall()
    return [row[0] if len(row) == 1 else row for row in found]


class TestGameOfThrones:
    def crawl(self, archive: Path) -> str:
        done = scrapy("crawl", "tmdb_show", "-a", f"show={SHOW_ID}", "-s", f"REPLAY={archive}", TMDB_BEARER_TOKEN="")
        assert done.status == 3, done.output
        assert "Traceback" not in done.output
        return done.last_line

    def test_all_of_it_lands_and_lands_once(self, archive: Path, crawl_url: str) -> None:
        details = captured("tv_details_append/*GetShow_0.json")
        line = self.crawl(archive)
        assert "1399 seasons 3, 4, 5, 6, 7, 8 (not in the archive" in line
        told = details["aggregate_credits"]
        cast = rows(crawl_url, "SELECT roles, episode_count FROM credits WHERE category = 'cast'")
        crew = rows(crawl_url, "SELECT roles FROM credits WHERE category NOT IN ('cast', 'creator')")
        assert (len(cast), len(crew)) == (len(told["cast"]), len(told["crew"])) == (580, 337)
        assert sorted((count, sorted(role["episode_count"] for role in roles)) for roles, count in cast) == sorted(
            (entry["total_episode_count"], sorted(role["episode_count"] for role in entry["roles"]))
            for entry in told["cast"]
        )
        departments = Counter(entry["department"] for entry in told["crew"])
        assert dict(
            rows(
                crawl_url,
                "SELECT category_name, count(*)::integer FROM credits "
                "WHERE category NOT IN ('cast', 'creator') GROUP BY 1",
            )
        ) == dict(departments)
        assert rows(crawl_url, "SELECT season_number, episode_count FROM seasons ORDER BY 1") == [
            (entry["season_number"], entry["episode_count"]) for entry in details["seasons"]
        ]
        assert rows(crawl_url, "SELECT episode_count FROM seasons WHERE season_number = 0") == [286]
        assert rows(crawl_url, "SELECT season_number, episode_number FROM episodes ORDER BY 1, 2") == [
            (1, number) for number in range(1, 11)
        ]
        assert rows(
            crawl_url,
            "SELECT source, value FROM external_ids WHERE kind = 'show' AND source IN ('imdb', 'tmdb') ORDER BY source",
        ) == [("imdb", "tt0944947"), ("tmdb", "1399")]
        again = self.crawl(archive)
        assert "inserted" not in again
        assert "updated" not in again

    def test_a_role_of_two_is_kept_apart(self) -> None:
        details = captured("tv_details_append/*GetShow_0.json")
        page = show.parse(orjson.dumps(details), SHOW_ID, language=EN)
        several = [entry for entry in details["aggregate_credits"]["cast"] if len(entry["roles"]) > 1]
        found: dict[str, Item] = {
            credit.person_id: credit for credit in page.credits.credits if credit.category == "cast"
        }
        assert several
        for entry in several:
            credit = found[str(entry["id"])]
            assert isinstance(credit, Credit)
            assert [(role.id, role.episode_count) for role in credit.roles or ()] == [
                (role["credit_id"], role["episode_count"]) for role in entry["roles"]
            ]


@pytest.fixture
def imdb_archive(tmp_path: Path) -> Path:
    """IMDb's page of the same show."""
    path = tmp_path / "imdb.warc.gz"
    [page] = (CAPTURES / "imdb").glob("episodes/*tt0944947*.json")
    added = in_process.scrapy("archive-add", path, "https://www.imdb.com/title/tt0944947/episodes/", page)
    assert added.status == 0, added.output
    return path


def test_both_are_one_show_whoever_comes_first(imdb_archive: Path, archive: Path, embedded_server: Server) -> None:
    commands = {
        "imdb": ("crawl", "imdb_episodes", "-a", "show=tt0944947", "-a", "seasons=1", "-s", f"REPLAY={imdb_archive}"),
        "tmdb": ("crawl", "tmdb_show", "-a", "show=1399", "-s", f"REPLAY={archive}"),
    }
    states = []
    for order in (("imdb", "tmdb"), ("tmdb", "imdb")):
        url = embedded_server.create("joined", "template")
        try:
            for source in order:
                done = scrapy(*commands[source], DATABASE_URL=url, TMDB_BEARER_TOKEN="")
                assert done.status in (0, 3), done.output
            check(url)
            state = catalog_state(url)
            state.pop("inserts")
            states.append(state)
        finally:
            embedded_server.drop("joined")
    assert states[0] == states[1]


def check(url: str) -> None:
    assert rows(url, "SELECT count(*) FROM shows WHERE show_type IS NOT NULL") == [1]
    ids = "SELECT source, value FROM external_ids WHERE kind = 'show' AND source IN ('imdb', 'tmdb') ORDER BY 1"
    assert rows(url, ids) == [("imdb", "tt0944947"), ("tmdb", "1399")]
    episodes = rows(
        url,
        """
        SELECT episode_number, array_agg(source ORDER BY source), min(provenance ->> 'title')
        FROM episodes JOIN external_ids ON entity_id = episodes.id AND source IN ('imdb', 'tmdb')
        WHERE season_number = 1 GROUP BY episodes.id ORDER BY 1
        """,
    )
    assert [number for number, _, _ in episodes] == list(range(11))
    assert episodes[0][1] == ["imdb"]
    assert all(sources == ["imdb", "tmdb"] for _, sources, _ in episodes[1:])
    # IMDb answered a caller from Italy: its titles are translations, and TMDb's count before them.
    assert {winner for _, _, winner in episodes[1:]} == {"tmdb"}
    assert rows(url, "SELECT count(*) FROM identity_proposals") == [0]
    assert rows(url, "SELECT episode_count FROM seasons WHERE season_number = 0") == [286]
    assert rows(url, "SELECT count(*) FROM credits WHERE category = 'cast' AND episode_count IS NOT NULL") == [580]
