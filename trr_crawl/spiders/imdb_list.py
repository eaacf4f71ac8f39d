"""`scrapy crawl imdb_list -a list=ls…`: lists of titles, users' watchlists, and lists that were exported to files.

An export is `-a file=export.csv`. Its name gives the list's id where it is one (`ls….csv`), else it is `csv:<name>`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from scrapy.http import JsonRequest, Request, Response

from trr_crawl.arguments import ArgumentError, files, list_ids, list_ids_of_config
from trr_crawl.blocks import Expects, Outcome
from trr_crawl.items import Item
from trr_crawl.parse.errors import PageError
from trr_crawl.parse.imdb import lists
from trr_crawl.parse.imdb.lists import ListPage
from trr_crawl.spiders.base import READERS, Arguments, CatalogSpider, Want

_LIST_ID = re.compile(r"ls\d+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListArguments(Arguments):
    """Which lists to crawl."""

    lists: tuple[str, ...] = ()
    """ls… or ur…/watchlist."""
    config: tuple[str, ...] = ()
    """The same, from a file of lists."""
    files: tuple[Path, ...] = ()
    """Exports."""

    def __post_init__(self) -> None:
        if not (self.lists or self.config or self.files):
            raise ArgumentError("Say which list to crawl: -a list=ls…, -a file=export.csv or -a config=lists.yaml.")


@dataclass(slots=True)
class Came:
    """What came of a list so far."""

    entries: set[tuple[str, object]] = field(default_factory=set)
    """Keys, without their counts, and positions: what tells a new part from one that is served again."""
    named: Counter[str] = field(default_factory=Counter)
    """How often each title was named."""
    count: int = 0


class ImdbListSpider(CatalogSpider):
    """Asks by GraphQL or for the list's pages, 250 entries each, as IMDB_TRANSPORT says."""

    name = "imdb_list"
    arguments_class = ListArguments
    readers = {
        **READERS,
        "list": list_ids,
        "lists": list_ids,
        "config": list_ids_of_config,
        "file": files,
        "files": files,
    }
    args: ListArguments

    async def start(self) -> AsyncIterator[Item | Request]:  # type: ignore[override]
        """What the exports say, and one request a list; what they answer decides about more."""
        for path in self.args.files:
            for item in self.read_export(path):
                yield item
        for list_id in dict.fromkeys((*self.args.lists, *self.args.config)):
            yield self.request(list_id, Came())

    def read_export(self, path: Path) -> Iterator[Item]:
        list_id = path.stem if _LIST_ID.fullmatch(path.stem) else f"csv:{path.stem}"
        try:
            page = lists.parse_csv(path.read_bytes(), list_id)
        except PageError as error:
            self.note_gap(Want(str(path)), str(error))
            return
        self.note_drift(page.drift)
        yield from page.items()
        self.check_places(list_id, page)

    def request(self, list_id: str, came: Came, *, after: str | None = None, number: int = 1) -> Request:
        """A part of a list: from a cursor on, or a page by its number."""
        if self.settings["IMDB_TRANSPORT"] == "graphql":
            request: Request = JsonRequest(
                self.settings["IMDB_GRAPHQL_URL"],
                data=lists.query(list_id, after=after),
                headers=self.settings.getdict("IMDB_GRAPHQL_HEADERS"),
                callback=self.parse_answer,
                cb_kwargs={"list_id": list_id, "came": came, "after": after},
                meta={"expects": Expects.GRAPHQL, "handle_httpstatus_list": [400]},
                # A cursor tells the requests of a list apart, and repeats are caught by what they bring.
                dont_filter=True,
            )
            return self.ask(request, Want(list_id, f"entries from cursor {after}" if after else None))
        folder = "list" if lists.root_of(list_id) == "list" else "user"
        request = Request(
            f"{self.settings['IMDB_WEB_URL']}/{folder}/{list_id}/" + (f"?{urlencode({'page': number})}" * (number > 1)),
            callback=self.parse_page,
            cb_kwargs={"list_id": list_id, "came": came, "number": number},
            meta={
                "expects": Expects.NEXT_DATA,
                "playwright": self.settings["IMDB_TRANSPORT"] == "browser",
                "playwright_page_goto_kwargs": {"wait_until": "domcontentloaded"},
            },
        )
        return self.ask(request, Want(list_id, f"page {number}" if number > 1 else None))

    def parse_answer(self, response: Response, list_id: str, came: Came, after: str | None) -> Iterator[Item | Request]:
        page = lists.parse_answer(
            response.body,
            list_id,
            country=self.settings["IMDB_COUNTRY"],
            language=self.settings["IMDB_LANGUAGE"],
            earlier=came.named,
        )
        is_new = yield from self.take(page, came)
        if not page.has_more:
            self.check_count(list_id, came.count, page.total)
        elif page.next_cursor in (None, after) or not is_new:
            self.note_gap(
                Want(list_id, "entries"),
                f"the cursor {page.next_cursor} leads nowhere after {came.count} of {page.total}",
            )
        else:
            yield self.request(list_id, came, after=page.next_cursor)

    def parse_page(self, response: Response, list_id: str, came: Came, number: int) -> Iterator[Item | Request]:
        page = lists.parse_page(response.body, list_id, earlier=came.named)
        is_new = yield from self.take(page, came)
        if page.has_more and is_new:
            yield self.request(list_id, came, number=number + 1)
        elif page.has_more:
            self.note_gap(Want(list_id, "entries"), f"page {number} has nothing new after {came.count} of {page.total}")
        else:
            self.check_count(list_id, came.count, page.total)

    def take(self, page: ListPage, came: Came) -> Generator[Item, None, bool]:
        """The items of a part; returns whether it had anything that did not come before."""
        entries = {(entry.episode_id or entry.show_id, entry.position) for entry in page.entries}
        is_new = bool(entries - came.entries or page.unplaced)
        self.note_drift(page.drift)
        if is_new or not came.count:
            if not came.count:
                yield page.title_list
            yield from page.titles.values()
            yield from page.entries
            self.check_places(page.title_list.id, page)
            came.entries |= entries
            came.named += page.named
            came.count += page.count
        self.logger.info("%s: %d of %s entries", page.title_list.id, came.count, page.total)
        return is_new

    def check_places(self, list_id: str, page: ListPage) -> None:
        """Episodes whose series nobody told are a gap."""
        if page.unplaced:
            named = ", ".join(page.unplaced[:5]) + (", …" if len(page.unplaced) > 5 else "")
            self.note_gap(
                Want(list_id, "episodes"), f"it does not say to which series {len(page.unplaced)} belong: {named}"
            )

    def check_count(self, list_id: str, got: int, total: int | None) -> None:
        """Fewer entries than the list's own total is a gap; none at all although it promises some is `empty`."""
        if total is None:
            self.note_gap(Want(list_id, "entries"), f"{got} came, and the page does not say of how many")
        elif got < total:
            if got == 0:
                self.crawler.stats.inc_value(f"outcome/{Outcome.EMPTY}")
            self.note_gap(Want(list_id, "entries"), f"{got} of {total} came")
