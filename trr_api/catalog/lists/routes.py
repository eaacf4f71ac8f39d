"""/lists."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from trr_api import routing
from trr_api.answers import paged
from trr_api.catalog.lists import queries
from trr_api.catalog.lists.schemas import CatalogList, ListEntry
from trr_api.catalog.places import Id, id_of, one, some
from trr_api.catalog.schemas import Page
from trr_api.deps import Catalog, Paging
from trr_api.paging import PageParameters
from trr_api.parameters import Parameters

router = routing.router("/lists", "lists")


@router.get("", response_model=Page[CatalogList], summary="Lists")
async def list_lists(
    request: Request, database: Catalog, cursors: Paging, asked: Annotated[PageParameters, Query()]
) -> Response:
    """By name. The shows of one: `/shows?list=` with its id."""
    statement = queries.lists(asked, cursors.after("lists", asked.cursor))
    [row] = await database.fetch(statement.query, statement.values)
    return paged(request, row, cursors, "lists")


@router.get("/{list_id}", response_model=CatalogList, summary="A list")
async def get_list(
    request: Request, database: Catalog, list_id: Annotated[Id, id_of("list")], _: Annotated[Parameters, Query()]
) -> Response:
    """By its id."""
    return await one(database, request, queries.single(list_id), "list", list_id)


@router.get("/{list_id}/entries", response_model=Page[ListEntry], summary="What is on a list")
async def list_entries(
    request: Request,
    database: Catalog,
    cursors: Paging,
    list_id: Annotated[Id, id_of("list")],
    asked: Annotated[PageParameters, Query()],
) -> Response:
    """By position."""
    statement = queries.entries(list_id, asked, cursors.after("list-entries", asked.cursor))
    return await some(database, request, cursors, statement, "list-entries", "list", list_id)
