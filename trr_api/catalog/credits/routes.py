"""…/credits of shows, seasons and episodes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from trr_api import routing
from trr_api.catalog.credits import queries
from trr_api.catalog.credits.schemas import (
    Credit,
    CreditsParameters,
    EpisodeCredit,
    EpisodeCreditsParameters,
    SeasonCredit,
    SeasonCreditsParameters,
)
from trr_api.catalog.places import Id, Number, ShowKey, id_of, some
from trr_api.catalog.schemas import Page
from trr_api.deps import Catalog, Paging

router = routing.router("", "credits")


@router.get("/shows/{show}/credits", response_model=Page[Credit], summary="Who worked on a show")
async def list_show_credits(
    request: Request, database: Catalog, cursors: Paging, show: ShowKey, asked: Annotated[CreditsParameters, Query()]
) -> Response:
    """In billing order; those without a place in it come last. The cast alone: `category=cast`."""
    statement = queries.of_show(show, asked, cursors.after("show-credits", asked.cursor))
    return await some(database, request, cursors, statement, "show-credits", "show", show)


@router.get("/shows/{show}/seasons/{number}/credits", response_model=Page[SeasonCredit], summary="Who is in a season")
async def list_season_credits(
    request: Request,
    database: Catalog,
    cursors: Paging,
    show: ShowKey,
    number: Number,
    asked: Annotated[SeasonCreditsParameters, Query()],
) -> Response:
    """Out of the credits of its episodes: who is in most of them comes first."""
    statement = queries.of_season(show, number, asked, cursors.after("season-credits", asked.cursor))
    return await some(database, request, cursors, statement, "season-credits", "show", show)


@router.get("/episodes/{episode}/credits", response_model=Page[EpisodeCredit], summary="Who is in an episode")
async def list_episode_credits(
    request: Request,
    database: Catalog,
    cursors: Paging,
    episode: Annotated[Id, id_of("episode")],
    asked: Annotated[EpisodeCreditsParameters, Query()],
) -> Response:
    """In the billing order of the show."""
    statement = queries.of_episode(episode, asked, cursors.after("episode-credits", asked.cursor))
    return await some(database, request, cursors, statement, "episode-credits", "episode", episode)
