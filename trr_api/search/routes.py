"""/search, /search/facets."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from trr_api import routing
from trr_api.answers import Answer, paged
from trr_api.catalog.schemas import Page
from trr_api.deps import Catalog, Paging
from trr_api.parameters import split
from trr_api.problems import invalid
from trr_api.search import queries
from trr_api.search.schemas import Asked, Facets, Result, SearchParameters

router = routing.router("/search", "search")


@router.get("", response_model=Page[Result], summary="Shows, people and episodes by name or words")
async def search(
    request: Request, database: Catalog, cursors: Paging, asked: Annotated[SearchParameters, Query()]
) -> Response:
    """The best matches first. Things that vanished at all sources are left out."""
    kinds = _kinds(asked)
    # Whatever the answer follows from belongs to the cursor: another question's is refused.
    scope = repr(("search", asked.q, kinds, asked.genre, asked.network, str(asked.provider), asked.region))
    statement = queries.search(asked, kinds, cursors.after(scope, asked.cursor))
    [row] = await database.fetch(statement.query, statement.values)
    return paged(request, row, cursors, scope)


@router.get("/facets", response_model=Facets, summary="What a search can be narrowed by")
async def count_facets(database: Catalog, asked: Annotated[Asked, Query()]) -> Response:
    """Kinds, genres, networks and providers of what the same search finds, with counts."""
    statement = queries.facets(asked, _kinds(asked))
    [row] = await database.fetch(statement.query, statement.values)
    return Answer(*row)


def _kinds(asked: Asked) -> tuple[str, ...]:
    """The kinds to look among."""
    if asked.region is not None and asked.provider is None:
        raise invalid("region", "it says where a provider offers a show; give the provider too")
    kinds = split(asked.kind) or queries.KINDS
    if asked.genre is not None or asked.network is not None or asked.provider is not None:
        kinds = tuple(kind for kind in kinds if kind != "person")
        if not kinds:
            raise invalid("kind", "genre, network and provider narrow shows and episodes, not people")
    return kinds
