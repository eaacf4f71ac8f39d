"""Which source wins, field by field.

Every derived field has a list of sayings, best first: the first one that a source really made (a value, not null)
becomes the truth, and its source goes into the row's `provenance`. An override beats them all. Change a list here,
run `scrapy merge`, and the catalog follows without fetching anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Said:
    """What one source says in one field of its record."""

    source: str
    """As in `source_records.source`."""
    field: str
    """The payload's key."""
    country: str | None = None
    """Only if the source answered for this country (ISO 3166-1): titles, dates and certificates follow the caller."""


def first(*sources: str, field: str) -> tuple[Said, ...]:
    """The same field of several sources, best first."""
    return tuple(Said(source, field) for source in sources)


def localised(field: str) -> tuple[Said, ...]:
    """A field that IMDb fits to the caller's country: what the US is told, then TMDb, then what others are told."""
    return (Said("imdb", field, country="US"), Said("tmdb", field), Said("imdb", field))


PRECEDENCE: Final[dict[str, dict[str, tuple[Said, ...]]]] = {
    "show": {
        # A translated title never covers the original one.
        "title": (
            Said("imdb", "title", country="US"),
            Said("tmdb", "title"),
            Said("imdb", "original_title"),
            Said("imdb", "title"),
        ),
        "original_title": first("imdb", "tmdb", field="original_title"),
        "show_type": first("imdb", "tmdb", field="show_type"),
        "production_status": first("tmdb", "imdb", field="production_status"),
        "start_year": first("imdb", "tmdb", field="start_year"),
        "end_year": first("imdb", "tmdb", field="end_year"),
        "overview": first("tmdb", "imdb", field="overview"),
        # Another country's certificate means nothing without its country.
        "certificate": (Said("imdb", "certificate", country="US"), Said("tmdb", "certificate", country="US")),
        "runtime_seconds": first("imdb", "tmdb", field="runtime_seconds"),
        "genres": first("imdb", "tmdb", field="genres"),
        "countries": first("imdb", "tmdb", field="countries"),
        "total_episodes": first("imdb", "tmdb", field="total_episodes"),
        "imdb_rating": first("imdb", field="rating"),
        "imdb_vote_count": first("imdb", field="vote_count"),
    },
    "season": {
        "episode_count": first("imdb", "tmdb", field="episode_count"),
    },
    "episode": {
        "season_number": first("imdb", "tmdb", field="season_number"),
        "episode_number": first("imdb", "tmdb", field="episode_number"),
        "episode_type": first("imdb", "tmdb", field="episode_type"),
        "title": localised("title"),
        "overview": first("imdb", "tmdb", field="overview"),
        "air_date": localised("air_date"),
        "release_year": localised("release_year"),
        "imdb_rating": first("imdb", field="rating"),
        "imdb_vote_count": first("imdb", field="vote_count"),
    },
    "person": {
        "name": first("imdb", "tmdb", field="name"),
    },
}
