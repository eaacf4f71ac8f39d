"""What vanished at IMDb, into a real database: removed after a crawl that came to its last piece, and only then."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from origin import Origin, Reply, json_reply
from psycopg.rows import dict_row

from samples import imdb_pages
from samples.imdb_pages import SampleEpisode, SampleShow
from support import Crawl, scrapy
from trr_crawl.catalog.tables import ENTITIES

SHOW_ID, PERSON_ID, LIST_ID = "tt99000001", "nm99000001", "ls990000001"
HEAD = {"id": SHOW_ID, "titleType": {"id": "tvSeries", "canHaveEpisodes": True}}


def connection(nodes: list[dict[str, Any]], total: int) -> dict[str, Any]:
    """A list that is told in one answer, and claims so many entries."""
    return {"total": total, "pageInfo": {"hasNextPage": False}, "edges": [{"node": node} for node in nodes]}


def listed(count: int, total: int) -> dict[str, Any]:
    titles = [{"id": f"tt9900001{number}", "titleType": {"id": "tvSeries"}} for number in range(count)]
    edges = [{"node": {"absolutePosition": place}, "listItem": title} for place, title in enumerate(titles, 1)]
    return {"list": {"id": LIST_ID, "titleListItemSearch": {"total": total, "edges": edges}}}


def images(count: int, total: int) -> dict[str, Any]:
    nodes = [
        {"id": f"rm9900000{n}", "url": f"https://m.media-amazon.com/images/M/S{n}@._V1_.jpg"} for n in range(count)
    ]
    edges = [{"position": place, "node": node} for place, node in enumerate(nodes, 1)]
    return {"total": total, "edges": edges}


def credits_of_show(count: int, total: int) -> dict[str, Any]:
    nodes = [{"name": {"id": f"nm9900001{number}"}, "category": {"id": "self"}} for number in range(count)]
    return {"title": {**HEAD, "credits": connection(nodes, total)}}


def credits_of_person(count: int, total: int) -> dict[str, Any]:
    roles = {"edges": [{"node": {"category": {"text": "Self", "traits": ["CAST_TRAIT"]}}}]}
    titles = [{"id": f"tt9900001{number}", "titleType": {"id": "tvSeries"}} for number in range(count)]
    nodes = [{"title": title, "creditedRoles": roles} for title in titles]
    return {"name": {"id": PERSON_ID, "creditsV2": connection(nodes, total)}}


def episodes(count: int, total: int) -> dict[str, Any]:
    answer: dict[str, Any] = imdb_pages.answer(show(count))["data"]
    answer["title"]["episodes"]["episodes"]["total"] = total
    return answer


def show(count: int, seasons: int = 1) -> SampleShow:
    """A show of so many episodes, spread over the seasons."""
    return SampleShow(
        id=SHOW_ID,
        title="Harbour Hearts",
        plot="Boats.",
        start_year=2023,
        episodes=tuple(
            SampleEpisode(id=f"tt9900010{number}", season=number % seasons + 1, number=number, title=f"Day {number}")
            for number in range(count)
        ),
    )


@dataclass(frozen=True)
class Case:
    """A spider, what it is to crawl, the things that may vanish, and an answer with so many of them."""

    spider: str
    argument: str
    kind: str
    answer: Callable[[int, int], dict[str, Any]]


CASES = [
    Case("imdb_list", f"list={LIST_ID}", "list_entry", listed),
    Case(
        "imdb_media_index",
        f"show={SHOW_ID}",
        "gallery_entry",
        lambda count, total: {"title": {"id": SHOW_ID, "images": images(count, total)}},
    ),
    Case(
        "imdb_person_gallery",
        f"person={PERSON_ID}",
        "gallery_entry",
        lambda count, total: {"name": {"id": PERSON_ID, "images": images(count, total)}},
    ),
    Case("imdb_credits", f"show={SHOW_ID}", "credit", credits_of_show),
    Case("imdb_episodes", f"show={SHOW_ID}", "episode", episodes),
]


@pytest.fixture
def crawl(origin: Origin, crawl_url: str) -> Callable[..., Crawl]:
    """Crawls into the test's database."""

    def run(spider: str, *arguments: str, transport: str = "graphql") -> Crawl:
        options = [word for argument in arguments for word in ("-a", argument)]
        return scrapy("crawl", spider, *options, *origin.settings(transport))

    return run


def removed(url: str, kind: str) -> int:
    """How many things of a kind the catalog holds for removed."""
    table = ENTITIES[kind].name
    with psycopg.connect(url) as connected:
        [(count,)] = connected.execute(f"SELECT count(*) FROM {table} WHERE removed_at IS NOT NULL").fetchall()
    return int(count)


def last_run(url: str) -> dict[str, Any]:
    with psycopg.connect(url, row_factory=dict_row) as connected:
        return connected.execute("SELECT * FROM crawl_runs ORDER BY started_at").fetchall()[-1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.spider)
class TestEachSpider:
    def test_what_vanished_is_removed_until_it_returns(
        self, origin: Origin, crawl: Callable[..., Crawl], crawl_url: str, case: Case
    ) -> None:
        for count, gone in ((3, 0), (2, 1), (3, 0)):
            origin.misbehave = lambda _asked, count=count: json_reply({"data": case.answer(count, count)})  # type: ignore[misc]
            done = crawl(case.spider, case.argument)
            assert done.status == 0, done.output
            assert removed(crawl_url, case.kind) == gone
            assert (f"1 {case.kind} removed" in done.last_line) == bool(gone)
            assert last_run(crawl_url)["items"][case.kind].get("removed", 0) == gone

    def test_a_part_removes_nothing(
        self, origin: Origin, crawl: Callable[..., Crawl], crawl_url: str, case: Case
    ) -> None:
        for count, status in ((3, 0), (2, 3)):
            origin.misbehave = lambda _asked, count=count: json_reply({"data": case.answer(count, 3)})  # type: ignore[misc]
            done = crawl(case.spider, case.argument)
            assert done.status == status, done.output
        assert removed(crawl_url, case.kind) == 0
        assert "removed" not in done.last_line


@pytest.mark.parametrize(
    ("spider", "argument", "kind", "answer"),
    [("imdb_credits", "roles=cast", "credit", credits_of_show), ("imdb_episodes", "seasons=1", "episode", episodes)],
)
def test_a_choice_removes_nothing(
    origin: Origin,
    crawl: Callable[..., Crawl],
    crawl_url: str,
    spider: str,
    argument: str,
    kind: str,
    answer: Callable[[int, int], dict[str, Any]],
) -> None:
    origin.misbehave = lambda _asked: json_reply({"data": answer(3, 3)})
    crawl(spider, f"show={SHOW_ID}")
    origin.misbehave = lambda _asked: json_reply({"data": answer(1, 1)})
    assert crawl(spider, f"show={SHOW_ID}", argument).status == 0
    assert removed(crawl_url, kind) == 0


def test_a_filmography_removes_nothing(origin: Origin, crawl: Callable[..., Crawl], crawl_url: str) -> None:
    """A title's own credits decide who worked on it; a filmography may file the same work elsewhere."""
    for count in (3, 2):
        answer = credits_of_person(count, count)
        origin.misbehave = lambda _asked, answer=answer: json_reply({"data": answer})  # type: ignore[misc]
        assert crawl("imdb_person", f"person={PERSON_ID}").status == 0
    assert removed(crawl_url, "credit") == 0


class TestEpisodesByPages:
    def test_a_whole_show_removes_what_vanished(
        self, origin: Origin, crawl: Callable[..., Crawl], crawl_url: str
    ) -> None:
        for count in (6, 5):
            origin.shows[SHOW_ID] = show(count, seasons=2)
            done = crawl("imdb_episodes", f"show={SHOW_ID}", transport="html")
            assert done.status == 0, done.output
        assert removed(crawl_url, "episode") == 1
        assert "1 episode removed" in done.last_line

    @pytest.mark.parametrize("lost", ["a page", "an episode of a page", "the total"])
    def test_a_show_with_a_hole_removes_nothing(
        self, origin: Origin, crawl: Callable[..., Crawl], crawl_url: str, lost: str
    ) -> None:
        origin.shows[SHOW_ID] = show(6, seasons=2)
        crawl("imdb_episodes", f"show={SHOW_ID}", transport="html")
        origin.shows[SHOW_ID] = show(5, seasons=2)

        def holed(season: str | None) -> Reply:
            if season and lost == "a page":
                return Reply(b"", 404)
            body = imdb_pages.page(origin.shows[SHOW_ID], season)
            if lost == "an episode of a page":
                return Reply(body.replace(b'"total":2,', b'"total":3,').replace(b'{"total":5}', b'{"total":4}'))
            return Reply(body.replace(b'"totalEpisodes":{"total":5},', b""))

        origin.misbehave = lambda asked: holed(asked.query.get("season"))
        assert crawl("imdb_episodes", f"show={SHOW_ID}", transport="html").status == (0 if lost == "the total" else 3)
        assert removed(crawl_url, "episode") == 0


class TestListsInParts:
    def part(self, start: int, total: int, *, more: bool) -> dict[str, Any]:
        """Two entries from a place on."""
        part = listed(start + 2, total)
        search = part["list"]["titleListItemSearch"]
        search["edges"] = search["edges"][start:]
        search["pageInfo"] = {"hasNextPage": more, "endCursor": "c"}
        return part

    @pytest.mark.parametrize(
        ("second", "total"),
        [((0, 4), 4), ((1, 4), 4), ((2, 4), 5)],
        ids=["the first part again", "one entry again", "another total"],
    )
    def test_a_list_that_changes_meanwhile_removes_nothing(
        self, origin: Origin, crawl: Callable[..., Crawl], crawl_url: str, second: tuple[int, int], total: int
    ) -> None:
        origin.misbehave = lambda _asked: json_reply({"data": listed(6, 6)})
        crawl("imdb_list", f"list={LIST_ID}")
        origin.misbehave = lambda asked: json_reply(
            {
                "data": self.part(0, total, more=True)
                if json.loads(asked.body)["variables"]["after"] is None
                else self.part(*second, more=False)
            }
        )
        crawl("imdb_list", f"list={LIST_ID}")
        assert removed(crawl_url, "list_entry") == 0


class TestExports:
    @pytest.mark.parametrize(("rest", "gone"), [("", 1), ("tt99000101,tvEpisode\n", 0)])
    def test_an_export_removes_what_only_it_named(
        self, crawl: Callable[..., Crawl], crawl_url: str, tmp_path: Path, rest: str, gone: int
    ) -> None:
        export = tmp_path / "coast.csv"
        for rows in ("tt99000001,tvSeries\ntt99000002,tvSeries\n", f"tt99000001,tvSeries\n{rest}"):
            export.write_text(f"Const,Title Type\n{rows}")
            done = crawl("imdb_list", f"file={export}")
        assert removed(crawl_url, "list_entry") == gone
        assert ("1 list_entry removed" in done.last_line) == bool(gone)

    def test_two_exports_of_one_name_remove_nothing_of_each_other(
        self, crawl: Callable[..., Crawl], crawl_url: str, tmp_path: Path
    ) -> None:
        paths = [tmp_path / folder / "coast.csv" for folder in ("old", "new")]
        for number, path in enumerate(paths, 1):
            path.parent.mkdir()
            path.write_text(f"Const,Title Type\ntt9900000{number},tvSeries\n")
        crawl("imdb_list", f"files={paths[0]},{paths[1]}")
        assert removed(crawl_url, "list_entry") == 0


class TestCreditsByPages:
    """Whose lists are all there, but for somebody who directs and appears."""

    BODY = (Path(__file__).parents[1] / "pages" / "imdb" / "credits" / "rows-of-2026.html").read_bytes()

    @pytest.mark.parametrize(("head", "gone"), [(b'"subNavCredits": {"total": 8}', 2), (b'"subNavCredits": null', 0)])
    def test_a_page_that_holds_all_that_its_head_promises(
        self, origin: Origin, crawl: Callable[..., Crawl], crawl_url: str, head: bytes, gone: int
    ) -> None:
        before = self.BODY.replace(b'"nm99003004"', b'"nm99003099"')
        for body in (before, self.BODY.replace(b'"subNavCredits": {"total": 8}', head)):
            origin.misbehave = lambda _asked, body=body: Reply(body)  # type: ignore[misc]
            assert crawl("imdb_credits", "show=tt99003000", transport="html").status == 0
        assert removed(crawl_url, "credit") == gone
