"""The shapes of changes, and of what one may ask about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from trr_api.catalog.schemas import Shape
from trr_api.parameters import Names, Parameters
from trr_crawl.catalog.tables import KINDS


class ChangesParameters(Parameters):
    """From where on, of what, and how long to wait for it."""

    after: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    """The `next_after` of the answer before; 0 for everything."""
    kind: Annotated[str | None, Names(KINDS)] = Field(default=None, examples=["show"])
    """Only these kinds, by commas."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 500
    wait: Annotated[int, Field(ge=0, le=30)] = 0
    """Where nothing came yet, hold the answer back until something does, at most so many seconds."""


class Change(Shape):
    """One thing that a transaction wrote."""

    seq: int = Field(examples=[4711])
    """Its place; numbers rise in the order of commits, with gaps."""
    kind: str = Field(examples=["episode"])
    id: UUID
    op: Literal["insert", "update", "merge", "remove"]
    """`merge`: it is one with `into` now, and its id leads there. `remove`: no source names it any more; it stays
    readable, and an `update` of `removed_at` follows if it comes back."""
    fields: list[str] = Field(examples=[["title", "overview"]])
    """Columns whose value changed."""
    into: UUID | None
    """Of a merge: what absorbed it; null if that was undone since."""
    at: datetime


class Changes(Shape):
    """Changes in order."""

    data: list[Change]
    next_after: int = Field(examples=[4711])
    """Give it as `after` to go on."""
    more: bool
    """Whether there are more already; a page of rare kinds may be empty all the same."""
