"""The roles of people, in the three layouts in which IMDb tells them; each becomes a `Credit` without a place.

Everything that the parser does not know goes into `drift`, as paths and names of categories.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from trr_crawl import text
from trr_crawl.items import UNSET, Credit, Maybe
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.imdb.categories import ACTING, ARCHIVE, CAST, SELF, Trade, trade, word
from trr_crawl.parse.node import Node

CHARACTERS_SHOWN: Final = 3
"""So many characters of a role do pages show at most: with as many there may be more."""

_ROLE_KEYS = frozenset("__typename text category attributes characters episodeCredits".split())
_ROW_KEYS = frozenset(
    "id rowTitle isSeries isCast refTagSuffix characters attributes imageProps episodicCreditData className".split()
)
_OF_THEMSELVES = re.compile(r"(?:self|himself|herself|themselves|themself)\b", re.IGNORECASE)
_BRACKETS = re.compile(r"\s*\(([^()]+)\)$")
_JOINT = re.compile(r"\s+(?:&|and)$")
_TENURE = re.compile(r"(\d{4})(?:[\u2013-](\d{4}))?")


Episodes: TypeAlias = tuple[Maybe[int], Maybe[int], Maybe[int]]
"""How many episodes, the year of the first, the year of the last."""

Remarks: TypeAlias = tuple[list[str], str | None]
"""The attributes, and the name on screen that one of them gives."""


def of_node(node: Node, title_id: str, person_id: str, within: Trade | None, drift: set[str]) -> Iterator[Credit]:
    """The roles of a node; `within` is the trade of the list in which it stands, if it is a list of one."""
    connection = node.node("creditedRoles")
    if connection is None:
        yield from _of_node(node, title_id, person_id, within, drift)
        return
    told = list(edges(connection))
    for role in told:
        yield _of_credited(role, node, title_id, person_id, within, drift)
    if not told:
        if within is None:
            raise ShapeError(f"{node.path} is a credit of no role")
        yield _role(title_id, person_id, within, (), [], job=None, remarks=([], None), episodes=_episodes(node))


def _of_node(node: Node, title_id: str, person_id: str, within: Trade | None, drift: set[str]) -> Iterator[Credit]:
    """A node with one category: `characters` and `attributes` of the cast, `jobDetails` of the crew.

    One of a list of a single trade may leave its category out, and say nothing more either.
    """
    if within is not None and "category" not in node.data:
        yield Credit(
            source="imdb",
            show_id=title_id,
            person_id=person_id,
            category=within.slug,
            category_name=within.name,
        )
        return
    category = node.need("category")
    words = [entry for key in ("id", "text") if (entry := category.string(key))]
    own = _own_trade(words, within, category, drift)
    characters = [character.need_string("name") for character in node.nodes("characters")]
    jobs = list(node.nodes("jobDetails")) or [node]
    for job in jobs:
        named = job.node("job")
        yield _role(
            title_id,
            person_id,
            own,
            words,
            characters,
            job=named.string("text") if named else None,
            remarks=_remarks(job),
            episodes=_episodes(node),
        )


def _of_credited(
    role: Node, node: Node, title_id: str, person_id: str, within: Trade | None, drift: set[str]
) -> Credit:
    """One of a node's `creditedRoles`. Its `text` is a job, or repeats the character."""
    drift |= {f"credit.role.{key}" for key in role.data.keys() - _ROLE_KEYS}
    category = role.need("category")
    words = [entry for key in ("categoryId", "text") if (entry := category.string(key))]
    traits = category.array("traits") or ()
    own = CAST if "CAST_TRAIT" in traits else _own_trade(words, within, category, drift)
    if "SELF_TRAIT" in traits:
        words.append("self")
    listed = role.node("characters")
    return _role(
        title_id,
        person_id,
        own,
        words,
        [character.need_string("name") for character in edges(listed)] if listed else [],
        job=None if own is CAST else role.string("text"),
        remarks=_remarks(role),
        episodes=_episodes(role if "episodeCredits" in role.data else node),
    )


def of_row(row: Node, title_id: str, within: Trade, drift: set[str]) -> list[Credit]:
    """A row of a list, whose `attributes` are one text: "(uncredited)", "editor / producer (as Jo Doe)"."""
    drift |= {f"credit.row.{key}" for key in row.data.keys() - _ROW_KEYS}
    person_id = row.need_string("id")
    words: list[str] = []
    episodes: Episodes = (UNSET, UNSET, UNSET) if row.flag("isSeries") else (None, None, None)
    told = row.node("episodicCreditData")
    if told is not None:
        category = told.node("jobCategory")
        words = [category.need_string("id")] if category else []
        episodes = (told.integer("episodeCount") or None, *_tenure(told, drift))
    characters = _texts(row, "characters")
    written = row.words("attributes") or ""
    parts = [written] if within is CAST else written.split(" / ")
    roles = []
    for part in parts:
        job, remarks = _split(part)
        if within is CAST and job:
            job, remarks = "", [job, *remarks]
        credited_as = next((remark[3:] for remark in remarks if remark.startswith("as ")), None)
        roles.append(
            _role(
                title_id,
                person_id,
                within,
                words,
                characters,
                job=job or None,
                remarks=(remarks, credited_as),
                episodes=episodes,
            )
        )
    return roles


def _role(
    title_id: str,
    person_id: str,
    own: Trade,
    words: Iterable[str],
    characters: list[str],
    *,
    job: str | None,
    remarks: Remarks,
    episodes: Episodes,
) -> Credit:
    """A role, as all layouts tell it: the cast has characters, the crew has jobs."""
    attributes, credited_as = remarks
    said = {word(entry) for entry in words}
    in_cast = own is CAST
    return Credit(
        source="imdb",
        show_id=title_id,
        person_id=person_id,
        category=own.slug,
        category_name=own.name,
        characters=characters or (None if in_cast else UNSET),
        jobs=[job] if job else (UNSET if in_cast else None),
        attributes=attributes or None,
        credited_as=credited_as,
        as_self=_as_self(said, characters) if in_cast else UNSET,
        uncredited="uncredited" in attributes,
        archive_footage=_from_archive(said, attributes) if in_cast else UNSET,
        episode_count=episodes[0],
        start_year=episodes[1],
        end_year=episodes[2],
    )


def _as_self(said: set[str], characters: list[str]) -> Maybe[bool]:
    """Whether someone of the cast is themselves: "Self - Host"; UNSET where neither category nor character tells."""
    if said & SELF or any(_OF_THEMSELVES.match(character) for character in characters):
        return True
    return False if characters or said & ACTING else UNSET


def _from_archive(said: set[str], attributes: list[str]) -> bool:
    return bool(said & ARCHIVE) or any(attribute.startswith("archive ") for attribute in attributes)


def _own_trade(words: list[str], within: Trade | None, category: Node, drift: set[str]) -> Trade:
    """The trade of a role: all of the cast's list is cast, whatever its categories are called."""
    if within is CAST:
        return CAST
    if not words:
        raise ShapeError(f"{category.path} names no category")
    own = trade(*words)
    note_trade(own, drift)
    return own


def note_trade(own: Trade, drift: set[str]) -> None:
    if not own.known:
        drift.add(f"category.{own.slug}")


def _remarks(node: Node) -> Remarks:
    """`attributes`: "uncredited", or "as Jo Doe" of the type CreditedAsCreditAttribute."""
    texts: list[str] = []
    credited_as = None
    for attribute in node.nodes("attributes"):
        said = attribute.need_string("text")
        texts.append(said)
        if said.startswith("as ") and attribute.string("__typename") in (None, "CreditedAsCreditAttribute"):
            credited_as = credited_as or said[3:]
    return texts, credited_as


def _split(written: str) -> tuple[str, list[str]]:
    """A job and the remarks in brackets behind it; the "&" of a writing team is dropped."""
    rest = _JOINT.sub("", written.strip())
    remarks: list[str] = []
    while (bracket := _BRACKETS.search(rest)) is not None:
        remarks.insert(0, bracket[1].strip())
        rest = rest[: bracket.start()]
    return rest, remarks


def _episodes(node: Node) -> Episodes:
    """`episodeCredits`; a single year has no `endYear`."""
    connection = node.node("episodeCredits")
    if connection is None:
        return UNSET, UNSET, UNSET
    years = connection.node("yearRange")
    start = years.integer("year") if years else None
    end = years.integer("endYear") if years else None
    return connection.integer("total") or None, start, start if end is None else end


def _tenure(told: Node, drift: set[str]) -> tuple[Maybe[int], Maybe[int]]:
    """`tenureText`: "2019" or "2019-2022", with a dash of either length."""
    written = told.string("tenureText")
    if not written:
        return None, None
    match = _TENURE.fullmatch(written.strip())
    if match is None:
        drift.add("credit.row.episodicCreditData.tenureText")
        return UNSET, UNSET
    return int(match[1]), int(match[2] or match[1])


def _texts(node: Node, key: str) -> list[str]:
    """A list of strings, entities resolved."""
    texts = []
    for index, entry in enumerate(node.array(key) or ()):
        if not isinstance(entry, str):
            raise ShapeError(f"{node.at(key)}[{index}] is no string")
        try:
            texts.append(text.unescape(entry))
        except ValueError as error:  # a character reference beyond all numbers
            raise ShapeError(f"{node.at(key)}[{index}] holds an entity that is none: {error}") from error
    return texts


def doubt_characters(told: Iterable[Credit]) -> None:
    """Move the characters of a page's roles to `main_characters` where there may be more of them."""
    for role in told:
        if role.characters and len(role.characters) == CHARACTERS_SHOWN:
            role.characters, role.main_characters = UNSET, role.characters


def is_cut(node: Node) -> bool:
    """Whether a credit has more roles, or one of its roles more characters, than are here, by its lists' own word."""
    connection = node.node("creditedRoles")
    return connection is not None and (
        says_more(connection) or any(says_more(role.node("characters")) for role in edges(connection))
    )


def says_more(connection: Node | None) -> bool:
    """Whether a list says by itself, by its total or by another page, that it has more than is here."""
    if connection is None:
        return False
    info = connection.node("pageInfo")
    total = connection.integer("total")
    return bool(info and info.flag("hasNextPage")) or (total or 0) > len(connection.array("edges") or ())


def is_whole(connection: Node, shown: int | None) -> bool:
    """Whether a list has all that it is about: by its own word, or else because pages would show more, if they cut."""
    if shown is None or "total" in connection.data or "pageInfo" in connection.data:
        return not says_more(connection)
    return len(connection.array("edges") or ()) < shown


def edges(connection: Node | None) -> Iterator[Node]:
    """The nodes of a connection's edges."""
    if connection is not None:
        for edge in connection.nodes("edges"):
            yield edge.need("node")
