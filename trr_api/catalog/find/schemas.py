"""The shape of what /find finds."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from trr_api.catalog.schemas import Shape


class Found(Shape):
    """A thing that a source means by an id."""

    kind: Literal["show", "episode", "person", "image", "list", "network", "company", "watch_provider"]
    id: UUID
    slug: str | None = Field(examples=["harbour-hearts"])
    url: str = Field(examples=["/api/v1/shows/0199c0de-0000-7000-8000-000000000001"])
    """Its address here."""


class FoundAll(Shape):
    """All of them: a number of TMDb may be a show's and a person's."""

    data: list[Found]
