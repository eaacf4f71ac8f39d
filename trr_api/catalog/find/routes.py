"""/find."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response

from trr_api import routing
from trr_api.answers import Answer
from trr_api.catalog.find import queries
from trr_api.catalog.find.schemas import FoundAll
from trr_api.deps import Catalog
from trr_api.parameters import Parameters
from trr_api.problems import Problem

router = routing.router("/find", "find")

Source = Annotated[str, Path(pattern="^[a-z0-9_]{1,40}$", description="`imdb`, `tmdb`, `tvdb`, …", examples=["imdb"])]
Value = Annotated[
    str,
    Path(
        pattern=r"^[^\x00-\x1f/]{1,200}$", description="The id there, as the source spells it.", examples=["tt0000001"]
    ),
]


@router.get("/{source}/{value}", response_model=FoundAll, summary="Things by an id elsewhere")
async def find(database: Catalog, source: Source, value: Value, _: Annotated[Parameters, Query()]) -> Response:
    """Shows, episodes, people, pictures, lists, networks, companies and providers by any id that the catalog knows."""
    statement = queries.find(source, value)
    rows = await database.fetch(statement.query, statement.values)
    if not rows:
        raise Problem("not-found", f"The catalog knows no {source} {value}.")
    return Answer(*rows[0])
