"""Pages of surveys and games: what is asked, answering, and results."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from trr_api.pages import charts
from trr_api.problems import Problem
from trr_api.webapp.forms import mistakes
from trr_api.webapp.visits import PREFIX, Fields, Visit, Visitor, site_router

router = site_router()

BALLOT_SECONDS: Final = 365 * 24 * 3600


@router.get("/surveys")
async def surveys(visit: Visitor) -> Response:
    """Surveys and games that are open, and those that were."""
    query = visit.request.query_params
    status = query.get("status", "published")
    kind = "games" if query.get("kind") == "games" else "surveys"
    found = await visit.api.get(f"/{kind}", status=status, limit=30, cursor=query.get("cursor"))
    return visit.page("surveys.html", surveys=found["data"], more=found["next_cursor"], asked=status, kind=kind)


@router.get("/surveys/{survey}")
async def survey(visit: Visitor, survey: str) -> Response:
    """A survey or a game."""
    return await _survey(visit, survey)


async def _survey(
    visit: Visit, identifier: str, *, problem: Problem | None = None, given: Mapping[str, str] | None = None
) -> Response:
    api = visit.api
    found = await api.get(f"/surveys/{identifier}")
    is_game = found["kind"] != "survey"
    has_scores = is_game and found["kind"] != "poll" and not found["is_open"]
    show, results, scores = await asyncio.gather(
        api.get(f"/shows/{found['show_id']}", fields="title,slug"),
        _unless_refused(api.get(f"/surveys/{identifier}/results")),
        _unless_refused(api.get(f"/games/{identifier}/leaderboard", limit=20)) if has_scores else _nothing(),
    )
    counted = {result["question_id"]: result for result in results["questions"]} if results else {}
    return visit.page(
        "survey.html",
        status=200 if problem is None else problem.kind.status,
        survey=found,
        show=show,
        topic=f"{'game' if is_game else 'survey'}:{found['id']}",
        results=results,
        counted=counted,
        scores=scores["data"] if scores else [],
        has_ballot=_ballot(identifier) in visit.request.cookies,
        given=_kept(found) if given is None else given,
        problem=problem,
        wrong=mistakes(problem),
        share=charts.share,
    )


async def _unless_refused(call: Any) -> Any:
    """What the API answers; None while it tells nothing yet."""
    try:
        return await call
    except Problem as problem:
        if problem.kind.name not in ("conflict", "not-found"):
            raise
        return None


async def _nothing() -> None:
    return None


def _ballot(survey: str) -> str:
    """The cookie with the anonymous token of a survey."""
    return f"ballot-{survey}"


def _kept(survey: Mapping[str, Any]) -> dict[str, str]:
    """What the reader answered before, as the form has it."""
    fields: dict[str, str] = {}
    types = {question["id"]: question["type"] for question in survey["questions"]}
    for answer in survey["mine"]["answers"] if survey["mine"] else ():
        name = f"q-{answer['question_id']}"
        options = answer.get("option_ids")
        if options is None:
            number = answer.get("number")
            fields[name] = str(answer.get("text") if number is None else number)
        elif types[answer["question_id"]] == "single_choice":
            fields[name] = options[0]
        else:
            fields |= {f"{name}-{option}": str(place) for place, option in enumerate(options, 1)}
    return fields


@router.post("/surveys/{survey}")
async def submit(visit: Visitor, survey: str, fields: Fields) -> Response:
    """Answer, or answer anew."""
    visit.address = f"{PREFIX}/surveys/{survey}"
    found = await visit.api.get(f"/surveys/{survey}")
    token = None
    try:
        answers = [_answer(question, fields) for question in found["questions"]]
        wanted: dict[str, Any] = {"answers": [answer for answer in answers if answer is not None]}
        if found["is_anonymous"]:
            token = visit.request.cookies.get(_ballot(survey))
            token = token or (await visit.api.send("POST", f"/surveys/{survey}/token"))["token"]
            wanted["token"] = token
        await visit.api.send("POST", f"/surveys/{survey}/submit", wanted)
    except Problem as problem:
        return await _survey(visit, survey, problem=visit.again(problem), given=fields)
    answer = visit.go(visit.address, done="answered")
    if token is not None:
        answer.set_cookie(
            _ballot(survey),
            token,
            max_age=BALLOT_SECONDS,
            path=visit.address,
            secure=visit.request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )
    return answer


def _answer(question: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any] | None:
    """What the form has for a question, as the API takes it; None where nothing was chosen or written."""
    name = f"q-{question['id']}"
    given = fields.get(name, "").strip()
    answer: dict[str, Any] = {"question_id": question["id"]}
    match question["type"]:
        case "single_choice":
            return {**answer, "option_ids": [given]} if given else None
        case "multiple_choice" | "ranking":
            places = {option["id"]: fields.get(f"{name}-{option['id']}", "") for option in question["options"]}
            # In the order of their places: those of one choice among several are all the same.
            chosen = sorted((place.zfill(3), option) for option, place in places.items() if place)
            if question["type"] == "ranking" and len({place for place, _ in chosen}) < len(chosen):
                raise Problem("invalid-body", f"Question {question['position']}: two options have the same place.")
            return {**answer, "option_ids": [option for _, option in chosen]} if chosen else None
        case "free_text":
            return {**answer, "text": given} if given else None
        case _:
            return {**answer, "number": _number(given, question["position"])} if given else None


def _number(text: str, position: int) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise Problem("invalid-body", f"Question {position}: {text[:30]!r} is no number.") from None
