"""Shapes that whatever people write has in common."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from trr_api.catalog.schemas import Shape
from trr_api.texts import Text

Reason = Annotated[Text, Field(max_length=1000)]
Reaction = Literal["upvote", "downvote", "lol", "shade", "fire", "heart"]


class Author(Shape):
    """Who wrote something."""

    id: UUID
    name: str = Field(examples=["ada"])
    display_name: str | None
    avatar_url: str | None = Field(examples=["/objects/avatars/ada.webp"])
    """What starts with a slash is on this server."""


class Reactions(Shape):
    """How often each."""

    upvote: int
    downvote: int
    lol: int
    shade: int
    fire: int
    heart: int


class Written(Shape):
    """What was made."""

    id: UUID


class NewReport(Shape):
    """What is wrong with it."""

    reason: Reason
