"""Asks `trr_crawl.catalog.review`, which works on a connection that waits, without making anybody else wait."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any, Final, Literal, TypeVar
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from psycopg import Connection
from pydantic import BaseModel, ConfigDict, Field

from trr_api.config import Settings
from trr_api.parameters import Parameters, Word
from trr_api.problems import Problem
from trr_crawl import database
from trr_crawl.catalog import joining, merge, review

T = TypeVar("T")

Kind = Literal[
    "show",
    "season",
    "episode",
    "person",
    "image",
    "list",
    "network",
    "company",
    "watch_provider",
    "credit",
    "episode_credit",
    "gallery_entry",
    "list_entry",
    "offer",
    "fandom_page",
]


class ConflictsParameters(Parameters):
    """Which conflicts."""

    kind: Kind = "show"
    show: UUID | None = None
    """Only of this show, its seasons, episodes and credits."""
    field: Word | None = None
    limit: int = Field(default=100, ge=1, le=1000)


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Conflict(_Shape):
    """A field of which sources say different things."""

    kind: Kind
    entity_id: UUID
    field: str = Field(examples=["end_year"])
    values: dict[str, Any] = Field(examples=[{"imdb": 2024, "tmdb": 2023}])
    """Source -> what it says."""


class Conflicts(_Shape):
    """Fields of which sources say different things."""

    data: list[Conflict]


AT_ONCE: Final = 2
"""Editors and analysts whose requests a worker serves at the same moment; each has a connection of its own."""

_limiter = CapacityLimiter(AT_ONCE)


async def reviewed(
    request: Request, work: Callable[[Connection[Any]], T], refused: str = "invalid-parameter", *, reads: bool = False
) -> T:
    """Run `work` on a connection of its own, in a thread; what it refuses is a problem of the kind `refused`.

    What only reads may take as long as any other reading statement: whoever may ask must not keep others waiting.
    """
    settings: Settings = request.app.state.settings
    url = settings.database_url.get_secret_value()

    def run() -> T:
        with closing(database.connect(url)) as connection:
            merge.prepare(connection)
            with connection:
                if reads:
                    limit = str(int(settings.statement_timeout * 1000))
                    connection.execute("SELECT set_config('statement_timeout', %s, true)", [limit])
                return work(connection)

    try:
        return await to_thread.run_sync(run, limiter=_limiter)
    except (review.ReviewError, joining.JoinError) as error:
        raise Problem(refused, str(error)) from error
    except database.DatabaseError as error:
        raise Problem("unavailable", "The database does not answer.", headers={"retry-after": "2"}) from error


async def conflicts(request: Request, asked: ConflictsParameters) -> Conflicts:
    """Where sources contradict each other."""
    found = await reviewed(
        request,
        lambda connection: review.conflicts(
            connection, [asked.kind], show=asked.show, field=asked.field, limit=asked.limit
        ),
        reads=True,
    )
    return Conflicts(
        data=[
            Conflict(kind=kind, entity_id=entity, field=field, values=values) for kind, entity, field, values in found
        ]
    )
