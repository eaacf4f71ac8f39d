"""The pictures of a title or person: the pages `…/mediaindex/` and the GraphQL answers to `query`.

Both give a `GalleryPage`. A page shows the first 50 pictures. Where it has no data, its markup is read: that knows the
pictures and their order, and neither their sizes nor how many there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from parsel import Selector

from trr_crawl.items import UNSET, GalleryEntry, Item, Maybe, Person, Picture
from trr_crawl.parse.errors import NoSuchTitle, ShapeError, WrongPage
from trr_crawl.parse.imdb import graphql, next_data
from trr_crawl.parse.imdb.title import stated
from trr_crawl.parse.node import Node
from trr_crawl.text import original_image_url, picture_id

PAGE_SIZE: Final = 50
"""Pictures that an answer, and a page, holds at most."""

IMAGE_HOST: Final = "m.media-amazon.com"
"""Where IMDb keeps its pictures; what a page's markup shows from elsewhere is none of them."""

OPERATIONS: Final = {"title": "TitleGallery", "name": "NameGallery"}

_QUERY = """
query {operation}($id: ID!, $first: Int!, $after: ID) {{
  {root}(id: $id) {{
    id
    {heading}
    images(first: $first, after: $after) {{
      total
      pageInfo {{ hasNextPage endCursor }}
      edges {{
        position
        node {{
          id
          url
          width
          height
          caption {{ plainText }}
          type
          copyright
          names {{ id nameText {{ text }} }}
          titles {{ id titleText {{ text }} }}
        }}
      }}
    }}
  }}
}}
"""

_HEADINGS = {"title": "titleText { text }", "name": "nameText { text }"}
_LISTS = ("all_images", "images")
"""Where a page's owner has the pictures, best first."""

_PICTURE_KEYS = frozenset(
    "__typename id url width height caption type copyright createdBy source names titles countries languages "
    "correctionLink reportingLink".split()
)
_VIEWER = re.compile(r"/(title/tt\d+|name/nm\d+)/mediaviewer/(rm\d+)", re.ASCII)
_WIDTH = re.compile(r"UX(\d+)", re.ASCII)


@dataclass(kw_only=True, slots=True)
class GalleryPage:
    """What one page or answer holds, and how much more there is."""

    owner_id: str
    """The title's or person's id."""
    people: list[Person]
    """The owner, if a person, and everybody in the pictures."""
    pictures: list[Picture]
    entries: list[GalleryEntry]
    """The pictures' places in this gallery, then those in the galleries of the people in them."""
    total: int | None
    """How many pictures the gallery has, by its own word; None where the page does not say."""
    next_cursor: str | None = None
    """Where the next part starts; None at the end."""
    drift: list[str] = field(default_factory=list)
    """Paths of keys that the parser does not know."""

    def items(self) -> Iterator[Item]:
        """All items, parents first."""
        yield from self.people
        yield from self.pictures
        yield from self.entries

    @property
    def ids(self) -> set[str]:
        """The ids of the gallery's places here, rm…"""
        return {picture.source_id for picture in self.pictures if isinstance(picture.source_id, str)}

    @property
    def count(self) -> int:
        """How many different places of the gallery are here."""
        return len(self.ids)


def root_of(owner_id: str) -> str:
    """What GraphQL calls the kind of thing that an id is for."""
    return "name" if owner_id.startswith("nm") else "title"


def query(owner_id: str, *, after: str | None = None) -> dict[str, Any]:
    """The body of the GraphQL request for a part of a gallery."""
    root = root_of(owner_id)
    return {
        "query": _QUERY.format(operation=OPERATIONS[root], root=root, heading=_HEADINGS[root]),
        "operationName": OPERATIONS[root],
        "variables": {"id": owner_id, "first": PAGE_SIZE, "after": after},
    }


def parse_answer(body: bytes, owner_id: str) -> GalleryPage:
    """Read the GraphQL answer to `query`."""
    owner = graphql.answer(body).node(root_of(owner_id))
    if owner is None:
        raise NoSuchTitle(f"IMDb knows no {owner_id}")
    _check(owner.need_string("id"), owner_id)
    return _from_data(owner, owner.need("images"), owner_id)


def parse_page(body: bytes, owner_id: str) -> GalleryPage:
    """Read the bytes of `https://www.imdb.com/{title|name}/{owner_id}/mediaindex/`."""
    if next_data.has_next_data(body):
        props = next_data.page_props(body, "contentData")
        owner = props.down("contentData", "data", root_of(owner_id))
        images = next((found for key in _LISTS if owner and (found := owner.node(key))), None)
        if owner is not None and images is not None:
            _check(owner.string("id") or _subject(props), owner_id)
            page = _from_data(owner, images, owner_id)
            _number_places(page, owner_id)
            return page
    return _from_markup(body, owner_id)


def _check(found: str, owner_id: str) -> None:
    if found != owner_id:
        raise WrongPage(f"asked for {owner_id}, the page is about {found}")


def _subject(props: Node) -> str:
    """Whom a page is about, by its own word."""
    return props.need("requestContext").need_string("pageConst")


def _from_data(owner: Node, images: Node, owner_id: str) -> GalleryPage:
    total = images.integer("total")
    if total is None:
        raise ShapeError(f"{images.at('total')} is missing")
    page = GalleryPage(owner_id=owner_id, people=[], pictures=[], entries=[], total=total)
    tagged: dict[str, Person] = {}
    others: list[GalleryEntry] = []
    unknown: set[str] = set()
    if root_of(owner_id) == "name":
        tagged[owner_id] = Person(
            source="imdb", id=owner_id, name=stated(owner, "nameText", owner.words("nameText")), images_total=total
        )
    for edge in images.nodes("edges"):
        node = edge.need("node")
        unknown |= node.data.keys() - _PICTURE_KEYS
        people = [_person(name) for name in node.nodes("names")]
        picture = _picture(node, people)
        page.pictures.append(picture)
        page.entries.append(entry(owner_id, picture.picture_id, stated(edge, "position", edge.integer("position"))))
        for person in people:
            tagged.setdefault(person.id, person)
            if person.id != owner_id:
                others.append(entry(person.id, picture.picture_id, UNSET))
    page.people = list(tagged.values())
    page.entries += others
    page.drift = [f"image.{key}" for key in sorted(unknown)]
    info = images.node("pageInfo")
    if info is not None and info.flag("hasNextPage"):
        page.next_cursor = info.need_string("endCursor")
    return page


def _picture(node: Node, people: list[Person]) -> Picture:
    url = node.need_string("url")
    return Picture(
        source="imdb",
        picture_id=identity(url, node.at("url")),
        url=original_image_url(url),
        source_id=node.need_string("id"),
        width=stated(node, "width", node.integer("width")),
        height=stated(node, "height", node.integer("height")),
        image_type=stated(node, "type", node.string("type")),
        caption=stated(node, "caption", node.words("caption")),
        copyright=stated(node, "copyright", node.string("copyright")),
        person_ids=stated(node, "names", [person.id for person in people]),
        title_ids=stated(node, "titles", [title.need_string("id") for title in node.nodes("titles")]),
    )


def identity(url: str, path: str) -> str:
    """As in `Picture.picture_id`; ShapeError for an address that names no picture."""
    try:
        return picture_id(url)
    except ValueError as error:
        raise ShapeError(f"{path}: {error}") from error


def _person(node: Node) -> Person:
    return Person(source="imdb", id=node.need_string("id"), name=stated(node, "nameText", node.words("nameText")))


def entry(owner_id: str, picture: str, position: Maybe[int]) -> GalleryEntry:
    """A picture's place with a title or person."""
    if root_of(owner_id) == "name":
        return GalleryEntry(source="imdb", picture_id=picture, person_id=owner_id, position=position)
    return GalleryEntry(source="imdb", picture_id=picture, show_id=owner_id, position=position)


def _number_places(page: GalleryPage, owner_id: str) -> None:
    """Give places to a first page whose data has none: it lists them in order."""
    own = [entry for entry in page.entries if owner_id in (entry.show_id, entry.person_id)]
    for place, entry in enumerate(own, 1):
        if entry.position is UNSET:
            entry.position = place


def _from_markup(body: bytes, owner_id: str) -> GalleryPage:
    """The pictures that the page shows: links to the viewer of this owner, each around an `img`."""
    links = Selector(text=body.decode("utf-8", "replace")).xpath("//a[contains(@href, '/mediaviewer/rm')][.//img]")
    page = GalleryPage(owner_id=owner_id, people=[], pictures=[], entries=[], total=None)
    strangers: list[str] = []
    for link in links:
        match = _VIEWER.search(link.xpath("@href").get(""))
        if match is None:
            continue
        owner, source_id = match[1].rpartition("/")[2], match[2]
        url = widest(link.xpath(".//img/@srcset").get(""), link.xpath(".//img/@src").get(""))
        if owner != owner_id:
            strangers.append(owner)
        elif url is not None and source_id not in page.ids:
            picture = Picture(
                source="imdb",
                picture_id=identity(url, "img"),
                url=original_image_url(url),
                source_id=source_id,
            )
            page.pictures.append(picture)
            page.entries.append(entry(owner_id, picture.picture_id, len(page.pictures)))
    if not page.pictures and strangers:
        raise WrongPage(f"asked for {owner_id}, the page shows pictures of {strangers[0]}")
    if not page.pictures:
        raise ShapeError("the page holds no pictures, neither as data nor as links to them")
    return page


def widest(srcset: str, src: str) -> str | None:
    """The address of the widest picture of an `img` on IMDb's own host; None if there is none.

    Widths are told by `w` descriptors, by the address (`UX776`), or by a density (`2x`).
    """
    best: tuple[tuple[int, int, float], str] | None = None
    for url, descriptor in [(src, ""), *_candidates(srcset)]:
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.hostname != IMAGE_HOST:
            continue
        in_address = _WIDTH.search(parts.path)
        width = (
            int(_measure(descriptor, "w")),
            int(in_address[1]) if in_address else 0,
            _measure(descriptor, "x"),
        )
        if best is None or width > best[0]:
            best = width, url
    return best[1] if best else None


def _candidates(srcset: str) -> Iterator[tuple[str, str]]:
    """The addresses of a `srcset` with their descriptors; commas within an address do not end it."""
    rest = srcset.strip(" \t\n\r,")
    while rest:
        url, *after = rest.split(maxsplit=1)
        descriptor, rest = "", after[0] if after else ""
        if not url.endswith(","):
            descriptor, _, rest = rest.partition(",")
        yield url.rstrip(","), descriptor.strip()
        rest = rest.lstrip(" \t\n\r,")


def _measure(descriptor: str, unit: str) -> float:
    """The number of a descriptor of that unit, else 0."""
    number = descriptor.removesuffix(unit)
    try:
        return float(number) if number != descriptor else 0
    except ValueError:
        return 0
