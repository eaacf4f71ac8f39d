"""What Fandom really served, every capture of it. They are not ours to publish, so a clone without them skips."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import in_process
import orjson
import psycopg
import pytest

from support import CAPTURES, scrapy
from trr_crawl.items import SeasonSpan, Seat
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.fandom import api, article, gallery, markup
from trr_crawl.parse.fandom.article import ArticlePage
from trr_crawl.parse.fandom.evidence import Finding, Wanted, compare
from trr_crawl.parse.fandom.gallery import Entries
from trr_crawl.parse.fandom.images import fandom_image, fandom_image_url
from trr_crawl.parse.fandom.wikis import Wiki
from trr_crawl.parse.node import Node

FANDOM = CAPTURES / "fandom"
WIKI = Wiki("real-housewives")

pytestmark = pytest.mark.skipif(not FANDOM.is_dir(), reason=f"no recorded pages in {FANDOM}")


def captured(pattern: str) -> list[Path]:
    return sorted(FANDOM.glob(pattern))


@cache
def person() -> ArticlePage:
    """The one article that was captured."""
    [path] = captured("person_html/*.html")
    return article.parse_page(path.read_bytes(), WIKI)


def name() -> str:
    """Whose it is, by the name of its file."""
    [path] = captured("person_html/*.html")
    return " ".join(path.name.split("__")[2].split("_")[:2])


def show() -> str:
    """The show that it is about, by its categories."""
    return next(category for category in person().document.categories or () if " of " in category)


class TestArticle:
    def test_it_is_known_which_page_it_is(self) -> None:
        source = person().document
        assert (source.key, source.revision_id, source.title) == ("real-housewives/5687", 41443, name())
        assert source.display_title == name()
        assert len(source.categories or ()) == 3

    def test_every_row_of_the_infobox_is_read(self) -> None:
        box = person().box
        assert len(box.rows) == 14
        assert [row.label for row in box.rows if row.source != row.label] == ["Romances", "Main"]
        assert all(row.lines for row in box.rows)
        assert box.titles == [name()]

    def test_what_is_known_is_typed(self) -> None:
        found = person().box.facts
        assert (found["birth_date"], found["birth_year"], found["gender"]) == (date(1985, 9, 14), 1985, "female")
        assert (found["hair_colour"], found["eye_colour"]) == ("Black", "Black")
        assert (found["height_centimetres"], found["weight_kilograms"]) == (None, None)
        assert found["residence"].count(",") == 1
        assert found["full_name"].split()[0] == name().split()[0]
        assert person().box.seasons == [SeasonSpan(role="main", first=5, last=None)]

    def test_relations_have_their_links_and_remarks(self) -> None:
        told = person().box.relations
        kinds = [relation.kind for relation in told]
        assert {kind: kinds.count(kind) for kind in kinds} == {
            "romance": 1, "family": 1, "friend": 4, "enemy": 3, "installment": 1,
        }  # fmt: skip
        assert [relation.note for relation in told if relation.note] == ["Husband", "Daughter"]
        assert [relation.kind for relation in told if relation.url is None] == ["family"]
        assert told[-1].title == show() != told[-1].name

    def test_the_text_is_read(self) -> None:
        page = person()
        assert page.summary is not None
        assert page.summary.startswith(f"{name()} is ")
        assert page.summary.endswith(f"{show()}.")
        [tagline] = page.taglines
        assert (tagline.season, tagline.opening_order, tagline.tagline[-1]) == (5, 3, ".")
        assert page.seating == [Seat(season=5, season_label="5", side="right", seat_order=3)]
        assert page.trivia == []  # all of it is still to be added

    def test_its_pictures_are_read(self) -> None:
        shown = person().shown
        assert [(picture.image_type, picture.season) for picture in shown] == [
            (None, None), ("intro_card", 5), ("reunion_look", 5),
        ]  # fmt: skip
        assert {picture.image.bucket for picture in shown} == {"real-housewives"}
        assert (person().missing, person().strange) == ([], [])

    def test_nothing_in_it_is_new_to_the_parser(self) -> None:
        assert person().drift == []

    @pytest.mark.parametrize(
        ("known", "attached"),
        [
            ({"shows": True}, True),
            ({"born": date(1985, 9, 14)}, True),
            ({"shows": True, "born": date(1985, 9, 15)}, False),
            ({}, False),
        ],
    )
    def test_it_is_attached_with_evidence_only(self, known: dict[str, Any], attached: bool) -> None:
        shows = (show(),) if "shows" in known else ()
        wanted = Wanted(name=name().upper(), shows=shows, birth_date=known.get("born"))
        assert compare(person(), wanted).attached == attached

    def test_it_is_never_a_friends_page(self) -> None:
        for relation in person().box.relations:
            found = compare(person(), Wanted(name=relation.name, shows=(show(),)))
            assert found.reason == f"the page is about {name()}"

    def test_it_lands_and_lands_once(self, tmp_path: Path, crawl_url: str) -> None:
        archive = tmp_path / "captured.warc.gz"
        [path] = captured("person_html/*.html")
        assert in_process.scrapy("archive-add", archive, WIKI.page_url(name()), path).status == 0
        options = ("-a", "wiki=real-housewives", "-a", f"person={name()}", "-a", f"title={show()}")
        first = scrapy("crawl", "fandom_person", *options, "-s", f"REPLAY={archive}")
        assert first.status == 0, first.output
        again = scrapy("crawl", "fandom_person", *options, "-s", f"REPLAY={archive}")
        assert again.status == 0, again.output
        assert "inserted" not in again.last_line
        assert "updated" not in again.last_line
        with psycopg.connect(crawl_url) as connection:
            people = connection.execute(
                "SELECT value, name, birth_date, hair_colour, provenance ->> 'birth_date' FROM people "
                "JOIN external_ids ON entity_id = people.id"
            ).fetchall()
            pages = connection.execute("SELECT wiki, page_id, person_key, infobox FROM fandom_pages").fetchall()
            [(pictures,)] = connection.execute("SELECT count(*) FROM gallery_entries").fetchall()
        assert people == [("real-housewives:5687", name(), date(1985, 9, 14), "Black", "fandom")]
        assert pages[0][:3] == ("real-housewives", 5687, "real-housewives:5687")
        assert (len(pages[0][3]), pictures) == (14, 3)


def galleries(path: Path) -> list[Entries]:
    elements = markup.root(path.read_text()).iter()
    return [gallery.entries(found) for found in elements if isinstance(found.tag, str) and gallery.is_gallery(found)]


class TestGalleries:
    def test_files_that_are_not_there_are_counted(self) -> None:
        [path] = captured("gallery_html/*missing*")
        [found] = galleries(path)
        assert (len(found.entries), len(found.missing), found.strange) == (0, 3, [])
        assert all(name.endswith(".png") for name in found.missing)

    def test_captions_are_plain_text(self) -> None:
        [path] = captured("gallery_html/*Moonfall*")
        [found] = galleries(path)
        assert (len(found.entries), found.missing, found.strange) == (5, [], [])
        for entry in found.entries:
            assert entry.image.bucket == "leagueoflegends"
            assert entry.caption is not None
            assert "<" not in entry.caption
            assert ": " in entry.caption


def urls() -> list[str]:
    [path] = captured("image_urls/*.txt") or [None]
    return path.read_text().split() if path else []


class TestPictures:
    @pytest.mark.parametrize("url", urls())
    def test_every_address_has_one_form(self, url: str) -> None:
        found = fandom_image(url)
        parts = urlsplit(found.url)
        assert (parts.scheme, parts.netloc, parts.query) == ("https", "static.wikia.nocookie.net", "")
        for gone in ("revision", "thumb/", "__cb", "width", "latest"):
            assert gone not in parts.path
        assert fandom_image(found.url).picture_id == found.picture_id
        assert ("path-prefix" in url) <= (found.prefix is not None)

    def test_one_picture_is_one_whatever_its_address(self) -> None:
        folded: dict[str, int] = {}
        for url in urls():
            folded[fandom_image_url(url)] = folded.get(fandom_image_url(url), 0) + 1
        assert len(urls()) == 19
        assert sorted(folded.values()) == [*[1] * 14, 2, 3]


class TestApi:
    def test_a_file_that_is_not_there_is_missing(self) -> None:
        [path] = captured("api_imageinfo/Galarzaa90*")
        page = api.parse_images(path.read_bytes())
        assert ([picture.key for picture in page.pictures], page.missing) == (
            ["tibia/en/Golden_Armor.gif"], ["File:Golden Shield.gif"],
        )  # fmt: skip
        assert (page.more, page.strange, page.drift) == (None, [], [])

    def test_a_continuation_is_taken_whole(self) -> None:
        [path] = captured("api_imageinfo/*hans5958*")
        page = api.parse_images(path.read_bytes())
        assert page.more == orjson.loads(path.read_bytes())["continue"]
        assert len(page.more) == 2
        assert [picture.key for picture in page.pictures] == ["murder-drones/N7.png"]

    def test_details_of_a_file_are_its_size(self) -> None:
        [path] = captured("api_imageinfo/mikf*")
        picture = api.size(Node(orjson.loads(path.read_bytes()), "imageinfo"))
        assert picture is not None
        assert (picture.key, picture.width, picture.height) == ("mushi-shi/Yahagi.png", 728, 410)

    @pytest.mark.parametrize("path", captured("mw_api_search/*.json"), ids=lambda path: path.stem[-7:])
    def test_searches(self, path: Path) -> None:
        page = api.parse_list(path.read_bytes(), "search")
        answer = json.loads(path.read_bytes())
        assert page.titles == [entry["title"] for entry in answer["query"]["search"]]
        # How older answers went on, and that they warn of it.
        assert set(page.drift) <= {"answer.query-continue", "answer.warnings.main", "answer.warnings.query"}

    @pytest.mark.parametrize("folder", ["api_categorymembers", "mw_api_continue"])
    def test_lists(self, folder: str) -> None:
        [path] = captured(f"{folder}/*.json")
        page = api.parse_list(path.read_bytes(), "categorymembers")
        assert page.count == len(page.titles) > 0
        assert (page.more or {}).keys() == ({"cmcontinue", "continue"} if "continue" in folder else set())
        assert page.drift == []

    @pytest.mark.parametrize("path", captured("mw_api_missing/*.json"), ids=lambda path: path.stem[-7:])
    def test_pages_that_are_missing(self, path: Path) -> None:
        entries = list(api.pages(api.answer(path.read_bytes())))
        assert [api.is_missing(entry) for entry in entries] == ["missing" in entry.data for entry in entries]
        assert any(map(api.is_missing, entries))
        page = api.parse_images(path.read_bytes())
        assert page.pictures == []  # these are Wikimedia's
        assert len(page.strange) == sum("imageinfo" in entry.data for entry in entries)

    @pytest.mark.parametrize("path", captured("api_revisions/*response*.json"), ids=lambda path: path.stem[-9:])
    def test_revisions(self, path: Path) -> None:
        known, lost = api.pages(api.answer(path.read_bytes()))
        assert (api.is_missing(known), api.is_missing(lost)) == (False, True)


def test_a_finding_of_nobody_attaches_nothing() -> None:
    items = list(person().items(Finding(wanted=Wanted(name="Nobody"), reason="nobody asked")))
    assert [item.kind for item in items] == ["fandom_page"]


def test_a_page_cut_short_is_refused() -> None:
    [path] = captured("person_html/*.html")
    page = path.read_bytes()
    for share in (0.2, 0.6, 0.9):
        with pytest.raises(ShapeError, match="the page breaks off"):
            article.parse_page(page[: int(len(page) * share)], WIKI)
