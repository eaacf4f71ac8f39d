"""The infobox of an article (`aside.portable-infobox`): every row as it stands, and the known ones as typed facts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from trr_crawl.items import Image, InfoboxRow, Relation, SeasonSpan
from trr_crawl.parse.fandom import facts
from trr_crawl.parse.fandom.images import FandomImage, fandom_image
from trr_crawl.parse.fandom.markup import Element, Line, classes, first, has_class, lines, plain
from trr_crawl.parse.fandom.wikis import Wiki

GENDERS: Final = {
    **dict.fromkeys(("female", "woman", "f"), "female"),
    **dict.fromkeys(("male", "man", "m"), "male"),
    **dict.fromkeys(("nonbinary", "nonbinaryperson", "nb"), "non-binary"),
}
"""By what wikis write, letters only."""

RELATIONS: Final = {
    **dict.fromkeys(("relationships", "relationship", "romances", "romance", "spouse", "spouses"), "romance"),
    **dict.fromkeys(("husband", "wife", "partner", "partners", "exes", "dating", "significantothers"), "romance"),
    **dict.fromkeys(("family", "families", "children", "parents", "siblings", "relatives"), "family"),
    **dict.fromkeys(("friends", "friend", "allies"), "friend"),
    **dict.fromkeys(("enemies", "enemy", "rivals"), "enemy"),
    **dict.fromkeys(("installment", "installments", "franchise", "franchises", "city"), "installment"),
    **dict.fromkeys(("show", "shows", "series", "program", "programs"), "installment"),
}
"""What somebody is to the page's subject, by the row's key or label."""

_SEASONS = re.compile(r"([a-z]*?)(?:of)?seasons?")
_ROLES = {"main": "main", "friend": "friend", "friendof": "friend", "guest": "guest", "recurring": "recurring"}
_NOTE = re.compile(r"(.*\S)\s*\(([^()]+)\)")
_BETWEEN = re.compile(r"\s*[,;]\s*")
_QUOTES = "\"'\u201c\u201d\u2018\u2019"


@dataclass(slots=True)
class Row:
    """One row, with what its lines link to."""

    source: str | None
    label: str
    lines: list[Line]

    def as_read(self, wiki: Wiki) -> InfoboxRow:
        """As it goes into the record."""
        addresses = (wiki.address_of(href) for line in self.lines for _, href in line.links)
        return InfoboxRow(
            source=self.source,
            label=self.label,
            values=[line.text for line in self.lines],
            links=[address for address in addresses if address],
        )

    @property
    def keys(self) -> Iterator[str]:
        """What it may be known by, the template's key first; letters and digits only."""
        yield from (folded(name) for name in (self.source, self.label) if name)

    @property
    def name(self) -> str:
        """How drift names it."""
        return f"infobox.{self.source or self.label}"

    @property
    def words(self) -> str | None:
        """The value in one line, remarks left out; None where it says that nothing is known."""
        words = " ".join(line.text for line in self.lines if not line.small)
        return None if facts.is_unknown(words) else words

    @property
    def parts(self) -> list[str]:
        """The values by themselves, remarks left out."""
        told = (part for line in self.lines if not line.small for part in _BETWEEN.split(line.text))
        return [part for part in (part.strip(_QUOTES) for part in told) if not facts.is_unknown(part)]


@dataclass(slots=True)
class Infobox:
    """All that the infoboxes of a page say."""

    titles: list[str] = field(default_factory=list)
    """What they call the page's subject."""
    images: list[tuple[FandomImage, Image]] = field(default_factory=list)
    """Their pictures, the primary one first."""
    rows: list[Row] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    """By the names of FandomPage's fields: those that a row speaks of and that could be read."""
    aliases: list[str] = field(default_factory=list)
    """Other names, as far as rows give them."""
    relations: list[Relation] = field(default_factory=list)
    seasons: list[SeasonSpan] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    """Rows that nobody knows, or that could not be read."""


def folded(name: str) -> str:
    """Small letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def read(article: Element, wiki: Wiki) -> Infobox:
    """Read all infoboxes of an article, as one."""
    box = Infobox()
    for aside in article.xpath(f".//aside[{has_class('portable-infobox')}]"):
        for title in aside.xpath(f".//*[{has_class('pi-title')}]"):
            if (words := plain(title)) is not None:
                box.titles.append(words)
        for figure in aside.xpath(f".//figure[{has_class('pi-image')}]"):
            _read_image(box, figure)
        box.rows += _rows(aside, box)
    for row in box.rows:
        _read_row(box, row, wiki)
    return box


def _read_image(box: Infobox, figure: Element) -> None:
    """A picture; its address is that of the link around it, or of the `img`."""
    for address in figure.xpath(".//a/@href | .//img/@data-src | .//img/@src"):
        try:
            image = fandom_image(address)
        except ValueError:
            continue
        caption = first(figure, ".//figcaption")
        box.images.append((image, Image(url=image.url, caption=plain(caption) if caption is not None else None)))
        return
    box.drift.append("infobox.image")


def _rows(aside: Element, box: Infobox) -> Iterator[Row]:
    """All rows: single ones, those of tables, and those of groups that stand side by side."""
    for element in aside.iter():
        if not isinstance(element.tag, str):
            continue
        found = classes(element)
        if "pi-data" in found:
            label = first(element, f".//*[{has_class('pi-data-label')}]")
            value = first(element, f".//*[{has_class('pi-data-value')}]")
            if value is not None:
                yield _row(element.get("data-source") or None, label, value)
        elif "pi-horizontal-group" in found:
            yield from _side_by_side(element, "pi-data-label", "pi-data-value", box)
        elif "pi-smart-group" in found:
            yield from _side_by_side(element, "pi-smart-data-label", "pi-smart-data-value", box)


def _side_by_side(group: Element, label_class: str, value_class: str, box: Infobox) -> Iterator[Row]:
    labels = group.xpath(f".//*[{has_class(label_class)}]")
    values = group.xpath(f".//*[{has_class(value_class)}]")
    if labels and len(labels) != len(values):
        box.drift.append("infobox.group with labels that have no values")
        labels = []
    for index, value in enumerate(values):
        yield _row(value.get("data-source") or None, labels[index] if labels else None, value)


def _row(source: str | None, label: Element | None, value: Element) -> Row:
    words = plain(label) if label is not None else None
    return Row(source, words or source or "", lines(value))


def _read_row(box: Infobox, row: Row, wiki: Wiki) -> None:
    """What a row means, by its key or its label; a row that cannot be read is left as it stands."""
    try:
        for key in row.keys:
            if key in RELATIONS:
                box.relations += relations(row.lines, RELATIONS[key], wiki)
            elif key in _ROLES or _SEASONS.fullmatch(key):
                box.seasons += facts.spans(row.words or "", _role(key))
            elif key in READERS:
                READERS[key](box, row)
            else:
                continue
            return
    except ValueError:
        pass
    box.drift.append(row.name)


def _role(key: str) -> str:
    match = _SEASONS.fullmatch(key)
    word = match[1] if match else key
    return _ROLES.get(word, word) or "cast"


def relations(found: list[Line], kind: str, wiki: Wiki) -> list[Relation]:
    """People and things that a row names. A line in brackets, or a small one, is a remark on the one before."""
    told: list[Relation] = []
    remarkable = 0
    for line in found:
        if line.small or (line.text.startswith("(") and line.text.endswith(")")):
            note = line.text.strip("() ")
            for index in range(remarkable, len(told)):
                told[index] = _with_note(told[index], note)
        elif not facts.is_unknown(line.text):
            remarkable = len(told)
            told += _of_line(line, kind, wiki)
    return told


def _of_line(line: Line, kind: str, wiki: Wiki) -> list[Relation]:
    match = _NOTE.fullmatch(line.text)
    if len(line.links) > 1:
        return [_relation(kind, name, href, None, wiki) for name, href in line.links]
    name, note = (match[1], match[2].strip()) if match else (line.text, None)
    href = line.links[0][1] if line.links else None
    return [_relation(kind, name, href, note, wiki)]


def _relation(kind: str, name: str, href: str | None, note: str | None, wiki: Wiki) -> Relation:
    title = wiki.title_of(href) if href else None
    return Relation(kind=kind, name=name, url=wiki.address_of(href) if href else None, title=title, note=note)


def _with_note(told: Relation, note: str) -> Relation:
    joined = f"{told.note}, {note}" if told.note else note
    return Relation(kind=told.kind, name=told.name, url=told.url, title=told.title, note=joined)


# What single rows say. Each takes its words into `facts`, or raises ValueError.

Reader = Callable[[Infobox, Row], None]


def _words(name: str) -> Reader:
    def read_words(box: Infobox, row: Row) -> None:
        box.facts[name] = row.words

    return read_words


def _name(name: str) -> Reader:
    def read_name(box: Infobox, row: Row) -> None:
        box.facts[name] = row.words
        if row.words is not None:
            box.aliases.append(row.words)

    return read_name


def _measure(name: str, measure: Callable[[str], float]) -> Reader:
    def read_measure(box: Infobox, row: Row) -> None:
        box.facts[name] = None if row.words is None else measure(row.words)

    return read_measure


def _aliases(box: Infobox, row: Row) -> None:
    box.aliases += row.parts


def _professions(box: Infobox, row: Row) -> None:
    box.facts["professions"] = row.parts


def _gender(box: Infobox, row: Row) -> None:
    if row.words is None:
        box.facts["gender"] = None
        return
    word = folded(row.words)
    if word not in GENDERS:
        raise ValueError(f"{row.words!r} is no gender that we know")
    box.facts["gender"] = GENDERS[word]


def _birth(box: Infobox, row: Row) -> None:
    """The day, and the place in the lines below it, if there are any."""
    if row.words is None:
        box.facts |= {"birth_date": None, "birth_year": None}
        return
    told, *below = [line.text for line in row.lines if not line.small]
    day = facts.born(told)
    box.facts |= {"birth_date": day.day, "birth_year": day.year}
    if place := [words for words in below if not words.startswith("(")]:
        box.facts.setdefault("birth_place", " ".join(place))


READERS: Final[dict[str, Reader]] = {
    **dict.fromkeys(("fullname", "realname"), _name("full_name")),
    **dict.fromkeys(("birthname", "bornas"), _name("birth_name")),
    **dict.fromkeys(("birthdate", "dateofbirth", "birthday", "dob", "born", "birth"), _birth),
    **dict.fromkeys(("birthplace", "placeofbirth"), _words("birth_place")),
    **dict.fromkeys(("gender", "sex"), _gender),
    **dict.fromkeys(("residesin", "residence", "livesin", "currentresidence", "resides"), _words("residence")),
    **dict.fromkeys(("haircolor", "haircolour", "hair"), _words("hair_colour")),
    **dict.fromkeys(("eyecolor", "eyecolour", "eyes"), _words("eye_colour")),
    "height": _measure("height_centimetres", facts.centimetres),
    "weight": _measure("weight_kilograms", facts.kilograms),
    **dict.fromkeys(("occupation", "occupations", "profession", "professions", "job", "jobs"), _professions),
    **dict.fromkeys(("alias", "aliases", "aka", "alsoknownas", "nickname", "nicknames", "othernames"), _aliases),
    "name": lambda box, row: box.titles.extend(filter(None, [row.words])),
}
"""By a row's key or label, letters and digits only."""
