"""SQL of seasons and episodes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from trr_api.catalog.places import Key
from trr_api.catalog.queries import LAST, SHOW, embedded, external_ids, kept, named, primary_picture, ratings
from trr_api.queries import Fields, Sort, Statement, after_place, objects, one, page, pick

if TYPE_CHECKING:
    from trr_api.catalog.episodes.schemas import (
        EpisodeParameters,
        EpisodesParameters,
        ScheduleParameters,
        SeasonParameters,
        SeasonsParameters,
    )

EPISODE: Final[Fields] = {
    "id": "episode.id",
    "show_id": "episode.show_id",
    "season_id": "episode.season_id",
    "season_number": "episode.season_number",
    "episode_number": "episode.episode_number",
    "type": "episode.episode_type",
    "title": "episode.title",
    "overview": "episode.overview",
    "air_date": "episode.air_date",
    "release_year": "episode.release_year",
    "certificate": "episode.certificate",
    "runtime_seconds": "episode.runtime_seconds",
    "genres": "coalesce(episode.genres, '{}')",
    "production_code": "episode.production_code",
    "ratings": ratings("episode"),
    "external_ids": external_ids("episode"),
    **kept("episode"),
}
"""An episode in a list."""

_SHOW: Final = embedded(SHOW, "shows show WHERE show.id = episode.show_id")
DETAIL: Final[Fields] = {**EPISODE, "show": _SHOW}
"""An episode alone, or in the schedule."""

EXPANSIONS: Final[Fields] = {"provenance": "episode.provenance"}

ORDER: Final = Sort(
    (
        (f"coalesce(episode.season_number, {LAST})", "int"),
        (f"coalesce(episode.episode_number, {LAST})", "int"),
        ("episode.id", "uuid"),
    )
)
_BY_DATE: Final = Sort((("episode.air_date", "date"), ("episode.id", "uuid")))
_IN_ORDER: Final = ", ".join(key for key, _ in ORDER.keys)

SEASON: Final[Fields] = {
    "id": "season.id",
    "show_id": "season.show_id",
    "season_number": "season.season_number",
    "title": "season.title",
    "overview": "season.overview",
    "air_date": "season.air_date",
    "episode_count": "season.episode_count",
    "tmdb_rating": "season.tmdb_rating",
    "poster": primary_picture("season", "poster"),
    "external_ids": external_ids("season"),
    **kept("season"),
}

SEASON_EXPANSIONS: Final[Fields] = {
    "episodes": objects(
        EPISODE, "episodes episode WHERE episode.season_id = season.id AND episode.removed_at IS NULL", order=_IN_ORDER
    ),
    "provenance": "season.provenance",
}
_SEASONS: Final = Sort((("season.season_number", "int"), ("season.id", "uuid")))


def seasons(show: Key, asked: SeasonsParameters, after: Sequence[object] | None) -> Statement:
    """A page of a show's seasons."""
    query = _seasons(named("show", show), asked.fields, asked.expand, after is not None)
    return after_place(query, [show], asked.limit, after)


@lru_cache(maxsize=512)
def _seasons(owner: str, fields: str | None, expand: str | None, after: bool) -> bytes:
    return page(
        pick(SEASON, fields) | pick(SEASON_EXPANSIONS, expand or ""),
        "seasons season",
        sort=_SEASONS,
        bound=1,
        after=after,
        where=("season.show_id = owner.id", "season.removed_at IS NULL"),
        within=f"SELECT show.id FROM shows show WHERE {owner}",
    )


def season(show: Key, number: int, asked: SeasonParameters) -> Statement:
    """One season of a show."""
    return Statement(_season(named("show", show), asked.fields, asked.expand), [show, number])


@lru_cache(maxsize=512)
def _season(owner: str, fields: str | None, expand: str | None) -> bytes:
    chosen = pick(SEASON, fields) | pick(SEASON_EXPANSIONS, expand or "")
    source = f"shows show JOIN seasons season ON season.show_id = show.id WHERE {owner} AND season.season_number = $2"
    return one(chosen, source)


def of_show(show: Key, asked: EpisodesParameters, after: Sequence[object] | None) -> Statement:
    """A page of a show's episodes, season after season."""
    query = _of_show(named("show", show), asked.fields, after is not None)
    return after_place(query, [show], asked.limit, after)


@lru_cache(maxsize=512)
def _of_show(owner: str, fields: str | None, after: bool) -> bytes:
    return page(
        pick(EPISODE, fields),
        "episodes episode",
        sort=ORDER,
        bound=1,
        after=after,
        where=("episode.show_id = owner.id", "episode.removed_at IS NULL"),
        within=f"SELECT show.id FROM shows show WHERE {owner}",
    )


def of_season(show: Key, number: int, asked: EpisodesParameters, after: Sequence[object] | None) -> Statement:
    """A page of a season's episodes."""
    query = _of_season(named("show", show), asked.fields, after is not None)
    return after_place(query, [show, number], asked.limit, after)


@lru_cache(maxsize=512)
def _of_season(owner: str, fields: str | None, after: bool) -> bytes:
    return page(
        pick(EPISODE, fields),
        "episodes episode",
        sort=ORDER,
        bound=2,
        after=after,
        where=("episode.season_id = owner.id", "episode.removed_at IS NULL"),
        within=(
            "SELECT season.id FROM shows show JOIN seasons season ON season.show_id = show.id "
            f"WHERE {owner} AND season.season_number = $2"
        ),
    )


def episode(key: UUID, asked: EpisodeParameters) -> Statement:
    """One episode."""
    return Statement(_episode(asked.fields, asked.expand), [key])


@lru_cache(maxsize=512)
def _episode(fields: str | None, expand: str | None) -> bytes:
    return one(pick(DETAIL, fields) | pick(EXPANSIONS, expand or ""), "episodes episode WHERE episode.id = $1")


def schedule(asked: ScheduleParameters, after: Sequence[object] | None) -> Statement:
    """A page of what airs between two days, first things first."""
    first, last = asked.days()
    query = _schedule(asked.fields, asked.network is not None, after is not None)
    values = [first, last] if asked.network is None else [first, last, asked.network]
    return after_place(query, values, asked.limit, after)


@lru_cache(maxsize=512)
def _schedule(fields: str | None, by_network: bool, after: bool) -> bytes:
    source = "episodes episode"
    where = ["episode.air_date BETWEEN $1 AND $2", "episode.removed_at IS NULL"]
    if by_network:
        source += " JOIN shows aired ON aired.id = episode.show_id"
        where.append("aired.networks @> ARRAY[$3::text]")
    bound = 3 if by_network else 2
    return page(pick(DETAIL, fields), source, sort=_BY_DATE, bound=bound, after=after, where=where)
