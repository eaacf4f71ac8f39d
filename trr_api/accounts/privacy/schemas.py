"""The shapes of privacy."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, SecretStr

from trr_api.catalog.schemas import Shape
from trr_api.texts import Line

Subject = Literal["terms", "privacy", "mail"]


class NewConsent(Shape):
    """What the caller agrees to."""

    subject: Subject
    version: Annotated[Line, Field(max_length=50)] = Field(examples=["2026-11-28"])
    """Of the text that was shown."""


class Consent(NewConsent):
    """What the caller agreed to, and when."""

    id: UUID
    agreed_at: datetime
    withdrawn_at: datetime | None


class Consents(Shape):
    """All of them."""

    data: list[Consent]


class Farewell(Shape):
    """How an account ends."""

    content: Literal["keep", "erase"]
    """`keep`: what was written stays, as a deleted user's. `erase`: texts, answers, reactions and scores go too."""
    password: Annotated[SecretStr, Field(max_length=200)] | None = None
    """Of an account that has one; others need a log-in of the last ten minutes."""
