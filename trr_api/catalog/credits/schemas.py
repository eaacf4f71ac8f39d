"""The shapes of credits, and of what one may ask about them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from trr_api.catalog.credits import queries
from trr_api.catalog.schemas import Kept, PersonReference, Shape
from trr_api.paging import PageParameters
from trr_api.parameters import Names, Word


class SeasonCreditsParameters(PageParameters):
    """Which credits."""

    category: Word | None = Field(default=None, examples=["cast"])
    """`cast`, `director`, `producer`, …"""


class CreditsParameters(SeasonCreditsParameters):
    """Which credits of a show, and how much of each."""

    as_self: bool | None = None
    """Only who plays nobody (true), or only who plays somebody (false)."""
    fields: Annotated[str | None, Names(queries.CREDIT)] = None
    """Only these fields, by commas."""


class EpisodeCreditsParameters(SeasonCreditsParameters):
    """Which credits of an episode, and how much of each."""

    fields: Annotated[str | None, Names(queries.EPISODE_CREDIT)] = None
    """Only these fields, by commas."""


class Work(Kept):
    """What somebody did."""

    category: str = Field(examples=["cast"])
    characters: list[str] = Field(examples=[["Self - Host"]])
    jobs: list[str] = Field(examples=[["executive producer"]])
    attributes: list[str]
    as_self: bool | None
    uncredited: bool | None
    archive_footage: bool | None


class WorkOnShow(Work):
    """What somebody did on a show, in one category."""

    category_name: str | None = Field(examples=["Cast"])
    billing_order: int | None = Field(examples=[1])
    roles: list[Any]
    """TMDb's roles, each with its own count of episodes."""
    credited_as: str | None
    episode_count: int | None = Field(examples=[60])
    start_year: int | None
    end_year: int | None


class Credit(WorkOnShow):
    """Somebody's work on a show."""

    person: PersonReference


class EpisodeCredit(Work):
    """Somebody's work on an episode."""

    person: PersonReference
    guest: bool | None


class SeasonCredit(Shape):
    """Somebody's work on the episodes of a season, in one category."""

    person: PersonReference
    category: str = Field(examples=["cast"])
    characters: list[str]
    episode_count: int = Field(examples=[12])
    """Episodes of the season, archive footage apart."""
    guest: bool
    """A guest in all of them."""
