"""`python -m bench`: every part of the project, measured beside what it stands on."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import (
    api,
    crawls,
    dashboard,
    datasets,
    fleet,
    live,
    merging,
    parsing,
    pictures,
    report,
    search,
    social,
    store,
    surveys,
)
from bench.crawls import Crawl
from bench.databases import Databases, databases
from bench.origin import Origin, origin
from bench.pages import LARGE, SMALL
from bench.store import Timing
from trr_crawl.errors import UserError

T = TypeVar("T")

BARE, WHOLE, AGAIN = "a  bare crawl", "b  whole job", "c  nothing changed"
FIRST, UNCHANGED = "first write", "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is measured."""

    rounds: int
    pages: dict[int, int]
    """Bytes a page -> pages a crawl, a multiple of pages.SEASONS."""
    store_pages: int
    """Pages whose records go into the store alone."""
    marks: tuple[int, ...]
    """Page counts at which memory is noted; the last ends the crawl."""
    dataset_rows: int
    """Rows of a generated title.principals."""
    merged_episodes: int
    """Episodes that two sources describe."""
    pictures: int
    """Pictures that are mirrored."""
    api_rounds: int
    """Of load on each endpoint of the API."""
    api_people: int
    """People in the catalog that the API serves."""
    searched: float
    """Part of a catalog as large as all of television that is searched."""
    social_seconds: int
    """Of load on each thing that people do."""
    posts: int
    """In the thread of which a page is read."""
    responses: int
    """Of a survey."""
    scores: int
    """On a leaderboard."""
    sockets: int
    """That hear what is told."""
    live_seconds: int
    """Of as much as they can take, and of a steady rate."""
    due_shows: int
    """Shows of the catalog in which it is decided what is due."""
    due_records: int
    """Records beside them."""
    leases: int
    """To be handed out to eight workers."""
    night_shows: int
    """Shows that one node and two crawl."""


FULL = Extent(
    rounds=3,
    pages={LARGE: 800, SMALL: 1000},
    store_pages=1000,
    marks=(1000, 2000, 3000, 4000, 5000),
    dataset_rows=2_000_000,
    merged_episodes=100_000,
    pictures=2000,
    api_rounds=5,
    api_people=120_000,
    searched=1.0,
    social_seconds=10,
    posts=1_000_000,
    responses=100_000,
    scores=1_000_000,
    sockets=1000,
    live_seconds=5,
    due_shows=100_000,
    due_records=5_000_000,
    leases=10_000,
    night_shows=200,
)
QUICK = Extent(
    rounds=1,
    pages={LARGE: 500, SMALL: 500},
    store_pages=500,
    marks=(500, 1000, 1500),
    dataset_rows=300_000,
    merged_episodes=10_000,
    pictures=400,
    api_rounds=1,
    api_people=5_000,
    searched=0.01,
    social_seconds=2,
    posts=50_000,
    responses=5_000,
    scores=50_000,
    sockets=1000,
    live_seconds=3,
    due_shows=10_000,
    due_records=100_000,
    leases=1_000,
    night_shows=30,
)

COMPLETE_SHOW: Final = {"seasons": 5, "episodes": 60, "cast": 300, "images": 500}
"""The show whose requests are counted."""


class Watched:
    """Shows how far each measurement is, and each result as it comes."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self.console = console
        self.progress = progress

    def step(self, name: str, measure: Callable[[], T]) -> T:
        """A measurement that does not say how far it is."""
        task = self.progress.add_task(name, total=None)
        result = measure()
        self.progress.remove_task(task)
        return result

    def crawl(self, name: str, page_count: int, crawl: Callable[[crawls.Progress], Crawl]) -> Crawl:
        task = self.progress.add_task(name, total=page_count)
        result = crawl(lambda served: self.progress.update(task, completed=served))
        self.progress.remove_task(task)
        self.console.print(f"[dim]{name}: {result.pages_per_second:,.0f} pages/s[/]")
        return result

    def store(self, name: str, measure: Callable[[], tuple[Timing, Timing]]) -> tuple[Timing, Timing]:
        result = self.step(name, measure)
        rates = ", ".join(f"{timing.records / timing.store:,.0f}" for timing in result)
        self.console.print(f"[dim]{name}: {rates} records/s[/]")
        return result


def measure_crawls(
    watched: Watched, made: Databases, size: int, page_count: int, rounds: int
) -> dict[str, list[Crawl]]:
    """The three crawls in turns, so that a slow minute of the machine hits all of them."""
    measured: dict[str, list[Crawl]] = {BARE: [], WHOLE: [], AGAIN: []}
    with origin(size) as source:
        for number in range(1, rounds + 1):
            url = made.fresh()
            for name, crawl in (
                (BARE, partial(crawls.bare, source, page_count)),
                (WHOLE, partial(_whole, source, page_count, url, "inserted")),
                (AGAIN, partial(_whole, source, page_count, url, "unchanged")),
            ):
                label = f"{size // 1000} KB, round {number}, {name}"
                measured[name].append(watched.crawl(label, page_count, crawl))
    return measured


def _whole(source: Origin, page_count: int, url: str, expected: str, progress: crawls.Progress) -> Crawl:
    crawl, stored = crawls.whole(source, page_count, url, progress)
    if max(stored, key=stored.__getitem__) != expected:
        raise crawls.CrawlFailed(f"the store was to find records {expected}, it counted {stored}")
    return crawl


def measure_store(watched: Watched, made: Databases, page_count: int, rounds: int) -> dict[str, list[Timing]]:
    """The store alone, in a new catalog each round."""
    given = store.records(page_count)
    measured: dict[str, list[Timing]] = {FIRST: [], UNCHANGED: []}
    for number in range(1, rounds + 1):
        first, unchanged = watched.store(f"store, round {number}", partial(store.measure, made.fresh(), given))
        measured[FIRST].append(first)
        measured[UNCHANGED].append(unchanged)
    return measured


def measure_memory(watched: Watched, made: Databases, marks: tuple[int, ...]) -> Crawl:
    """One long crawl."""
    with origin(SMALL) as source:
        return watched.crawl(
            "memory", marks[-1], lambda progress: crawls.whole(source, marks[-1], made.fresh(), progress, marks)[0]
        )


@dataclass(frozen=True, slots=True)
class Bench:
    """What the parts measure with."""

    console: Console
    watched: Watched
    made: Databases
    extent: Extent

    def crawls(self) -> None:
        """The whole job beside a bare crawl."""
        for size, page_count in self.extent.pages.items():
            report.crawls(
                self.console, size, measure_crawls(self.watched, self.made, size, page_count, self.extent.rounds)
            )

    def store(self) -> None:
        """The store beside a COPY."""
        stored = measure_store(self.watched, self.made, self.extent.store_pages, self.extent.rounds)
        report.store(self.console, stored)

    def memory(self) -> None:
        """How memory grows over one long crawl."""
        report.memory(self.console, SMALL, measure_memory(self.watched, self.made, self.extent.marks))

    def parsing(self) -> None:
        """Parsers beside a bare reading and other libraries."""
        progress = self.watched.progress
        task = progress.add_task("parsing", total=len(parsing.KINDS))
        read = parsing.readings(lambda name: progress.update(task, advance=1, description=f"parsing: {name}"))
        progress.remove_task(task)
        report.parsing(self.console, read)

    def datasets(self) -> None:
        """The datasets' filter and store beside gzip and split, and COPY."""
        measure = partial(datasets.measure, self.made.fresh(), self.extent.dataset_rows)
        report.datasets(self.console, self.watched.step("datasets", measure))

    def merging(self) -> None:
        """Two sources joined, and derived again."""
        measure = partial(merging.measure, self.made.fresh(), self.extent.merged_episodes)
        report.merging(self.console, self.watched.step("two sources", measure))

    def pictures(self) -> None:
        """Pictures into S3 beside bare downloads and uploads; memory is noted at every quarter."""
        progress, count = self.watched.progress, self.extent.pictures
        task = progress.add_task("pictures", total=count)
        marks = tuple(count * quarter // 4 for quarter in (1, 2, 3, 4))
        served = partial(progress.update, task)
        timing = pictures.measure(self.made.fresh(), count, lambda done: served(completed=done), marks)
        progress.remove_task(task)
        report.pictures(self.console, timing)

    def api(self) -> None:
        """The API beside bare routes."""
        measure = partial(api.measure, self.made.fresh(), rounds=self.extent.api_rounds, people=self.extent.api_people)
        report.api(self.console, self.watched.step("API under load", measure))

    def search(self) -> None:
        """Search in a catalog as large as all of television."""
        progress = self.watched.progress
        task = progress.add_task("search", total=None)
        said = partial(progress.update, task)
        searched = search.measure(
            self.made.fresh(), self.extent.searched, lambda step: said(description=f"search: {step}")
        )
        progress.remove_task(task)
        report.search(self.console, searched)

    def social(self) -> None:
        """Discussions and messages under load, in a catalog of their own."""
        measure = partial(
            social.measure, self.made.fresh(), seconds=self.extent.social_seconds, posts=self.extent.posts
        )
        report.social(self.console, self.watched.step("discussions and messages under load", measure))

    def surveys(self) -> None:
        """Surveys under load, and leaderboards, in a catalog of their own."""
        progress, extent = self.watched.progress, self.extent
        task = progress.add_task("surveys", total=None)
        measured = surveys.measure(
            self.made.fresh(),
            seconds=extent.social_seconds,
            responses=extent.responses,
            scores=extent.scores,
            said=lambda step: progress.update(task, description=f"surveys: {step}"),
        )
        progress.remove_task(task)
        report.surveys(self.console, measured)

    def live(self) -> None:
        """Live events to many sockets, beside bare ones."""
        measure = partial(
            live.measure,
            self.made.fresh(),
            sockets=self.extent.sockets,
            seconds=self.extent.live_seconds,
            rounds=self.extent.rounds,
        )
        report.live(self.console, self.watched.step("live events", measure))

    def fleet(self) -> None:
        """What is due, leases, and nights by one node and two."""
        url = self.made.fresh()
        shows, records = self.extent.due_shows, self.extent.due_records
        self.watched.step("a catalog to decide about", partial(fleet.fill, url, shows, records))
        decided = self.watched.step("what is due", partial(fleet.measure_due, url, shows, records))
        leased = self.watched.step("leases", partial(fleet.measure_leases, url, self.extent.leases))
        nights = {}
        for name, cap in (("one pace for the fleet that binds", fleet.CAP), ("none that binds", 0.0)):
            for nodes in (1, 2):
                night = partial(fleet.measure_night, self.made.fresh(), nodes, self.extent.night_shows, cap=cap)
                nights[name, nodes] = self.watched.step(f"a night, {name}, {nodes} node(s)", night)
        report.fleet(self.console, decided, leased, nights)

    def dashboard(self) -> None:
        """The overview of crawls, with many runs."""
        progress = self.watched.progress
        task = progress.add_task("dashboard", total=None)
        seen = dashboard.measure(
            self.made.fresh(),
            self.extent.due_shows,
            lambda step: progress.update(task, description=f"dashboard: {step}"),
        )
        progress.remove_task(task)
        report.dashboard(self.console, seen)

    def requests(self) -> None:
        """How many requests a complete show takes; counted, not timed."""
        report.requests(self.console, **COMPLETE_SHOW)
        report.tmdb_requests(self.console, seasons=COMPLETE_SHOW["seasons"], cast=COMPLETE_SHOW["cast"])


PARTS: Final[Mapping[str, Callable[[Bench], None]]] = {
    part.__name__: part
    for part in (
        Bench.crawls,
        Bench.store,
        Bench.memory,
        Bench.parsing,
        Bench.datasets,
        Bench.merging,
        Bench.pictures,
        Bench.api,
        Bench.search,
        Bench.social,
        Bench.surveys,
        Bench.live,
        Bench.fleet,
        Bench.dashboard,
        Bench.requests,
    )
}
"""In the order in which they are measured."""


def main() -> None:
    """Measure part by part, and print each one's table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="once instead of three times, and less of everything")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument(
        "--database",
        metavar="URL",
        help="a PostgreSQL server to measure on: new databases are made next to this one, and dropped at the end; "
        "the embedded server without it",
    )
    options = parser.parse_args()
    extent = QUICK if options.quick else FULL
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with databases(options.database) as made:
        report.machine(console, made.facts(), extent.rounds)
        with Progress(*columns, console=console, transient=True) as progress:
            bench = Bench(console, Watched(console, progress), made, extent)
            for name in options.only:
                PARTS[name](bench)


if __name__ == "__main__":
    try:
        main()
    except (UserError, crawls.CrawlFailed, api.CannotMeasure) as error:
        raise SystemExit(f"python -m bench: {error}") from error
