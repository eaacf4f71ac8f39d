"""/surveys, and of /games what is the same: a game is a survey, so that either address leads to it."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from trr_api import routing
from trr_api.answers import PERSONAL, Answer, personal, personal_page, written
from trr_api.catalog.places import Id
from trr_api.catalog.schemas import Page
from trr_api.deps import Address, Catalog, Paging, People, Session, Somebody
from trr_api.parameters import Parameters
from trr_api.problems import Problem
from trr_api.surveys import queries
from trr_api.surveys.checking import check
from trr_api.surveys.schemas import (
    Ballot,
    NewSurvey,
    Submission,
    Submitted,
    Survey,
    SurveyResults,
    SurveysParameters,
    SurveyWithQuestions,
    Written,
)
from trr_api.surveys.service import Asking, missing

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

router = routing.router("/surveys", "surveys")
games = routing.router("/games", "games")

SurveyId = Annotated[
    Id, Path(description="Id of the survey or game.", examples=["0199c0de-0000-7000-8000-000000000001"])
]
Nothing = Annotated[Parameters, Query()]

OBSTACLES: Final = {
    "missing": ("not-found", "There is no such survey."),
    "over": ("conflict", "The survey is closed."),
    "early": ("conflict", "The survey is not open yet; its starts_at says when it will be."),
    "needs token": ("conflict", "The survey is anonymous: ask for a token, and send it as `token`."),
    "needs log-in": ("unauthorized", "This survey needs a log-in, and no token."),
    "banned": ("forbidden", "You are banned from writing; /me says why and until when."),
}
"""What `submit_response` says -> kind and detail of the problem."""


def both(method: str, path: str, **options: Any) -> Callable[[Endpoint], Endpoint]:
    """Add an endpoint to surveys and to games."""

    def add(endpoint: Endpoint) -> Endpoint:
        for made, noun in ((router, "survey"), (games, "game")):
            name = endpoint.__name__.replace("survey", noun)
            made.add_api_route(path, endpoint, methods=[method], name=name, **options)
        return endpoint

    return add


@router.get("", response_model=Page[Survey], summary="Surveys")
async def list_surveys(
    request: Request, session: Session, cursors: Paging, asked: Annotated[SurveysParameters, Query()]
) -> Response:
    """The newest first. Drafts are for moderators; games are under /games."""
    scope = f"surveys {asked.status}"
    rows = await session.fetch(queries.surveys(["survey"], asked, cursors.after(scope, asked.cursor)))
    return personal_page(request, rows[0], cursors, scope)


@router.post("", status_code=201, response_model=Written, summary="Draft a survey")
async def draft_survey(session: Session, _: Somebody, wanted: NewSurvey) -> Response:
    """By a moderator. Nobody else sees it until it is published."""
    return await drafted(session, None, wanted.document("survey"))


@router.put("/{survey}", response_model=Written, summary="Write the draft of a survey anew")
async def rewrite_survey(session: Session, _: Somebody, survey: SurveyId, wanted: NewSurvey) -> Response:
    """As a whole: its questions get other ids."""
    return await drafted(session, survey, wanted.document("survey"))


async def drafted(session: Session, draft: UUID | None, wanted: dict[str, Any]) -> Response:
    """What `write_survey` made. Problem where it could not."""
    [(made,)] = await session.fetch(queries.write(draft, wanted))
    if made is None:
        subject = "No such draft" if draft else "Nothing"
        raise Problem("not-found", f"{subject} can be about that show, or the season or episode is of another one.")
    return written(made, 201 if draft is None else 200)


@both("POST", "/{survey}/publish", status_code=204, summary="Publish a draft")
async def publish_survey(session: Session, _: Somebody, survey: SurveyId) -> Response:
    """By a moderator. From here on its questions stay as they are."""
    [(is_done,)] = await session.fetch(queries.publish(survey))
    if not is_done:
        raise Problem("not-found", "There is no such draft, or its ends_at is past.")
    return Response(status_code=204)


@both("POST", "/{survey}/close", status_code=204, summary="Take no answers any more")
async def close_survey(session: Session, _: Somebody, surveys: Asking, survey: SurveyId) -> Response:
    """By a moderator. A game is scored then."""
    [(is_done,)] = await session.fetch(queries.close(survey))
    if not is_done:
        raise missing()
    surveys.note(survey)
    return Response(status_code=204)


@both("GET", "/{survey}", response_model=SurveyWithQuestions, summary="What is asked")
async def get_survey(session: Session, survey: SurveyId, _: Nothing) -> Response:
    """With what the caller answered; once a game is over, with what was right."""
    rows = await session.fetch(queries.survey(survey))
    if not rows:
        raise missing()
    return personal(rows[0][0])


@both("POST", "/{survey}/token", response_model=Ballot, summary="Ask for an anonymous token")
async def get_survey_token(
    address: Address, database: Catalog, accounts: People, surveys: Asking, survey: SurveyId
) -> Ballot:
    """Answers that come with it are nobody's. It is not kept here: who loses it cannot change the answers."""
    statement = queries.anonymous(survey)
    rows = await database.fetch(statement.query, statement.values)
    if not rows:
        raise missing()
    if not rows[0][0]:
        raise Problem("conflict", "This survey is not anonymous: log in to answer it.")
    await surveys.count_ballot(survey, address)
    return Ballot(token=accounts.tokens.ballot(survey))


@both("POST", "/{survey}/submit", response_model=Submitted, summary="Answer")
async def submit_survey(
    session: Session, accounts: People, surveys: Asking, survey: SurveyId, given: Submission
) -> Response:
    """Once for each user or token; sent again, it takes the place of what was answered before."""
    answers = check(await surveys.questions(session, survey), given.answers)
    ballot = None if given.token is None else hashlib.sha256(accounts.tokens.read_ballot(survey, given.token)).digest()
    [(response, obstacle)] = await session.fetch(queries.submit(survey, ballot, answers))
    if obstacle is not None:
        raise Problem(*OBSTACLES[obstacle])
    surveys.note(survey)
    return personal(b'{"response_id":"%b"}' % str(response).encode())


@both("GET", "/{survey}/results", response_model=SurveyResults, summary="What was answered")
async def get_survey_results(surveys: Asking, survey: SurveyId, _: Nothing) -> Response:
    """From five responses on, changed by five at a time, without counts under five; of a quiz, once it is over."""
    return Answer(await surveys.results(survey))


@both(
    "GET",
    "/{survey}/responses.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "A response a line."}},
    summary="All responses as CSV",
)
async def download_survey(session: Session, database: Catalog, _: Somebody, survey: SurveyId) -> Response:
    """By an admin; streamed. It has no names, but all that was written."""
    if not (await session.fetch(queries.is_admin()))[0][0]:
        raise Problem("forbidden", "This is for admins.")
    questions = await database.fetch(queries.DOWNLOAD, [survey])
    if not questions:
        raise missing()
    headers = {**PERSONAL, "content-disposition": f'attachment; filename="{survey}.csv"'}
    return StreamingResponse(_lines(database, survey, questions), media_type="text/csv", headers=headers)


async def _lines(database: Catalog, survey: UUID, questions: list[Any]) -> AsyncIterator[bytes]:
    heading = io.StringIO()
    csv.writer(heading).writerow(["id", "created_at", "updated_at", *(prompt for *_, prompt in questions)])
    yield heading.getvalue().encode()
    async with database.transaction() as connection:
        await connection.execute(queries.TAKE_TIME)
        statement = queries.download(survey, [(question, type_) for question, type_, _ in questions])
        async with connection.cursor() as cursor, cursor.copy(statement) as copy:
            async for chunk in copy:
                yield bytes(chunk)
