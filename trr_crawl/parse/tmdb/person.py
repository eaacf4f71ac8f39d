"""A person: `/3/person/{id}?append_to_response=external_ids,images,tv_credits`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from trr_crawl.items import UNSET, Credit, Item, Maybe, Person, Show
from trr_crawl.parse.node import Node
from trr_crawl.parse.tmdb import answer, images, listed, work
from trr_crawl.parse.tmdb.fields import (
    Drift,
    dated,
    external_ids,
    flag,
    gender,
    image,
    number,
    text,
    texts,
    words,
    year,
)

PARTS: Final = ("external_ids", "images", "tv_credits")

_KEYS: Final = frozenset(
    "adult also_known_as biography birthday deathday gender homepage id imdb_id known_for_department name "
    "place_of_birth popularity profile_path original_name".split()
) | set(PARTS)
_CREDIT_KEYS: Final = frozenset("character credit_id department episode_count first_credit_air_date job".split())


@dataclass(kw_only=True, slots=True)
class PersonPage:
    """A person, and all that came with them."""

    person: Person
    parts: frozenset[str] = frozenset()
    """The parts that came, of `PARTS`."""
    shows: dict[str, Show] = field(default_factory=dict)
    """Those that the credits are for, by id."""
    credits: list[Credit] = field(default_factory=list)
    pictures: list[Item] = field(default_factory=list)
    """Each with its place."""
    drift: list[str] = field(default_factory=list)
    """Names of keys that the parser does not know."""

    def items(self) -> Iterator[Item]:
        """Parents first."""
        yield self.person
        yield from self.shows.values()
        yield from self.credits
        yield from self.pictures


def parse(body: bytes, person_id: str, *, language: str) -> PersonPage:
    """The answer about a person, asked for in a language such as "en-US"."""
    node = answer.read(body, f"person {person_id}")
    answer.check_id(node, person_id, f"person {person_id}")
    drift = Drift()
    drift.check("person", node, _KEYS)
    page = PersonPage(person=_person(node, person_id, drift))
    page.parts = frozenset(part for part in PARTS if part in node.data)
    if (part := node.node("tv_credits")) is not None:
        for entry, done in work.of_person(part, drift):
            show = listed.title(entry, drift, language, more_keys=_CREDIT_KEYS)
            page.shows[show.id] = show
            page.credits.append(work.credit(show.id, person_id, done))
    if (part := node.node("images")) is not None:
        page.pictures = list(images.gallery(part, drift, person_id=person_id))
        page.person.images_total = len(page.pictures) // 2
    page.drift = sorted(drift)
    return page


def _person(node: Node, person_id: str, drift: Drift) -> Person:
    born, died = dated(node, "birthday"), dated(node, "deathday")
    return Person(
        source="tmdb",
        id=person_id,
        name=text(node, "name"),
        original_name=text(node, "original_name"),
        external_ids=_external_ids(node, drift),
        gender=gender(node),
        adult=flag(node, "adult"),
        homepage=text(node, "homepage"),
        popularity=number(node, "popularity"),
        known_for_department=text(node, "known_for_department"),
        also_known_as=texts(node, "also_known_as"),
        biography=text(node, "biography"),
        birth_date=born,
        birth_year=year(born),
        birth_place=text(node, "place_of_birth"),
        death_date=died,
        death_year=year(died),
        image=image(node, "profile_path"),
    )


def _external_ids(node: Node, drift: Drift) -> Maybe[dict[str, str]]:
    """The part, or the one id that the person's own answer has."""
    part = node.node("external_ids")
    if part is not None:
        return external_ids(part, drift)
    imdb_id = words(node, "imdb_id")
    return {"imdb": imdb_id} if imdb_id else UNSET
