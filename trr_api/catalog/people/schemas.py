"""The shapes of people, and of what one may ask about them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from trr_api.catalog.credits.schemas import WorkOnShow
from trr_api.catalog.people import queries
from trr_api.catalog.schemas import Kept, PersonReference, Picture, Shape, ShowReference
from trr_api.paging import PageParameters
from trr_api.parameters import Names, Parameters, Word


class PeopleParameters(PageParameters):
    """Which people, in which order."""

    sort: Literal["name", "popularity"] = "name"
    name: Word | None = Field(default=None, examples=["mara"])
    """How the name begins, whatever its case. For typos and aliases there is `/search`."""
    fields: Annotated[str | None, Names(queries.SUMMARY)] = None
    """Only these fields, by commas."""


class PersonParameters(Parameters):
    """How much of a person."""

    fields: Annotated[str | None, Names(queries.DETAIL)] = None
    """Only these fields, by commas."""
    expand: Annotated[str | None, Names(queries.EXPANSIONS)] = None
    """Also these, by commas."""


class PersonSummary(Kept):
    """A person in a list."""

    slug: str | None = Field(examples=["mara-lindqvist"])
    name: str | None = Field(examples=["Mara Lindqvist"])
    known_for_department: str | None
    professions: list[str]
    birth_date: date | None = Field(examples=["1985-09-14"])
    birth_year: int | None
    popularity: float | None
    """TMDb's."""
    picture: Picture | None


class FandomPage(Shape):
    """What a wiki of Fandom says of a person, as it says it."""

    wiki: str | None = Field(examples=["harbour-hearts"])
    title: str | None
    url: str | None
    revision_id: int | None
    aliases: list[str]
    summary: str | None
    infobox: Any
    seasons: Any
    relations: Any
    taglines: Any
    seating: Any
    trivia: list[str]


class Person(PersonSummary):
    """A person alone."""

    full_name: str | None
    birth_name: str | None
    original_name: str | None
    also_known_as: list[str]
    biography: str | None
    birth_place: str | None
    death_date: date | None
    death_year: int | None
    death_place: str | None
    death_cause: str | None
    gender: str | None
    height_centimetres: float | None
    weight_kilograms: float | None
    hair_colour: str | None
    eye_colour: str | None
    residence: str | None
    adult: bool | None
    homepage: str | None
    external_ids: dict[str, str] = Field(examples=[{"imdb": "nm0000001"}])
    """Source -> id; the first where a source has several. `/find` knows all of them."""
    fandom: list[FandomPage] | None = None
    """Only with `expand=fandom`."""
    provenance: dict[str, Any] | None = None
    """Only with `expand=provenance`."""


class PersonCredit(WorkOnShow):
    """What a person did on a show."""

    show: ShowReference
    seasons: list[int] = Field(examples=[[1, 2]])
    """Seasons in whose episodes the person is seen."""
    episodes_seen: int


class CoStar(Shape):
    """Somebody of the same casts."""

    person: PersonReference
    shared_shows: int
    shows: list[ShowReference]
