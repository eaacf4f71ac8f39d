"""The results as tables: numbers with their units, ratios beside the goals."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import scrapy
from rich.console import Console
from rich.table import Table

from bench.api import CONNECTIONS, Load
from bench.api import Result as ApiResult
from bench.crawls import Crawl
from bench.dashboard import Seen
from bench.datasets import Timing as DatasetTiming
from bench.fleet import Due, Leases, Night
from bench.live import ROOMS, SLOW
from bench.live import Result as LiveResult
from bench.merging import Timing as MergeTiming
from bench.parsing import Reading
from bench.pictures import Timing as PictureTiming
from bench.search import Searched
from bench.social import Result as SocialResult
from bench.store import BATCH, Timing
from bench.surveys import Result as SurveysResult
from trr_crawl.parse.imdb import credits as credits_page
from trr_crawl.parse.imdb import episodes as episodes_page
from trr_crawl.parse.imdb import gallery
from trr_crawl.parse.tmdb import show as show_page

WHOLE_TO_BARE = 0.6
"""Goal: the whole job's pages/s beside those of the bare crawl."""
AGAIN_TO_WHOLE = 1.0
"""Goal: the pages/s of a crawl that finds nothing changed, beside those of the first."""
STORE_TO_COPY = 0.35
"""Goal: the store's rows/s beside those of a bare COPY of the rows it writes."""
FLAT = 1.1
"""Goal: memory at the last mark beside memory at the second; at the first, caches are still filling."""

OURS_TO_FLOOR = 2.0
"""Goal: a full title page read, items and all, beside a bare reading of its JSON."""
SOUP_TO_OURS = 30.0
"""Goal: BeautifulSoup beside us on full title pages."""

TWO_TO_ONE_CAPPED = 1.02
"""Goal: the requests a second that a host gets of two nodes beside those of one, where the fleet's pace binds."""
TWO_TO_ONE_FREE = 0.65
"""Goal: the time that two nodes take for a night beside that of one, where it does not."""
API_TO_BARE = 0.7
"""Goal: the API's requests/s beside those of a bare route that sends the same bytes."""
WRITING_TO_BARE = 0.5
"""Goal: what callers write, beside the bare statements in one transaction."""
LIVE_TO_BARE = 0.6
"""Goal: events that reach sockets, beside those of `websockets.broadcast`."""
SLOW_TO_NONE = 1.5
"""Goal: the 99th percentile of delays where some sockets do not read, beside that where all do."""
UNCHANGED_TO_WHOLE = 3.0
"""Goal: 304s a second beside 200s a second."""
SLOWEST_TO_USUAL = 4.0
"""Goal: the 99th percentile beside the median, at saturation."""
DEEP_TO_FIRST = 1.3
"""Goal: a page far down a list beside the first."""
SEARCH_MILLISECONDS = 100.0
DASHBOARD_TRIPS, DASHBOARD_KILOBYTES = 6, 150
"""Goal: the 95th percentile of a search."""

MEGABYTE = 1e6


def machine(console: Console, server: Mapping[str, str], rounds: int) -> None:
    """Where this was measured."""
    settings = ", ".join(f"{name} {value}" for name, value in server.items() if name != "server_version")
    console.print(
        f"{os.cpu_count()} cores ({platform.machine()}), load {os.getloadavg()[0]:.1f} at the start. "
        f"Python {platform.python_version()}, Scrapy {scrapy.__version__}, "
        f"PostgreSQL {server['server_version'].split()[0]} ({settings})."
    )
    console.print("The origin, the crawl and PostgreSQL share these cores: what one of them needs, the others lack.")
    console.print(f"Every number is the median of {rounds}; smallest and largest in brackets.\n")


def crawls(console: Console, size: int, measured: Mapping[str, Sequence[Crawl]]) -> None:
    """The bare crawl, the whole job, and the whole job again, on pages of a size in bytes."""
    some = next(iter(measured.values()))[0]
    table = Table(title=f"Crawl of {some.pages} pages of {size / 1000:.0f} KB", title_justify="left")
    for column in ("", "pages/s", "items/s", "CPU ms/page", "CPU busy", "peak MB"):
        table.add_column(column, justify="right" if column else "left")
    for name, runs in measured.items():
        table.add_row(
            name,
            _spread(runs, lambda run: run.pages_per_second),
            f"{median(run.items_per_second for run in runs):,.0f}",
            f"{median(run.cpu_seconds / run.pages for run in runs) * 1000:.2f}",
            f"{median(run.cpu_seconds / run.seconds for run in runs):.0%}",
            f"{max(run.memory.peak for run in runs) / MEGABYTE:.0f}",
        )
    console.print(table)
    bare, whole, again = (median(run.pages_per_second for run in runs) for runs in measured.values())
    _goal(console, "whole job / bare crawl", whole / bare, WHOLE_TO_BARE)
    _goal(console, "nothing changed / whole job", again / whole, AGAIN_TO_WHOLE)
    console.print()


def store(console: Console, measured: Mapping[str, Sequence[Timing]]) -> None:
    """The store alone. Page sizes do not matter to it."""
    some = next(iter(measured.values()))[0]
    table = Table(title=f"Store alone, {some.records:,} records in batches of {BATCH}", title_justify="left")
    for column in ("", "store records/s", "same rows by COPY", "input by COPY, no index"):
        table.add_column(column, justify="right" if column else "left")
    for name, runs in measured.items():
        table.add_row(
            f"{name} ({runs[0].rows:,} rows)",
            _spread(runs, lambda run: run.records / run.store),
            _spread(runs, lambda run: run.records / run.copy_rows),
            _spread(runs, lambda run: run.records / run.copy_input),
        )
    console.print(table)
    for name, runs in measured.items():
        store_seconds = median(run.store for run in runs)
        _goal(
            console, f"{name}: store / same rows", median(run.copy_rows for run in runs) / store_seconds, STORE_TO_COPY
        )
        console.print(f"  {name}: store / input: {median(run.copy_input for run in runs) / store_seconds:.2f}")
    console.print()


def memory(console: Console, size: int, run: Crawl) -> None:
    """The crawl's memory as pages go by."""
    table = Table(title=f"Memory over {run.pages} pages of {size / 1000:.0f} KB", title_justify="left")
    for mark in run.memory.at:
        table.add_column(f"{mark:,} pages", justify="right")
    table.add_column("peak", justify="right")
    table.add_row(*(f"{held / MEGABYTE:.0f} MB" for held in (*run.memory.at.values(), run.memory.peak)))
    console.print(table)
    held = list(run.memory.at.values())
    if len(held) > 1:
        _goal(console, "memory at the end / at the second mark", held[-1] / held[1], FLAT, at_most=True)


def parsing(console: Console, readings: Sequence[Reading]) -> None:
    """Parsers, the items built, beside a bare reading of the JSON in the page and beside others."""
    if not readings:
        console.print("Parsing: not measured, the recorded pages are not here.\n")
        return
    table = Table(title="Parsing recorded pages, items built (ms a page)", title_justify="left")
    for column in ("", "KB", "items", "ours", "MB/s", "floor: orjson", "BeautifulSoup", "imdbinfo"):
        table.add_column(column, justify="right" if column else "left")
    for reading in readings:
        table.add_row(
            reading.name,
            f"{reading.size / 1000:,.0f}",
            str(reading.items),
            f"{reading.ours * 1000:.2f}",
            f"{reading.size / reading.ours / MEGABYTE:,.0f}",
            *(_beside(seconds, reading.ours) for seconds in (reading.floor, reading.soup, reading.theirs)),
        )
    console.print(table)
    console.print("  [dim]x  ours. BeautifulSoup only finds the JSON and reads it, imdbinfo is handed it read.[/]")
    full = [reading for reading in readings if reading.is_full_title_page]
    if full:
        slowest = max(reading.ours / reading.floor for reading in full)
        _goal(console, "full title pages: ours / floor", slowest, OURS_TO_FLOOR, at_most=True)
        soup = [r.soup / r.ours for r in full if r.soup is not None]
        if soup:
            _goal(console, "full title pages: BeautifulSoup / ours", min(soup), SOUP_TO_OURS)
    console.print()


def _beside(seconds: float | str | None, ours: float) -> str:
    if isinstance(seconds, str):
        return f"[dim]{seconds}[/]"
    return "—" if seconds is None else f"{seconds * 1000:.2f} [dim]x {seconds / ours:.2g}[/]"


def datasets(console: Console, timing: DatasetTiming) -> None:
    """The official datasets, read, filtered and stored."""
    table = Table(title=f"Datasets, {timing.rows:,} rows, {timing.megabytes:,.0f} MB as text", title_justify="left")
    for column in (
        "filtered, rows/s",
        "filtered and stored, rows/s",
        "bare gzip and split, rows/s",
        "items/s",
        "bytes a chosen episode",
    ):
        table.add_column(column, justify="right")
    table.add_row(
        f"{timing.rows_per_second:,.0f}",
        f"{timing.stored_rows_per_second:,.0f}",
        f"{timing.bare_rows_per_second:,.0f}",
        f"{timing.items_per_second:,.0f}",
        f"{timing.bytes_a_title:,.0f}",
    )
    console.print(table)
    console.print(f"  filtered / bare: {timing.rows_per_second / timing.bare_rows_per_second:.2f}")
    console.print(f"  filtered and stored / bare: {timing.stored_rows_per_second / timing.bare_rows_per_second:.2f}")
    console.print(
        f"  {timing.kept:,} items kept: filtered and stored {timing.stored:.2f} s, "
        f"the rows that this left by COPY alone {timing.copied:.2f} s\n"
    )


def merging(console: Console, timing: MergeTiming) -> None:
    """Joining two sources, and deriving all of it again."""
    title = f"Two sources of {timing.episodes:,} episodes, three of {timing.people:,} people"
    table = Table(title=title, title_justify="left")
    for column in ("written and joined, records/s", "derived again, entities/s", "memory"):
        table.add_column(column, justify="right")
    table.add_row(
        f"{(2 * timing.episodes + 3 * timing.people) / timing.written:,.0f}",
        f"{(timing.episodes + timing.people) / timing.derived:,.0f}",
        f"+{timing.memory / MEGABYTE:.0f} MB",
    )
    console.print(table)
    whole, single = timing.statements
    console.print(f"  statements of a batch of {BATCH:,} new things and their ids: {whole}, of a single one: {single}")
    console.print()


def pictures(console: Console, timing: PictureTiming) -> None:
    """Pictures fetched and stored, and what is made of them."""
    size = timing.picture_bytes // 1000
    table = Table(title=f"{timing.pictures:,} pictures of {size} KB into S3", title_justify="left")
    for column in ("pictures/s", "downloads alone", "boto3 alone", "with nothing new", "memory at each quarter, MB"):
        table.add_column(column, justify="right")
    held = [f"{held / 1e6:,.0f}" for _, held in sorted(timing.memory.at.items())]
    table.add_row(
        *(
            f"{timing.pictures / seconds:,.0f}"
            for seconds in (timing.mirrored, timing.downloaded, timing.uploaded, timing.again)
        ),
        " ".join(held),
    )
    console.print(table)
    _goal(console, "mirrored / the slower of the two alone", timing.floor / timing.mirrored, 0.7)
    _goal(console, "nothing new / mirrored", timing.mirrored / timing.again, 10)
    _goal(console, "PUTs with nothing new", timing.again_puts, 0, at_most=True)
    at = sorted(timing.memory.at.items())
    _goal(console, "memory at the end / at the first quarter", at[-1][1] / at[0][1], 1.2, at_most=True)
    _goal(console, "variants and hashes / a bare Pillow loop", timing.resized / timing.looked_at, 0.7)
    console.print(f"  {1 / timing.looked_at:,.1f} pictures/s a worker, Pillow alone {1 / timing.resized:,.1f}\n")


def api(console: Console, result: ApiResult) -> None:
    """The API beside bare routes, its 304s beside its 200s, and far pages beside first ones."""
    table = Table(title=f"API under load: {CONNECTIONS} connections, one worker (requests/s, ms)", title_justify="left")
    for column in ("", "KB", "bare", "API", "p50", "p99", "304"):
        table.add_column(column, justify="right" if column else "left")
    for found in result.endpoints:
        table.add_row(
            found.name,
            f"{found.size / 1000:,.1f}",
            *(f"{load.requests_per_second:,.0f}" for load in (found.bare, found.whole)),
            *(f"{seconds * 1000:,.1f}" for seconds in (found.whole.p50, found.whole.p99)),
            f"{found.unchanged.requests_per_second:,.0f}",
        )
    console.print(table)
    for found in result.endpoints:
        whole = found.whole.requests_per_second
        _goal(console, f"{found.name}: API / bare", whole / found.bare.requests_per_second, API_TO_BARE)
        _goal(console, f"{found.name}: 304 / 200", found.unchanged.requests_per_second / whole, UNCHANGED_TO_WHOLE)
        slow = found.whole.p99 / found.whole.p50
        _goal(console, f"{found.name}: p99 / p50", slow, SLOWEST_TO_USUAL, at_most=True)
    first, deep = result.first_page.requests_per_second, result.deep_page.requests_per_second
    _goal(console, f"first page / page {result.depth:,} people down", first / deep, DEEP_TO_FIRST, at_most=True)
    console.print()


def search(console: Console, result: Searched) -> None:
    """How long each sort of search takes."""
    table = Table(
        title=f"Search over {result.shows:,} shows, {result.people:,} people, {result.episodes:,} episodes, made in "
        f"{result.filled:,.0f} s (ms, one request after the other)",
        title_justify="left",
    )
    for column in ("", "p50", "p95", "found", "for example"):
        table.add_column(column, justify="right" if column in {"p50", "p95", "found"} else "left")
    for answers in result.answers:
        found = f"{answers.found} of {answers.asked}"
        table.add_row(answers.sort, f"{answers.p50:,.1f}", f"{answers.p95:,.1f}", found, answers.example)
    console.print(table)
    for answers in result.answers:
        _goal(console, f"{answers.sort}: p95 in ms", answers.p95, SEARCH_MILLISECONDS, at_most=True)
    console.print()


def dashboard(console: Console, result: Seen) -> None:
    """The overview beside its statements, and coverage beside a scan."""
    table = Table(title=f"Crawls: the overview with {result.runs:,} runs", title_justify="left")
    for column in ("", "ms", "beside", "ms"):
        table.add_column(column, justify="right" if column == "ms" else "left")
    table.add_row("page", f"{result.page:,.1f}", "its statements alone", f"{result.statements:,.1f}")
    table.add_row(
        f"coverage of {result.records:,} shows", f"{result.coverage:,.2f}", "a scan of them", f"{result.scan:,.0f}"
    )
    console.print(table)
    _goal(console, "round trips for the page", result.trips, DASHBOARD_TRIPS, at_most=True)
    _goal(console, "KB of the page", result.bytes / 1000, DASHBOARD_KILOBYTES, at_most=True)
    console.print()


def social(console: Console, result: SocialResult) -> None:
    """Writing beside the bare statements, and what is read out of much."""
    table = Table(
        title=f"Discussions and messages under load: {CONNECTIONS} connections, one worker", title_justify="left"
    )
    for column in ("", "bare/s", "API/s", "p50 ms", "p99 ms"):
        table.add_column(column, justify="right" if column else "left")
    for name, (api, bare) in result.writing.items():
        table.add_row(name, f"{bare.requests_per_second:,.0f}", *_loaded(api))
    for name, page in result.pages.items():
        table.add_row(name, "", *_loaded(page))
    console.print(table)
    for name, (api, bare) in result.writing.items():
        _goal(console, f"{name}: API / bare", api.requests_per_second / bare.requests_per_second, WRITING_TO_BARE)
    console.print()


def surveys(console: Console, result: SurveysResult) -> None:
    """A survey with many responses beside one with none, and a leaderboard."""
    table = Table(title=f"Surveys under load: {CONNECTIONS} connections, one worker", title_justify="left")
    for column in ("", "bare/s", "API/s", "p50 ms", "p99 ms"):
        table.add_column(column, justify="right" if column else "left")
    names = {"Full": f"{result.responses:,} responses", "Empty": "no response before"}
    for title, name in names.items():
        bare = f"{result.bare.requests_per_second:,.0f}" if title == "Full" else ""
        table.add_row(f"submit, {name}", bare, *_loaded(result.submit[title]))
        table.add_row(f"results, {name}", "", *_loaded(result.results[title]))
    for name, found in result.boards.items():
        table.add_row(f"leaderboard of {result.scores:,}, {name}", "", *_loaded(found))
    console.print(table)
    full = result.submit["Full"].requests_per_second
    _goal(console, "submissions/s beside 500", full / 500, 1.0)
    _goal(console, "submit: API / bare", full / result.bare.requests_per_second, WRITING_TO_BARE)
    console.print(f"  [dim]results are counted in {result.made['Full'] * 1000:.1f} ms; {result.plan}[/]\n")


def live(console: Console, result: LiveResult) -> None:
    """Events to many sockets, beside bare ones."""
    title = f"Live events to {result.sockets:,} sockets in {ROOMS} rooms, {SLOW:.0%} of which do not read"
    table = Table(title=title, title_justify="left")
    for column in ("", "deliveries/s", "p50 ms", "p99 ms"):
        table.add_column(column, justify="right" if column else "left")
    for name, found in (("bare", result.bare), ("API", result.live), ("API, all read", result.live_alone)):
        milliseconds = (f"{seconds * 1000:,.1f}" for seconds in (found.p50, found.p99))
        table.add_row(name, f"{found.per_second:,.0f}", *milliseconds)
    console.print(table)
    _goal(console, "deliveries: API / bare", result.live.per_second / result.bare.per_second, LIVE_TO_BARE)
    slow = result.live.p99 / result.live_alone.p99
    _goal(console, "p99: some do not read / all do", slow, SLOW_TO_NONE, at_most=True)
    console.print()


def _loaded(load: Load) -> tuple[str, str, str]:
    return f"{load.requests_per_second:,.0f}", f"{load.p50 * 1000:,.1f}", f"{load.p99 * 1000:,.1f}"


def requests(console: Console, *, seasons: int, episodes: int, cast: int, images: int) -> None:
    """How many GraphQL requests a complete show takes, by the sizes of the pages that the spiders ask for."""
    needed = {
        "episodes": _pages(episodes, episodes_page.PAGE_SIZE),
        "credits": _pages(cast, credits_page.PAGE_SIZE),
        "who is in which episode": _pages(episodes, credits_page.EPISODES_PAGE_SIZE),
        "images": _pages(images, gallery.PAGE_SIZE),
    }
    table = Table(
        title=f"Requests for a show of {seasons} seasons, {episodes} episodes, {cast} cast, {images} images",
        title_justify="left",
    )
    for column in (*needed, "together"):
        table.add_column(column, justify="right")
    table.add_row(*map(str, needed.values()), str(sum(needed.values())))
    console.print(table)
    # One page a season, one request a person and season, one page of the gallery for every 48 pictures.
    reference = 1 + seasons + 1 + cast * seasons + _pages(images, 48)
    console.print(f"  [dim]one page a season and one request for each of the cast and season: {reference:,}[/]\n")


def fleet(console: Console, decided: Due, leased: Leases, nights: Mapping[tuple[str, int], Night]) -> None:
    """What is due, who gets it, and nights by one node and two."""
    title = f"What is due of {decided.shows:,} shows, {decided.records:,} records beside them"
    table = Table(title=title, title_justify="left")
    for column in ("due", "all of it, ms", "the first batch, ms", "count by the index, ms"):
        table.add_column(column, justify="right")
    milliseconds = (f"{seconds * 1000:,.0f}" for seconds in (decided.whole, decided.batch, decided.scan))
    table.add_row(f"{decided.due:,}", *milliseconds)
    console.print(table)
    console.print(f"  first batch / count by the index: {decided.batch / decided.scan:.0f}")
    rate = leased.count / leased.seconds
    console.print(f"  {leased.count:,} leases to 8 workers: {rate:,.0f} a second, {leased.twice} handed out twice\n")
    table = Table(title="A night's crawl", title_justify="left")
    for column in ("", "nodes", "shows", "seconds", "requests/s", "shares"):
        table.add_column(column, justify="right" if column else "left")
    for (name, nodes), night in nights.items():
        shares = " + ".join(map(str, night.shares))
        table.add_row(name, str(nodes), str(night.shows), f"{night.seconds:.1f}", f"{night.rate:.2f}", shares)
    console.print(table)
    (capped_one, capped_two), (free_one, free_two) = _in_pairs(list(nights.values()))
    _goal(
        console,
        "one pace that binds: requests/s of two nodes / of one",
        capped_two.rate / capped_one.rate,
        TWO_TO_ONE_CAPPED,
        at_most=True,
    )
    _goal(
        console,
        "none that binds: time of two / of one",
        free_two.seconds / free_one.seconds,
        TWO_TO_ONE_FREE,
        at_most=True,
    )
    console.print()


def _in_pairs(nights: Sequence[Night]) -> list[tuple[Night, Night]]:
    return list(zip(nights[::2], nights[1::2], strict=True))


def tmdb_requests(console: Console, *, seasons: int, cast: int) -> None:
    """How many requests a complete show takes of TMDb, its specials included, beside one a thing."""
    parts = len(show_page.season_parts(range(seasons + 1))) + len(show_page.PARTS)
    needed = {"show, seasons, pictures, offers": _pages(parts, show_page.PARTS_AT_ONCE), "people": cast}
    # Details, pictures and offers, one request each, and one a season; a person's profile, ids and pictures.
    reference = {"show, seasons, pictures, offers": 3 + seasons + 1, "people": 3 * cast}
    table = Table(title=f"TMDb: a show of {seasons} seasons and specials, {cast} cast", title_justify="left")
    for column in ("", *needed, "together"):
        table.add_column(column, justify="right" if column else "left")
    for name, counts in {"requests": needed, "[dim]one a thing[/]": reference}.items():
        table.add_row(name, *map(str, counts.values()), f"{sum(counts.values()):,}")
    console.print(table)
    console.print()


def _pages(count: int, size: int) -> int:
    return -(-count // size)


def _spread(runs: Sequence[Crawl] | Sequence[Timing], value: Callable[..., float]) -> str:
    values = [value(run) for run in runs]
    shown = f"{median(values):,.0f}"
    return f"{shown} [dim]({min(values):,.0f} to {max(values):,.0f})[/]" if len(values) > 1 else shown


def _goal(console: Console, name: str, value: float, goal: float, *, at_most: bool = False) -> None:
    """A ratio beside its goal; a goal that is missed is news, not an error."""
    met = value <= goal if at_most else value >= goal
    sign, word = "≤" if at_most else "≥", "[green]met[/]" if met else "[yellow]missed[/]"
    console.print(f"  {name}: {value:.2f} (goal {sign} {goal:g}: {word})")
