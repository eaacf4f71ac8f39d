"""One picture of a gallery, in the markup of its own page: `/{title|name}/…/mediaviewer/rm…/`.

It tells what the markup of a gallery leaves out: what the picture shows, who is in it, and how many there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from parsel import Selector, SelectorList

from trr_crawl import text
from trr_crawl.items import UNSET, GalleryEntry, Person, Picture
from trr_crawl.parse.errors import ShapeError, WrongPage
from trr_crawl.parse.imdb import gallery
from trr_crawl.parse.imdb.gallery import GalleryPage
from trr_crawl.text import original_image_url

MARK: Final = b'data-testid="media-viewer"'

_VIEWER = re.compile(r"/(?:title/(tt\d+)|name/(nm\d+))/mediaviewer/(rm\d+)", re.ASCII)
_PLACE = re.compile(r"([\d,]+) of ([\d,]+)", re.ASCII)
_SUBJECT = re.compile(r"/(?:title/(tt\d+)|name/(nm\d+))", re.ASCII)


def is_viewer_page(body: bytes) -> bool:
    """Whether a body is such a page."""
    return MARK in body


def parse_page(body: bytes, owner_id: str, source_id: str) -> GalleryPage:
    """Read the bytes of the page of the picture `source_id` (rm…) in the gallery of a title or person."""
    page = Selector(text=body.decode("utf-8", "replace"))
    viewer = page.css("[data-testid='media-viewer']")
    if not viewer:
        raise ShapeError("the page shows no picture: it has no media-viewer")
    _check(page, owner_id, source_id)
    image = viewer.css(f"img[data-image-id^='{source_id}']") or viewer.css("img[data-image-id$='curr']")
    url = gallery.widest(image.xpath("@srcset").get(""), image.xpath("@src").get(""))
    if url is None:
        raise ShapeError(f"the page shows no picture {source_id} on {gallery.IMAGE_HOST}")
    position, total = _place(page)
    sheet = page.css("[data-testid='media-sheet']")
    people, titles = dict(_subjects(sheet, "nm")), dict(_subjects(sheet, "tt"))
    words = sheet.css(".ipc-html-content-inner-div").xpath("string()").get("")
    picture_id = gallery.identity(url, "img")
    picture = Picture(
        source="imdb",
        picture_id=picture_id,
        url=original_image_url(url),
        source_id=source_id,
        caption=text.clean(words) or text.clean(image.xpath("@alt").get("")) or UNSET,
        person_ids=list(people),
        title_ids=list(titles),
    )
    tagged = [GalleryEntry(source="imdb", picture_id=picture_id, person_id=who) for who in people if who != owner_id]
    return GalleryPage(
        owner_id=owner_id,
        people=[Person(source="imdb", id=who, name=name) for who, name in people.items()],
        pictures=[picture],
        entries=[gallery.entry(owner_id, picture_id, position), *tagged],
        total=total,
    )


def _check(page: Selector, owner_id: str, source_id: str) -> None:
    """Raise WrongPage where the page's own address names another picture or another gallery."""
    address = _VIEWER.search(page.css("link[rel=canonical]::attr(href)").get(""))
    if address is not None and (address[1] or address[2], address[3]) != (owner_id, source_id):
        raise WrongPage(
            f"asked for {source_id} of {owner_id}, the page is about {address[3]} of {address[1] or address[2]}"
        )


def _place(page: Selector) -> tuple[int, int]:
    """The picture's place in its gallery, and how many there are: "3 of 40"."""
    for words in page.xpath("//body//*[not(self::script or self::style) and not(*)]"):
        match = _PLACE.fullmatch((words.xpath("string()").get("")).strip())
        if match is not None:
            return text.integer(match[1]), text.integer(match[2])
    raise ShapeError('the page does not tell the picture\'s place: it has no words like "3 of 40"')


def _subjects(sheet: SelectorList[Selector], prefix: str) -> Iterator[tuple[str, str | None]]:
    """Ids and names of the people, or of the titles, that the words about the picture link to."""
    for link in sheet.css("a"):
        match = _SUBJECT.search(link.xpath("@href").get(""))
        found = (match[1] or match[2]) if match is not None else ""
        if found.startswith(prefix):
            yield found, text.clean(link.xpath("string()").get(""))
