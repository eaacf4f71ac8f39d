"""The shapes of seasons and episodes, and of what one may ask about them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from trr_api.catalog.episodes import queries
from trr_api.catalog.schemas import Kept, Picture, Ratings, ShowReference
from trr_api.paging import PageParameters
from trr_api.parameters import Day, Names, Parameters, Word


class SeasonsParameters(PageParameters):
    """Which seasons, and how much of each."""

    fields: Annotated[str | None, Names(queries.SEASON)] = None
    """Only these fields, by commas."""
    expand: Annotated[str | None, Names(queries.SEASON_EXPANSIONS)] = None
    """Also these, by commas."""


class SeasonParameters(Parameters):
    """How much of a season."""

    fields: Annotated[str | None, Names(queries.SEASON)] = None
    """Only these fields, by commas."""
    expand: Annotated[str | None, Names(queries.SEASON_EXPANSIONS)] = None
    """Also these, by commas."""


class EpisodesParameters(PageParameters):
    """Which episodes, and how much of each."""

    fields: Annotated[str | None, Names(queries.EPISODE)] = None
    """Only these fields, by commas."""


class EpisodeParameters(Parameters):
    """How much of an episode."""

    fields: Annotated[str | None, Names(queries.DETAIL)] = None
    """Only these fields, by commas."""
    expand: Annotated[str | None, Names(queries.EXPANSIONS)] = None
    """Also these, by commas."""


class ScheduleParameters(PageParameters):
    """Between which days."""

    first: Day | None = Field(default=None, alias="from", examples=["2026-11-01"])
    """The first day; today (UTC) without it."""
    last: Day | None = Field(default=None, alias="to", examples=["2026-11-30"])
    """The last day; six days after the first without it, and a year at most."""
    network: Word | None = None
    fields: Annotated[str | None, Names(queries.DETAIL)] = None
    """Only these fields, by commas."""

    def days(self) -> tuple[date, date]:
        """The first day and the last."""
        first = self.first or datetime.now(UTC).date()
        return first, self.last or first + timedelta(days=6)


class Episode(Kept):
    """An episode in a list."""

    show_id: UUID
    season_id: UUID | None
    season_number: int | None = Field(examples=[3])
    episode_number: int | None = Field(examples=[7])
    type: str | None
    title: str | None = Field(examples=["The Long Pier"])
    overview: str | None
    air_date: date | None
    release_year: int | None
    certificate: str | None
    runtime_seconds: int | None = Field(examples=[2640])
    genres: list[str]
    production_code: str | None
    ratings: Ratings
    external_ids: dict[str, str] = Field(examples=[{"imdb": "tt0000011"}])


class EpisodeDetail(Episode):
    """An episode alone, or in the schedule."""

    show: ShowReference
    provenance: dict[str, Any] | None = None
    """Only with `expand=provenance`."""


class Season(Kept):
    """A season."""

    show_id: UUID
    season_number: int = Field(examples=[1])
    title: str | None
    overview: str | None
    air_date: date | None
    episode_count: int | None = Field(examples=[12])
    """How many the sources promise."""
    tmdb_rating: float | None
    poster: Picture | None
    external_ids: dict[str, str]
    episodes: list[Episode] | None = None
    """Only with `expand=episodes`."""
    provenance: dict[str, Any] | None = None
    """Only with `expand=provenance`."""
