"""`python -m bench`: the crawl, the store and the parsers, measured beside what they stand on."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import crawls, datasets, fleet, merging, parsing, report, store
from bench.crawls import Crawl
from bench.databases import Databases, databases
from bench.origin import Origin, origin
from bench.pages import LARGE, SMALL
from bench.store import Timing
from trr_crawl.errors import UserError

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

    def crawl(self, name: str, page_count: int, crawl: Callable[[crawls.Progress], Crawl]) -> Crawl:
        task = self.progress.add_task(name, total=page_count)
        result = crawl(lambda served: self.progress.update(task, completed=served))
        self.progress.remove_task(task)
        self.console.print(f"[dim]{name}: {result.pages_per_second:,.0f} pages/s[/]")
        return result

    def store(self, name: str, measure: Callable[[], tuple[Timing, Timing]]) -> tuple[Timing, Timing]:
        task = self.progress.add_task(name, total=None)
        result = measure()
        self.progress.remove_task(task)
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


def measure_fleet(console: Console, progress: Progress, made: Databases, extent: Extent) -> None:
    """What is due, leases, and nights by one node and two; printed as they come."""
    task = progress.add_task("what is due", total=None)
    url = made.fresh()
    fleet.fill(url, extent.due_shows, extent.due_records)
    decided = fleet.measure_due(url, extent.due_shows, extent.due_records)
    progress.update(task, description="leases")
    leased = fleet.measure_leases(url, extent.leases)
    nights = {}
    for name, cap in (("one pace for the fleet that binds", fleet.CAP), ("none that binds", 0.0)):
        for nodes in (1, 2):
            progress.update(task, description=f"a night, {name}, {nodes} node(s)")
            nights[name, nodes] = fleet.measure_night(made.fresh(), nodes, extent.night_shows, cap=cap)
    progress.remove_task(task)
    report.fleet(console, decided, leased, nights)


def main() -> None:
    """Measure, then print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="once instead of three times, fewer pages; under a minute")
    parser.add_argument("--only", choices=["fleet"], help="measure only this part")
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
            if options.only == "fleet":
                measure_fleet(console, progress, made, extent)
                return
            watched = Watched(console, progress)
            crawled = {
                size: measure_crawls(watched, made, size, page_count, extent.rounds)
                for size, page_count in extent.pages.items()
            }
            stored = measure_store(watched, made, extent.store_pages, extent.rounds)
            remembered = measure_memory(watched, made, extent.marks)
            task = progress.add_task("parsing", total=len(parsing.KINDS))
            read = parsing.readings(lambda name: progress.update(task, advance=1, description=f"parsing: {name}"))
            progress.remove_task(task)
            task = progress.add_task("datasets", total=None)
            filtered = datasets.measure(extent.dataset_rows)
            progress.remove_task(task)
            task = progress.add_task("two sources", total=None)
            merged = merging.measure(made.fresh(), extent.merged_episodes)
            progress.remove_task(task)
            measure_fleet(console, progress, made, extent)
        console.print()
        for size, measured in crawled.items():
            report.crawls(console, size, measured)
        report.store(console, stored)
        report.memory(console, SMALL, remembered)
        report.parsing(console, read)
        report.datasets(console, filtered)
        report.merging(console, merged)
        report.requests(console, **COMPLETE_SHOW)


if __name__ == "__main__":
    try:
        main()
    except (UserError, crawls.CrawlFailed) as error:
        raise SystemExit(f"python -m bench: {error}") from error
