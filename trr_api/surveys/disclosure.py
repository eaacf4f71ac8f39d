"""What of the counts everybody may know. Pure: counts in, results out, without any group of fewer than five people.

A count that is too small is withheld, and with it as many others as it takes that nobody gets it by subtraction.
When results may come out or change, which must not single somebody out either, is `has_new_results` in the database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

FEWEST: Final = 5
"""People that a count must have, or none."""

STEPS: Final = 10
"""Parts of a numeric scale that are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A question with the counts of its answers."""

    id: str
    position: int
    type: str
    minimum: float | None = None
    maximum: float | None = None
    options: tuple[str, ...] = ()
    shown_if: tuple[int, int] | None = None
    """Positions of an earlier question and of its option."""
    counts: Mapping[str, int]
    """'' (answered), an option's id, or a number's place on the scale -> people."""
    totals: Mapping[str, float]
    """The same -> sum of the numbers, or of the places in rankings."""


def disclose(questions: Sequence[Counted], responses: int) -> list[dict[str, Any]]:
    """The results of each question, for so many responses; None stands for what is withheld."""
    asked: dict[tuple[int, int], int | None] = {}
    found = []
    for question in sorted(questions, key=lambda question: question.position):
        # Who was asked only because of another answer tells how many gave that one.
        people = responses if question.shown_if is None else asked.get(question.shown_if)
        result = _result(question, people)
        for number, option in enumerate(result["options"], 1):
            asked[question.position, number] = option["count"]
        found.append(result)
    return found


def withheld(cells: Sequence[int], small: Collection[int]) -> set[int]:
    """Which cells of a row with a known sum are withheld: the `small` ones, and the next larger with them.

    Those withheld are two or more and together five or more, as far as there are any.
    """
    hidden = set(small)
    rest = sorted((at for at, count in enumerate(cells) if count and at not in hidden), key=lambda at: cells[at])
    for at in rest:
        if not hidden or (len(hidden) > 1 and sum(cells[at] for at in hidden) >= FEWEST):
            break
        hidden.add(at)
    return hidden


def is_small(count: int) -> bool:
    """Whether a count would single somebody out."""
    return 0 < count < FEWEST


def _result(question: Counted, people: int | None) -> dict[str, Any]:
    result: dict[str, Any] = {
        "question_id": question.id,
        "type": question.type,
        "answered": None,
        "options": [
            {"option_id": option, "count": None, "percentage": None, "mean_position": None}
            for option in question.options
        ],
        "mean": None,
        "histogram": None,
    }
    answered = question.counts.get("", 0)
    if people is None or answered < FEWEST:
        return result
    silent = people - answered
    if not is_small(silent):
        result["answered"] = answered
    if question.type in {"single_choice", "multiple_choice"}:
        _count_choices(result, question, people, answered)
    elif question.type == "ranking":
        for option in result["options"]:
            ranked = question.counts.get(option["option_id"], 0)
            if ranked >= FEWEST:
                option["mean_position"] = round(question.totals[option["option_id"]] / ranked, 2)
    elif question.type in {"numeric", "rating"}:
        result["mean"] = round(question.totals[""] / answered, 2)
        bars = _histogram(question)
        # With the mean beside it, a histogram with gaps could be filled in: it is there as a whole or not.
        if not any(is_small(count) for count in (silent, *(bar["count"] for bar in bars))):
            result["histogram"] = bars
    return result


def _count_choices(result: dict[str, Any], question: Counted, people: int, answered: int) -> None:
    cells = [question.counts.get(option, 0) for option in question.options]
    small = {at for at, count in enumerate(cells) if is_small(count)}
    if question.type == "multiple_choice":
        # Those who did not choose it, or who chose something else, are as safe as those who did.
        small |= {at for at, count in enumerate(cells) if is_small(people - count) or is_small(answered - count)}
    if question.minimum == question.maximum:
        # Everybody who answers chooses as many: the counts add up to how many did, and tell who did not.
        cells.append(people - answered)
        if is_small(cells[-1]):
            small.add(len(question.options))
    hidden = withheld(cells, small)
    if len(question.options) in hidden:
        result["answered"] = None
    for at, option in enumerate(result["options"]):
        if at not in hidden:
            option["count"] = cells[at]
            if result["answered"] is not None:
                option["percentage"] = round(100 * cells[at] / result["answered"], 1)


def _histogram(question: Counted) -> list[dict[str, Any]]:
    assert question.minimum is not None
    assert question.maximum is not None
    if question.type == "rating":
        ratings = range(int(question.minimum), int(question.maximum) + 1)
        return [{"from": mark, "to": mark, "count": question.counts.get(str(mark), 0)} for mark in ratings]
    marks = [question.minimum + (question.maximum - question.minimum) * step / STEPS for step in range(STEPS + 1)]
    return [
        {"from": start, "to": end, "count": question.counts.get(str(bar), 0)}
        for bar, (start, end) in enumerate(pairwise(marks), 1)
    ]
