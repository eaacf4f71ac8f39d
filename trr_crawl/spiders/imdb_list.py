"""`scrapy crawl imdb_list -a list=ls…`: lists of titles, users' watchlists, and lists that were exported to files.

An export is `-a file=export.csv`. Its name gives the list's id where it is one (`ls….csv`), else it is `csv:<name>`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scrapy.http import Request, Response

from trr_crawl.arguments import ArgumentError, files, list_ids, list_ids_of_config
from trr_crawl.blocks import Expects
from trr_crawl.items import Item, ListEntry
from trr_crawl.parse.errors import PageError
from trr_crawl.parse.imdb import lists
from trr_crawl.parse.imdb.lists import ListPage
from trr_crawl.spiders.base import READERS, Arguments, Want
from trr_crawl.spiders.imdb import Came, ImdbSpider, Progress

PART = "entries"
"""What of a list a gap is about."""


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
class Entries(Came):
    """What came of a list so far."""

    named: Counter[str] = field(default_factory=Counter)
    """How often each title was named."""
    keys: set[str] = field(default_factory=set)
    """Of the entries."""
    is_placed: bool = True
    """Whether all entries have a place in the catalog."""


class ImdbListSpider(ImdbSpider):
    """Asks by GraphQL or for the list's pages, 250 entries each."""

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
        named = Counter(lists.id_of_export(path.stem) for path in self.args.files)
        for path in self.args.files:
            for item in self.read_export(path, is_whole=named[lists.id_of_export(path.stem)] == 1):
                yield item
        for list_id in dict.fromkeys((*self.args.lists, *self.args.config)):
            yield self.part_request(list_id, Entries()) if self.by_graphql else self.page_request(list_id, Entries())

    def read_export(self, path: Path, *, is_whole: bool) -> Iterator[Item]:
        """The items of an export, which is the whole list unless another file has its name."""
        list_id = lists.id_of_export(path.stem)
        try:
            page = lists.parse_csv(path.read_bytes(), list_id)
        except PageError as error:
            self.note_gap(Want(str(path)), str(error))
            return
        came = Entries()
        yield from self.take(page, came)
        if is_whole:
            self.note_entries(page, came)

    def part_request(self, list_id: str, came: Entries, after: str | None = None) -> Request:
        """The entries from a cursor on."""
        want = Want(list_id, f"{PART} from cursor {after}" if after else None)
        query = lists.query(list_id, after=after)
        return self.ask_graphql(query, self.parse_answer, want, list_id=list_id, came=came, after=after)

    def page_request(self, list_id: str, came: Entries, number: int = 1) -> Request:
        """A page of a list by its number."""
        return self.ask_page(
            f"{'list' if lists.root_of(list_id) == 'list' else 'user'}/{list_id}/",
            self.parse_page,
            Want(list_id, f"page {number}" if number > 1 else None),
            {"page": number} if number > 1 else None,
            expects=Expects.LIST_PAGE,
            list_id=list_id,
            came=came,
            number=number,
        )

    def parse_answer(
        self, response: Response, list_id: str, came: Entries, after: str | None
    ) -> Iterator[Item | Request]:
        page = lists.parse_answer(response.body, list_id, **self.caller, earlier=came.named)
        yield from self.take(page, came)
        progress = self.progress(Want(list_id, PART), came, page.next_cursor, after)
        if progress is Progress.MORE:
            yield self.part_request(list_id, came, page.next_cursor)
        elif progress is Progress.ALL:
            self.note_entries(page, came)

    def parse_page(self, response: Response, list_id: str, came: Entries, number: int) -> Iterator[Item | Request]:
        page = lists.parse_page(response.body, list_id, earlier=came.named)
        yield from self.take(page, came)
        want = Want(list_id, PART)
        if page.has_more and came.is_new:
            yield self.page_request(list_id, came, number + 1)
        elif page.has_more:
            self.note_gap(want, f"page {number} has nothing new after {came}")
        elif self.check_count(want, came.count, came.total) and came.is_sure:
            self.note_entries(page, came)

    def take(self, page: ListPage, came: Entries) -> Iterator[Item]:
        """The items of a part, unless all of it came before, and what it says that nobody reads yet."""
        self.note_drift(page.drift)
        is_first = not came.marks
        if came.add(page.marks, page.total, page.count) or is_first:
            if is_first:
                yield page.title_list
            yield from page.titles.values()
            yield from page.entries
            came.named += page.named
            came.keys |= {entry.key for entry in page.entries}
            self.check_places(page, came)
        self.logger.info("%s: %d of %s entries", page.title_list.id, came.count, page.total)

    def check_places(self, page: ListPage, came: Entries) -> None:
        """Episodes whose series nobody told are a gap."""
        if page.unplaced:
            came.is_placed = False
            named = ", ".join(page.unplaced[:5]) + (", …" if len(page.unplaced) > 5 else "")
            self.note_gap(
                Want(page.title_list.id, "episodes"),
                f"it does not say to which series {len(page.unplaced)} belong: {named}",
            )

    def note_entries(self, page: ListPage, came: Entries) -> None:
        """Note that a list came to its last entry, if all of them have a place."""
        if came.is_placed:
            self.note_all(page.title_list.source, ListEntry.kind, "list_id", page.title_list.id, came.keys)
