"""Which source wins, field by field.

Every derived field has a list of sayings, best first: the first one that a source really made (a value, not null)
becomes the truth, and its source goes into the row's `provenance`. In a few fields the sources make the truth together
(`UNITED`), or the largest number counts (`LARGEST`). An override beats them all. Change a list here,
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
    less: str | None = None
    """The payload's key of a count to take off."""


OWNERS: Final = {"imdb_datasets": "imdb", "imdb_exports": "imdb"}
"""Sources that name things by another source's ids."""


def first(*sources: str, field: str) -> tuple[Said, ...]:
    """The same field of several sources, best first."""
    return tuple(Said(source, field) for source in sources)


def by_tmdb(*fields: str) -> dict[str, tuple[Said, ...]]:
    """Fields that only TMDb has."""
    return {field: first("tmdb", field=field) for field in fields}


def by_both(*fields: str) -> dict[str, tuple[Said, ...]]:
    """Fields in which IMDb is better than TMDb, and TMDb than the datasets."""
    return {field: first("imdb", "tmdb", "imdb_datasets", field=field) for field in fields}


def by_fandom(*fields: str) -> dict[str, tuple[Said, ...]]:
    """Fields that only Fandom has."""
    return {field: first("fandom", field=field) for field in fields}


def with_fandom(rules: dict[str, tuple[Said, ...]], *fields: str) -> dict[str, tuple[Said, ...]]:
    """The same rules; in these fields Fandom, which anybody may write, comes last."""
    return rules | {field: (*rules[field], Said("fandom", field)) for field in fields}


def of_lists(*fields: str) -> dict[str, tuple[Said, ...]]:
    """Fields of lists; an export may be older than what the list's page said last."""
    return {field: first("imdb", "tmdb", "imdb_exports", field=field) for field in fields}


def with_main(*sources: str, field: str) -> tuple[Said, ...]:
    """As `first`; where IMDb only told the first few (`main_genres`, …), they come next after all that it told."""
    return tuple(
        said
        for source in sources
        for said in (Said(source, field), *((Said(source, f"main_{field}"),) if source == "imdb" else ()))
    )


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
            Said("imdb_exports", "original_title"),
            Said("imdb_exports", "title"),
        ),
        # The datasets are of today, an export is of any day.
        "original_title": first("imdb", "tmdb", "imdb_datasets", "imdb_exports", field="original_title"),
        "show_type": first("imdb", "tmdb", "imdb_datasets", "imdb_exports", field="show_type"),
        "production_status": first("tmdb", "imdb", field="production_status"),
        "start_year": first("imdb", "tmdb", "imdb_datasets", "imdb_exports", field="start_year"),
        "end_year": first("imdb", "tmdb", "imdb_datasets", field="end_year"),
        "release_date": (*localised("release_date"), Said("imdb_exports", "release_date")),
        "overview": first("tmdb", "imdb", field="overview"),
        "tagline": first("tmdb", "imdb", field="tagline"),
        # Another country's certificate means nothing without its country.
        "certificate": (Said("imdb", "certificate", country="US"), Said("tmdb", "certificate", country="US")),
        "runtime_seconds": first("imdb", "tmdb", "imdb_datasets", "imdb_exports", field="runtime_seconds"),
        # Even an old export names them all, the datasets three at most.
        "genres": with_main("imdb", "tmdb", "imdb_exports", "imdb_datasets", field="genres"),
        # All that one source has before the first few of another, where both speak of the same.
        "keywords": (*first("imdb", "tmdb", field="keywords"), Said("imdb", "main_keywords")),
        "tags": with_main("imdb", field="tags"),
        "filming_locations": with_main("imdb", field="filming_locations"),
        "countries": (*first("imdb", "tmdb", field="countries"), Said("imdb", "main_countries")),
        "languages": first("imdb", "tmdb", field="languages"),
        "networks": with_main("tmdb", "imdb", field="networks"),
        "companies": with_main("tmdb", "imdb", field="companies"),
        "trailer_url": first("imdb", "tmdb", field="trailer_url"),
        "total_seasons": first("imdb", "tmdb", field="total_seasons"),
        # Without specials: TMDb counts those apart, IMDb among the episodes of no season.
        "total_episodes": (
            Said("imdb", "total_episodes", less="unknown_season_episodes"),
            Said("tmdb", "total_episodes"),
        ),
        "total_specials": first("tmdb", field="total_specials"),
        "imdb_rating": first("imdb", "imdb_datasets", "imdb_exports", field="rating"),
        "imdb_vote_count": first("imdb", "imdb_datasets", "imdb_exports", field="vote_count"),
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
        # No source says these: people do, by overrides. See `cast_rules.py`.
        "cast_rule": (),
        "cast_min_episodes": (),
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
        "genres": with_main("imdb", "imdb_datasets", field="genres"),
        "filming_locations": with_main("imdb", field="filming_locations"),
        "imdb_rating": first("imdb", "imdb_datasets", field="rating"),
        "imdb_vote_count": first("imdb", "imdb_datasets", field="vote_count"),
        "tmdb_rating": first("tmdb", field="rating"),
        "tmdb_vote_count": first("tmdb", field="vote_count"),
        "production_code": first("tmdb", field="production_code"),
    },
    "person": {
        "name": first("imdb", "tmdb", "imdb_datasets", "fandom", field="name"),
        "also_known_as": first("tmdb", "imdb", "fandom", field="also_known_as"),
        "birth_name": first("imdb", "fandom", field="birth_name"),
        "biography": first("tmdb", "imdb", "fandom", field="biography"),
        "birth_date": first("imdb", "tmdb", "fandom", field="birth_date"),
        "birth_year": first("imdb", "tmdb", "imdb_datasets", "fandom", field="birth_year"),
        "birth_place": first("imdb", "tmdb", "fandom", field="birth_place"),
        "death_date": first("imdb", "tmdb", field="death_date"),
        "death_year": first("imdb", "tmdb", "imdb_datasets", field="death_year"),
        "death_place": first("imdb", field="death_place"),
        "death_cause": first("imdb", field="death_cause"),
        "height_centimetres": first("imdb", "fandom", field="height_centimetres"),
        "professions": first("imdb", "imdb_datasets", "fandom", field="professions"),
        "gender": first("tmdb", "fandom", field="gender"),
        "tmdb_popularity": first("tmdb", field="popularity"),
        **by_tmdb("original_name", "adult", "homepage", "known_for_department"),
        **by_fandom("full_name", "weight_kilograms", "hair_colour", "eye_colour", "residence"),
    },
    "credit": by_both(
        "category_name",
        "billing_order",
        "jobs",
        "credited_as",
        "attributes",
        "as_self",
        "uncredited",
        "archive_footage",
        "episode_count",
        "start_year",
        "end_year",
    )
    | by_tmdb("roles")
    | {"characters": with_main("imdb", "tmdb", "imdb_datasets", field="characters")},
    "episode_credit": by_both("jobs", "attributes", "as_self", "uncredited", "archive_footage")
    | by_tmdb("guest")
    | {"characters": with_main("imdb", "tmdb", "imdb_datasets", field="characters")},
    "network": by_tmdb("name", "country", "headquarters", "homepage", "logo_url", "logos"),
    "company": by_tmdb("name", "country", "headquarters", "homepage", "description", "owner_id", "logo_url", "logos"),
    # A provider that both know is two things until an editor joins them: their ids have nothing in common.
    "watch_provider": {field: first("tmdb", "imdb", field=field) for field in ("name", "logo_url")},
    "offer": {field: first("tmdb", "imdb", field=field) for field in ("display_priority", "link", "note")},
    "image": with_fandom(
        by_both(
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
        "url",
        "width",
        "height",
        "image_type",
        "caption",
        "person_ids",
    )
    | by_tmdb("language", "country", "rating", "vote_count")
    | by_fandom("section"),
    "gallery_entry": with_fandom(by_both("position") | by_tmdb("season_number"), "position", "season_number"),
    "list": of_lists("name", "description", "author", "total_entries"),
    "list_entry": of_lists("position", "note", "added_on"),
    "fandom_page": by_fandom(
        "wiki",
        "page_id",
        "title",
        "display_title",
        "aliases",
        "url",
        "revision_id",
        "categories",
        "infobox",
        "seasons",
        "relations",
        "summary",
        "taglines",
        "seating",
        "trivia",
        "wanted_name",
        "wanted_id",
        "evidence",
        "reason",
    )
    | {"person_key": first("fandom", field="person_id")},
}

UNITED: Final[dict[str, frozenset[str]]] = {"show": frozenset({"genres", "keywords", "networks"})}
"""Lists that hold what any source says, in the order of precedence, each entry once whatever its case."""

LARGEST: Final[dict[str, frozenset[str]]] = {"show": frozenset({"total_seasons", "total_episodes"})}
"""Counts of which the largest is the truth: a source can know less than there is, hardly more."""
