"""Where a title was filmed: the page `/title/tt…/locations/`, which shows the first five, and the answer to `query`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from trr_crawl import text
from trr_crawl.items import UNSET, Episode, FilmingLocation, Item, Show
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.imdb import title, title_part
from trr_crawl.parse.imdb.roles import edges
from trr_crawl.parse.node import Node

LOCATIONS_SHOWN: Final = 5
"""So many does a page show at most, and so many are told of a list that did not come to its end."""

SECTION: Final = "flmg_locations"
_OTHER_SECTIONS = frozenset(("flmg_dates", "prod_dates"))
"""When it was filmed, and when made: no facts of the catalog."""

OPERATION: Final = "TitleLocations"

QUERY: Final = f"""
query {OPERATION}($id: ID!, $first: Int!, $after: ID) {{
  title(id: $id) {{
    {title_part.IDENTITY_FIELDS}
    filmingLocations(first: $first, after: $after) {{
      total
      pageInfo {{ hasNextPage endCursor }}
      edges {{ node {{ id text attributes {{ text }} }} }}
    }}
  }}
}}
"""

_CARD_KEYS = frozenset("id cardText cardTextUrl attributes userVotingProps shareButtonProps".split())


@dataclass(kw_only=True, slots=True)
class LocationsPage:
    """Some of the places where a title was filmed."""

    title_id: str
    series_id: str | None
    """The series, where the title is an episode."""
    locations: list[FilmingLocation]
    """In the source's order."""
    total: int
    """How many there are, by the source's word."""
    next_cursor: str | None = None
    """Where the next part of an answer starts; None at the end, and on a page."""
    drift: list[str] = field(default_factory=list)
    """Paths of keys, and names of lists, that the parser does not know."""

    @property
    def count(self) -> int:
        """How many are here."""
        return len(self.locations)

    def told(self, *, whole: bool) -> Show | Episode:
        """The title with these places, which are all of them or the first."""
        whole_list = self.locations if whole else UNSET
        first_few = UNSET if whole else self.locations[:LOCATIONS_SHOWN]
        if self.series_id is None:
            return Show(source="imdb", id=self.title_id, filming_locations=whole_list, main_filming_locations=first_few)
        return Episode(
            source="imdb",
            id=self.title_id,
            show_id=self.series_id,
            filming_locations=whole_list,
            main_filming_locations=first_few,
        )

    def items(self) -> Iterator[Item]:
        """The title."""
        yield self.told(whole=self.next_cursor is None and self.count >= self.total)


def query(title_id: str, *, after: str | None = None) -> dict[str, Any]:
    """The body of the GraphQL request for a part of the places."""
    return {
        "query": QUERY,
        "operationName": OPERATION,
        "variables": {"id": title_id, "first": title_part.PAGE_SIZE, "after": after},
    }


def parse_answer(body: bytes, title_id: str) -> LocationsPage:
    """Read the GraphQL answer to `query`."""
    head = title_part.of_answer(body, title_id)
    connection = head.need("filmingLocations")
    return LocationsPage(
        title_id=title_id,
        series_id=title.series_id(head),
        locations=[
            _location(node, "text", [entry.need_string("text") for entry in node.nodes("attributes")])
            for node in edges(connection)
        ],
        total=title_part.total(connection),
        next_cursor=title_part.next_cursor(connection),
    )


def parse_page(body: bytes, title_id: str) -> LocationsPage:
    """Read the bytes of `https://www.imdb.com/title/{title_id}/locations/`."""
    head, content = title_part.of_page(body, title_id)
    lists = dict(title_part.sections(content))
    section = lists.pop(SECTION, None)
    if section is None:
        raise ShapeError(f"{content.at('categories')} has no {SECTION}")
    cards = list(section.nodes("items"))
    unknown = {key for card in cards for key in card.data.keys() - _CARD_KEYS}
    return LocationsPage(
        title_id=title_id,
        series_id=title.series_id(head),
        locations=[_location(card, "cardText", [card.words("attributes") or ""]) for card in cards],
        total=title_part.total(section),
        drift=[
            *(f"location.{key}" for key in sorted(unknown)),
            *(f"section.{name}" for name in sorted(lists.keys() - _OTHER_SECTIONS)),
        ],
    )


def _location(node: Node, key: str, notes: list[str]) -> FilmingLocation:
    place = text.clean(node.words(key) or "")
    if place is None:
        raise ShapeError(f"{node.at(key)} is missing")
    return FilmingLocation(
        id=node.need_string("id"), place=place, notes=tuple(note for entry in notes if (note := text.clean(entry)))
    )
