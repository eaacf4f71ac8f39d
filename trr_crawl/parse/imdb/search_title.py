"""All episodes of a series, as IMDb's advanced search lists them: the page `/search/title/` and the answer to `query`.

The page has length, certificate, genres and rating of an episode, and neither its season nor its number: what it says
enriches episodes that are known by other pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from trr_crawl.items import UNSET, Episode, Item, Show
from trr_crawl.parse.errors import ShapeError, WrongPage
from trr_crawl.parse.imdb import graphql, listed, next_data, title
from trr_crawl.parse.imdb.roles import edges
from trr_crawl.parse.imdb.title import stated
from trr_crawl.parse.node import Node

PAGE_SIZE: Final = 250
"""Episodes that a page, or answer, holds at most."""

OPERATION: Final = "SeriesSearch"

QUERY: Final = f"""
query {OPERATION}($id: ID!, $first: Int!, $after: String) {{
  advancedTitleSearch(
    first: $first
    after: $after
    constraints: {{ episodicConstraint: {{ anySeriesIds: [$id] }} }}
    sort: {{ sortBy: RELEASE_DATE, sortOrder: ASC }}
  ) {{
    total
    pageInfo {{ hasNextPage endCursor }}
    edges {{ node {{ title {{ {listed.FIELDS} }} }} }}
  }}
}}
"""

_ITEM_KEYS = frozenset(
    "canRate certificate endYear genres hasWatchOption metascore originalTitleText plot primaryImage ratingSummary "
    "releaseYear releaseDate productionStatus runtime series titleId titleText titleType trailerId "
    "principalCredits".split()
)


@dataclass(kw_only=True, slots=True)
class SearchPage:
    """What one page or answer holds, and how much more there is."""

    series: Show | None
    """None where no episode is here."""
    episodes: list[Episode]
    total: int
    """How many episodes the search found, by its own word."""
    next_cursor: str | None = None
    """Where the next part starts; None at the end."""
    drift: list[str] = field(default_factory=list)
    """Paths of keys that the parser does not know."""

    def items(self) -> Iterator[Item]:
        """All items, parents first."""
        if self.series is not None:
            yield self.series
        yield from self.episodes

    @property
    def count(self) -> int:
        """How many different episodes are here."""
        return len({episode.id for episode in self.episodes})


def query(series_id: str, *, after: str | None = None) -> dict[str, Any]:
    """The body of the GraphQL request for a part of a series' episodes."""
    return {
        "query": QUERY,
        "operationName": OPERATION,
        "variables": {"id": series_id, "first": PAGE_SIZE, "after": after},
    }


def parse_answer(body: bytes, series_id: str, *, country: str, language: str) -> SearchPage:
    """Read the GraphQL answer to `query`, asked as a caller from `country` who reads `language`."""
    search = graphql.answer(body).need("advancedTitleSearch")
    page = SearchPage(series=None, episodes=[], total=_total(search))
    unknown: set[str] = set()
    for found in edges(search):
        node = found.need("title")
        unknown |= node.data.keys() - listed.KNOWN
        show, episode = listed.titles(node, country=country, language=language)
        if show is None or episode is None:
            raise ShapeError(f"{node.path} is no episode that names its series")
        _check(show.id, series_id, node)
        page.series = show
        page.episodes.append(episode)
    info = search.node("pageInfo")
    if info is not None and info.flag("hasNextPage"):
        page.next_cursor = info.need_string("endCursor")
    page.drift = [f"title.{key}" for key in sorted(unknown)]
    return page


def parse_page(body: bytes, series_id: str) -> SearchPage:
    """Read the bytes of `https://www.imdb.com/search/title/?series={series_id}&count=250`."""
    props = next_data.page_props(body, "searchResults", "searchInput")
    country, language = next_data.caller(props)
    asked = props.need("searchInput").need("titleSearchInput").need("series")
    if series_id not in [included.need_string("id") for included in asked.nodes("include")]:
        raise WrongPage(f"asked for episodes of {series_id}, the page is about another search")
    results = props.need("searchResults").need("titleResults")
    page = SearchPage(series=None, episodes=[], total=_total(results))
    unknown: set[str] = set()
    for item in results.nodes("titleListItems"):
        unknown |= item.data.keys() - _ITEM_KEYS
        series = item.need("series")
        _check(series.need_string("id"), series_id, item)
        if page.series is None:
            page.series = _series(series, country, language)
        page.episodes.append(_episode(item, series_id, country))
    if page.count < page.total:
        page.next_cursor = results.string("endCursor")
    page.drift = [f"result.{key}" for key in sorted(unknown)]
    return page


def _check(found: str, series_id: str, node: Node) -> None:
    if found != series_id:
        raise WrongPage(f"asked for episodes of {series_id}, {node.path} belongs to {found}")


def _total(search: Node) -> int:
    total = search.integer("total")
    if total is None:
        raise ShapeError(f"{search.at('total')} is missing")
    return total


def _series(node: Node, country: str | None, language: str | None) -> Show:
    """The series as its episodes name it, in the language of the caller's country."""
    years = node.node("releaseYear")
    return Show(
        source="imdb",
        id=node.need_string("id"),
        title=stated(node, "titleText", node.words("titleText")),
        original_title=stated(node, "originalTitleText", node.words("originalTitleText")),
        country=country,
        language=language,
        start_year=stated(node, "releaseYear", years.integer("year") if years else None),
        end_year=stated(node, "releaseYear", years.integer("endYear") if years else None),
    )


def _episode(item: Node, series_id: str, country: str | None) -> Episode:
    rating, kind = item.node("ratingSummary"), item.node("titleType")
    air_date, year, month = title.release(item)
    dated = "releaseDate" in item.data
    all_genres, main_genres = title.genres_shown(_genres(item)) if "genres" in item.data else (UNSET, UNSET)
    return Episode(
        source="imdb",
        id=item.need_string("titleId"),
        show_id=series_id,
        episode_type=stated(item, "titleType", kind.string("id") if kind else None),
        title=stated(item, "titleText", item.words("titleText")),
        country=country,
        overview=stated(item, "plot", item.words("plot")),
        air_date=air_date if dated else UNSET,
        release_year=year if dated or "releaseYear" in item.data else UNSET,
        release_month=month if dated else UNSET,
        rating=stated(item, "ratingSummary", title.rating_value(rating) if rating else None),
        vote_count=stated(item, "ratingSummary", rating.integer("voteCount") if rating else None),
        can_rate=stated(item, "canRate", item.flag("canRate")),
        certificate=stated(item, "certificate", item.string("certificate")),
        runtime_seconds=stated(item, "runtime", item.integer("runtime")),
        genres=all_genres,
        main_genres=main_genres,
        image=title.image(item, "primaryImage"),
    )


def _genres(item: Node) -> list[str]:
    genres = []
    for index, entry in enumerate(item.array("genres") or ()):
        if not isinstance(entry, str):
            raise ShapeError(f"{item.at('genres')}[{index}] is no string")
        genres.append(entry)
    return genres
