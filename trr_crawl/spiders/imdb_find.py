"""`scrapy crawl imdb_find -a name="…"`: which titles a name may mean. Nothing of it is stored; see the log, or -o."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from scrapy.http import Request, Response

from trr_crawl.arguments import ArgumentError, words
from trr_crawl.items import Item
from trr_crawl.parse.imdb import find
from trr_crawl.spiders.base import READERS, Arguments, Want
from trr_crawl.spiders.imdb import ImdbSpider

WAYS: Final = ("suggestions", "page")


def way(text: str) -> str:
    """How to look: IMDb's suggestions, or its find page."""
    if text not in WAYS:
        raise ArgumentError(f"{text!r} is unknown; it is one of {', '.join(WAYS)}.")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class FindArguments(Arguments):
    """What to look for, and how."""

    names: tuple[str, ...] = ()
    by: str = WAYS[0]
    """IMDb's robots.txt asks crawlers to leave its find page alone: that way is for archives."""
    dry_run: bool = True
    """Always: candidates are an answer, and no facts of the catalog."""

    def __post_init__(self) -> None:
        if not self.names:
            raise ArgumentError('Say which name to look for: -a name="…".')
        if not self.dry_run:
            raise ArgumentError("-a dry_run=false: candidates are never stored.")


class ImdbFindSpider(ImdbSpider):
    """Asks IMDb's suggestions, or its find page."""

    name = "imdb_find"
    arguments_class = FindArguments
    readers = {**READERS, "name": words, "by": way}
    args: FindArguments

    async def start(self) -> AsyncIterator[Request]:
        """One request a name."""
        for name in self.args.names:
            yield self.suggestions_request(name) if self.args.by == "suggestions" else self.page_request(name)

    def suggestions_request(self, name: str) -> Request:
        """IMDb's suggestions, as its search box shows them."""
        request = Request(
            f"{self.settings['IMDB_SUGGESTION_URL']}/{quote(name.lower(), safe='')}.json?includeVideos=0",
            callback=self.parse_suggestions,
            cb_kwargs={"name": name},
        )
        return self.ask(request, Want(name))

    def page_request(self, name: str) -> Request:
        """IMDb's find page."""
        return self.ask_page("find/", self.parse_page, Want(name), {"q": name}, name=name)

    def parse_suggestions(self, response: Response, name: str) -> Iterator[Item]:
        yield from self.take(find.parse_suggestions(response.body, name))

    def parse_page(self, response: Response, name: str) -> Iterator[Item]:
        yield from self.take(find.parse_page(response.body, name))

    def take(self, page: find.FindPage) -> Iterator[Item]:
        """The candidates, told in the log too."""
        self.note_drift(page.drift)
        self.report.answers += 1
        self.logger.info("%s: %d candidates", page.query, page.count)
        for candidate in page.candidates:
            self.logger.info("%s: %s (%s %s)", candidate.id, candidate.name, candidate.type or "", candidate.year or "")
        yield from page.items()
