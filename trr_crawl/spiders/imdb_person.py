"""`scrapy crawl imdb_person -a person=nm…`: one or many people, what they are known for, and all their credits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scrapy.http import JsonRequest, Request, Response

from trr_crawl.arguments import ArgumentError, name_ids
from trr_crawl.blocks import Expects, Outcome
from trr_crawl.items import Item
from trr_crawl.parse.errors import PageError
from trr_crawl.parse.imdb import person
from trr_crawl.parse.imdb.person import Filmography, PersonPage
from trr_crawl.spiders.base import READERS, Arguments, CatalogSpider, Want

if TYPE_CHECKING:
    from twisted.python.failure import Failure

PART = "credits"
"""What of a person a gap is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonArguments(Arguments):
    """Whom to crawl."""

    persons: tuple[str, ...] = ()
    """IMDb ids of people."""

    def __post_init__(self) -> None:
        if not self.persons:
            raise ArgumentError("Say whom to crawl: -a person=nm… or -a persons=@file.")


class ImdbPersonSpider(CatalogSpider):
    """Asks by GraphQL, 250 credits a request, or for the page, which shows 15 of a category, as IMDB_TRANSPORT says."""

    name = "imdb_person"
    arguments_class = PersonArguments
    readers = {**READERS, "person": name_ids, "persons": name_ids}
    args: PersonArguments

    async def start(self) -> AsyncIterator[Request]:
        """One request a person; what they answer decides about more."""
        by_graphql = self.settings["IMDB_TRANSPORT"] == "graphql"
        for person_id in dict.fromkeys(self.args.persons):
            yield self.graphql_request(person_id, Filmography()) if by_graphql else self.page_request(person_id)

    # By GraphQL

    def graphql_request(
        self, person_id: str, filmography: Filmography, *, after: str | None = None, got: int = 0
    ) -> Request:
        """The credits from a cursor on; `filmography` holds those of earlier answers, `got` counts them."""
        request = JsonRequest(
            self.settings["IMDB_GRAPHQL_URL"],
            data=person.query(person_id, after=after),
            headers=self.settings.getdict("IMDB_GRAPHQL_HEADERS"),
            callback=self.parse_answer,
            cb_kwargs={"person_id": person_id, "filmography": filmography, "after": after, "got": got},
            meta={"expects": Expects.GRAPHQL, "handle_httpstatus_list": [400]},
            # A cursor tells the requests for a person apart, and repeats are caught by their cursors.
            dont_filter=True,
        )
        asked = self.ask(request, Want(person_id, f"{PART} from cursor {after}" if after else None))
        return asked.replace(errback=self.part_failed)

    def part_failed(self, failure: Failure) -> Iterator[Item]:
        """What came before the part that failed is kept."""
        self.note_failure(failure)
        filmography: Filmography = failure.request.cb_kwargs["filmography"]  # type: ignore[attr-defined]
        yield from filmography.credits()

    def parse_answer(
        self, response: Response, person_id: str, filmography: Filmography, after: str | None, got: int
    ) -> Iterator[Item | Request]:
        try:
            page = person.parse_answer(
                response.body,
                person_id,
                country=self.settings["IMDB_COUNTRY"],
                language=self.settings["IMDB_LANGUAGE"],
            )
        except PageError:
            yield from filmography.credits()
            raise
        self.note_drift(page.drift)
        if after is None:
            yield page.person
        yield from page.titles.values()
        filmography.add(page)
        got += page.count
        self.logger.info("%s: %d of %d credits", person_id, got, page.total)
        if page.next_cursor is not None and page.next_cursor != after and page.count and got < page.total:
            yield self.graphql_request(person_id, filmography, after=page.next_cursor, got=got)
            return
        yield from filmography.credits()
        if page.next_cursor is not None:
            self.note_gap(
                Want(person_id, PART), f"the cursor {page.next_cursor} leads nowhere after {got} of {page.total}"
            )
        else:
            self.check_count(person_id, got, page.total, f"{got} of {page.total} came")

    # By pages

    def page_request(self, person_id: str) -> Request:
        """The person's page."""
        request = Request(
            f"{self.settings['IMDB_WEB_URL']}/name/{person_id}/",
            callback=self.parse_page,
            cb_kwargs={"person_id": person_id},
            meta={
                "expects": Expects.NEXT_DATA,
                "playwright": self.settings["IMDB_TRANSPORT"] == "browser",
                "playwright_page_goto_kwargs": {"wait_until": "domcontentloaded"},
            },
        )
        return self.ask(request, Want(person_id))

    def parse_page(self, response: Response, person_id: str) -> Iterator[Item]:
        page = person.parse_page(response.body, person_id)
        self.note_drift(page.drift)
        yield from page.items()
        self.logger.info("%s: %d of %d credits", person_id, page.count, page.total)
        self.check_count(person_id, page.count, page.total, f"{shown(page)}; only GraphQL serves the rest")

    def check_count(self, person_id: str, got: int, total: int, why: str) -> None:
        """Fewer credits than the source's own total is a gap; none at all although it promises some is `empty`."""
        if got >= total:
            return
        if got == 0:
            self.crawler.stats.inc_value(f"outcome/{Outcome.EMPTY}")
        self.note_gap(Want(person_id, PART), why)


def shown(page: PersonPage) -> str:
    """How much of the categories that a page shows in part it shows."""
    return ", ".join(
        f"{group.name} {group.count} of {group.total}" for group in page.groups if group.count < group.total
    )
