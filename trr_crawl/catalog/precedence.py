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


OWNERS: Final = {"imdb_datasets": "imdb"}
"""Sources that name things by another source's ids."""


def first(*sources: str, field: str) -> tuple[Said, ...]:
    """The same field of several sources, best first."""
    return tuple(Said(source, field) for source in sources)


def by_imdb(*fields: str) -> dict[str, tuple[Said, ...]]:
    """Fields that only IMDb has, on its pages or in its datasets."""
    return {field: first("imdb", "imdb_datasets", field=field) for field in fields}


def localised(field: str) -> tuple[Said, ...]:
    """A field that IMDb fits to the caller's country: what the US is told, then TMDb, then what others are told."""
    return (Said("imdb", field, country="US"), Said("tmdb", field), Said("imdb", field))


PRECEDENCE: Final[dict[str, dict[str, tuple[Said, ...]]]] = {
    "show": {
        # A translated title never covers the original one.
        "title": (
            Said("imdb", "title", country="US"),
            Said("tmdb", "title"),
            Said("imdb_datasets", "title"),
            Said("imdb", "original_title"),
            Said("imdb", "title"),
        ),
        "original_title": first("imdb", "tmdb", "imdb_datasets", field="original_title"),
        "show_type": first("imdb", "tmdb", "imdb_datasets", field="show_type"),
        "production_status": first("tmdb", "imdb", field="production_status"),
        "start_year": first("imdb", "tmdb", "imdb_datasets", field="start_year"),
        "end_year": first("imdb", "tmdb", "imdb_datasets", field="end_year"),
        "release_date": localised("release_date"),
        "overview": first("tmdb", "imdb", field="overview"),
        "tagline": first("tmdb", "imdb", field="tagline"),
        # Another country's certificate means nothing without its country.
        "certificate": (Said("imdb", "certificate", country="US"), Said("tmdb", "certificate", country="US")),
        "runtime_seconds": first("imdb", "tmdb", "imdb_datasets", field="runtime_seconds"),
        "genres": first("imdb", "tmdb", "imdb_datasets", field="genres"),
        "keywords": first("imdb", "tmdb", field="keywords"),
        "tags": first("imdb", field="tags"),
        "countries": first("imdb", "tmdb", field="countries"),
        "languages": first("imdb", "tmdb", field="languages"),
        "networks": first("tmdb", "imdb", field="networks"),
        "companies": first("tmdb", "imdb", field="companies"),
        "trailer_url": first("imdb", field="trailer_url"),
        "total_seasons": first("imdb", "tmdb", field="total_seasons"),
        "total_episodes": first("imdb", "tmdb", field="total_episodes"),
        "imdb_rating": first("imdb", "imdb_datasets", field="rating"),
        "imdb_vote_count": first("imdb", "imdb_datasets", field="vote_count"),
    },
    "season": {
        "episode_count": first("imdb", "tmdb", field="episode_count"),
    },
    "episode": {
        "season_number": first("imdb", "tmdb", "imdb_datasets", field="season_number"),
        "episode_number": first("imdb", "tmdb", "imdb_datasets", field="episode_number"),
        "episode_type": first("imdb", "tmdb", "imdb_datasets", field="episode_type"),
        "title": (*localised("title"), Said("imdb_datasets", "title")),
        "overview": first("imdb", "tmdb", field="overview"),
        "air_date": localised("air_date"),
        "release_year": (*localised("release_year"), Said("imdb_datasets", "release_year")),
        "certificate": (Said("imdb", "certificate", country="US"),),
        "runtime_seconds": first("imdb", "tmdb", "imdb_datasets", field="runtime_seconds"),
        "genres": first("imdb", "imdb_datasets", field="genres"),
        "imdb_rating": first("imdb", "imdb_datasets", field="rating"),
        "imdb_vote_count": first("imdb", "imdb_datasets", field="vote_count"),
    },
    "person": {
        "name": first("imdb", "tmdb", "imdb_datasets", field="name"),
        "also_known_as": first("tmdb", "imdb", field="also_known_as"),
        "birth_name": first("imdb", field="birth_name"),
        "biography": first("tmdb", "imdb", field="biography"),
        "birth_date": first("imdb", "tmdb", field="birth_date"),
        "birth_year": first("imdb", "tmdb", "imdb_datasets", field="birth_year"),
        "birth_place": first("imdb", "tmdb", field="birth_place"),
        "death_date": first("imdb", "tmdb", field="death_date"),
        "death_year": first("imdb", "tmdb", "imdb_datasets", field="death_year"),
        "death_place": first("imdb", field="death_place"),
        "death_cause": first("imdb", field="death_cause"),
        "height_centimetres": first("imdb", field="height_centimetres"),
        "professions": first("imdb", "imdb_datasets", field="professions"),
    },
    "credit": by_imdb(
        "category_name",
        "billing_order",
        "jobs",
        "credited_as",
        "characters",
        "attributes",
        "as_self",
        "uncredited",
        "archive_footage",
        "episode_count",
        "start_year",
        "end_year",
    ),
    "episode_credit": by_imdb("characters", "attributes", "as_self", "uncredited", "archive_footage"),
    "image": by_imdb(
        "url",
        "source_id",
        "width",
        "height",
        "image_type",
        "caption",
        "copyright",
        "person_ids",
        "title_ids",
    ),
    "gallery_entry": by_imdb("position"),
    "list": by_imdb("name", "description", "author", "total_entries"),
    "list_entry": by_imdb("position", "note", "added_on"),
}
