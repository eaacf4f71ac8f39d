"""The site's threads, posts, surveys and games: what people write and answer on its pages."""

from __future__ import annotations

import re
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from people import Town
from site_pages import Enter, page, text
from stock import SHOW


@pytest.fixture(scope="module")
def show(town: Town) -> str:
    return str(town.one("SELECT entity_id FROM external_ids WHERE value = %s", SHOW))


@pytest.fixture(scope="module")
def episodes(town: Town) -> tuple[str, str]:
    """The first and the second episode of the first season."""
    first, second = (
        str(town.one("SELECT entity_id FROM external_ids WHERE value = %s", f"tt990100{number}")) for number in (1, 2)
    )
    return first, second


def begin(town: Town, about: str, title: str = "Boats", author: str | None = None) -> str:
    client = town.client(author or f"u{uuid4().hex[:12]}")
    answer = client.post(f"{about}/threads", json={"title": title})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


class TestTalking:
    def test_a_thread_is_begun_answered_and_reacted_to(self, enter: Enter, show: str) -> None:
        ada, ben = enter("tina"), enter("uwe")
        begun = ada.post(f"/shows/{show}/threads", data={"title": "That reunion", "body": "**Well**, @uwe?"})
        place = begun.headers["location"].removeprefix("/app").partition("#")[0]
        thread = page(ben.get(place))
        assert thread.xpath("string(//div[@class='body']//strong)") == "Well"
        assert "mentioned you" in text(page(ben.get("/notifications")))
        [post] = thread.xpath("//li[contains(@class, 'post')]/@id")
        identifier = post.removeprefix("post-")
        back = f"/app{place}?sort=oldest"
        answer = {"body": "No.", "parent_id": identifier, "back": back}
        written = ben.post(f"{place}/posts", data=answer)
        assert re.fullmatch(rf"{re.escape(back)}#post-[0-9a-f-]{{36}}", written.headers["location"])
        reacted = ben.post(f"/posts/{identifier}/reactions", data={"react": "fire", "back": back})
        assert reacted.headers["location"] == f"{back}#{post}"
        thread = page(ben.get(place))
        [pressed] = thread.xpath("//main//button[@aria-pressed='true']")
        assert (pressed.get("name"), pressed.get("value"), text(pressed)) == ("take_back", "fire", "Fire 1")
        ben.post(f"/posts/{identifier}/reactions", data={"take_back": "fire", "back": back})
        assert page(ben.get(place)).xpath("//main//button[@aria-pressed='true']") == []
        levels = page(ben.get(place)).xpath("//li[starts-with(@id, 'post-')]/@class")
        assert levels == ["post level-1", "post level-2"]

        ada.post(f"/posts/{identifier}/edit", data={"body": "Well…", "back": back})
        assert "edited" in text(page(ben.get(place)))
        ada.post(f"/posts/{identifier}/delete", data={"back": back})
        assert "Deleted by its author." in text(page(ben.get(place)))
        ada.post(f"/posts/{identifier}/restore", data={"back": back})
        assert "Well…" in text(page(ben.get(place)))
        reported = ben.post(f"/posts/{identifier}/report", data={"reason": "rude", "back": f"/app{place}"})
        assert reported.headers["location"] == f"/app{place}?done=reported"
        ada.post("/notifications", data={"id": str(uuid4())})
        newest = page(ben.get("/notifications")).xpath("//button[@name='id']/@value")[0]
        ben.post("/notifications", data={"id": newest})
        assert "New" not in text(page(ben.get("/notifications")).xpath("//main")[0])
        assert page(enter().get(place)).xpath("//form[contains(@action, 'posts')]//button") == []

    def test_what_could_not_be_kept_is_shown_again(self, enter: Enter, town: Town, show: str) -> None:
        place = f"/threads/{begin(town, f'/shows/{show}')}"
        client = enter("vera")
        for body in (" ", "x" * 10_001):
            again = page(client.post(f"{place}/posts", data={"body": body}), 422)
            assert again.xpath("//p[@id='body-wrong']")
            assert again.xpath("string(//textarea[@id='body'])").strip() == body.strip()
        long = {"body": "x", "season": "9" * 5000, "episode": "1"}
        assert page(client.post(f"{place}/posts", data=long), 422).xpath("//p[@id='episode-wrong']")
        lost = page(client.post(f"{place}/posts", data={"body": "It took long.", "season": "9", "episode": "9"}), 422)
        assert "The show has no such episode" in lost.xpath("string(//p[@id='episode-wrong'])")
        assert lost.xpath("string(//textarea[@id='body'])") == "It took long."
        kept = client.post(f"{place}/posts", data={"body": "Mine."}).headers["location"].partition("#post-")[2]
        worse = page(client.post(f"/posts/{kept}/edit", data={"body": " "}), 422)
        assert worse.xpath("//textarea[@id=$id]/@aria-invalid", id=f"edit-{kept}") == ["true"]
        back = f"/app{place}?sort=oldest"
        for path in (f"{place}/posts", f"/posts/{kept}/edit"):
            again = page(client.post(path, data={"body": " ", "back": back}), 422)
            assert set(again.xpath("//main//input[@name='back']/@value")) == {back}, "then it leads to the page again"
            assert f"/app{place}?sort=top" in again.xpath("//nav[@aria-label='Order']/a/@href")
        blank = page(enter("wim").post(f"/shows/{show}/threads", data={"title": ""}), 422)
        assert blank.xpath("//p[@id='title-wrong']")

    def test_a_log_in_that_ends_while_one_writes_loses_no_text(self, enter: Enter, town: Town, show: str) -> None:
        about, client = f"/threads/{begin(town, f'/shows/{show}')}", enter("vito")
        mine = client.post(f"{about}/posts", data={"body": "Mine."}).headers["location"].partition("#post-")[2]
        others = town.client("vroni").post(f"{about}/posts", json={"body": "Theirs."}).json()["id"]
        client.cookies.clear()
        back = {"back": f"/app{about}?sort=oldest"}
        for place, fields in (
            (f"/shows/{show}/threads", {"title": "Boats", "body": "It took long."}),
            (f"{about}/posts", {"body": "It took long."}),
            (f"{about}/posts", {"body": "It took long.", "parent_id": mine}),
            (f"/posts/{mine}/edit", {"body": "It took long."}),
            (f"/posts/{others}/report", {"reason": "It took long."}),
            ("/account", {"bio": "It took long."}),
        ):
            ended = page(client.post(place, data={**fields, **back}), 401)
            [form] = ended.xpath("//textarea[normalize-space()='It took long.']/ancestor::form")
            assert form.get("action") == f"/app{place}"
            assert form.xpath("ancestor-or-self::details[not(@open)]") == []
            assert "Your log-in has ended." in text(ended.xpath("//div[@role='alert']")[0])
            assert ended.xpath("//div[@role='alert']//a[@target='_blank']/@href") == ["/app/login"]

    def test_a_form_that_was_not_taken_still_stands_on_its_page(
        self, enter: Enter, town: Town, show: str, episodes: tuple[str, str]
    ) -> None:
        client = enter("vlad")
        client.post(f"/shows/{show}/progress", data={"season": "1", "episode": "1"})
        place = f"/threads/{begin(town, f'/episodes/{episodes[1]}')}"
        back = f"/app{place}?spoilers=true&sort=oldest"
        again = page(client.post(f"{place}/posts", data={"body": " ", "back": back}), 422)
        assert again.xpath("//textarea[@id='body']")
        assert set(again.xpath("//input[@name='back']/@value")) == {back}
        assert again.xpath("//nav[@aria-label='Order']/a[@aria-current]/text()") == ["Oldest"]
        for link in again.xpath("//nav[@aria-label='Order']/a/@href"):
            page(client.get(link.removeprefix("/app")))
        written = client.post(f"{place}/posts", data={"body": "Now.", "back": back}).headers["location"]
        assert written.partition("#")[0] == back
        town.client("vally", "moderator").patch(
            f"/moderation/threads/{place[9:]}", json={"is_locked": True, "reason": "x"}
        )
        assert "Too late." in text(page(client.post(f"{place}/posts", data={"body": "Too late.", "back": back}), 409))
        left = client.post("/account/delete", data={"password": "none", "back": "/app/account"})
        assert page(left, 422).xpath("//form[@action='/pages/theme']/input/@value") == ["/app/account"]
        assert page(client.get("/shows?done=saved")).xpath("//input[@name='back']/@value") == ["/app/shows"]

    def test_spoilers_are_behind_a_gate(self, enter: Enter, town: Town, show: str, episodes: tuple[str, str]) -> None:
        client = enter("xena")
        about_second = f"/threads/{begin(town, f'/episodes/{episodes[1]}', 'The second one')}"
        general = f"/threads/{begin(town, f'/shows/{show}', 'Anything')}"
        ahead = {"body": "She leaves!", "season": "1", "episode": "2", "back": f"/app{general}"}
        assert enter("yves").post(f"{general}/posts", data=ahead).status_code == 303
        seen = {"season": "1", "episode": "1", "back": "/app/shows/harbour-hearts#progress"}
        assert client.post(f"/shows/{show}/progress", data=seen).headers["location"] == seen["back"]
        assert "You saw it up to S1 E1." in text(page(client.get("/shows/harbour-hearts")))
        assert "The second one" not in text(page(client.get("/shows/harbour-hearts")))
        assert "The second one" in text(page(client.get("/shows/harbour-hearts?spoilers=true")))
        assert "an episode that you have not seen" in text(page(client.get(about_second)))
        assert "The second one" in text(page(client.get(f"{about_second}?spoilers=true")))
        assert "She leaves!" not in text(page(client.get(general)))
        assert "She leaves!" in text(page(client.get(f"{general}?spoilers=true")))
        client.post(f"/shows/{show}/progress", data={"forget": "true", "back": "/app/shows/harbour-hearts"})
        assert "She leaves!" in text(page(client.get(general)))
        assert "Give the numbers" in text(page(client.post(f"/shows/{show}/progress", data={"season": "x"}), 422))

    def test_seasons_and_episodes_have_threads_too(self, enter: Enter, town: Town, episodes: tuple[str, str]) -> None:
        season = town.one("SELECT season_id FROM episodes WHERE id = %s", episodes[0])
        client = enter("zoe")
        for about, up in ((f"/seasons/{season}", "Season 1"), (f"/episodes/{episodes[0]}", "S1 E1")):
            made = client.post(f"{about}/threads", data={"title": "Here"}).headers["location"]
            assert up in text(page(client.get(made.removeprefix("/app"))).xpath("//p[@class='up']")[0])
        assert "Here" in text(page(client.get("/shows/harbour-hearts/seasons/1")))


class TestSurveys:
    QUESTIONS = (
        {"type": "single_choice", "prompt": "Who leaves?", "is_required": True, "options": ["Mara", "Nils"]},
        {"type": "multiple_choice", "prompt": "Whom do you like?", "options": ["Mara", "Nils", "Olga"], "maximum": 2},
        {"type": "ranking", "prompt": "Your order?", "options": ["Mara", "Nils", "Olga"]},
        {"type": "numeric", "prompt": "How many dinners?", "minimum": 0, "maximum": 10, "step": 0.5},
        {"type": "rating", "prompt": "How was it?"},
        {"type": "free_text", "prompt": "Anything else?", "maximum": 100},
    )

    def published(self, town: Town, show: str, path: str = "/surveys", **values: Any) -> tuple[httpx.Client, Any]:
        moderator = town.client(f"m{uuid4().hex[:12]}", "moderator")
        body = {"show_id": show, "title": "After the reunion", "questions": self.QUESTIONS, **values}
        made = moderator.post(path, json=body).json()["id"]
        assert moderator.post(f"{path}/{made}/publish").status_code == 204
        return moderator, moderator.get(f"{path}/{made}").json()

    def test_every_type_is_answered_edited_closed_and_counted(self, enter: Enter, town: Town, show: str) -> None:
        moderator, survey = self.published(town, show)
        place = f"/surveys/{survey['id']}"
        choice, several, ranking, number, rating, words_ = (f"q-{question['id']}" for question in survey["questions"])
        mara, nils, olga = (option["id"] for option in survey["questions"][2]["options"])
        liked = [option["id"] for option in survey["questions"][1]["options"]]
        fields = {
            choice: survey["questions"][0]["options"][0]["id"],
            f"{several}-{liked[0]}": "1", f"{several}-{liked[2]}": "1",
            f"{ranking}-{mara}": "2", f"{ranking}-{nils}": "1", f"{ranking}-{olga}": "3",
            number: "2,5", rating: "4", words_: "More boats",
        }  # fmt: skip
        assert "Log in" in text(page(enter().get(place)).xpath("//main")[0])
        people = [enter(f"guest_{at}") for at in range(5)]
        for person in people:
            assert person.post(place, data=fields).headers["location"] == f"/app{place}?done=answered"
        again = page(people[0].get(place))
        assert sorted(again.xpath("//main//input[@checked]/@value")) == sorted([fields[choice], "1", "1", "4"])
        assert again.xpath("//main//select/option[@selected]/text()") == ["2", "1", "3"]
        assert again.xpath("//input[@type='number']/@value") == ["2.5"]
        assert "More boats" in text(again)
        told = text(page(enter().get(place)).xpath("//section[@aria-labelledby='results-heading']")[0])
        for result in ("5 people have answered", "Mara 100.0 %", "Nils place 1.0 on average", "4.0 on average"):
            assert result in told
        assert "More boats" not in told

        changed = {**fields, choice: survey["questions"][0]["options"][1]["id"], rating: "5"}
        for person in people:
            assert person.post(place, data=changed).status_code == 303
        assert moderator.post(f"{place}/close").status_code == 204
        until = time.monotonic() + 5
        while "5.0 on average" not in text(closed := page(people[0].get(place))) and time.monotonic() < until:
            time.sleep(0.1)  # results are told once a second at most
        assert closed.xpath("//main//fieldset") == []
        assert "5.0 on average" in text(closed)
        assert "The survey is closed." in text(page(people[0].post(place, data=fields), 409))

    def test_what_does_not_fit_is_told_beside_the_question(self, enter: Enter, town: Town, show: str) -> None:
        _, survey = self.published(town, show)
        place = f"/surveys/{survey['id']}"
        choice, *_, number, rating, words_ = (f"q-{question['id']}" for question in survey["questions"])
        client = enter("hilde")
        wrong = page(client.post(place, data={number: "99", words_: "y" * 101, rating: "4"}), 422)
        told = [text(found) for found in wrong.xpath("//fieldset/p[@class='wrong']")]
        assert [told[0][:11], told[1][:11], told[2][:11]] == ["Question 1:", "Question 4:", "Question 6:"]
        assert wrong.xpath("//input[@type='number']/@value") == ["99"]
        assert "no number" in text(page(client.post(place, data={choice: "", number: "many"}), 422))
        assert page(client.post(place, data={choice: "no-id"}), 422) is not None
        client.cookies.clear()
        chosen = {choice: survey["questions"][0]["options"][0]["id"]}
        for fields, status, told_ in (({}, 422, "Question 1: it must"), (chosen, 401, "Your log-in has ended.")):
            ended = page(client.post(place, data={**fields, number: "7", words_: "It took long."}), status)
            assert ended.xpath("//input[@type='number']/@value") == ["7"]
            assert ended.xpath("//textarea/text()") == ["It took long."]
            assert told_ in text(ended)

    def test_an_anonymous_survey_keeps_no_name_and_may_be_answered_anew(
        self, enter: Enter, town: Town, show: str
    ) -> None:
        _, survey = self.published(town, show, is_anonymous=True)
        place, client = f"/surveys/{survey['id']}", enter()
        question = survey["questions"][0]
        for option in question["options"]:
            assert client.post(place, data={f"q-{question['id']}": option["id"]}).status_code == 303
        assert "Change my answers" in text(page(client.get(place)))
        query = "SELECT count(*) FROM responses WHERE survey_id = %s AND user_id IS NULL"
        assert town.one(query, survey["id"]) == 1

    def test_a_game_shows_its_leaderboard_once_it_is_over(self, enter: Enter, town: Town, show: str) -> None:
        moderator, game = self.published(town, show, "/games", kind="quiz", questions=[self.QUESTIONS[0]])
        question = game["questions"][0]
        place = f"/surveys/{game['id']}"
        client = enter("ingo")
        client.post(place, data={f"q-{question['id']}": question["options"][0]["id"]})
        assert "Leaderboard" not in text(page(client.get(place)))
        key = {"option_ids": [question["options"][0]["id"]], "points": 3}
        assert moderator.put(f"/games/{game['id']}/questions/{question['id']}/key", json=key).status_code == 204
        assert moderator.post(f"/games/{game['id']}/close").status_code == 204
        assert re.search(r"Leaderboard.* 1 @ingo 3", text(page(client.get(place))))
        assert "After the reunion" in text(page(client.get("/surveys?kind=games&status=closed")))
