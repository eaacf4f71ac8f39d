"""Crawls as users start them, `scrapy crawl` in a process of its own, watched from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

from bench import pages
from bench.origin import Origin

ROOT: Final = Path(__file__).resolve().parent.parent

POLL_SECONDS: Final = 0.05

SETTINGS: Final = {
    "IMDB_TRANSPORT": "html",
    # Nobody is there to be polite to.
    "DOWNLOAD_DELAY": "0",
    "AUTOTHROTTLE_ENABLED": "False",
    "CONCURRENT_REQUESTS_PER_DOMAIN": "16",
    "LOG_LEVEL": "WARNING",
    "STATS_CLASS": "bench.inside.FileStats",
}
"""Of every measured crawl, beside the project's own."""

BARE: Final = {
    "SPIDER_MODULES": "bench.inside",
    "ITEM_PIPELINES": "{}",
    "RUN_RECORDER_ENABLED": "False",
}
"""Of the crawl that only fetches."""

Progress = Callable[[int], None]
"""Is told the pages served so far."""


class CrawlFailed(Exception):
    """A crawl did not do what was to be measured."""


@dataclass(slots=True)
class Memory:
    """What a crawl's process held (resident set), in bytes."""

    peak: int = 0
    at: dict[int, int] = field(default_factory=dict)
    """Pages served -> bytes held then."""

    def note(self, held: int, served: int, marks: Sequence[int]) -> None:
        """Take a sample; `marks` are the page counts to keep one for."""
        self.peak = max(self.peak, held)
        for mark in marks:
            if mark <= served:
                self.at.setdefault(mark, held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawl:
    """What one crawl did, from the spider's opening to the end of its last write."""

    pages: int
    items: int
    """What the parsers made of the pages, repeats included."""
    seconds: float
    cpu_seconds: float
    """Work of the crawl's process, all threads; not PostgreSQL's."""
    memory: Memory

    @property
    def pages_per_second(self) -> float:
        return self.pages / self.seconds

    @property
    def items_per_second(self) -> float:
        return self.items / self.seconds


def bare(origin: Origin, page_count: int, progress: Progress) -> Crawl:
    """Fetch so many pages and do nothing with them: parsing, pipelines and the run's record are off."""
    # A dry run, or the command would want a database before it starts.
    crawl, stats = _crawl(origin, "bare_episodes", page_count, BARE, {"dry_run": "true"}, None, progress)
    require(stats.get("item_scraped_count", 0) == 0, "the bare crawl made items")
    return crawl


def whole(
    origin: Origin, page_count: int, database_url: str, progress: Progress, marks: Sequence[int] = ()
) -> tuple[Crawl, dict[str, int]]:
    """The whole job on so many pages; also what the store says it did with the records, by operation.

    `marks` are the page counts at which to note the memory.
    """
    crawl, stats = _crawl(origin, "imdb_episodes", page_count, {}, {}, database_url, progress, marks)
    require(stats.get("run/outcome") == "ok", f"the run came to {stats.get('run/outcome')}: {stats.get('run/reason')}")
    stored: dict[str, int] = {}
    for name, count in stats.items():
        if name.startswith("store/") and name.count("/") == 2:
            operation = name.rpartition("/")[2]
            stored[operation] = stored.get(operation, 0) + count
    return crawl, stored


def _crawl(
    origin: Origin,
    spider: str,
    page_count: int,
    settings: dict[str, str],
    arguments: dict[str, str],
    database_url: str | None,
    progress: Progress,
    marks: Sequence[int] = (),
) -> tuple[Crawl, dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        shows, stats_file, log = folder / "shows", folder / "stats.json", folder / "log"
        shows.write_text("\n".join(map(pages.show_id, range(page_count // pages.SEASONS))))
        command = [sys.executable, "-m", "scrapy", "crawl", spider]
        for argument, value in {"shows": f"@{shows}", **arguments}.items():
            command += ["-a", f"{argument}={value}"]
        for setting, value in {
            **SETTINGS, **settings, "IMDB_WEB_URL": origin.url, "STATS_FILE": str(stats_file)
        }.items():  # fmt: skip
            command += ["-s", f"{setting}={value}"]
        with log.open("wb") as output:
            memory = watch(command, environment(database_url), output, origin, progress, marks)
        try:
            stats = json.loads(stats_file.read_text())
            got = stats["downloader/response_status_count/200"] - 1  # robots.txt
            require(got == page_count, f"{got} pages came, {page_count} were to come")
        except (OSError, KeyError, CrawlFailed) as error:
            raise CrawlFailed(f"{spider}: {error}; its log ends:\n{log.read_text()[-3000:]}") from error
    crawl = Crawl(
        pages=page_count,
        items=stats.get("item_scraped_count", 0) + stats.get("item_dropped_count", 0),
        seconds=stats["elapsed_time_seconds"],
        cpu_seconds=stats["bench/cpu_seconds"],
        memory=memory,
    )
    return crawl, stats


def watch(
    command: list[str],
    environment: dict[str, str],
    output: Any,
    origin: Origin,
    progress: Progress,
    marks: Sequence[int],
) -> Memory:
    """Run a command to its end, looking at its memory every now and then."""
    before = origin.served
    memory = Memory()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output) as process:
        watched = psutil.Process(process.pid)
        try:
            while process.poll() is None:
                served = origin.served - before
                progress(served)
                memory.note(watched.memory_info().rss, served, marks)
                time.sleep(POLL_SECONDS)
        except BaseException:
            process.terminate()
            raise
    progress(origin.served - before)
    return memory


def environment(database_url: str | None) -> dict[str, str]:
    """The caller's, less what would make two benchmarks differ."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMDB_", "SCRAPY_"))}
    return kept | ({"DATABASE_URL": database_url} if database_url else {})


def require(condition: bool, otherwise: str) -> None:
    """Raise CrawlFailed unless what was to be measured was done."""
    if not condition:
        raise CrawlFailed(otherwise)
