"""Asks `trr_crawl.catalog.review`, which works on a connection that waits, without making anybody else wait."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any, Final, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from psycopg import Connection

from trr_api.problems import Problem
from trr_crawl import database
from trr_crawl.catalog import joining, merge, review

T = TypeVar("T")

AT_ONCE: Final = 2
"""Editors and analysts whose requests a worker serves at the same moment; each has a connection of its own."""

_limiter = CapacityLimiter(AT_ONCE)


async def reviewed(request: Request, work: Callable[[Connection[Any]], T], refused: str = "invalid-parameter") -> T:
    """Run `work` on a connection of its own, in a thread; what it refuses is a problem of the kind `refused`."""
    url = request.app.state.settings.database_url.get_secret_value()

    def run() -> T:
        with closing(database.connect(url)) as connection:
            merge.prepare(connection)
            with connection:
                return work(connection)

    try:
        return await to_thread.run_sync(run, limiter=_limiter)
    except (review.ReviewError, joining.JoinError) as error:
        raise Problem(refused, str(error)) from error
    except database.DatabaseError as error:
        raise Problem("unavailable", "The database does not answer.", headers={"retry-after": "2"}) from error
