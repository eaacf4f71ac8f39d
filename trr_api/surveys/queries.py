"""SQL of surveys and games. What a caller reads and writes runs as the caller; results are made by the owner."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from trr_api.catalog.queries import embedded
from trr_api.queries import Fields, Sort, Statement, after_place, columns, objects, page

if TYPE_CHECKING:
    from trr_api.surveys.schemas import SurveysParameters

_STATUS: Final = (
    "CASE WHEN survey.published_at IS NULL THEN 'draft' WHEN is_over(survey) THEN 'closed' ELSE 'published' END"
)

SURVEY: Final[Fields] = {
    **{
        name: f"survey.{name}"
        for name in ("id", "kind", "show_id", "season_id", "episode_id", "title", "description", "is_anonymous")
    },
    "status": _STATUS,
    "is_open": (
        "survey.published_at IS NOT NULL AND NOT is_over(survey) AND coalesce(survey.starts_at <= now(), true)"
    ),
    **{name: f"survey.{name}" for name in ("starts_at", "ends_at", "created_at", "published_at", "closed_at")},
}

_SHOWN_IF: Final = (
    "CASE WHEN question.shown_if_question IS NOT NULL THEN "
    "json_build_object('question', question.shown_if_question, 'option', question.shown_if_option) END"
)
_OPTION: Final[Fields] = {name: f"option.{name}" for name in ("id", "position", "label")}
_QUESTION: Final[Fields] = {
    **{
        name: f"question.{name}"
        for name in (
            "id", "position", "type", "prompt", "is_required", "minimum", "maximum", "step", "shuffle_options",
        )
    },
    "shown_if": _SHOWN_IF,
    "options": objects(_OPTION, "options option WHERE option.question_id = question.id", order="option.position"),
    "key": "(SELECT key FROM answer_keys WHERE question_id = question.id)",
    "points": "(SELECT points FROM answer_keys WHERE question_id = question.id)",
}  # fmt: skip

_MINE: Final[Fields] = {
    "response_id": "response.id",
    "created_at": "response.created_at",
    "updated_at": "response.updated_at",
    "answers": (
        "(SELECT coalesce(jsonb_agg(jsonb_build_object('question_id', question) || answer), '[]'::jsonb) "
        "FROM jsonb_each(response.answers) given (question, answer))"
    ),
}

_WHOLE: Final = (
    "SELECT row_to_json(item) FROM (SELECT {} FROM surveys survey WHERE survey.id = $1) item".format(
        columns(
            {
                **SURVEY,
                "questions": objects(
                    _QUESTION, "questions question WHERE question.survey_id = survey.id", order="question.position"
                ),
                "mine": embedded(
                    _MINE,
                    "responses response WHERE response.survey_id = survey.id AND response.user_id = (SELECT caller())",
                ),
            }
        )
    )
).encode()

_NEWEST: Final = Sort((("survey.created_at", "timestamptz"), ("survey.id", "uuid")), descending=True)

_QUESTIONNAIRE: Final = f"""
SELECT survey.published_at IS NOT NULL, (
    SELECT jsonb_agg(to_jsonb(question) || jsonb_build_object('shown_if', {_SHOWN_IF}, 'options', (
        SELECT coalesce(jsonb_agg(id ORDER BY position), '[]') FROM options WHERE question_id = question.id
    ))) FROM questions question WHERE survey_id = survey.id
) FROM surveys survey WHERE survey.id = $1
""".encode()


def surveys(kinds: Sequence[str], asked: SurveysParameters, after: Sequence[object] | None) -> Statement:
    """A page of surveys of some kinds, the newest first."""
    values = [list(kinds), asked.status, asked.show_id, asked.season_id, asked.episode_id]
    return after_place(_surveys(after is not None), values, asked.limit, after)


@lru_cache(maxsize=2)
def _surveys(after: bool) -> bytes:
    return page(
        SURVEY,
        "surveys survey",
        sort=_NEWEST,
        bound=5,
        after=after,
        where=(
            "survey.kind = ANY ($1::text[])",
            f"{_STATUS} = $2",
            *(
                f"(${number}::uuid IS NULL OR survey.{kind}_id = ${number})"
                for number, kind in enumerate(("show", "season", "episode"), 3)
            ),
        ),
    )


def survey(identifier: UUID) -> Statement:
    """One survey with its questions, and what the caller answered."""
    return Statement(_WHOLE, [identifier])


def questionnaire(identifier: UUID) -> Statement:
    """Whether a survey is published, and its questions as `checking.Question.read` takes them."""
    return Statement(_QUESTIONNAIRE, [identifier])


def write(draft: UUID | None, wanted: dict[str, Any]) -> Statement:
    """Begin a draft, or write it anew."""
    return Statement(b"SELECT write_survey($1, $2)", [draft, Jsonb(wanted)])


def publish(draft: UUID) -> Statement:
    """Let everybody see it."""
    return Statement(b"SELECT publish_survey($1)", [draft])


def close(identifier: UUID) -> Statement:
    """Take no answers any more."""
    return Statement(b"SELECT close_survey($1)", [identifier])


def submit(identifier: UUID, ballot: bytes | None, answers: dict[str, Any]) -> Statement:
    """Keep a response: (id, obstacle), one of which is null."""
    return Statement(
        b"SELECT response, obstacle FROM submit_response($1, $2, $3)", [identifier, ballot, Jsonb(answers)]
    )


def anonymous(identifier: UUID) -> Statement:
    """Whether a survey is anonymous."""
    return Statement(b"SELECT is_anonymous FROM surveys WHERE id = $1 AND published_at IS NOT NULL", [identifier])


def is_admin() -> Statement:
    """Whether the caller is an admin."""
    return Statement(b"SELECT EXISTS (SELECT FROM users WHERE id = caller() AND role = 'admin')")


# What follows runs as the connection's own user.

# The results as they came out last, and whether they are due anew: so many seconds later, and with enough to tell.
RESULTS: Final = b"""
SELECT coalesce(body::json, json_build_object(
    'survey_id', survey.id, 'response_count', NULL, 'published_at', NULL, 'questions', '[]'::json
)), coalesce(results.published_at <= clock_timestamp() - make_interval(secs => $2), true) AND has_new_results(survey.id)
FROM surveys survey LEFT JOIN results ON survey_id = survey.id WHERE survey.id = $1 AND survey.published_at IS NOT NULL
"""

LOCK_RESULTS: Final = b"SELECT pg_advisory_xact_lock(hashtextextended('results ' || $1::text, 0))"

STATE: Final = b"""
SELECT has_new_results($1), coalesce(extract(epoch FROM clock_timestamp() - (
    SELECT published_at FROM results WHERE survey_id = $1
))::float8, 'infinity'), (SELECT can_be_scored(survey) FROM surveys survey WHERE id = $1)
"""

# One statement: all counts are of the same moment.
COUNTS: Final = f"""
SELECT sum(responses)::bigint, sum(changes)::bigint, (
    SELECT jsonb_agg(jsonb_build_object(
        'id', question.id, 'position', position, 'type', type, 'minimum', minimum, 'maximum', maximum,
        'shown_if', {_SHOWN_IF}, 'options', (
            SELECT coalesce(jsonb_agg(id ORDER BY position), '[]') FROM options WHERE question_id = question.id
        ), 'counts', counted.counts, 'totals', counted.totals
    )) FROM questions question CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_object_agg(key, count), '{{}}') AS counts,
               coalesce(jsonb_object_agg(key, total), '{{}}') AS totals
        FROM (SELECT key, sum(count) AS count, sum(total) AS total FROM tallies
              WHERE question_id = question.id GROUP BY key) summed
    ) counted WHERE survey_id = $1
) FROM response_counts WHERE survey_id = $1
""".encode()

PUBLISH: Final = b"""
WITH made AS (SELECT $3::jsonb || jsonb_build_object('published_at', now()) AS body),
kept AS (
    INSERT INTO results AS kept (survey_id, number, changes, body) SELECT $1, 1, $2, body FROM made
    ON CONFLICT (survey_id) DO UPDATE SET
        number = kept.number + 1, changes = excluded.changes, body = excluded.body, published_at = now()
)
SELECT tell(survey_topic(survey), 'survey_results_changed', body), body::json
FROM surveys survey, made WHERE survey.id = $1
"""

TAKE_TIME: Final = b"SELECT set_config('statement_timeout', '10min', true)"
# By one at a time, for whom nobody waits: of many points that takes long.
SCORE: Final = b"""
SELECT score_game($1) WHERE pg_try_advisory_xact_lock(hashtextextended('score ' || $1::uuid::text, 0))
"""

# Spreadsheets take for a formula what begins like one.
_PLAIN: Final = "regexp_replace({}, E'^(?=[=+@\\t\\r-])', '''')"
DOWNLOAD: Final = f"""
SELECT id, type, {_PLAIN.format("prompt")} FROM questions WHERE survey_id = $1 ORDER BY position
""".encode()

_CHOSEN: Final = (
    "(SELECT string_agg(label, '; ' ORDER BY place) "
    "FROM jsonb_array_elements_text(answers -> {key} -> 'option_ids') WITH ORDINALITY chosen (option, place) "
    "JOIN options ON options.id = option::uuid)"
)


def download(identifier: UUID, questions: Sequence[tuple[UUID, str]]) -> sql.Composed:
    """A COPY of all responses as CSV: id, times, and a column for each (id, type) of the questions; nobody's name."""
    answers = [_answer(type_).format(key=sql.Literal(str(question))) for question, type_ in questions]
    return sql.SQL(
        "COPY (SELECT {columns} FROM responses WHERE survey_id = {survey} ORDER BY id) TO STDOUT (FORMAT csv)"
    ).format(
        columns=sql.SQL(", ").join([sql.SQL("id, created_at, updated_at"), *answers]), survey=sql.Literal(identifier)
    )


def _answer(type_: str) -> sql.SQL:
    if type_ in {"numeric", "rating"}:
        return sql.SQL("answers -> {key} ->> 'number'")
    return sql.SQL(_PLAIN.format("answers -> {key} ->> 'text'" if type_ == "free_text" else _CHOSEN))
