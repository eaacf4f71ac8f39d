"""Answers of a wiki's api.php (MediaWiki): its errors, its continuations, and what lists of it hold.

Both dresses are read: `formatversion=2`, which our requests ask for, and the older one of many archives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from trr_crawl.items import Candidate, Item, Picture
from trr_crawl.parse.errors import NoSuchTitle, Refused, ShapeError
from trr_crawl.parse.fandom.images import fandom_image
from trr_crawl.parse.node import Node

MISSING: Final = frozenset(("missingtitle", "nosuchpageid", "invalidtitle", "pagecannotexist"))
"""Codes of errors that say that there is no such page."""

_KNOWN = frozenset("batchcomplete continue query parse limits warnings requestid servedby curtimestamp".split())


def answer(body: bytes) -> Node:
    """The answer as an object; NoSuchTitle where the wiki has no such page, Refused for every other error of its."""
    try:
        node = Node(orjson.loads(body), "answer")
    except orjson.JSONDecodeError as error:
        raise ShapeError(f"the answer is not JSON: {error}") from error
    fault = node.node("error") or next(node.nodes("errors"), None)
    if fault is None:
        return node
    code = fault.need_string("code")
    words = fault.string("info") or fault.string("text") or fault.string("html") or "no words about it"
    if code in MISSING:
        raise NoSuchTitle(f"the wiki has no such page ({words.rstrip('.')})")
    raise Refused(code, words)


def continuation(node: Node) -> dict[str, str] | None:
    """What to merge into the request for the next part, all of it; None at the end."""
    values = node.node("continue")
    if values is None:
        return None
    return {name: str(value) for name, value in values.data.items()} or None


def unknown(node: Node) -> list[str]:
    """Keys that no parser knows, and the modules that warn of something."""
    warnings = node.node("warnings")
    return node.drift(_KNOWN) + ([warnings.at(name) for name in sorted(warnings.data)] if warnings else [])


def pages(node: Node) -> Iterator[Node]:
    """`query.pages`, a list or, in the older dress, an object; none where nothing was found."""
    query = node.node("query")
    if query is None:
        return
    if isinstance(query.data.get("pages"), dict):
        by_id = query.need("pages")
        for number in by_id.data:
            yield by_id.need(number)
    else:
        yield from query.nodes("pages")


def is_missing(page: Node) -> bool:
    """Whether there is no such page: `true`, or in the older dress an empty string."""
    return page.data.get("missing", False) is not False


@dataclass(kw_only=True, slots=True)
class Listed:
    """Titles of pages that a list of the wiki holds."""

    titles: list[str]
    more: dict[str, str] | None
    """As in `continuation`."""
    drift: list[str] = field(default_factory=list)
    """Paths of keys that the parser does not know."""

    @property
    def count(self) -> int:
        """How many there are here."""
        return len(self.titles)

    def candidates(self, wiki: str, query: str) -> Iterator[Candidate]:
        """The pages as what a name may mean, the likeliest first; their titles are their ids."""
        for position, title in enumerate(self.titles, 1):
            yield Candidate(source="fandom", query=query, id=f"{wiki}/{title}", name=title, position=position)


def parse_list(body: bytes, name: str) -> Listed:
    """Read a list of `action=query`: "search", "categorymembers"."""
    node = answer(body)
    query = node.need("query")
    if query.array(name) is None:
        raise ShapeError(f"{query.at(name)} is missing")
    titles = [entry.need_string("title") for entry in query.nodes(name)]
    return Listed(titles=titles, more=continuation(node), drift=unknown(node))


@dataclass(kw_only=True, slots=True)
class ImagesPage:
    """What the wiki knows of some of its picture files."""

    pictures: list[Picture]
    """Their sizes only: what they show is said by the pages that show them."""
    missing: list[str]
    """Titles of files that are named and not there."""
    strange: list[str]
    """Addresses that are no pictures of Fandom's."""
    more: dict[str, str] | None
    """As in `continuation`."""
    drift: list[str] = field(default_factory=list)
    """Paths of keys that the parser does not know."""

    def items(self) -> Iterator[Item]:
        """All items."""
        yield from self.pictures

    @property
    def count(self) -> int:
        """How many pictures are here."""
        return len(self.pictures)


def parse_images(body: bytes) -> ImagesPage:
    """Read `action=query&prop=imageinfo&iiprop=url|size`. A file's first entry is its current revision."""
    node = answer(body)
    page = ImagesPage(pictures=[], missing=[], strange=[], more=continuation(node), drift=unknown(node))
    for file in pages(node):
        info = next(file.nodes("imageinfo"), None)
        if info is None:
            # A part of the answer may name a file and leave its details to another part.
            if is_missing(file):
                page.missing.append(file.need_string("title"))
        elif (picture := size(info)) is not None:
            page.pictures.append(picture)
        else:
            page.strange.append(info.need_string("url"))
    return page


def size(info: Node) -> Picture | None:
    """A picture's address and size, of an entry of `imageinfo`; None if it is none of Fandom's."""
    try:
        image = fandom_image(info.need_string("url"))
    except ValueError:
        return None
    measures: dict[str, Any] = {name: info.integer(name) for name in ("width", "height") if info.data.get(name)}
    return Picture(source="fandom", picture_id=image.picture_id, url=image.url, **measures)
