"""Every recorded answer about a name against its golden, and the parser on what IMDb really served."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from golden_pages import GoldenTests, as_page, captured

from trr_crawl.parse.imdb import find
from trr_crawl.parse.imdb.find import FindPage


class TestGoldens(GoldenTests):
    kind = "find"
    parsers = (find,)

    def read(self, page: Path, about: str) -> FindPage:
        parse = find.parse_page if page.suffix == ".html" else find.parse_suggestions
        return parse(page.read_bytes(), about)

    def describe(self, page: FindPage) -> dict[str, Any]:
        return {"about": page.query, "count": page.count}


def test_a_real_suggestion_is_read() -> None:
    body = captured("suggestion/*tt0234215*")
    [entry] = json.loads(body)["d"]
    page = find.parse_suggestions(body, "tt0234215")
    [candidate] = page.candidates
    assert page.drift == []
    assert (candidate.id, candidate.name, candidate.year) == (entry["id"], entry["l"], entry["y"])
    assert (candidate.type, candidate.rank, candidate.position) == (entry["qid"], entry["rank"], 1)


def test_a_real_answer_without_results_is_an_answer() -> None:
    page = find.parse_suggestions(captured("suggestion/*sdfg*"), "sdfgsdfgsdfgsdfg")
    assert (page.count, page.drift, list(page.items())) == (0, [], [])


def test_a_real_find_page_is_read() -> None:
    raw = captured("find/*.json")
    results = json.loads(raw)["props"]["pageProps"]["titleResults"]["results"]
    page = find.parse_page(as_page(raw), "Matrix")
    assert page.drift == []
    for result, candidate in zip(results, page.candidates, strict=True):
        item = result["listItem"]
        assert (candidate.id, candidate.type) == (item["titleId"], item["titleType"]["id"])
        assert (candidate.name, candidate.year) == (item["titleText"], item["releaseYear"])
        assert candidate.end_year == item["endYear"]
