"""Every recorded answer about a name against its golden, and the parser on what IMDb really served."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from golden_pages import check_refusal, errors_expected, errors_raised, faults, goldens, lines, page_of, told

from support import CAPTURES
from trr_crawl.parse.imdb import find
from trr_crawl.parse.imdb.find import FindPage


def read(page: Path, about: str) -> FindPage:
    parse = find.parse_page if page.suffix == ".html" else find.parse_suggestions
    return parse(page.read_bytes(), about)


def test_every_page_has_one_golden_and_every_golden_its_page() -> None:
    assert faults("find") == []


@pytest.mark.parametrize("golden", goldens("find", ".items.json"))
def test_an_answer_holds_these_candidates(golden: Path) -> None:
    expected = json.loads(golden.read_bytes())
    page = read(page_of(golden), expected["about"])
    found = {"about": page.query, "count": page.count, "drift": page.drift, "items": told(page.items())}
    assert lines(found) == lines(expected)


@pytest.mark.parametrize("golden", goldens("find", ".error.json"))
def test_an_answer_is_refused(golden: Path) -> None:
    check_refusal(golden, read)


def test_every_error_of_the_parser_has_its_page() -> None:
    assert errors_raised(find) <= errors_expected("find")


def captured(pattern: str) -> bytes:
    """The one capture that a pattern names."""
    if not CAPTURES.is_dir():
        pytest.skip(f"no recorded pages in {CAPTURES}")
    [path] = (CAPTURES / "imdb").glob(pattern)
    return path.read_bytes()


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
    page = find.parse_page(b'<script id="__NEXT_DATA__">' + raw.replace(b"</", b"<\\/") + b"</script>", "Matrix")
    assert page.drift == []
    for result, candidate in zip(results, page.candidates, strict=True):
        item = result["listItem"]
        assert (candidate.id, candidate.type) == (item["titleId"], item["titleType"]["id"])
        assert (candidate.name, candidate.year) == (item["titleText"], item["releaseYear"])
        assert candidate.end_year == item["endYear"]
