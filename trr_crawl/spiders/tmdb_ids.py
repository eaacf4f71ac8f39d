"""`scrapy crawl tmdb_ids -a popularity=20`: what TMDb has at all, from its daily lists of ids.

A list is streamed to the disk and read from there; what is chosen from it becomes an item.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.http import Request, Response

from trr_crawl.arguments import ArgumentError, day, files, names
from trr_crawl.blocks import Expects
from trr_crawl.datasets import DatasetError, blocks, cache_folder
from trr_crawl.items import Item
from trr_crawl.parse.tmdb.exports import Export, Of, file_name
from trr_crawl.spiders.base import READERS, Arguments, Want
from trr_crawl.spiders.tmdb import TmdbSpider

if TYPE_CHECKING:
    from twisted.python.failure import Failure


def of(text: str) -> Of:
    """What the list is of."""
    try:
        return Of(text.strip())
    except ValueError as error:
        raise ArgumentError(f"{text!r} is nothing that TMDb lists: there are {', '.join(Of)}.") from error


def popularity(text: str) -> float:
    """A number from 0."""
    try:
        value = float(text)
    except ValueError as error:
        raise ArgumentError(f"{text!r} is no number.") from error
    if not 0 <= value < float("inf"):
        raise ArgumentError(f"{text!r} is no popularity: they start at 0.")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class IdsArguments(Arguments):
    """Which list to read, and what to take from it."""

    of: Of = Of.SHOWS
    """What the list is of."""
    date: date | None = None
    """Of which day, UTC; yesterday's if not given, as a day's list comes in its morning."""
    files: tuple[Path, ...] = ()
    """A list that is on the disk already."""
    popularity: float | None = None
    """Take what is at least so popular …"""
    names: tuple[str, ...] = ()
    """… and has one of these names."""

    def __post_init__(self) -> None:
        if self.popularity is None and not self.names:
            raise ArgumentError("Say what to take: -a popularity=20, -a names=@file, or -a popularity=0 for all.")
        if len(self.files) > 1:
            raise ArgumentError("give one file.")


class TmdbIdsSpider(TmdbSpider):
    """One request; the list is kept in `.trr/cache` and asked for again only when it changed.

    Counts `export/lines` and `export/bad_lines`.
    """

    name = "tmdb_ids"
    arguments_class = IdsArguments
    readers = {
        **READERS,
        "of": of,
        "date": day,
        "file": files,
        "popularity": popularity,
        "names": names,
    }
    args: IdsArguments

    async def start(self) -> AsyncIterator[Request]:
        """The download, or the reading of what is there; neither needs a key."""
        if self.args.files:
            yield self.reading(self.args.files[0])
            return
        name = file_name(self.args.of, self.args.date or datetime.now(UTC).date() - timedelta(days=1))
        url = self.settings["TMDB_FILES_URL"].rstrip("/") + "/"
        path = cache_folder(url, "tmdb_ids") / name
        request = Request(
            url + name,
            callback=self.downloaded,
            cb_kwargs={"path": path},
            meta={"expects": Expects.FILE, "save_to": str(path), "handle_httpstatus_list": [304]},
        )
        yield self.ask(request, Want(name)).replace(errback=self.not_downloaded)

    def downloaded(self, response: Response, path: Path) -> Iterator[Request]:  # noqa: ARG002 - the file is the answer
        yield self.reading(path)

    def not_downloaded(self, failure: Failure) -> None:
        """Without its list there is nothing to read."""
        self.note_failure(failure)

    def reading(self, path: Path) -> Request:
        """A request that nobody is asked: Scrapy waits for the pipelines only while it takes items from a callback."""
        request = Request("data:,", callback=self.read, cb_kwargs={"path": path}, dont_filter=True)
        return self.ask(request, Want(path.name))

    async def read(self, response: Response, path: Path) -> AsyncIterator[Item]:  # noqa: ARG002
        """What is chosen, block by block; lines that cannot be read are a gap, the rest of the list lands."""
        export = Export(
            self.args.of,
            popularity=self.args.popularity or 0.0,
            names=frozenset(name.casefold() for name in self.args.names),
        )
        batches = map(export.read, blocks(path))
        try:
            # In a thread: meanwhile the store writes, and the run gives its signs of life.
            while (items := await asyncio.to_thread(next, batches, None)) is not None:
                for item in items:
                    yield item
                if self.crawler.engine.needs_backout():
                    break
        except DatasetError as error:
            self.note_gap(Want(path.name), str(error))
        self.note_drift(sorted(export.drift))
        self.crawler.stats.set_value("export/lines", export.lines)
        if export.problem_count:
            self.crawler.stats.set_value("export/bad_lines", export.problem_count)
            unnamed = export.problem_count - len(export.problems)
            more = f" and {unnamed} more" if unnamed else ""
            self.note_gap(
                Want(path.name), f"{export.problem_count} lines cannot be read: {', '.join(export.problems)}{more}"
            )
