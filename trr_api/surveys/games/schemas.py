"""The shapes of games."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from trr_api.catalog.places import Id
from trr_api.catalog.schemas import Shape
from trr_api.surveys.schemas import Number
from trr_api.tables import MOST_OPTIONS


class NewKey(Shape):
    """What is right, as an answer is given: options (all of them; in a ranking in order), a number, or texts."""

    option_ids: Annotated[list[Id], Field(max_length=MOST_OPTIONS)] | None = None
    number: Number | None = None
    tolerance: Annotated[float, Field(strict=True, ge=0, le=1e12)] = 0
    """So far a number may be off."""
    texts: (
        Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=200)]], Field(max_length=50)] | None
    ) = None
    """Spellings, in whatever letters."""
    points: Annotated[int, Field(ge=1, le=1000)] = 1


class Player(Shape):
    """Who played."""

    id: UUID
    name: str = Field(examples=["ada"])
    display_name: str | None


class Score(Shape):
    """A line of a leaderboard."""

    rank: int
    """Who has as many points shares it; the next one's rank counts them all."""
    points: int
    user: Player


class Standing(Shape):
    """Where the caller stands."""

    rank: int
    points: int
    people: int
    """On this leaderboard."""
