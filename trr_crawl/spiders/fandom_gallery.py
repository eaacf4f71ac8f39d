"""`scrapy crawl fandom_gallery -a wiki=real-housewives -a person="…"`: the pictures that a wiki has of people.

The person's own page comes first: it proves, as in `fandom_person`, whose gallery it is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

from scrapy.http import Request, Response

from trr_crawl.arguments import flag
from trr_crawl.blocks import Outcome
from trr_crawl.parse.fandom import api, gallery
from trr_crawl.parse.fandom.article import ArticlePage
from trr_crawl.parse.fandom.document import Document
from trr_crawl.parse.fandom.evidence import Finding
from trr_crawl.spiders.base import Want
from trr_crawl.spiders.fandom import FANDOM_READERS, FandomArguments, FandomSpider, Quest, Results

PART: Final = "gallery"
"""What of a person a gap is about."""

MOST_PARTS: Final = 50
"""No gallery has so many parts of 500 pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FandomGalleryArguments(FandomArguments):
    """Whose pictures to get."""

    sizes: bool = True
    """Ask for the pictures' sizes too: a request for every 500."""


@dataclass(slots=True)
class Sizes:
    """How far the sizes of a gallery's pictures have come."""

    parameters: dict[str, str]
    """Of the first request."""
    wanted: set[str]
    """Pictures without a size yet."""
    asked: list[dict[str, str]] = field(default_factory=list)
    """The continuations that were followed."""


class FandomGallerySpider(FandomSpider):
    """Pages of pictures, `{title}/Gallery`."""

    name = "fandom_gallery"
    arguments_class = FandomGalleryArguments
    readers = {**FANDOM_READERS, "sizes": flag}
    args: FandomGalleryArguments

    async def start(self) -> AsyncIterator[Request]:
        """One request a person; what it answers decides about more."""
        async for request in self.first_requests():
            yield request

    def found(self, page: ArticlePage, finding: Finding) -> Results:
        """All that the page says; and its gallery, unless it is somebody else's."""
        yield from page.items(finding)
        if finding.attached or finding.is_open:

            def then(_quest: Quest, found: Document | None) -> Results:
                yield from self.take(page, finding, found)

            yield self.ask_document(Quest(finding.wanted), f"{page.document.title}/Gallery", then, PART)

    def take(self, owner: ArticlePage, finding: Finding, found: Document | None) -> Results:
        """The pictures of a gallery, and the request for their sizes."""
        name = finding.wanted.name
        want = Want(name, PART)
        if found is None:
            self.note_gap(want, f"the wiki has no page {owner.document.title}/Gallery")
            return
        if not found.title.startswith(f"{owner.document.title}/"):
            self.note_gap(want, f"{owner.document.title}/Gallery leads to {found.title}")
            return
        page = gallery.read(found)
        self.note_drift(page.drift)
        self.note_pictures(page.found.missing, page.found.strange, name)
        self.logger.info("%s: %d pictures in %d places", name, page.count, page.total)
        yield from page.items(finding, owner.person_id)
        if page.total == 0:
            self.crawler.stats.inc_value(f"outcome/{Outcome.EMPTY}")
            self.note_gap(want, f"the page {found.title} shows no pictures")
        if self.args.sizes and page.count:
            parameters = {
                "action": "query",
                "generator": "images",
                "titles": found.title,
                "gimlimit": "500",
                "prop": "imageinfo",
                "iiprop": "url|size",
                "format": "json",
                "formatversion": "2",
            }
            wanted = {entry.image.picture_id for entry in page.found.entries}
            yield self.sizes_request(Sizes(parameters, wanted), {}, name)

    def sizes_request(self, sizes: Sizes, more: dict[str, str], subject: str) -> Request:
        """The sizes from a continuation on, all of which goes into the request."""
        kwargs: dict[str, Any] = {"sizes": sizes, "subject": subject}
        return self.ask_api({**sizes.parameters, **more}, self.parse_sizes, Want(subject, "sizes"), **kwargs)

    def parse_sizes(self, response: Response, sizes: Sizes, subject: str) -> Results:
        """Sizes of pictures that the gallery shows; a page names others too, such as its navigation's."""
        self.check_host(response)
        page = api.parse_images(response.body)
        self.note_drift(page.drift)
        for picture in page.pictures:
            if picture.picture_id in sizes.wanted:
                sizes.wanted.remove(picture.picture_id)
                yield picture
        if page.more is None or not sizes.wanted:
            if sizes.wanted:
                self.note_gap(Want(subject, "sizes"), f"{len(sizes.wanted)} pictures have none")
        elif page.more in sizes.asked or len(sizes.asked) >= MOST_PARTS:
            self.note_gap(
                Want(subject, "sizes"),
                f"the continuation {page.more} leads nowhere, {len(sizes.wanted)} pictures have none",
            )
        else:
            sizes.asked.append(page.more)
            yield self.sizes_request(sizes, page.more, subject)
