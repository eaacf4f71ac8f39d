"""Every recorded page of a wiki against its golden.

A golden's `about` says which wiki it is, and who is looked for: what a page says is one thing, whose it is another.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from golden_pages import PAGES, check_refusal, errors_expected, errors_raised, faults, goldens, lines, page_of, told
from hypothesis import given
from hypothesis import strategies as st

from trr_crawl.items import payload
from trr_crawl.parse.errors import PageError
from trr_crawl.parse.fandom import api, article, document, gallery
from trr_crawl.parse.fandom.article import ArticlePage
from trr_crawl.parse.fandom.evidence import Finding, Wanted, compare
from trr_crawl.parse.fandom.gallery import GalleryPage
from trr_crawl.parse.fandom.wikis import wiki_of

ARTICLES, GALLERIES = "../fandom/article", "../fandom/gallery"


def wanted(about: dict[str, Any]) -> Wanted:
    born = about.get("born")
    return Wanted(
        name=about["name"],
        id=about.get("id"),
        birth_date=date.fromisoformat(born) if born else None,
        shows=tuple(about.get("shows", ())),
    )


def read_article(page: Path, about: Any) -> ArticlePage:
    parse = article.parse_page if page.suffix == ".html" else article.parse_answer
    return parse(page.read_bytes(), wiki_of(about["wiki"]))


def read_gallery(page: Path, about: Any) -> GalleryPage:
    parse = gallery.parse_page if page.suffix == ".html" else gallery.parse_answer
    return parse(page.read_bytes(), wiki_of(about["wiki"]))


def article_as_golden(page: ArticlePage, about: dict[str, Any]) -> dict[str, Any]:
    return {
        "about": about,
        "missing": page.missing,
        "strange": page.strange,
        "drift": page.drift,
        "items": told(page.items(compare(page, wanted(about)))),
    }


def gallery_as_golden(page: GalleryPage, about: dict[str, Any]) -> dict[str, Any]:
    finding = Finding(wanted=wanted(about), evidence=["as the article proved"], reason=about.get("reason"))
    return {
        "about": about,
        "total": page.total,
        "count": page.count,
        "missing": page.found.missing,
        "strange": page.found.strange,
        "drift": page.drift,
        "items": told(page.items(finding, about["person_id"])),
    }


@pytest.mark.parametrize("kind", [ARTICLES, GALLERIES])
def test_every_page_has_one_golden_and_every_golden_its_page(kind: str) -> None:
    assert faults(kind) == []


@pytest.mark.parametrize("golden", goldens(ARTICLES, ".items.json"))
def test_an_article_holds_these_items(golden: Path) -> None:
    expected = json.loads(golden.read_bytes())
    page = read_article(page_of(golden), expected["about"])
    assert lines(article_as_golden(page, expected["about"])) == lines(expected)
    assert page.count == len(page.shown)


@pytest.mark.parametrize("golden", goldens(GALLERIES, ".items.json"))
def test_a_gallery_holds_these_items(golden: Path) -> None:
    expected = json.loads(golden.read_bytes())
    page = read_gallery(page_of(golden), expected["about"])
    assert lines(gallery_as_golden(page, expected["about"])) == lines(expected)


@pytest.mark.parametrize("golden", goldens(ARTICLES, ".error.json"))
def test_an_article_is_refused(golden: Path) -> None:
    check_refusal(golden, read_article)


@pytest.mark.parametrize("golden", goldens(GALLERIES, ".error.json"))
def test_a_gallery_is_refused(golden: Path) -> None:
    check_refusal(golden, read_gallery)


def test_every_error_of_the_parser_has_its_page() -> None:
    assert errors_expected(ARTICLES) == errors_raised(api, document)


@pytest.mark.parametrize("golden", [*goldens(ARTICLES, ".items.json"), *goldens(GALLERIES, ".items.json")])
def test_only_what_is_proven_speaks_of_a_person(golden: Path) -> None:
    items = json.loads(golden.read_bytes())["items"]
    page = next(item["payload"] for item in items if item["kind"] == "fandom_page")
    attached = "person_id" in page
    assert attached == (page["reason"] is None)
    assert attached or {item["kind"] for item in items} <= {"fandom_page", "image"}
    assert not any("person_ids" in item["payload"] for item in items if not attached)


PIECES = [
    b"</div>",
    b"<table>",
    b"<tr>",
    b"<li>",
    b'"',
    b"\\ud800",
    b"{}",
    b"null",
    b"<!--",
    b"http://[",
    b"\x00",
    b"\xff",
]
READERS = [
    (article.parse_page, PAGES / ARTICLES / "full.html"),
    (article.parse_answer, PAGES / ARTICLES / "answer-full.json"),
    (gallery.parse_page, PAGES / GALLERIES / "full.html"),
]


@given(st.sampled_from(READERS), st.data())
def test_a_page_with_holes_and_more_is_read_or_refused(reader: tuple[Any, Path], data: st.DataObject) -> None:
    read, path = reader
    body = path.read_bytes()
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 60)))
    body = body[:start] + data.draw(st.sampled_from(PIECES)) + body[end:]
    try:
        page = read(body, wiki_of("harbour-hearts"))
    except PageError:
        return
    finding = Finding(wanted=Wanted(name="Nell Avery"))
    found = page.items(finding) if isinstance(page, ArticlePage) else page.items(finding, "harbour-hearts:71")
    assert all(orjson.dumps(payload(item)) for item in found)
