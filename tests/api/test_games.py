"""Games: answer keys that nobody reads before the end, scores, leaderboards with honest ties."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from people import Town, acting
from stock import SHOW
from trr_api.accounts.privacy import queries as privacy
from trr_api.surveys import queries as surveys
from trr_crawl.catalog import joining, write

CHOICE = {"type": "single_choice", "prompt": "Who wins?", "options": ["Mara", "Nils", "Olga"]}
ORDER = {"type": "ranking", "prompt": "Your order?", "options": ["Mara", "Nils", "Olga"]}
NUMBER = {"type": "numeric", "prompt": "How many votes?", "minimum": 0, "maximum": 100}
SET = {"type": "multiple_choice", "prompt": "Who stays?", "options": ["Mara", "Nils", "Olga"]}
TEXT = {"type": "free_text", "prompt": "Name the boat."}
STARS = {"type": "rating", "prompt": "How many stars?"}


@pytest.fixture(scope="module")
def mod(town: Town) -> httpx.Client:
    return town.client("mod", "moderator")


@pytest.fixture(scope="module")
def show(town: Town) -> str:
    return str(town.one("SELECT entity_id FROM external_ids WHERE value = %s", SHOW))


@pytest.fixture(scope="module")
def players(town: Town) -> list[httpx.Client]:
    return [town.client(f"player_{number}") for number in range(6)]


def begun(mod: httpx.Client, show: str, questions: list[dict[str, Any]], kind: str = "quiz", **more: Any) -> Any:
    body = {"show_id": show, "kind": kind, "title": "Quiz night", "questions": questions, **more}
    answer = mod.post("/games", json=body)
    assert answer.status_code == 201, answer.text
    game = answer.json()["id"]
    assert mod.post(f"/games/{game}/publish").status_code == 204
    return mod.get(f"/games/{game}").json()


def options(game: Any, question: int, *numbers: int) -> list[str]:
    return [game["questions"][question - 1]["options"][number - 1]["id"] for number in numbers]


def set_key(mod: httpx.Client, game: Any, question: int, **key: Any) -> httpx.Response:
    return mod.put(f"/games/{game['id']}/questions/{game['questions'][question - 1]['id']}/key", json=key)


def play(client: httpx.Client, game: Any, *answers: dict[str, Any]) -> None:
    given = [{"question_id": asked["id"], **answer} for asked, answer in zip(game["questions"], answers, strict=False)]
    found = client.post(f"/games/{game['id']}/submit", json={"answers": given})
    assert found.status_code == 200, found.text


def board(client: httpx.Client, path: str) -> list[tuple[int, int, str]]:
    found = client.get(f"{path}/leaderboard").json()
    return [(line["rank"], line["points"], line["user"]["name"]) for line in found["data"]]


def test_answer_keys_are_nobodys_to_read_before_the_end(
    town: Town, mod: httpx.Client, players: list[httpx.Client], show: str
) -> None:
    game = begun(mod, show, [CHOICE])
    assert set_key(mod, game, 1, option_ids=options(game, 1, 2), points=3).status_code == 204
    for client in (*players[:2], mod, town.client("boss", "admin"), town.client()):
        [question] = client.get(f"/games/{game['id']}").json()["questions"]
        assert (question["key"], question["points"]) == (None, None)
    moderator = town.one("SELECT id FROM users WHERE name = 'mod'")
    for person in (None, moderator):
        with acting(town.connection, person) as connection:
            assert connection.execute("SELECT count(*) FROM answer_keys").fetchall() == [(0,)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute("SELECT score_game(%s)", [game["id"]])
    mod.post(f"/games/{game['id']}/close")
    [question] = players[0].get(f"/games/{game['id']}").json()["questions"]
    assert (question["key"]["option_ids"], question["points"]) == (options(game, 1, 2), 3)


def test_every_type_is_scored(town: Town, mod: httpx.Client, players: list[httpx.Client], show: str) -> None:
    game = begun(mod, show, [CHOICE, SET, ORDER, NUMBER, TEXT, STARS])
    for question, key in enumerate(
        (
            {"option_ids": options(game, 1, 1), "points": 1},
            {"option_ids": options(game, 2, 1, 3), "points": 2},
            {"option_ids": options(game, 3, 1, 2, 3), "points": 8},
            {"number": 50, "tolerance": 5, "points": 16},
            {"texts": ["Sea Dog", "Seadog"], "points": 32},
            {"number": 4, "points": 64},
        ),
        1,
    ):
        assert set_key(mod, game, question, **key).status_code == 204
    right = (
        {"option_ids": options(game, 1, 1)},
        {"option_ids": options(game, 2, 3, 1)},
        {"option_ids": options(game, 3, 1, 2, 3)},
        {"number": 45},
        {"text": " sea dog "},
        {"number": 4},
    )
    wrong = (
        {"option_ids": options(game, 1, 2)},
        {"option_ids": options(game, 2, 1)},
        {"option_ids": options(game, 3, 3, 2, 1)},
        {"number": 44},
        {"text": "Dog"},
        {"number": 5},
    )
    nearly = (*wrong[:2], {"option_ids": options(game, 3, 2, 1, 3)})
    play(players[0], game, *right)
    play(players[1], game, *wrong)
    play(players[2], game, *nearly)
    assert board(players[0], f"/games/{game['id']}") == [], "not before the end"
    mod.post(f"/games/{game['id']}/close")
    assert board(players[0], f"/games/{game['id']}") == [
        (1, 123, "player_0"), (2, 4, "player_2"), (3, 0, "player_1"),
    ]  # fmt: skip


def test_what_is_not_among_the_best_earns_nothing_for_its_place(
    mod: httpx.Client, players: list[httpx.Client], show: str
) -> None:
    best = {**ORDER, "minimum": 1, "maximum": 2}
    game = begun(mod, show, [best, best], kind="ranking")
    set_key(mod, game, 1, option_ids=options(game, 1, 1), points=10)
    set_key(mod, game, 2, option_ids=options(game, 2, 1, 2), points=100)
    for player, first, second in ((0, (1,), (1, 2)), (1, (2,), (1, 3)), (2, (2, 1), (3,))):
        given = [{"option_ids": options(game, 1, *first)}, {"option_ids": options(game, 2, *second)}]
        play(players[player], game, *given)
    mod.post(f"/games/{game['id']}/close")
    assert board(mod, f"/games/{game['id']}") == [(1, 110, "player_0"), (2, 50, "player_1"), (3, 0, "player_2")]


def test_ties_share_a_rank_and_the_next_one_counts_them(
    mod: httpx.Client, players: list[httpx.Client], show: str
) -> None:
    game = begun(mod, show, [CHOICE, NUMBER])
    set_key(mod, game, 1, option_ids=options(game, 1, 1), points=5)
    set_key(mod, game, 2, number=1, points=1)
    for number, client in enumerate(players):
        first = {"option_ids": options(game, 1, 1 if number < 3 else 2)}
        play(client, game, first, {"number": 1 if number in {0, 4} else 2})
    mod.post(f"/games/{game['id']}/close")
    path = f"/games/{game['id']}"
    found = board(players[0], path)
    assert [(rank, points) for rank, points, _ in found] == [(1, 6), (2, 5), (2, 5), (4, 1), (5, 0), (5, 0)]
    pages = []
    cursor: dict[str, str] = {}
    while True:
        page = players[0].get(f"{path}/leaderboard", params={"limit": 2, **cursor}).json()
        pages += [(line["rank"], line["points"], line["user"]["name"]) for line in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert pages == found
    assert players[4].get(f"{path}/leaderboard/me").json() == {"rank": 4, "points": 1, "people": 6}
    assert mod.get(f"{path}/leaderboard/me").status_code == 404


def test_seasons_and_shows_add_up_and_a_corrected_key_scores_anew(
    town: Town, mod: httpx.Client, players: list[httpx.Client]
) -> None:
    other = town.one("INSERT INTO shows (title) VALUES ('Another show') RETURNING id::text")
    season = town.one("INSERT INTO seasons (show_id, season_number) VALUES (%s, 1) RETURNING id::text", other)
    games = [begun(mod, other, [CHOICE], kind="prediction", season_id=season) for _ in range(2)]
    for game in games:
        play(players[0], game, {"option_ids": options(game, 1, 1)})
        play(players[1], game, {"option_ids": options(game, 1, 2)})
        mod.post(f"/games/{game['id']}/close")
    assert board(mod, f"/shows/{other}") == [], "nothing is known to be right"
    for game in games:
        assert set_key(mod, game, 1, option_ids=options(game, 1, 1), points=10).status_code == 204
    expected = [(1, 20, "player_0"), (2, 0, "player_1")]
    for path in (f"/shows/{other}", f"/seasons/{season}"):
        assert board(mod, path) == expected
        assert board(mod, path) == expected, "scored once, however often it is asked for"
    assert set_key(mod, games[0], 1, option_ids=options(games[0], 1, 2), points=10).status_code == 204
    assert board(mod, f"/shows/{other}") == board(mod, f"/seasons/{season}")
    assert {(rank, points) for rank, points, _ in board(mod, f"/shows/{other}")} == {(1, 10)}
    assert players[1].get(f"/seasons/{season}/leaderboard/me").json() == {"rank": 1, "points": 10, "people": 2}
    write.prepare(town.connection)
    with town.connection.transaction(force_rollback=True):
        [(survivor,)] = town.connection.execute("SELECT id FROM shows WHERE id <> %s LIMIT 1", [other]).fetchall()
        before = town.one("SELECT coalesce(sum(points), 0) FROM scores WHERE board_id = %s", survivor)
        joining.join(town.connection, "show", survivor, UUID(other), reason="a test", author="test")
        assert town.one("SELECT sum(points) FROM scores WHERE board_id = %s", survivor) == before + 20
        assert town.one("SELECT count(*) FROM scores WHERE board_id = %s", other) == 0
        differing = """
            SELECT count(*) FROM (SELECT board_id, points, count(*) AS people FROM scores GROUP BY 1, 2) counted
            FULL JOIN score_counts USING (board_id, points, people) WHERE score_counts.board_id IS NULL
            OR counted.board_id IS NULL
        """
        assert town.one(differing) == 0


def test_a_game_that_ends_by_the_clock_is_scored_when_somebody_looks(
    town: Town, mod: httpx.Client, players: list[httpx.Client], show: str
) -> None:
    game = begun(mod, show, [CHOICE])
    set_key(mod, game, 1, option_ids=options(game, 1, 1))
    play(players[0], game, {"option_ids": options(game, 1, 1)})
    town.connection.execute(
        "UPDATE surveys SET published_at = now() - interval '1 h', ends_at = now() - interval '1 s' WHERE id = %s",
        [game["id"]],
    )
    mine = players[0].get(f"/games/{game['id']}/leaderboard/me")
    assert mine.json() == {"rank": 1, "points": 1, "people": 1}, mine.text
    assert board(mod, f"/games/{game['id']}") == [(1, 1, "player_0")]
    events = town.connection.execute("SELECT event FROM outbox WHERE topic = %s", [f"game:{game['id']}"]).fetchall()
    assert ("game_scored",) in events


def test_nobody_waits_for_a_game_that_is_being_scored(
    town: Town, mod: httpx.Client, players: list[httpx.Client], show: str, people_url: str
) -> None:
    game = begun(mod, show, [CHOICE])
    set_key(mod, game, 1, option_ids=options(game, 1, 1))
    play(players[0], game, {"option_ids": options(game, 1, 1)})
    town.connection.execute("UPDATE surveys SET closed_at = now() WHERE id = %s", [game["id"]])
    with psycopg.connect(people_url, cursor_factory=psycopg.RawCursor) as scoring:
        assert scoring.execute(surveys.SCORE, [game["id"]]).fetchall() == [(True,)]
        assert board(mod, f"/games/{game['id']}") == []
    assert board(mod, f"/games/{game['id']}") == [(1, 1, "player_0")]


def test_who_began_to_answer_before_the_end_and_comes_after_the_scoring_is_late(
    town: Town, mod: httpx.Client, players: list[httpx.Client], show: str, people_url: str
) -> None:
    game = begun(mod, show, [CHOICE])
    set_key(mod, game, 1, option_ids=options(game, 1, 1))
    person = UUID(players[0].get("/me").json()["id"])
    answers = Jsonb({game["questions"][0]["id"]: {"option_ids": options(game, 1, 1)}})
    with acting(town.connection, person) as late, psycopg.connect(people_url, autocommit=True) as other:
        other.execute("UPDATE surveys SET ends_at = clock_timestamp() WHERE id = %s", [game["id"]])
        assert other.execute("SELECT score_game(%s)", [game["id"]]).fetchall() == [(True,)]
        found = late.execute("SELECT * FROM submit_response(%s, NULL, %s)", [game["id"], answers]).fetchall()
        assert found == [(None, "over")]


def test_an_account_that_is_deleted_while_a_game_is_scored_keeps_nobody_from_their_points(
    town: Town, mod: httpx.Client, players: list[httpx.Client], show: str, people_url: str
) -> None:
    game, leaver = begun(mod, show, [CHOICE]), town.client("leaver")
    set_key(mod, game, 1, option_ids=options(game, 1, 1))
    for client in (leaver, players[0]):
        play(client, game, {"option_ids": options(game, 1, 1)})
    person = UUID(leaver.get("/me").json()["id"])
    town.connection.execute("UPDATE surveys SET closed_at = now() WHERE id = %s", [game["id"]])

    waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s)"
    with (
        psycopg.connect(people_url, cursor_factory=psycopg.RawCursor) as ending,
        psycopg.connect(people_url, autocommit=True) as watching,
        ThreadPoolExecutor(1) as pool,
    ):
        ending.execute(privacy.LOCK_USER, [person])
        [(nobody,)] = ending.execute(privacy.NOBODY, ["deleted_leaver"]).fetchall()
        scored = pool.submit(town.one, "SELECT score_game(%s)", game["id"])
        while watching.execute(waiting, ["SELECT score_game%"]).fetchall() != [(True,)]:
            assert not scored.done()
        for statement in privacy.farewell("erase", person, nobody):
            ending.execute(statement.query, statement.values)
        ending.commit()
        assert scored.result() is True
    assert board(mod, f"/games/{game['id']}") == [(1, 1, "player_0")]


def test_a_quiz_tells_what_others_answered_after_the_end_and_a_poll_before(
    mod: httpx.Client, players: list[httpx.Client], show: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trr_api.surveys.service.INTERVAL", 0.0)
    games = {kind: begun(mod, show, [CHOICE], kind=kind) for kind in ("quiz", "poll", "prediction", "ranking")}
    for game in games.values():
        for client in players:
            play(client, game, {"option_ids": options(game, 1, 1)})
    found = {kind: mod.get(f"/games/{game['id']}/results").json() for kind, game in games.items()}
    assert {kind: result["response_count"] for kind, result in found.items()} == {
        "quiz": None, "poll": 6, "prediction": 6, "ranking": 6,
    }  # fmt: skip
    mod.post(f"/games/{games['quiz']['id']}/close")
    assert mod.get(f"/games/{games['quiz']['id']}/results").json()["response_count"] == 6
    assert set_key(mod, games["poll"], 1, option_ids=options(games["poll"], 1, 1)).status_code == 409


def test_keys_that_are_no_answers_are_refused(mod: httpx.Client, players: list[httpx.Client], show: str) -> None:
    game = begun(mod, show, [CHOICE, NUMBER, TEXT])
    for question, key in (
        (1, {"option_ids": options(game, 1, 1, 2)}),
        (1, {"number": 1}),
        (1, {"texts": ["Mara"]}),
        (1, {}),
        (2, {"number": 101}),
        (2, {"number": 1, "points": 0}),
        (2, {"number": 1, "tolerance": -1}),
        (3, {"texts": []}),
        (3, {"number": 1}),
    ):
        assert set_key(mod, game, question, **key).status_code == 422, (question, key)
    assert set_key(players[0], game, 1, option_ids=options(game, 1, 1)).status_code == 403
    other = begun(mod, show, [CHOICE])
    path = f"/games/{game['id']}/questions/{other['questions'][0]['id']}/key"
    assert mod.put(path, json={"option_ids": options(other, 1, 1)}).status_code == 404


def test_games_are_listed_by_kind_and_apart_from_surveys(mod: httpx.Client, show: str) -> None:
    game = begun(mod, show, [CHOICE], kind="prediction")
    found = mod.get("/games", params={"kind": "prediction"}).json()["data"]
    assert found[0]["id"] == game["id"]
    assert {item["kind"] for item in mod.get("/games", params={"limit": 100}).json()["data"]} > {"prediction"}
    assert game["id"] not in {item["id"] for item in mod.get("/surveys").json()["data"]}
    body = {"show_id": show, "kind": "quiz", "title": "x", "questions": [CHOICE], "is_anonymous": True}
    assert mod.post("/games", json=body).status_code == 422


def test_leaderboards_of_nothing_are_not_there(mod: httpx.Client, show: str) -> None:
    nothing = "00000000-0000-0000-0000-000000000000"
    for path in (f"/games/{nothing}", f"/seasons/{nothing}", "/shows/nothing-at-all"):
        assert mod.get(f"{path}/leaderboard").status_code == 404
    assert mod.get("/shows/harbour-hearts/leaderboard").status_code == 200
