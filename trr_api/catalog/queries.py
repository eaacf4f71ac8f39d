"""SQL that resources share: who is meant by an address, ids, ratings, pictures, provenance."""

from __future__ import annotations

from typing import Final

from trr_api.queries import Fields, Statement, Values

PLURALS: Final = {
    "show": "shows",
    "season": "seasons",
    "episode": "episodes",
    "person": "people",
    "image": "images",
    "list": "lists",
    "network": "networks",
    "company": "companies",
    "watch_provider": "providers",
}
"""The kinds that have an address, and its first part."""

ELSEWHERE: Final = b"""
SELECT coalesce(slugs.slug, target.id::text) FROM (
    SELECT coalesce(redirect.new_id, named.id) AS id FROM (
        SELECT $2::uuid AS id WHERE $2 IS NOT NULL
        UNION ALL SELECT entity_id FROM slugs WHERE kind = $1 AND slug = $3
    ) named LEFT JOIN entity_redirects redirect ON redirect.old_id = named.id
    WHERE redirect.new_id IS NOT NULL OR $2 IS NULL
) target LEFT JOIN slugs ON slugs.entity_id = target.id AND slugs.current AND $2 IS NULL
"""
"""Where a thing that is not found lives now: (kind, id or null, slug or null) -> its slug, or id if asked by id."""


def identity(alias: str, values: Values, key: object) -> str:
    """A condition: the row of `alias` is the thing with this id, or with this (current) slug."""
    if isinstance(key, str):
        kind = {"show": "show", "person": "person"}[alias]
        return f"{alias}.id = (SELECT entity_id FROM slugs WHERE kind = '{kind}' AND slug = {values(key)} AND current)"
    return f"{alias}.id = {values(key, 'uuid')}"


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


PICTURE: Final[Fields] = {
    "id": "image.id",
    "url": "image.url",
    "width": "image.width",
    "height": "image.height",
    "kind": "image.image_type",
    "language": "image.language",
    "caption": "image.caption",
}
"""A picture as other resources show it. The one place that says where a picture is served from."""


def primary_picture(owner: str, kinds: tuple[str, ...] | None = None) -> str:
    """The picture to show first: `owner` is the condition that ties `entry` to it; of these kinds, or of any."""
    kind = f" AND lower(image.image_type) IN ({', '.join(map(repr, kinds))})" if kinds else ""
    one = (
        "gallery_entries entry JOIN images image ON image.id = entry.picture_id "
        f"WHERE {owner} AND entry.removed_at IS NULL AND image.url IS NOT NULL{kind} "
        "ORDER BY entry.position NULLS LAST, image.id LIMIT 1"
    )
    columns = ", ".join(f'{expression} AS "{name}"' for name, expression in PICTURE.items())
    return f"(SELECT to_json(picture) FROM (SELECT {columns} FROM {one}) picture)"


def elsewhere(kind: str, key: object) -> Statement:
    """See ELSEWHERE."""
    return Statement(ELSEWHERE, [kind, None, key] if isinstance(key, str) else [kind, key, None])
