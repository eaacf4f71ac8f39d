"""`scrapy crawl imdb_title -a title=tt…`: what IMDb says of one or many titles, with their top cast."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from scrapy.http import JsonRequest, Request, Response

from trr_crawl.arguments import ArgumentError, flag, title_ids
from trr_crawl.blocks import Expects
from trr_crawl.items import Item, Show
from trr_crawl.parse.imdb import title_page
from trr_crawl.parse.imdb.title_page import TitlePage
from trr_crawl.spiders.base import READERS, Arguments, CatalogSpider, Want


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleArguments(Arguments):
    """What to crawl."""

    titles: tuple[str, ...] = ()
    """IMDb title ids."""
    reference: bool = False
    """Read pages from `/reference`: they tell networks, all production companies and more of the cast."""

    def __post_init__(self) -> None:
        if not self.titles:
            raise ArgumentError("Say which title to crawl: -a title=tt… or -a titles=@file.")


class ImdbTitleSpider(CatalogSpider):
    """Asks by GraphQL (one request a title) or for its page, as IMDB_TRANSPORT says."""

    name = "imdb_title"
    arguments_class = TitleArguments
    readers = {
        **READERS,
        "title": title_ids,
        "titles": title_ids,
        "reference": flag,
    }
    args: TitleArguments

    async def start(self) -> AsyncIterator[Request]:
        """One request a title."""
        by_graphql = self.settings["IMDB_TRANSPORT"] == "graphql"
        for title_id in dict.fromkeys(self.args.titles):
            yield self.graphql_request(title_id) if by_graphql else self.page_request(title_id)

    # By GraphQL

    def graphql_request(self, title_id: str) -> Request:
        request = JsonRequest(
            self.settings["IMDB_GRAPHQL_URL"],
            data=title_page.query(title_id),
            headers=self.settings.getdict("IMDB_GRAPHQL_HEADERS"),
            callback=self.parse_answer,
            cb_kwargs={"title_id": title_id},
            meta={"expects": Expects.GRAPHQL, "handle_httpstatus_list": [400]},
            dont_filter=True,
        )
        return self.ask(request, Want(title_id))

    def keywords_request(self, title_id: str, *, after: str, keywords: list[str]) -> Request:
        """The keywords behind a cursor; `keywords` are those before it."""
        request = JsonRequest(
            self.settings["IMDB_GRAPHQL_URL"],
            data=title_page.keywords_query(title_id, after),
            headers=self.settings.getdict("IMDB_GRAPHQL_HEADERS"),
            callback=self.parse_keywords,
            cb_kwargs={"title_id": title_id, "after": after, "keywords": keywords},
            meta={"expects": Expects.GRAPHQL, "handle_httpstatus_list": [400]},
            dont_filter=True,
        )
        return self.ask(request, Want(title_id, "keywords"))

    def parse_answer(self, response: Response, title_id: str) -> Iterator[Item | Request]:
        page = title_page.parse_answer(
            response.body,
            title_id,
            country=self.settings["IMDB_COUNTRY"],
            language=self.settings["IMDB_LANGUAGE"],
        )
        yield from self.take(page)
        if isinstance(page.title, Show):
            yield from self.more_keywords(title_id, page.keywords, page.keywords_total, page.next_cursor)

    def parse_keywords(
        self, response: Response, title_id: str, after: str, keywords: list[str]
    ) -> Iterator[Item | Request]:
        page = title_page.parse_keywords_answer(response.body, title_id)
        together = list(dict.fromkeys((*keywords, *page.keywords)))
        if len(together) > len(keywords):
            yield Show(source="imdb", id=title_id, keywords=together)
        if page.next_cursor is not None and (page.next_cursor == after or len(together) == len(keywords)):
            self.note_gap(
                Want(title_id, "keywords"),
                f"the cursor {page.next_cursor} leads nowhere after {len(together)} of {page.total}",
            )
        else:
            yield from self.more_keywords(title_id, together, page.total, page.next_cursor)

    def more_keywords(self, title_id: str, keywords: list[str], total: int, cursor: str | None) -> Iterator[Request]:
        """A request for the next keywords; fewer than the source's own total, at their end, are a gap."""
        if cursor is not None:
            yield self.keywords_request(title_id, after=cursor, keywords=keywords)
        elif len(keywords) < total:
            self.note_gap(Want(title_id, "keywords"), f"{len(keywords)} of {total} came")

    # By pages

    def page_request(self, title_id: str) -> Request:
        request = Request(
            f"{self.settings['IMDB_WEB_URL']}/title/{title_id}/" + ("reference/" if self.args.reference else ""),
            callback=self.parse_page,
            cb_kwargs={"title_id": title_id},
            meta={
                "expects": Expects.NEXT_DATA,
                "playwright": self.settings["IMDB_TRANSPORT"] == "browser",
                # All data is in the page as it arrives; what scripts add later is none.
                "playwright_page_goto_kwargs": {"wait_until": "domcontentloaded"},
            },
        )
        return self.ask(request, Want(title_id))

    def parse_page(self, response: Response, title_id: str) -> Iterator[Item]:
        page = title_page.parse_page(response.body, title_id)
        yield from self.take(page)
        if isinstance(page.title, Show) and page.count < page.keywords_total:
            self.note_gap(
                Want(title_id, "keywords"),
                f"a page shows {page.count} of {page.keywords_total}, only GraphQL serves all",
            )

    # Both

    def take(self, page: TitlePage) -> Iterator[Item]:
        """The items of a page, and what it says that nobody reads yet."""
        self.note_drift(page.drift)
        self.logger.info("%s: %s, %d of its cast", page.title.key, page.title.title, page.cast.count)
        yield from page.items()
