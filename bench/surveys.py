"""A survey with many responses under load, beside the bare statement; leaderboards of many scores."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

from bench.api import SECRET, Load, load, served
from bench.databases import settle
from trr_api.accounts.tokens import Tokens
from trr_api.config import Settings
from trr_api.session import Caller
from trr_api.surveys import queries
from trr_api.surveys.games import queries as games
from trr_crawl import database

CHUNK: Final = 500
"""Responses that are filled in at once: more of them would change the same counts in one transaction."""

PEOPLE: Final = 40
"""Who answer under load, again and again; more than there are connections, so that nobody waits for themselves."""

TIMED: Final = 20
"""Times that results are made."""

TURNS: Final = 3
"""Of submitting, by the API and by the bare statement; the one in the middle counts."""

_FILL: Final = """
INSERT INTO shows (title) VALUES ('Harbour Hearts');
INSERT INTO users (name) SELECT 'user_' || n FROM generate_series(1, %(people)s) n;
INSERT INTO surveys (kind, show_id, author_id, title, is_anonymous, published_at)
SELECT 'survey', shows.id, users.id, named, false, now()
FROM shows, users, unnest(ARRAY['Full', 'Empty']) named WHERE name = 'user_1';
INSERT INTO questions (survey_id, position, type, prompt, is_required, minimum, maximum, shuffle_options)
SELECT id, position, type, 'What?', true, minimum, maximum, false
FROM surveys, (VALUES
    (1, 'single_choice', NULL, NULL), (2, 'multiple_choice', 1, 4), (3, 'ranking', 4, 4), (4, 'rating', 1, 5),
    (5, 'free_text', 0, 2000)
) asked (position, type, minimum, maximum);
INSERT INTO options (question_id, position, label)
SELECT id, n, 'Option ' || n FROM questions, generate_series(1, 4) n WHERE position <= 3
"""

# One after another gives every option and mark.
_ANSWERS: Final = """
CREATE FUNCTION pg_temp.answers(survey uuid, n int) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(question.id, CASE type
        WHEN 'rating' THEN jsonb_build_object('number', 1 + n % 5)
        WHEN 'free_text' THEN jsonb_build_object('text', 'Well, ' || n)
        WHEN 'ranking' THEN jsonb_build_object('option_ids', (
            SELECT jsonb_agg(id ORDER BY (position + n) % 4) FROM options WHERE question_id = question.id
        ))
        ELSE jsonb_build_object('option_ids', (
            SELECT jsonb_agg(id) FROM options WHERE question_id = question.id AND position = 1 + n % 4
        ))
    END) FROM questions question WHERE survey_id = survey
$$
"""
_RESPOND: Final = """
INSERT INTO responses (survey_id, user_id, answers, changed_in)
SELECT surveys.id, users.id, pg_temp.answers(surveys.id, n), 0
FROM surveys, generate_series(%s::int, %s::int) n JOIN users ON name = 'user_' || n WHERE title = 'Full'
"""
_SCORES: Final = """
INSERT INTO scores (board_id, user_id, points)
SELECT shows.id, users.id, (substr(name, 6)::bigint * 7919 % 1000)::int FROM shows, users
"""

_SUBMIT: Final = """
SELECT json_build_object('response_id', response)
FROM (SELECT set_config('trr.user_id', $1, true)) who, submit_response($2::uuid, NULL, $3::jsonb)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All of it."""

    responses: int
    submit: dict[str, Load]
    """Which survey -> everybody changes their answers again and again."""
    bare: Load
    """The same by the bare statement, in the survey with many responses."""
    results: dict[str, Load]
    """Which survey -> its results, read."""
    made: dict[str, float]
    """Which survey -> seconds to count its results."""
    scores: int
    boards: dict[str, Load]
    """Which page of the leaderboard, or the caller's rank."""
    plan: str
    """How PostgreSQL finds the first page of it."""


def measure(url: str, *, seconds: int, responses: int, scores: int, said: Callable[[str], object]) -> Result:
    """In an empty, migrated database on a server whose superuser we are: fill it, then load it."""
    with database.connect(url, autocommit=True) as connection:
        said("filling")
        _fill(connection, responses, scores)
        settle(connection)
        surveys = dict(connection.execute("SELECT title, id::text FROM surveys").fetchall())
        [(show,)] = connection.execute("SELECT id::text FROM shows").fetchall()
        people = connection.execute(
            "INSERT INTO sessions (user_id) SELECT id FROM users LIMIT %s RETURNING user_id, id", [PEOPLE]
        ).fetchall()
        made = {title: _counted(connection, survey) for title, survey in surveys.items()}
        answers = {
            title: [connection.execute("SELECT pg_temp.answers(%s, %s)", [survey, n]).fetchall()[0][0] for n in (1, 2)]
            for title, survey in surveys.items()
        }
        plan = _plan(connection, show)
    tokens = Tokens(Settings(database_url=url, secret=SECRET))  # type: ignore[arg-type]
    bearers = [tokens.access(Caller(user, session), 24 * 60) for user, session in people]
    bare_routes = [
        [f"/{turn}/{number}", _SUBMIT, [str(user), surveys["Full"], json.dumps(given)]]
        for turn, given in enumerate(answers["Full"])
        for number, (user, _) in enumerate(people)
    ]
    with (
        served(url, "trr_api.app:create_app") as api,
        served(url, "bench.bare:create_app", bare_routes) as bare,
        tempfile.TemporaryDirectory() as folder,
    ):

        def loaded(what: str, address: str, paths: list[str], bodies: Sequence[str] = ("",)) -> Load:
            said(what)
            script = Path(folder) / "requests.lua"
            script.write_text(_script(paths, bearers, bodies), encoding="utf-8")
            load(address, 1, script=script)  # to warm up
            return load(address, max(1, seconds // TURNS), script=script)

        results = {title: load(f"{api}/api/v1/surveys/{survey}/results", seconds) for title, survey in surveys.items()}
        board = f"{api}/api/v1/shows/{show}/leaderboard"
        boards = {
            "first page": load(board, seconds),
            "own rank": loaded("own rank", api, [f"/api/v1/shows/{show}/leaderboard/me"]),
        }
        # In turns, so that a slow moment of the machine hits all of them.
        submitted: dict[str, list[Load]] = {"bare": [], **{title: [] for title in surveys}}
        for _ in range(TURNS):
            submitted["bare"].append(loaded("bare", bare, [path for path, *_ in bare_routes]))
            for title, survey in surveys.items():
                bodies = [_body(given) for given in answers[title]]
                submitted[title].append(loaded(f"submit, {title}", api, [f"/api/v1/surveys/{survey}/submit"], bodies))
    submit = {
        title: sorted(loads, key=lambda found: found.requests_per_second)[TURNS // 2]
        for title, loads in submitted.items()
    }
    return Result(
        responses=responses,
        bare=submit.pop("bare"),
        submit=submit,
        results=results,
        made=made,
        scores=scores,
        boards=boards,
        plan=plan,
    )


def _fill(connection: Connection[Any], responses: int, scores: int) -> None:
    for statement in _FILL.replace("%(people)s", str(max(responses, scores))).split(";\n"):
        connection.execute(statement.encode())
    connection.execute(_ANSWERS.encode())
    for first in range(1, responses + 1, CHUNK):
        connection.execute(_RESPOND, [first, min(first + CHUNK - 1, responses)])
    connection.execute(_SCORES.encode())
    connection.execute("VACUUM ANALYZE")


def _counted(connection: Connection[Any], survey: str) -> float:
    """Seconds that the statement takes which makes results."""
    query = queries.COUNTS.replace(b"$1", f"'{survey}'".encode())
    times = []
    for _ in range(TIMED):
        started = time.perf_counter()
        connection.execute(query)
        times.append(time.perf_counter() - started)
    return median(times)


def _plan(connection: Connection[Any], show: str) -> str:
    """The nodes that read tables."""
    statement = games.leaderboard("show", UUID(show), 50, None)
    query = statement.query.replace(b"$1", f"'{show}'".encode()).replace(b"$2", b"50")
    rows = connection.execute(b"EXPLAIN (COSTS OFF) " + query).fetchall()
    return "; ".join(line.strip(" ->") for (line,) in rows if " on scores" in line)


def _body(answers: dict[str, Any]) -> str:
    return json.dumps({"answers": [{"question_id": question, **answer} for question, answer in answers.items()]})


def _script(paths: list[str], bearers: list[str], bodies: Sequence[str]) -> str:
    """For wrk: one path and one caller after the other, and the next body when all had a turn; a POST with a body."""
    return f"""
local paths = {{{", ".join(map(json.dumps, paths))}}}
local bearers = {{{", ".join(map(json.dumps, bearers))}}}
local bodies = {{{", ".join(map(json.dumps, bodies))}}}
local turn = 0
request = function()
  turn = turn + 1
  local headers = {{["authorization"] = "Bearer " .. bearers[turn % #bearers + 1]}}
  local body = bodies[math.floor(turn / #bearers) % #bodies + 1]
  if body == "" then return wrk.format("GET", paths[turn % #paths + 1], headers) end
  headers["content-type"] = "application/json"
  return wrk.format("POST", paths[turn % #paths + 1], headers, body)
end
"""
