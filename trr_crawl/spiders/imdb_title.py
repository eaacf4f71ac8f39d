"""`scrapy crawl imdb_title -a title=tt…`: what IMDb says of one or many titles, with their top cast."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from scrapy.http import Request, Response

from trr_crawl.arguments import flag, title_ids
from trr_crawl.items import Item, Show
from trr_crawl.parse.imdb import title_page
from trr_crawl.parse.imdb.title_page import TitlePage
from trr_crawl.spiders.base import DUE_READERS, DueArguments, Want
from trr_crawl.spiders.imdb import Came, ImdbSpider, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleArguments(DueArguments):
    """What to crawl."""

    titles: tuple[str, ...] = ()
    """IMDb title ids."""
    reference: bool = False
    """Read pages from `/reference`: they tell networks, all production companies and more of the cast."""

    def __post_init__(self) -> None:
        self.check_due(self.titles, "Say which title to crawl: -a title=tt…, -a titles=@file or -a due=true.")


class ImdbTitleSpider(ImdbSpider):
    """Asks by GraphQL (one request a title) or for its page."""

    name = "imdb_title"
    arguments_class = TitleArguments
    readers = {
        **DUE_READERS,
        "title": title_ids,
        "titles": title_ids,
        "reference": flag,
    }
    args: TitleArguments

    async def start(self) -> AsyncIterator[Request]:
        """One request a title."""
        async for title_id in self.to_crawl(self.args.titles):
            yield self.title_request(title_id) if self.by_graphql else self.page_request(title_id)

    def title_request(self, title_id: str) -> Request:
        """A title, with the first of its keywords."""
        return self.ask_graphql(title_page.query(title_id), self.parse_answer, Want(title_id), title_id=title_id)

    def keywords_request(self, title_id: str, keywords: list[str], came: Came, after: str | None) -> Request:
        """The keywords behind a cursor; `keywords` are those before it."""
        return self.ask_graphql(
            title_page.keywords_query(title_id, after),
            self.parse_keywords,
            Want(title_id, "keywords"),
            title_id=title_id,
            keywords=keywords,
            came=came,
            after=after,
        )

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

    def parse_keywords(
        self, response: Response, title_id: str, keywords: list[str], came: Came, after: str | None
    ) -> Iterator[Item | Request]:
        page = title_page.parse_keywords_answer(response.body, title_id)
        together = list(dict.fromkeys((*keywords, *page.keywords)))
        came.add(set(page.keywords), page.total)
        progress = self.progress(Want(title_id, "keywords"), came, page.next_cursor, after)
        if progress is Progress.MORE:
            yield self.keywords_request(title_id, together, came, page.next_cursor)
        elif came.count >= page.total:
            yield Show(source="imdb", id=title_id, keywords=together)

    def parse_page(self, response: Response, title_id: str) -> Iterator[Item]:
        page = title_page.parse_page(response.body, title_id)
        yield from self.take(page)
        if isinstance(page.title, Show) and page.count < page.keywords_total:
            self.note_gap(
                Want(title_id, "keywords"),
                f"a page shows {page.count} of {page.keywords_total}, only GraphQL serves all",
            )

    def take(self, page: TitlePage) -> Iterator[Item]:
        """The items of a page, what it says that nobody reads yet, and what it tells in part."""
        self.note_drift(page.drift)
        self.note_cut(Want(page.title.key), page.cut)
        self.logger.info("%s: %s, %d of its cast", page.title.key, page.title.title, page.cast.count)
        yield from page.items()
