"""/livez, /readyz, /metrics."""

from __future__ import annotations

import psycopg
from fastapi import APIRouter, Request, Response

from trr_api.database import AWAY
from trr_api.deps import Catalog
from trr_api.health import queries
from trr_api.health.crawls import Crawls
from trr_api.health.schemas import Health
from trr_api.metrics import CONTENT_TYPE, Metrics
from trr_api.problems import Problem, ProblemDetails
from trr_api.routing import operation_id
from trr_crawl.catalog import SCHEMA_REVISION

router = APIRouter(tags=["health"], generate_unique_id_function=operation_id)


@router.get("/livez", response_model=Health)
async def livez() -> Health:
    """The process runs and answers. Says nothing about the database."""
    return Health(status="ok")


@router.get("/readyz", response_model=Health, responses={503: {"model": ProblemDetails}})
async def readyz(database: Catalog) -> Health:
    """The database answers, and its schema is the one that this version needs."""
    try:
        rows = await database.fetch(queries.REVISION)
    except psycopg.errors.UndefinedTable:
        rows = []
    except psycopg.OperationalError as error:
        raise Problem("unavailable", AWAY, headers={"retry-after": "2"}) from error
    found = rows[0][0] if rows else "none"
    if found != SCHEMA_REVISION:
        raise Problem(
            "unavailable",
            f"The schema is at revision {found}, this version needs {SCHEMA_REVISION}. Run: alembic upgrade head.",
        )
    return Health(status="ok")


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Numbers for Prometheus."""
    found: Metrics = request.app.state.metrics
    crawls: Crawls = request.app.state.crawl_metrics
    return Response(found.text() + await crawls.text(), media_type=CONTENT_TYPE)
