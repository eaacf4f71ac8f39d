"""Whether answers fit the questions. Pure: a questionnaire and answers in, what is kept or what is wrong out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Self
from uuid import UUID

from trr_api.problems import Invalid, Problem
from trr_api.surveys.schemas import Answer
from trr_api.tables import LONGEST_ANSWER
from trr_api.texts import check_text

Document = dict[str, dict[str, Any]]
"""What is kept of a response: a question's id -> {option_ids}, {number} or {text}."""

FIELD: Final = {
    "single_choice": "option_ids",
    "multiple_choice": "option_ids",
    "ranking": "option_ids",
    "numeric": "number",
    "rating": "number",
    "free_text": "text",
}
"""Type of a question -> the field of its answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, as answers are held against it."""

    id: str
    position: int
    type: str
    is_required: bool = False
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    step: Decimal | None = None
    options: tuple[str, ...] = ()
    """Ids, in order."""
    shown_if: tuple[int, int] | None = None
    """Positions of an earlier question and of its option."""

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """A question out of `queries.questionnaire`."""
        bounds = {
            name: None if row[name] is None else Decimal(str(row[name])) for name in ("minimum", "maximum", "step")
        }
        shown_if = None if row["shown_if"] is None else (row["shown_if"]["question"], row["shown_if"]["option"])
        return cls(
            id=row["id"],
            position=row["position"],
            type=row["type"],
            is_required=row["is_required"],
            options=tuple(row["options"]),
            shown_if=shown_if,
            **bounds,
        )


def check(questions: Sequence[Question], answers: Sequence[Answer]) -> Document:
    """What is kept of the answers. Problem where any does not fit, or a required one is missing; each is named."""
    given: dict[str, Answer] = {}
    mistakes = []
    known = {question.id for question in questions}
    for answer in answers:
        key = str(answer.question_id)
        if key not in known:
            mistakes.append(_mistake(key, "this survey has no such question"))
        elif key in given:
            mistakes.append(_mistake(key, "it is answered twice"))
        given[key] = answer
    kept: Document = {}
    for question in sorted(questions, key=lambda question: question.position):
        wrong = None
        if not is_shown(question, questions, kept):
            if question.id in given:
                wrong = "it is not asked after the answers before it"
        elif question.id in given:
            answer = given[question.id]
            kept[question.id], wrong = read(question, answer.option_ids, answer.number, answer.text)
        elif question.is_required:
            wrong = "it must be answered"
        if wrong is not None:
            mistakes.append(_mistake(question.id, f"question {question.position}: {wrong}"))
    if mistakes:
        raise Problem("invalid-body", "; ".join(mistake.detail for mistake in mistakes), errors=mistakes)
    return kept


def is_shown(question: Question, questions: Sequence[Question], kept: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a question is asked of somebody who answered those before it like this."""
    if question.shown_if is None:
        return True
    position, option = question.shown_if
    earlier = next(found for found in questions if found.position == position)
    return earlier.options[option - 1] in kept.get(earlier.id, {}).get("option_ids", ())


def read(
    question: Question, option_ids: Sequence[UUID] | None, number: float | None, text: str | None
) -> tuple[dict[str, Any], str | None]:
    """What is kept of an answer, and what is wrong with it if something is."""
    given = {"option_ids": option_ids, "number": number, "text": text}
    if [name for name, value in given.items() if value is not None] != [FIELD[question.type]]:
        return {}, f"it is answered by {FIELD[question.type]} alone"
    if option_ids is not None:
        chosen = [str(option) for option in option_ids]
        return {"option_ids": chosen}, _wrong_options(question, chosen)
    if number is not None:
        return {"number": number}, _wrong_number(question, number)
    try:
        text = check_text(text or "")
    except ValueError as error:
        return {}, str(error)
    return {"text": text}, _wrong_text(question, text)


def _wrong_options(question: Question, chosen: Sequence[str]) -> str | None:
    if not set(chosen) <= set(question.options):
        return "it has no such option"
    if len(set(chosen)) < len(chosen):
        return "an option is there twice"
    least, most = (1, 1) if question.type == "single_choice" else (question.minimum, question.maximum)
    if not (least or 0) <= len(chosen) <= (most or len(question.options)):
        return f"choose {_range(least or 0, most or len(question.options))} of its options, not {len(chosen)}"
    return None


def _wrong_text(question: Question, text: str) -> str | None:
    least, most = int(question.minimum or 0), int(question.maximum or LONGEST_ANSWER)
    if len(text) > most:
        return f"its text may have {most} characters, not {len(text)}"
    if len(text) < least:
        return f"its text needs {least} characters, not {len(text)}"
    return None


def _wrong_number(question: Question, number: float) -> str | None:
    exact = Decimal(str(number))
    assert question.minimum is not None
    assert question.maximum is not None
    if not question.minimum <= exact <= question.maximum:
        return f"its number must be {_range(question.minimum, question.maximum)}"
    # Decimals divide by tiny steps only up to their precision.
    if question.step is not None and (Fraction(exact) - Fraction(question.minimum)) % Fraction(question.step):
        return f"its number must go in steps of {question.step} from {question.minimum}"
    return None


def _range(least: Decimal | int, most: Decimal | int) -> str:
    return str(most) if least == most else f"{least} to {most}"


def _mistake(key: str, detail: str) -> Invalid:
    return Invalid(where="body", parameter=f"answers.{key}", detail=detail)
