"""`scrapy crawl imdb_credits -a show=tt…`: the full cast and crew of one or many titles, and of their episodes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from scrapy.http import JsonRequest, Request, Response

from trr_crawl.arguments import ArgumentError, flag, title_ids
from trr_crawl.blocks import Expects, Outcome
from trr_crawl.items import Item
from trr_crawl.parse.imdb.categories import CAST, TRADES
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
from trr_crawl.spiders.base import READERS, Arguments, CatalogSpider, Want


def roles(text: str) -> tuple[str, ...]:
    """Categories of credits: `cast,director` gives ("cast", "director")."""
    chosen = tuple(dict.fromkeys(entry for part in text.split(",") if (entry := part.strip().lower())))
    unknown = [entry for entry in chosen if entry not in TRADES]
    if unknown or not chosen:
        raise ArgumentError(f"{(unknown or [text])[0]!r} is no role; roles are {', '.join(sorted(TRADES))}.")
    return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsArguments(Arguments):
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
        if not self.shows:
            raise ArgumentError("Say whose credits to crawl: -a show=tt… or -a shows=@file.")
        if self.episodes and self.roles and CAST.slug not in self.roles:
            raise ArgumentError("-a episodes=true gets those who appear in episodes: -a roles must name cast then.")


class ImdbCreditsSpider(CatalogSpider):
    """Asks by GraphQL (250 credits, or 50 episodes, an answer) or for a page, as IMDB_TRANSPORT says.

    A page holds only the first of the longer lists, and tells of no episodes: both are gaps.
    """

    name = "imdb_credits"
    arguments_class = CreditsArguments
    readers = {
        **READERS,
        "show": title_ids,
        "shows": title_ids,
        "roles": roles,
        "episodes": flag,
        "reference": flag,
    }
    args: CreditsArguments

    async def start(self) -> AsyncIterator[Request]:
        """One request a title, and one for its episodes; what they answer decides about more."""
        by_graphql = self.settings["IMDB_TRANSPORT"] == "graphql"
        for show_id in dict.fromkeys(self.args.shows):
            if not by_graphql:
                yield self.page_request(show_id)
                if self.args.episodes:
                    self.note_gap(Want(show_id, "episodes"), "only GraphQL tells who appears in which of them")
                continue
            yield self.credits_request(Want(show_id), show_id, Ledger(self.args.roles))
            if self.args.episodes:
                yield self.episodes_request(show_id)

    # By GraphQL

    def credits_request(
        self, want: Want, title_id: str, ledger: Ledger, *, after: str | None = None, got: int = 0
    ) -> Request:
        """A title's credits from a cursor on; `got` counts those of earlier answers.

        Of an episode that a show's answer did not tell to the end, only those who appear in it.
        """
        of_episode = title_id != want.subject
        return self.graphql_request(
            want,
            query(title_id, after=after, categories=APPEARANCES if of_episode else ()),
            self.parse_credits,
            title_id=title_id,
            ledger=ledger,
            after=after,
            got=got,
        )

    def episodes_request(self, show_id: str, *, after: str | None = None, got: int = 0) -> Request:
        """Who appears in a show's episodes, from a cursor on; `got` counts the episodes of earlier answers."""
        return self.graphql_request(
            Want(show_id, "episodes"),
            episodes_query(show_id, after=after),
            self.parse_episodes,
            after=after,
            got=got,
        )

    def graphql_request(self, want: Want, data: object, callback: object, **kwargs: object) -> Request:
        request = JsonRequest(
            self.settings["IMDB_GRAPHQL_URL"],
            data=data,
            headers=self.settings.getdict("IMDB_GRAPHQL_HEADERS"),
            callback=callback,
            cb_kwargs={"want": want, **kwargs},
            meta={"expects": Expects.GRAPHQL, "handle_httpstatus_list": [400]},
            # A cursor tells the requests of a title apart, and repeats are caught by their cursors.
            dont_filter=True,
        )
        return self.ask(request, want)

    def parse_credits(
        self, response: Response, want: Want, title_id: str, ledger: Ledger, after: str | None, got: int
    ) -> Iterator[Item | Request]:
        page = parse_answer(response.body, title_id)
        yield from self.take(page, ledger)
        got += page.count
        self.logger.info("%s: %d of %d credits", title_id, got, page.total)
        if page.next_cursor is None:
            self.count_left_out(title_id, ledger)
            self.check_count(want, got, page.total, "credits")
        elif self.leads_on(want, page.next_cursor, after, page.count, got, page.total):
            yield self.credits_request(want, title_id, ledger, after=page.next_cursor, got=got)

    def parse_episodes(self, response: Response, want: Want, after: str | None, got: int) -> Iterator[Item | Request]:
        page = parse_episodes_answer(response.body, want.subject)
        for episode in page.episodes:
            part = Want(want.subject, f"episode {episode.title_id}")
            ledger = Ledger(self.args.roles)
            yield from self.take(episode, ledger)
            if episode.next_cursor is None:
                self.check_count(part, episode.count, episode.total, "credits")
            elif self.leads_on(part, episode.next_cursor, None, episode.count, episode.count, episode.total):
                yield self.credits_request(part, episode.title_id, ledger, after=episode.next_cursor, got=episode.count)
        got += page.count
        self.logger.info("%s: the cast of %d of %d episodes", want.subject, got, page.total)
        if page.next_cursor is None:
            self.check_count(want, got, page.total, "episodes")
        elif self.leads_on(want, page.next_cursor, after, page.count, got, page.total):
            yield self.episodes_request(want.subject, after=page.next_cursor, got=got)

    def leads_on(self, want: Want, cursor: str, after: str | None, here: int, got: int, total: int) -> bool:
        """Whether there is more behind a cursor; one that repeats, or stands behind nothing or all, is a gap."""
        if cursor == after or here == 0 or got >= total:
            self.note_gap(want, f"the cursor {cursor} leads nowhere after {got} of {total}")
            return False
        return True

    # By pages

    def page_request(self, title_id: str) -> Request:
        kind = "reference" if self.args.reference else "fullcredits"
        request = Request(
            f"{self.settings['IMDB_WEB_URL']}/title/{title_id}/{kind}/",
            callback=self.parse_page,
            cb_kwargs={"title_id": title_id},
            meta={
                "expects": Expects.NEXT_DATA,
                "playwright": self.settings["IMDB_TRANSPORT"] == "browser",
                # All data is in the page as it arrives; what scripts add later is none.
                "playwright_page_goto_kwargs": {"wait_until": "domcontentloaded"},
            },
        )
        return self.ask(request, Want(title_id))

    def parse_page(self, response: Response, title_id: str) -> Iterator[Item]:
        page = parse_page(response.body, title_id)
        ledger = Ledger(self.args.roles)
        yield from self.take(page, ledger)
        self.count_left_out(title_id, ledger)
        wanted = [group for group in page.groups if not self.args.roles or group.category in self.args.roles]
        got, total = sum(group.count for group in wanted), sum(group.total for group in wanted)
        self.logger.info("%s: %d of %d credits", title_id, got, total)
        short = [f"{group.category} {group.count} of {group.total}" for group in wanted if group.count < group.total]
        if short:
            self.count_empty(got)
            self.note_gap(
                Want(title_id),
                f"{got} of {total} credits came: {', '.join(short)}; only GraphQL serves the rest",
            )

    # Both

    def take(self, page: CreditsPage, ledger: Ledger) -> Iterator[Item]:
        """The items of a page, and what it says that nobody reads yet."""
        self.note_drift(page.drift)
        yield from ledger.add(page)

    def count_left_out(self, title_id: str, ledger: Ledger) -> None:
        """Say how many credits were not wanted."""
        if ledger.left_out:
            self.crawler.stats.inc_value("roles/left_out", len(ledger.left_out))
            chosen = ",".join(self.args.roles)
            self.logger.info("%s: %d credits left out by roles=%s", title_id, len(ledger.left_out), chosen)

    def check_count(self, want: Want, got: int, total: int, what: str) -> None:
        """Fewer than the source's own total is a gap; none at all although it promises some is `empty`."""
        if got < total:
            self.count_empty(got)
            self.note_gap(want, f"{got} of {total} {what} came")

    def count_empty(self, got: int) -> None:
        if got == 0:
            self.crawler.stats.inc_value(f"outcome/{Outcome.EMPTY}")
