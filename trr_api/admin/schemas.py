"""The shapes of what editors see and send."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from trr_api.parameters import Parameters
from trr_api.reviewing import Kind


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class KindParameters(Parameters):
    """Which kind."""

    kind: Kind = "show"


class ProposalsParameters(Parameters):
    """Which proposals."""

    state: Literal["open", "accepted", "rejected"] = "open"


class FieldCoverage(_Shape):
    """How much a source tells of a field."""

    kind: Kind
    field: str = Field(examples=["overview"])
    source: str = Field(examples=["imdb"])
    told: int
    """Records with a value."""
    records: int


class Coverage(_Shape):
    """How much each source tells."""

    data: list[FieldCoverage]


class Candidate(_Shape):
    """What one source says for a field."""

    source: str
    field: str
    value: Any
    counts: bool


class Explanation(_Shape):
    """How a field got its value."""

    field: str
    value: Any
    winner: str | None
    candidates: list[Candidate]
    override: dict[str, Any] | None


class Explanations(_Shape):
    """How all fields of a thing got their values."""

    data: list[Explanation]


class Override(_Shape):
    """A field that an editor set."""

    kind: Kind
    entity_id: UUID
    field: str = Field(examples=["end_year"])
    value: Any
    note: str
    author: str


class Overrides(_Shape):
    """All fields that editors set."""

    data: list[Override]


class NewOverride(_Shape):
    """What a field is to be, and why."""

    value: JsonValue = Field(examples=[2024])
    """null: unknown, whatever the sources say."""
    note: str = Field(min_length=1, max_length=1000, pattern=r"^[^\x00]+$", examples=["the network says so"])


class Proposal(_Shape):
    """Two things that may be one."""

    id: int
    kind: Kind
    entity_id: UUID
    other_id: UUID
    score: float
    evidence: Any


class Proposals(_Shape):
    """Pairs that may be one thing, likeliest first."""

    data: list[Proposal]


class Join(_Shape):
    """Two things that are one from now on."""

    id: UUID
    """With it the join can be undone: `scrapy identity undo`."""
