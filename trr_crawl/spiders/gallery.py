"""What the two spiders for galleries share: they differ in whose pictures they ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from scrapy.http import Request, Response

from trr_crawl.arguments import flag
from trr_crawl.blocks import Expects
from trr_crawl.items import GalleryEntry, Item
from trr_crawl.parse.imdb import gallery, viewer
from trr_crawl.parse.imdb.gallery import GalleryPage
from trr_crawl.spiders.base import DUE_READERS, DueArguments, Want
from trr_crawl.spiders.imdb import Came, ImdbSpider, Progress

PART = "pictures"
"""What of its owner a gap is about."""


@dataclass(slots=True)
class Told(Came):
    """What came of a gallery so far."""

    items: set[tuple[str, str]] = field(default_factory=set)
    """Kinds and keys: where a gallery shows a picture twice, its first place counts."""
    entries: set[str] = field(default_factory=set)
    """The keys of the places in this gallery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryArguments(DueArguments):
    """How to get pictures."""

    viewer: bool = False
    """Where a gallery's page tells the pictures by its markup alone, ask for each picture's own page too."""


class GallerySpider(ImdbSpider):
    """Asks by GraphQL, 50 pictures a request, or for the gallery's page, which shows 50."""

    readers = {**DUE_READERS, "viewer": flag}
    args: GalleryArguments

    def first_request(self, owner_id: str) -> Request:
        """The request for the first part of a gallery."""
        return self.part_request(owner_id, Told()) if self.by_graphql else self.page_request(owner_id)

    def part_request(self, owner_id: str, told: Told, after: str | None = None) -> Request:
        """The pictures from a cursor on."""
        rest = f"{PART} {told.count + 1} to {told.total}, from cursor {after}"
        want = Want(owner_id, rest if after else PART)
        query = gallery.query(owner_id, after=after)
        return self.ask_graphql(query, self.parse_answer, want, owner_id=owner_id, told=told, after=after)

    def page_request(self, owner_id: str) -> Request:
        """The gallery's page."""
        path = f"{gallery.root_of(owner_id)}/{owner_id}/mediaindex/"
        return self.ask_page(path, self.parse_page, Want(owner_id, PART), owner_id=owner_id)

    def parse_answer(
        self, response: Response, owner_id: str, told: Told, after: str | None
    ) -> Iterator[Item | Request]:
        page = gallery.parse_answer(response.body, owner_id)
        yield from self.take(page, told)
        progress = self.progress(Want(owner_id, PART), told, page.next_cursor, after)
        if progress is Progress.MORE:
            yield self.part_request(owner_id, told, page.next_cursor)
        elif progress is Progress.ALL:
            self.note_entries(owner_id, told)

    def viewer_request(self, owner_id: str, source_id: str, told: Told) -> Request:
        """The page of one picture."""
        return self.ask_page(
            f"{gallery.root_of(owner_id)}/{owner_id}/mediaviewer/{source_id}/",
            self.parse_viewer,
            Want(owner_id, f"picture {source_id}"),
            expects=Expects.VIEWER_PAGE,
            owner_id=owner_id,
            source_id=source_id,
            told=told,
        )

    def parse_page(self, response: Response, owner_id: str) -> Iterator[Item | Request]:
        page, told = gallery.parse_page(response.body, owner_id), Told()
        yield from self.take(page, told)
        if page.total is None and self.args.viewer:
            for source_id in sorted(page.ids):
                yield self.viewer_request(owner_id, source_id, told)
        elif self.check_count(Want(owner_id, PART), told.count, told.total, cursor=page.next_cursor):
            self.note_entries(owner_id, told)

    def parse_viewer(self, response: Response, owner_id: str, source_id: str, told: Told) -> Iterator[Item]:
        """The picture; the first of these pages also tells whether the gallery's own showed all of them."""
        page = viewer.parse_page(response.body, owner_id, source_id)
        yield from page.items()
        if told.total is None:
            told.total = page.total
            if self.check_count(Want(owner_id, PART), told.count, told.total):
                self.note_entries(owner_id, told)

    def take(self, page: GalleryPage, told: Told) -> Iterator[Item]:
        """The items of a page that did not come before, and what it says that nobody reads yet."""
        self.note_drift(page.drift)
        told.add(page.ids, page.total)
        self.logger.info("%s: %d of %s pictures", page.owner_id, told.count, page.total)
        for item in page.items():
            if (item.kind, item.key) not in told.items:
                told.items.add((item.kind, item.key))
                yield item
        told.entries |= {entry.key for entry in page.entries if page.owner_id in (entry.show_id, entry.person_id)}

    def note_entries(self, owner_id: str, told: Told) -> None:
        """Note that a gallery came to its last picture."""
        owner = "person_id" if gallery.root_of(owner_id) == "name" else "show_id"
        self.note_all("imdb", GalleryEntry.kind, owner, owner_id, told.entries, stating="position")
