"""SQL of people, of what they did, and of whom they did it with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from trr_api.catalog.credits.queries import WORK_ON_SHOW
from trr_api.catalog.places import Key
from trr_api.catalog.queries import PERSON, SHOW, embedded, external_ids, kept, named, primary_picture, slug
from trr_api.paging import PageParameters
from trr_api.queries import Fields, Sort, Statement, after_place, objects, one, page, pick

if TYPE_CHECKING:
    from trr_api.catalog.people.schemas import PeopleParameters, PersonParameters

SUMMARY: Final[Fields] = {
    "id": "person.id",
    "slug": slug("person"),
    "name": "person.name",
    "known_for_department": "person.known_for_department",
    "professions": "coalesce(person.professions, '{}')",
    "birth_date": "person.birth_date",
    "birth_year": "person.birth_year",
    "popularity": "person.tmdb_popularity",
    "picture": primary_picture("person", "photo"),
    **kept("person"),
}
"""A person in a list."""

DETAIL: Final[Fields] = {
    **SUMMARY,
    "full_name": "person.full_name",
    "birth_name": "person.birth_name",
    "original_name": "person.original_name",
    "also_known_as": "coalesce(person.also_known_as, '{}')",
    "biography": "person.biography",
    "birth_place": "person.birth_place",
    "death_date": "person.death_date",
    "death_year": "person.death_year",
    "death_place": "person.death_place",
    "death_cause": "person.death_cause",
    "gender": "person.gender",
    "height_centimetres": "person.height_centimetres",
    "weight_kilograms": "person.weight_kilograms",
    "hair_colour": "person.hair_colour",
    "eye_colour": "person.eye_colour",
    "residence": "person.residence",
    "adult": "person.adult",
    "homepage": "person.homepage",
    "external_ids": external_ids("person"),
}
"""A person alone."""

_FANDOM: Final[Fields] = {
    "wiki": "wiki.wiki",
    "title": "wiki.title",
    "url": "wiki.url",
    "revision_id": "wiki.revision_id",
    "aliases": "coalesce(wiki.aliases, '{}')",
    "summary": "wiki.summary",
    "infobox": "wiki.infobox",
    "seasons": "wiki.seasons",
    "relations": "wiki.relations",
    "taglines": "wiki.taglines",
    "seating": "wiki.seating",
    "trivia": "coalesce(wiki.trivia, '{}')",
}
EXPANSIONS: Final[Fields] = {
    "fandom": objects(
        _FANDOM,
        "external_ids known JOIN fandom_pages wiki ON wiki.person_key = known.value AND wiki.removed_at IS NULL "
        "WHERE known.kind = 'person' AND known.source = 'fandom' AND known.entity_id = person.id",
        order="wiki.wiki, wiki.id",
    ),
    "provenance": "person.provenance",
}

SORTS: Final = {
    "name": Sort((("coalesce(person.name, '')", "text"), ("person.id", "uuid"))),
    "popularity": Sort((("coalesce(person.tmdb_popularity, -1)", "float8"), ("person.id", "uuid")), descending=True),
}

# A range by byte, because an index serves it whatever the value; it ends with the last character there is.
_BEGINS: Final = """lower(person.name) ~>=~ lower($1) AND lower(person.name) ~<=~ (lower($1) || U&'\\+10FFFF')"""


def people(asked: PeopleParameters, after: Sequence[object] | None) -> Statement:
    """A page of people."""
    query = _people(asked.sort, asked.fields, asked.name is not None, after is not None)
    return after_place(query, [] if asked.name is None else [asked.name], asked.limit, after)


@lru_cache(maxsize=512)
def _people(sort: str, fields: str | None, by_name: bool, after: bool) -> bytes:
    return page(
        pick(SUMMARY, fields),
        "people person",
        sort=SORTS[sort],
        bound=int(by_name),
        after=after,
        where=["person.removed_at IS NULL", *([_BEGINS] if by_name else [])],
    )


def person(key: Key, asked: PersonParameters) -> Statement:
    """One person."""
    return Statement(_person(named("person", key), asked.fields, asked.expand), [key])


@lru_cache(maxsize=512)
def _person(condition: str, fields: str | None, expand: str | None) -> bytes:
    return one(pick(DETAIL, fields) | pick(EXPANSIONS, expand or ""), f"people person WHERE {condition}")


def _within(key: Key) -> str:
    return f"SELECT person.id FROM people person WHERE {named('person', key)}"


_CREDIT: Final[Fields] = {
    "id": "credit.id",
    "show": embedded(SHOW),
    **WORK_ON_SHOW,
    "seasons": "coalesce(seen.seasons, '{}')",
    "episodes_seen": "coalesce(seen.total_episodes, 0)",
}
_CREDITS: Final = (
    "credits credit JOIN shows show ON show.id = credit.show_id LEFT JOIN LATERAL (SELECT seasons, total_episodes "
    "FROM appearances WHERE appearances.show_id = credit.show_id AND appearances.person_id = credit.person_id) seen "
    "ON true"
)
_NEWEST_FIRST: Final = Sort((("-coalesce(show.start_year, 0)", "int"), ("credit.id", "uuid")))


def work(key: Key, asked: PageParameters, after: Sequence[object] | None) -> Statement:
    """A page of what somebody did, the newest shows first."""
    return after_place(_work(_within(key), after is not None), [key], asked.limit, after)


@lru_cache(maxsize=16)
def _work(within: str, after: bool) -> bytes:
    where = ("credit.person_id = owner.id", "credit.removed_at IS NULL")
    return page(_CREDIT, _CREDITS, sort=_NEWEST_FIRST, bound=1, after=after, where=where, within=within)


_CO_STAR: Final[Fields] = {"person": embedded(PERSON), "shared_shows": "star.shared_shows", "shows": "star.shows"}
_CO_STARS: Final = f"""(
    SELECT theirs.person_id, count(*)::int AS shared_shows, json_agg({embedded(SHOW)} ORDER BY show.title, show.id)
           AS shows
    FROM (SELECT DISTINCT show_id FROM credits
          WHERE person_id = owner.id AND category = 'cast' AND removed_at IS NULL) mine
    JOIN credits theirs ON theirs.show_id = mine.show_id AND theirs.category = 'cast'
     AND theirs.removed_at IS NULL AND theirs.person_id <> owner.id
    JOIN shows show ON show.id = mine.show_id
    GROUP BY theirs.person_id
) star JOIN people person ON person.id = star.person_id"""
_MOST_SHARED: Final = Sort((("-star.shared_shows", "int"), ("star.person_id", "uuid")))


def co_stars(key: Key, asked: PageParameters, after: Sequence[object] | None) -> Statement:
    """A page of who was in the same casts, those of most shows first."""
    return after_place(_co_stars(_within(key), after is not None), [key], asked.limit, after)


@lru_cache(maxsize=16)
def _co_stars(within: str, after: bool) -> bytes:
    return page(_CO_STAR, _CO_STARS, sort=_MOST_SHARED, bound=1, after=after, within=within)
