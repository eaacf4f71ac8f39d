"""/shows/…/seasons, /shows/…/episodes, /episodes, /schedule."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import Query, Request, Response

from trr_api import routing
from trr_api.answers import paged
from trr_api.catalog.episodes import queries
from trr_api.catalog.episodes.schemas import (
    Episode,
    EpisodeDetail,
    EpisodeParameters,
    EpisodesParameters,
    ScheduleParameters,
    Season,
    SeasonParameters,
    SeasonsParameters,
)
from trr_api.catalog.places import Id, Number, ShowKey, id_of, one, some
from trr_api.catalog.schemas import Page
from trr_api.deps import Catalog, Paging
from trr_api.problems import invalid

MOST_DAYS: Final = 366
"""So much of the schedule at once."""

router = routing.router("", "episodes")


@router.get("/shows/{show}/seasons/{number}/episodes", response_model=Page[Episode], summary="Episodes of a season")
async def list_season_episodes(
    request: Request,
    database: Catalog,
    cursors: Paging,
    show: ShowKey,
    number: Number,
    asked: Annotated[EpisodesParameters, Query()],
) -> Response:
    """By number; episodes without one come last."""
    after = cursors.after("season-episodes", asked.cursor)
    statement = queries.of_season(show, number, asked, after)
    return await some(database, request, cursors, statement, "season-episodes", "show", show)


@router.get("/shows/{show}/seasons", response_model=Page[Season], summary="Seasons of a show")
async def list_seasons(
    request: Request, database: Catalog, cursors: Paging, show: ShowKey, asked: Annotated[SeasonsParameters, Query()]
) -> Response:
    """By number; 0 has the specials."""
    statement = queries.seasons(show, asked, cursors.after("seasons", asked.cursor))
    return await some(database, request, cursors, statement, "seasons", "show", show)


@router.get("/shows/{show}/seasons/{number}", response_model=Season, summary="A season by its number")
async def get_season(
    request: Request, database: Catalog, show: ShowKey, number: Number, asked: Annotated[SeasonParameters, Query()]
) -> Response:
    """With its episodes by `expand=episodes`."""
    return await one(database, request, queries.season(show, number, asked), "show", show)


@router.get("/shows/{show}/episodes", response_model=Page[Episode], summary="Episodes of a show")
async def list_show_episodes(
    request: Request, database: Catalog, cursors: Paging, show: ShowKey, asked: Annotated[EpisodesParameters, Query()]
) -> Response:
    """Season after season; episodes without a number come last."""
    statement = queries.of_show(show, asked, cursors.after("show-episodes", asked.cursor))
    return await some(database, request, cursors, statement, "show-episodes", "show", show)


@router.get("/episodes/{episode}", response_model=EpisodeDetail, summary="An episode")
async def get_episode(
    request: Request,
    database: Catalog,
    episode: Annotated[Id, id_of("episode")],
    asked: Annotated[EpisodeParameters, Query()],
) -> Response:
    """With its show."""
    return await one(database, request, queries.episode(episode, asked), "episode", episode)


@router.get("/schedule", response_model=Page[EpisodeDetail], summary="Episodes by date")
async def list_schedule(
    request: Request, database: Catalog, cursors: Paging, asked: Annotated[ScheduleParameters, Query()]
) -> Response:
    """What aired or will air between two days, first things first."""
    first, last = asked.days()
    if not first <= last <= first + timedelta(days=MOST_DAYS):
        raise invalid("to", f"it must be the day of `from`, or up to {MOST_DAYS} days later")
    statement = queries.schedule(asked, cursors.after("schedule", asked.cursor))
    [row] = await database.fetch(statement.query, statement.values)
    answer = paged(request, row, cursors, "schedule")
    if asked.first is None:
        answer.seq = None  # it follows from the day, too
    return answer
