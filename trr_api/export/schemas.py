"""The shapes of exports."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from trr_api.catalog.schemas import Shape
from trr_api.parameters import Parameters


class FileParameters(Parameters):
    """Of which export."""

    snapshot: Annotated[str, Field(pattern=r"^[0-9]{8}T[0-9]{12}-[0-9]{1,19}$")] | None = None
    """As the manifest names it; the newest where it is not given."""


class File(Shape):
    """One kind's rows, a JSON object a line."""

    kind: str = Field(examples=["show"])
    url: str = Field(examples=["/api/v1/export/show.ndjson?snapshot=20261128T170000000000-4711"])
    count: int = Field(examples=[50000])
    """Lines."""
    bytes: int = Field(examples=[61000000])
    sha256: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    """Of the file as it is without compression."""


class SourceLicence(Shape):
    """On which terms a source gives what it says."""

    tag: str = Field(examples=["CC-BY-SA-3.0"])
    terms: str
    attribution: str
    """What whoever shows the values must say."""
    non_commercial: bool
    withheld: bool
    """Whether this export leaves the source's values out; each line then names the fields in `withheld`."""


class Manifest(Shape):
    """What an export holds."""

    snapshot: str = Field(examples=["20261128T170000000000-4711"])
    seq: int = Field(examples=[4711])
    """All files show the catalog as it was here; `/changes?after=` goes on."""
    created_at: datetime
    schema_revision: str
    licences: dict[str, SourceLicence]
    """By source, as rows name it in `provenance`."""
    files: list[File]
