"""`scrapy crawl imdb_datasets -a path=DIR -a show=tt…`: shows out of IMDb's official datasets.

Their licence is for personal and non-commercial use only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scrapy.http import Request, Response

from trr_crawl.arguments import ArgumentError, flag, title_ids
from trr_crawl.blocks import Expects
from trr_crawl.datasets import DatasetError, blocks, cache_folder, file_names, find
from trr_crawl.items import Item
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.imdb.datasets import (
    Choice,
    Crew,
    Episodes,
    Names,
    Pass,
    Principals,
    Ratings,
    Selection,
    Table,
    Titles,
)
from trr_crawl.spiders.base import READERS, Arguments, CatalogSpider, Want

if TYPE_CHECKING:
    from twisted.python.failure import Failure

SHOW_TYPES = ("tvSeries", "tvMiniSeries")
"""The types of a filter that names only genres."""
TYPES = (*SHOW_TYPES, "movie", "short", "tvMovie", "tvPilot", "tvShort", "tvSpecial", "video", "videoGame")
"""IMDb's types of titles but for episodes, which come with their shows."""


def directory(text: str) -> Path:
    """A folder that holds at least one of the files."""
    folder = Path(text).expanduser()
    if not folder.is_dir():
        raise ArgumentError(f"{text!r} is no folder.")
    if not any(find(folder, table) for table in Table):
        raise ArgumentError(f"the folder {text} holds none of the datasets, such as {file_names(Table.BASICS)[0]}.")
    return folder


def base_url(text: str) -> str:
    """A web address below which the files are."""
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ArgumentError(f"{text!r} is no web address: give the one that the datasets are below, as http(s)://….")
    return text.strip().rstrip("/") + "/"


def title_types(text: str) -> tuple[str, ...]:
    """Types of titles, separated by commas."""
    types = _listed(text)
    for name in types:
        if name not in TYPES:
            raise ArgumentError(f"{name!r} is no type of shows; there are {', '.join(TYPES)}.")
    return types


def genre_names(text: str) -> tuple[str, ...]:
    """Genres as IMDb writes them, separated by commas."""
    return _listed(text)


def _listed(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(filter(None, map(str.strip, text.split(",")))))
    if not names:
        raise ArgumentError(f"{text!r} names nothing.")
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetsArguments(Arguments):
    """Where the files are, and what to take from them."""

    path: Path | None = None
    """The folder of the files."""
    url: str | None = None
    """The address that the files are below; they are kept in `.trr/cache` and asked for only when they change."""
    shows: tuple[str, ...] = ()
    """IMDb title ids."""
    types: tuple[str, ...] = ()
    """Take all shows of these types …"""
    genres: tuple[str, ...] = ()
    """… and of one of these genres."""
    episode_credits: bool = True
    """Also who worked on each episode: most of all that the files hold."""
    crew: bool = False
    """Also title.crew: all directors and writers instead of the first few."""

    def __post_init__(self) -> None:
        if (self.path is None) == (self.url is None):
            raise ArgumentError(
                "Say where the datasets are, in a folder or on the web: -a path=DIR or -a url=https://datasets.imdbws.com/."
            )
        if bool(self.shows) == bool(self.types or self.genres):
            raise ArgumentError(
                "Say which shows to take, by name or by a filter: -a show=tt…, -a shows=@file, or -a types=tvSeries "
                "and -a genre=Reality-TV."
            )


class ImdbDatasetsSpider(CatalogSpider):
    """Reads the files one after the other, in blocks; keeps in memory only what was chosen.

    Counts `datasets/<table>/rows`, and `datasets/<table>/bad_rows` for those that cannot be read.
    """

    name = "imdb_datasets"
    arguments_class = DatasetsArguments
    readers = {
        **READERS,
        "path": directory,
        "url": base_url,
        "show": title_ids,
        "shows": title_ids,
        "types": title_types,
        "genre": genre_names,
        "genres": genre_names,
        "episode_credits": flag,
        "crew": flag,
    }
    args: DatasetsArguments

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self.folder = self.args.path or cache_folder(self.args.url or "")
        self.tables = [table for table in Table if table is not Table.CREW or self.args.crew]
        self.downloads_left = len(self.tables)
        self.stopped = False
        self.told: set[tuple[str, str]] = set()
        self.selection = Selection()
        for show_id in self.args.shows:
            self.selection.add_show(show_id.encode())

    async def start(self) -> AsyncIterator[Request]:
        """The downloads, and after the last of them the reading."""
        if self.args.url is None:
            yield self.reading()
            return
        for table in self.tables:
            name = file_names(table)[0]
            request = Request(
                self.args.url + name,
                callback=self.downloaded,
                meta={
                    "expects": Expects.FILE,
                    "save_to": str(self.folder / name),
                    "handle_httpstatus_list": [304],
                },
            )
            yield self.ask(request, Want(name, "from the web")).replace(errback=self.not_downloaded)

    def downloaded(self, response: Response) -> Iterator[Request]:
        self.logger.info("%s: %s", response.url, "unchanged" if response.status == 304 else "downloaded")
        yield from self.one_less()

    def not_downloaded(self, failure: Failure) -> Iterator[Request]:
        """What an earlier run downloaded is better than nothing."""
        self.note_failure(failure)
        yield from self.one_less()

    def one_less(self) -> Iterator[Request]:
        self.downloads_left -= 1
        if self.downloads_left == 0:
            yield self.reading()

    def reading(self) -> Request:
        """A request that nobody is asked: Scrapy waits for the pipelines only while it takes items from a callback."""
        return self.ask(Request("data:,", callback=self.read, dont_filter=True), Want("the datasets"))

    async def read(self, response: Response) -> AsyncIterator[Item]:  # noqa: ARG002
        """All items. title.basics is read twice for a filter: for the shows, then for them and their episodes."""
        selection, args = self.selection, self.args
        if not args.shows:
            async for item in self.run(Choice(selection, args.types or SHOW_TYPES, args.genres)):
                yield item
            self.logger.info("%d shows were chosen", len(selection.shows))
            if not selection.shows:
                self.note_gap(Want("the shows"), "no title is of such a type and genre")
                return
        titles, names = Titles(selection), Names(selection)
        passes = [
            Episodes(selection),
            Ratings(selection),
            titles,
            Principals(selection, of_episodes=args.episode_credits),
            *([Crew(selection, of_episodes=args.episode_credits)] if args.crew else []),
            names,
        ]
        for one in passes:
            async for item in self.run(one):
                yield item
        if self.stopped:
            return
        if titles.lines_read:
            for show_id in sorted(titles.unseen):
                self.note_gap(Want(show_id.decode()), f"{Table.BASICS} does not have it")
        for title_id in titles.episodes_taken_for_shows:
            self.note_gap(Want(title_id), "it is an episode: name its series")
        self.crawler.stats.set_value("datasets/people_without_name", len(selection.people) - names.found)

    async def run(self, one: Pass) -> AsyncIterator[Item]:
        """The items of one pass. A file that is not there, or not as it should be, is a gap; the rest of it lands."""
        if self.stopped:
            return
        path = find(self.folder, one.table)
        if path is None:
            self.note_once(str(one.table), f"there is no such file in {self.folder}")
            for item in one.end(whole=False):
                yield item
            return
        batches = _batches(path, one)
        try:
            # In a thread: meanwhile the store writes, and the run gives its signs of life.
            while (items := await asyncio.to_thread(next, batches, None)) is not None:
                for item in items:
                    yield item
                # No request is under way that this could be about: the run is being stopped.
                if self.crawler.engine.needs_backout():
                    self.stopped = True
                    return
        except (DatasetError, ShapeError) as error:
            self.note_once(path.name, str(error))
        self.account(path, one)

    def account(self, path: Path, one: Pass) -> None:
        """What a pass found, in the stats and, for rows that cannot be read, in one gap a file."""
        self.crawler.stats.set_value(f"datasets/{one.table}/rows", max(one.lines_read - 1, 0))
        self.note_drift(one.drift)
        if one.problem_count:
            self.crawler.stats.set_value(f"datasets/{one.table}/bad_rows", one.problem_count)
            unnamed = one.problem_count - len(one.problems)
            listed = ", ".join(f"line {line} ({why})" for line, why in sorted(one.problems))
            listed += f" and {unnamed} more" if unnamed else ""
            self.note_once(path.name, f"{one.problem_count} of its rows cannot be read: {listed}")

    def note_once(self, subject: str, why: str) -> None:
        """Note a gap, unless the first reading of the same file noted it."""
        if (subject, why) not in self.told:
            self.told.add((subject, why))
            self.note_gap(Want(subject), why)


def _batches(path: Path, one: Pass) -> Iterator[list[Item]]:
    """The items of each block, and at last those that the end of the file sets free, wherever that is."""
    try:
        for block in blocks(path):
            yield one.read(block)
        if one.lines_read == 0:
            raise ShapeError("it is empty, without even a header")
    except (DatasetError, ShapeError):
        yield one.end(whole=False)
        raise
    yield one.end(whole=True)
