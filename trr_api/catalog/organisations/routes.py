"""/networks, /companies, /providers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from trr_api import routing
from trr_api.answers import paged
from trr_api.catalog.organisations import queries
from trr_api.catalog.organisations.schemas import Company, Network, OrganisationsParameters, WatchProvider
from trr_api.catalog.places import Id, id_of, one
from trr_api.catalog.schemas import Page
from trr_api.deps import Catalog, Paging
from trr_api.paging import PageParameters
from trr_api.parameters import Parameters

router = routing.router("", "organisations")


@router.get("/networks", response_model=Page[Network], summary="Networks")
async def list_networks(
    request: Request, database: Catalog, cursors: Paging, asked: Annotated[OrganisationsParameters, Query()]
) -> Response:
    """By name."""
    statement = queries.many("networks", asked, cursors.after("networks", asked.cursor))
    [row] = await database.fetch(statement.query, statement.values)
    return paged(request, row, cursors, "networks")


@router.get("/networks/{network}", response_model=Network, summary="A network")
async def get_network(
    request: Request, database: Catalog, network: Annotated[Id, id_of("network")], _: Annotated[Parameters, Query()]
) -> Response:
    """By its id."""
    return await one(database, request, queries.single("networks", network), "network", network)


@router.get("/companies", response_model=Page[Company], summary="Companies")
async def list_companies(
    request: Request, database: Catalog, cursors: Paging, asked: Annotated[OrganisationsParameters, Query()]
) -> Response:
    """By name."""
    statement = queries.many("companies", asked, cursors.after("companies", asked.cursor))
    [row] = await database.fetch(statement.query, statement.values)
    return paged(request, row, cursors, "companies")


@router.get("/companies/{company}", response_model=Company, summary="A company")
async def get_company(
    request: Request, database: Catalog, company: Annotated[Id, id_of("company")], _: Annotated[Parameters, Query()]
) -> Response:
    """By its id."""
    return await one(database, request, queries.single("companies", company), "company", company)


@router.get("/providers", response_model=Page[WatchProvider], summary="Providers")
async def list_providers(
    request: Request, database: Catalog, cursors: Paging, asked: Annotated[PageParameters, Query()]
) -> Response:
    """Who offers shows, by name."""
    statement = queries.many("watch_providers", asked, cursors.after("providers", asked.cursor))
    [row] = await database.fetch(statement.query, statement.values)
    return paged(request, row, cursors, "providers")


@router.get("/providers/{provider}", response_model=WatchProvider, summary="A provider")
async def get_provider(
    request: Request, database: Catalog, provider: Annotated[Id, id_of("provider")], _: Annotated[Parameters, Query()]
) -> Response:
    """By its id."""
    return await one(database, request, queries.single("watch_providers", provider), "watch_provider", provider)
