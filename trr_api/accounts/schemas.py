"""The shapes of accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr, StrictBool

from trr_api.catalog.schemas import Shape
from trr_api.texts import Line, Text

Role = Literal["user", "moderator", "admin"]


Email = Annotated[
    str,
    Field(max_length=254, pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"),
    AfterValidator(str.lower),
]
Name = Annotated[str, Field(pattern="^[a-z0-9_]{3,30}$", examples=["ada"])]
Password = Annotated[SecretStr, Field(min_length=10, max_length=200)]
Link = Annotated[str, Field(min_length=1, max_length=2000)]


class Registration(Shape):
    """Whose account it shall be."""

    email: Email


class NewAccount(Shape):
    """An account, after the mail came."""

    token: Link
    """Out of the mail."""
    name: Name
    password: Password
    display_name: Annotated[Line, Field(max_length=60)] | None = None


class LogIn(Shape):
    """Who one is."""

    email: Email
    password: Annotated[SecretStr, Field(max_length=200)]


class Refresh(Shape):
    """A token that is used up by it."""

    refresh_token: Annotated[str, Field(min_length=1, max_length=200)]


class LogOut(Shape):
    """Where to log out."""

    everywhere: StrictBool = False


class NewPassword(Shape):
    """Another password, after the mail came."""

    token: Link
    password: Password


class TokenPair(Shape):
    """What one calls with, and what gets the next one."""

    access_token: str
    """Send it as `Authorization: Bearer …`."""
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int = Field(examples=[900])
    """Seconds."""
    refresh_token: str
    """Good once; the answer has the next one. Used twice, it ends the log-in."""


class User(Shape):
    """Somebody, as everybody sees them."""

    id: UUID
    name: Name
    display_name: str | None = Field(examples=["Ada L."])
    bio: str | None
    avatar_url: str | None = Field(examples=["/objects/avatars/ada.webp"])
    """What starts with a slash is on this server."""
    role: Role
    created_at: datetime


class Ban(Shape):
    """Why somebody may not write, and until when."""

    reason: str
    ends_at: datetime | None


class Me(User):
    """The caller."""

    ban: Ban | None


class Profile(Shape):
    """How one is seen."""

    display_name: Annotated[Line, Field(max_length=60)] | None = None
    bio: Annotated[Text, Field(max_length=1000)] | None = None
