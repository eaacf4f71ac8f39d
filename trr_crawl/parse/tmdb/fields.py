"""Readers of the fields that stand in many of TMDb's answers.

TMDb writes "" where others write null: both mean that there is none. Ids are numbers, or hexadecimal strings. Pictures
are paths below one address.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final, TypeVar

from trr_crawl.items import UNSET, Image, Maybe, Unset
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.node import Node
from trr_crawl.text import clean

T = TypeVar("T")

IMAGES_URL: Final = "https://image.tmdb.org/t/p/original"
"""Where originals are; a path that starts with a slash follows."""
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_GENDERS: Final = {None: None, 0: None, 1: "female", 2: "male", 3: "non-binary"}

EXTERNAL_IDS: Final = {
    "imdb_id": "imdb",
    "tvdb_id": "tvdb",
    "tvrage_id": "tvrage",
    "wikidata_id": "wikidata",
    "freebase_mid": "freebase_mid",
    "freebase_id": "freebase",
    "facebook_id": "facebook",
    "instagram_id": "instagram",
    "twitter_id": "twitter",
    "tiktok_id": "tiktok",
    "youtube_id": "youtube",
}
"""TMDb's keys, and what `Show.external_ids` calls these sources."""


class Drift(set[str]):
    """Names of keys that no parser knows: TMDb may be saying something new there."""

    def check(self, name: str, node: Node, known: frozenset[str]) -> None:
        """Note the keys of an object that are not among the known ones, under the name of its sort."""
        if not node.data.keys() <= known:
            self.update(f"{name}.{key}" for key in node.data.keys() - known)


def stated(node: Node, key: str, value: T) -> T | Unset:
    """The value, or UNSET where the node does not carry the key at all."""
    return value if key in node.data else UNSET


def words(node: Node, key: str) -> str | None:
    """Text, clean; None for ""."""
    return clean(node.string(key) or "")


def text(node: Node, key: str) -> Maybe[str]:
    """Text, UNSET where the key is absent."""
    return node.string(key) or None if key in node.data else UNSET


def number(node: Node, key: str) -> Maybe[float]:
    """A number, UNSET where the key is absent."""
    return node.number(key) if key in node.data else UNSET


def count(node: Node, key: str) -> Maybe[int]:
    """A whole number, UNSET where the key is absent."""
    return node.integer(key) if key in node.data else UNSET


def flag(node: Node, key: str) -> Maybe[bool]:
    """True or false, UNSET where the key is absent."""
    return node.flag(key) if key in node.data else UNSET


def texts(node: Node, key: str) -> Maybe[list[str]]:
    """A list of texts, "" left out; UNSET where the key is absent."""
    listed = node.array(key)
    for value in listed or ():
        if not isinstance(value, str):
            raise ShapeError(f"{node.at(key)} holds {repr(value)[:60]} where a string was expected")
    return stated(node, key, None if listed is None else [value for value in listed if value])


def named(node: Node, key: str, inner: str) -> Maybe[list[str]]:
    """One text of each object of a list, "" left out; UNSET where the key is absent."""
    listed = [value for entry in node.nodes(key) if (value := entry.string(inner))]
    return stated(node, key, listed)


def identifier(node: Node, key: str = "id") -> str:
    """An id as text: of a number, or a hexadecimal string."""
    value = node.data.get(key)
    if isinstance(value, str) and value:
        return value
    number = node.integer(key)
    if number is None:
        raise ShapeError(f"{node.at(key)} is missing")
    return str(number)


def day(node: Node, key: str) -> date | None:
    """A date; None for null and ""."""
    value = words(node, key)
    if value is None:
        return None
    if _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ShapeError(f"{node.at(key)} is no date: {value!r}: {error}") from error
    raise ShapeError(f"{node.at(key)} is no date: {value[:40]!r}")


def dated(node: Node, key: str) -> Maybe[date]:
    """A date, UNSET where the key is absent."""
    return stated(node, key, day(node, key))


def year(of: Maybe[date]) -> Maybe[int]:
    """A date's year, UNSET and None kept."""
    return of.year if isinstance(of, date) else of


def rating(node: Node) -> Maybe[float]:
    """The mean of the votes; None before the first one, when TMDb writes 0."""
    return stated(node, "vote_average", node.number("vote_average") or None)


def gender(node: Node) -> Maybe[str]:
    """As in `Person.gender`."""
    value = node.integer("gender")
    if value not in _GENDERS:
        raise ShapeError(f"{node.at('gender')} is {value}: there is no such gender at TMDb")
    return stated(node, "gender", _GENDERS[value])


def image_url(node: Node, key: str) -> Maybe[str]:
    """The original's address, UNSET where the key is absent."""
    path = words(node, key)
    return stated(node, key, None if path is None else IMAGES_URL + path)


def image(node: Node, key: str) -> Maybe[Image]:
    """A picture that only its path tells of, UNSET where the key is absent."""
    path = words(node, key)
    return stated(node, key, None if path is None else Image(url=IMAGES_URL + path))


def external_ids(node: Node, drift: Drift) -> dict[str, str]:
    """The ids of the part `external_ids`: those that are stated, by the names of `EXTERNAL_IDS`."""
    drift.check("external_ids", node, frozenset({"id", *EXTERNAL_IDS}))
    found = {}
    for key, source in EXTERNAL_IDS.items():
        value = node.data.get(key)
        if isinstance(value, str):
            value = value.strip()
        if value not in (None, "", 0):
            found[source] = value if isinstance(value, str) else identifier(node, key)
    return found
