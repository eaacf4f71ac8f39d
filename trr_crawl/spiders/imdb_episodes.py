"""`scrapy crawl imdb_episodes -a show=tt…`: all seasons and episodes of one or many shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from scrapy.http import JsonRequest, Request, Response

from trr_crawl.arguments import ArgumentError, season_labels, title_ids
from trr_crawl.blocks import Expects, Outcome
from trr_crawl.items import Item
from trr_crawl.parse.imdb import episodes
from trr_crawl.parse.imdb.episodes import EpisodesPage
from trr_crawl.spiders.base import READERS, Arguments, CatalogSpider, Want

if TYPE_CHECKING:
    from twisted.python.failure import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodesArguments(Arguments):
    """What to crawl."""

    shows: tuple[str, ...] = ()
    """IMDb title ids."""
    seasons: tuple[str, ...] = ()
    """Season labels; empty for all."""

    def __post_init__(self) -> None:
        if not self.shows:
            raise ArgumentError("Say which show to crawl: -a show=tt… or -a shows=@file.")


@dataclass(slots=True)
class Tally:
    """How far a show that is crawled page by page has come."""

    promised: int
    """Episodes that IMDb claims for the whole show."""
    pages_left: int
    seen: set[str] = field(default_factory=set)
    """Ids of the episodes that came."""


class ImdbEpisodesSpider(CatalogSpider):
    """Asks by GraphQL (a show in one or two requests) or page by page (one a season), as IMDB_TRANSPORT says."""

    name = "imdb_episodes"
    arguments_class = EpisodesArguments
    readers = {
        **READERS,
        "show": title_ids,
        "shows": title_ids,
        "seasons": season_labels,
    }
    args: EpisodesArguments

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self.tallies: dict[str, Tally] = {}

    async def start(self) -> AsyncIterator[Request]:
        """One request a show; what they answer decides about more."""
        by_graphql = self.settings["IMDB_TRANSPORT"] == "graphql"
        for show_id in dict.fromkeys(self.args.shows):
            yield self.graphql_request(show_id) if by_graphql else self.page_request(show_id)

    # By GraphQL

    def graphql_request(self, show_id: str, *, after: str | None = None, got: int = 0) -> Request:
        """A show's episodes from a cursor on; `got` counts those of earlier answers."""
        request = JsonRequest(
            self.settings["IMDB_GRAPHQL_URL"],
            data=episodes.query(show_id, seasons=self.args.seasons, after=after),
            headers=self.settings.getdict("IMDB_GRAPHQL_HEADERS"),
            callback=self.parse_answer,
            cb_kwargs={"show_id": show_id, "after": after, "got": got},
            meta={"expects": Expects.GRAPHQL, "handle_httpstatus_list": [400]},
            # A cursor tells the requests of a show apart, and repeats are caught by their cursors.
            dont_filter=True,
        )
        return self.ask(request, Want(show_id))

    def parse_answer(self, response: Response, show_id: str, after: str | None, got: int) -> Iterator[Item | Request]:
        page = episodes.parse_answer(
            response.body,
            show_id,
            country=self.settings["IMDB_COUNTRY"],
            language=self.settings["IMDB_LANGUAGE"],
        )
        yield from self.take(page, page.items() if after is None else page.episodes)
        got += page.count
        self.logger.info("%s: %d of %d episodes", show_id, got, page.total)
        if after is None:
            self.check_seasons(show_id, page)
        if page.next_cursor is None:
            self.check_count(Want(show_id), got, page.total)
        elif page.next_cursor == after or not page.episodes or got >= page.total:
            self.note_gap(Want(show_id), f"the cursor {page.next_cursor} leads nowhere after {got} of {page.total}")
        else:
            yield self.graphql_request(show_id, after=page.next_cursor, got=got)

    # By pages

    def page_request(
        self, show_id: str, *, season: str | None = None, year: str | None = None, rank: int = 0
    ) -> Request:
        """A show's episodes page: of a season, of a year, or of IMDb's choice, which names all seasons.

        Pages of a lower rank are asked for first.
        """
        query = {"season": season} if season is not None else {"year": year} if year is not None else {}
        url = f"{self.settings['IMDB_WEB_URL']}/title/{show_id}/episodes/" + (f"?{urlencode(query)}" if query else "")
        request = Request(
            url,
            callback=self.parse_season if query else self.parse_overview,
            cb_kwargs={"show_id": show_id},
            priority=-rank,
            meta={
                "expects": Expects.NEXT_DATA,
                "playwright": self.settings["IMDB_TRANSPORT"] == "browser",
                # All data is in the page as it arrives; what scripts add later is none.
                "playwright_page_goto_kwargs": {"wait_until": "domcontentloaded"},
            },
        )
        part = f"season {season}" if season else f"year {year}" if year else None
        request = self.ask(request, Want(show_id, part))
        return request if query else request.replace(errback=self.overview_failed)

    def overview_failed(self, failure: Failure) -> Iterator[Request]:
        """Seasons that were asked for by number can be got without the page that lists them."""
        if not self.args.seasons or getattr(failure.value, "blocked", False):
            self.note_failure(failure)
            return
        show_id: str = failure.request.cb_kwargs["show_id"]  # type: ignore[attr-defined]
        for rank, season in enumerate(self.args.seasons):
            yield self.page_request(show_id, season=season, rank=rank)

    def parse_overview(self, response: Response, show_id: str) -> Iterator[Item | Request]:
        """The first page of a show, and requests for the seasons that it names and does not show."""
        page = episodes.parse_page(response.body, show_id)
        wanted = self.check_seasons(show_id, page)
        shown_is_wanted = page.season is None or page.season in wanted
        yield from self.take(page, page.items() if shown_is_wanted else page.about_the_show())
        if shown_is_wanted:
            self.check_page(show_id, page)
        more = [
            self.page_request(show_id, season=season, rank=rank)
            for rank, season in enumerate(wanted)
            if season != page.season
        ]
        if not page.season_labels:
            more = [self.page_request(show_id, year=year, rank=rank) for rank, year in enumerate(page.year_labels)]
        if not self.args.seasons:
            self.tallies[show_id] = Tally(page.show.total_episodes or 0, pages_left=len(more) + 1)
            self.tally(show_id, page)
        yield from more

    def parse_season(self, response: Response, show_id: str) -> Iterator[Item]:
        page = episodes.parse_page(response.body, show_id)
        want: Want = response.meta["want"]
        if page.season is not None and want.part not in (None, f"season {page.season}"):
            self.note_gap(want, f"IMDb showed season {page.season} instead")
            return
        # The first page told of the show already, if there was one.
        yield from self.take(page, page.of_the_season() if show_id in self.tallies else page.items())
        self.check_page(show_id, page, want)
        self.tally(show_id, page)

    # Both

    def take(self, page: EpisodesPage, items: Iterable[Item]) -> Iterator[Item]:
        """The items of a page, and what it says that nobody reads yet."""
        self.note_drift(page.drift)
        yield from items

    def check_seasons(self, show_id: str, page: EpisodesPage) -> list[str]:
        """The seasons to get: all of the show, or those asked for; one that the show does not have is a gap."""
        if not self.args.seasons:
            return page.season_labels
        for season in self.args.seasons:
            if season not in page.season_labels:
                known = ", ".join(page.season_labels) or "none"
                self.note_gap(Want(show_id, f"season {season}"), f"there is no such season, IMDb lists {known}")
        return [season for season in self.args.seasons if season in page.season_labels]

    def check_page(self, show_id: str, page: EpisodesPage, want: Want | None = None) -> None:
        want = want or Want(show_id, f"season {page.season}" if page.season else None)
        self.logger.info("%s %s: %d of %d episodes", show_id, want.part or "", page.count, page.total)
        self.check_count(want, page.count, page.total, page.next_cursor)

    def tally(self, show_id: str, page: EpisodesPage) -> None:
        """Count a page's episodes towards the whole show; after the last page, its own total is checked."""
        tally = self.tallies.get(show_id)
        if tally is None:
            return
        tally.seen.update(episode.id for episode in page.episodes)
        tally.pages_left -= 1
        if tally.pages_left == 0:
            del self.tallies[show_id]
            self.check_count(Want(show_id, "as a whole"), len(tally.seen), tally.promised)

    def check_count(self, want: Want, got: int, total: int, cursor: str | None = None) -> None:
        """Fewer episodes than the source's own total is a gap; none at all although it promises some is `empty`."""
        if got >= total:
            return
        if got == 0:
            self.crawler.stats.inc_value(f"outcome/{Outcome.EMPTY}")
        more = f", the next part starts at cursor {cursor} and only GraphQL serves it" if cursor else ""
        self.note_gap(want, f"{got} of {total} episodes came{more}")
