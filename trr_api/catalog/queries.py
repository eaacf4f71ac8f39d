"""SQL that resources share: who is meant by an address, ids, ratings, pictures, provenance."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from trr_api.queries import Fields, Statement, columns
from trr_crawl.catalog.tables import ENTITIES

_MOVED_ID: Final = """
SELECT new_id::text, false FROM entity_redirects WHERE old_id = $1
UNION ALL SELECT id::text, true FROM {table} WHERE id = $1
"""
_MOVED_SLUG: Final = """
SELECT coalesce(current.slug, target.id::text), slugs.current AND redirect.new_id IS NULL
FROM slugs LEFT JOIN entity_redirects redirect ON redirect.old_id = slugs.entity_id
CROSS JOIN LATERAL (SELECT coalesce(redirect.new_id, slugs.entity_id) AS id) target
LEFT JOIN slugs current ON current.entity_id = target.id AND current.current
WHERE slugs.kind = $1 AND slugs.slug = $2
"""


def elsewhere(kind: str, key: UUID | str) -> Statement:
    """Where a thing lives now, as an address names it, and whether that is where it was looked for."""
    if isinstance(key, str):
        return Statement(_MOVED_SLUG.encode(), [kind, key])
    return Statement(_MOVED_ID.format(table=ENTITIES[kind].name).encode(), [key])


def named(kind: str, key: UUID | str, place: str = "$1") -> str:
    """A condition on the table aliased as its kind: this id, or this current slug, bound at `place`."""
    if isinstance(key, str):
        return f"{kind}.id = (SELECT entity_id FROM slugs WHERE kind = '{kind}' AND slug = {place} AND current)"
    return f"{kind}.id = {place}"


def slug(alias: str) -> str:
    """The readable address of a show or person."""
    return f"(SELECT slug FROM slugs WHERE slugs.entity_id = {alias}.id AND slugs.current)"


def external_ids(alias: str) -> str:
    """An object: source -> the thing's id there; the first one where a source has several."""
    return (
        "(SELECT coalesce(json_object_agg(source, value ORDER BY source), '{}'::json) FROM ("
        "SELECT source, min(value) AS value FROM external_ids "
        f"WHERE external_ids.entity_id = {alias}.id GROUP BY source) known)"
    )


def ratings(alias: str) -> str:
    """What users of each source think; scales and crowds differ, so they stay apart."""
    return (
        f"json_build_object('imdb', CASE WHEN {alias}.imdb_rating IS NOT NULL OR {alias}.imdb_vote_count IS NOT NULL "
        f"THEN json_build_object('rating', {alias}.imdb_rating, 'votes', {alias}.imdb_vote_count) END, "
        f"'tmdb', CASE WHEN {alias}.tmdb_rating IS NOT NULL OR {alias}.tmdb_vote_count IS NOT NULL "
        f"THEN json_build_object('rating', {alias}.tmdb_rating, 'votes', {alias}.tmdb_vote_count) END)"
    )


def kept(alias: str) -> Fields:
    """When a row came, changed, and vanished at all its sources."""
    return {"updated_at": f"{alias}.updated_at", "removed_at": f"{alias}.removed_at"}


_HOSTED: Final[Fields] = {
    "content_type": "hosted.content_type",
    "bytes": "hosted.bytes",
    "width": "hosted.width",
    "height": "hosted.height",
    "dominant_colour": "hosted.dominant_colour",
    "blurhash": "hosted.blurhash",
    "variants": "hosted.variants",
}


def served(url: str) -> Fields:
    """Where to show a picture from: our copy, or its source until we have one; and what is known of the copy."""
    ours = f"hosted_images hosted WHERE hosted.url = {url}"
    return {
        "url": f"coalesce((SELECT hosted.hosted_url FROM {ours}), {url})",
        "source_url": url,
        "hosted": embedded(_HOSTED, ours),
    }


def primary_picture(owner: str, role: str) -> str:
    """The picture that stands for `owner`, an alias with an id, in a role of `trr_crawl.catalog.primary`."""
    return embedded(
        {**served("chosen.url"), "source": "chosen.source"},
        f"primary_images chosen WHERE chosen.entity_id = {owner}.id AND chosen.role = '{role}'",
    )


EPISODE: Final[Fields] = {
    "id": "episode.id",
    "season_number": "episode.season_number",
    "episode_number": "episode.episode_number",
    "title": "episode.title",
    "air_date": "episode.air_date",
}
"""An episode as other resources name it."""

SHOW: Final[Fields] = {"id": "show.id", "slug": slug("show"), "title": "show.title", "start_year": "show.start_year"}
PERSON: Final[Fields] = {"id": "person.id", "slug": slug("person"), "name": "person.name"}
ORGANISATION: Final[Fields] = {
    "id": "named.id",
    "name": "named.name",
    "country": "named.country",
    "logo_url": "named.logo_url",
}

LAST: Final = 2147483647
"""Where things without a number stand: at the end."""


def embedded(fields: Fields, source: str = "") -> str:
    """An expression: one JSON object; null where `FROM source` has no row."""
    return f"(SELECT to_json(o) FROM (SELECT {columns(fields)}{source and ' FROM '}{source}) o)"
