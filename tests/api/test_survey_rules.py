"""The pure rules of surveys: which answers fit, and which counts may be known."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trr_api.problems import Problem
from trr_api.surveys.checking import Question, check
from trr_api.surveys.disclosure import FEWEST, Counted, disclose, is_small, withheld
from trr_api.surveys.schemas import Answer

CELLS = st.lists(st.integers(0, 12), min_size=1, max_size=8)


@given(CELLS)
def test_what_is_withheld_cannot_be_had_by_subtraction(cells: list[int]) -> None:
    small = {at for at, count in enumerate(cells) if is_small(count)}
    hidden = withheld(cells, small)
    assert small <= hidden
    assert all(cells[at] for at in hidden), "that nobody chose it names nobody"
    if hidden and sum(cells) >= FEWEST and sum(1 for count in cells if count) > 1:
        assert len(hidden) > 1
        assert sum(cells[at] for at in hidden) >= FEWEST


@given(CELLS)
def test_nothing_is_withheld_without_need(cells: list[int]) -> None:
    assert withheld(cells, ()) == set()


def counted(type_: str, counts: dict[str, int], **more: Any) -> Counted:
    options = tuple(key for key in counts if key and not key.isdigit())
    totals = {key: float(count) for key, count in counts.items()}
    return Counted(id=type_, position=1, type=type_, options=options, counts=counts, totals=totals, **more)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 12), min_size=2), st.integers(0, 12))
def test_every_count_that_comes_out_is_zero_or_five(options: dict[str, int], silent: int) -> None:
    answered = sum(options.values())
    [result] = disclose([counted("single_choice", {"": answered, **options})], answered + silent)
    shown = [found["count"] for found in result["options"] if found["count"] is not None]
    assert not any(is_small(count) for count in shown)
    missing = [count for option, count in options.items() if not_shown(result, option)]
    if result["answered"] is not None:
        # Who knows the sum knows what is left for the options that are withheld, together.
        assert not is_small(result["answered"])
        assert len([count for count in missing if count]) != 1
        assert not is_small(sum(missing))


def not_shown(result: dict[str, Any], option: str) -> bool:
    return any(found["option_id"] == option and found["count"] is None for found in result["options"])


@given(st.lists(st.integers(0, 20), min_size=2, max_size=5), st.integers(20, 30), st.integers(0, 12))
def test_of_several_choices_those_who_did_not_choose_are_as_safe(chosen: list[int], answered: int, silent: int) -> None:
    counts = {"": answered, **dict(zip("abcde", chosen, strict=False))}
    [result] = disclose([counted("multiple_choice", counts, minimum=1, maximum=5)], answered + silent)
    hidden = 0
    for option, count in zip(result["options"], chosen, strict=True):
        hidden += option["count"] is None
        if option["count"] is not None:
            assert not is_small(count)
            assert not is_small(answered - count)
            assert not is_small(answered + silent - count)
    assert hidden != 1 or sum(1 for count in chosen if count) == 1


@given(st.tuples(*[st.integers(5, 12)] * 4), st.integers(1, 4))
def test_where_everybody_chooses_as_many_the_counts_do_not_tell_how_many_chose_nothing(
    pairs: tuple[int, ...], silent: int
) -> None:
    of_pairs = dict(zip(("ab", "ac", "bc", "cd"), pairs, strict=True))
    counts = {option: sum(people for pair, people in of_pairs.items() if option in pair) for option in "abcd"}
    asked = counted("multiple_choice", {"": sum(pairs), **counts}, minimum=2, maximum=2)
    [result] = disclose([asked], sum(pairs) + silent)
    assert result["answered"] is None
    assert None in [option["count"] for option in result["options"]]


def test_a_histogram_beside_a_mean_is_whole_or_not_there() -> None:
    scale = {"minimum": 1.0, "maximum": 5.0}
    [small] = disclose([counted("rating", {"": 12, "5": 10, "1": 2}, **scale)], 12)
    assert (small["mean"], small["histogram"]) == (1.0, None)
    [whole] = disclose([counted("rating", {"": 12, "5": 7, "1": 5}, **scale)], 12)
    assert [bar["count"] for bar in whole["histogram"]] == [5, 0, 0, 0, 7]
    [number] = disclose([counted("numeric", {"": 5, "1": 5}, minimum=0.0, maximum=1.0)], 5)
    assert [bar["from"] for bar in number["histogram"]] == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    [silent] = disclose([counted("rating", {"": 12, "5": 7, "1": 5}, **scale)], 13)
    assert (silent["answered"], silent["histogram"]) == (None, None)


def test_a_question_that_follows_an_answer_does_not_tell_how_many_gave_it() -> None:
    first = counted("single_choice", {"": 20, "a": 14, "b": 3, "c": 3})
    following = [
        Counted(
            id=f"after {option}", position=position, type="free_text", shown_if=(1, position - 1),
            counts={"": people}, totals={},
        )
        for position, (option, people) in enumerate((("a", 14), ("b", 3), ("c", 3)), 2)
    ]  # fmt: skip
    after = disclose([first, *following], 20)
    assert [found["count"] for found in after[0]["options"]] == [14, None, None]
    assert [found["answered"] for found in after[1:]] == [14, None, None]
    beside = counted("single_choice", {"": 20, "a": 17, "b": 3})
    after = disclose([beside, following[0]], 20)
    assert [found["count"] for found in after[0]["options"]] == [None, None]
    assert after[1]["answered"] is None, "the 14 of 17 would tell of the 3"


def test_fewer_than_five_answers_are_no_result() -> None:
    for type_ in ("single_choice", "multiple_choice", "ranking", "numeric", "rating", "free_text"):
        [result] = disclose([counted(type_, {"": 4, "a": 4}, minimum=0.0, maximum=4.0)], 100)
        assert result["answered"] is None
        assert result["mean"] is None
        assert all(option["count"] is None and option["mean_position"] is None for option in result["options"])


OPTIONS = [uuid4() for _ in range(4)]


def question(type_: str, **more: Any) -> Question:
    return Question(id=str(UUID(int=1)), position=1, type=type_, options=tuple(map(str, OPTIONS)), **more)


@given(st.lists(st.sampled_from([*OPTIONS, UUID(int=0)]), max_size=6), st.integers(1, 4), st.integers(1, 4))
def test_choices_fit_if_they_are_different_known_and_not_too_many(chosen: list[UUID], one: int, two: int) -> None:
    least, most = sorted((one, two))
    asked = question("multiple_choice", minimum=least, maximum=most)
    answers = [Answer.model_construct(question_id=UUID(int=1), option_ids=chosen)]
    fits = UUID(int=0) not in chosen and len(set(chosen)) == len(chosen) and least <= len(chosen) <= most
    if fits:
        assert check([asked], answers) == {asked.id: {"option_ids": [str(option) for option in chosen]}}
    else:
        with pytest.raises(Problem, match="question 1"):
            check([asked], answers)


@given(st.integers(-50, 150))
def test_numbers_fit_on_the_steps_of_their_scale(tenths: int) -> None:
    """Steps are exact: 0.3 is three steps of 0.1, whatever binary fractions make of it."""
    asked = Question.read(
        {"id": "x", "position": 3, "type": "numeric", "is_required": True, "minimum": 0, "maximum": 10, "step": 0.1,
         "options": [], "shown_if": None}
    )  # fmt: skip
    answer = Answer.model_construct(question_id="x", number=tenths / 10)  # type: ignore[arg-type]
    if 0 <= tenths <= 100:
        assert check([asked], [answer]) == {"x": {"number": tenths / 10}}
    else:
        with pytest.raises(Problem, match="question 3: its number must be 0 to 10"):
            check([asked], [answer])


def test_steps_may_be_tiny_on_a_scale_that_is_huge() -> None:
    asked = question("numeric", minimum=Decimal(0), maximum=Decimal(10**12), step=Decimal("1e-20"))
    for number in (10**12, 0.1):
        answer = Answer.model_construct(question_id=UUID(int=1), number=number)
        assert check([asked], [answer]) == {asked.id: {"number": number}}
    with pytest.raises(Problem, match="question 1: its number must go in steps"):
        check([asked], [Answer.model_construct(question_id=UUID(int=1), number=1e-21)])


@given(st.text("ab", min_size=1, max_size=12))
def test_texts_are_neither_too_short_nor_too_long(text: str) -> None:
    asked = question("free_text", minimum=Decimal(4), maximum=Decimal(8))
    answer = Answer.model_construct(question_id=UUID(int=1), text=text)
    if 4 <= len(text) <= 8:
        assert check([asked], [answer]) == {asked.id: {"text": text}}
    else:
        why = "needs 4 characters" if len(text) < 4 else "may have 8 characters"
        with pytest.raises(Problem, match=f"question 1: its text {why}"):
            check([asked], [answer])


@given(st.booleans(), st.booleans())
def test_a_required_question_is_required_only_of_whom_it_is_asked(leads_on: bool, answers_it: bool) -> None:
    first = Question(id=str(UUID(int=1)), position=1, type="single_choice", options=tuple(map(str, OPTIONS)))
    second = Question(id=str(UUID(int=2)), position=2, type="free_text", is_required=True, shown_if=(1, 1))
    answers = [Answer.model_construct(question_id=UUID(int=1), option_ids=[OPTIONS[0 if leads_on else 1]])]
    if answers_it:
        answers.append(Answer.model_construct(question_id=UUID(int=2), text="Because"))
    if leads_on == answers_it:
        assert len(check([second, first], answers)) == 1 + answers_it
    else:
        with pytest.raises(Problem, match="question 2"):
            check([first, second], answers)
