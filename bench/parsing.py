"""Parsers on the pages that IMDb really served, beside the floor under them and beside other people's parsers.

The recorded pages lie beside the project and are no part of it; where they are missing, there is nothing to measure.
"""

from __future__ import annotations

import importlib
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from trr_crawl.parse.imdb import credits as full_credits
from trr_crawl.parse.imdb import episodes, gallery, person, search_title, title_page

CAPTURES: Final = Path(__file__).resolve().parents[2] / "shared" / "captures" / "imdb"

PEERS: Final = Path(sys.prefix) / "peers"
"""Where `make bench` puts other people's parsers."""

ROUNDS: Final = 5
SECONDS_A_ROUND: Final = 0.4

OPENING: Final = b'id="__NEXT_DATA__"'


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of page: which captures hold it, and who reads it."""

    name: str
    pattern: str
    subject: str
    """The id that the page is about."""
    parse: Callable[[bytes, str], Any]
    """Gives a page with `items()`."""
    theirs: str | None = None
    """imdbinfo's function for the same page's JSON."""


KINDS: Final = (
    Kind("title, 2022", "title/*tt3303790*.html", "tt3303790", title_page.parse_page, "parse_json_movie"),
    Kind("title, 2023", "title/*tt0133093*.html", "tt0133093", title_page.parse_page, "parse_json_movie"),
    Kind("title, 2025", "title/*tt0111161*.html", "tt0111161", title_page.parse_page, "parse_json_movie"),
    Kind("title, 2026", "title/*tt0213327*.html", "tt0213327", title_page.parse_page, "parse_json_movie"),
    Kind("reference, film", "title_reference/*tt0133093*", "tt0133093", title_page.parse_page, "parse_json_movie"),
    Kind("reference, credits", "title_reference/*tt1520211*", "tt1520211", full_credits.parse_page),
    Kind("episodes", "episodes/*tt0944947*", "tt0944947", episodes.parse_page, "parse_json_season_episodes"),
    Kind("person, July 2025", "person/*2025-07-02*", "nm0000126", person.parse_page, "parse_json_person_detail"),
    Kind("person, October 2025", "person/*2025-10-13*", "nm0000126", person.parse_page, "parse_json_person_detail"),
    Kind("advanced search", "search_title/*", "tt0071007", search_title.parse_page),
    Kind("gallery, GraphQL", "graphql/*media_gallery*", "tt0910970", gallery.parse_answer, "parse_json_media_gallery"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Seconds to read one page, the best of several rounds; None where there is nobody to measure."""

    name: str
    size: int
    items: int
    ours: float
    floor: float
    """`orjson.loads` of the JSON in it."""
    soup: float | None
    """BeautifulSoup with html.parser to find that JSON, and the same `orjson.loads`."""
    theirs: float | str | None
    """imdbinfo, from the JSON that was read already to its models; or the error that it fails with."""
    is_full_title_page: bool
    """HTML and all, as it was served."""


def readings(done: Callable[[str], None]) -> list[Reading]:
    """All kinds of pages that are here; `done` is told each one's name."""
    found = []
    for kind in KINDS:
        for path in sorted(CAPTURES.glob(kind.pattern))[:1]:
            found.append(_reading(kind, path))
            done(kind.name)
    return found


def _reading(kind: Kind, path: Path) -> Reading:
    body = _page(path)
    data = _json(body)
    soup, theirs = _optional("bs4"), _optional("imdbinfo.parsers")
    return Reading(
        name=kind.name,
        size=len(body),
        items=len(list(kind.parse(body, kind.subject).items())),
        ours=_best(lambda: list(kind.parse(body, kind.subject).items())),
        floor=_best(lambda: orjson.loads(data)),
        soup=_best(lambda: _by_soup(soup, body)) if soup is not None and body is not data else None,
        theirs=_by_imdbinfo(getattr(theirs, kind.theirs), data) if theirs is not None and kind.theirs else None,
        is_full_title_page=kind.name.startswith("title") and path.suffix == ".html",
    )


def _page(path: Path) -> bytes:
    """A page's bytes; where only its data was recorded, in the smallest page around it."""
    content = path.read_bytes()
    if content.startswith(b'{"props"') or b'"props"' in content[:200]:
        script = content.replace(b"</", b"<\\/")
        return b'<!DOCTYPE html><html><body><script id="__NEXT_DATA__">' + script + b"</script></body></html>"
    return content


def _json(body: bytes) -> bytes:
    if not body.lstrip().startswith(b"<"):
        return body
    return body.partition(OPENING)[2].partition(b">")[2].partition(b"</script")[0]


def _by_soup(soup: Any, body: bytes) -> Any:
    return orjson.loads(str(soup.BeautifulSoup(body, "html.parser").find("script", id="__NEXT_DATA__").string))


def _by_imdbinfo(parse: Callable[[Any], Any], data: bytes) -> float | str:
    logging.getLogger("imdbinfo").setLevel(logging.CRITICAL)
    found = orjson.loads(data)
    try:
        return _best(lambda: parse(found)) if parse(found) is not None else "reads nothing"
    except Exception as error:  # not ours to mend, but to be seen in the table
        return type(error).__name__


def _optional(module: str) -> Any:
    if str(PEERS) not in sys.path:
        sys.path.append(str(PEERS))
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def _best(read: Callable[[], object]) -> float:
    read()
    best = float("inf")
    for _ in range(ROUNDS):
        count, started = 0, time.perf_counter()
        while (spent := time.perf_counter() - started) < SECONDS_A_ROUND / ROUNDS:
            read()
            count += 1
        best = min(best, spent / count)
    return best
