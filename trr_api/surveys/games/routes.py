"""/games, and the leaderboards of games, seasons and shows."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from fastapi import Query, Request, Response

from trr_api import routing
from trr_api.answers import paged, personal, personal_page
from trr_api.catalog.places import Id, Key, ShowKey, id_of, led_on
from trr_api.catalog.queries import elsewhere
from trr_api.catalog.schemas import Page
from trr_api.database import Database
from trr_api.deps import Catalog, Paging, Session, Somebody
from trr_api.paging import PageParameters
from trr_api.problems import Problem, invalid
from trr_api.surveys import queries as surveys_queries
from trr_api.surveys.checking import FIELD, Question, read
from trr_api.surveys.games import queries
from trr_api.surveys.games.schemas import NewKey, Score, Standing
from trr_api.surveys.routes import Nothing, SurveyId, drafted, games
from trr_api.surveys.schemas import Game, GamesParameters, NewGame, Survey, Written
from trr_api.surveys.service import Asking, Surveys, missing

router = games
boards = routing.router("", "games")

QuestionId = Annotated[Id, id_of("question")]
SeasonId = Annotated[Id, id_of("season")]


@router.get("", response_model=Page[Survey], summary="Games")
async def list_games(
    request: Request, session: Session, cursors: Paging, asked: Annotated[GamesParameters, Query()]
) -> Response:
    """The newest first. Drafts are for moderators."""
    scope = f"games {asked.kind} {asked.status}"
    kinds = [asked.kind] if asked.kind else list(get_args(Game))
    rows = await session.fetch(surveys_queries.surveys(kinds, asked, cursors.after(scope, asked.cursor)))
    return personal_page(request, rows[0], cursors, scope)


@router.post("", status_code=201, response_model=Written, summary="Draft a game")
async def draft_game(session: Session, _: Somebody, wanted: NewGame) -> Response:
    """By a moderator: a quiz, a poll, a prediction or a ranking."""
    return await drafted(session, None, wanted.document(wanted.kind))


@router.put("/{survey}", response_model=Written, summary="Write the draft of a game anew")
async def rewrite_game(session: Session, _: Somebody, survey: SurveyId, wanted: NewGame) -> Response:
    """As a whole: its questions get other ids, and lose their keys."""
    return await drafted(session, survey, wanted.document(wanted.kind))


@router.put("/{survey}/questions/{question}/key", status_code=204, summary="Say what is right")
async def set_game_key(
    session: Session, _: Somebody, surveys: Asking, survey: SurveyId, question: QuestionId, wanted: NewKey
) -> Response:
    """By a moderator, before or after the game. Nobody reads it before the game is over, then it is scored anew."""
    asked = {found.id: found for found in await surveys.questions(session, survey)}
    if str(question) not in asked:
        raise Problem("not-found", "This game has no such question.")
    key = _key(asked[str(question)], wanted)
    [(is_done,)] = await session.fetch(queries.set_key(question, key, wanted.points))
    if not is_done:
        raise Problem("conflict", "Surveys and polls have no right answers.")
    surveys.note(survey)
    return Response(status_code=204)


def _key(question: Question, wanted: NewKey) -> dict[str, Any]:
    """What is kept of a key. Problem where it is no answer to the question."""
    if question.type == "free_text":
        if not wanted.texts or wanted.option_ids or wanted.number is not None:
            raise _refused(question, "its key is texts alone")
        return {"texts": wanted.texts}
    if wanted.texts:
        raise _refused(question, f"its key is {FIELD[question.type]} alone")
    key, wrong = read(question, wanted.option_ids, wanted.number, None)
    if wrong is not None:
        raise _refused(question, wrong)
    return {**key, "tolerance": wanted.tolerance} if question.type == "numeric" else key


def _refused(question: Question, why: str) -> Problem:
    return invalid("key", f"question {question.position}: {why}", where="body", kind="invalid-body")


async def _leaderboard(
    kind: str, key: Key, request: Request, database: Database, surveys: Surveys, cursors: Paging, asked: PageParameters
) -> Response:
    await _score_due(kind, key, database, surveys)
    scope = f"leaderboard {kind} {key}"
    statement = queries.leaderboard(kind, key, asked.limit, cursors.after(scope, asked.cursor))
    rows = await database.fetch(statement.query, statement.values)
    if not rows:
        return await _nowhere(kind, key, request, database)
    data, place, _ = rows[0]
    return paged(request, (data, place, None), cursors, scope)


async def _standing(kind: str, key: Key, database: Database, surveys: Surveys, session: Session) -> Response:
    await _score_due(kind, key, database, surveys)
    rows = await session.fetch(queries.standing(kind, key))
    if not rows:
        raise Problem("not-found", "You are not on this leaderboard.")
    return personal(rows[0][0])


async def _score_due(kind: str, key: Key, database: Database, surveys: Surveys) -> None:
    """A game that ended by the clock is scored by whoever first wants to see that."""
    statement = queries.due(kind, key)
    for (game,) in await database.fetch(statement.query, statement.values):
        await surveys.score(game)


async def _nowhere(kind: str, key: Key, request: Request, database: Database) -> Response:
    if kind == "game":
        raise missing()
    statement = elsewhere(kind, key)
    return led_on(request, kind, key, await database.fetch(statement.query, statement.values))


@router.get("/{survey}/leaderboard", response_model=Page[Score], summary="Leaderboard of a game")
async def list_game_scores(
    request: Request, database: Catalog, surveys: Asking, cursors: Paging, survey: SurveyId,
    asked: Annotated[PageParameters, Query()],
) -> Response:  # fmt: skip
    """Once the game is over."""
    return await _leaderboard("game", survey, request, database, surveys, cursors, asked)


@boards.get("/seasons/{season}/leaderboard", response_model=Page[Score], summary="Leaderboard of a season")
async def list_season_scores(
    request: Request, database: Catalog, surveys: Asking, cursors: Paging, season: SeasonId,
    asked: Annotated[PageParameters, Query()],
) -> Response:  # fmt: skip
    """The sums of its games that are over."""
    return await _leaderboard("season", season, request, database, surveys, cursors, asked)


@boards.get("/shows/{show}/leaderboard", response_model=Page[Score], summary="Leaderboard of a show")
async def list_show_scores(
    request: Request, database: Catalog, surveys: Asking, cursors: Paging, show: ShowKey,
    asked: Annotated[PageParameters, Query()],
) -> Response:  # fmt: skip
    """The sums of its games that are over."""
    return await _leaderboard("show", show, request, database, surveys, cursors, asked)


@router.get("/{survey}/leaderboard/me", response_model=Standing, summary="Where I stand in a game")
async def get_game_standing(
    database: Catalog, surveys: Asking, session: Session, _: Somebody, survey: SurveyId, __: Nothing
) -> Response:
    """The caller's rank and points."""
    return await _standing("game", survey, database, surveys, session)


@boards.get("/seasons/{season}/leaderboard/me", response_model=Standing, summary="Where I stand in a season")
async def get_season_standing(
    database: Catalog, surveys: Asking, session: Session, _: Somebody, season: SeasonId, __: Nothing
) -> Response:
    """The caller's rank and points."""
    return await _standing("season", season, database, surveys, session)


@boards.get("/shows/{show}/leaderboard/me", response_model=Standing, summary="Where I stand in a show")
async def get_show_standing(
    database: Catalog, surveys: Asking, session: Session, _: Somebody, show: ShowKey, __: Nothing
) -> Response:
    """The caller's rank and points."""
    return await _standing("show", show, database, surveys, session)
