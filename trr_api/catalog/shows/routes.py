"""/shows."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from trr_api.answers import Answer, paged
from trr_api.catalog.places import ShowKey, moved
from trr_api.catalog.schemas import Page
from trr_api.catalog.shows import queries
from trr_api.catalog.shows.schemas import Show, ShowParameters, ShowsParameters, ShowSummary
from trr_api.deps import Catalog, Paging
from trr_api.problems import invalid

router = APIRouter(prefix="/shows", tags=["shows"])


@router.get("", response_model=Page[ShowSummary], summary="Shows that match")
async def list_shows(
    request: Request, database: Catalog, cursors: Paging, asked: Annotated[ShowsParameters, Query()]
) -> Response:
    """A page of shows. Those that vanished at all sources are left out."""
    if asked.region is not None and asked.provider is None:
        raise invalid("region", "it says where a provider offers a show; give the provider too")
    scope = f"shows {asked.sort}"
    after = None if asked.cursor is None else cursors.read(scope, asked.cursor)
    statement = queries.shows(asked, after)
    [row] = await database.fetch(statement.query, statement.values)
    return paged(request, row, cursors, scope)


@router.get("/{show}", response_model=Show, summary="A show with all that is known of it")
async def get_show(
    request: Request, database: Catalog, show: ShowKey, asked: Annotated[ShowParameters, Query()]
) -> Response:
    """A show by id or slug. The id of a show that was merged into another, and an old slug, answer 308."""
    statement = queries.show(show, asked)
    rows = await database.fetch(statement.query, statement.values)
    return Answer(*rows[0]) if rows else await moved(database, request, "show", show)
