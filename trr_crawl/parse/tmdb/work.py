"""Who worked on what: `aggregate_credits` of a show, cast and crew of its episodes, `tv_credits` of a person.

One person has one credit a category. Somebody who plays two characters, or does two jobs in one department, has them
in `roles`, each with its own count. TMDb names departments, not trades; some of them are what IMDb names too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from trr_crawl.items import UNSET, Credit, EpisodeCredit, Maybe, Person, Role
from trr_crawl.parse.node import Node
from trr_crawl.parse.tmdb.fields import Drift, flag, gender, identifier, image, text
from trr_crawl.text import clean

CAST: Final = "cast"
CREATOR: Final = "creator"

DEPARTMENTS: Final = {
    "Actors": "actors",
    "Art": "art_department",
    "Camera": "camera",
    "Costume & Make-Up": "costume_and_make_up",
    "Creator": CREATOR,
    "Crew": "crew",
    "Directing": "directing",
    "Editing": "editing",
    "Lighting": "lighting",
    "Production": "production",
    "Sound": "sound_department",
    "Visual Effects": "visual_effects",
    "Writing": "writing",
}
"""TMDb's departments, and what `Credit.category` calls them."""

REMARKS: Final = frozenset({"uncredited", "voice", "singing voice", "archive footage", "archive sound", "credit only"})
"""What may stand in brackets behind a character and is no part of it."""

PERSON_KEYS: Final = frozenset(
    "adult gender id known_for_department name original_name popularity profile_path".split()
)
_CAST_KEYS: Final = PERSON_KEYS | {"roles", "total_episode_count", "order"}
_CREW_KEYS: Final = PERSON_KEYS | {"jobs", "department", "total_episode_count"}
_ROLE_KEYS: Final = frozenset({"credit_id", "character", "job", "episode_count"})
_EPISODE_KEYS: Final = PERSON_KEYS | {"credit_id", "character", "order", "job", "department"}
_CREATOR_KEYS: Final = PERSON_KEYS | {"credit_id"}

_OF_THEMSELVES: Final = re.compile(r"(?:self|himself|herself|themselves|themself)\b", re.IGNORECASE)
_BRACKETS: Final = re.compile(r"\s*\(([^()]+)\)$")
_NO_WORD: Final = re.compile(r"[\W_]+")


@dataclass(slots=True)
class Work:
    """What one person did in one category, while it is collected."""

    category: str
    category_name: str
    roles: list[Role] = field(default_factory=list)
    order: int | None = None
    """From 0, as TMDb counts."""
    episode_count: int | None = None


@dataclass(slots=True)
class Credits:
    """Credits, and everyone in them."""

    credits: list[Credit] = field(default_factory=list)
    people: dict[str, Person] = field(default_factory=dict)
    """By id."""
    count: int = 0
    """How many entries TMDb has."""


@dataclass(slots=True)
class EpisodeCredits:
    """Credits of episodes, and everyone in them."""

    credits: list[EpisodeCredit] = field(default_factory=list)
    people: dict[str, Person] = field(default_factory=dict)
    """By id."""


def aggregate(node: Node, show_id: str, drift: Drift) -> Credits:
    """`aggregate_credits`: all cast and crew of a show."""
    drift.check("aggregate_credits", node, frozenset({"id", "cast", "crew"}))
    found = Credits()
    works: dict[tuple[str, str], Work] = {}
    for entry in node.nodes("cast"):
        drift.check("cast", entry, _CAST_KEYS)
        work = _work(works, found, entry, CAST, "Cast")
        if work.order is None:
            work.order = entry.integer("order")
        _add(work, entry, "roles", "character", drift)
    for entry in node.nodes("crew"):
        drift.check("crew", entry, _CREW_KEYS)
        work = _work(works, found, entry, *_department(entry, drift))
        _add(work, entry, "jobs", "job", drift)
    found.credits = [credit(show_id, person_id, work) for (person_id, _), work in works.items()]
    return found


def creators(node: Node, show_id: str, drift: Drift) -> Credits:
    """`created_by` of a show."""
    found = Credits()
    for place, entry in enumerate(node.nodes("created_by"), start=1):
        drift.check("created_by", entry, _CREATOR_KEYS)
        member = person(entry)
        found.people[member.id] = member
        found.credits.append(
            Credit(
                source="tmdb",
                show_id=show_id,
                person_id=member.id,
                category=CREATOR,
                category_name="Creator",
                billing_order=place,
            )
        )
    return found


def of_person(node: Node, drift: Drift) -> Iterator[tuple[Node, Work]]:
    """`tv_credits` of a person: each entry, which also tells of its show, and what the person did there altogether."""
    drift.check("tv_credits", node, frozenset({"id", "cast", "crew"}))
    works: dict[tuple[str, str], tuple[Node, Work]] = {}
    for key, name in (("cast", "character"), ("crew", "job")):
        for entry in node.nodes(key):
            own = (CAST, "Cast") if key == "cast" else _department(entry, drift)
            _, work = works.setdefault((identifier(entry), own[0]), (entry, Work(*own)))
            work.roles.append(_role(entry, name))
    for entry, work in works.values():
        # Two roles may share episodes: only a single one tells how many there are.
        work.episode_count = work.roles[0].episode_count if len(work.roles) == 1 else None
        yield entry, work


def credit(show_id: str, person_id: str, work: Work) -> Credit:
    """A person's work on a show."""
    in_cast = work.category == CAST
    names = [role.name for role in work.roles if role.name]
    characters, remarks = _characters(names) if in_cast else ([], [])
    return Credit(
        source="tmdb",
        show_id=show_id,
        person_id=person_id,
        category=work.category,
        category_name=work.category_name,
        billing_order=UNSET if work.order is None else work.order + 1,
        roles=work.roles,
        characters=(characters or None) if in_cast else UNSET,
        jobs=UNSET if in_cast else list(dict.fromkeys(names)) or None,
        attributes=(_all_of(remarks) or None) if in_cast else UNSET,
        as_self=_as_self(characters) if in_cast else UNSET,
        uncredited=_always(remarks, "uncredited") if in_cast else UNSET,
        archive_footage=_always(remarks, "archive footage") if in_cast else UNSET,
        episode_count=UNSET if work.episode_count is None else work.episode_count,
    )


def of_episode(episode: Node, show_id: str, found: EpisodeCredits, drift: Drift) -> None:
    """`crew` and `guest_stars` of an episode."""
    episode_id = identifier(episode)
    works: dict[tuple[str, str], Work] = {}
    for key, name in (("guest_stars", "character"), ("crew", "job")):
        for entry in episode.nodes(key):
            drift.check(key, entry, _EPISODE_KEYS)
            own = (CAST, "Cast") if key == "guest_stars" else _department(entry, drift)
            member = person(entry)
            found.people[member.id] = member
            works.setdefault((member.id, own[0]), Work(*own)).roles.append(_role(entry, name))
    found.credits.extend(
        _episode_credit(show_id, episode_id, person_id, work) for (person_id, _), work in works.items()
    )


def person(node: Node) -> Person:
    """Someone, as credits tell of them. Their popularity is left out: every list has another one."""
    return Person(
        source="tmdb",
        id=identifier(node),
        name=text(node, "name"),
        original_name=text(node, "original_name"),
        gender=gender(node),
        adult=flag(node, "adult"),
        known_for_department=text(node, "known_for_department"),
        image=image(node, "profile_path"),
    )


def _work(works: dict[tuple[str, str], Work], found: Credits, entry: Node, category: str, name: str) -> Work:
    member = person(entry)
    found.people[member.id] = member
    found.count += 1
    return works.setdefault((member.id, category), Work(category, name))


def _add(work: Work, entry: Node, key: str, name: str, drift: Drift) -> None:
    """Add the roles or jobs of an entry."""
    for role in entry.nodes(key):
        drift.check(key, role, _ROLE_KEYS)
        work.roles.append(_role(role, name))
    total = entry.integer("total_episode_count")
    if total is not None:
        work.episode_count = max(total, work.episode_count or 0)


def _role(node: Node, name: str) -> Role:
    return Role(
        id=node.string("credit_id") or None,
        name=clean(node.string(name) or ""),
        episode_count=node.integer("episode_count"),
    )


def _episode_credit(show_id: str, episode_id: str, person_id: str, work: Work) -> EpisodeCredit:
    in_cast = work.category == CAST
    names = [role.name for role in work.roles if role.name]
    characters, remarks = _characters(names) if in_cast else ([], [])
    return EpisodeCredit(
        source="tmdb",
        show_id=show_id,
        episode_id=episode_id,
        person_id=person_id,
        category=work.category,
        characters=(characters or None) if in_cast else UNSET,
        jobs=UNSET if in_cast else list(dict.fromkeys(names)) or None,
        guest=True if in_cast else UNSET,
        attributes=(_all_of(remarks) or None) if in_cast else UNSET,
        as_self=_as_self(characters) if in_cast else UNSET,
        uncredited=_always(remarks, "uncredited") if in_cast else UNSET,
        archive_footage=_always(remarks, "archive footage") if in_cast else UNSET,
    )


def _department(entry: Node, drift: Drift) -> tuple[str, str]:
    """A department's category and name; one that is not in the table is made of TMDb's own words."""
    name = entry.need_string("department")
    category = DEPARTMENTS.get(name)
    if category is None:
        drift.add(f"department {name}")
        category = _NO_WORD.sub("_", name.lower().replace("&", "and")).strip("_")
    return category, name


def _characters(names: list[str]) -> tuple[list[str], list[set[str]]]:
    """Characters without the remarks behind them, each once; and the remarks of each, if there are any."""
    if not any(name.endswith(")") for name in names):
        return list(dict.fromkeys(names)), []
    characters, remarks = [], []
    for name in names:
        said: set[str] = set()
        while (found := _BRACKETS.search(name)) is not None:
            parts = {part.strip().lower() for part in found[1].split(",")}
            if not parts <= REMARKS:
                break
            said |= parts
            name = name[: found.start()]
        if name:
            characters.append(name)
        remarks.append(said)
    return list(dict.fromkeys(characters)), remarks


def _all_of(remarks: list[set[str]]) -> list[str]:
    return sorted(set().union(*remarks))


def _always(remarks: list[set[str]], remark: str) -> bool:
    """Whether a remark stands behind every one of somebody's characters."""
    return bool(remarks) and all(remark in said for said in remarks)


def _as_self(characters: list[str]) -> Maybe[bool]:
    """Whether someone is themselves: "Self - Host"; UNSET where no character is told."""
    if any(_OF_THEMSELVES.match(character) for character in characters):
        return True
    return False if characters else UNSET
