"""/crawls: crawl stats as JSON."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from trr_api import keys, routing
from trr_api.answers import personal, personal_page
from trr_api.crawls import queries
from trr_api.crawls.access import ADMIN, Reader
from trr_api.crawls.diff import changes
from trr_api.crawls.progress import Progress
from trr_api.crawls.schemas import (
    Diff,
    Findings,
    FindingsParameters,
    Freshness,
    Marked,
    Rejects,
    RetryParameters,
    RunDetail,
    Runs,
    RunsParameters,
    Schedules,
    SpiderFreshness,
    Told,
    ToldParameters,
)
from trr_api.database import Database
from trr_api.deps import Catalog, Paging, needs
from trr_api.paging import PageParameters
from trr_api.parameters import Parameters
from trr_api.problems import Problem, invalid
from trr_api.reviewing import Conflicts, ConflictsParameters, conflicts
from trr_crawl.catalog.due import POLICIES

router = routing.router("/crawls", "crawls")

RunId = Annotated[UUID, Path(alias="run")]
Admin = Annotated[keys.Key, Depends(needs(ADMIN))]


@router.get("/runs", response_model=Runs, summary="Runs of crawls")
async def list_runs(
    request: Request, database: Catalog, cursors: Paging, _: Reader, asked: Annotated[RunsParameters, Query()]
) -> Response:
    """A page of runs, newest first. `outcome=live` has those that are running, with their heartbeats."""
    check_span(asked)
    statement = queries.runs(asked, cursors.after("crawl runs", asked.cursor))
    [row] = await database.fetch(statement.query, statement.values)
    return personal_page(request, row, cursors, "crawl runs")


def check_span(asked: RunsParameters) -> None:
    """Problem for a span that ends before it begins."""
    if asked.since is not None and asked.until is not None and asked.until <= asked.since:
        raise invalid("until", "it must be later than since")


@router.get("/runs/{run}", response_model=RunDetail, summary="A run with its stats")
async def get_run(database: Catalog, _: Reader, run: RunId, __: Annotated[Parameters, Query()]) -> Response:
    """A run with all that is kept of it."""
    rows = await database.fetch(queries.RUN_BY_ID, [run])
    if not rows:
        raise no_such_run(run)
    return personal(rows[0][0])


def no_such_run(run: object) -> Problem:
    """The problem that there is none."""
    return Problem("not-found", f"There is no run {run}.")


@router.get("/runs/{run}/diff/{other}", response_model=Diff, summary="How two runs differ")
async def diff_runs(database: Catalog, _: Reader, run: RunId, other: UUID, __: Annotated[Parameters, Query()]) -> Diff:
    """Every number that differs: from `other`, the one before, to `run`."""
    return await compare(database, run, other)


async def compare(database: Database, run: UUID, other: UUID) -> Diff:
    """How a run differs from another one. Problem where there is none."""
    before, after = await two_runs(database, other, run)
    same = before["spider"] == after["spider"]
    return Diff(before=other, after=run, same_spider=same, data=changes(before, after))


async def two_runs(database: Database, *runs: UUID) -> list[dict[str, Any]]:
    """Runs as `queries.COMPARED` has them, in this order. Problem where there is none."""
    rows = await database.fetch(queries.TWO_RUNS, [list(runs)])
    found = {row[0]: dict(zip(queries.COMPARED, row, strict=True)) for row in rows}
    for wanted in runs:
        if wanted not in found:
            raise no_such_run(wanted)
    return [found[wanted] for wanted in runs]


@router.get("/runs/{run}/rejects", response_model=Rejects, summary="Records that the database refused")
async def list_rejects(
    request: Request,
    database: Catalog,
    cursors: Paging,
    _: Reader,
    run: RunId,
    asked: Annotated[PageParameters, Query()],
) -> Response:
    """With what the source said, and why it was refused."""
    scope = f"crawl rejects {run}"
    statement = queries.rejects(run, asked.limit, cursors.after(scope, asked.cursor))
    rows = await database.fetch(statement.query, statement.values)
    if not rows:
        raise no_such_run(run)
    return personal_page(request, rows[0], cursors, scope)


@router.post("/runs/{run}/rejects/retry", response_model=Marked, summary="Try refused records again")
async def retry_rejects(
    database: Catalog, key: Admin, run: RunId, asked: Annotated[RetryParameters, Query()]
) -> Marked:
    """Marks them: the next run, of whatever spider, writes them once more, unless the source told more since."""
    async with database.transaction(write=True) as connection:
        cursor = await connection.execute(queries.RETRY, [run, asked.reject, key.name])
        marked = len(await cursor.fetchall())
    if not marked:
        raise Problem("not-found", f"The run {run} has no such record that is not to be tried again already.")
    return Marked(marked=marked)


@router.get("/findings", response_model=Findings, summary="What checks found")
async def list_findings(
    request: Request, database: Catalog, cursors: Paging, _: Reader, asked: Annotated[FindingsParameters, Query()]
) -> Response:
    """After each run it is compared with those before it; see docs/crawl-stats.md for the rules."""
    statement = queries.findings(asked, cursors.after("crawl findings", asked.cursor))
    [row] = await database.fetch(statement.query, statement.values)
    return personal_page(request, row, cursors, "crawl findings")


@router.post("/findings/{finding}/acknowledge", status_code=204, summary="Say that somebody looks after it")
async def acknowledge_finding(
    database: Catalog, key: Admin, finding: Annotated[int, Path(ge=1, le=2**63 - 1, examples=[12])]
) -> Response:
    """It stays among the open ones until a run is better; who did this first is kept."""
    await acknowledge(database, finding, key.name)
    return Response(status_code=204)


async def acknowledge(database: Catalog, finding: int, name: str) -> None:
    """Note who looks after a finding. Problem where there is none."""
    async with database.transaction(write=True) as connection:
        await connection.execute(queries.ACKNOWLEDGE, [finding, name])
        if not await (await connection.execute(queries.IS_FINDING, [finding])).fetchall():
            raise Problem("not-found", f"There is no finding {finding}.")


@router.get("/coverage", response_model=Told, summary="How much each source tells")
async def get_coverage(database: Catalog, _: Reader, asked: Annotated[ToldParameters, Query()]) -> Response:
    """Field by field, of all records that are not gone; out of sums that every write keeps true."""
    [(found,)] = await database.fetch(queries.COVERAGE, [asked.source, asked.kind])
    return personal(b'{"data":%b}' % found)


@router.get("/freshness", response_model=Freshness, summary="How old what is known is")
async def get_freshness(database: Catalog, _: Reader, __: Annotated[Parameters, Query()]) -> Freshness:
    """For each spider, things by the days since their last good crawl."""
    ages: dict[str, dict[int, int]] = defaultdict(dict)
    for spider, days, things in await database.fetch(queries.FRESHNESS):
        ages[spider][days] = things
    return Freshness(
        data=[
            SpiderFreshness(
                spider=spider,
                source=POLICIES[spider].source if spider in POLICIES else None,
                kind=POLICIES[spider].kind if spider in POLICIES else None,
                by_days={str(days): things for days, things in of_spider.items()},
                things=sum(of_spider.values()),
                oldest_days=max(of_spider),
            )
            for spider, of_spider in ages.items()
        ]
    )


@router.get("/conflicts", response_model=Conflicts, summary="Fields of which sources say different things")
async def list_crawl_conflicts(
    request: Request, _: Reader, asked: Annotated[ConflictsParameters, Query()]
) -> Conflicts:
    """As at `/admin/conflicts`, for analysts; texts that differ in case or spaces alone agree."""
    return await conflicts(request, asked)


@router.get("/schedules", response_model=Schedules, summary="Schedules and their latest runs")
async def list_schedules(database: Catalog, _: Admin, __: Annotated[Parameters, Query()]) -> Response:
    """All schedules. `scrapy schedule` makes and changes them."""
    [(found,)] = await database.fetch(queries.SCHEDULES_JSON)
    return personal(b'{"data":%b}' % found)


@router.get(
    "/progress",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Server-sent events."}},
    summary="How running crawls go on",
)
async def follow_progress(request: Request, _: Reader) -> StreamingResponse:
    """An event `runs` with all that are running, at once and whenever something moved."""
    progress: Progress = request.app.state.progress
    request.state.is_endless = True  # see `protocol`
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(progress.stream(), media_type="text/event-stream", headers=headers)
