"""Surveys at work: questions remembered, anonymous tokens, results that come out in time, games that are scored."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import Annotated, Any, Final
from uuid import UUID

import psycopg
from fastapi import Depends, Request
from limits import parse
from psycopg.types.json import Jsonb

from trr_api.config import Settings
from trr_api.database import Database, rows
from trr_api.problems import Problem
from trr_api.session import Session
from trr_api.surveys import queries
from trr_api.surveys.checking import Question
from trr_api.surveys.disclosure import Counted, disclose
from trr_api.throttle import count_strictly, limiter

INTERVAL: Final = 1.0
"""Seconds at least between two results of a survey."""

REMEMBERED: Final = 1_000
"""Published surveys whose questions a worker remembers; they never change."""

_log = logging.getLogger(__name__)


class Surveys:
    """The surveys of a database."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._limiter = limiter(settings)
        self._limit = parse(settings.anonymous_limit)
        self._questions: dict[UUID, list[Question]] = {}
        self._noted: set[UUID] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def questions(self, session: Session, survey: UUID) -> list[Question]:
        """What a survey asks. Problem where the caller sees none such."""
        if survey in self._questions:
            return self._questions[survey]
        listed = await session.fetch(queries.questionnaire(survey))
        if not listed:
            raise missing()
        is_published, found = listed[0]
        questions = [Question.read(row) for row in found]
        if is_published:
            if len(self._questions) >= REMEMBERED:
                self._questions.clear()
            self._questions[survey] = questions
        return questions

    async def count_ballot(self, survey: UUID, address: str) -> None:
        """Problem where an address asked for too many anonymous tokens of a survey."""
        key = hashlib.sha256(f"{survey} {address}".encode()).hexdigest()
        if not await count_strictly(self._limiter, self._limit, "ballot", key):
            detail = f"More than {self._limit.amount} tokens for this survey were asked for from your address."
            raise Problem("too-many-requests", detail, headers={"retry-after": str(self._limit.get_expiry())})

    def note(self, survey: UUID) -> None:
        """Something changed: what may be told of it is told in a second, with all that changes until then."""
        if survey not in self._noted:
            self._noted.add(survey)
            task = asyncio.create_task(self._settle_later(survey))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Tell nothing any more. Whoever asks for results next gets them made."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _settle_later(self, survey: UUID) -> None:
        wait = INTERVAL
        try:
            while wait > 0:
                await asyncio.sleep(wait)
                # What is noted from here on is another task's: its change may come too late for this one.
                self._noted.discard(survey)
                wait = await self._settle(survey)
        except (psycopg.Error, Problem) as error:
            _log.warning("The results of the survey %s wait for the next answer: %s", survey, type(error).__name__)

    async def _settle(self, survey: UUID) -> float:
        """Publish and score what is due; the seconds to wait where another worker was here a moment ago."""
        [(has_results, age, has_scores)] = await self._database.fetch(queries.STATE, [survey])
        if has_scores:
            await self.score(survey)
        if has_results:
            await self.publish(survey)
        return max(0.0, INTERVAL - age) if has_results else 0.0

    async def results(self, survey: UUID) -> bytes:
        """What everybody may know, as JSON; made anew where that is due. Problem where there is no such survey."""
        listed = await self._database.fetch(queries.RESULTS, [survey, INTERVAL])
        if not listed:
            raise missing()
        body, is_due = listed[0]
        made: bytes = (await self.publish(survey) if is_due else None) or body
        return made

    async def publish(self, survey: UUID) -> bytes | None:
        """Make the results anew; their JSON, or None where that was done a moment ago."""
        async with self._database.transaction(write=True) as connection:
            await connection.execute(queries.LOCK_RESULTS, [str(survey)])
            [(is_due, age, _)] = await rows(connection, queries.STATE, survey)
            if not is_due or age < INTERVAL:
                return None
            [(responses, changes, questions)] = await rows(connection, queries.COUNTS, survey)
            found = {
                "survey_id": str(survey),
                "response_count": responses,
                "questions": disclose([_counted(row) for row in questions], responses),
            }
            [(_, body)] = await rows(connection, queries.PUBLISH, survey, changes, Jsonb(found))
        made: bytes = body
        return made

    async def score(self, game: UUID) -> None:
        """Score a game that is over; once more where it was scored already and a key was corrected."""
        async with self._database.transaction(write=True) as connection:
            await connection.execute(queries.TAKE_TIME)
            await connection.execute(queries.SCORE, [game])


def missing() -> Problem:
    """What one may not see is not there."""
    return Problem("not-found", "There is no such survey.")


async def _surveys(request: Request) -> Surveys:
    found: Surveys = request.app.state.surveys
    return found


Asking = Annotated[Surveys, Depends(_surveys)]


def _counted(row: dict[str, Any]) -> Counted:
    shown_if = row["shown_if"]
    return Counted(
        id=row["id"],
        position=row["position"],
        type=row["type"],
        minimum=row["minimum"],
        maximum=row["maximum"],
        options=tuple(row["options"]),
        shown_if=None if shown_if is None else (shown_if["question"], shown_if["option"]),
        counts=row["counts"],
        totals=row["totals"],
    )
