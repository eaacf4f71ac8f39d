"""SQL of credits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from trr_api.catalog.places import Key
from trr_api.catalog.queries import LAST, PERSON, embedded, kept, named
from trr_api.queries import Fields, Sort, Statement, after_place, page, pick

if TYPE_CHECKING:
    from trr_api.catalog.credits.schemas import CreditsParameters, EpisodeCreditsParameters, SeasonCreditsParameters

_PERSON: Final = embedded(PERSON)

_WORK: Final[Fields] = {
    "category": "credit.category",
    "characters": "coalesce(credit.characters, '{}')",
}
_SAID: Final[Fields] = {
    "jobs": "coalesce(credit.jobs, '{}')",
    "attributes": "coalesce(credit.attributes, '{}')",
    "as_self": "credit.as_self",
    "uncredited": "credit.uncredited",
    "archive_footage": "credit.archive_footage",
}

WORK_ON_SHOW: Final[Fields] = {
    "id": "credit.id",
    "category": "credit.category",
    "category_name": "credit.category_name",
    "billing_order": "credit.billing_order",
    "characters": "coalesce(credit.characters, '{}')",
    "roles": "coalesce(credit.roles, '[]'::jsonb)",
    "credited_as": "credit.credited_as",
    **_SAID,
    "episode_count": "credit.episode_count",
    "start_year": "credit.start_year",
    "end_year": "credit.end_year",
    **kept("credit"),
}
"""What somebody did on a show; whose page it is on decides whether the show or the person stands with it."""

CREDIT: Final[Fields] = {"id": "credit.id", "person": _PERSON, **WORK_ON_SHOW}

SEASON_CREDIT: Final[Fields] = {
    "person": _PERSON,
    **_WORK,
    "episode_count": "credit.episode_count",
    "guest": "credit.guest",
}

EPISODE_CREDIT: Final[Fields] = {
    "id": "credit.id",
    "person": _PERSON,
    **_WORK,
    "guest": "credit.guest",
    **_SAID,
    **kept("credit"),
}

CREDITS: Final = "credits credit JOIN people person ON person.id = credit.person_id"
BY_BILLING: Final = Sort(
    ((f"coalesce(credit.billing_order, {LAST})", "int"), ("credit.category", "text"), ("credit.id", "uuid"))
)

# Archive footage is no appearance, so it does not count.
_OF_SEASON: Final = """(
    SELECT done.person_id, done.category, array_agg(DISTINCT played.name) FILTER (WHERE played.name IS NOT NULL)
           AS characters, count(DISTINCT done.episode_id) FILTER (WHERE NOT coalesce(done.archive_footage, false))::int
           AS episode_count, coalesce(bool_and(done.guest), false) AS guest
    FROM episodes episode JOIN episode_credits done ON done.episode_id = episode.id AND done.removed_at IS NULL
    LEFT JOIN LATERAL unnest(done.characters) AS played (name) ON true
    WHERE episode.season_id = owner.id AND episode.removed_at IS NULL
    GROUP BY done.person_id, done.category
) credit JOIN people person ON person.id = credit.person_id"""
_BY_EPISODES: Final = Sort(
    (("-credit.episode_count", "int"), ("credit.person_id", "uuid"), ("credit.category", "text"))
)

# Who stands first on the show stands first on the episode.
_OF_EPISODE: Final = """(
    SELECT done.*, (
        SELECT billing_order FROM credits WHERE credits.show_id = owner.show_id
        AND credits.person_id = done.person_id AND credits.category = done.category
    ) AS billing_order
    FROM episode_credits done WHERE done.episode_id = owner.id AND done.removed_at IS NULL
) credit JOIN people person ON person.id = credit.person_id"""


def of_show(show: Key, asked: CreditsParameters, after: Sequence[object] | None) -> Statement:
    """A page of who worked on a show, in billing order."""
    query = _of_show(named("show", show), asked.fields, asked.category is not None, asked.as_self, after is not None)
    return after_place(query, [show, *_given(asked.category)], asked.limit, after)


@lru_cache(maxsize=512)
def _of_show(owner: str, fields: str | None, narrowed: bool, as_self: bool | None, after: bool) -> bytes:
    where = ["credit.show_id = owner.id", "credit.removed_at IS NULL", *_category(narrowed, 2)]
    if as_self is not None:
        where.append("credit.as_self" if as_self else "credit.as_self IS NOT TRUE")
    return page(
        pick(CREDIT, fields),
        CREDITS,
        sort=BY_BILLING,
        bound=2 if narrowed else 1,
        after=after,
        where=where,
        within=f"SELECT show.id FROM shows show WHERE {owner}",
    )


def of_season(show: Key, number: int, asked: SeasonCreditsParameters, after: Sequence[object] | None) -> Statement:
    """A page of who is seen in, or worked on, the episodes of a season; who is in most of them first."""
    query = _of_season(named("show", show), asked.category is not None, after is not None)
    return after_place(query, [show, number, *_given(asked.category)], asked.limit, after)


@lru_cache(maxsize=512)
def _of_season(owner: str, narrowed: bool, after: bool) -> bytes:
    return page(
        SEASON_CREDIT,
        _OF_SEASON,
        sort=_BY_EPISODES,
        bound=3 if narrowed else 2,
        after=after,
        where=_category(narrowed, 3),
        within=(
            "SELECT season.id FROM shows show JOIN seasons season ON season.show_id = show.id "
            f"WHERE {owner} AND season.season_number = $2"
        ),
    )


def of_episode(episode: UUID, asked: EpisodeCreditsParameters, after: Sequence[object] | None) -> Statement:
    """A page of who is in an episode, or worked on it."""
    query = _of_episode(asked.fields, asked.category is not None, after is not None)
    return after_place(query, [episode, *_given(asked.category)], asked.limit, after)


@lru_cache(maxsize=512)
def _of_episode(fields: str | None, narrowed: bool, after: bool) -> bytes:
    return page(
        pick(EPISODE_CREDIT, fields),
        _OF_EPISODE,
        sort=BY_BILLING,
        bound=2 if narrowed else 1,
        after=after,
        where=_category(narrowed, 2),
        within="SELECT episode.id, episode.show_id FROM episodes episode WHERE episode.id = $1",
    )


def _category(narrowed: bool, place: int) -> list[str]:
    return [f"credit.category = ${place}"] if narrowed else []


def _given(value: object | None) -> list[object]:
    return [] if value is None else [value]
