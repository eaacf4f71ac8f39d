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
    """A series, or another title that is no episode: `show_type` tells which."""

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
    """The source's own word: tvSeries, tvMiniSeries, movie, …"""
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
    languages: Maybe[list[str]] = UNSET
    """Spoken languages, ISO 639-1 where there is such a code."""
    keywords: Maybe[list[str]] = UNSET
    """What users say it is about, in the source's order."""
    tags: Maybe[list[str]] = UNSET
    """The source's finer genres (IMDb: interests), such as "Reality TV Dating"."""
    tagline: Maybe[str] = UNSET
    """The slogan."""
    release_date: Maybe[date] = UNSET
    """First release in `country`; None unless year, month and day are known."""
    company_ids: Maybe[list[str]] = UNSET
    """Production companies at the source (IMDb's co…), in its order."""
    companies: Maybe[list[str]] = UNSET
    """Their names, in the same order."""
    networks: Maybe[list[str]] = UNSET
    """Names of the networks that first showed it."""
    trailer_url: Maybe[str] = UNSET
    """The trailer's page."""
    image: Maybe[Image] = UNSET
    """The primary picture."""
    total_seasons: Maybe[int] = UNSET
    """How many seasons with a number from 1 the source lists; None where it lists none."""
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
    certificate: Maybe[str] = UNSET
    """Age rating in `country`."""
    runtime_seconds: Maybe[int] = UNSET
    """Its length."""
    genres: Maybe[list[str]] = UNSET
    """In the source's order."""
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
    also_known_as: Maybe[list[str]] = UNSET
    """Other names, nicknames too, in the source's order."""
    birth_name: Maybe[str] = UNSET
    """The full name at birth."""
    biography: Maybe[str] = UNSET
    """Plain text."""
    birth_date: Maybe[date] = UNSET
    """None unless year, month and day are known."""
    birth_year: Maybe[int] = UNSET
    """Known more often than the day."""
    birth_place: Maybe[str] = UNSET
    """As the source writes it."""
    death_date: Maybe[date] = UNSET
    """None unless year, month and day are known."""
    death_year: Maybe[int] = UNSET
    """None while alive."""
    death_place: Maybe[str] = UNSET
    """As the source writes it."""
    death_cause: Maybe[str] = UNSET
    """As the source writes it."""
    height_centimetres: Maybe[float] = UNSET
    """Body height."""
    professions: Maybe[list[str]] = UNSET
    """The source's words, the main one first."""
    known_for_ids: Maybe[list[str]] = UNSET
    """Titles that the source names first (IMDb's tt…)."""
    credits_total: Maybe[int] = UNSET
    """How many credits the source has."""
    images_total: Maybe[int] = UNSET
    """How many pictures the source has."""
    image: Maybe[Image] = UNSET
    """The primary picture."""

    @property
    def key(self) -> str:
        return self.id


@dataclass(kw_only=True, slots=True)
class Credit(Item):
    """One person's work on one title, in one category."""

    kind: ClassVar[str] = "credit"

    show_id: str
    """The title's id at the source."""
    person_id: str
    """The person's id at the source."""
    category: str
    """One word a trade: "cast" (acting, as self and archive footage alike), "director", "sound_department", …"""
    category_name: Maybe[str] = UNSET
    """The source's own words for the category: "Sound Department"."""
    billing_order: Maybe[int] = UNSET
    """Place within the category, from 1."""
    characters: Maybe[list[str]] = UNSET
    """Roles as credited: "Self - Host", "Jane Doe"."""
    jobs: Maybe[list[str]] = UNSET
    """For crew: "executive producer", "creator"."""
    attributes: Maybe[list[str]] = UNSET
    """The source's remarks: "uncredited", "archive footage", "as Jo Doe"; without their brackets."""
    credited_as: Maybe[str] = UNSET
    """The name on screen, where the source says that it is another one."""
    as_self: Maybe[bool] = UNSET
    """Whether the person appears as themselves, hosts, judges and narrators included."""
    uncredited: Maybe[bool] = UNSET
    """Whether the work went unnamed."""
    archive_footage: Maybe[bool] = UNSET
    """Whether the person only appears in older material."""
    episode_count: Maybe[int] = UNSET
    """Episodes of the series that the credit is for."""
    start_year: Maybe[int] = UNSET
    """Of the first such episode."""
    end_year: Maybe[int] = UNSET
    """Of the last such episode."""

    @property
    def key(self) -> str:
        return f"{self.show_id}/{self.person_id}/{self.category}"


@dataclass(kw_only=True, slots=True)
class EpisodeCredit(Item):
    """One person's work on one episode, in one category."""

    kind: ClassVar[str] = "episode_credit"

    show_id: str
    """The series' id at the source."""
    episode_id: str
    """The episode's id at the source."""
    person_id: str
    """The person's id at the source."""
    category: str
    """As in Credit."""
    characters: Maybe[list[str]] = UNSET
    """As in Credit."""
    attributes: Maybe[list[str]] = UNSET
    """As in Credit."""
    as_self: Maybe[bool] = UNSET
    """As in Credit."""
    uncredited: Maybe[bool] = UNSET
    """As in Credit."""
    archive_footage: Maybe[bool] = UNSET
    """As in Credit."""

    @property
    def key(self) -> str:
        return f"{self.episode_id}/{self.person_id}/{self.category}"


@dataclass(kw_only=True, slots=True)
class Picture(Item):
    """A picture as a gallery describes it."""

    kind: ClassVar[str] = "image"

    picture_id: str
    """What stays the same however it is resized: IMDb's file name before `._V1`, case-exact."""
    url: Maybe[str] = UNSET
    """The original, without the source's resize instruction; case-exact."""
    source_id: Maybe[str] = UNSET
    """The id of the source's entry about it: IMDb's rm…"""
    width: Maybe[int] = UNSET
    """Of the original, pixels."""
    height: Maybe[int] = UNSET
    """Of the original, pixels."""
    image_type: Maybe[str] = UNSET
    """The source's own word: still_frame, event, poster, …"""
    caption: Maybe[str] = UNSET
    """Plain text."""
    copyright: Maybe[str] = UNSET
    """Whose it is."""
    person_ids: Maybe[list[str]] = UNSET
    """The people in it."""
    title_ids: Maybe[list[str]] = UNSET
    """The titles that it belongs to, episodes included."""

    @property
    def key(self) -> str:
        return self.picture_id


@dataclass(kw_only=True, slots=True)
class GalleryEntry(Item):
    """A picture's place with the show or person that it shows."""

    kind: ClassVar[str] = "gallery_entry"

    picture_id: str
    """As in Picture."""
    show_id: Maybe[str] = UNSET
    """Whose gallery it is, when a show's."""
    person_id: Maybe[str] = UNSET
    """Whose gallery it is, when a person's."""
    position: Maybe[int] = UNSET
    """Place in that gallery, from 1; UNSET where another gallery only says who is in the picture."""

    @property
    def key(self) -> str:
        return f"{self.show_id or self.person_id}/{self.picture_id}"


@dataclass(kw_only=True, slots=True)
class TitleList(Item):
    """A list of titles that somebody keeps."""

    kind: ClassVar[str] = "list"

    id: str
    """At the source: IMDb's ls…, or ur…/watchlist."""
    name: Maybe[str] = UNSET
    """Its heading."""
    description: Maybe[str] = UNSET
    """Plain text."""
    author: Maybe[str] = UNSET
    """Who keeps it."""
    total_entries: Maybe[int] = UNSET
    """How many entries the source claims."""

    @property
    def key(self) -> str:
        return self.id


@dataclass(kw_only=True, slots=True)
class ListEntry(Item):
    """A title's place on a list."""

    kind: ClassVar[str] = "list_entry"

    list_id: str
    """The list's id at the source."""
    show_id: str
    """The title's id at the source; of an episode, its series'."""
    episode_id: Maybe[str] = UNSET
    """The episode's id at the source, if the entry is one."""
    occurrence: int
    """1, or 2 and up where the list names the same title again."""
    position: Maybe[int] = UNSET
    """Rank, from 1."""
    note: Maybe[str] = UNSET
    """What its keeper says of it."""
    added_on: Maybe[date] = UNSET
    """When it was put on the list."""

    @property
    def key(self) -> str:
        return f"{self.list_id}/{self.episode_id or self.show_id}/{self.occurrence}"


@dataclass(kw_only=True, slots=True)
class Candidate(Item):
    """A title that a name may mean. An answer to a question: it is never stored."""

    kind: ClassVar[str] = "candidate"

    query: str
    """The name that was looked for."""
    id: str
    """The title's id at the source: IMDb's tt…"""
    name: Maybe[str] = UNSET
    """The title's name."""
    year: Maybe[int] = UNSET
    """Of the first release."""
    end_year: Maybe[int] = UNSET
    """Of the last release; None for what runs, or was released once."""
    type: Maybe[str] = UNSET
    """The source's own word: tvSeries, movie, …"""
    rank: Maybe[int] = UNSET
    """Place among the titles that the source's users look at most."""
    position: Maybe[int] = UNSET
    """Place in the answer, from 1: the likeliest first."""

    @property
    def key(self) -> str:
        return f"{self.query}/{self.id}"


@dataclass(kw_only=True, slots=True, frozen=True)
class Inventory:
    """All that a source has of one kind within one parent: what it once named there and no longer names is gone."""

    source: str
    """As in Item."""
    kind: str
    """Of the things: "episode", "list_entry", …"""
    parent_field: str
    """The field of their items that names the parent: "show_id", "list_id", …"""
    parent_id: str
    """The parent's id at the source."""
    keys: frozenset[str]
    """The keys of all of them."""


FIELDS: Final[dict[type[Item], tuple[str, ...]]] = {
    item_class: tuple(field.name for field in fields(item_class) if field.name != "source")
    for item_class in (
        Show,
        Season,
        Episode,
        Person,
        Credit,
        EpisodeCredit,
        Picture,
        GalleryEntry,
        TitleList,
        ListEntry,
        Candidate,
    )
}
"""The fields of each kind that go into its record; `source` is the record's own."""


def payload(item: Item) -> dict[str, Any]:
    """The fields that the item states, None included."""
    return {name: value for name in FIELDS[type(item)] if (value := getattr(item, name)) is not UNSET}
