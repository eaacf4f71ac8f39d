"""A show's episodes: the page `/title/tt…/episodes/` and the GraphQL answer to `query`.

Both give an `EpisodesPage`. Two layouts of the page are known: strings for numbers and entities in titles (since
2024), and numbers and objects (before). Anything else raises an error of `parse.errors`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from trr_crawl.items import UNSET, Episode, Item, Maybe, Person, Season, Show
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.imdb import graphql, next_data, title
from trr_crawl.parse.node import Node

UNKNOWN = "unknown"
"""The label of the season, or year, of episodes that have none."""

PAGE_SIZE = 250
"""Episodes a GraphQL answer holds at most."""

OPERATION = "ShowEpisodes"

QUERY = f"""
query {OPERATION}($id: ID!, $first: Int!, $after: ID, $filter: EpisodesFilter) {{
  title(id: $id) {{
    {title.TITLE_FIELDS}
    episodes {{
      totalEpisodes: episodes(first: 0) {{ total }}
      unknownSeasonEpisodes: episodes(first: 0, filter: {{ includeSeasons: ["unknown"] }}) {{ total }}
      displayableSeasons(first: 250) {{ edges {{ node {{ text }} }} }}
      displayableYears(first: 250) {{ edges {{ node {{ text }} }} }}
      episodes(first: $first, after: $after, filter: $filter, sort: {{ by: EPISODE_THEN_RELEASE, order: ASC }}) {{
        total
        pageInfo {{ hasNextPage endCursor }}
        edges {{
          node {{
            id
            titleText {{ text }}
            titleType {{ id }}
            releaseDate {{ year month day }}
            releaseYear {{ year }}
            plot {{ plotText {{ plainText }} }}
            ratingsSummary {{ aggregateRating voteCount }}
            primaryImage {{ url width height caption {{ plainText }} }}
            series {{ displayableEpisodeNumber {{ displayableSeason {{ text }} episodeNumber {{ text }} }} }}
          }}
        }}
      }}
    }}
  }}
}}
"""

_SECTION_KEYS = frozenset(
    "selectedTab seasons years episodes currentSeason currentYear episodesWidgetData topTen queryVariables".split()
)
_EPISODE_KEYS = frozenset(
    "__typename id type titleType season episode series titleText originalTitleText releaseDate releaseYear image "
    "primaryImage plot aggregateRating voteCount ratingsSummary canRate contributionUrl".split()
)


@dataclass(kw_only=True, slots=True)
class EpisodesPage:
    """What one page or answer holds, and how much more there is."""

    show: Show
    seasons: list[Season]
    """All numbered seasons of the show, not only those whose episodes are here."""
    people: list[Person]
    episodes: list[Episode]
    total: int
    """How many episodes the selection of this page has, by its own word."""
    season_labels: list[str]
    """All seasons of the show: numbers, or "unknown"."""
    year_labels: list[str]
    """All years with episodes: numbers, or "unknown"."""
    season: str | None = None
    """The season that this page shows; None where it shows several."""
    next_cursor: str | None = None
    """Where the next part of the selection starts; None at its end."""
    drift: list[str] = field(default_factory=list)
    """Paths of keys that the parser does not know."""

    def items(self) -> Iterator[Item]:
        """All items, parents first."""
        yield from self.about_the_show()
        yield from self.episodes

    def about_the_show(self) -> Iterator[Item]:
        """What every page of the show says alike: the show, its people and seasons."""
        yield self.show
        yield from self.people
        yield from self.seasons

    def of_the_season(self) -> Iterator[Item]:
        """What only this page says: the season shown, with its count, and its episodes."""
        yield from (season for season in self.seasons if season.episode_count is not UNSET)
        yield from self.episodes

    @property
    def count(self) -> int:
        """How many different episodes are here."""
        return len({episode.id for episode in self.episodes})


def query(show_id: str, *, seasons: Sequence[str] = (), after: str | None = None) -> dict[str, Any]:
    """The body of the GraphQL request for a show's episodes, all of them or those of some seasons."""
    return {
        "query": QUERY,
        "operationName": OPERATION,
        "variables": {
            "id": show_id,
            "first": PAGE_SIZE,
            "after": after,
            "filter": {"includeSeasons": list(seasons)} if seasons else None,
        },
    }


def parse_page(body: bytes, show_id: str) -> EpisodesPage:
    """Read the bytes of `https://www.imdb.com/title/{show_id}/episodes/`, any season of it."""
    props = next_data.page_props(body, "contentData")
    country, language = next_data.caller(props)
    content = props.need("contentData")
    head = content.node("entityMetadata") or content.need("data").need("title")
    title.check_identity(head, show_id)
    section = content.need("section")
    listed = section.node("episodes")
    page = _page(head, listed, show_id, country, language)
    page.season_labels, page.year_labels = _labels(section, "seasons"), _labels(section, "years")
    page.season = _current_season(section)
    page.drift += [*section.drift(_SECTION_KEYS), *_drift_of_items(listed)]
    _add_totals(page.show, section.node("episodesWidgetData") or content.down("data", "title", "episodes"), section)
    if listed is not None and listed.flag("hasNextPage"):
        page.next_cursor = listed.need_string("endCursor")
    return _complete(page, listed)


def parse_answer(body: bytes, show_id: str, *, country: str, language: str) -> EpisodesPage:
    """Read the GraphQL answer to `query`, asked as a caller from `country` who reads `language`."""
    head = graphql.title(body, show_id)
    title.check_identity(head, show_id)
    episodes = head.node("episodes")
    if episodes is None:
        raise ShapeError(f"{head.at('episodes')} is missing")
    listed = episodes.need("episodes")
    info = listed.node("pageInfo")
    page = _page(head, listed, show_id, country, language)
    page.season_labels = _edge_labels(episodes, "displayableSeasons")
    page.year_labels = _edge_labels(episodes, "displayableYears")
    page.drift += _drift_of_items(listed)
    _add_totals(page.show, episodes, None)
    if info is not None and info.flag("hasNextPage"):
        page.next_cursor = info.need_string("endCursor")
    return _complete(page, listed)


def _page(head: Node, listed: Node | None, show_id: str, country: str | None, language: str | None) -> EpisodesPage:
    """What both dresses tell alike: the show, its people and the episodes."""
    return EpisodesPage(
        show=title.show(head, country=country, language=language),
        seasons=[],
        people=title.people(head),
        episodes=[_episode(item, show_id, country) for item in _items(listed)],
        total=0,
        season_labels=[],
        year_labels=[],
        drift=head.drift(title.KNOWN),
    )


def _items(listed: Node | None) -> Iterator[Node]:
    """The episodes of a list, in either dress: bare (`items`) or as edges."""
    if listed is None:
        return
    yield from listed.nodes("items")
    for edge in listed.nodes("edges"):
        yield edge.need("node")


def _drift_of_items(listed: Node | None) -> list[str]:
    """One path for each unknown key, however many episodes have it."""
    unknown: set[str] = set()
    for item in _items(listed):
        unknown |= item.data.keys() - _EPISODE_KEYS
    return [f"episode.{key}" for key in sorted(unknown)]


def _total(listed: Node | None, show: Show) -> int:
    if listed is None:
        if show.total_episodes == 0:
            return 0
        raise ShapeError("the page lists no episodes, though the show has some")
    total = listed.integer("total")
    if total is None:
        raise ShapeError(f"{listed.at('total')} is missing")
    return total


def _labels(section: Node, key: str) -> list[str]:
    """The labels of a selector: objects with a `value` since 2024, bare values or `number`s before."""
    labels = []
    for index, entry in enumerate(section.array(key) or ()):
        path = f"{section.at(key)}[{index}]"
        if isinstance(entry, dict):
            entry = next((entry[name] for name in ("value", "number", "year", "text") if name in entry), None)
        labels.append(title.season_label(entry, path))
    return list(dict.fromkeys(labels))


def _edge_labels(episodes: Node, key: str) -> list[str]:
    connection = episodes.need(key)
    labels = [title.season_label(edge.need("node").data.get("text"), edge.path) for edge in connection.nodes("edges")]
    return list(dict.fromkeys(labels))


def _current_season(section: Node) -> str | None:
    """The season shown; None on a page by year, and where the show has none."""
    current = section.data.get("currentSeason")
    if current is None or section.string("selectedTab") not in (None, "seasons"):
        return None
    return title.season_label(current, section.at("currentSeason"))


def _add_totals(show: Show, totals: Node | None, section: Node | None) -> None:
    """The counts that stand beside the list."""
    if totals is not None:
        show.total_episodes = _inner_total(totals, "totalEpisodes")
        show.unknown_season_episodes = _inner_total(totals, "unknownSeasonEpisodes")
        best = totals.node("topRated")
        for edge in best.nodes("edges") if best else ():
            rating = edge.down("node", "ratingsSummary")
            show.top_rated_episode_rating = title.rating_value(rating) if rating else None
    if section is not None and section.array("topTen") is not None:
        show.top_episode_ids = [_top_id(entry, section) for entry in section.array("topTen") or ()]


def _top_id(entry: object, section: Node) -> str:
    if isinstance(entry, str):
        return entry
    return Node(entry, section.at("topTen[]")).need_string("id")


def _inner_total(totals: Node, key: str) -> Maybe[int]:
    inner = totals.node(key)
    return inner.integer("total") if inner is not None else UNSET


def _episode(item: Node, show_id: str, country: str | None) -> Episode:
    """One episode in any of the three dresses."""
    number = item.down("series", "displayableEpisodeNumber")
    rating = item.node("ratingsSummary")
    air_date, year, month = title.release(item)
    return Episode(
        source="imdb",
        id=item.need_string("id"),
        show_id=show_id,
        season_number=_number(number.node("displayableSeason") if number else item, "text" if number else "season"),
        episode_number=_number(number.node("episodeNumber") if number else item, "text" if number else "episode"),
        episode_type=_episode_type(item),
        title=item.words("titleText"),
        country=country,
        overview=item.words("plot"),
        air_date=air_date,
        release_year=year,
        release_month=month,
        rating=title.rating_value(rating or item),
        vote_count=rating.integer("voteCount") if rating else item.integer("voteCount"),
        can_rate=item.flag("canRate") if "canRate" in item.data else UNSET,
        image=title.image(item, "image" if "image" in item.data else "primaryImage") or None,
    )


def _number(node: Node | None, key: str) -> int | None:
    """A season's or episode's number, None for "unknown"."""
    value = node.data.get(key) if node is not None else None
    if node is None or value is None or value == "":
        return None
    label = title.season_label(value, node.at(key))
    return None if label == UNKNOWN else int(label)


def _episode_type(item: Node) -> str | None:
    typed = item.node("titleType")
    return typed.string("id") if typed else item.string("type")


def _complete(page: EpisodesPage, listed: Node | None) -> EpisodesPage:
    """Add what follows from the rest: totals, the show's labels, and its seasons with the count of the one shown."""
    page.total = _total(listed, page.show)
    page.show.season_labels = title.in_order(page.season_labels)
    page.show.years = title.in_order(page.year_labels)
    page.seasons = [
        Season(
            source="imdb",
            show_id=page.show.id,
            season_number=int(label),
            episode_count=page.total if label == page.season else UNSET,
        )
        for label in page.season_labels
        if label != UNKNOWN
    ]
    return page
