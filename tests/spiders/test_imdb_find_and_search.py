"""Names and advanced searches, end to end but for the store: a real `scrapy crawl` against a real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dry_runs import DryRun, dry_run
from golden_pages import PAGES
from in_process import refused, scrapy
from origin import Asked, Origin, Reply, json_reply

from support import CAPTURES

SERIES_ID = "tt99000001"
NAME = "harbour hearts"


def recorded(name: str) -> bytes:
    return (PAGES / name).read_bytes()


class TestFind:
    def find(self, origin: Origin, tmp_path: Path, *options: str) -> DryRun:
        suggestions = ("-s", f"IMDB_SUGGESTION_URL={origin.url}/suggestion")
        return dry_run("imdb_find", tmp_path, *options, *suggestions, *origin.settings("graphql"))

    def test_a_name_gives_candidates_and_needs_no_database(self, origin: Origin, tmp_path: Path) -> None:
        origin.misbehave = lambda _asked: Reply(recorded("find/answer-suggestions.json"))
        done = self.find(origin, tmp_path, "-a", "name=Harbour  Hearts")
        assert done.status == 0, done.output
        assert origin.pages_asked == ["/suggestion/harbour%20hearts.json?includeVideos=0"]
        assert [item["id"] for item in done.items] == [f"tt9900000{number}" for number in range(1, 5)]
        assert {item["query"] for item in done.items} == {"Harbour Hearts"}
        assert "tt99000001: Harbour Hearts (tvSeries 2023)" in done.output

    def test_no_result_is_an_answer(self, origin: Origin, tmp_path: Path) -> None:
        origin.misbehave = lambda _asked: Reply(recorded("find/answer-nothing-found.json"))
        done = self.find(origin, tmp_path, "-a", f"name={NAME}")
        assert (done.status, done.items) == (0, []), done.output
        assert f"{NAME}: 0 candidates" in done.output

    def test_no_answer_is_a_failure(self, origin: Origin, tmp_path: Path) -> None:
        origin.misbehave = lambda _asked: Reply(b"", 403)
        done = self.find(origin, tmp_path, "-a", f"name={NAME}")
        assert (done.status, done.items) == (4, [])
        assert f"could not get {NAME}" in done.last_line

    def test_an_answer_that_is_none_is_a_failure(self, origin: Origin, tmp_path: Path) -> None:
        origin.misbehave = lambda _asked: Reply(b"<html></html>")
        done = self.find(origin, tmp_path, "-a", f"name={NAME}")
        assert done.status == 1
        assert "the answer is not JSON" in done.last_line

    def test_the_find_page_gives_candidates(self, origin: Origin, tmp_path: Path) -> None:
        origin.misbehave = lambda _asked: Reply(recorded("find/page.html"))
        done = self.find(origin, tmp_path, "-a", f"name={NAME}", "-a", "by=page")
        assert done.status == 0, done.output
        assert origin.pages_asked == [f"/find/?q={NAME}"]
        assert done.kinds == {"candidate": 3}

    def test_robots_txt_is_obeyed_on_the_find_page(self, origin: Origin, tmp_path: Path) -> None:
        origin.robots_txt = "User-agent: *\nDisallow: /find/\n"
        done = self.find(origin, tmp_path, "-a", f"name={NAME}", "-a", "by=page")
        assert done.status == 1
        assert origin.pages_asked == []
        assert f"could not get {NAME} (Forbidden by robots.txt)" in done.last_line

    @pytest.mark.parametrize("name", ["find/*.json", "suggestion/*sdfg*", "suggestion/*tt0234215*"])
    def test_captured_answers_replay_from_an_archive(self, tmp_path: Path, name: str) -> None:
        if not CAPTURES.is_dir():
            pytest.skip(f"no recorded pages in {CAPTURES}")
        [path] = (CAPTURES / "imdb").glob(name)
        query, url, by, count = {
            "find": ("matrix", "https://www.imdb.com/find/?q=matrix&ref_=hm_nv_srb_sm", "page", 5),
            "sdfg": ("sdfgsdfgsdfgsdfg", "", "suggestions", 0),
            "tt02": ("tt0234215", "", "suggestions", 1),
        }[name.removeprefix("suggestion/*")[:4]]
        url = url or f"https://v3.sg.media-imdb.com/suggestion/titles/x/{query}.json?includeVideos=0"
        archive = tmp_path / "captured.warc.gz"
        assert scrapy("archive-add", archive, url, path).status == 0
        done = dry_run("imdb_find", tmp_path, "-a", f"name={query}", "-a", f"by={by}", "-s", f"REPLAY={archive}")
        assert done.status == 0, done.output
        assert len(done.items) == count

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ((), 'Say which name to look for: -a name="…"'),
            (("-a", "name= "), "-a name: it is empty"),
            (("-a", f"name={NAME}", "-a", "by=guess"), "'guess' is unknown; it is one of suggestions, page"),
            (("-a", f"name={NAME}", "-a", "dry_run=false"), "candidates are never stored"),
        ],
    )
    def test_wrong_arguments_are_refused_at_once(self, options: tuple[str, ...], words: str) -> None:
        done = refused("imdb_find", *options)
        assert done.status == 2
        assert words in done.last_line


TOTAL = 5
PART = 2
"""Episodes that the origin puts into an answer."""


def node(number: int) -> dict[str, Any]:
    return {
        "title": {
            "id": f"tt990001{number:02d}",
            "titleText": {"text": f"Salt {number}"},
            "titleType": {"id": "tvEpisode"},
            "series": {"series": {"id": SERIES_ID, "titleText": {"text": "Harbour Hearts"}}},
        }
    }


def episodes(asked: Asked) -> Reply:
    start = int(json.loads(asked.body)["variables"]["after"] or 0)
    last = min(start + PART, TOTAL)
    search = {
        "total": TOTAL,
        "pageInfo": {"hasNextPage": last < TOTAL, "endCursor": str(last)},
        "edges": [{"node": node(number)} for number in range(start + 1, last + 1)],
    }
    return json_reply({"data": {"advancedTitleSearch": search}})


class TestSearch:
    def search(self, origin: Origin, tmp_path: Path, transport: str) -> DryRun:
        return dry_run("imdb_search", tmp_path, "-a", f"series={SERIES_ID}", *origin.settings(transport))

    def test_all_episodes_are_followed_to_the_end(self, origin: Origin, tmp_path: Path) -> None:
        origin.misbehave = episodes
        done = self.search(origin, tmp_path, "graphql")
        assert done.status == 0, done.output
        assert len(origin.pages_asked) == 3
        assert done.kinds == {"show": 1, "episode": 5}

    def test_a_page_gives_what_enriches_episodes(self, origin: Origin, tmp_path: Path) -> None:
        origin.misbehave = lambda _asked: Reply(recorded("search_title/page.html"))
        done = self.search(origin, tmp_path, "html")
        assert done.status == 0, done.output
        assert origin.pages_asked == [f"/search/title/?series={SERIES_ID}&count=250&sort=release_date,asc"]
        assert done.kinds == {"show": 1, "episode": 3}
        assert not any("season_number" in item for item in done.items)

    def test_a_page_of_several_names_the_cursor_of_the_rest(self, origin: Origin, tmp_path: Path) -> None:
        origin.misbehave = lambda _asked: Reply(recorded("search_title/first-of-several.html"))
        done = self.search(origin, tmp_path, "html")
        assert done.status == 3
        assert "1 of 300 came, the next part starts at cursor cursor-x and only GraphQL serves it" in done.last_line
        assert done.kinds == {"show": 1, "episode": 1}

    def test_a_cursor_that_goes_round_ends_with_a_gap(self, origin: Origin, tmp_path: Path) -> None:
        origin.misbehave = lambda _asked: Reply(recorded("search_title/answer-part.json"))
        done = self.search(origin, tmp_path, "graphql")
        assert done.status == 3
        assert len(origin.pages_asked) == 2
        assert "the cursor cursor-1 leads nowhere after 1 of 300" in done.last_line

    def test_a_search_that_finds_nothing_says_so(self, origin: Origin, tmp_path: Path) -> None:
        origin.misbehave = lambda _asked: Reply(recorded("search_title/nothing-found.html"))
        done = self.search(origin, tmp_path, "html")
        assert done.status == 1
        assert f"could not get {SERIES_ID} episodes (the search finds none" in done.last_line

    def test_a_search_that_promises_and_gives_nothing_is_empty(self, origin: Origin, tmp_path: Path) -> None:
        origin.misbehave = lambda _asked: json_reply({"data": {"advancedTitleSearch": {"total": 9}}})
        done = self.search(origin, tmp_path, "graphql")
        assert done.status == 1
        assert "outcome/empty" in done.output

    def test_the_captured_page_replays_from_an_archive(self, tmp_path: Path) -> None:
        folder = CAPTURES / "imdb" / "search_title"
        if not folder.is_dir():
            pytest.skip(f"no recorded pages in {CAPTURES}")
        archive = tmp_path / "captured.warc.gz"
        url = "https://www.imdb.com/search/title/?count=250&series=tt0071007&sort=release_date%2Casc"
        [path] = folder.glob("*.json")
        assert scrapy("archive-add", archive, url, path).status == 0
        done = dry_run("imdb_search", tmp_path, "-a", "series=tt0071007", "-s", f"REPLAY={archive}")
        assert done.status == 0, done.output
        assert done.kinds == {"show": 1, "episode": 204}

    def test_wrong_arguments_are_refused_at_once(self) -> None:
        done = refused("imdb_search")
        assert done.status == 2
        assert "Say whose episodes to get: -a series=tt…" in done.last_line
