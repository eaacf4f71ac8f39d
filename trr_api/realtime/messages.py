"""What clients send over a socket."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from trr_api.problems import Problem


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Authenticate(_Message):
    """Who the client is, from now on."""

    type: Literal["authenticate"]
    token: str


class Subscribe(_Message):
    """Follow a topic."""

    type: Literal["subscribe"]
    topic: str
    after: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    """The last seq that the client got of it."""
    presence: bool | None = None
    """Whether to be seen, and see who is there; by default in conversations only."""


class Unsubscribe(_Message):
    """Follow it no more."""

    type: Literal["unsubscribe"]
    topic: str


class Typing(_Message):
    """Begin to type, or stop."""

    type: Literal["typing_start", "typing_stop"]
    topic: str


class Heartbeat(_Message):
    """Is anybody there?"""

    type: Literal["heartbeat"]


Message = Annotated[Authenticate | Subscribe | Unsubscribe | Typing | Heartbeat, Field(discriminator="type")]

_ADAPTER: TypeAdapter[Message] = TypeAdapter(Message)


def parse(text: str | bytes) -> Message:
    """A message. Problem where it is none."""
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        found = error.errors()[0]
        place = ".".join(map(str, found["loc"]))
        raise Problem("invalid-body", f"{place}: {found['msg']}" if place else str(found["msg"])) from None
