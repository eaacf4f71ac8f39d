"""What the spiders for IMDb share: the two ways to ask, and how a run knows that it got all of something."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

from scrapy.http import JsonRequest, Request

from trr_crawl.arguments import ArgumentError
from trr_crawl.blocks import Expects, Outcome
from trr_crawl.items import Item
from trr_crawl.parse.imdb.categories import TRADES
from trr_crawl.spiders.base import CatalogSpider, Want

if TYPE_CHECKING:
    from twisted.python.failure import Failure


def roles(text: str) -> tuple[str, ...]:
    """Categories of credits: `cast,director` gives ("cast", "director")."""
    chosen = tuple(dict.fromkeys(entry for part in text.split(",") if (entry := part.strip().lower())))
    unknown = [entry for entry in chosen if entry not in TRADES]
    if unknown or not chosen:
        raise ArgumentError(f"{(unknown or [text])[0]!r} is no role; roles are {', '.join(sorted(TRADES))}.")
    return chosen


class Progress(enum.Enum):
    """How far something that is told in parts has come."""

    MORE = "more"
    """There is a next part."""
    ALL = "all"
    """It came to its last piece."""
    PART = "part"
    """This was its end, and something may be missing."""


@dataclass(slots=True)
class Came:
    """What came so far of something that is told in parts."""

    count: int = 0
    """How many of its things, as IMDb counts them."""
    total: int | None = None
    """How many there are, by the word of the latest part."""
    is_new: bool = False
    """Whether the latest part had anything that did not come before."""
    is_sure: bool = True
    """Whether nothing speaks against that all came: nothing came twice, all parts told one total, none was cut."""
    marks: set[Any] = field(default_factory=set)
    """What tells its things from each other."""

    def __str__(self) -> str:
        """For a gap: "3 of 7"."""
        return f"{self.count} of {'an unknown number' if self.total is None else self.total}"

    def add(self, marks: set[Any], total: int | None, count: int | None = None) -> bool:
        """Take a part; returns whether it is new. `count` is how many things it holds, if not as many as new marks."""
        new = marks - self.marks
        self.is_sure &= len(new) == len(marks) and (not self.marks or total == self.total)
        self.is_new = bool(new)
        self.marks |= new
        self.total = total
        self.count += len(new) if count is None else count * self.is_new
        return self.is_new


class Held(Protocol):
    """What is yielded when all parts have come."""

    def items(self) -> Iterator[Item]: ...


class ImdbSpider(CatalogSpider):
    """Base of the spiders for IMDb. They ask by GraphQL or for pages, as IMDB_TRANSPORT says."""

    @property
    def by_graphql(self) -> bool:
        """Whether IMDB_TRANSPORT says GraphQL."""
        return str(self.settings["IMDB_TRANSPORT"]) == "graphql"

    @property
    def caller(self) -> dict[str, str]:
        """From where, and in which language, we ask by GraphQL: answers do not tell it."""
        return {"country": self.settings["IMDB_COUNTRY"], "language": self.settings["IMDB_LANGUAGE"]}

    def ask_graphql(self, data: object, callback: Callable[..., Any], want: Want, **cb_kwargs: Any) -> Request:
        """A GraphQL request."""
        request = JsonRequest(
            self.settings["IMDB_GRAPHQL_URL"],
            data=data,
            headers=self.settings.getdict("IMDB_GRAPHQL_HEADERS"),
            callback=callback,
            cb_kwargs=cb_kwargs,
            meta={"expects": Expects.GRAPHQL, "handle_httpstatus_list": [400]},
            # Cursors tell such requests apart, and repeats are caught by what they bring.
            dont_filter=True,
        )
        return self.ask(request, want)

    def ask_page(
        self,
        path: str,
        callback: Callable[..., Any],
        want: Want,
        query: Mapping[str, object] | None = None,
        *,
        expects: Expects = Expects.NEXT_DATA,
        **cb_kwargs: Any,
    ) -> Request:
        """A request for a page of www.imdb.com."""
        request = Request(
            f"{self.settings['IMDB_WEB_URL']}/{path}" + (f"?{urlencode(query)}" if query else ""),
            callback=callback,
            cb_kwargs=cb_kwargs,
            meta={
                "expects": expects,
                "playwright": self.settings["IMDB_TRANSPORT"] == "browser",
                # All data is in the page as it arrives; what scripts add later is none.
                "playwright_page_goto_kwargs": {"wait_until": "domcontentloaded"},
            },
        )
        return self.ask(request, want)

    def held_back(self, failure: Failure) -> Iterator[Item]:
        """Errback of the requests for later parts: what came before, their `held`, is kept."""
        self.note_failure(failure)
        held: Held = failure.request.cb_kwargs["held"]  # type: ignore[attr-defined]
        yield from held.items()

    def progress(self, want: Want, came: Came, cursor: str | None, after: str | None, unit: str = "") -> Progress:
        """How far a list has come whose latest part, asked for by the cursor `after`, names the next cursor.

        A cursor that repeats, or stands behind nothing new or behind all, is a gap.
        """
        if cursor is None:
            is_all = self.check_count(want, came.count, came.total, unit)
            return Progress.ALL if is_all and came.is_sure else Progress.PART
        if cursor == after or not came.is_new or came.count >= (came.total or 0):
            self.note_gap(want, f"the cursor {cursor} leads nowhere after {came}")
            return Progress.PART
        return Progress.MORE

    def check_count(self, want: Want, got: int, total: int | None, unit: str = "", cursor: str | None = None) -> bool:
        """Whether all came that IMDb promises; less is a gap. `cursor` is where the rest of a page's list starts.

        A list that IMDb itself says to be empty is an answer.
        """
        self.report.answers += total == 0
        if total is None:
            self.note_gap(want, f"{got} came, and the page does not say of how many")
        elif got < total:
            more = f", the next part starts at cursor {cursor} and only GraphQL serves it" if cursor else ""
            self.note_short(want, got, f"{got} of {total} {unit}{' ' if unit else ''}came{more}")
        return total is not None and got >= total

    def note_cut(self, want: Want, cut: Sequence[str]) -> None:
        """Note what IMDb itself says that it told in part, and tells no more of."""
        if cut:
            listed = ", ".join(cut[:5]) + (", …" if len(cut) > 5 else "")
            self.note_gap(want, f"told in part: {listed}")

    def note_short(self, want: Want, got: int, why: str) -> None:
        """Note that less came than IMDb promises; where it is nothing at all, its answer is `empty`."""
        if got == 0:
            self.crawler.stats.inc_value(f"outcome/{Outcome.EMPTY}")
        self.note_gap(want, why)
