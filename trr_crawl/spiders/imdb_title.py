"""`scrapy crawl imdb_title -a title=tt…`: what IMDb says of one or many titles, with their top cast.

`-a locations=true` adds where they were filmed, `-a offers=true` where they can be watched.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

from scrapy.http import Request, Response

from trr_crawl.arguments import flag, title_ids
from trr_crawl.items import Item, Offer, Show
from trr_crawl.parse.imdb import keywords, locations, title_page, watch_options
from trr_crawl.parse.imdb.locations import LocationsPage
from trr_crawl.parse.imdb.title_page import TitlePage
from trr_crawl.spiders.base import DUE_READERS, DueArguments, Want
from trr_crawl.spiders.imdb import Came, ImdbSpider, Progress

PLACES = "filming locations"
"""What of a title a gap is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleArguments(DueArguments):
    """What to crawl."""

    titles: tuple[str, ...] = ()
    """IMDb title ids."""
    reference: bool = False
    """Read pages from `/reference`: they tell networks, all production companies and more of the cast."""
    locations: bool = False
    """Get also where they were filmed."""
    offers: bool = False
    """Get also where they can be watched, in the country of IMDB_COUNTRY."""

    def __post_init__(self) -> None:
        self.check_due(self.titles, "Say which title to crawl: -a title=tt…, -a titles=@file or -a due=true.")


class ImdbTitleSpider(ImdbSpider):
    """Asks by GraphQL (one request a title) or for its page, and for another one where that shows not all keywords."""

    name = "imdb_title"
    arguments_class = TitleArguments
    readers = {
        **DUE_READERS,
        "title": title_ids,
        "titles": title_ids,
        "reference": flag,
        "locations": flag,
        "offers": flag,
    }
    args: TitleArguments

    async def start(self) -> AsyncIterator[Request]:
        """One request a title, and one for each of the parts that were asked for."""
        async for title_id in self.to_crawl(self.args.titles):
            for request in self.requests_for(title_id):
                yield request

    def requests_for(self, title_id: str) -> list[Request]:
        """All of them before the first goes out: with its last answer a title is done."""
        requests = [self.title_request(title_id) if self.by_graphql else self.page_request(title_id)]
        if self.args.locations:
            requests.append(
                self.locations_request(title_id) if self.by_graphql else self.locations_page_request(title_id)
            )
        if self.args.offers and self.by_graphql:
            requests.append(self.offers_request(title_id))
        elif self.args.offers:
            # IMDb's robots.txt asks crawlers to leave the page with them alone.
            self.note_gap(Want(title_id, "offers"), "only GraphQL tells where it can be watched")
        return requests

    # The title

    def title_request(self, title_id: str) -> Request:
        """A title, with the first of its keywords."""
        return self.ask_graphql(title_page.query(title_id), self.parse_answer, Want(title_id), title_id=title_id)

    def page_request(self, title_id: str) -> Request:
        """A title's page."""
        path = f"title/{title_id}/" + ("reference/" if self.args.reference else "")
        return self.ask_page(path, self.parse_page, Want(title_id), title_id=title_id)

    def parse_answer(self, response: Response, title_id: str) -> Iterator[Item | Request]:
        page = title_page.parse_answer(response.body, title_id, **self.caller)
        yield from self.take(page)
        if isinstance(page.title, Show):
            came = Came()
            came.add(set(page.keywords), page.keywords_total)
            if self.progress(Want(title_id, "keywords"), came, page.next_cursor, None) is Progress.MORE:
                yield self.keywords_request(title_id, page.keywords, came, page.next_cursor)

    def parse_page(self, response: Response, title_id: str) -> Iterator[Item | Request]:
        page = title_page.parse_page(response.body, title_id)
        yield from self.take(page)
        if isinstance(page.title, Show) and page.count < page.keywords_total:
            yield self.keywords_page_request(title_id, page.count + 1, page.keywords_total)

    def take(self, page: TitlePage) -> Iterator[Item]:
        """The items of a page, what it says that nobody reads yet, and what it tells in part."""
        self.note_drift(page.drift)
        self.note_cut(Want(page.title.key), page.cut)
        self.logger.info("%s: %s, %d of its cast", page.title.key, page.title.title, page.cast.count)
        yield from page.items()

    # Keywords

    def keywords_request(self, title_id: str, found: list[str], came: Came, after: str | None) -> Request:
        """The keywords behind a cursor; `found` are those before it."""
        return self.ask_graphql(
            keywords.query(title_id, after),
            self.parse_keywords,
            Want(title_id, "keywords"),
            title_id=title_id,
            found=found,
            came=came,
            after=after,
        )

    def keywords_page_request(self, title_id: str, first: int, last: int) -> Request:
        """The page of a title's keywords, of which its own page lacks those from the first to the last place."""
        want = Want(title_id, f"keywords {first} to {last}")
        return self.ask_page(f"title/{title_id}/keywords/", self.parse_keywords_page, want, title_id=title_id)

    def parse_keywords(
        self, response: Response, title_id: str, found: list[str], came: Came, after: str | None
    ) -> Iterator[Item | Request]:
        page = keywords.parse_answer(response.body, title_id)
        together = list(dict.fromkeys((*found, *page.keywords)))
        came.add(set(page.keywords), page.total)
        progress = self.progress(Want(title_id, "keywords"), came, page.next_cursor, after)
        if progress is Progress.MORE:
            yield self.keywords_request(title_id, together, came, page.next_cursor)
        elif came.count >= page.total:
            yield Show(source="imdb", id=title_id, keywords=together)

    def parse_keywords_page(self, response: Response, title_id: str) -> Iterator[Item]:
        page = keywords.parse_page(response.body, title_id)
        self.note_drift(page.drift)
        yield from page.items()
        if page.count < page.total:
            why = f"pages show {page.count} of {page.total}, only GraphQL serves all"
            self.note_short(Want(title_id, "keywords"), page.count, why)

    # Where it was filmed

    def locations_request(
        self, title_id: str, held: LocationsPage | None = None, came: Came | None = None, after: str | None = None
    ) -> Request:
        """The places behind a cursor; `held` are those before it."""
        return self.ask_graphql(
            locations.query(title_id, after=after),
            self.parse_locations,
            Want(title_id, PLACES),
            title_id=title_id,
            held=held,
            came=came or Came(),
            after=after,
        )

    def locations_page_request(self, title_id: str) -> Request:
        """The page of the places, which shows the first five."""
        path = f"title/{title_id}/locations/"
        return self.ask_page(path, self.parse_locations_page, Want(title_id, PLACES), title_id=title_id)

    def parse_locations(
        self, response: Response, title_id: str, held: LocationsPage | None, came: Came, after: str | None
    ) -> Iterator[Item | Request]:
        page = locations.parse_answer(response.body, title_id)
        came.add({place.id for place in page.locations}, page.total)
        if held is not None:
            known = {place.id: place for place in (*held.locations, *page.locations)}
            page = replace(page, locations=list(known.values()))
        progress = self.progress(Want(title_id, PLACES), came, page.next_cursor, after)
        if held is None or progress is not Progress.MORE:
            yield page.told(whole=progress is Progress.ALL)
        if progress is Progress.MORE:
            yield self.locations_request(title_id, page, came, page.next_cursor)

    def parse_locations_page(self, response: Response, title_id: str) -> Iterator[Item]:
        page = locations.parse_page(response.body, title_id)
        self.note_drift(page.drift)
        yield from page.items()
        if page.count < page.total:
            why = f"the page shows {page.count} of {page.total}, only GraphQL serves all"
            self.note_short(Want(title_id, PLACES), page.count, why)

    # Where it can be watched

    def offers_request(self, title_id: str) -> Request:
        """A title's offers in the caller's country, all of them."""
        query = watch_options.query(title_id)
        return self.ask_graphql(query, self.parse_offers, Want(title_id, "offers"), title_id=title_id)

    def parse_offers(self, response: Response, title_id: str) -> Iterator[Item]:
        options = watch_options.parse_answer(response.body, title_id, country=self.caller["country"])
        self.note_drift(options.drift)
        self.logger.info("%s: %d offers in %s", title_id, options.count, options.region)
        if options.series_id is not None:
            self.note_gap(Want(title_id, "offers"), f"an episode's offers are its series': ask for {options.series_id}")
            return
        yield from options.items()
        keys = [offer.key for offer in options.offers]
        self.note_all("imdb", Offer.kind, "show_id", title_id, keys, stating="region", value=options.region)
