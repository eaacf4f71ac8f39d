"""The shapes of search."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from trr_api.catalog.places import Id
from trr_api.catalog.schemas import EpisodeReference, PersonReference, Shape, ShowReference
from trr_api.paging import PageParameters
from trr_api.parameters import Names, Parameters, Word
from trr_api.search.queries import KINDS


def _composed(text: str) -> str:
    """Letters and their accents as one: some keyboards send them apart."""
    return unicodedata.normalize("NFC", text)


class Asked(Parameters):
    """What to look for. The facets narrow shows, and episodes by their show; people are left out then."""

    q: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$"), AfterValidator(_composed)] = Field(
        examples=["harbour hearts"]
    )
    """A name, its beginning, words of it or of what is told, or something spelled like it. Case and accents do not
    count."""
    kind: Annotated[str | None, Names(KINDS)] = Field(default=None, examples=["show,person"])
    """Only these kinds, by commas."""
    genre: Word | None = Field(default=None, examples=["Reality-TV"])
    network: Word | None = Field(default=None, examples=["Harbour Channel"])
    provider: Id | None = None
    """Id of a watch provider that offers the show."""
    region: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = Field(default=None, examples=["US"])
    """Where the provider offers it: a country's two letters. Only together with `provider`."""


class SearchParameters(Asked, PageParameters):
    """A page of what is found."""


class Counted(Shape):
    """A value of a facet."""

    value: str = Field(examples=["Reality-TV"])
    count: int = Field(ge=1, examples=[3])


class CountedProvider(Shape):
    """A watch provider in a country."""

    id: UUID
    name: str | None
    region: str = Field(examples=["US"])
    count: int = Field(ge=1, examples=[2])


class Facets(Shape):
    """How many of the things that the same search finds have which value, the most frequent first, 50 at most.

    An episode counts with the genres, networks and providers of its show.
    """

    kind: list[Counted]
    genre: list[Counted]
    network: list[Counted]
    provider: list[CountedProvider]


class Result(Shape):
    """Something that was found."""

    kind: Literal["show", "person", "episode"]
    id: UUID
    match: Literal["name", "other_name", "beginning", "words", "spelling"]
    """How: it is called so; it is also called so; a name begins so; it has the words; it is spelled like it."""
    score: float = Field(examples=[5.0])
    """Results come from the highest on; of equal ones the better known first. Compare it within one answer only."""
    show: ShowReference | None
    """The show, or the show of the episode."""
    person: PersonReference | None
    episode: EpisodeReference | None
