"""Galleries: the part `images` of a show, a season or a person, and the logos of a network or company."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from trr_crawl.items import UNSET, GalleryEntry, Image, Item, Maybe, Picture
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.node import Node
from trr_crawl.parse.tmdb.fields import IMAGES_URL, Drift, count, rating, text

TYPES: Final = {
    "backdrops": "backdrop",
    "logos": "logo",
    "posters": "poster",
    "profiles": "profile",
    "stills": "still",
}
"""The lists of a gallery, and what `Picture.image_type` calls what is in them."""

_PICTURE_KEYS: Final = frozenset(
    "aspect_ratio file_path file_type height id iso_3166_1 iso_639_1 vote_average vote_count width".split()
)
_GALLERY_KEYS: Final = frozenset({"id", *TYPES})


def gallery(
    node: Node,
    drift: Drift,
    *,
    show_id: Maybe[str] = UNSET,
    person_id: Maybe[str] = UNSET,
    season_number: Maybe[int] = UNSET,
) -> Iterator[Item]:
    """All pictures, each with its place in the list of its type."""
    drift.check("images", node, _GALLERY_KEYS)
    for key, image_type in TYPES.items():
        for place, entry in enumerate(node.nodes(key), start=1):
            drift.check("image", entry, _PICTURE_KEYS)
            path = _path(entry)
            picture_id = path.lstrip("/")
            yield Picture(
                source="tmdb",
                picture_id=picture_id,
                url=IMAGES_URL + path,
                width=count(entry, "width"),
                height=count(entry, "height"),
                image_type=image_type,
                language=text(entry, "iso_639_1"),
                country=text(entry, "iso_3166_1"),
                rating=rating(entry),
                vote_count=count(entry, "vote_count"),
            )
            yield GalleryEntry(
                source="tmdb",
                picture_id=picture_id,
                show_id=show_id,
                person_id=person_id,
                season_number=season_number,
                position=place,
            )


def logos(node: Node, drift: Drift) -> list[Image]:
    """The logos of a network or company."""
    drift.check("images", node, _GALLERY_KEYS)
    found = []
    for entry in node.nodes("logos"):
        drift.check("image", entry, _PICTURE_KEYS)
        found.append(Image(url=IMAGES_URL + _path(entry), width=entry.integer("width"), height=entry.integer("height")))
    return found


def _path(entry: Node) -> str:
    path = entry.need_string("file_path")
    if not path.startswith("/") or len(path) < 2:
        raise ShapeError(f"{entry.at('file_path')} is {path[:60]!r}, no path of a picture")
    return path
