"""The shapes of networks, companies, and providers."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from trr_api.catalog.schemas import Kept, Shape
from trr_api.paging import PageParameters


class OrganisationsParameters(PageParameters):
    """Which networks or companies."""

    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = Field(default=None, examples=["US"])
    """A country's two letters."""


class WatchProvider(Kept):
    """Who offers shows."""

    name: str | None = Field(examples=["Streamly"])
    logo_url: str | None
    external_ids: dict[str, str] = Field(examples=[{"tmdb": "8"}])


class Network(WatchProvider):
    """Who airs shows. Its shows: `/shows?network=` with this id."""

    country: str | None = Field(examples=["US"])
    headquarters: str | None
    homepage: str | None
    logos: list[Any]


class Owner(Shape):
    """The company that owns another."""

    id: UUID
    name: str | None


class Company(Network):
    """Who makes shows. Its shows: `/shows?company=` with this id."""

    description: str | None
    owner: Owner | None
