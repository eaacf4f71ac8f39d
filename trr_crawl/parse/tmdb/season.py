"""A season with its episodes, their guests and crews: the part `season/{number}` of a show, or an answer of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from trr_crawl.items import UNSET, Episode, Item, Maybe, Season
from trr_crawl.parse.errors import ShapeError, WrongPage
from trr_crawl.parse.node import Node
from trr_crawl.parse.tmdb import answer, images, work
from trr_crawl.parse.tmdb.fields import (
    Drift,
    count,
    dated,
    external_ids,
    identifier,
    image,
    rating,
    stated,
    text,
    year,
)
from trr_crawl.parse.tmdb.work import EpisodeCredits

PARTS: Final = ("external_ids", "images")
"""What is asked of a season by itself."""

_LISTED_KEYS: Final = frozenset(
    "air_date episode_count id name overview poster_path season_number vote_average".split()
)
_KEYS: Final = frozenset(
    "_id air_date episodes name networks overview id poster_path season_number vote_average external_ids images "
    "credits aggregate_credits".split()
)
"""`credits` and `aggregate_credits` say less than the show's own credits and its episodes' do."""
EPISODE_KEYS: Final = frozenset(
    "air_date episode_number episode_type id name overview production_code runtime season_number show_id still_path "
    "vote_average vote_count crew guest_stars".split()
)


@dataclass(kw_only=True, slots=True)
class SeasonPage:
    """A season, all that came of it."""

    season: Season
    parts: frozenset[str] = frozenset()
    """Those of `PARTS` that came in it."""
    episodes: list[Episode] = field(default_factory=list)
    cast: EpisodeCredits = field(default_factory=EpisodeCredits)
    """Guests and crews of the episodes."""
    pictures: list[Item] = field(default_factory=list)
    """Its posters, each with its place."""
    drift: list[str] = field(default_factory=list)
    """Names of keys that the parser does not know."""

    @property
    def count(self) -> int:
        """How many episodes are here."""
        return len(self.episodes)

    def items(self) -> Iterator[Item]:
        """Parents first."""
        yield self.season
        yield from self.episodes
        yield from self.cast.people.values()
        yield from self.cast.credits
        yield from self.pictures


def parse(body: bytes, show_id: str, number: int) -> SeasonPage:
    """`/3/tv/{id}/season/{number}`."""
    drift = Drift()
    page = read(answer.read(body, f"season {number} of show {show_id}"), show_id, number, drift)
    page.drift = sorted(drift)
    return page


def read(node: Node, show_id: str, number: int, drift: Drift) -> SeasonPage:
    """A season. As a part of a show it has no parts itself: they stand beside it."""
    drift.check("season", node, _KEYS)
    found = season_number(node)
    if found != number:
        raise WrongPage(f"asked for season {number} of show {show_id}, the answer is about season {found}")
    ids, pictures = node.node("external_ids"), node.node("images")
    page = SeasonPage(season=_season(node, show_id, number))
    page.parts = frozenset(part for part in PARTS if part in node.data)
    page.season.external_ids = UNSET if ids is None else external_ids(ids, drift)
    if pictures is not None:
        page.pictures = list(images.gallery(pictures, drift, show_id=show_id, season_number=number))
    for entry in node.nodes("episodes"):
        page.episodes.append(episode(entry, show_id, drift))
        work.of_episode(entry, show_id, page.cast, drift)
    return page


def listed(node: Node, show_id: str, drift: Drift) -> Season:
    """An entry of a show's `seasons`."""
    drift.check("seasons", node, _LISTED_KEYS)
    season = _season(node, show_id, season_number(node))
    season.episode_count = count(node, "episode_count")
    return season


def season_number(node: Node) -> int:
    """The season's number."""
    number = node.integer("season_number")
    if number is None:
        raise ShapeError(f"{node.at('season_number')} is missing")
    return number


def episode(node: Node, show_id: str, drift: Drift) -> Episode:
    """An episode, of a season or as a show's newest or next one."""
    drift.check("episode", node, EPISODE_KEYS)
    if "show_id" in node.data and identifier(node, "show_id") != show_id:
        raise WrongPage(f"asked for show {show_id}, {node.path} is of show {identifier(node, 'show_id')}")
    return Episode(
        source="tmdb",
        id=identifier(node),
        show_id=show_id,
        season_number=count(node, "season_number"),
        episode_number=count(node, "episode_number"),
        episode_type=text(node, "episode_type"),
        title=text(node, "name"),
        overview=text(node, "overview"),
        air_date=dated(node, "air_date"),
        release_year=year(dated(node, "air_date")),
        rating=rating(node),
        vote_count=count(node, "vote_count"),
        production_code=text(node, "production_code"),
        runtime_seconds=runtime(node, "runtime"),
        image=image(node, "still_path"),
    )


def runtime(node: Node, key: str) -> Maybe[int]:
    """Minutes as seconds; TMDb's 0 is none."""
    minutes = node.integer(key)
    return stated(node, key, minutes * 60 if minutes else None)


def _season(node: Node, show_id: str, number: int) -> Season:
    return Season(
        source="tmdb",
        show_id=show_id,
        season_number=number,
        source_id=identifier(node),
        title=text(node, "name"),
        overview=text(node, "overview"),
        air_date=dated(node, "air_date"),
        rating=rating(node),
        image=image(node, "poster_path"),
    )
