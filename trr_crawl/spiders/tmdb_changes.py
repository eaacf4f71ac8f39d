"""`scrapy crawl tmdb_changes -a since=2026-11-20`: the ids of what changed at TMDb, or the changed shows themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from scrapy.http import Request, Response

from trr_crawl.arguments import ArgumentError, day, flag
from trr_crawl.catalog import due
from trr_crawl.items import Change, Item, Person, Show
from trr_crawl.parse.tmdb import changes
from trr_crawl.spiders.base import READERS, Arguments, Want
from trr_crawl.spiders.tmdb import ShowSpider, show_ids

_PATHS = {"shows": "tv", "people": "person"}
_KINDS = {"shows": Show.kind, "people": Person.kind}


def of(text: str) -> str:
    """`shows` or `people`."""
    if text.strip() not in _PATHS:
        raise ArgumentError(f"{text!r} is nothing whose changes TMDb lists for us: there are {', '.join(_PATHS)}.")
    return text.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesArguments(Arguments):
    """Which changes to get."""

    since: date | None = None
    """The first day, UTC; if not given that of the last run that came to a good end, or else yesterday."""
    until: date | None = None
    """The last day, UTC; today if not given."""
    of: str = "shows"
    """Whose changes."""
    shows: tuple[str, ...] = ()
    """Only those of these shows, TMDb's numbers."""
    known: bool = False
    """Only those of things that the catalog has."""
    refresh: bool = False
    """Crawl each changed show at once, as `tmdb_show` does."""

    def __post_init__(self) -> None:
        if self.since and self.until and self.since > self.until:
            raise ArgumentError(f"since={self.since} is after until={self.until}.")
        if self.of != "shows" and (self.shows or self.refresh):
            raise ArgumentError("shows and refresh are for the changes of shows: leave out of=people.")
        if any(not show_id.isdigit() for show_id in self.shows):
            raise ArgumentError("TMDb lists changes by its own numbers: give these for shows, not tt….")


class TmdbChangesSpider(ShowSpider):
    """One request for each 100 changes; a time of more than 14 days is asked for in pieces."""

    name = "tmdb_changes"
    state_name = "tmdb_show"
    arguments_class = ChangesArguments
    readers = {
        **READERS,
        "since": day,
        "until": day,
        "of": of,
        "show": show_ids,
        "shows": show_ids,
        "known": flag,
        "refresh": flag,
    }
    args: ChangesArguments

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self.seen: set[str] = set()
        self.wanted: frozenset[str] | None = frozenset(self.args.shows) or None

    async def start(self) -> AsyncIterator[Request]:
        """The first page of each piece of the time."""
        if not self.may_ask():
            return
        until = self.args.until or datetime.now(UTC).date()
        try:
            since = self.args.since or await self.last_day(until)
            if self.args.known:
                known = await asyncio.to_thread(due.known_ids, _KINDS[self.args.of], "tmdb")
                self.wanted = known if self.wanted is None else self.wanted & known
        except due.CatalogError as error:
            self.report.fail(f"The catalog cannot be read: {error}.")
            return
        if self.wanted is not None:
            self.report.allow_nothing(f"none of the wanted {self.args.of} changed from {since} to {until}")
        for first, last in changes.windows(since, until):
            yield self.request(first, last, 1)

    async def last_day(self, until: date) -> date:
        """The day on which the last good run started, which it did not see to its end; yesterday if there was none."""
        started = None if self.dry_run else await asyncio.to_thread(due.last_run, self.name)
        return min(until, started.astimezone(UTC).date() if started else until - timedelta(days=1))

    def request(self, first: date, last: date, number: int) -> Request:
        """A page of the changes of some days."""
        return self.ask_tmdb(
            f"{_PATHS[self.args.of]}/changes",
            self.parse,
            Want(f"changes from {first} to {last}", f"page {number}"),
            {"start_date": first, "end_date": last, "page": number},
            first=first,
            last=last,
            number=number,
        )

    def parse(self, response: Response, first: date, last: date, number: int) -> Iterator[Item | Request]:
        page = changes.parse(response.body)
        self.note_drift(page.drift)
        want = Want(f"changes from {first} to {last}", f"page {number}")
        if page.page != number:
            self.note_gap(want, f"TMDb answers with page {page.page}")
            return
        for changed in page.ids:
            yield from self.take(changed, first, last)
        if number < min(page.total_pages, changes.PAGES_AT_MOST):
            yield self.request(first, last, number + 1)
        elif number < page.total_pages:
            self.note_gap(want, f"TMDb serves {number} of {page.total_pages} pages: ask for fewer days")

    def take(self, changed: str, first: date, last: date) -> Iterator[Item | Request]:
        """Word of a change, once a run; and the show itself, where it is wanted."""
        if changed in self.seen or (self.wanted is not None and changed not in self.wanted):
            return
        self.seen.add(changed)
        yield Change(source="tmdb", of=_KINDS[self.args.of], id=changed, since=first, until=last)
        if self.args.refresh:
            self.subjects.begin(changed)
            yield self.show_request(changed)
