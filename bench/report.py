"""The results as tables: numbers with their units, ratios beside the goals."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import scrapy
from rich.console import Console
from rich.table import Table

from bench.crawls import Crawl
from bench.store import Timing

WHOLE_TO_BARE = 0.6
"""Goal: the whole job's pages/s beside those of the bare crawl."""
AGAIN_TO_WHOLE = 1.0
"""Goal: the pages/s of a crawl that finds nothing changed, beside those of the first."""
STORE_TO_COPY = 0.35
"""Goal: the store's rows/s beside those of a bare COPY of the rows it writes."""
FLAT = 1.1
"""Goal: memory at the last mark beside memory at the second; at the first, caches are still filling."""

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


def _spread(runs: Sequence[Crawl] | Sequence[Timing], value: Callable[..., float]) -> str:
    values = [value(run) for run in runs]
    shown = f"{median(values):,.0f}"
    return f"{shown} [dim]({min(values):,.0f} to {max(values):,.0f})[/]" if len(values) > 1 else shown


def _goal(console: Console, name: str, value: float, goal: float, *, at_most: bool = False) -> None:
    """A ratio beside its goal; a goal that is missed is news, not an error."""
    met = value <= goal if at_most else value >= goal
    sign, word = "≤" if at_most else "≥", "[green]met[/]" if met else "[yellow]missed[/]"
    console.print(f"  {name}: {value:.2f} (goal {sign} {goal:g}: {word})")
