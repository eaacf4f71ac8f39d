"""/shows."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from trr_api import routing
from trr_api.answers import paged
from trr_api.catalog.places import ShowKey, one
from trr_api.catalog.schemas import Page
from trr_api.catalog.shows import queries
from trr_api.catalog.shows.schemas import Show, ShowParameters, ShowsParameters, ShowSummary
from trr_api.deps import Catalog, Paging
from trr_api.problems import invalid

router = routing.router("/shows", "shows")


@router.get("", response_model=Page[ShowSummary], summary="Shows that match")
async def list_shows(
    request: Request, database: Catalog, cursors: Paging, asked: Annotated[ShowsParameters, Query()]
) -> Response:
    """A page of shows. Those that vanished at all sources are left out."""
    if asked.region is not None and asked.provider is None:
        raise invalid("region", "it says where a provider offers a show; give the provider too")
    scope = f"shows {asked.sort}"
    statement = queries.shows(asked, cursors.after(scope, asked.cursor))
    [row] = await database.fetch(statement.query, statement.values)
    return paged(request, row, cursors, scope)


@router.get("/{show}", response_model=Show, summary="A show with all that is known of it")
async def get_show(
    request: Request, database: Catalog, show: ShowKey, asked: Annotated[ShowParameters, Query()]
) -> Response:
    """A show by id or slug. The id of a show that was merged into another, and an old slug, answer 308."""
    return await one(database, request, queries.show(show, asked), "show", show)
