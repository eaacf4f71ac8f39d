"""What all spiders share: arguments that are checked at once, and an honest account of what could not be got."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, KeysView, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from itemadapter import ItemAdapter
from itemadapter.adapter import DataclassAdapter
from scrapy import Spider, signals
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response

from trr_crawl import arguments
from trr_crawl.arguments import ArgumentError
from trr_crawl.blocks import Outcome
from trr_crawl.catalog import due
from trr_crawl.clock import Clock
from trr_crawl.items import Inventory, Item, payload
from trr_crawl.parse.errors import PageError
from trr_crawl.report import Gap, RunReport
from trr_crawl.subjects import Subjects

if TYPE_CHECKING:
    from uuid import UUID

    from scrapy.crawler import Crawler
    from twisted.python.failure import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The arguments that every spider takes."""

    dry_run: bool = False
    """Fetch and parse, but write nowhere: no database, no archive, no pictures."""


POLL_SECONDS: Final = 0.1
"""So often a run that has enough to do looks whether it has less."""

DATABASE_AWAY: Final = (1.0, 2.0, 4.0)
"""Seconds to wait before each new try, when the database goes away."""

READERS: Mapping[str, Callable[[str], Any]] = {"dry_run": arguments.flag}
"""How the text of each argument is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueArguments(Arguments):
    """The arguments of spiders that can crawl what is due."""

    due: bool = False
    """Crawl what the catalog says is due, as other runs leave it."""
    limit: int | None = None
    """So many of them at most."""
    force: bool = False
    """Whatever its age."""
    since: datetime | None = None
    """Also what was not crawled well since then."""
    resume: bool = False
    """Only what earlier runs began and did not get."""

    def check_due(self, given: Iterable[object], sentence: str) -> None:
        """ArgumentError unless something was given or what is due is wanted; `sentence` asks for it."""
        if not (self.due or any(given)):
            raise ArgumentError(sentence)
        if not self.due and (self.force or self.since or self.resume or self.limit is not None):
            raise ArgumentError("force, since, resume and limit choose among what is due: give due=true with them.")
        if self.force and self.resume:
            raise ArgumentError("force takes everything, resume only what was left: give one of them.")
        if self.limit == 0:
            raise ArgumentError("limit=0 leaves nothing to crawl: give a number from 1.")


DUE_READERS: Mapping[str, Callable[[str], Any]] = {
    **READERS,
    "due": arguments.flag,
    "limit": arguments.number,
    "force": arguments.flag,
    "since": arguments.moment,
    "resume": arguments.flag,
}


@dataclass(frozen=True, slots=True)
class Want:
    """What a request is to get: the words of a gap, should it get nothing."""

    subject: str
    """The title's id."""
    part: str | None = None
    """"season 3"; None for all of it."""


class StatedFields(DataclassAdapter):
    """Shows Scrapy's exporters (`-o items.json`) the fields that an item states, and no UNSET."""

    @classmethod
    def is_item(cls, item: Any) -> bool:
        return isinstance(item, Item)

    def get_field_meta(self, _field_name: str) -> MappingProxyType[str, Any]:
        return MappingProxyType({})

    def field_names(self) -> KeysView[str]:
        return {"kind": None, "source": None, **payload(self.item)}.keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.field_names())

    def __len__(self) -> int:
        return len(self.field_names())

    def __getitem__(self, field_name: str) -> Any:
        return getattr(self.item, field_name)


ItemAdapter.ADAPTER_CLASSES = (StatedFields, *ItemAdapter.ADAPTER_CLASSES)


class CatalogSpider(Spider):
    """Base of this project's spiders.

    A subclass names its `arguments_class` and the `readers` of its fields. Its requests are made by `ask`, so that
    each of them that fails, and each page that a parser cannot use, becomes a gap in `report`.
    """

    state_name: ClassVar[str] = ""
    """The spider in `catalog.due.POLICIES` as which its crawls count; its own name if empty."""
    arguments_class: ClassVar[type[Arguments]] = Arguments
    readers: ClassVar[Mapping[str, Callable[[str], Any]]] = READERS

    def __init__(self, **given: str) -> None:
        super().__init__()
        self.given_arguments = {name: value for name, value in given.items() if not name.startswith("_")}
        self.args = self.read_arguments(self.given_arguments)
        self.dry_run = self.args.dry_run
        self.report = RunReport()
        self.job_id = given.get("_job")
        self.run_id: UUID | None = None
        """Of its row in `crawl_runs`."""
        self.ordered_at: datetime | None = None
        """The time of its schedule for which it runs; None for a run that no schedule made."""
        self.is_used_up = False
        """Whether REQUEST_BUDGET lets no more requests out."""
        self.clock = Clock()
        self.subjects = Subjects(lambda: self.clock.now())

    @classmethod
    def from_crawler(cls, crawler: Crawler, *_: Any, **kwargs: Any) -> Self:
        spider = cls(**kwargs)
        spider._set_crawler(crawler)
        spider.clock = Clock.starting(crawler.settings.get("CLOCK", ""))
        crawler.signals.connect(spider.request_dropped, signals.request_dropped)
        return spider

    @property
    def counts_as(self) -> str | None:
        """The spider whose memory of what was crawled when this run's crawls go into; None if they are not whole."""
        return self._policy_name if self._policy_name in due.POLICIES else None

    @property
    def _policy_name(self) -> str:
        return self.state_name or self.name

    @classmethod
    def read_arguments(cls, given: Mapping[str, str]) -> Any:
        """The arguments as values; ArgumentError names the one that is wrong and says what would be right."""
        known = [field.name for field in fields(cls.arguments_class)]
        for name in given:
            if name not in cls.readers:
                raise ArgumentError(f"{cls.name} has no argument {name!r}; it takes {', '.join(sorted(cls.readers))}.")
        values: dict[str, Any] = {}
        for name, reader in cls.readers.items():
            if name not in given:
                continue
            try:
                value = reader(given[name])
            except ArgumentError as error:
                raise ArgumentError(f"-a {name}: {error}") from error
            target = name if name in known else f"{name}s"
            values[target] = (*values.get(target, ()), *value) if isinstance(value, tuple) else value
        return cls.arguments_class(**values)

    async def start(self) -> AsyncIterator[Request]:
        """The first requests."""
        raise NotImplementedError
        yield

    async def to_crawl(self, given: Sequence[str]) -> AsyncIterator[str]:
        """What was given, then what is due, if that is wanted: a few at a time, so that other runs find work too."""
        for subject in dict.fromkeys(given):
            self.subjects.begin(subject)
            yield subject
        args = self.args
        if not args.due:
            return
        # What was tried since then was done by this run, by one beside it, or by the one that died before it.
        now = self.clock.now()
        began_at = now if self.ordered_at is None else min(now, self.ordered_at)
        wish = due.Wish(force=args.force, since=args.since, resume=args.resume, untried_since=began_at)
        queue = None if self.run_id is None else due.Queue(self._policy_name, self.run_id, wish)
        left, taken = args.limit, 0
        # Once the source blocks us, or our requests are used up, the rest is left to a later run.
        while (left is None or left > 0) and not (self.report.blocked or self.is_used_up):
            size = max(1, self.settings.getint("DUE_BATCH"))
            try:
                batch = await self._patiently(self._next_due, queue, wish, size if left is None else min(size, left))
            except due.CatalogError as error:
                self.report.fail(f"The catalog cannot be read: {error}.")
                return
            if not batch:
                break
            taken += len(batch)
            left = None if left is None else left - len(batch)
            for subject in batch:
                self.subjects.begin(subject)
                yield subject
            if queue is None:  # a run without a row leases nothing: it has seen all there is
                break
            # Half of it must be worked through: what waits here, another run could do.
            while self.subjects.under_way > size // 2 and self._has_requests():  # noqa: ASYNC110 - it has many ends
                await asyncio.sleep(POLL_SECONDS)
        if not (taken or given):
            self.report.allow_nothing("nothing was due")

    async def _patiently(self, work: Callable[..., list[str]], *arguments: Any) -> list[str]:
        """Do it in a thread, again where the database is away for a moment only."""
        for delay in DATABASE_AWAY:
            try:
                return await asyncio.to_thread(work, *arguments)
            except due.CatalogError as error:
                self.logger.warning("The catalog cannot be read, next try in %g s: %s", delay, error)
                await asyncio.sleep(delay)
        return await asyncio.to_thread(work, *arguments)

    def _has_requests(self) -> bool:
        slot = self.crawler.engine._slot
        return slot is not None and bool(slot.inprogress or slot.scheduler.has_pending_requests())

    def _next_due(self, queue: due.Queue | None, wish: due.Wish, size: int) -> list[str]:
        with due.reading() as connection:
            if queue is None:
                found = due.decide(connection, self._policy_name, self.clock.now(), wish, limit=self.args.limit)
                return [one.subject for one in found]
            return queue.take(connection, self.clock.now(), limit=size)

    def request_dropped(self, request: Request) -> None:
        """A request that was sent before, or that nobody can send, gets no answer."""
        if (want := request.meta.get("want")) is not None:
            self.subjects.answered(want.subject)

    def ask(self, request: Request, want: Want) -> Request:
        """The request, with the account of what it is to get."""
        self.subjects.asked(want.subject)
        return request.replace(meta={**request.meta, "want": want}, errback=self.note_failure)

    def note_failure(self, failure: Failure) -> None:
        """Errback of every request: what it was to get is a gap."""
        request: Request = failure.request  # type: ignore[attr-defined]
        want: Want = request.meta["want"]
        over_budget = getattr(failure.value, "outcome", None) is Outcome.OVER_BUDGET
        self.is_used_up |= over_budget
        self.note_gap(
            want,
            why_not(failure.value),
            blocked=getattr(failure.value, "blocked", False),
            interrupted=over_budget or getattr(failure.value, "interrupted", False),
        )
        self.subjects.answered(want.subject)

    def note_gap(self, want: Want, why: str, *, blocked: bool = False, interrupted: bool = False) -> None:
        """Note and log that something could not be got: by a block, by the end of the run, or else by a failure."""
        self.report.add(Gap(subject=want.subject, part=want.part, why=why, blocked=blocked))
        words = f"{want.part}: {why}" if want.part else why
        self.subjects.fault(want.subject, words, "blocked" if blocked else "interrupted" if interrupted else "failed")
        self.logger.warning("Could not get %s: %s.", " ".join(filter(None, (want.subject, want.part))), why)

    def note_all(
        self,
        source: str,
        kind: str,
        parent_field: str,
        parent_id: str,
        keys: Iterable[str],
        *,
        stating: str | None = None,
        value: str | None = None,
    ) -> None:
        """Note that these are all things of a kind that a source has within a parent: others are gone from it.

        Only for what came to the last piece; see `Inventory` for the arguments.
        """
        self.report.inventories.append(
            Inventory(
                source=source,
                kind=kind,
                parent_field=parent_field,
                parent_id=parent_id,
                keys=frozenset(keys),
                stating=stating,
                value=value,
            )
        )

    def note_unusable(self, want: Want, error: PageError) -> None:
        """Note that an answer came and a parser cannot use it."""
        self.note_gap(want, str(error))

    def note_drift(self, paths: list[str]) -> None:
        """Count keys that no parser knows, and log each of them once a run."""
        for path in paths:
            name = f"drift/{path}"
            if not self.crawler.stats.get_value(name):
                self.logger.warning("The source says something new: nobody reads %s yet.", path)
            self.crawler.stats.inc_value(name)


class PageErrorMiddleware:
    """Spider middleware: a page that a parser cannot use is a gap with its reason, not a traceback."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def process_spider_exception(self, response: Response, exception: Exception) -> list[Any] | None:
        spider = self.crawler.spider
        if not isinstance(exception, PageError) or not isinstance(spider, CatalogSpider):
            return None
        self.crawler.stats.inc_value(f"parse/{type(exception).__name__}")
        spider.note_unusable(response.meta["want"], exception)
        return []


def why_not(error: BaseException | None) -> str:
    """An exception of the downloader as a clause for a gap."""
    if isinstance(error, IgnoreRequest):
        return str(error) or "refused before it was sent"
    detail = " ".join(str(error).split()) or "no details"
    return f"{type(error).__name__}: {detail}"
