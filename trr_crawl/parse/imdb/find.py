"""Titles that a name may mean: IMDb's suggestions, and the page `/find/`.

Both give a `FindPage`. That nothing is found is an answer like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson

from trr_crawl.items import Candidate, Item
from trr_crawl.parse.errors import ShapeError, WrongPage
from trr_crawl.parse.imdb import next_data
from trr_crawl.parse.imdb.title import stated
from trr_crawl.parse.node import Node

_SUGGESTION_KEYS = frozenset("id l s y yr q qid rank i v vt".split())
_RESULT_KEYS = frozenset(
    "titleId titleText originalTitleText titleType releaseYear endYear releaseDate canRate certificate genres "
    "hasWatchOption metascore plot primaryImage ratingSummary productionStatus runtime trailerId principalCredits "
    "series".split()
)
_YEARS = re.compile(r"(\d{4})-(\d{4})?", re.ASCII)


@dataclass(kw_only=True, slots=True)
class FindPage:
    """What one answer or page holds."""

    query: str
    """The name that was looked for."""
    candidates: list[Candidate]
    """The likeliest first."""
    drift: list[str] = field(default_factory=list)
    """Paths of keys that the parser does not know."""

    def items(self) -> Iterator[Item]:
        """All items."""
        yield from self.candidates

    @property
    def count(self) -> int:
        """How many titles are here."""
        return len(self.candidates)


def parse_suggestions(body: bytes, query: str) -> FindPage:
    """Read the answer of `https://v3.sg.media-imdb.com/suggestion/titles/x/{query}.json`.

    What is no title (people, companies, pages of IMDb's own) is left out.
    """
    try:
        answer = Node(orjson.loads(body), "suggestions")
    except orjson.JSONDecodeError as error:
        raise ShapeError(f"the answer is not JSON: {error}") from error
    if "d" not in answer.data:
        raise ShapeError(f"{answer.at('d')} is missing")
    unknown: set[str] = set()
    page = FindPage(query=query, candidates=[])
    for entry in answer.nodes("d"):
        title_id = entry.need_string("id")
        if not title_id.startswith("tt"):
            continue
        unknown |= entry.data.keys() - _SUGGESTION_KEYS
        page.candidates.append(
            Candidate(
                source="imdb",
                query=query,
                id=title_id,
                name=stated(entry, "l", entry.words("l")),
                year=stated(entry, "y", entry.integer("y")),
                end_year=stated(entry, "yr", _end_year(entry)),
                type=stated(entry, "qid", entry.string("qid")),
                rank=stated(entry, "rank", entry.integer("rank")),
                position=page.count + 1,
            )
        )
    page.drift = [f"suggestion.{key}" for key in sorted(unknown)]
    return page


def _end_year(entry: Node) -> int | None:
    """Of "2019-2023"; None of "2019-"."""
    value = entry.string("yr")
    match = _YEARS.fullmatch(value) if value else None
    if value and match is None:
        raise ShapeError(f"{entry.at('yr')} is {value!r}, no span of years")
    return int(match[2]) if match is not None and match[2] else None


def parse_page(body: bytes, query: str) -> FindPage:
    """Read the bytes of `https://www.imdb.com/find/?q={query}`."""
    props = next_data.page_props(body, "titleResults", "findPageMeta")
    asked = props.need("findPageMeta").need_string("searchTerm")
    if asked.casefold().split() != query.casefold().split():
        raise WrongPage(f"asked for {query!r}, the page is about {asked!r}")
    unknown: set[str] = set()
    page = FindPage(query=query, candidates=[])
    for result in props.need("titleResults").nodes("results"):
        item = result.need("listItem")
        unknown |= item.data.keys() - _RESULT_KEYS
        kind = item.node("titleType")
        page.candidates.append(
            Candidate(
                source="imdb",
                query=query,
                id=item.need_string("titleId"),
                name=stated(item, "titleText", item.words("titleText")),
                year=stated(item, "releaseYear", item.integer("releaseYear")),
                end_year=stated(item, "endYear", item.integer("endYear")),
                type=stated(item, "titleType", kind.string("id") if kind else None),
                position=page.count + 1,
            )
        )
    page.drift = [f"result.{key}" for key in sorted(unknown)]
    return page
