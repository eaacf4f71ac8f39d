"""/people."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from trr_api import routing
from trr_api.answers import paged
from trr_api.catalog.people import queries
from trr_api.catalog.people.schemas import (
    CoStar,
    PeopleParameters,
    Person,
    PersonCredit,
    PersonParameters,
    PersonSummary,
)
from trr_api.catalog.places import PersonKey, one, some
from trr_api.catalog.schemas import Page
from trr_api.deps import Catalog, Paging
from trr_api.paging import PageParameters

router = routing.router("/people", "people")


@router.get("/{person}", response_model=Person, summary="A person with all that is known of them")
async def get_person(
    request: Request, database: Catalog, person: PersonKey, asked: Annotated[PersonParameters, Query()]
) -> Response:
    """By id or slug. The id of somebody who was merged into another, and an old slug, answer 308."""
    return await one(database, request, queries.person(person, asked), "person", person)


@router.get("", response_model=Page[PersonSummary], summary="People")
async def list_people(
    request: Request, database: Catalog, cursors: Paging, asked: Annotated[PeopleParameters, Query()]
) -> Response:
    """A page of people. Those who vanished at all sources are left out."""
    scope = f"people {asked.sort}"
    statement = queries.people(asked, cursors.after(scope, asked.cursor))
    [row] = await database.fetch(statement.query, statement.values)
    return paged(request, row, cursors, scope)


@router.get("/{person}/credits", response_model=Page[PersonCredit], summary="What a person did")
async def list_person_credits(
    request: Request, database: Catalog, cursors: Paging, person: PersonKey, asked: Annotated[PageParameters, Query()]
) -> Response:
    """Show by show, the newest first, with the seasons in which the person is seen."""
    statement = queries.work(person, asked, cursors.after("person-credits", asked.cursor))
    return await some(database, request, cursors, statement, "person-credits", "person", person)


@router.get("/{person}/co-stars", response_model=Page[CoStar], summary="Who was in the same casts")
async def list_co_stars(
    request: Request, database: Catalog, cursors: Paging, person: PersonKey, asked: Annotated[PageParameters, Query()]
) -> Response:
    """Those of most shows first."""
    statement = queries.co_stars(person, asked, cursors.after("co-stars", asked.cursor))
    return await some(database, request, cursors, statement, "co-stars", "person", person)
