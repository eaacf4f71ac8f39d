"""Lists, picture files and continuations of a wiki's api.php, in both dresses; and tables with cells that span."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trr_crawl.items import UNSET
from trr_crawl.parse.errors import NoSuchTitle, Refused, ShapeError
from trr_crawl.parse.fandom import api, article, markup
from trr_crawl.parse.fandom.article import rows_of

URL = "https://static.wikia.nocookie.net/harbour/images/1/17/Nell_and_Tom.jpg"


def body(**answer: Any) -> bytes:
    return json.dumps(answer).encode()


def test_a_search_gives_titles_and_candidates() -> None:
    found = {"search": [{"ns": 0, "title": "Nell Avery", "pageid": 71}, {"ns": 0, "title": "Ana Reyes"}]}
    page = api.parse_list(
        body(batchcomplete=True, query={"searchinfo": {"totalhits": 2}, **found}, **{"continue": {"sroffset": 2}}),
        "search",
    )
    assert (page.titles, page.count, page.more, page.drift) == (["Nell Avery", "Ana Reyes"], 2, {"sroffset": "2"}, [])
    candidates = list(page.candidates("harbour", "Nell"))
    assert [(item.key, item.name, item.position) for item in candidates] == [
        ("Nell/harbour/Nell Avery", "Nell Avery", 1),
        ("Nell/harbour/Ana Reyes", "Ana Reyes", 2),
    ]


def test_a_search_that_finds_nothing_is_an_answer() -> None:
    assert api.parse_list(body(query={"search": []}), "search").titles == []


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ({}, ShapeError, "answer.query is missing"),
        ({"query": {}}, ShapeError, "answer.query.search is missing"),
        ({"query": {"search": [{"ns": 0}]}}, ShapeError, "answer.query.search[0].title is missing"),
        ({"error": {"code": "maxlag", "info": "Waiting."}}, Refused, "(maxlag): Waiting."),
        ({"error": "no"}, ShapeError, "answer.error is a string"),
        ({"errors": [{"code": "nosuchpageid", "html": "No page."}]}, NoSuchTitle, "no such page (No page)"),
    ],
)
def test_an_answer_that_is_none_is_refused(answer: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        api.parse_list(json.dumps(answer).encode(), "search")
    assert words in str(caught.value)


def file(**facts: Any) -> dict[str, Any]:
    return {"ns": 6, "title": "File:Nell and Tom.jpg", **facts}


@pytest.mark.parametrize("dress", ["list", "object"])
def test_pictures_have_sizes_in_either_dress(dress: str) -> None:
    known = file(imageinfo=[{"url": f"{URL}/revision/latest?cb=1", "width": 800, "height": 600}, {"url": "older"}])
    lost = file(title="File:Lost.jpg", missing=True if dress == "list" else "")
    odd = file(imageinfo=[{"url": "https://example.org/a.png", "width": 1, "height": 1}])
    later = file(title="File:Later.jpg", pageid=5)
    pages = [known, lost, odd, later]
    page = api.parse_images(
        body(query={"pages": pages if dress == "list" else {str(n): entry for n, entry in enumerate(pages)}})
    )
    assert [(item.key, item.url, item.width, item.height) for item in page.pictures] == [
        ("harbour/Nell_and_Tom.jpg", URL, 800, 600)
    ]
    assert page.pictures[0].caption is UNSET
    assert (page.missing, page.strange, page.more, page.count) == (
        ["File:Lost.jpg"], ["https://example.org/a.png"], None, 1,
    )  # fmt: skip
    assert list(page.items()) == page.pictures


def test_a_picture_without_a_size_has_none() -> None:
    page = api.parse_images(body(query={"pages": [file(imageinfo=[{"url": URL, "width": 0}])]}))
    assert (page.pictures[0].width, page.pictures[0].height) == (UNSET, UNSET)


def test_a_page_without_pictures_is_an_answer() -> None:
    page = api.parse_images(body(batchcomplete=True, warnings={"main": {"warnings": "…"}}, shiny=1))
    assert (page.pictures, page.drift) == ([], ["answer.shiny", "answer.warnings.main"])


def test_an_empty_continuation_is_the_end() -> None:
    assert api.parse_images(body(**{"continue": {}})).more is None


def cells(html: str) -> list[list[str | None]]:
    [table] = markup.root(html).xpath("//table")
    return [[markup.plain(cell) for cell in row] for row in rows_of(table)]


def test_cells_that_span_stand_in_all_their_places() -> None:
    html = """<table><tr><th colspan="2">a</th><th>b</th></tr>
    <tr><td rowspan="2">1</td><td>2</td><td rowspan="3">3</td></tr><tr><td>4</td></tr><tr><td>5</td><td>6</td></tr>
    </table>"""
    assert cells(html) == [["a", "a", "b"], ["1", "2", "3"], ["1", "4", "3"], ["5", "6", "3"]]


def test_cells_that_span_everything_end_somewhere() -> None:
    rows = cells(f'<table><tr><td colspan="{10**12}" rowspan="{10**12}">a</td></tr><tr></tr></table>')
    assert [len(row) for row in rows] == [50, 50]


def test_a_table_without_rows_says_nothing() -> None:
    assert article.columns_of(markup.root("<table></table>").xpath("//table")[0]) is None


def test_a_page_that_nests_without_end_is_refused() -> None:
    with pytest.raises(ShapeError, match="the page nests its elements too deeply"):
        markup.plain_html("<span>" * 5000 + "x" + "</span>" * 5000)


def test_tables_do_not_grow_beyond_measure() -> None:
    cell = '<td colspan="1000" rowspan="1000">a</td>'
    rows = cells(f"<table><tr>{cell * 100}</tr>{'<tr></tr>' * 50}</table>")
    assert {len(row) for row in rows} == {50}
