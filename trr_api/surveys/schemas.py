"""The shapes of surveys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StrictBool, StringConstraints, model_validator

from trr_api.catalog.places import Id
from trr_api.catalog.schemas import Shape
from trr_api.paging import PageParameters
from trr_api.parameters import Moment
from trr_api.tables import LONGEST_ANSWER, MOST_OPTIONS, MOST_QUESTIONS
from trr_api.texts import Line, Text

Kind = Literal["survey", "quiz", "poll", "prediction", "ranking"]
Game = Literal["quiz", "poll", "prediction", "ranking"]
Status = Literal["draft", "published", "closed"]
QuestionType = Literal["single_choice", "multiple_choice", "ranking", "numeric", "free_text", "rating"]


def _plain(number: float) -> float:
    """4 rather than 4.0: that is how it is kept and shown."""
    return int(number) if number.is_integer() else number


Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1e12, le=1e12), AfterValidator(_plain)]
Position = Annotated[int, Field(ge=1, le=MOST_OPTIONS)]

CHOICES = frozenset({"single_choice", "multiple_choice", "ranking"})
WIDEST_RATING = 20


class SurveysParameters(PageParameters):
    """Which surveys."""

    show_id: Id | None = None
    season_id: Id | None = None
    episode_id: Id | None = None
    status: Status = "published"
    """`draft` is for moderators."""


class GamesParameters(SurveysParameters):
    """Which games."""

    kind: Game | None = None


class ShownIf(Shape):
    """An answer to an earlier question."""

    question: Annotated[int, Field(ge=1, le=MOST_QUESTIONS)]
    """Its position; 1 is the first."""
    option: Position
    """The position of the option that was chosen."""


class Asked(Shape):
    """What is asked, and what fits as an answer."""

    type: QuestionType
    prompt: Annotated[Text, Field(max_length=1000)] = Field(examples=["Who should leave?"])
    is_required: StrictBool = False
    minimum: Number | None = None
    """Of a number or a rating; of how many options are chosen or ranked; of a free text's characters."""
    maximum: Number | None = None
    """The same."""
    step: Number | None = None
    """Between numbers, from the minimum on."""
    shuffle_options: StrictBool = False
    """Show the options in another order to everybody."""
    shown_if: ShownIf | None = None
    """Only asked after this answer."""


class NewQuestion(Asked):
    """A question to ask. Left out: one choice at least, ratings from 1 to 5, texts of up to 2,000 characters."""

    options: Annotated[list[Annotated[Line, StringConstraints(max_length=200)]], Field(max_length=MOST_OPTIONS)] = []

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        """ValueError for what cannot be asked; what was left out is filled in."""
        if self.step is not None and (self.type != "numeric" or self.step <= 0):
            raise ValueError("step is for numbers, and more than 0")
        if self.type not in CHOICES and self.options:
            raise ValueError(f"a question of the type {self.type} has no options")
        if self.type in CHOICES:
            self._check_options()
        elif self.type == "free_text":
            self._check_counts(0, LONGEST_ANSWER)
        else:
            self._check_scale()
        return self

    def _check_options(self) -> None:
        if len(self.options) < 2 or len(set(self.options)) < len(self.options):
            raise ValueError("it needs two or more options, all different")
        if self.type == "single_choice" and (self.minimum, self.maximum) != (None, None):
            raise ValueError("of a single choice exactly one option is chosen: leave minimum and maximum out")
        if self.type == "ranking" and self.minimum is None:
            self.minimum = self.maximum or len(self.options)
        if self.type != "single_choice":
            self._check_counts(1, len(self.options))

    def _check_counts(self, least: int, most: int) -> None:
        """Bounds of how many options, or how many characters."""
        self.minimum = least if self.minimum is None else self.minimum
        self.maximum = most if self.maximum is None else self.maximum
        if not least <= self.minimum <= self.maximum <= most or self.minimum % 1 or self.maximum % 1:
            raise ValueError(f"minimum and maximum must be whole and between {least} and {most}")

    def _check_scale(self) -> None:
        if self.type == "rating":
            self.minimum = 1 if self.minimum is None else self.minimum
            self.maximum = 5 if self.maximum is None else self.maximum
            self.step = 1
            if self.minimum % 1 or self.maximum % 1 or self.maximum - self.minimum >= WIDEST_RATING:
                raise ValueError(f"a rating has up to {WIDEST_RATING} whole marks")
        if self.minimum is None or self.maximum is None or self.minimum >= self.maximum:
            raise ValueError("it needs a minimum and a maximum above it")


class NewSurvey(Shape):
    """A survey to ask, as a whole."""

    show_id: Id
    season_id: Id | None = None
    episode_id: Id | None = None
    title: Annotated[Line, Field(max_length=200)] = Field(examples=["After the reunion"])
    description: Annotated[Text, Field(max_length=5000)] | None = None
    is_anonymous: StrictBool = False
    """Answered with a token that names nobody."""
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    questions: Annotated[list[NewQuestion], Field(min_length=1, max_length=MOST_QUESTIONS)]

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        """ValueError where an end comes before its beginning, or a condition is no earlier choice."""
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        for position, question in enumerate(self.questions, 1):
            if (condition := question.shown_if) is not None:
                earlier = self.questions[condition.question - 1] if condition.question < position else None
                if earlier is None or condition.option > len(earlier.options) or earlier.type == "ranking":
                    raise ValueError(f"question {position}: shown_if must be an option of a choice before it")
        return self

    def document(self, kind: Kind) -> dict[str, Any]:
        """The argument of `write_survey`."""
        made: dict[str, Any] = {
            name: str(value) if isinstance(value, (UUID, datetime)) else value
            for name, value in {**self.model_dump(), "kind": kind}.items()
        }
        for question in made["questions"]:
            shown_if = question.pop("shown_if") or {"question": None, "option": None}
            question |= {f"shown_if_{part}": position for part, position in shown_if.items()}
        return made


class NewGame(NewSurvey):
    """A game to play, as a whole; answer keys are set one by one."""

    kind: Game

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if self.is_anonymous and self.kind != "poll":
            raise ValueError("only a poll is anonymous: other games have scores")
        return self


class Written(Shape):
    """What was made."""

    id: UUID


class Answer(Shape):
    """An answer to a question: `option_ids` for choices and rankings (best first), `number`, or `text`."""

    question_id: Id
    option_ids: Annotated[list[Id], Field(max_length=MOST_OPTIONS)] | None = None
    number: Number | None = None
    text: str | None = None


class Submission(Shape):
    """A response. A later one takes the place of the one before, until the survey closes."""

    answers: Annotated[list[Answer], Field(max_length=MOST_QUESTIONS)]
    token: Annotated[str, Field(max_length=2000)] | None = None
    """Where the survey is anonymous."""


class Submitted(Shape):
    """What was kept."""

    response_id: UUID


class Ballot(Shape):
    """What one answers an anonymous survey with; keep it to change the answers."""

    token: str


class Option(Shape):
    """What can be chosen."""

    id: UUID
    position: int
    label: str = Field(examples=["Mara"])


class AnswerKey(Shape):
    """What was right."""

    option_ids: list[UUID] | None = None
    number: float | None = None
    tolerance: float | None = None
    texts: list[str] | None = None


class Question(Asked):
    """A question."""

    id: UUID
    position: int
    options: list[Option]
    key: AnswerKey | None
    """Once a game is over."""
    points: int | None


class Response(Shape):
    """What the caller answered."""

    response_id: UUID
    created_at: datetime
    updated_at: datetime
    answers: list[Answer]


class Survey(Shape):
    """A survey or a game."""

    id: UUID
    kind: Kind
    show_id: UUID
    season_id: UUID | None
    episode_id: UUID | None
    title: str = Field(examples=["After the reunion"])
    description: str | None
    status: Status
    is_open: bool
    """Whether it takes answers now."""
    is_anonymous: bool
    starts_at: datetime | None
    ends_at: datetime | None
    created_at: datetime
    published_at: datetime | None
    closed_at: datetime | None


class SurveyWithQuestions(Survey):
    """The same with what it asks, and what the caller answered."""

    questions: list[Question]
    mine: Response | None


class OptionResult(Shape):
    """How often something was chosen, or where it stands; null where that would single somebody out."""

    option_id: UUID
    count: int | None
    percentage: float | None = Field(examples=[41.7])
    """Of those who answered."""
    mean_position: float | None
    """In rankings."""


class Bar(Shape):
    """A part of a scale."""

    from_: float = Field(alias="from")
    to: float
    count: int


class QuestionResult(Shape):
    """What was answered."""

    question_id: UUID
    type: QuestionType
    answered: int | None
    options: list[OptionResult]
    mean: float | None
    histogram: list[Bar] | None


class SurveyResults(Shape):
    """What everybody may know: from five responses on, changed by five at a time, without groups under five."""

    survey_id: UUID
    response_count: int | None
    published_at: datetime | None
    questions: list[QuestionResult]
