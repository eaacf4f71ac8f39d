"""`scrapy crawl tmdb_person -a person=62`: what TMDb says of one or many people, with pictures and credits on shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from scrapy.http import Request, Response

from trr_crawl.items import Item
from trr_crawl.parse.tmdb import person
from trr_crawl.parse.tmdb.person import PARTS
from trr_crawl.spiders.base import DUE_READERS, DueArguments, Want
from trr_crawl.spiders.tmdb import TmdbSpider, person_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonArguments(DueArguments):
    """Whom to crawl."""

    people: tuple[str, ...] = ()
    """TMDb's numbers, or IMDb's nm…, which cost one request more."""
    persons: tuple[str, ...] = ()
    """The same."""

    def __post_init__(self) -> None:
        self.check_due(
            (*self.people, *self.persons),
            "Say whom to crawl: -a person=62, -a person=nm…, -a people=@file or -a due=true.",
        )


class TmdbPersonSpider(TmdbSpider):
    """One request a person."""

    name = "tmdb_person"
    arguments_class = PersonArguments
    readers = {**DUE_READERS, "person": person_ids, "people": person_ids}
    args: PersonArguments

    async def start(self) -> AsyncIterator[Request]:
        """The first request of each person."""
        if self.may_ask():
            async for person_id in self.to_crawl([*self.args.persons, *self.args.people]):
                if person_id.startswith("nm"):
                    yield self.find_request(person_id, self.parse_find)
                else:
                    yield self.request(person_id)

    def parse_find(self, response: Response, imdb_id: str) -> Iterator[Request]:
        page = self.read_find(response, imdb_id)
        if len(page.people) == 1:
            self.subjects.rename(imdb_id, page.people[0].id)
            yield self.request(page.people[0].id, imdb_id)
        else:
            self.note_people(imdb_id, page)

    def request(self, person_id: str, imdb_id: str | None = None) -> Request:
        """A person with all parts."""
        query = {"append_to_response": ",".join(PARTS)}
        return self.ask_tmdb(
            f"person/{person_id}", self.parse, Want(person_id), query, person_id=person_id, imdb_id=imdb_id
        )

    def parse(self, response: Response, person_id: str, imdb_id: str | None) -> Iterator[Item]:
        page = person.parse(response.body, person_id, language=self.language)
        self.note_drift(page.drift)
        self.check_imdb_id(Want(person_id), page.person.external_ids, imdb_id)
        for part in PARTS:
            if part not in page.parts:
                self.note_gap(Want(person_id, part), "the answer leaves it out")
        self.logger.info("%s: %s, %d credits", person_id, page.person.name, len(page.credits))
        yield from page.items()
