"""What the two spiders for galleries share: they differ in whose pictures they ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from scrapy.http import JsonRequest, Request, Response

from trr_crawl.blocks import Expects, Outcome
from trr_crawl.items import Item
from trr_crawl.parse.imdb import gallery
from trr_crawl.parse.imdb.gallery import GalleryPage
from trr_crawl.spiders.base import CatalogSpider, Want


@dataclass(slots=True)
class Came:
    """What came of a gallery so far."""

    places: set[str] = field(default_factory=set)
    """Ids of its places, rm…"""
    told: set[tuple[str, str]] = field(default_factory=set)
    """Kinds and keys of the items: where a gallery shows a picture twice, its first place counts."""


class GallerySpider(CatalogSpider):
    """Asks by GraphQL, 50 pictures a request, or for the gallery's page, which shows 50, as IMDB_TRANSPORT says."""

    def first_request(self, owner_id: str) -> Request:
        """The request for the first part of a gallery."""
        if self.settings["IMDB_TRANSPORT"] == "graphql":
            return self.graphql_request(owner_id, came=Came())
        return self.page_request(owner_id)

    def graphql_request(self, owner_id: str, *, came: Came, after: str | None = None) -> Request:
        """The pictures from a cursor on; `came` holds what came before."""
        request = JsonRequest(
            self.settings["IMDB_GRAPHQL_URL"],
            data=gallery.query(owner_id, after=after),
            headers=self.settings.getdict("IMDB_GRAPHQL_HEADERS"),
            callback=self.parse_answer,
            cb_kwargs={"owner_id": owner_id, "came": came, "after": after},
            meta={"expects": Expects.GRAPHQL, "handle_httpstatus_list": [400]},
            # A cursor tells the requests of a gallery apart, and repeats are caught by what they bring.
            dont_filter=True,
        )
        return self.ask(request, Want(owner_id, f"pictures from cursor {after}" if after else "pictures"))

    def parse_answer(
        self, response: Response, owner_id: str, came: Came, after: str | None
    ) -> Iterator[Item | Request]:
        page = gallery.parse_answer(response.body, owner_id)
        yield from self.take(page, came)
        new = page.ids - came.places
        came.places |= new
        got = len(came.places)
        total = page.total or 0
        self.logger.info("%s: %d of %d pictures", owner_id, got, total)
        if page.next_cursor is None:
            self.check_count(owner_id, got, total)
        elif page.next_cursor == after or not new or got >= total:
            self.note_gap(
                Want(owner_id, "pictures"),
                f"the cursor {page.next_cursor} leads nowhere after {got} of {total}",
            )
        else:
            yield self.graphql_request(owner_id, came=came, after=page.next_cursor)

    def page_request(self, owner_id: str) -> Request:
        """The gallery's page."""
        request = Request(
            f"{self.settings['IMDB_WEB_URL']}/{gallery.root_of(owner_id)}/{owner_id}/mediaindex/",
            callback=self.parse_page,
            cb_kwargs={"owner_id": owner_id},
            meta={
                "expects": Expects.NEXT_DATA,
                "playwright": self.settings["IMDB_TRANSPORT"] == "browser",
                "playwright_page_goto_kwargs": {"wait_until": "domcontentloaded"},
            },
        )
        return self.ask(request, Want(owner_id, "pictures"))

    def parse_page(self, response: Response, owner_id: str) -> Iterator[Item]:
        page = gallery.parse_page(response.body, owner_id)
        yield from self.take(page, Came())
        self.logger.info("%s: %d of %s pictures", owner_id, page.count, page.total or "unknown many")
        if page.total is None:
            self.note_gap(Want(owner_id, "pictures"), f"{page.count} came, and the page does not say of how many")
        else:
            self.check_count(owner_id, page.count, page.total, page.next_cursor)

    def take(self, page: GalleryPage, came: Came) -> Iterator[Item]:
        """The items of a page that did not come before, and what it says that nobody reads yet."""
        self.note_drift(page.drift)
        for item in page.items():
            if (item.kind, item.key) not in came.told:
                came.told.add((item.kind, item.key))
                yield item

    def check_count(self, owner_id: str, got: int, total: int, cursor: str | None = None) -> None:
        """Fewer pictures than the gallery's own total is a gap; none at all although it promises some is `empty`."""
        if got >= total:
            return
        if got == 0:
            self.crawler.stats.inc_value(f"outcome/{Outcome.EMPTY}")
        more = f", the next part starts at cursor {cursor} and only GraphQL serves it" if cursor else ""
        self.note_gap(Want(owner_id, "pictures"), f"{got} of {total} came{more}")
