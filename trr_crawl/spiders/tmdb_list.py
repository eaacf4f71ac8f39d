"""`scrapy crawl tmdb_list -a list=8679004`: lists of shows and films that users of TMDb keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from scrapy.http import Request, Response

from trr_crawl.arguments import ArgumentError, flag, listed_in_config
from trr_crawl.blocks import Outcome
from trr_crawl.items import Item, ListEntry, Show
from trr_crawl.parse.tmdb import lists
from trr_crawl.spiders.base import READERS, Arguments, Want
from trr_crawl.spiders.tmdb import TmdbSpider, list_ids


def version(text: str) -> int:
    """3 or 4."""
    if text.strip() not in ("3", "4"):
        raise ArgumentError(f"{text!r} is no version of TMDb's API that has lists: there are 3 and 4.")
    return int(text)


def lists_of_config(text: str) -> tuple[str, ...]:
    """The lists that a YAML or JSON file names under `tmdb_lists`."""
    return tuple(found for entry in listed_in_config(text, "tmdb_lists") for found in list_ids(entry))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListArguments(Arguments):
    """Which lists to crawl."""

    lists: tuple[str, ...] = ()
    """Numbers, older ones 24 hexadecimal digits."""
    config: tuple[str, ...] = ()
    """The same, from a file of lists."""
    version: int = 3
    """Of the API: 4 also tells what the keeper says of each title, and takes TMDB_BEARER_TOKEN only."""
    external_ids: bool = True
    """Ask for each title's ids elsewhere, one request each."""

    def __post_init__(self) -> None:
        if not (self.lists or self.config):
            raise ArgumentError("Say which list to crawl: -a list=… or -a config=lists.yaml.")


class TmdbListSpider(TmdbSpider):
    """One request a page of a list, and one a title for its ids."""

    name = "tmdb_list"
    arguments_class = ListArguments
    readers = {
        **READERS,
        "list": list_ids,
        "lists": list_ids,
        "config": lists_of_config,
        "version": version,
        "external_ids": flag,
    }
    args: ListArguments

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self.titles_asked: set[str] = set()

    async def start(self) -> AsyncIterator[Request]:
        """The first page of each list."""
        if self.may_ask():
            for list_id in dict.fromkeys((*self.args.lists, *self.args.config)):
                yield self.request(list_id, 1, Counter())

    def request(self, list_id: str, number: int, named: Counter[str]) -> Request:
        """A page of a list; `named` says how often each title stood on the pages before it."""
        want = Want(list_id, f"page {number}" if number > 1 else None)
        return self.ask_tmdb(
            f"list/{list_id}",
            self.parse,
            want,
            {"page": number},
            version=self.args.version,
            list_id=list_id,
            number=number,
            named=named,
        )

    def parse(self, response: Response, list_id: str, number: int, named: Counter[str]) -> Iterator[Item | Request]:
        page = lists.parse(response.body, list_id, language=self.language, before=named)
        self.note_drift(page.drift)
        if page.page != number:
            self.note_gap(Want(list_id, f"page {number}"), f"TMDb answers with page {page.page}")
            return
        yield from page.items()
        named = named + Counter(entry.show_id for entry in page.entries)
        yield from self.ids_requests(page.titles)
        if number < page.total_pages:
            yield self.request(list_id, number + 1, named)
        else:
            self.check_count(list_id, named, page.total)

    def ids_requests(self, titles: dict[str, Show]) -> Iterator[Request]:
        """A request for each title that this run has not asked for."""
        for title_id in titles:
            if self.args.external_ids and title_id not in self.titles_asked:
                self.titles_asked.add(title_id)
                yield self.ids_request(Show.kind, title_id)

    def check_count(self, list_id: str, named: Counter[str], total: int | None) -> None:
        """Fewer entries than the list's own total is a gap; all of them are its inventory."""
        if total is None or named.total() < total:
            if total and not named:
                self.crawler.stats.inc_value(f"outcome/{Outcome.EMPTY}")
            self.note_gap(Want(list_id, "entries"), f"{named.total()} of {total or 'an unknown number'} came")
            return
        keys = [f"{list_id}/{title}/{number}" for title, count in named.items() for number in range(1, count + 1)]
        self.note_all("tmdb", ListEntry.kind, "list_id", list_id, keys)
