"""`scrapy crawl imdb_episodes -a show=tt…`: all seasons and episodes of one or many shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scrapy.http import Request, Response

from trr_crawl.arguments import ArgumentError, season_labels, title_ids
from trr_crawl.items import Episode, Item
from trr_crawl.parse.imdb import episodes
from trr_crawl.parse.imdb.episodes import EpisodesPage
from trr_crawl.spiders.base import DUE_READERS, DueArguments, Want
from trr_crawl.spiders.imdb import Came, ImdbSpider, Progress

if TYPE_CHECKING:
    from twisted.python.failure import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodesArguments(DueArguments):
    """What to crawl."""

    shows: tuple[str, ...] = ()
    """IMDb title ids."""
    seasons: tuple[str, ...] = ()
    """Season labels; empty for all."""

    def __post_init__(self) -> None:
        self.check_due(self.shows, "Say which show to crawl: -a show=tt…, -a shows=@file or -a due=true.")
        if self.due and self.seasons:
            raise ArgumentError("seasons gets a part of a show, and what is due is all of it: leave one of them.")


@dataclass(slots=True)
class Tally:
    """How far a show that is crawled page by page has come."""

    promised: int | None
    """Episodes that IMDb claims for the whole show; None where it does not say."""
    pages_left: int
    is_whole: bool = True
    """Whether every page so far held all that it promised."""
    seen: set[str] = field(default_factory=set)
    """Ids of the episodes that came."""


class ImdbEpisodesSpider(ImdbSpider):
    """Asks by GraphQL (a show in one or two requests) or page by page (one a season)."""

    name = "imdb_episodes"
    arguments_class = EpisodesArguments
    readers = {
        **DUE_READERS,
        "show": title_ids,
        "shows": title_ids,
        "seasons": season_labels,
    }
    args: EpisodesArguments

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self.tallies: dict[str, Tally] = {}

    @property
    def counts_as(self) -> str | None:
        """A crawl of some seasons is none of the show."""
        return None if self.args.seasons else super().counts_as

    async def start(self) -> AsyncIterator[Request]:
        """One request a show; what they answer decides about more."""
        async for show_id in self.to_crawl(self.args.shows):
            yield self.part_request(show_id, Came()) if self.by_graphql else self.page_request(show_id)

    # By GraphQL

    def part_request(self, show_id: str, came: Came, after: str | None = None) -> Request:
        """A show's episodes from a cursor on."""
        query = episodes.query(show_id, seasons=self.args.seasons, after=after)
        return self.ask_graphql(query, self.parse_answer, Want(show_id), show_id=show_id, came=came, after=after)

    def parse_answer(self, response: Response, show_id: str, came: Came, after: str | None) -> Iterator[Item | Request]:
        page = episodes.parse_answer(response.body, show_id, **self.caller)
        yield from self.take(page, page.items() if after is None else page.episodes)
        came.add({episode.id for episode in page.episodes}, page.total)
        self.logger.info("%s: %d of %d episodes", show_id, came.count, page.total)
        if after is None:
            self.check_seasons(show_id, page)
        progress = self.progress(Want(show_id), came, page.next_cursor, after, "episodes")
        if progress is Progress.MORE:
            yield self.part_request(show_id, came, page.next_cursor)
        elif progress is Progress.ALL and not self.args.seasons:
            self.note_episodes(show_id, came.marks)

    # By pages

    def page_request(
        self, show_id: str, *, season: str | None = None, year: str | None = None, rank: int = 0
    ) -> Request:
        """A show's episodes page: of a season, of a year, or of IMDb's choice, which names all seasons.

        Pages of a lower rank are asked for first.
        """
        query = {"season": season} if season is not None else {"year": year} if year is not None else {}
        part = f"season {season}" if season else f"year {year}" if year else None
        request = self.ask_page(
            f"title/{show_id}/episodes/",
            self.parse_season if query else self.parse_overview,
            Want(show_id, part),
            query,
            show_id=show_id,
        )
        return request.replace(priority=-rank) if query else request.replace(errback=self.overview_failed)

    def overview_failed(self, failure: Failure) -> Iterator[Request]:
        """Seasons that were asked for by number can be got without the page that lists them."""
        if not self.args.seasons or getattr(failure.value, "blocked", False):
            self.note_failure(failure)
            return
        show_id: str = failure.request.cb_kwargs["show_id"]  # type: ignore[attr-defined]
        for rank, season in enumerate(self.args.seasons):
            yield self.page_request(show_id, season=season, rank=rank)
        self.subjects.answered(show_id)

    def parse_overview(self, response: Response, show_id: str) -> Iterator[Item | Request]:
        """The first page of a show, and requests for the seasons that it names and does not show."""
        page = episodes.parse_page(response.body, show_id)
        wanted = self.check_seasons(show_id, page)
        shown_is_wanted = page.season is None or page.season in wanted
        yield from self.take(page, page.items() if shown_is_wanted else page.about_the_show())
        is_whole = not shown_is_wanted or self.check_page(show_id, page)
        more = [
            self.page_request(show_id, season=season, rank=rank)
            for rank, season in enumerate(wanted)
            if season != page.season
        ]
        if not page.season_labels:
            more = [self.page_request(show_id, year=year, rank=rank) for rank, year in enumerate(page.year_labels)]
        if not self.args.seasons:
            promised = page.show.total_episodes
            self.tallies[show_id] = Tally(promised if isinstance(promised, int) else None, pages_left=len(more) + 1)
            self.tally(show_id, page, is_whole)
        yield from more

    def parse_season(self, response: Response, show_id: str) -> Iterator[Item]:
        page = episodes.parse_page(response.body, show_id)
        want: Want = response.meta["want"]
        if page.season is not None and want.part not in (None, f"season {page.season}"):
            self.note_gap(want, f"IMDb showed season {page.season} instead")
            return
        # The first page told of the show already, if there was one.
        yield from self.take(page, page.of_the_season() if show_id in self.tallies else page.items())
        self.tally(show_id, page, self.check_page(show_id, page, want))

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

    def check_page(self, show_id: str, page: EpisodesPage, want: Want | None = None) -> bool:
        """Whether a page holds all episodes that it promises."""
        want = want or Want(show_id, f"season {page.season}" if page.season else None)
        self.logger.info("%s %s: %d of %d episodes", show_id, want.part or "", page.count, page.total)
        return self.check_count(want, page.count, page.total, "episodes", page.next_cursor)

    def tally(self, show_id: str, page: EpisodesPage, is_whole: bool) -> None:
        """Count a page's episodes towards the whole show; after the last page, its own total is checked."""
        tally = self.tallies.get(show_id)
        if tally is None:
            return
        tally.seen.update(episode.id for episode in page.episodes)
        tally.is_whole &= is_whole
        tally.pages_left -= 1
        if tally.pages_left == 0:
            del self.tallies[show_id]
            if tally.promised is None:
                return
            is_all = self.check_count(Want(show_id, "as a whole"), len(tally.seen), tally.promised, "episodes")
            if is_all and tally.is_whole:
                self.note_episodes(show_id, tally.seen)

    def note_episodes(self, show_id: str, episode_ids: set[str]) -> None:
        """Note that these are all episodes of a show."""
        self.note_all("imdb", Episode.kind, "show_id", show_id, episode_ids)
