"""The shapes of pictures, and of what one may ask about them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trr_api.catalog.schemas import Hosted, Kept, PersonReference
from trr_api.paging import PageParameters
from trr_api.parameters import Word


class ImagesParameters(PageParameters):
    """Which pictures."""

    kind: Word | None = Field(default=None, examples=["poster"])
    """`poster`, `backdrop`, `still_frame`, … as the sources call them."""
    source: Word | None = Field(default=None, examples=["tmdb"])
    """Where the picture is from: `imdb`, `tmdb` or `fandom`."""
    language: Word | None = Field(default=None, examples=["en"])
    """Of the words in it."""
    season: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Only pictures of this season."""


class _Image(Kept):
    url: str | None = Field(examples=["https://pictures.example/images/shows/1.jpg"])
    """To show it from: our copy, or its source until there is one. What starts with a slash is on this server."""
    source_url: str | None = Field(examples=["https://pictures.example/Poster.jpg"])
    hosted: Hosted | None
    width: int | None = Field(examples=[1000])
    height: int | None = Field(examples=[1500])
    kind: str | None = Field(examples=["poster"])
    language: str | None
    caption: str | None
    source: str | None = Field(examples=["tmdb"])
    country: str | None
    section: str | None
    copyright: str | None
    rating: float | None
    vote_count: int | None


class Image(_Image):
    """A picture alone."""

    people: list[PersonReference]
    """Who is in it."""


class GalleryImage(_Image):
    """A picture in the gallery of a show or a person."""

    primary: bool | None
    """The one to show first."""
    position: int | None
    season_number: int | None
