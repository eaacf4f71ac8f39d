"""`scrapy crawl imdb_search -a series=tt…`: all episodes of a series by IMDb's advanced search."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from scrapy.http import Request, Response

from trr_crawl.arguments import ArgumentError, title_ids
from trr_crawl.items import Item
from trr_crawl.parse.imdb import search_title
from trr_crawl.parse.imdb.search_title import SearchPage
from trr_crawl.spiders.base import READERS, Arguments, Want
from trr_crawl.spiders.imdb import Came, ImdbSpider, Progress

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


class ImdbSearchSpider(ImdbSpider):
    """Asks by GraphQL, 250 episodes a request, or for the search's page, which shows 250."""

    name = "imdb_search"
    arguments_class = SearchArguments
    readers = {**READERS, "series": title_ids}
    args: SearchArguments

    async def start(self) -> AsyncIterator[Request]:
        """One request a series; what they answer decides about more."""
        for series_id in dict.fromkeys(self.args.series):
            yield self.part_request(series_id, Came()) if self.by_graphql else self.page_request(series_id)

    def part_request(self, series_id: str, came: Came, after: str | None = None) -> Request:
        """The episodes from a cursor on."""
        want = Want(series_id, f"{PART} from cursor {after}" if after else PART)
        query = search_title.query(series_id, after=after)
        return self.ask_graphql(query, self.parse_answer, want, series_id=series_id, came=came, after=after)

    def page_request(self, series_id: str) -> Request:
        """The search's page."""
        query = {"series": series_id, "count": search_title.PAGE_SIZE, "sort": "release_date,asc"}
        return self.ask_page("search/title/", self.parse_page, Want(series_id, PART), query, series_id=series_id)

    def parse_answer(
        self, response: Response, series_id: str, came: Came, after: str | None
    ) -> Iterator[Item | Request]:
        page = search_title.parse_answer(response.body, series_id, **self.caller)
        yield from self.take(page, series_id, came)
        if page.total and self.progress(Want(series_id, PART), came, page.next_cursor, after) is Progress.MORE:
            yield self.part_request(series_id, came, page.next_cursor)

    def parse_page(self, response: Response, series_id: str) -> Iterator[Item]:
        page, came = search_title.parse_page(response.body, series_id), Came()
        yield from self.take(page, series_id, came)
        if page.total:
            self.check_count(Want(series_id, PART), came.count, page.total, cursor=page.next_cursor)

    def take(self, page: SearchPage, series_id: str, came: Came) -> Iterator[Item]:
        """The items of a page, and what it says that nobody reads yet; a search that finds none is a gap."""
        self.note_drift(page.drift)
        yield from page.items()
        came.add({episode.id for episode in page.episodes}, page.total)
        self.logger.info("%s: %d of %d episodes", series_id, came.count, page.total)
        if not page.total:
            self.note_gap(Want(series_id, PART), "the search finds none: it is no series, or has no episodes yet")
