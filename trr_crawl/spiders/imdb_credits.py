"""`scrapy crawl imdb_credits -a show=tt…`: the full cast and crew of one or many titles, and of their episodes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from scrapy.http import Request, Response

from trr_crawl.arguments import ArgumentError, flag, title_ids
from trr_crawl.items import Credit, EpisodeCredit, Item
from trr_crawl.parse.errors import PageError
from trr_crawl.parse.imdb.categories import CAST
from trr_crawl.parse.imdb.credits import (
    APPEARANCES,
    CreditsPage,
    Ledger,
    episodes_query,
    parse_answer,
    parse_episodes_answer,
    parse_page,
    query,
)
from trr_crawl.spiders.base import DUE_READERS, DueArguments, Want
from trr_crawl.spiders.imdb import Came, ImdbSpider, Progress, roles


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsArguments(DueArguments):
    """What to crawl."""

    shows: tuple[str, ...] = ()
    """IMDb title ids."""
    roles: tuple[str, ...] = ()
    """Categories of the credits to keep; empty for all."""
    episodes: bool = False
    """Get also who appears in which episode."""
    reference: bool = False
    """Read pages from `/reference` instead of `/fullcredits`."""

    def __post_init__(self) -> None:
        self.check_due(self.shows, "Say whose credits to crawl: -a show=tt…, -a shows=@file or -a due=true.")
        if self.due and self.roles:
            raise ArgumentError("roles gets a part of a show, and what is due is all of it: leave one of them.")
        if self.episodes and self.roles and CAST.slug not in self.roles:
            raise ArgumentError("-a episodes=true gets those who appear in episodes: -a roles must name cast then.")


class ImdbCreditsSpider(ImdbSpider):
    """Asks by GraphQL (250 credits, or 50 episodes, an answer) or for a page.

    A page holds only the first of the longer lists, and tells of no episodes: both are gaps.
    """

    name = "imdb_credits"
    arguments_class = CreditsArguments
    readers = {
        **DUE_READERS,
        "show": title_ids,
        "shows": title_ids,
        "roles": roles,
        "episodes": flag,
        "reference": flag,
    }
    args: CreditsArguments

    @property
    def counts_as(self) -> str | None:
        """A crawl of some roles is none of all credits."""
        return None if self.args.roles else super().counts_as

    async def start(self) -> AsyncIterator[Request]:
        """One request a title, and one for its episodes; what they answer decides about more."""
        async for show_id in self.to_crawl(self.args.shows):
            for request in self.requests_for(show_id):
                yield request

    def requests_for(self, show_id: str) -> list[Request]:
        """All of them before the first goes out: with its last answer a show is done."""
        if not self.by_graphql:
            if self.args.episodes:
                self.note_gap(Want(show_id, "episodes"), "only GraphQL tells who appears in which of them")
            return [self.page_request(show_id)]
        requests = [self.credits_request(Want(show_id), show_id, Ledger(self.args.roles), Came())]
        if self.args.episodes:
            requests.append(self.episodes_request(show_id, Came()))
        return requests

    # By GraphQL

    def credits_request(self, want: Want, title_id: str, held: Ledger, came: Came, after: str | None = None) -> Request:
        """A title's credits from a cursor on; `held` has those of earlier answers.

        Of an episode that a show's answer did not tell to the end, only those who appear in it.
        """
        of_episode = title_id != want.subject
        request = self.ask_graphql(
            query(title_id, after=after, categories=APPEARANCES if of_episode else ()),
            self.parse_credits,
            want,
            title_id=title_id,
            held=held,
            came=came,
            after=after,
        )
        return request.replace(errback=self.held_back)

    def episodes_request(self, show_id: str, came: Came, after: str | None = None) -> Request:
        """Who appears in a show's episodes, from a cursor on."""
        return self.ask_graphql(
            episodes_query(show_id, after=after),
            self.parse_episodes,
            Want(show_id, "episodes"),
            show_id=show_id,
            came=came,
            after=after,
        )

    def parse_credits(
        self, response: Response, title_id: str, held: Ledger, came: Came, after: str | None
    ) -> Iterator[Item | Request]:
        try:
            page = parse_answer(response.body, title_id)
        except PageError:
            yield from held.items()
            raise
        want: Want = response.meta["want"]
        progress = self.take(want, page, held, came, after)
        self.logger.info("%s: %d of %d credits", title_id, came.count, page.total)
        if progress is Progress.MORE:
            yield self.credits_request(want, title_id, held, came, page.next_cursor)
            return
        self.count_left_out(title_id, held)
        yield from held.items()
        if progress is Progress.ALL and title_id == want.subject:
            self.note_credits(page, held)

    def parse_episodes(
        self, response: Response, show_id: str, came: Came, after: str | None
    ) -> Iterator[Item | Request]:
        page = parse_episodes_answer(response.body, show_id)
        for episode in page.episodes:
            part = Want(show_id, f"episode {episode.title_id}")
            held, of_episode = Ledger(self.args.roles), Came()
            if self.take(part, episode, held, of_episode, None) is Progress.MORE:
                yield self.credits_request(part, episode.title_id, held, of_episode, episode.next_cursor)
            else:
                yield from held.items()
        came.add({episode.title_id for episode in page.episodes}, page.total)
        self.logger.info("%s: the cast of %d of %d episodes", show_id, came.count, page.total)
        if self.progress(Want(show_id, "episodes"), came, page.next_cursor, after, "episodes") is Progress.MORE:
            yield self.episodes_request(show_id, came, page.next_cursor)

    def take(self, want: Want, page: CreditsPage, held: Ledger, came: Came, after: str | None) -> Progress:
        """Add a part of a title's credits to those before it."""
        self.note_drift(page.drift)
        self.note_cut(want, page.cut)
        held.add(page)
        came.add(page.marks, page.total, page.count)
        came.is_sure &= not page.cut
        return self.progress(want, came, page.next_cursor, after, "credits")

    # By pages

    def page_request(self, title_id: str) -> Request:
        """The page of a title's credits."""
        path = f"title/{title_id}/{'reference' if self.args.reference else 'fullcredits'}/"
        return self.ask_page(path, self.parse_page, Want(title_id), title_id=title_id)

    def parse_page(self, response: Response, title_id: str) -> Iterator[Item]:
        page, held = parse_page(response.body, title_id), Ledger(self.args.roles)
        self.note_drift(page.drift)
        self.note_cut(Want(title_id), page.cut)
        held.add(page)
        yield from held.items()
        self.count_left_out(title_id, held)
        wanted = [group for group in page.groups if not self.args.roles or group.category in self.args.roles]
        got, total = sum(group.count for group in wanted), sum(group.total for group in wanted)
        self.logger.info("%s: %d of %d credits", title_id, got, total)
        short = [f"{group.category} {group.count} of {group.total}" for group in wanted if group.count < group.total]
        if short:
            listed = ", ".join(short)
            self.note_short(
                Want(title_id), got, f"{got} of {total} credits came: {listed}; only GraphQL serves the rest"
            )
        elif page.promised is not None and page.count >= page.promised and not page.cut:
            self.note_credits(page, held)

    # Both

    def note_credits(self, page: CreditsPage, held: Ledger) -> None:
        """Note that a title's credits came to the last one, if all of them were wanted."""
        if self.args.roles:
            return
        if page.series_id is None:
            self.note_all("imdb", Credit.kind, "show_id", page.title_id, held.keys)
        else:
            self.note_all("imdb", EpisodeCredit.kind, "episode_id", page.title_id, held.keys)

    def count_left_out(self, title_id: str, held: Ledger) -> None:
        """Say how many credits were not wanted."""
        if held.left_out:
            self.crawler.stats.inc_value("roles/left_out", len(held.left_out))
            chosen = ",".join(self.args.roles)
            self.logger.info("%s: %d credits left out by roles=%s", title_id, len(held.left_out), chosen)
