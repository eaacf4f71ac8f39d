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


@dataclass(kw_only=True, slots=True, frozen=True)
class Role:
    """One of the characters that somebody plays, or one of the jobs that somebody does, counted by itself."""

    id: str | None = None
    """Of the source's entry about it (TMDb: hexadecimal)."""
    name: str | None = None
    """The character or job as credited; None where the source leaves it open."""
    episode_count: int | None = None
    """Episodes with it."""


@dataclass(kw_only=True, slots=True, frozen=True)
class AlternativeTitle:
    """What a show is also called."""

    title: str
    """As the source writes it."""
    country: str | None = None
    """ISO 3166-1 code of the country that calls it so."""
    note: str | None = None
    """The source's remark: "working title"."""


@dataclass(kw_only=True, slots=True, frozen=True)
class ContentRating:
    """A country's age rating."""

    country: str
    """ISO 3166-1 code."""
    rating: str
    """The country's own word: "TV-14"."""
    descriptors: tuple[str, ...] = ()
    """Why it has that rating."""


@dataclass(kw_only=True, slots=True, frozen=True)
class Translation:
    """What a show is called, and said to be, in another language."""

    language: str
    """ISO 639-1 code."""
    country: str
    """ISO 3166-1 code."""
    title: str | None = None
    """Its name there, where it has another one."""
    overview: str | None = None
    """Plain text."""
    tagline: str | None = None
    """The slogan."""
    homepage: str | None = None
    """The address."""


@dataclass(kw_only=True, slots=True, frozen=True)
class Video:
    """A trailer, teaser or clip."""

    id: str
    """At the source (TMDb: hexadecimal)."""
    site: str
    """Where it is shown: "YouTube"."""
    site_id: str
    """Its id there."""
    name: str | None = None
    """Its heading."""
    type: str | None = None
    """The source's own word: "Trailer"."""
    official: bool | None = None
    """Whether it comes from the makers."""
    language: str | None = None
    """ISO 639-1 code."""


@dataclass(kw_only=True, slots=True, frozen=True)
class FilmingLocation:
    """A place where a title was filmed."""

    place: str
    """As the source writes it, from the small to the large."""
    id: str | None = None
    """Of the source's entry about it: IMDb's lc…"""
    notes: tuple[str, ...] = ()
    """The source's remarks: what was filmed there."""


@dataclass(kw_only=True, slots=True, frozen=True)
class InfoboxRow:
    """One row of a wiki's infobox, as it stands there."""

    source: str | None
    """The template's own key for it, which is not the label: "Relationships" shows as "Romances"."""
    label: str
    """As readers see it."""
    values: list[str]
    """Plain text, a line each."""
    links: list[str]
    """Where they lead, in order; links to pages that nobody wrote yet are left out."""


@dataclass(kw_only=True, slots=True, frozen=True)
class SeasonSpan:
    """Seasons in a row in which somebody had one part."""

    role: str
    """One word a part: "main", "friend", "guest"."""
    first: int
    """The number of the first season."""
    last: int | None
    """Of the last one; None while it goes on."""


@dataclass(kw_only=True, slots=True, frozen=True)
class Relation:
    """Somebody or something that a page names beside its own subject."""

    kind: str
    """What they are to each other, one word: "romance", "family", "friend", "enemy", "installment"."""
    name: str
    """As the page writes it."""
    url: str | None = None
    """Of their own page, if it is linked."""
    title: str | None = None
    """Of that page."""
    note: str | None = None
    """The page's remark: "Husband"."""


@dataclass(kw_only=True, slots=True, frozen=True)
class Tagline:
    """What somebody says in the opening titles of a season."""

    season: int | None
    """Its number; None where the page names it otherwise."""
    season_label: str
    """As the page names it."""
    opening_order: int | None
    """Place in the opening titles, from 1."""
    tagline: str
    """Without its quotation marks."""


@dataclass(kw_only=True, slots=True, frozen=True)
class Seat:
    """Where somebody sat at a reunion."""

    season: int | None
    """As in Tagline."""
    season_label: str
    """As in Tagline."""
    side: str | None
    """Seen from the host: "left", "right"."""
    seat_order: int | None
    """Distance from the host, from 1."""


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
    external_ids: Maybe[dict[str, str]] = UNSET
    """Its ids at other sources and accounts on networks: {"imdb": "tt…", "tvdb": "…", "wikidata": "Q…"}."""
    programme_type: Maybe[str] = UNSET
    """What sort of programme it is, in the source's own word: Reality, Talk Show, Scripted, …"""
    in_production: Maybe[bool] = UNSET
    """Whether more of it is being made."""
    adult: Maybe[bool] = UNSET
    """Whether the source keeps it from minors."""
    homepage: Maybe[str] = UNSET
    """Its own address on the web."""
    popularity: Maybe[float] = UNSET
    """The source's measure of how much it is looked at just now; compares within a source only."""
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
    main_genres: Maybe[list[str]] = UNSET
    """The first few, where the page may not show all: `genres` is UNSET then, and so with all fields called main."""
    countries: Maybe[list[str]] = UNSET
    """Countries of origin, ISO 3166-1."""
    main_countries: Maybe[list[str]] = UNSET
    """The first, where the page may not show all."""
    languages: Maybe[list[str]] = UNSET
    """Spoken languages, ISO 639-1 where there is such a code."""
    keywords: Maybe[list[str]] = UNSET
    """What users say it is about, in the source's order."""
    main_keywords: Maybe[list[str]] = UNSET
    """The first few, where the page may not show all."""
    tags: Maybe[list[str]] = UNSET
    """The source's finer genres (IMDb: interests), such as "Reality TV Dating"."""
    main_tags: Maybe[list[str]] = UNSET
    """The first few, where the page may not show all."""
    filming_locations: Maybe[list[FilmingLocation]] = UNSET
    """In the source's order."""
    main_filming_locations: Maybe[list[FilmingLocation]] = UNSET
    """The first few, where the page may not show all."""
    tagline: Maybe[str] = UNSET
    """The slogan."""
    release_date: Maybe[date] = UNSET
    """First release in `country`; None unless year, month and day are known."""
    company_ids: Maybe[list[str]] = UNSET
    """Production companies at the source (IMDb's co…), in its order."""
    companies: Maybe[list[str]] = UNSET
    """Their names, in the same order."""
    main_company_ids: Maybe[list[str]] = UNSET
    """The first few, where the page may not show all."""
    main_companies: Maybe[list[str]] = UNSET
    """Their names, in the same order."""
    networks: Maybe[list[str]] = UNSET
    """Names of the networks that first showed it."""
    main_networks: Maybe[list[str]] = UNSET
    """Those of them among the distributors that the page shows, where it does not show all."""
    network_ids: Maybe[list[str]] = UNSET
    """Ids of `networks` at the source, in the same order."""
    original_language: Maybe[str] = UNSET
    """ISO 639-1 code."""
    production_countries: Maybe[list[str]] = UNSET
    """Where it is made, ISO 3166-1."""
    last_air_date: Maybe[date] = UNSET
    """Of the newest episode; None unless year, month and day are known."""
    last_episode_id: Maybe[str] = UNSET
    """The newest episode that was shown."""
    next_episode_id: Maybe[str] = UNSET
    """The one that comes next; None where none is announced."""
    alternative_titles: Maybe[list[AlternativeTitle]] = UNSET
    """In the source's order."""
    translations: Maybe[list[Translation]] = UNSET
    """In the source's order."""
    content_ratings: Maybe[list[ContentRating]] = UNSET
    """Age ratings of all countries; a country may have several."""
    videos: Maybe[list[Video]] = UNSET
    """In the source's order."""
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
    total_specials: Maybe[int] = UNSET
    """How many specials it counts apart from them."""
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
    main_creator_ids: Maybe[list[str]] = UNSET
    """The first few, where the page may not show all."""
    director_ids: Maybe[list[str]] = UNSET
    """Credited directors."""
    main_director_ids: Maybe[list[str]] = UNSET
    """The first few, where the page may not show all."""
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
    source_id: Maybe[str] = UNSET
    """Its own id at the source, where it has one."""
    external_ids: Maybe[dict[str, str]] = UNSET
    """As in Show."""
    title: Maybe[str] = UNSET
    """What the season is called: "Season 1", "Specials"."""
    overview: Maybe[str] = UNSET
    """Plain text."""
    air_date: Maybe[date] = UNSET
    """Of its first episode; None unless year, month and day are known."""
    rating: Maybe[float] = UNSET
    """Mean of the users' votes, 0 to 10; None before the first vote."""
    image: Maybe[Image] = UNSET
    """The primary picture, a poster."""

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
    production_code: Maybe[str] = UNSET
    """The makers' number for it."""
    external_ids: Maybe[dict[str, str]] = UNSET
    """As in Show."""
    can_rate: Maybe[bool] = UNSET
    """Whether the source takes votes yet: false before the release."""
    certificate: Maybe[str] = UNSET
    """Age rating in `country`."""
    runtime_seconds: Maybe[int] = UNSET
    """Its length."""
    genres: Maybe[list[str]] = UNSET
    """In the source's order."""
    main_genres: Maybe[list[str]] = UNSET
    """The first few, where the page may not show all."""
    filming_locations: Maybe[list[FilmingLocation]] = UNSET
    """As in Show."""
    main_filming_locations: Maybe[list[FilmingLocation]] = UNSET
    """As in Show."""
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
    original_name: Maybe[str] = UNSET
    """In the person's own script."""
    external_ids: Maybe[dict[str, str]] = UNSET
    """As in Show."""
    gender: Maybe[str] = UNSET
    """female, male or non-binary; None where the source does not know."""
    adult: Maybe[bool] = UNSET
    """Whether the source keeps their entry from minors."""
    homepage: Maybe[str] = UNSET
    """Their own address on the web."""
    popularity: Maybe[float] = UNSET
    """As in Show."""
    known_for_department: Maybe[str] = UNSET
    """The source's word for what they mostly do: Acting, Directing, …"""
    also_known_as: Maybe[list[str]] = UNSET
    """Other names, nicknames too, in the source's order."""
    full_name: Maybe[str] = UNSET
    """With all given names and surnames, as they are now."""
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
    weight_kilograms: Maybe[float] = UNSET
    """Body weight."""
    hair_colour: Maybe[str] = UNSET
    """As the source writes it."""
    eye_colour: Maybe[str] = UNSET
    """As the source writes it."""
    residence: Maybe[str] = UNSET
    """Where they live, as the source writes it."""
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
    roles: Maybe[list[Role]] = UNSET
    """Each character or job by itself, where the source counts their episodes apart."""
    characters: Maybe[list[str]] = UNSET
    """Roles as credited: "Self - Host", "Jane Doe"."""
    main_characters: Maybe[list[str]] = UNSET
    """The first few, where the page may not show all."""
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
    jobs: Maybe[list[str]] = UNSET
    """As in Credit."""
    guest: Maybe[bool] = UNSET
    """Whether it is a guest and none of the regular cast."""
    characters: Maybe[list[str]] = UNSET
    """As in Credit."""
    main_characters: Maybe[list[str]] = UNSET
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
    section: Maybe[str] = UNSET
    """The heading under which a gallery shows it."""
    caption: Maybe[str] = UNSET
    """Plain text."""
    language: Maybe[str] = UNSET
    """ISO 639-1 code of the words on it; None where it bears none."""
    country: Maybe[str] = UNSET
    """ISO 3166-1 code of the country that it is meant for."""
    rating: Maybe[float] = UNSET
    """Mean of the users' votes, 0 to 10; None before the first vote."""
    vote_count: Maybe[int] = UNSET
    """Number of votes behind `rating`."""
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
    season_number: Maybe[int] = UNSET
    """The season of the show that it is for, where it is for one."""

    @property
    def key(self) -> str:
        return f"{self.show_id or self.person_id}/{self.picture_id}"


@dataclass(kw_only=True, slots=True)
class Network(Item):
    """Who shows programmes: a television channel, a streaming service."""

    kind: ClassVar[str] = "network"

    id: str
    """At the source."""
    name: Maybe[str] = UNSET
    """As the source writes it."""
    country: Maybe[str] = UNSET
    """ISO 3166-1 code."""
    headquarters: Maybe[str] = UNSET
    """As the source writes it."""
    homepage: Maybe[str] = UNSET
    """The address."""
    logo_url: Maybe[str] = UNSET
    """The original of the primary logo."""
    logos: Maybe[list[Image]] = UNSET
    """All of them, in the source's order."""

    @property
    def key(self) -> str:
        return self.id


@dataclass(kw_only=True, slots=True)
class Company(Item):
    """Who makes programmes."""

    kind: ClassVar[str] = "company"

    id: str
    """At the source."""
    name: Maybe[str] = UNSET
    """As the source writes it."""
    country: Maybe[str] = UNSET
    """ISO 3166-1 code."""
    headquarters: Maybe[str] = UNSET
    """As the source writes it."""
    homepage: Maybe[str] = UNSET
    """The address."""
    description: Maybe[str] = UNSET
    """Plain text."""
    owner_id: Maybe[str] = UNSET
    """The company that it belongs to, at the source; None for one that stands by itself."""
    logo_url: Maybe[str] = UNSET
    """The original of the primary logo."""
    logos: Maybe[list[Image]] = UNSET
    """All of them, in the source's order."""

    @property
    def key(self) -> str:
        return self.id


@dataclass(kw_only=True, slots=True)
class WatchProvider(Item):
    """Where programmes can be watched: a streaming service, a shop."""

    kind: ClassVar[str] = "watch_provider"

    id: str
    """At the source."""
    name: Maybe[str] = UNSET
    """As the source writes it."""
    logo_url: Maybe[str] = UNSET
    """The original of its logo."""

    @property
    def key(self) -> str:
        return self.id


@dataclass(kw_only=True, slots=True)
class Offer(Item):
    """A way to watch a show: one provider's, in one region, on one kind of terms."""

    kind: ClassVar[str] = "offer"

    show_id: str
    """The show's id at the source."""
    region: str
    """ISO 3166-1 code."""
    offer_type: str
    """The terms in the source's own word: flatrate, free, ads, rent, buy; streaming, rent_buy."""
    provider_id: str
    """The provider's id at the source."""
    display_priority: Maybe[int] = UNSET
    """The provider's place in the region's order, the lowest first."""
    link: Maybe[str] = UNSET
    """Where it leads: the title's page at the provider (IMDb), or a page with all offers of the region (TMDb)."""
    note: Maybe[str] = UNSET
    """The source's remark: "from $2.99"."""

    @property
    def key(self) -> str:
        return f"{self.show_id}/{self.region}/{self.offer_type}/{self.provider_id}"


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
class FandomPage(Item):
    """A page of a wiki about somebody. It is kept whoever it is about, and attached to a person only with evidence."""

    kind: ClassVar[str] = "fandom_page"

    wiki: str
    """Which wiki: "real-housewives", or "de/real-housewives" for one in another language."""
    page_id: int
    """The page's number there; it outlives a new title."""
    title: Maybe[str] = UNSET
    """As its address names it."""
    display_title: Maybe[str] = UNSET
    """As the page shows it."""
    aliases: Maybe[list[str]] = UNSET
    """Other names that the page itself gives its subject."""
    url: Maybe[str] = UNSET
    """The page's address."""
    revision_id: Maybe[int] = UNSET
    """The revision that was read."""
    categories: Maybe[list[str]] = UNSET
    """In the page's order, hidden ones left out."""
    infobox: Maybe[list[InfoboxRow]] = UNSET
    """All rows; empty where there is no infobox."""
    image: Maybe[Image] = UNSET
    """The picture of the infobox."""
    full_name: Maybe[str] = UNSET
    """As in Person; UNSET, like all that follows, where the infobox has no such row."""
    birth_name: Maybe[str] = UNSET
    """As in Person."""
    birth_date: Maybe[date] = UNSET
    """None unless year, month and day are known."""
    birth_year: Maybe[int] = UNSET
    """Known more often than the day."""
    birth_place: Maybe[str] = UNSET
    """As the page writes it."""
    gender: Maybe[str] = UNSET
    """As in Person."""
    residence: Maybe[str] = UNSET
    """As in Person."""
    hair_colour: Maybe[str] = UNSET
    """As in Person."""
    eye_colour: Maybe[str] = UNSET
    """As in Person."""
    height_centimetres: Maybe[float] = UNSET
    """Body height."""
    weight_kilograms: Maybe[float] = UNSET
    """Body weight."""
    professions: Maybe[list[str]] = UNSET
    """As in Person."""
    seasons: Maybe[list[SeasonSpan]] = UNSET
    """The seasons that its subject was part of."""
    relations: Maybe[list[Relation]] = UNSET
    """People, and the installments of a franchise, in the page's order."""
    summary: Maybe[str] = UNSET
    """The first paragraph, plain text."""
    taglines: Maybe[list[Tagline]] = UNSET
    """In the page's order."""
    seating: Maybe[list[Seat]] = UNSET
    """Of reunions, in the page's order."""
    trivia: Maybe[list[str]] = UNSET
    """Plain text, an entry each."""
    wanted_name: Maybe[str] = UNSET
    """Whose page was looked for."""
    wanted_id: Maybe[str] = UNSET
    """Their id at IMDb, where it was known."""
    evidence: Maybe[list[str]] = UNSET
    """What speaks for it that the page is about them."""
    reason: Maybe[str] = UNSET
    """Why it was not attached to them; None where it was."""
    person_id: Maybe[str] = UNSET
    """The person that it is attached to: `{wiki}:{page_id}`, as in Person; UNSET where it is attached to nobody."""

    @property
    def key(self) -> str:
        return f"{self.wiki}/{self.page_id}"


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
    score: Maybe[float] = UNSET
    """How well it fits; compares within one answer only."""
    evidence: Maybe[list[str]] = UNSET
    """What the score rests on."""

    @property
    def key(self) -> str:
        return f"{self.query}/{self.id}"


@dataclass(kw_only=True, slots=True)
class Change(Item):
    """Word that something about a thing changed at the source. It is no record: it makes the thing due."""

    kind: ClassVar[str] = "change"

    of: str
    """The kind of the thing: "show", "person"."""
    id: str
    """The thing's id at the source."""
    since: Maybe[date] = UNSET
    """The first day of the time that was asked for."""
    until: Maybe[date] = UNSET
    """The last day of it."""

    @property
    def key(self) -> str:
        return f"{self.of}/{self.id}"


@dataclass(kw_only=True, slots=True)
class ImageRequest(Item):
    """A picture whose file is to be fetched. It says what to fetch: it is never stored itself."""

    kind: ClassVar[str] = "image_request"

    url: str
    """The original; case-exact."""
    owners: str
    """What sort of thing shows it: "shows", "people", "seasons", "episodes", "logos"."""
    owner_id: str
    """That thing's id at the source."""
    image_kind: str
    """The source's word for what it shows, "primary" for the picture that the thing itself names; of logos, whose."""

    @property
    def key(self) -> str:
        return self.url

    @property
    def is_logo(self) -> bool:
        """Whether it may be a drawing, and is wanted as a PNG."""
        return self.owners == "logos" or self.image_kind == "logo"


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
    stating: str | None = None
    """Only things whose items state this field are counted here: others are told of by somebody else's page."""
    value: str | None = None
    """Only things whose items state this value there: offers of other regions, say, were not asked for."""


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
        Network,
        Company,
        WatchProvider,
        Offer,
        TitleList,
        ListEntry,
        FandomPage,
        Candidate,
        Change,
        ImageRequest,
    )
}
"""The fields of each kind that go into its record; `source` is the record's own."""


def payload(item: Item) -> dict[str, Any]:
    """The fields that the item states, None included."""
    return {name: value for name in FIELDS[type(item)] if (value := getattr(item, name)) is not UNSET}
