"""Every recorded gallery against its golden, and the parser on the gallery that IMDb really served."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from golden_pages import PAGES, GoldenTests, captured

from trr_crawl.items import UNSET
from trr_crawl.parse.imdb import gallery, viewer
from trr_crawl.parse.imdb.gallery import GalleryPage, widest
from trr_crawl.text import original_image_url, picture_id

FULL = PAGES / "gallery" / "answer-full.json"
HOST = "https://m.media-amazon.com/images/M"


class TestGoldens(GoldenTests):
    kind = "gallery"
    parsers = (gallery,)

    def read(self, page: Path, about: str) -> GalleryPage:
        parse = gallery.parse_page if page.suffix == ".html" else gallery.parse_answer
        return parse(page.read_bytes(), about)

    def describe(self, page: GalleryPage) -> dict[str, Any]:
        return {"about": page.owner_id, "total": page.total, "count": page.count, "next_cursor": page.next_cursor}


class TestViewerGoldens(GoldenTests):
    kind = "viewer"
    parsers = (viewer,)

    def read(self, page: Path, about: str) -> GalleryPage:
        return viewer.parse_page(page.read_bytes(), about, "rm99000001")

    def describe(self, page: GalleryPage) -> dict[str, Any]:
        return {"about": page.owner_id, "total": page.total, "count": page.count, "next_cursor": page.next_cursor}


def test_the_query_names_its_operation_and_cursor() -> None:
    of_title, of_person = gallery.query("tt99000001", after="c"), gallery.query("nm99000001")
    assert of_title["variables"] == {"id": "tt99000001", "first": 50, "after": "c"}
    assert "query TitleGallery(" in of_title["query"]
    assert "  title(id: $id)" in of_title["query"]
    assert "query NameGallery(" in of_person["query"]
    assert "  name(id: $id)" in of_person["query"]
    assert of_title["query"].count("{") == of_title["query"].count("}")


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        (f"{HOST}/SampleAbC@._V1_.jpg", "SampleAbC@"),
        (f"{HOST}/SampleAbC@._V1_QL75_UX190_CR0,0,190,281_.jpg", "SampleAbC@"),
        (f"{HOST}/SampleAbC@@._V1_UX100.png?x=1", "SampleAbC@@"),
        (f"{HOST}/plain.jpg", "plain"),
        (f"{HOST}/bare", "bare"),
        ("bare", "bare"),
    ],
)
def test_a_picture_stays_the_same_however_it_is_resized(url: str, identity: str) -> None:
    assert picture_id(url) == identity


def test_an_address_of_a_folder_names_no_picture() -> None:
    with pytest.raises(ValueError, match="names no picture"):
        picture_id(f"{HOST}/")


@pytest.mark.parametrize(
    ("srcset", "src", "widest_url"),
    [
        ("", f"{HOST}/a._V1_UX190_.jpg", f"{HOST}/a._V1_UX190_.jpg"),
        ("", "", None),
        ("", "https://elsewhere.example/a.jpg", None),
        ("", "http://m.media-amazon.com/images/M/a.jpg", None),
        (f"{HOST}/a._V1_.jpg 100w, {HOST}/b._V1_.jpg 200w", "", f"{HOST}/b._V1_.jpg"),
        (f"{HOST}/a,0,1_.jpg 2x,{HOST}/b,0,1_.jpg 1.5x", "", f"{HOST}/a,0,1_.jpg"),
        (f"{HOST}/a._V1_UX100_.jpg, {HOST}/a._V1_UX300_.jpg 2x", "", f"{HOST}/a._V1_UX300_.jpg"),
        (f"{HOST}/a.jpg\n 2x,\n{HOST}/b.jpg", "", f"{HOST}/a.jpg"),
        (f"https://elsewhere.example/a.jpg 9x, {HOST}/b.jpg 1x", "", f"{HOST}/b.jpg"),
        (f"{HOST}/a.jpg wide, {HOST}/b.jpg 1w", "", f"{HOST}/b.jpg"),
        (f", {HOST}/a.jpg ,", "", f"{HOST}/a.jpg"),
    ],
)
def test_the_widest_of_a_srcset_on_the_host_of_pictures(srcset: str, src: str, widest_url: str | None) -> None:
    assert widest(srcset, src) == widest_url


def test_a_real_gallery_is_read_in_full() -> None:
    raw = captured("graphql/*media_gallery*")
    owner = json.loads(raw)["data"]["title"]
    page = gallery.parse_answer(raw, owner["id"])
    edges = owner["images"]["edges"]
    assert (page.total, page.count) == (557, 50)
    assert page.next_cursor == owner["images"]["pageInfo"]["endCursor"]
    assert page.drift == []
    assert [entry.position for entry in page.entries[:50]] == list(range(1, 51))
    for edge, picture in zip(edges, page.pictures, strict=True):
        node = edge["node"]
        assert (picture.source_id, picture.width, picture.height) == (node["id"], node["width"], node["height"])
        assert (picture.image_type, picture.copyright) == (node["type"], node["copyright"])
        assert picture.caption == node["caption"]["plainText"]
        assert picture.url == original_image_url(node["url"])
        assert picture.picture_id in node["url"]
        assert picture.person_ids == [name["id"] for name in node["names"]]
        assert picture.title_ids == [title["id"] for title in node["titles"]]
    tags = sum(len(edge["node"]["names"]) for edge in edges)
    assert sum(1 for entry in page.entries if entry.person_id is not UNSET) == tags > 50
    assert {person.id for person in page.people} == {name["id"] for edge in edges for name in edge["node"]["names"]}
