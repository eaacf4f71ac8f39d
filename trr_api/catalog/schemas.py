"""Shapes that resources share. They are the contract: tests hold every answer against them, nothing runs them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Shape(BaseModel):
    """An object with exactly these fields."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Page(Shape, Generic[T]):
    """A page of a list."""

    data: list[T]
    next_cursor: str | None
    """Give it as `cursor` to go on; null on the last page."""


class Rating(Shape):
    """What the users of one source think."""

    rating: float | None = Field(examples=[7.4])
    """Out of 10."""
    votes: int | None = Field(examples=[1203])


class Ratings(Shape):
    """By source, because scales and crowds differ."""

    imdb: Rating | None
    tmdb: Rating | None


class Variant(Shape):
    """A picture in another size or form."""

    variant: str = Field(examples=["400"])
    """Its width in pixels, or `png`."""
    url: str = Field(examples=["https://pictures.example/images/shows/1-400.webp"])
    content_type: str = Field(examples=["image/webp"])
    width: int = Field(examples=[400])
    height: int = Field(examples=[600])
    bytes: int = Field(examples=[18_204])


class Hosted(Shape):
    """Our copy of a picture."""

    content_type: str = Field(examples=["image/jpeg"])
    bytes: int = Field(examples=[204_113])
    width: int = Field(examples=[1000])
    height: int = Field(examples=[1500])
    dominant_colour: str | None = Field(examples=["#274b6d"])
    blurhash: str | None = Field(examples=["LEHV6nWB2yk8pyo0adR*.7kCMdnj"])
    """https://blurha.sh: what to show while it loads."""
    variants: list[Variant]
    """The narrowest first."""


class Served(Shape):
    """Where a picture is."""

    url: str = Field(examples=["https://pictures.example/images/shows/1.jpg"])
    """To show it from: our copy, or its source until there is one. What starts with a slash is on this server."""
    source_url: str = Field(examples=["https://pictures.example/Poster.jpg"])
    hosted: Hosted | None


class Picture(Served):
    """The picture that stands for something."""

    source: str = Field(examples=["tmdb"])


class EpisodeReference(Shape):
    """An episode, as other resources name it."""

    id: UUID
    season_number: int | None = Field(examples=[3])
    episode_number: int | None = Field(examples=[7])
    title: str | None = Field(examples=["The Long Pier"])
    air_date: date | None


def _only_the_id(schema: dict[str, Any]) -> None:
    """In the document, fields are optional: `fields` may leave them out. Without it all are there."""
    schema["required"] = ["id"]


class Kept(Shape):
    """What every resource has."""

    model_config = ConfigDict(json_schema_extra=_only_the_id)

    id: UUID
    updated_at: datetime
    removed_at: datetime | None = Field(examples=[None])
    """Since when no source names it any more."""


class ShowReference(Shape):
    """A show, as other resources name it."""

    id: UUID
    slug: str | None = Field(examples=["harbour-hearts"])
    title: str | None = Field(examples=["Harbour Hearts"])
    start_year: int | None = Field(examples=[2019])


class PersonReference(Shape):
    """A person, as other resources name one."""

    id: UUID
    slug: str | None = Field(examples=["mara-lindqvist"])
    name: str | None = Field(examples=["Mara Lindqvist"])


class Organisation(Shape):
    """A network or a company, as a show names it."""

    id: UUID
    name: str | None = Field(examples=["Harbour Channel"])
    country: str | None = Field(examples=["US"])
    logo_url: str | None
