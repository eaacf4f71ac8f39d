"""`scrapy crawl imdb_search -a series=tt…`: all episodes of a series by IMDb's advanced search."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from scrapy.http import JsonRequest, Request, Response

from trr_crawl.arguments import ArgumentError, title_ids
from trr_crawl.blocks import Expects, Outcome
from trr_crawl.items import Item
from trr_crawl.parse.imdb import search_title
from trr_crawl.parse.imdb.search_title import SearchPage
from trr_crawl.spiders.base import READERS, Arguments, CatalogSpider, Want

PART = "episodes"
"""What of a series a gap is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchArguments(Arguments):
    """Whose episodes to get."""

    series: tuple[str, ...] = ()
    """IMDb title ids."""

    def __post_init__(self) -> None:
        if not self.series:
            raise ArgumentError("Say whose episodes to get: -a series=tt…")


class ImdbSearchSpider(CatalogSpider):
    """Asks by GraphQL, 250 episodes a request, or for the search's page, which shows 250, as IMDB_TRANSPORT says."""

    name = "imdb_search"
    arguments_class = SearchArguments
    readers = {**READERS, "series": title_ids}
    args: SearchArguments

    async def start(self) -> AsyncIterator[Request]:
        """One request a series; what they answer decides about more."""
        by_graphql = self.settings["IMDB_TRANSPORT"] == "graphql"
        for series_id in dict.fromkeys(self.args.series):
            yield self.graphql_request(series_id, set()) if by_graphql else self.page_request(series_id)

    def graphql_request(self, series_id: str, seen: set[str], *, after: str | None = None) -> Request:
        """The episodes from a cursor on; `seen` holds the ids of those that came."""
        request = JsonRequest(
            self.settings["IMDB_GRAPHQL_URL"],
            data=search_title.query(series_id, after=after),
            headers=self.settings.getdict("IMDB_GRAPHQL_HEADERS"),
            callback=self.parse_answer,
            cb_kwargs={"series_id": series_id, "seen": seen, "after": after},
            meta={"expects": Expects.GRAPHQL, "handle_httpstatus_list": [400]},
            # A cursor tells the requests of a series apart, and repeats are caught by what they bring.
            dont_filter=True,
        )
        return self.ask(request, Want(series_id, f"{PART} from cursor {after}" if after else PART))

    def parse_answer(
        self, response: Response, series_id: str, seen: set[str], after: str | None
    ) -> Iterator[Item | Request]:
        page = search_title.parse_answer(
            response.body,
            series_id,
            country=self.settings["IMDB_COUNTRY"],
            language=self.settings["IMDB_LANGUAGE"],
        )
        yield from self.take(page, series_id)
        new = {episode.id for episode in page.episodes} - seen
        seen |= new
        if page.next_cursor is None:
            self.check_count(series_id, len(seen), page.total)
        elif page.next_cursor == after or not new or len(seen) >= page.total:
            self.note_gap(
                Want(series_id, PART), f"the cursor {page.next_cursor} leads nowhere after {len(seen)} of {page.total}"
            )
        else:
            yield self.graphql_request(series_id, seen, after=page.next_cursor)

    def page_request(self, series_id: str) -> Request:
        """The search's page."""
        query = {"series": series_id, "count": search_title.PAGE_SIZE, "sort": "release_date,asc"}
        request = Request(
            f"{self.settings['IMDB_WEB_URL']}/search/title/?{urlencode(query)}",
            callback=self.parse_page,
            cb_kwargs={"series_id": series_id},
            meta={
                "expects": Expects.NEXT_DATA,
                "playwright": self.settings["IMDB_TRANSPORT"] == "browser",
                "playwright_page_goto_kwargs": {"wait_until": "domcontentloaded"},
            },
        )
        return self.ask(request, Want(series_id, PART))

    def parse_page(self, response: Response, series_id: str) -> Iterator[Item]:
        page = search_title.parse_page(response.body, series_id)
        yield from self.take(page, series_id)
        self.check_count(series_id, page.count, page.total, page.next_cursor)

    def take(self, page: SearchPage, series_id: str) -> Iterator[Item]:
        """The items of a page, and what it says that nobody reads yet."""
        self.note_drift(page.drift)
        yield from page.items()
        self.logger.info("%s: %d of %d episodes", series_id, page.count, page.total)

    def check_count(self, series_id: str, got: int, total: int, cursor: str | None = None) -> None:
        """Fewer episodes than the search found are a gap; so is a series of which it finds none."""
        if total == 0:
            self.note_gap(Want(series_id, PART), "the search finds none: it is no series, or has no episodes yet")
        elif got < total:
            if got == 0:
                self.crawler.stats.inc_value(f"outcome/{Outcome.EMPTY}")
            more = f", the next part starts at cursor {cursor} and only GraphQL serves it" if cursor else ""
            self.note_gap(Want(series_id, PART), f"{got} of {total} came{more}")
