"""SQL of shows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from trr_api.catalog.credits.queries import BY_BILLING, CREDIT, CREDITS
from trr_api.catalog.episodes.queries import SEASON
from trr_api.catalog.places import Key, is_id
from trr_api.catalog.queries import (
    ORGANISATION,
    embedded,
    external_ids,
    kept,
    named,
    primary_picture,
    ratings,
    slug,
)
from trr_api.queries import Fields, Sort, Statement, Values, after_place, objects, one, page, pick

if TYPE_CHECKING:
    from trr_api.catalog.shows.schemas import ShowParameters, ShowsParameters

POSTER: Final = primary_picture("show", "poster")

SUMMARY: Final[Fields] = {
    "id": "show.id",
    "slug": slug("show"),
    "title": "show.title",
    "original_title": "show.original_title",
    "type": "show.show_type",
    "status": "show.production_status",
    "start_year": "show.start_year",
    "end_year": "show.end_year",
    "premiere_date": "show.release_date",
    "overview": "show.overview",
    "genres": "coalesce(show.genres, '{}')",
    "networks": "coalesce(show.networks, '{}')",
    "total_seasons": "show.total_seasons",
    "total_episodes": "show.total_episodes",
    "total_specials": "show.total_specials",
    "ratings": ratings("show"),
    "popularity": "show.tmdb_popularity",
    "poster": POSTER,
    **kept("show"),
}
"""A show in a list."""

_NEWEST: Final[Fields] = {
    "id": "newest.episode_id",
    "season_number": "newest.season_number",
    "episode_number": "newest.episode_number",
    "title": "newest.title",
    "air_date": "newest.air_date",
}

_PROVIDER: Final[Fields] = {
    "id": "provider.id",
    "name": "provider.name",
    "logo_url": "provider.logo_url",
    "display_priority": "offer.display_priority",
    "link": "offer.link",
    "note": "offer.note",
}


def _organisations(table: str, kind: str, ids: str) -> str:
    """Who is named by TMDb's ids in `ids`, in that order."""
    source = (
        f"unnest({ids}) WITH ORDINALITY AS listed (value, place) "
        f"JOIN external_ids known ON known.kind = '{kind}' AND known.source = 'tmdb' AND known.value = listed.value "
        f"JOIN {table} named ON named.id = known.entity_id"
    )
    return objects(ORGANISATION, source, order="listed.place")


_PROVIDERS: Final = objects(
    {
        "region": "offered.region",
        "offer_type": "offered.offer_type",
        "link": "offered.link",
        "providers": "offered.providers",
    },
    "(SELECT region, offer_type, min(offer.link) AS link, json_agg(json_build_object("
    + ", ".join(f"'{name}', {expression}" for name, expression in _PROVIDER.items())
    + ") ORDER BY offer.display_priority NULLS LAST, provider.name, provider.id) AS providers "
    "FROM offers offer JOIN watch_providers provider ON provider.id = offer.provider_id "
    "WHERE offer.show_id = show.id AND offer.removed_at IS NULL GROUP BY region, offer_type) offered",
    order="offered.region, offered.offer_type",
)

DETAIL: Final[Fields] = {
    **SUMMARY,
    "tagline": "show.tagline",
    "certificate": "show.certificate",
    "runtime_seconds": "show.runtime_seconds",
    "programme_type": "show.programme_type",
    "in_production": "show.in_production",
    "adult": "show.adult",
    "homepage": "show.homepage",
    "trailer_url": "show.trailer_url",
    "original_language": "show.original_language",
    "languages": "coalesce(show.languages, '{}')",
    "countries": "coalesce(show.countries, '{}')",
    "production_countries": "coalesce(show.production_countries, '{}')",
    "keywords": "coalesce(show.keywords, '{}')",
    "tags": "coalesce(show.tags, '{}')",
    "companies": "coalesce(show.companies, '{}')",
    "network_details": _organisations("networks", "network", "show.tmdb_network_ids"),
    "company_details": _organisations("companies", "company", "show.tmdb_company_ids"),
    "providers": _PROVIDERS,
    "alternative_titles": "coalesce(show.alternative_titles, '[]'::jsonb)",
    "content_ratings": "coalesce(show.content_ratings, '[]'::jsonb)",
    "videos": "coalesce(show.videos, '[]'::jsonb)",
    "filming_locations": "coalesce(show.filming_locations, '[]'::jsonb)",
    "last_air_date": "show.last_air_date",
    "newest_episode": embedded(_NEWEST, "newest_episodes newest WHERE newest.show_id = show.id"),
    "listed_on": "coalesce((SELECT listed_on FROM listed_shows WHERE listed_shows.show_id = show.id), '{}')",
    "external_ids": external_ids("show"),
}
"""A show alone."""

_CAST: Final = (
    f"{CREDITS} WHERE credit.show_id = show.id AND credit.category = 'cast' AND credit.removed_at IS NULL "
    f"ORDER BY {BY_BILLING.order} LIMIT 20"
)
EXPANSIONS: Final[Fields] = {
    "seasons": objects(
        SEASON, "seasons season WHERE season.show_id = show.id AND season.removed_at IS NULL", order="season_number"
    ),
    "top_cast": objects(CREDIT, _CAST),
    "provenance": "show.provenance",
    "translations": "coalesce(show.translations, '[]'::jsonb)",
}
"""What `expand` adds."""

_LAST: Final = ("show.id", "uuid")
SORTS: Final = {
    "name": Sort((("coalesce(show.title, '')", "text"), _LAST)),
    "popularity": Sort((("coalesce(show.tmdb_popularity, -1)", "float8"), _LAST), descending=True),
    "rating": Sort((("coalesce(show.imdb_rating, show.tmdb_rating, -1)", "numeric"), _LAST), descending=True),
    "newest_episode": Sort((("newest.air_date", "date"), ("newest.show_id", "uuid")), descending=True),
    "updated": Sort((("show.updated_at", "timestamptz"), _LAST), descending=True),
}

_FROM: Final = {"newest_episode": "newest_episodes newest JOIN shows show ON show.id = newest.show_id"}
"""Read along the dates of episodes: of 50,000 shows it would take long to find each one's newest."""

_LISTED: Final = (
    "EXISTS (SELECT FROM list_entries entry WHERE entry.show_id = show.id AND entry.removed_at IS NULL "
    "AND entry.list_id = {value})"
)
_OFFERED: Final = (
    "EXISTS (SELECT FROM offers offer WHERE offer.show_id = show.id AND offer.removed_at IS NULL "
    "AND offer.provider_id = {value}{region})"
)


def _by(kind: str, value: str, column: str, values: Values) -> str:
    """By the name that a show has for a network or company, or by the id of one in the catalog."""
    if not is_id(value):
        return f"show.{column} @> ARRAY[{values(value, 'text')}]"
    return (
        f"show.tmdb_{kind}_ids && ARRAY(SELECT value FROM external_ids known WHERE known.kind = '{kind}' "
        f"AND known.source = 'tmdb' AND known.entity_id = {values(value, 'uuid')})"
    )


def _conditions(asked: ShowsParameters, values: Values) -> list[str]:
    """What the parameters ask for."""
    found = ["show.removed_at IS NULL"]
    for value, column in ((asked.genre, "genres"), (asked.tag, "tags")):
        if value is not None:
            found.append(f"show.{column} @> ARRAY[{values(value, 'text')}]")
    for value, column in ((asked.status, "production_status"), (asked.type, "show_type")):
        if value is not None:
            found.append(f"show.{column} = {values(value, 'text')}")
    for kind, value, column in (("network", asked.network, "networks"), ("company", asked.company, "companies")):
        if value is not None:
            found.append(_by(kind, value, column, values))
    if asked.year is not None:
        found.append(f"show.start_year = {values(asked.year, 'int')}")
    if asked.updated_since is not None:
        found.append(f"show.updated_at >= {values(asked.updated_since, 'timestamptz')}")
    if asked.list is not None:
        found.append(_LISTED.format(value=values(asked.list, "uuid")))
    if asked.provider is not None:
        value = values(asked.provider, "uuid")
        region = f" AND offer.region = {values(asked.region, 'text')}" if asked.region is not None else ""
        found.append(_OFFERED.format(value=value, region=region))
    return found


def shows(asked: ShowsParameters, after: Sequence[object] | None) -> Statement:
    """A page of the shows that match."""
    values = Values()
    where = _conditions(asked, values)
    query = page(
        pick(SUMMARY, asked.fields),
        _FROM.get(asked.sort, "shows show"),
        sort=SORTS[asked.sort],
        bound=len(values.bound),
        after=after is not None,
        where=where,
    )
    return after_place(query, values.bound, asked.limit, after)


def show(key: Key, asked: ShowParameters) -> Statement:
    """One show."""
    return Statement(_show(named("show", key), asked.fields, asked.expand), [key])


@lru_cache(maxsize=512)
def _show(condition: str, fields: str | None, expand: str | None) -> bytes:
    chosen = pick(DETAIL, fields) | pick(EXPANSIONS, expand or "")
    return one(chosen, f"shows show WHERE {condition}")
