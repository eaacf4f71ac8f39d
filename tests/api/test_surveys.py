"""Surveys: drafts, questions of every type, answers, edits, the close, counts, and results that single nobody out."""

from __future__ import annotations

import csv
import io
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from people import Town, user
from serving import Counted, served, settings
from stock import SHOW
from trr_api.app import create_app
from trr_api.routing import LARGEST_BODY

QUESTIONS: list[dict[str, Any]] = [
    {"type": "single_choice", "prompt": "Who should leave?", "is_required": True, "options": ["Mara", "Nils", "Olga"]},
    {"type": "multiple_choice", "prompt": "Whom do you like?", "options": ["Mara", "Nils", "Olga"], "maximum": 2},
    {"type": "ranking", "prompt": "Your order?", "options": ["Mara", "Nils", "Olga"]},
    {"type": "numeric", "prompt": "How many dinners?", "minimum": 0, "maximum": 10, "step": 0.5},
    {"type": "rating", "prompt": "How was it?"},
    {"type": "free_text", "prompt": "Anything else?", "maximum": 100},
    {
        "type": "single_choice",
        "prompt": "Why Mara?",
        "options": ["Lies", "Boats"],
        "shown_if": {"question": 1, "option": 1},
    },
]


@pytest.fixture(scope="module")
def mod(town: Town) -> httpx.Client:
    return town.client("mod", "moderator")


@pytest.fixture(scope="module")
def nobody(town: Town) -> httpx.Client:
    return town.client()


@pytest.fixture(scope="module")
def ada(town: Town) -> httpx.Client:
    return town.client("ada")


@pytest.fixture(scope="module")
def show(town: Town) -> str:
    return str(town.one("SELECT entity_id FROM external_ids WHERE value = %s", SHOW))


@pytest.fixture(scope="module")
def people(town: Town) -> list[httpx.Client]:
    return [town.client(f"guest_{number}") for number in range(12)]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results come out whenever they may, also twice in a second."""
    monkeypatch.setattr("trr_api.surveys.service.INTERVAL", 0.0)


def draft(mod: httpx.Client, show: str, **values: Any) -> str:
    body = {"show_id": show, "title": "After the reunion", "questions": QUESTIONS, **values}
    answer = mod.post("/surveys", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def published(mod: httpx.Client, show: str, **values: Any) -> dict[str, Any]:
    survey = draft(mod, show, **values)
    assert mod.post(f"/surveys/{survey}/publish").status_code == 204
    found: dict[str, Any] = mod.get(f"/surveys/{survey}").json()
    return found


def option(survey: dict[str, Any], question: int, number: int) -> str:
    return str(survey["questions"][question - 1]["options"][number - 1]["id"])


def answer(survey: dict[str, Any], question: int, *, options: tuple[int, ...] = (), **given: Any) -> dict[str, Any]:
    made = {"question_id": survey["questions"][question - 1]["id"], **given}
    return {**made, "option_ids": [option(survey, question, number) for number in options]} if options else made


def full(survey: dict[str, Any], choice: int = 2) -> list[dict[str, Any]]:
    return [
        answer(survey, 1, options=(choice,)),
        answer(survey, 2, options=(1, 3)),
        answer(survey, 3, options=(3, 1, 2)),
        answer(survey, 4, number=7.5),
        answer(survey, 5, number=4),
        answer(survey, 6, text="More boats."),
    ]


def submit(client: httpx.Client, survey: dict[str, Any], answers: list[Any], **more: Any) -> httpx.Response:
    return client.post(f"/surveys/{survey['id']}/submit", json={"answers": answers, **more})


def tallied(town: Town, survey: dict[str, Any], question: int) -> dict[str, int]:
    """Counts by the number of the option, or by key."""
    names = {found["id"]: str(found["position"]) for found in survey["questions"][question - 1]["options"]}
    rows = town.connection.execute(
        "SELECT key, sum(count)::int FROM tallies WHERE question_id = %s GROUP BY key HAVING sum(count) <> 0",
        [survey["questions"][question - 1]["id"]],
    ).fetchall()
    return {names.get(key, key): count for key, count in rows}


def responses(town: Town, survey: dict[str, Any]) -> int:
    return int(town.one("SELECT coalesce(sum(responses), 0) FROM response_counts WHERE survey_id = %s", survey["id"]))


def test_a_draft_is_invisible_and_takes_nothing(
    mod: httpx.Client, nobody: httpx.Client, ada: httpx.Client, show: str
) -> None:
    """Defects 6 and 44 of the reference system: drafts were read by anybody, and `?status=draft` listed them."""
    survey = draft(mod, show)
    seen = mod.get(f"/surveys/{survey}").json()
    assert (seen["status"], seen["is_open"]) == ("draft", False)
    for client in (nobody, ada):
        for path in (f"/surveys/{survey}", f"/surveys/{survey}/results", f"/games/{survey}"):
            assert client.get(path).status_code == 404
        assert client.get("/surveys", params={"status": "draft"}).json()["data"] == []
        assert submit(client, seen, full(seen)).status_code == 404
    assert survey in {found["id"] for found in mod.get("/surveys", params={"status": "draft"}).json()["data"]}
    assert submit(mod, seen, full(seen)).status_code == 404


def test_only_moderators_write_surveys(mod: httpx.Client, ada: httpx.Client, nobody: httpx.Client, show: str) -> None:
    body = {"show_id": show, "title": "Mine", "questions": QUESTIONS}
    survey = draft(mod, show)
    for client, status in ((ada, 403), (nobody, 401)):
        assert client.post("/surveys", json=body).status_code == status
        assert client.put(f"/surveys/{survey}", json=body).status_code == status
        assert client.post(f"/surveys/{survey}/publish").status_code == status
        assert client.post(f"/surveys/{survey}/close").status_code == status
        assert client.get(f"/surveys/{survey}/responses.csv").status_code == status
    assert mod.get(f"/surveys/{survey}/responses.csv").status_code == 403, "for admins"


def test_a_draft_is_written_anew_and_stays_as_it_is_once_published(mod: httpx.Client, show: str) -> None:
    survey = draft(mod, show)
    body = {"show_id": show, "title": "Better", "questions": QUESTIONS[:2]}
    assert mod.put(f"/surveys/{survey}", json=body).status_code == 200
    assert [found["prompt"] for found in mod.get(f"/surveys/{survey}").json()["questions"]] == [
        "Who should leave?", "Whom do you like?",
    ]  # fmt: skip
    assert mod.post(f"/surveys/{survey}/publish").status_code == 204
    assert mod.put(f"/surveys/{survey}", json=body).status_code == 404
    assert mod.post(f"/surveys/{survey}/publish").status_code == 404
    assert mod.get(f"/surveys/{survey}").json()["title"] == "Better"


def test_it_is_about_something_that_is_there(town: Town, mod: httpx.Client, show: str) -> None:
    episode, season = town.connection.execute(
        "SELECT id::text, season_id::text FROM episodes WHERE show_id = %s AND season_id IS NOT NULL LIMIT 1", [show]
    ).fetchall()[0]
    other = town.one("SELECT id::text FROM shows WHERE id <> %s LIMIT 1", show)
    assert published(mod, show, episode_id=episode)["season_id"] == season
    elsewhere = town.one("SELECT id::text FROM seasons WHERE show_id = %s AND id <> %s LIMIT 1", show, season)
    for about in (
        {"show_id": str(uuid4())},
        {"show_id": other, "episode_id": episode},
        {"season_id": str(uuid4())},
        {"season_id": elsewhere, "episode_id": episode},
    ):
        body = {"show_id": show, "title": "x", "questions": QUESTIONS, **about}
        assert mod.post("/surveys", json=body).status_code == 404


@pytest.mark.parametrize(
    "question",
    [
        {"type": "single_choice", "options": ["One"]},
        {"type": "single_choice", "options": ["One", "One"]},
        {"type": "single_choice", "options": ["One", "Two"], "maximum": 1},
        {"type": "single_choice", "options": [str(number) for number in range(10_000)]},
        {"type": "multiple_choice", "options": ["One", "Two"], "minimum": 3},
        {"type": "multiple_choice", "options": ["One", "Two"], "maximum": 1.5},
        {"type": "ranking"},
        {"type": "numeric"},
        {"type": "numeric", "minimum": 5, "maximum": 5},
        {"type": "numeric", "minimum": 0, "maximum": 5, "step": 0},
        {"type": "numeric", "minimum": 0, "maximum": 5, "options": ["One", "Two"]},
        {"type": "rating", "minimum": 0, "maximum": 100},
        {"type": "rating", "step": 0.5},
        {"type": "free_text", "maximum": 1_000_000},
        {"type": "single_choice", "options": ["One", "Two"], "shown_if": {"question": 1, "option": 1}},
        {"type": "essay"},
    ],
)
def test_what_cannot_be_asked_is_refused(mod: httpx.Client, show: str, question: dict[str, Any]) -> None:
    body = {"show_id": show, "title": "x", "questions": [{"prompt": "What?", **question}]}
    found = mod.post("/surveys", json=body)
    assert found.status_code == 422, found.text


@pytest.mark.usefixtures("at_once")
def test_every_type_is_answered_edited_closed_and_counted(
    town: Town, mod: httpx.Client, people: list[httpx.Client], show: str
) -> None:
    survey = published(mod, show)
    first = [submit(client, survey, full(survey)) for client in people]
    assert [found.status_code for found in first] == [200] * 12
    again = submit(people[0], survey, full(survey))
    assert again.json() == first[0].json(), "the same response, not another one"
    changed = [
        answer(survey, 1, options=(1,)),
        answer(survey, 4, number=0),
        answer(survey, 5, number=5),
        answer(survey, 7, options=(2,)),
    ]
    for client in people[:5]:
        assert submit(client, survey, changed).json()["response_id"]
    mine = people[0].get(f"/surveys/{survey['id']}").json()["mine"]
    assert mine["response_id"] == first[0].json()["response_id"]
    assert {found["question_id"]: found for found in mine["answers"]} == {
        found["question_id"]: found for found in changed
    }
    assert mod.post(f"/surveys/{survey['id']}/close").status_code == 204
    for client in people:
        assert submit(client, survey, full(survey)).status_code == 409
    assert responses(town, survey) == 12
    assert [tallied(town, survey, question) for question in range(1, 8)] == [
        {"": 12, "1": 5, "2": 7},
        {"": 7, "1": 7, "3": 7},
        {"": 7, "1": 7, "2": 7, "3": 7},
        {"": 12, "1": 5, "8": 7},
        {"": 12, "4": 7, "5": 5},
        {"": 7},
        {"": 5, "2": 5},
    ]
    results = mod.get(f"/surveys/{survey['id']}/results").json()
    assert results["response_count"] == 12
    one, two, three, four, five, six, seven = results["questions"]
    assert [found["count"] for found in one["options"]] == [5, 7, 0]
    assert [found["percentage"] for found in one["options"]] == [41.7, 58.3, 0.0]
    assert [found["count"] for found in two["options"]] == [7, 0, 7]
    assert [found["mean_position"] for found in three["options"]] == [2, 3, 1]
    assert four["mean"] == pytest.approx((5 * 0 + 7 * 7.5) / 12, abs=0.01)
    assert [bar["count"] for bar in four["histogram"]] == [5, 0, 0, 0, 0, 0, 0, 7, 0, 0]
    assert five["mean"] == pytest.approx((5 * 5 + 7 * 4) / 12, abs=0.01)
    assert (six["answered"], seven["answered"]) == (7, 5)
    assert "More boats" not in str(results), "defect 44: free text stood in the results"
    found = mod.get(f"/surveys/{survey['id']}").json()
    assert (found["status"], found["is_open"]) == ("closed", False)


def test_answers_that_do_not_fit_name_their_question_and_leave_nothing_behind(
    town: Town, mod: httpx.Client, ada: httpx.Client, show: str
) -> None:
    """Defect 44 of the reference system: an unknown question left a response behind that was counted."""
    survey, other = published(mod, show), published(mod, show)
    needed = answer(survey, 1, options=(2,))
    wrong: list[tuple[list[dict[str, Any]], str]] = [
        ([], "question 1: it must be answered"),
        ([answer(other, 1, options=(1,))], "no such question"),
        ([{"question_id": str(uuid4()), "number": 1}], "no such question"),
        ([needed, needed], "answered twice"),
        ([answer(survey, 1, options=(1, 2))], "question 1: choose 1"),
        ([answer(survey, 1, number=1)], "question 1: it is answered by option_ids alone"),
        ([answer(survey, 1, options=(1,), text="x")], "question 1: it is answered by option_ids alone"),
        ([answer(survey, 1, option_ids=[option(survey, 2, 1)])], "question 1: it has no such option"),
        ([needed, answer(survey, 2, options=(1, 2, 3))], "question 2: choose 1 to 2"),
        ([needed, answer(survey, 2, options=(1, 1))], "question 2: an option is there twice"),
        ([needed, answer(survey, 3, options=(1, 2))], "question 3: choose 3"),
        ([needed, answer(survey, 4, number=11)], "question 4: its number must be 0 to 10"),
        ([needed, answer(survey, 4, number=0.3)], "question 4: its number must go in steps of 0.5"),
        ([needed, answer(survey, 5, number=2.5)], "question 5: its number must go in steps of 1"),
        ([needed, answer(survey, 6, text="x" * 101)], "question 6: its text may have 100 characters"),
        ([needed, answer(survey, 6, text=" \u200b")], "question 6: it is blank"),
        ([needed, answer(survey, 6, text="\x00")], "question 6: it has a control character"),
        ([needed, answer(survey, 7, options=(1,))], "question 7: it is not asked after the answers before it"),
    ]
    for answers, why in wrong:
        found = submit(ada, survey, answers)
        assert found.status_code == 422, (answers, found.text)
        assert why in found.json()["detail"]
        assert all(error["parameter"].startswith("answers.") for error in found.json()["errors"])
    for value in (True, "4", [], {}, 1e300):
        assert submit(ada, survey, [needed, answer(survey, 4, number=value)]).status_code == 422
    huge = submit(ada, survey, [needed, answer(survey, 6, text="x" * 1_000_000)])
    assert (huge.status_code, huge.json()["title"]) == (413, "The body of the request is too large")
    many = [answer(survey, 2, option_ids=[option(survey, 2, 1)] * 2_000)]
    assert len(str(many)) < LARGEST_BODY
    assert submit(ada, survey, many).status_code == 422
    assert responses(town, survey) == 0
    assert town.one("SELECT count(*) FROM responses WHERE survey_id = %s", survey["id"]) == 0


def test_it_opens_and_ends_by_the_clock(town: Town, mod: httpx.Client, ada: httpx.Client, show: str) -> None:
    """Defect 44 of the reference system: starts_at and ends_at were not looked at."""
    now = datetime.now(UTC)
    later = published(mod, show, starts_at=(now + timedelta(hours=1)).isoformat())
    assert later["is_open"] is False
    assert submit(ada, later, full(later)).json()["detail"].startswith("The survey is not open yet")
    survey = published(mod, show, ends_at=(now + timedelta(hours=1)).isoformat())
    assert submit(ada, survey, full(survey)).status_code == 200
    town.connection.execute("UPDATE surveys SET ends_at = now() - interval '1 s' WHERE id = %s", [survey["id"]])
    assert submit(ada, survey, full(survey)).status_code == 409
    assert mod.get(f"/surveys/{survey['id']}").json()["status"] == "closed"
    past = draft(mod, show, ends_at=(now - timedelta(hours=1)).isoformat())
    assert mod.post(f"/surveys/{past}/publish").status_code == 404
    ends_first = {"starts_at": now.isoformat(), "ends_at": (now - timedelta(hours=1)).isoformat()}
    body = {"show_id": show, "title": "x", "questions": QUESTIONS, **ends_first}
    assert mod.post("/surveys", json=body).status_code == 422


def test_who_is_nobody_or_banned_does_not_answer(
    town: Town, mod: httpx.Client, nobody: httpx.Client, show: str
) -> None:
    survey = published(mod, show)
    assert submit(nobody, survey, full(survey)).status_code == 401
    banned = town.client("banned")
    town.connection.execute("INSERT INTO bans (user_id, reason) SELECT id, 'Spam' FROM users WHERE name = 'banned'")
    assert submit(banned, survey, full(survey)).status_code == 403
    assert responses(town, survey) == 0


def test_whose_log_in_has_ended_does_not_even_what_nobody_may(
    town: Town, mod: httpx.Client, nobody: httpx.Client, show: str
) -> None:
    survey = published(mod, show, is_anonymous=True)
    first, second = (nobody.post(f"/surveys/{survey['id']}/token").json()["token"] for _ in range(2))
    assert submit(nobody, survey, full(survey), token=first).is_success  # the worker knows its questions from here on
    gone = town.client("gone")
    gone.post("/accounts/logout", json={})
    assert submit(gone, survey, full(survey), token=second).status_code == 401
    assert responses(town, survey) == 1
    assert submit(nobody, survey, full(survey), token=second).is_success
    assert responses(town, survey) == 2


def test_an_anonymous_survey_takes_one_response_a_token(
    town: Town, mod: httpx.Client, nobody: httpx.Client, ada: httpx.Client, show: str, people_url: str
) -> None:
    """Defect 6 of the reference system: anonymous submissions failed, and votes counted twice."""
    survey, other = published(mod, show, is_anonymous=True), published(mod, show, is_anonymous=True)
    token = nobody.post(f"/surveys/{survey['id']}/token").json()["token"]
    first = submit(nobody, survey, full(survey), token=token)
    assert first.status_code == 200, first.text
    assert submit(ada, survey, full(survey, choice=3), token=token).json() == first.json()
    assert responses(town, survey) == 1
    assert tallied(town, survey, 1) == {"": 1, "3": 1}
    assert town.one("SELECT user_id IS NULL FROM responses WHERE survey_id = %s", survey["id"])
    assert token not in town.one("SELECT json_agg(responses)::text FROM responses WHERE survey_id = %s", survey["id"])
    assert submit(ada, survey, full(survey)).status_code == 409, "a name does not help"
    for bad in ("", "x.y.z", token[:-3] + "abc", ada.headers["authorization"].split()[1]):
        assert submit(nobody, survey, full(survey), token=bad).status_code == 401
    assert submit(nobody, other, full(other), token=token).status_code == 401
    named = published(mod, show)
    assert nobody.post(f"/surveys/{named['id']}/token").status_code == 409
    assert nobody.post(f"/surveys/{uuid4()}/token").status_code == 404
    again = [nobody.post(f"/surveys/{survey['id']}/token").status_code for _ in range(3)]
    assert again == [200, 200, 429]


@pytest.mark.usefixtures("at_once")
def test_a_thousand_submissions_of_five_hundred_people_leave_five_hundred(
    town: Town, mod: httpx.Client, show: str
) -> None:
    """Defects 6 and 44 of the reference system: double votes, and counts lost by reading, adding and writing."""
    survey = published(mod, show, questions=QUESTIONS[:6])
    tokens = [town.token(user(town.connection, f"voter_{number}")) for number in range(500)]
    votes = [(token, turn) for token in tokens for turn in (1, 2)]
    random.Random(1).shuffle(votes)

    def vote(part: list[tuple[str, int]]) -> list[int]:
        chosen = random.Random(len(part))
        with httpx.Client(base_url=f"{town.address}/api/v1") as client:
            return [
                client.post(
                    f"/surveys/{survey['id']}/submit",
                    json={"answers": full(survey, choice=chosen.randint(1, 3))},
                    headers={"authorization": f"Bearer {token}"},
                ).status_code
                for token, _ in part
            ]

    with ThreadPoolExecutor(16) as pool:
        statuses = [status for part in pool.map(vote, [votes[at::16] for at in range(16)]) for status in part]
    assert statuses == [200] * 1000
    assert town.one("SELECT count(*) FROM responses WHERE survey_id = %s", survey["id"]) == 500
    assert responses(town, survey) == 500
    kept = dict(
        town.connection.execute(
            "SELECT answers -> %s -> 'option_ids' ->> 0, count(*) FROM responses WHERE survey_id = %s GROUP BY 1",
            [survey["questions"][0]["id"], survey["id"]],
        ).fetchall()
    )
    counted = tallied(town, survey, 1)
    assert counted.pop("") == 500
    assert {option(survey, 1, int(number)): count for number, count in counted.items()} == kept
    results = mod.get(f"/surveys/{survey['id']}/results").json()
    assert 495 < results["response_count"] <= 500


def test_two_submissions_of_one_person_at_the_same_instant_are_one(
    town: Town, mod: httpx.Client, ada: httpx.Client, show: str
) -> None:
    survey = published(mod, show)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda choice: submit(ada, survey, full(survey, choice)), [1, 2, 3, 2] * 4))
    assert len({answered.json()["response_id"] for answered in found if answered.status_code == 200}) == 1
    assert responses(town, survey) == 1
    assert tallied(town, survey, 1)[""] == 1


@pytest.mark.usefixtures("at_once")
def test_results_never_single_somebody_out(
    town: Town, mod: httpx.Client, nobody: httpx.Client, people: list[httpx.Client], show: str
) -> None:
    survey = published(mod, show, questions=QUESTIONS[:1])

    def results() -> dict[str, Any]:
        found: dict[str, Any] = nobody.get(f"/surveys/{survey['id']}/results").json()
        return found

    for client in people[:4]:
        submit(client, survey, [answer(survey, 1, options=(1,))])
        assert results() == {"survey_id": survey["id"], "response_count": None, "published_at": None, "questions": []}
    submit(people[4], survey, [answer(survey, 1, options=(1,))])
    first = results()
    assert first["response_count"] == 5
    assert [found["count"] for found in first["questions"][0]["options"]] == [5, 0, 0]
    # One more would be seen in the difference.
    for client in people[5:9]:
        submit(client, survey, [answer(survey, 1, options=(2,))])
        submit(client, survey, [answer(survey, 1, options=(3,))])
        submit(client, survey, [answer(survey, 1, options=(2,))])
        assert results() == first, "however often they change their mind"
    for client in people[:5]:
        submit(client, survey, [answer(survey, 1, options=(1,))])
    assert results() == first, "nor by those who say the same again"
    assert mod.post(f"/surveys/{survey['id']}/close").status_code == 204
    assert results() == first, "not even at the close"
    town.connection.execute("UPDATE surveys SET closed_at = NULL WHERE id = %s", [survey["id"]])
    submit(people[9], survey, [answer(survey, 1, options=(2,))])
    second = results()
    assert second["response_count"] == 10
    assert [found["count"] for found in second["questions"][0]["options"]] == [5, 5, 0]
    for number, choice in ((0, 3), (1, 2), (2, 2), (5, 1), (6, 1)):
        submit(people[number], survey, [answer(survey, 1, options=(choice,))])
    third = results()["questions"][0]
    assert [found["count"] for found in third["options"]] == [None, 5, None], "4 and 1, and nothing to subtract from"


def test_changes_are_told_once_a_second_without_names(
    town: Town, mod: httpx.Client, people: list[httpx.Client], show: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = published(mod, show, questions=QUESTIONS[:1])
    topic = f"survey:{survey['id']}"
    started = time.monotonic()
    for _ in range(3):
        for client in people:
            assert submit(client, survey, [answer(survey, 1, options=(2,))]).status_code == 200
    time.sleep(2.2)  # whatever came last has been told by then
    told = town.connection.execute(
        "SELECT event, payload FROM outbox WHERE topic = %s ORDER BY seq", [topic]
    ).fetchall()
    assert 1 <= len(told) <= 1 + int(time.monotonic() - started)
    event, payload = told[-1]
    assert event == "survey_results_changed"
    assert payload == mod.get(f"/surveys/{survey['id']}/results").json()
    assert "user" not in str(payload)
    monkeypatch.setattr("trr_api.surveys.service.INTERVAL", 60.0)
    for client in people:
        submit(client, survey, [answer(survey, 1, options=(1,))])
    before = Counted.trips
    for _ in range(10):
        assert mod.get(f"/surveys/{survey['id']}/results").json() == payload, "readers do not hurry it either"
    assert Counted.trips - before <= 14, "nor do they wait for each other"
    monkeypatch.setattr("trr_api.surveys.service.INTERVAL", 0.0)
    results = mod.get(f"/surveys/{survey['id']}/results").json()
    assert [found["count"] for found in results["questions"][0]["options"]] == [12, 0, 0]


def test_admins_get_all_responses_as_csv(town: Town, mod: httpx.Client, people: list[httpx.Client], show: str) -> None:
    *others, last = QUESTIONS
    survey = published(mod, show, questions=[*others, {**last, "prompt": "-1 boats?"}])
    for number, client in enumerate(people[:3]):
        text = "=HYPERLINK(1)" if number == 0 else "Well, yes"
        submit(client, survey, [*full(survey)[:5], answer(survey, 6, text=text)])
    found = town.client("boss", "admin").get(f"/surveys/{survey['id']}/responses.csv")
    assert found.headers["content-type"].startswith("text/csv")
    heading, *rows = csv.reader(io.StringIO(found.text))
    prompts = [question["prompt"] for question in others]
    assert heading == ["id", "created_at", "updated_at", *prompts, "'-1 boats?"]
    assert [row[3:] for row in rows] == [
        ["Nils", "Mara; Olga", "Olga; Mara; Nils", "7.5", "4", text, ""]
        for text in ("'=HYPERLINK(1)", "Well, yes", "Well, yes")
    ]
    assert "guest_0" not in found.text


def test_surveys_are_listed_by_what_they_are_about(mod: httpx.Client, nobody: httpx.Client, show: str) -> None:
    survey = published(mod, show)
    found = nobody.get("/surveys", params={"show_id": show, "limit": 1}).json()
    assert [item["id"] for item in found["data"]] == [survey["id"]]
    following = nobody.get("/surveys", params={"show_id": show, "limit": 1, "cursor": found["next_cursor"]}).json()
    assert following["data"][0]["id"] != survey["id"]
    assert nobody.get("/surveys", params={"show_id": str(uuid4())}).json()["data"] == []
    assert nobody.get("/surveys", params={"status": "secret"}).status_code == 422


def test_submitting_and_results_cost_one_round_trip(mod: httpx.Client, ada: httpx.Client, show: str) -> None:
    survey = published(mod, show)
    submit(ada, survey, full(survey))
    before = Counted.trips
    for _ in range(10):
        submit(ada, survey, full(survey))
    assert 10 <= Counted.trips - before <= 16  # a note of results may fall into it
    ada.get(f"/surveys/{survey['id']}/results")
    before = Counted.trips
    for _ in range(10):
        ada.get(f"/surveys/{survey['id']}/results")
    assert Counted.trips - before <= 14


def test_limits_of_tokens_are_a_setting(people_url: str, mod: httpx.Client, show: str) -> None:
    survey = published(mod, show, is_anonymous=True)
    with served(create_app(settings(people_url, anonymous_limit="1/hour"))) as address:
        url = f"{address}/api/v1/surveys/{survey['id']}/token"
        assert [httpx.post(url).status_code for _ in range(2)] == [200, 429]


def test_published_questions_cannot_be_changed_by_the_role(town: Town, mod: httpx.Client, show: str) -> None:
    published(mod, show)
    with town.connection.transaction(force_rollback=True):
        town.connection.execute("SET LOCAL ROLE trr_api")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            town.connection.execute("UPDATE questions SET prompt = 'x'")
