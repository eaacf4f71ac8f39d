"""`scrapy crawl imdb_person -a person=nm…`: one or many people, what they are known for, and all their credits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from scrapy.http import Request, Response

from trr_crawl.arguments import ArgumentError, name_ids
from trr_crawl.items import Item
from trr_crawl.parse.errors import PageError
from trr_crawl.parse.imdb import person
from trr_crawl.parse.imdb.person import Filmography, PersonPage
from trr_crawl.spiders.base import DUE_READERS, DueArguments, Want
from trr_crawl.spiders.imdb import Came, ImdbSpider, Progress, roles

PART = "credits"
"""What of a person a gap is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonArguments(DueArguments):
    """Whom to crawl."""

    persons: tuple[str, ...] = ()
    """IMDb ids of people."""
    roles: tuple[str, ...] = ()
    """Categories of the credits to get; empty for all."""

    def __post_init__(self) -> None:
        self.check_due(self.persons, "Say whom to crawl: -a person=nm…, -a persons=@file or -a due=true.")
        if self.due and self.roles:
            raise ArgumentError("roles gets a part of a person, and what is due is all of it: leave one of them.")


class ImdbPersonSpider(ImdbSpider):
    """Asks by GraphQL, 250 credits a request, or for the page, which shows 15 of a category."""

    name = "imdb_person"
    arguments_class = PersonArguments
    readers = {**DUE_READERS, "person": name_ids, "persons": name_ids, "roles": roles}
    args: PersonArguments

    @property
    def counts_as(self) -> str | None:
        """A crawl of some roles is none of the person."""
        return None if self.args.roles else super().counts_as

    async def start(self) -> AsyncIterator[Request]:
        """One request a person; what they answer decides about more."""
        async for person_id in self.to_crawl(self.args.persons):
            if self.by_graphql:
                yield self.part_request(person_id, Filmography(), Came())
            else:
                yield self.page_request(person_id)

    def part_request(self, person_id: str, held: Filmography, came: Came, after: str | None = None) -> Request:
        """The credits from a cursor on; `held` has those of earlier answers."""
        request = self.ask_graphql(
            person.query(person_id, after=after, roles=self.args.roles),
            self.parse_answer,
            Want(person_id, f"{PART} from cursor {after}" if after else None),
            person_id=person_id,
            held=held,
            came=came,
            after=after,
        )
        return request.replace(errback=self.held_back)

    def page_request(self, person_id: str) -> Request:
        """The person's page."""
        return self.ask_page(f"name/{person_id}/", self.parse_page, Want(person_id), person_id=person_id)

    def parse_answer(
        self, response: Response, person_id: str, held: Filmography, came: Came, after: str | None
    ) -> Iterator[Item | Request]:
        try:
            page = person.parse_answer(response.body, person_id, **self.caller, asked=self.args.roles)
        except PageError:
            yield from held.items()
            raise
        self.note_drift(page.drift)
        if after is None:
            yield page.person
        yield from page.titles.values()
        held.add(page)
        self.note_cut(Want(person_id), page.cut)
        came.add(page.marks, page.total, page.count)
        came.is_sure &= not page.cut
        self.logger.info("%s: %d of %s credits", person_id, came.count, page.total)
        progress = self.progress(Want(person_id, PART), came, page.next_cursor, after)
        if progress is Progress.MORE:
            yield self.part_request(person_id, held, came, page.next_cursor)
            return
        yield from held.items()

    def parse_page(self, response: Response, person_id: str) -> Iterator[Item]:
        page, held = person.parse_page(response.body, person_id, wanted=self.args.roles), Filmography()
        self.note_drift(page.drift)
        yield page.person
        yield from page.titles.values()
        held.add(page)
        yield from held.items()
        self.logger.info("%s: %d of %s credits", person_id, page.count, page.total)
        if page.count < (page.total or 0):
            self.note_short(Want(person_id, PART), page.count, f"{shown(page)}; only GraphQL serves the rest")


def shown(page: PersonPage) -> str:
    """How much of the categories that a page shows in part it shows."""
    return ", ".join(
        f"{group.name} {group.count} of {group.total}" for group in page.groups if group.count < group.total
    )
