"""What changed at TMDb: `/3/tv/changes` and `/3/person/changes`, 100 ids a page, 14 days at most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.tmdb import answer
from trr_crawl.parse.tmdb.fields import Drift, identifier

DAYS_AT_ONCE: Final = 14
PAGES_AT_MOST: Final = 500


@dataclass(kw_only=True, slots=True)
class ChangesPage:
    """One page of ids."""

    ids: list[str] = field(default_factory=list)
    page: int
    total_pages: int
    total: int
    drift: list[str] = field(default_factory=list)
    """Names of keys that the parser does not know."""

    @property
    def count(self) -> int:
        """How many ids are here."""
        return len(self.ids)


def parse(body: bytes) -> ChangesPage:
    """A page. The ids of one window may repeat on later pages, when something changes meanwhile."""
    node = answer.read(body, "changes")
    drift = Drift()
    drift.check("changes", node, frozenset({"results", "page", "total_pages", "total_results"}))
    page, total_pages, total = (node.integer(key) for key in ("page", "total_pages", "total_results"))
    if page is None or total_pages is None or total is None or node.array("results") is None:
        raise ShapeError("the answer about changes does not say which page of how many it is")
    found = ChangesPage(page=page, total_pages=total_pages, total=total)
    for entry in node.nodes("results"):
        drift.check("change", entry, frozenset({"id", "adult"}))
        found.ids.append(identifier(entry))
    found.drift = sorted(drift)
    return found


def windows(since: date, until: date) -> Iterator[tuple[date, date]]:
    """The days from `since` to `until`, both included, in as many pieces as TMDb wants: the days of its limit count
    from one midnight to another, so a piece is 14 days with the first day of the next."""
    while True:
        end = min(since + timedelta(days=DAYS_AT_ONCE), until)
        yield since, end
        if end >= until:
            return
        since = end
