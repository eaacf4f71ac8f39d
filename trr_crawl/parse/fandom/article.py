"""An article about somebody: infobox, summary, taglines, seating at reunions, trivia, pictures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from trr_crawl.items import UNSET, FandomPage, GalleryEntry, Item, Person, Picture, Seat, Tagline
from trr_crawl.parse.fandom import document, facts, gallery, infobox
from trr_crawl.parse.fandom.document import Document
from trr_crawl.parse.fandom.evidence import Finding, bare
from trr_crawl.parse.fandom.images import FandomImage
from trr_crawl.parse.fandom.infobox import Infobox, folded
from trr_crawl.parse.fandom.markup import Element, is_silent, plain
from trr_crawl.parse.fandom.wikis import Wiki

T = TypeVar("T")

TAGLINES: Final = {
    **dict.fromkeys(("season", "seasonnumber", "seasons"), "season"),
    **dict.fromkeys(("card", "introcard", "titlecard", "intro", "image", "photo"), "picture"),
    **dict.fromkeys(("position", "openingorder", "order", "place"), "order"),
    **dict.fromkeys(("tagline", "taglines", "quote"), "tagline"),
}
"""Columns of a table of taglines, by their headings."""

SEATING: Final = {
    **dict.fromkeys(("season", "seasonnumber", "seasons"), "season"),
    **dict.fromkeys(("look", "reunionlook", "image", "photo"), "picture"),
    **dict.fromkeys(("hostside", "side"), "side"),
    **dict.fromkeys(("distancefromhost", "distance", "seat", "seatorder"), "order"),
}
"""Columns of a table of reunion seats, by their headings."""

_NO_PROSE = frozenset(("table", "li", "dd", "blockquote", "figure"))
_WIDEST, _TALLEST = 50, 500
"""A table that is wider, or a cell that claims to span more rows, is a mistake or a trap."""

_SEASON = re.compile(r"(?:season\s*)?(\d{1,3})", re.IGNORECASE | re.ASCII)
_LISTED = re.compile(r"season\s*(\d{1,3})\s*[:\u2013\u2014-]\s*(.+)", re.IGNORECASE | re.ASCII)
_QUOTES = "\"'\u201c\u201d\u2018\u2019 "


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture of the article."""

    image: FandomImage
    image_type: str | None = None
    """"intro_card", "reunion_look"; None for one of no particular kind."""
    season: int | None = None
    caption: str | None = None


@dataclass(kw_only=True, slots=True)
class ArticlePage:
    """What one article says."""

    document: Document
    box: Infobox
    summary: str | None = None
    taglines: list[Tagline] = field(default_factory=list)
    seating: list[Seat] = field(default_factory=list)
    trivia: list[str] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    """Its pictures, those of the infobox first, each once."""
    missing: list[str] = field(default_factory=list)
    """Names of picture files that it names and that are not there."""
    strange: list[str] = field(default_factory=list)
    """Addresses of pictures that are none of Fandom's."""
    drift: list[str] = field(default_factory=list)
    """What nobody reads yet."""

    @property
    def names(self) -> list[str]:
        """All names that the page gives its subject, its title first."""
        told = [self.document.title, self.document.display_title, *self.box.titles, *self.box.aliases]
        return list(dict.fromkeys(name for name in told if name))

    @property
    def person_id(self) -> str:
        """The id of its subject as a person."""
        return f"{self.document.wiki.key}:{self.document.page_id}"

    @property
    def count(self) -> int:
        """How many pictures are here."""
        return len(self.shown)

    def items(self, finding: Finding) -> Iterator[Item]:
        """The page; and if it is attached, the person and their pictures."""
        yield self.page(finding)
        if finding.attached:
            yield self.person()
            for shown in self.shown:
                yield Picture(
                    source="fandom",
                    picture_id=shown.image.picture_id,
                    url=shown.image.url,
                    image_type=shown.image_type or UNSET,
                    caption=shown.caption or UNSET,
                )
                yield GalleryEntry(
                    source="fandom",
                    picture_id=shown.image.picture_id,
                    person_id=self.person_id,
                    season_number=shown.season if shown.season is not None else UNSET,
                )

    def page(self, finding: Finding) -> FandomPage:
        """The record of the page itself."""
        source = self.document
        stated: dict[str, Any] = dict(self.box.facts)
        if self.box.rows:
            stated |= {"relations": self.box.relations, "seasons": self.box.seasons}
        return FandomPage(
            source="fandom",
            wiki=source.wiki.key,
            page_id=source.page_id,
            title=source.title,
            display_title=source.display_title if source.display_title is not None else UNSET,
            aliases=self.names[1:],
            url=source.wiki.page_url(source.title),
            revision_id=source.revision_id,
            categories=source.categories if source.categories is not None else UNSET,
            infobox=[row.as_read(source.wiki) for row in self.box.rows],
            image=self.box.images[0][1] if self.box.images else None,
            summary=self.summary,
            taglines=self.taglines,
            seating=self.seating,
            trivia=self.trivia,
            wanted_name=finding.wanted.name,
            wanted_id=finding.wanted.id if finding.wanted.id is not None else UNSET,
            evidence=finding.evidence,
            reason=finding.reason,
            person_id=self.person_id if finding.attached else UNSET,
            **stated,
        )

    def person(self) -> Person:
        """What the page says of its subject, as a person."""
        shared = {name: self.box.facts[name] for name in self.box.facts if name in Person.__dataclass_fields__}
        return Person(
            source="fandom",
            id=self.person_id,
            name=bare(self.document.title),
            also_known_as=[name for name in self.names[1:] if name != shared.get("full_name")],
            biography=self.summary,
            image=self.box.images[0][1] if self.box.images else None,
            **shared,
        )


def parse_answer(body: bytes, wiki: Wiki) -> ArticlePage:
    """Read the answer to `document.API_PARAMETERS`."""
    return read(document.parse_answer(body, wiki))


def parse_page(body: bytes, wiki: Wiki) -> ArticlePage:
    """Read the bytes of `https://{wiki}.fandom.com/wiki/{title}`."""
    return read(document.parse_page(body, wiki))


def read(source: Document) -> ArticlePage:
    """Read the article of a page."""
    page = ArticlePage(document=source, box=infobox.read(source.content, source.wiki))
    page.drift = source.drift + page.box.drift
    page.shown = [Shown(image=image, caption=told.caption) for image, told in page.box.images]
    for element, section in walk(source.content):
        if element.tag == "p":
            if page.summary is None and _is_prose(element):
                page.summary = plain(element)
        elif element.tag == "table":
            _read_table(page, element)
        elif element.tag == "li":
            if not any(above.tag == "li" for above in element.iterancestors()):
                _read_entry(page, element, section)
        elif element.tag == "img" or gallery.is_gallery(element):
            _take(page, element)
    once: dict[str, Shown] = {}
    for shown in page.shown:
        once.setdefault(shown.image.picture_id, shown)
    page.shown = list(once.values())
    return page


def _is_prose(paragraph: Element) -> bool:
    """Whether a paragraph belongs to the text, and not to a table, a list or a quotation."""
    return not any(above.tag in _NO_PROSE for above in paragraph.iterancestors())


def walk(article: Element) -> Iterator[tuple[Element, str]]:
    """The elements that say something, infoboxes left out, each with the heading that it stands under.

    A heading is the last `h2`, letters and digits only. Tables of taglines and seats and galleries are read as a whole
    and not entered.
    """
    section = ""
    below = [iter(article)]
    while below:
        element = next(below[-1], None)
        if element is None:
            below.pop()
            continue
        if is_silent(element):
            continue
        if element.tag == "h2":
            section = folded(plain(element) or "")
            continue
        yield element, section
        if not (element.tag == "table" and columns_of(element)) and not gallery.is_gallery(element):
            below.append(iter(element))


def _read_entry(page: ArticlePage, entry: Element, section: str) -> None:
    """An entry of a list, those within it included."""
    if section == "trivia":
        page.trivia += filter(None, [_told(entry)])
    elif section.startswith("tagline"):
        _read_listed_tagline(page, entry)


def _told(entry: Element) -> str | None:
    words = plain(entry)
    return None if words is None or facts.is_unknown(words) else words


# Tables


def rows_of(table: Element) -> list[list[Element]]:
    """The cells of a table, row by row; one that spans several places stands in all of them."""
    found: list[list[Element]] = []
    reaching: dict[int, tuple[Element, int]] = {}
    for row in table.xpath("./tr | ./thead/tr | ./tbody/tr"):
        cells = [cell for cell in row if cell.tag in ("td", "th")]
        line: list[Element] = []
        while (cells or len(line) in reaching) and len(line) < _WIDEST:
            cell, rows = reaching.pop(len(line), (None, 0))
            columns = 1
            if cell is None:
                cell = cells.pop(0)
                rows, columns = _span(cell, "rowspan", _TALLEST), _span(cell, "colspan", _WIDEST)
            for _ in range(columns):
                if rows > 1:
                    reaching[len(line)] = (cell, rows - 1)
                line.append(cell)
        found.append(line)
    return found


def _span(cell: Element, name: str, most: int) -> int:
    value = cell.get(name) or "1"
    return min(max(int(value), 1), most) if value.isascii() and value.isdigit() else 1


def columns_of(table: Element) -> tuple[int, dict[str, str]] | None:
    """If a table is one of taglines or seats: which of its first rows is the head, and what its columns are."""
    for index, row in enumerate(table.xpath("(./tr | ./thead/tr | ./tbody/tr)[position() <= 2]")):
        headings = {folded(plain(cell) or "") for cell in row.xpath("./th")}
        for columns, telling in ((TAGLINES, ("season", "tagline")), (SEATING, ("season", "side"))):
            if set(telling) <= {columns[heading] for heading in headings if heading in columns}:
                return index, columns
    return None


def _read_table(page: ArticlePage, table: Element) -> None:
    found = columns_of(table)
    if found is None:
        return
    index, columns = found
    head, *body = rows_of(table)[index:]
    headings = [folded(plain(cell) or "") for cell in head]
    of = "taglines" if columns is TAGLINES else "seating"
    page.drift += [f"{of}.{heading}" for heading in headings if heading not in columns]
    for cells in body:
        named = {columns[heading]: cell for heading, cell in zip(headings, cells, strict=False) if heading in columns}
        if "season" in named and any(cell.tag == "td" for cell in cells):  # the head may stand below, too
            _read_place(page, of, named)


def _read_place(page: ArticlePage, of: str, cells: dict[str, Element]) -> None:
    """A row: of one season, or of one of its reunions."""
    label = _told(cells["season"])
    words = {name: _told(cell) for name, cell in cells.items()}
    match = _SEASON.fullmatch(label or "")
    season = int(match[1]) if match else None
    place = _or_drift(page, f"{of}.order", facts.order, words.get("order"))
    if of == "taglines":
        tagline = (words.get("tagline") or "").strip(_QUOTES)
        if label and tagline:
            told = Tagline(season=season, season_label=label, opening_order=place, tagline=tagline)
            page.taglines.append(told)
    elif label:
        side = words.get("side")
        page.seating.append(
            Seat(season=season, season_label=label, side=side.lower() if side else None, seat_order=place)
        )
    if "picture" in cells:
        _take(page, cells["picture"], "intro_card" if of == "taglines" else "reunion_look", season)


def _or_drift(page: ArticlePage, name: str, reader: Callable[[str], T], words: str | None) -> T | None:
    if words is None:
        return None
    try:
        return reader(words)
    except ValueError:
        page.drift.append(name)
        return None


def _read_listed_tagline(page: ArticlePage, entry: Element) -> None:
    match = _LISTED.fullmatch(plain(entry) or "")
    if match is None:
        page.drift.append("taglines.entry")
        return
    label = f"Season {match[1]}"
    page.taglines.append(
        Tagline(season=int(match[1]), season_label=label, opening_order=None, tagline=match[2].strip(_QUOTES))
    )


# Pictures


def _take(page: ArticlePage, element: Element, image_type: str | None = None, season: int | None = None) -> None:
    """The pictures of a cell, of a gallery, or a single one; icons are left out."""
    if gallery.is_gallery(element):
        found = gallery.entries(element)
        page.missing += found.missing
        page.strange += found.strange
        page.shown += [Shown(image=entry.image, caption=entry.caption) for entry in found.entries]
        return
    for img in [element] if element.tag == "img" else element.iter("img"):
        if not gallery.is_large(img):
            continue
        image, address = gallery.image_of(img)
        if image is not None:
            page.shown.append(Shown(image=image, image_type=image_type, season=season))
        elif gallery.is_of_fandom(address):
            page.strange.append(address)
