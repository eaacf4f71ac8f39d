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


def by_tmdb(*fields: str) -> dict[str, tuple[Said, ...]]:
    """Fields that only TMDb has."""
    return {field: first("tmdb", field=field) for field in fields}


def by_both(*fields: str) -> dict[str, tuple[Said, ...]]:
    """Fields in which IMDb is better than TMDb, and TMDb than the datasets."""
    return {field: first("imdb", "tmdb", "imdb_datasets", field=field) for field in fields}


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
        "trailer_url": first("imdb", "tmdb", field="trailer_url"),
        "total_seasons": first("imdb", "tmdb", field="total_seasons"),
        "total_episodes": first("imdb", "tmdb", field="total_episodes"),
        "imdb_rating": first("imdb", "imdb_datasets", field="rating"),
        "imdb_vote_count": first("imdb", "imdb_datasets", field="vote_count"),
        "tmdb_rating": first("tmdb", field="rating"),
        "tmdb_vote_count": first("tmdb", field="vote_count"),
        "tmdb_popularity": first("tmdb", field="popularity"),
        "tmdb_network_ids": first("tmdb", field="network_ids"),
        "tmdb_company_ids": first("tmdb", field="company_ids"),
        **by_tmdb(
            "programme_type",
            "in_production",
            "adult",
            "homepage",
            "original_language",
            "production_countries",
            "last_air_date",
            "alternative_titles",
            "content_ratings",
            "translations",
            "videos",
        ),
    },
    "season": {
        "episode_count": first("imdb", "tmdb", field="episode_count"),
        **by_tmdb("title", "overview", "air_date"),
        "tmdb_rating": first("tmdb", field="rating"),
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
        "tmdb_rating": first("tmdb", field="rating"),
        "tmdb_vote_count": first("tmdb", field="vote_count"),
        "production_code": first("tmdb", field="production_code"),
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
        "tmdb_popularity": first("tmdb", field="popularity"),
        **by_tmdb("original_name", "gender", "adult", "homepage", "known_for_department"),
    },
    "credit": by_both(
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
    )
    | by_tmdb("roles"),
    "episode_credit": by_both("jobs", "characters", "attributes", "as_self", "uncredited", "archive_footage")
    | by_tmdb("guest"),
    "network": by_tmdb("name", "country", "headquarters", "homepage", "logo_url", "logos"),
    "company": by_tmdb("name", "country", "headquarters", "homepage", "description", "owner_id", "logo_url", "logos"),
    "watch_provider": by_tmdb("name", "logo_url"),
    "offer": by_tmdb("display_priority", "link"),
    "image": by_both(
        "url",
        "source_id",
        "width",
        "height",
        "image_type",
        "caption",
        "copyright",
        "person_ids",
        "title_ids",
    )
    | by_tmdb("language", "country", "rating", "vote_count"),
    "gallery_entry": by_both("position") | by_tmdb("season_number"),
    "list": by_both("name", "description", "author", "total_entries"),
    "list_entry": by_both("position", "note", "added_on"),
}
