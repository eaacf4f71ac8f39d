"""The shapes of lists."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from trr_api.catalog.schemas import EpisodeReference, Kept, ShowReference


class CatalogList(Kept):
    """A list, as somebody keeps it at a source."""

    name: str | None = Field(examples=["Shows by the sea"])
    description: str | None
    author: str | None
    total_entries: int | None = Field(examples=[120])
    external_ids: dict[str, str] = Field(examples=[{"imdb": "ls000000001"}])


class ListEntry(Kept):
    """A place on a list: of a show, or of one of its episodes."""

    position: int | None = Field(examples=[1])
    show: ShowReference
    episode: EpisodeReference | None
    note: str | None
    added_on: date | None
