"""SQL of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from trr_api.catalog.places import Key
from trr_api.catalog.queries import LAST, PERSON, PICTURE, kept, named, primary_picture
from trr_api.queries import Fields, Sort, Statement, Values, after_place, objects, one, page

if TYPE_CHECKING:
    from trr_api.catalog.images.schemas import ImagesParameters

_IMAGE: Final[Fields] = {
    **PICTURE,
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
    "primary": "image.id = owner.primary_id",
    "position": "entry.position",
    "season_number": "entry.season_number",
}
"""A picture in a gallery. TMDb's show alone is of a season where `season_number` says so."""

_ENTRIES: Final = "gallery_entries entry JOIN images image ON image.id = entry.picture_id"
_PRIMARY_FIRST: Final = Sort(
    (
        ("CASE WHEN image.id = owner.primary_id THEN 0 ELSE 1 END", "int"),
        (f"coalesce(entry.position, {LAST})", "int"),
        ("entry.id", "uuid"),
    )
)


def of_show(show: Key, asked: ImagesParameters, after: Sequence[object] | None) -> Statement:
    """A page of a show's pictures, the primary one first."""
    primary = primary_picture("entry.show_id = show.id AND entry.season_number IS NULL", ("poster",), whole=False)
    within = f"SELECT show.id, {primary} AS primary_id FROM shows show WHERE {named('show', show)}"
    return _gallery("entry.show_id = owner.id", within, show, asked, after)


def of_person(person: Key, asked: ImagesParameters, after: Sequence[object] | None) -> Statement:
    """A page of a person's pictures, the primary one first."""
    primary = primary_picture("entry.person_id = person.id", whole=False)
    within = f"SELECT person.id, {primary} AS primary_id FROM people person WHERE {named('person', person)}"
    return _gallery("entry.person_id = owner.id", within, person, asked, after)


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
