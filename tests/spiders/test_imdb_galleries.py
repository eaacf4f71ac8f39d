"""Galleries of shows and people, end to end but for the store: a real `scrapy crawl` against a real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dry_runs import DryRun, dry_run
from golden_pages import PAGES
from in_process import refused
from origin import Asked, Origin, Reply, json_reply

SHOW_ID, PERSON_ID = "tt99000001", "nm99000001"
PICTURES = 7
PART = 3
"""Pictures that the origin puts into an answer."""


def node(number: int) -> dict[str, Any]:
    return {
        "id": f"rm990000{number:02d}",
        "url": f"https://m.media-amazon.com/images/M/Sample{number}aB@._V1_.jpg",
        "width": 1920,
        "height": 1080,
        "caption": {"plainText": f"Day {number}"},
        "type": "still_frame",
        "copyright": None,
        "names": [{"id": PERSON_ID, "nameText": {"text": "Nell Avery"}}] if number % 2 else [],
        "titles": [{"id": SHOW_ID, "titleText": {"text": "Harbour Hearts"}}],
    }


def images(start: int, count: int) -> dict[str, Any]:
    """The pictures after the first `start`."""
    last = min(start + count, PICTURES)
    return {
        "total": PICTURES,
        "pageInfo": {"hasNextPage": last < PICTURES, "endCursor": str(last)},
        "edges": [{"position": place, "node": node(place)} for place in range(start + 1, last + 1)],
    }


def answer(asked: Asked) -> Reply | None:
    """What a gallery of seven pictures answers, by GraphQL or as a page."""
    if asked.method == "POST":
        body = json.loads(asked.body)
        root = "name" if body["operationName"] == "NameGallery" else "title"
        variables = body["variables"]
        owner = {"id": variables["id"], "images": images(int(variables["after"] or 0), PART)}
        return json_reply({"data": {root: owner}})
    _, root, owner_id, page, _ = asked.path.split("/")
    assert page == "mediaindex"
    data = {"contentData": {"data": {root: {"id": owner_id, "all_images": images(0, PART)}}}}
    script = json.dumps({"props": {"pageProps": data}})
    return Reply(f'<script id="__NEXT_DATA__" type="application/json">{script}</script>'.encode())


def crawl(origin: Origin, tmp_path: Path, spider: str, transport: str, *options: str) -> DryRun:
    return dry_run(spider, tmp_path, *options, *origin.settings(transport))


def test_a_show_s_gallery_is_followed_to_its_end(origin: Origin, tmp_path: Path) -> None:
    done = crawl(origin, tmp_path, "imdb_media_index", "graphql", "-a", f"show={SHOW_ID}")
    assert done.status == 0, done.output
    assert len(origin.pages_asked) == 3
    assert [image["source_id"] for image in done.of("image")] == [f"rm990000{n:02d}" for n in range(1, 8)]
    entries = done.of("gallery_entry")
    assert [entry["position"] for entry in entries if "show_id" in entry] == list(range(1, 8))
    assert [entry["person_id"] for entry in entries if "show_id" not in entry] == [PERSON_ID] * 4
    assert {person["name"] for person in done.of("person")} == {"Nell Avery"}


def test_a_person_s_gallery_is_followed_to_its_end(origin: Origin, tmp_path: Path) -> None:
    done = crawl(origin, tmp_path, "imdb_person_gallery", "graphql", "-a", f"person={PERSON_ID}")
    assert done.status == 0, done.output
    assert [entry["position"] for entry in done.of("gallery_entry")] == list(range(1, 8))
    assert {entry["person_id"] for entry in done.of("gallery_entry")} == {PERSON_ID}


@pytest.mark.parametrize(
    ("spider", "option", "path"),
    [
        ("imdb_media_index", f"show={SHOW_ID}", f"/title/{SHOW_ID}/mediaindex/"),
        ("imdb_person_gallery", f"person={PERSON_ID}", f"/name/{PERSON_ID}/mediaindex/"),
    ],
)
def test_a_page_gives_its_first_pictures_and_names_the_cursor_of_the_rest(
    origin: Origin, tmp_path: Path, spider: str, option: str, path: str
) -> None:
    done = crawl(origin, tmp_path, spider, "html", "-a", option)
    assert done.status == 3
    assert origin.pages_asked == [path]
    assert len(done.of("image")) == PART
    assert "3 of 7 came, the next part starts at cursor 3 and only GraphQL serves it" in done.last_line


def test_a_cursor_that_goes_round_ends_with_a_gap(origin: Origin, tmp_path: Path) -> None:
    def round_and_round(_asked: Asked) -> Reply:
        body = {"id": SHOW_ID, "images": {**images(0, PART), "pageInfo": {"hasNextPage": True, "endCursor": "same"}}}
        return json_reply({"data": {"title": body}})

    origin.misbehave = round_and_round
    done = crawl(origin, tmp_path, "imdb_media_index", "graphql", "-a", f"show={SHOW_ID}")
    assert done.status == 3
    assert len(origin.pages_asked) == 2
    assert "the cursor same leads nowhere after 3 of 7" in done.last_line
    assert len(done.of("image")) == PART


def with_viewers(total: int) -> Any:
    """Answers for a gallery whose page has markup alone: two pictures, of so many."""

    def shown(asked: Asked) -> Reply:
        if asked.path.endswith("/mediaindex/"):
            markup = (PAGES / "gallery" / "markup-only.html").read_bytes()
            return Reply(markup + b'<script id="__NEXT_DATA__">{"props":{"pageProps":{}}}</script>')
        page = (PAGES / "viewer" / "page.html").read_text().replace("<!-- -->40", f"<!-- -->{total}")
        return Reply(page.replace("rm99000001", asked.path.split("/")[-2]).encode())

    return shown


@pytest.mark.parametrize(("total", "status"), [(2, 0), (40, 3)])
def test_a_gallery_without_data_is_told_by_its_pictures_own_pages(
    origin: Origin, tmp_path: Path, total: int, status: int
) -> None:
    origin.misbehave = with_viewers(total)
    done = crawl(origin, tmp_path, "imdb_media_index", "html", "-a", f"show={SHOW_ID}", "-a", "viewer=true")
    assert done.status == status, done.output
    assert [path.split("/")[-2] for path in sorted(origin.pages_asked)] == ["mediaindex", "rm99000001", "rm99000002"]
    assert {person["name"] for person in done.of("person")} == {"Nell Avery", "Ole Brink"}
    assert any("caption" in image for image in done.of("image"))
    if status:
        assert f"could not get {SHOW_ID} pictures (2 of 40 came)" in done.last_line


def test_a_gallery_without_data_says_so_unless_its_pictures_pages_are_asked_for(origin: Origin, tmp_path: Path) -> None:
    origin.misbehave = with_viewers(2)
    done = crawl(origin, tmp_path, "imdb_media_index", "html", "-a", f"show={SHOW_ID}")
    assert done.status == 3
    assert "2 came, and the page does not say of how many" in done.last_line
    assert len(origin.pages_asked) == 1


def test_a_gallery_without_any_picture_is_an_answer(origin: Origin, tmp_path: Path) -> None:
    origin.misbehave = lambda _asked: Reply((PAGES / "gallery" / "answer-empty.json").read_bytes())
    done = crawl(origin, tmp_path, "imdb_media_index", "graphql", "-a", f"show={SHOW_ID}")
    assert (done.status, done.items) == (0, []), done.output


def test_a_gallery_that_promises_and_gives_nothing_is_empty(origin: Origin, tmp_path: Path) -> None:
    origin.misbehave = lambda _asked: json_reply({"data": {"title": {"id": SHOW_ID, "images": {"total": 9}}}})
    done = crawl(origin, tmp_path, "imdb_media_index", "graphql", "-a", f"show={SHOW_ID}")
    assert done.status == 1
    assert f"could not get {SHOW_ID} pictures (0 of 9 came)" in done.last_line
    assert "outcome/empty" in done.output


def test_a_rest_that_cannot_be_got_is_named_by_its_cursor(origin: Origin, tmp_path: Path) -> None:
    def first_part_only(asked: Asked) -> Reply | None:
        return answer(asked) if json.loads(asked.body)["variables"]["after"] is None else Reply(b"", 403)

    origin.misbehave = first_part_only
    done = crawl(origin, tmp_path, "imdb_media_index", "graphql", "-a", f"show={SHOW_ID}")
    assert done.status == 4
    assert f"could not get {SHOW_ID} pictures 4 to 7, from cursor 3" in done.last_line
    assert len(done.of("image")) == PART


def test_markup_without_a_total_is_no_whole_gallery(origin: Origin, tmp_path: Path) -> None:
    link = f'<a href="/title/{SHOW_ID}/mediaviewer/rm99000001/"><img src="https://m.media-amazon.com/a@._V1_.jpg"/></a>'
    script = f'<script id="__NEXT_DATA__">{json.dumps({"props": {"pageProps": {"contentData": {}}}})}</script>'
    origin.misbehave = lambda _asked: Reply((link + script).encode())
    done = crawl(origin, tmp_path, "imdb_media_index", "html", "-a", f"show={SHOW_ID}")
    assert done.status == 3
    assert "1 came, and the page does not say of how many" in done.last_line
    assert [image["picture_id"] for image in done.of("image")] == ["a@"]


def test_what_nobody_reads_yet_is_counted(origin: Origin, tmp_path: Path) -> None:
    gallery = {"total": 1, "edges": [{"position": 1, "node": {**node(1), "mood": "cheerful"}}]}
    origin.misbehave = lambda _asked: json_reply({"data": {"title": {"id": SHOW_ID, "images": gallery}}})
    done = crawl(origin, tmp_path, "imdb_media_index", "graphql", "-a", f"show={SHOW_ID}")
    assert done.status == 0
    assert "nobody reads image.mood yet" in done.output


@pytest.mark.parametrize(
    ("spider", "options", "words"),
    [
        ("imdb_media_index", (), "Say whose pictures to get: -a show=tt…"),
        ("imdb_person_gallery", (), "Say whose pictures to get: -a person=nm…"),
        ("imdb_person_gallery", ("-a", f"person={SHOW_ID}"), "is not an IMDb person"),
        ("imdb_person_gallery", ("-a", "person=,"), "names no person"),
        ("imdb_media_index", ("-a", f"show={PERSON_ID}"), "is not an IMDb title"),
    ],
)
def test_wrong_arguments_are_refused_at_once(spider: str, options: tuple[str, ...], words: str) -> None:
    done = refused(spider, *options)
    assert done.status == 2
    assert words in done.last_line
