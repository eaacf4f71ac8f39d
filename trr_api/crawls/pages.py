"""/crawls: crawl stats as pages for people."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import psycopg
from fastapi import APIRouter, Request, Response
from psycopg.types.json import Jsonb
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from trr_api import keys
from trr_api.config import Settings
from trr_api.crawls import attention, queries, views
from trr_api.crawls.access import ADMIN, COOKIE, LOGGED_IN, READ, Analyst, analyst, ticket
from trr_api.crawls.diff import changes
from trr_api.crawls.routes import acknowledge, check_span, no_such_run, two_runs
from trr_api.crawls.schemas import RunsParameters
from trr_api.database import Database, as_problem
from trr_api.pages import site, words
from trr_api.pages.site import Link, Pages
from trr_api.paging import Cursors
from trr_api.problems import Problem, in_words
from trr_api.reviewing import reviewed
from trr_crawl.catalog import due, review, run_stats

HOME: Final = Link("/crawls", "Crawls")
SHOWN: Final = 30
"""So many findings a page shows with what to do about them, the gravest."""
STATS_SHOWN: Final = 150

pages = Pages(
    "crawls",
    home=HOME,
    navigation=[
        Link("/crawls/runs", "Runs"),
        Link("/crawls/coverage", "Coverage"),
        Link("/crawls/shows", "Shows"),
        Link("/crawls/schedules", "Schedules"),
    ],
    filters={
        "arguments": lambda args: " ".join(f"{name}={value}" for name, value in args.items()),
        "code": words.code,
        "sentence": words.sentence,
    },
)
router = APIRouter(include_in_schema=False)

Handler = Callable[[Request, Database, Analyst], Awaitable[Response]]


def shown(needs: str = READ) -> Callable[[Handler], Callable[[Request], Awaitable[Response]]]:
    """A page for those with a scope: others are led to the log-in, and problems are pages, too."""

    def wrap(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def page(request: Request) -> Response:
            database: Database = request.app.state.database
            who: Analyst | None = None
            try:
                who = await analyst(request, database)
                if needs not in who.scopes:
                    raise Problem("forbidden", f"This page needs a key with the scope {needs}.")
                return await handler(request, database, who)
            except Problem as problem:
                if problem.kind.name == "unauthorized":
                    back = site.here(request) if request.method == "GET" else HOME.address
                    return RedirectResponse(f"/crawls/login?{urlencode({'back': back})}", 303)
                found = problem
            except psycopg.Error as error:
                away = as_problem(error)
                if away is None:
                    raise
                found = away
            return pages.answer(request, "crawls/problem.html", status=found.kind.status, problem=found, who=who)

        page.__name__ = handler.__name__
        return page

    return wrap


def _rows(names: Any, rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


SCHEDULE: Final = (
    "name", "spider", "args", "settings", "cron", "time_zone", "workers", "last_slot_at", "next_slot_at", "paused_at",
    "slot_at", "states", "waiting_since", "outcomes", "reasons", "nodes", "problems", "node_count",
)  # fmt: skip


@router.get("/crawls")
@shown()
async def overview(request: Request, database: Database, who: Analyst) -> Response:
    """What ran, what is late and why, what is blocked, how fresh and how full the catalog is."""
    now = datetime.now(UTC)
    since = now - timedelta(days=views.DAYS)
    days = await database.fetch(queries.DAYS, [since])
    recent = _rows(("spider", *queries.RECENT_FIELDS), await database.fetch(queries.RECENT))
    schedules = _rows(SCHEDULE, await database.fetch(queries.SCHEDULES))
    findings = _rows(
        (*queries.FINDING, "all_found", "all_open", "all_blocked"),
        await database.fetch(queries.RECENT_FINDINGS, [since]),
    )
    worth = await database.fetch(queries.WORTH)
    live = [run for run in recent if run["outcome"] is None]
    counts = findings[0] if findings else dict.fromkeys(("all_found", "all_open", "all_blocked"), 0)
    return pages.answer(
        request,
        "crawls/overview.html",
        who=who,
        days=views.days(days, now.date()),
        spiders=views.spiders(recent),
        live=live,
        late=attention.late(schedules, live, now) + attention.nodes(schedules) + attention.untold(days),
        findings=[finding for finding in findings if finding["resolved_at"] is None][:SHOWN],
        counts=counts,
        found=sorted(findings, key=lambda finding: finding["at"], reverse=True),
        schedules=schedules,
        coverage=views.coverage(worth),
        freshness=views.freshness(worth),
        ages=views.AGES,
    )


@router.get("/crawls/runs")
@shown()
async def runs(request: Request, database: Database, who: Analyst) -> Response:
    """Runs that match the filters in the address."""
    cursors: Cursors = request.app.state.cursors
    given = {name: value for name, value in request.query_params.items() if value}
    wrong: list[str] = []
    asked = RunsParameters()
    after = None
    try:
        # A day will do for a time: it begins then.
        asked = RunsParameters.model_validate(
            {name: f"{value}T00:00Z" if _is_day(name, value) else value for name, value in given.items()}
        )
        check_span(asked)
        after = cursors.after("crawl runs", asked.cursor)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc']))}: {in_words(one)}." for one in error.errors()]
        asked = RunsParameters()
    except Problem as problem:
        wrong = [problem.detail]
        asked = RunsParameters()
    statement = queries.run_rows(asked, after)
    found = await database.fetch(statement.query, statement.values)
    more = None
    if len(found) > asked.limit:
        found = found[: asked.limit]
        more = cursors.write("crawl runs", found[-1][-1])
    return pages.answer(
        request,
        "crawls/runs.html",
        status=422 if wrong else 200,
        who=who,
        runs=_rows((*queries.RUN, "place"), found),
        given=given,
        wrong=wrong,
        more=more,
        span_of=views.span_of,
    )


def _is_day(name: str, value: str) -> bool:
    return name in ("since", "until") and re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None


@router.get("/crawls/runs/{run}")
@shown()
async def run(request: Request, database: Database, who: Analyst) -> Response:
    """A run: how it went, what it could not get, what was refused."""
    identifier = _run_id(request)
    rows = await database.fetch(queries.RUN_ROW, [identifier])
    if not rows:
        raise no_such_run(identifier)
    [found] = _rows(queries.RUN_DETAIL, rows)
    # The gravest first: "error" comes before "warning".
    found["findings"] = sorted(json.loads(found["findings"]), key=lambda finding: finding["severity"])
    [(before,)] = await database.fetch(queries.GOOD_ONE_BEFORE, [identifier])
    earlier = _rows(queries.COMPARED, await database.fetch(queries.TWO_RUNS, [[before]])) if before else []
    rejects = _rows((*queries.REJECT, "may_be_retried"), await database.fetch(queries.REJECTS_OF_RUN, [identifier]))
    return pages.answer(
        request,
        "crawls/run.html",
        who=who,
        run=found,
        notices=list(attention.of_run(found, datetime.now(UTC))),
        before=before,
        rejects=rejects,
        mean_seconds=run_stats.mean_seconds(found["stats"]),
        slowest=run_stats.slowest(found["stats"]),
        timeline=views.timeline(found),
        outcomes=views.outcomes(found),
        coverage=views.run_coverage(found, earlier[0] if earlier else None),
        span_of=views.span_of,
        stats=sorted((name, value) for name, value in found["stats"].items() if name not in ("coverage", "responses")),
        most=SHOWN,
        most_stats=STATS_SHOWN,
    )


def _run_id(request: Request, name: str = "run") -> UUID:
    try:
        return UUID(request.path_params[name])
    except ValueError:
        raise no_such_run(request.path_params[name][:60]) from None


def _number(text: str, of: str) -> int:
    if not re.fullmatch("[0-9]{1,18}", text):
        raise Problem("not-found", f"There is no {of} {text[:30]}.")
    return int(text)


@router.get("/crawls/runs/{run}/diff/{other}")
@shown()
async def diff(request: Request, database: Database, who: Analyst) -> Response:
    """What differs between two runs."""
    before, after = await two_runs(database, _run_id(request, "other"), _run_id(request))
    return pages.answer(
        request,
        "crawls/diff.html",
        who=who,
        before=before,
        after=after,
        differences=[views.difference(one) for one in changes(before, after)],
    )


@router.post("/crawls/runs/{run}/rejects/retry")
@shown(ADMIN)
async def retry(request: Request, database: Database, who: Analyst) -> Response:
    """Let refused records be tried again."""
    fields = await site.form(request)
    identifier, number = _run_id(request), fields.get("reject")
    reject = None if number is None else _number(number, "refused record")
    async with database.transaction(write=True) as connection:
        await connection.execute(queries.RETRY, [identifier, reject, who.name])
    return RedirectResponse(f"/crawls/runs/{identifier}#rejects", 303)


@router.post("/crawls/findings/{finding}/acknowledge")
@shown(ADMIN)
async def look_after(request: Request, database: Database, who: Analyst) -> Response:
    """Note that somebody looks after a finding."""
    fields = await site.form(request)
    await acknowledge(database, _number(request.path_params["finding"], "finding"), who.name)
    return RedirectResponse(site.local(fields.get("back", HOME.address)), 303)


@router.get("/crawls/coverage")
@shown()
async def coverage(request: Request, database: Database, who: Analyst) -> Response:
    """How much each source tells, field by field."""
    worth = await database.fetch(queries.WORTH)
    source = request.query_params.get("source") or None
    found = views.coverage(worth)
    return pages.answer(
        request,
        "crawls/coverage.html",
        who=who,
        sources=sorted({one.source for one in found}),
        source=source,
        coverage=[one for one in found if source is None or one.source == source],
        freshness=[one for one in views.freshness(worth) if source in (None, one.source)],
        ages=views.AGES,
    )


@router.get("/crawls/shows")
@shown()
async def shows(request: Request, database: Database, who: Analyst) -> Response:
    """Shows whose names begin as was asked for."""
    asked = request.query_params.get("q", "")[:100].replace("\0", "")
    found = await database.fetch(queries.FIND_SHOWS, [asked])
    return pages.answer(
        request,
        "crawls/shows.html",
        who=who,
        asked=asked,
        most=queries.SHOWS_FOUND,
        shows=_rows(("id", "title", "start_year", "type"), found),
    )


@router.get("/crawls/shows/{show}")
@shown()
async def show(request: Request, database: Database, who: Analyst) -> Response:
    """What each source knows of a show, and whose word counts."""
    name = request.path_params["show"]

    def look(connection: psycopg.Connection[Any]) -> tuple[UUID, list[review.Explanation], list[Any]]:
        found = review.find(connection, "show", name)
        kinds = ["show", "season", "episode", "credit"]
        return found, review.explain(connection, "show", found), review.conflicts(connection, kinds, show=found)

    entity, fields, conflicts = await reviewed(request, look, refused="not-found", reads=True)
    [about] = _rows(
        ("id", "title", "start_year", "updated_at", "removed_at", "external_ids"),
        await database.fetch(queries.SHOW, [entity]),
    )
    sources = {spider: policy.source for spider, policy in due.POLICIES.items() if policy.kind == "show"}
    records = await database.fetch(queries.SHOW_RECORDS, [entity])
    crawls = await database.fetch(queries.SHOW_CRAWLS, [entity, list(sources), Jsonb(sources)])
    return pages.answer(
        request,
        "crawls/show.html",
        who=who,
        show=about,
        fields=[field for field in fields if field.candidates or field.value is not None],
        told_by=sorted({candidate.source for field in fields for candidate in field.candidates}),
        conflicts=conflicts,
        records=_rows(("source", "kind", "records", "gone", "first", "seen", "changed"), records),
        crawls=_rows(
            ("spider", "subject", "outcome", "reason", "tried_at", "ok_at", "failures", "next_try_at", "run_id"), crawls
        ),
        pictures=_rows(
            ("role", "source", "url", "key", "store"), await database.fetch(queries.SHOW_PICTURES, [entity])
        ),
        picture_counts=await database.fetch(queries.SHOW_PICTURE_COUNTS, [entity]),
    )


@router.get("/crawls/schedules")
@shown(ADMIN)
async def schedules(request: Request, database: Database, who: Analyst) -> Response:
    """Schedules, their latest runs, and the nodes."""
    now = datetime.now(UTC)
    found = _rows(SCHEDULE, await database.fetch(queries.SCHEDULES))
    latest = _rows(
        ("name", "slot_at", "worker", "state", "attempts", "node", "outcome", "reason", "crawl_id"),
        await database.fetch(queries.SCHEDULE_RUNS),
    )
    return pages.answer(
        request,
        "crawls/schedules.html",
        who=who,
        schedules=found,
        latest=latest,
        late=attention.late(found, [], now) + attention.nodes(found),
        late_after=attention.LATE_AFTER,
    )


@router.get("/crawls/login")
async def login(request: Request) -> Response:
    """The form that takes a key."""
    back = site.local(request.query_params.get("back", HOME.address))
    return pages.answer(request, "crawls/login.html", who=None, back=back, wrong=None)


@router.post("/crawls/login")
async def log_in(request: Request) -> Response:
    """Take a key; the cookie holds whose it is, not the key."""
    fields = await site.form(request)
    back = site.local(fields.get("back", HOME.address))
    settings: Settings = request.app.state.settings
    try:
        key = await keys.look_up(request.app.state.database, fields.get("key", "").strip())
        if not key.scopes & {READ, ADMIN}:
            raise Problem("forbidden", f"The key {key.name!r} lacks the scope {READ}.")
    except Problem as problem:
        status = problem.kind.status
        return pages.answer(request, "crawls/login.html", status=status, who=None, back=back, wrong=problem.detail)
    answer = RedirectResponse(back, 303)
    answer.set_cookie(
        COOKIE,
        ticket(settings, key),
        max_age=LOGGED_IN,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/crawls/logout")
async def log_out(request: Request) -> Response:
    """Forget who it was."""
    await site.form(request)
    answer = RedirectResponse("/crawls/login", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


@router.get("/crawls/{path:path}")
async def elsewhere(request: Request) -> Response:
    """Any other address below, whoever asks."""
    if not request.path_params["path"]:
        return RedirectResponse(HOME.address, 308)
    problem = Problem("not-found", "There is no such page.")
    return pages.answer(request, "crawls/problem.html", status=problem.kind.status, problem=problem, who=None)
