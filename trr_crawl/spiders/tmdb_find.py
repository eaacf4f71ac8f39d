"""`scrapy crawl tmdb_find -a title=tt…`: which of TMDb's shows and people have some ids of IMDb.

What TMDb answers with several shows is decided by name and year, where they are given; else it stays open: a gap, and a
candidate each.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from scrapy.http import Request, Response

from trr_crawl.arguments import ArgumentError, entries, flag, name_ids, number, title_id, words
from trr_crawl.catalog import due
from trr_crawl.items import Item, Person, Show
from trr_crawl.parse.tmdb import find
from trr_crawl.spiders.base import READERS, Arguments
from trr_crawl.spiders.tmdb import TmdbSpider


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A title of IMDb, and what is known of it."""

    imdb_id: str
    name: str | None = None
    year: int | None = None
    """Of the first release."""


def questions(text: str) -> tuple[Question, ...]:
    """Titles; in a file, `tt…|name|year` a line."""
    found = []
    for entry in entries(text):
        imdb_id, _, known = entry.partition("|")
        name, _, year = known.rpartition("|") if "|" in known else (known, "", "")
        found.append(
            Question(
                imdb_id=title_id(imdb_id),
                name=" ".join(name.split()) or None,
                year=number(year.strip()) if year.strip() else None,
            )
        )
    if not found:
        raise ArgumentError(f"{text!r} names no title.")
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindArguments(Arguments):
    """What to look for."""

    titles: tuple[Question, ...] = ()
    """IMDb title ids."""
    persons: tuple[str, ...] = ()
    """IMDb people's ids."""
    due: bool = False
    """All shows of the catalog that have an id at IMDb and none at TMDb, by their names and years."""
    limit: int | None = None
    """So many of them at most."""
    names: tuple[str, ...] = ()
    """The name of a single title, to tell several shows apart."""
    year: int | None = None
    """Its first year."""

    def __post_init__(self) -> None:
        if not (self.titles or self.persons or self.due):
            raise ArgumentError("Say what to look for: -a title=tt…, -a titles=@file, -a person=nm… or -a due=true.")
        if (self.names or self.year is not None) and len(self.titles) != 1:
            raise ArgumentError("name and year tell of one title: give them in a file for several, as tt…|name|year.")


class TmdbFindSpider(TmdbSpider):
    """Two requests an id: what TMDb finds, and whether it names the same id itself.

    Counts `find/<code>` as in `trr_crawl.parse.tmdb.find.Code`.
    """

    name = "tmdb_find"
    arguments_class = FindArguments
    readers = {
        **READERS,
        "title": questions,
        "titles": questions,
        "person": name_ids,
        "name": words,
        "year": number,
        "due": flag,
        "limit": number,
    }
    args: FindArguments

    async def start(self) -> AsyncIterator[Request]:
        """One request an id."""
        if not self.may_ask():
            return
        given = Question(imdb_id="", name=next(iter(self.args.names), None), year=self.args.year)
        for question in {question.imdb_id: question for question in (*self.args.titles, *await self.due())}.values():
            yield self.find_request(
                question.imdb_id,
                self.parse_title,
                name=question.name or given.name,
                year=question.year if question.year is not None else given.year,
            )
        for imdb_id in self.args.persons:
            yield self.find_request(imdb_id, self.parse_person)

    async def due(self) -> list[Question]:
        """What the catalog lacks, if that is wanted."""
        if not self.args.due:
            return []
        try:
            shows = await asyncio.to_thread(due.without_id, "tmdb", "imdb", self.args.limit)
        except due.CatalogError as error:
            self.report.fail(f"The catalog cannot be read: {error}.")
            return []
        if not shows:
            self.report.allow_nothing("all shows of the catalog with an id at IMDb have one at TMDb")
        return [Question(imdb_id=found.id, name=found.title, year=found.start_year) for found in shows]

    def parse_title(
        self, response: Response, imdb_id: str, name: str | None, year: int | None
    ) -> Iterator[Item | Request]:
        page = self.read_find(response, imdb_id)
        resolution = find.resolve(page.shows, name=name, year=year)
        yield from self.account(imdb_id, page, resolution)
        if resolution.chosen is not None:
            self.logger.info("%s: %s, %s", imdb_id, resolution.code, resolution.chosen.id)
            yield resolution.chosen
            yield self.ids_request(Show.kind, resolution.chosen.id, imdb_id)

    def parse_person(self, response: Response, imdb_id: str) -> Iterator[Item | Request]:
        page = self.read_find(response, imdb_id)
        if len(page.people) != 1:
            self.note_people(imdb_id, page)
            return
        self.crawler.stats.inc_value("find/single_result")
        yield page.people[0]
        yield self.ids_request(Person.kind, page.people[0].id, imdb_id)
