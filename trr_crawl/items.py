"""The typed items that spiders yield, one class a kind.

A field has a value, or None where the source says that there is none, or UNSET where the page does not speak of it.
The difference matters: None replaces what was known, UNSET leaves it alone.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, ClassVar, Final, Literal, TypeAlias, TypeVar


class Unset(enum.Enum):
    """The type of UNSET."""

    UNSET = "unset"

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Final = Unset.UNSET
"""This page does not speak of the field."""

T = TypeVar("T")
Maybe: TypeAlias = T | Unset | None


@dataclass(kw_only=True, slots=True, frozen=True)
class Image:
    """A picture as the source describes it; the bytes are fetched by the image pipeline."""

    url: str
    """The original, without the source's resize instruction; case-exact."""
    width: int | None = None
    """Of the original, pixels."""
    height: int | None = None
    """Of the original, pixels."""
    caption: str | None = None
    """Plain text."""


@dataclass(kw_only=True, slots=True)
class Item:
    """What every item has."""

    kind: ClassVar[str]
    """The kind of thing described, one of `catalog.tables.KINDS`."""

    source: str
    """Who says it: "imdb", "tmdb", …"""

    @property
    def key(self) -> str:
        """The thing's id at the source, unique within source and kind."""
        raise NotImplementedError


@dataclass(kw_only=True, slots=True)
class Show(Item):
    """A series, or what its pages say of it."""

    kind: ClassVar[str] = "show"

    id: str
    """At the source: IMDb's tt…"""
    title: Maybe[str] = UNSET
    """As shown to a caller from `country`."""
    original_title: Maybe[str] = UNSET
    """In the language of the original."""
    country: Maybe[str] = UNSET
    """ISO 3166-1 code of the country that the source took the caller to be from; title and certificate follow it."""
    language: Maybe[str] = UNSET
    """BCP 47 tag of the language in which the source answered."""
    show_type: Maybe[str] = UNSET
    """The source's own word: tvSeries, tvMiniSeries, …"""
    production_status: Maybe[str] = UNSET
    """The source's own word: released, production, …"""
    publication_status: Maybe[str] = UNSET
    """Whether the source's entry is public: PUBLISHED, …"""
    canonical_id: Maybe[str] = UNSET
    """The id under which the source now keeps this title, when two entries became one."""
    start_year: Maybe[int] = UNSET
    """Year of the first release."""
    end_year: Maybe[int] = UNSET
    """Year of the last release; None while it runs."""
    overview: Maybe[str] = UNSET
    """Plain text (IMDb: plot)."""
    certificate: Maybe[str] = UNSET
    """Age rating in `country`."""
    runtime_seconds: Maybe[int] = UNSET
    """Of a typical episode."""
    rating: Maybe[float] = UNSET
    """Mean of the users' votes, 0 to 10."""
    vote_count: Maybe[int] = UNSET
    """Number of votes behind `rating`."""
    genres: Maybe[list[str]] = UNSET
    """In the source's order."""
    countries: Maybe[list[str]] = UNSET
    """Countries of origin, ISO 3166-1."""
    image: Maybe[Image] = UNSET
    """The primary picture."""
    season_labels: Maybe[list[str]] = UNSET
    """All seasons that the source lists, in its order: numbers, or "unknown"."""
    years: Maybe[list[str]] = UNSET
    """All years with episodes: numbers, or "unknown"."""
    total_episodes: Maybe[int] = UNSET
    """How many episodes the source claims to know."""
    unknown_season_episodes: Maybe[int] = UNSET
    """How many of them belong to no season."""
    top_rated_episode_rating: Maybe[float] = UNSET
    """The rating of its best rated episode."""
    top_episode_ids: Maybe[list[str]] = UNSET
    """Its best rated episodes, best first."""
    top_cast_ids: Maybe[list[str]] = UNSET
    """The first few of the cast, billing order."""
    creator_ids: Maybe[list[str]] = UNSET
    """Credited creators."""
    director_ids: Maybe[list[str]] = UNSET
    """Credited directors."""
    credits_total: Maybe[int] = UNSET
    """How many credits the source has."""
    reviews_total: Maybe[int] = UNSET
    """How many user reviews the source has."""
    trivia_total: Maybe[int] = UNSET
    """How many trivia entries the source has."""
    faqs_total: Maybe[int] = UNSET
    """How many FAQ entries the source has."""
    questions_total: Maybe[int] = UNSET
    """How many "top questions" the source has."""

    @property
    def key(self) -> str:
        return self.id


@dataclass(kw_only=True, slots=True)
class Season(Item):
    """One numbered season of a show; number 0 holds the specials."""

    kind: ClassVar[str] = "season"

    show_id: str
    """The show's id at the source."""
    season_number: int
    """0 and up."""
    episode_count: Maybe[int] = UNSET
    """How many episodes the source claims to know."""

    @property
    def key(self) -> str:
        return f"{self.show_id}/{self.season_number}"


@dataclass(kw_only=True, slots=True)
class Episode(Item):
    """One episode."""

    kind: ClassVar[str] = "episode"

    id: str
    """At the source: IMDb's tt…"""
    show_id: str
    """The show's id at the source."""
    season_number: Maybe[int] = UNSET
    """None where the source knows no season for it."""
    episode_number: Maybe[int] = UNSET
    """0 is an unaired pilot; None where the source knows no number."""
    episode_type: Maybe[str] = UNSET
    """The source's own word: tvEpisode, …"""
    title: Maybe[str] = UNSET
    """As shown to a caller from `country`."""
    country: Maybe[str] = UNSET
    """ISO 3166-1 code of the country that the source took the caller to be from; title and dates follow it."""
    overview: Maybe[str] = UNSET
    """Plain text (IMDb: plot)."""
    air_date: Maybe[date] = UNSET
    """First release in `country`; None unless year, month and day are known."""
    release_year: Maybe[int] = UNSET
    """Of the first release."""
    release_month: Maybe[int] = UNSET
    """Of the first release, 1 to 12."""
    rating: Maybe[float] = UNSET
    """Mean of the users' votes, 0 to 10; None before the first vote."""
    vote_count: Maybe[int] = UNSET
    """Number of votes behind `rating`."""
    can_rate: Maybe[bool] = UNSET
    """Whether the source takes votes yet: false before the release."""
    image: Maybe[Image] = UNSET
    """The primary picture, a still."""

    @property
    def key(self) -> str:
        return self.id


@dataclass(kw_only=True, slots=True)
class Person(Item):
    """Someone credited."""

    kind: ClassVar[str] = "person"

    id: str
    """At the source: IMDb's nm…"""
    name: Maybe[str] = UNSET
    """The name that the source leads with."""

    @property
    def key(self) -> str:
        return self.id


FIELDS: Final[dict[type[Item], tuple[str, ...]]] = {
    item_class: tuple(field.name for field in fields(item_class) if field.name != "source")
    for item_class in (Show, Season, Episode, Person)
}
"""The fields of each kind that go into its record; `source` is the record's own."""


def payload(item: Item) -> dict[str, Any]:
    """The fields that the item states, None included."""
    return {name: value for name in FIELDS[type(item)] if (value := getattr(item, name)) is not UNSET}
