"""SQL of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from trr_api.catalog.places import Key
from trr_api.catalog.queries import LAST, PERSON, kept, named, served
from trr_api.queries import Fields, Sort, Statement, Values, after_place, objects, one, page
from trr_crawl.catalog.tables import ENTITIES

if TYPE_CHECKING:
    from trr_api.catalog.images.schemas import ImagesParameters

_IMAGE: Final[Fields] = {
    "id": "image.id",
    **served("image.url"),
    "width": "image.width",
    "height": "image.height",
    "kind": "image.image_type",
    "language": "image.language",
    "caption": "image.caption",
    "source": "image.provenance ->> 'url'",
    "country": "image.country",
    "section": "image.section",
    "copyright": "image.copyright",
    "rating": "image.rating",
    "vote_count": "image.vote_count",
    **kept("image"),
}

IMAGE: Final[Fields] = {
    **_IMAGE,
    "people": objects(
        PERSON,
        "unnest(image.person_ids) WITH ORDINALITY AS shown (value, place) JOIN external_ids known "
        "ON known.kind = 'person' AND known.source = image.provenance ->> 'url' AND known.value = shown.value "
        "JOIN people person ON person.id = known.entity_id",
        order="shown.place",
    ),
}
"""A picture alone."""

ENTRY: Final[Fields] = {
    **_IMAGE,
    "primary": "image.url IS NOT DISTINCT FROM owner.primary_url",
    "position": "entry.position",
    "season_number": "entry.season_number",
}
"""A picture in a gallery. TMDb's show alone is of a season where `season_number` says so."""

_ENTRIES: Final = "gallery_entries entry JOIN images image ON image.id = entry.picture_id"
_PRIMARY_FIRST: Final = Sort(
    (
        ("CASE WHEN image.url = owner.primary_url THEN 0 ELSE 1 END", "int"),
        (f"coalesce(entry.position, {LAST})", "int"),
        ("entry.id", "uuid"),
    )
)


def of_show(show: Key, asked: ImagesParameters, after: Sequence[object] | None) -> Statement:
    """A page of a show's pictures, the primary one first."""
    return _gallery("entry.show_id = owner.id", _with_primary("show", show, "poster"), show, asked, after)


def of_person(person: Key, asked: ImagesParameters, after: Sequence[object] | None) -> Statement:
    """A page of a person's pictures, the primary one first."""
    return _gallery("entry.person_id = owner.id", _with_primary("person", person, "photo"), person, asked, after)


def _with_primary(kind: str, key: Key, role: str) -> str:
    """The owner of a gallery, and the address of the picture that stands for it."""
    return (
        f"SELECT {kind}.id, chosen.url AS primary_url FROM {ENTITIES[kind].name} {kind} "
        f"LEFT JOIN primary_images chosen ON chosen.entity_id = {kind}.id AND chosen.role = '{role}' "
        f"WHERE {named(kind, key)}"
    )


def _gallery(owned: str, within: str, key: Key, asked: ImagesParameters, after: Sequence[object] | None) -> Statement:
    values = Values()
    values(key)
    where = [owned, "entry.removed_at IS NULL", "image.url IS NOT NULL"]
    for value, expression in (
        (asked.kind, "image.image_type"),
        (asked.source, "image.provenance ->> 'url'"),
        (asked.language, "image.language"),
    ):
        if value is not None:
            where.append(f"{expression} = {values(value, 'text')}")
    if asked.season is not None:
        where.append(f"entry.season_number = {values(asked.season, 'int')}")
    query = page(
        ENTRY,
        _ENTRIES,
        sort=_PRIMARY_FIRST,
        bound=len(values.bound),
        after=after is not None,
        where=where,
        within=within,
    )
    return after_place(query, values.bound, asked.limit, after)


def image(key: UUID) -> Statement:
    """One picture."""
    return Statement(_image(), [key])


@lru_cache(maxsize=1)
def _image() -> bytes:
    return one(IMAGE, "images image WHERE image.id = $1")
