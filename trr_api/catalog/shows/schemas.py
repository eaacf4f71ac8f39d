"""The shapes of shows, and of what one may ask about them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from trr_api.catalog.credits.schemas import Credit
from trr_api.catalog.episodes.schemas import Season
from trr_api.catalog.places import Id
from trr_api.catalog.schemas import EpisodeReference, Kept, Organisation, Picture, Ratings, Shape
from trr_api.catalog.shows import queries
from trr_api.paging import PageParameters
from trr_api.parameters import Moment, Names, Parameters, Word


class ShowsParameters(PageParameters):
    """Which shows, in which order. Names are compared exactly."""

    sort: Literal["name", "popularity", "rating", "newest_episode", "updated"] = "name"
    """`name` from A on, the others from the top; `newest_episode` has the shows of which an episode has aired."""
    genre: Word | None = Field(default=None, examples=["Reality-TV"])
    network: Word | None = Field(default=None, examples=["Harbour Channel"])
    """Its name, or its id here."""
    company: Word | None = None
    """Its name, or its id here."""
    tag: Word | None = None
    status: Word | None = None
    type: Word | None = Field(default=None, examples=["tvSeries"])
    year: Annotated[int, Field(ge=1800, le=2200)] | None = Field(default=None, examples=[2019])
    """In which the show began."""
    list: Id | None = None
    """Id of a list that the show is on."""
    provider: Id | None = None
    """Id of a watch provider that offers the show."""
    region: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = Field(default=None, examples=["US"])
    """Where the provider offers it: a country's two letters. Only together with `provider`."""
    updated_since: Moment | None = None
    fields: Annotated[str | None, Names(queries.SUMMARY)] = None
    """Only these fields, by commas."""


class ShowParameters(Parameters):
    """How much of a show."""

    fields: Annotated[str | None, Names(queries.DETAIL)] = None
    """Only these fields, by commas."""
    expand: Annotated[str | None, Names(queries.EXPANSIONS)] = None
    """Also these, by commas."""


class ShowSummary(Kept):
    """A show in a list."""

    slug: str | None = Field(examples=["harbour-hearts"])
    """Its readable address. It changes with the title; the old one leads on."""
    title: str | None = Field(examples=["Harbour Hearts"])
    original_title: str | None
    type: str | None = Field(examples=["tvSeries"])
    status: str | None = Field(examples=["Returning Series"])
    start_year: int | None = Field(examples=[2019])
    end_year: int | None
    premiere_date: date | None
    overview: str | None
    genres: list[str] = Field(examples=[["Reality-TV"]])
    networks: list[str] = Field(examples=[["Harbour Channel"]])
    total_seasons: int | None
    total_episodes: int | None
    """Without specials."""
    total_specials: int | None
    ratings: Ratings
    popularity: float | None
    """TMDb's."""
    poster: Picture | None


class Provider(Shape):
    """Who offers a show."""

    id: UUID
    name: str | None = Field(examples=["Streamly"])
    logo_url: str | None
    display_priority: int | None
    link: str | None
    """Where the offer is, or a page with all offers of the region."""
    note: str | None = Field(examples=["from $2.99"])


class Offers(Shape):
    """The offers of a region on one kind of terms."""

    region: str = Field(examples=["US"])
    offer_type: str = Field(examples=["flatrate"])
    link: str | None
    providers: list[Provider]


class Show(ShowSummary):
    """A show alone."""

    tagline: str | None
    certificate: str | None = Field(examples=["TV-14"])
    runtime_seconds: int | None = Field(examples=[2640])
    programme_type: str | None
    in_production: bool | None
    adult: bool | None
    homepage: str | None
    trailer_url: str | None
    original_language: str | None
    languages: list[str]
    countries: list[str]
    production_countries: list[str]
    keywords: list[str]
    tags: list[str]
    companies: list[str]
    network_details: list[Organisation]
    company_details: list[Organisation]
    providers: list[Offers]
    alternative_titles: list[Any]
    content_ratings: list[Any]
    videos: list[Any]
    filming_locations: list[Any]
    last_air_date: date | None
    """As TMDb says."""
    newest_episode: EpisodeReference | None
    """The last one that has aired by today (UTC), specials aside."""
    listed_on: list[str] = Field(examples=[["imdb"]])
    """Sources on whose lists the show is."""
    external_ids: dict[str, str] = Field(examples=[{"imdb": "tt0000001", "tmdb": "1"}])
    """Source -> id; the first where a source has several. `/find` knows all of them."""
    seasons: list[Season] | None = None
    """Only with `expand=seasons`."""
    top_cast: list[Credit] | None = None
    """The first 20 in billing order. Only with `expand=top_cast`."""
    provenance: dict[str, Any] | None = None
    """Field of the catalog -> the source that it came from. Only with `expand=provenance`."""
    translations: list[Any] | None = None
    """Only with `expand=translations`."""
