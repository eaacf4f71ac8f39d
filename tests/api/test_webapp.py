"""The site: what its pages show, who may do what, and what goes wrong. Without a browser, as without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from fastapi.routing import APIRoute
from lxml import html
from psycopg import Connection

from people import Town, mailed, user
from serving import served, settings
from stock import SHOW, put, record
from support import free_port
from trr_api.app import create_app
from trr_api.webapp import words
from trr_api.webapp.pictures import Pictures
from trr_crawl.catalog import write

PASSWORD = "correct horse battery"
EVIL = "<script>window.pwned=1</script><img src=x onerror=window.pwned=1>"

Enter = Callable[..., httpx.Client]


@pytest.fixture
def enter(town: Town) -> Iterator[Enter]:
    """Somebody new at the site, logged in; nobody without a name."""
    opened: list[httpx.Client] = []

    def client(name: str | None = None, role: str = "user") -> httpx.Client:
        opened.append(httpx.Client(base_url=f"{town.address}/app", timeout=20))
        if name is not None:
            keep(opened[-1], "access", town.token(user(town.connection, name, role)))
        return opened[-1]

    yield client
    for one in opened:
        one.close()


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


def keep(client: httpx.Client, name: str, token: str) -> None:
    """Give a client a cookie, as the site does."""
    client.cookies.set(name, token, domain="127.0.0.1", path="/app")


def page(answer: httpx.Response, status: int = 200) -> Any:
    """The document of an answer, which runs and loads nothing but files of this server."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    document = html.fromstring(answer.text)
    for element in document.iter():
        assert not [name for name in element.attrib if name.startswith("on") or name == "style"], element.attrib
        for name in ("src", "action"):
            assert element.get(name, "/").startswith("/"), element.attrib
    assert [script.text for script in document.iter("script") if script.text] == []
    assert document.xpath("count(//h1)") == 1
    ids = document.xpath("//@id")
    assert len(ids) == len(set(ids))
    for field in document.xpath("//input[not(@type='hidden' or @type='radio' or @type='checkbox')] | //textarea"):
        assert field.xpath("ancestor::label") or document.xpath("//label[@for=$id]", id=field.get("id")), field.attrib
    for image in document.iter("img"):
        assert image.get("alt") is not None
    return document


def text(document: Any) -> str:
    """What is read on a page, beside its charts."""
    found = " ".join(document.xpath(".//text()[not(ancestor::svg)]"))
    return " ".join(found.split()).replace(" ,", ",")


@pytest.fixture
def catalog(people_url: str) -> Iterator[Connection[Any]]:
    """A connection that writes shows and people."""
    with psycopg.connect(people_url) as connection:
        write.prepare(connection)
        yield connection


def begin(town: Town, about: str, title: str = "Boats", author: str | None = None) -> str:
    client = town.client(author or f"u{uuid4().hex[:12]}")
    answer = client.post(f"{about}/threads", json={"title": title})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


class TestBrowsing:
    def test_shows_are_listed_narrowed_and_paged(self, enter: Enter) -> None:
        nobody = enter()
        assert nobody.get("").headers["location"] == "/app/shows"
        first = page(nobody.get("/shows?sort=name"))
        cards = first.xpath("//ul[@class='cards']/li")
        [more] = first.xpath("//a[@rel='next']/@href")
        second = page(nobody.get(more.removeprefix("/app")))
        assert (len(cards), len(second.xpath("//ul[@class='cards']/li"))) == (24, 1)
        narrowed = page(nobody.get("/shows?genre=Romance&network=Harbour Channel&year=2019"))
        assert [link.text_content().strip()[-14:] for link in narrowed.xpath("//ul[@class='cards']//a")] == [
            "Harbour Hearts"
        ]
        assert "No show is like that." in text(page(nobody.get("/shows?year=1950")))

    def test_a_show_has_facts_offers_seasons_and_cast(self, enter: Enter) -> None:
        found = page(enter().get("/shows/harbour-hearts"))
        told = text(found)
        for fact in ("Harbour Hearts 2019", "Hafenherzen", "Pier Pictures", "Returning series", "Nobody is speaking"):
            assert fact in told
        assert re.search(r"Subscription Boatflix, Streamly Buy Streamly", told)
        assert re.search(r"Subscription *Streamly *Cast", text(page(enter().get("/shows/harbour-hearts?region=DE"))))
        assert "Mara Lindqvist Self - Host · 60 episodes" in told
        assert [season.text_content() for season in found.xpath("//ul[contains(@class, 'small-cards')]//strong")] == [
            "Specials", "Season 1", "Season 2",
        ]  # fmt: skip

    def test_a_season_an_episode_and_a_person_lead_to_each_other(self, enter: Enter) -> None:
        nobody = enter()
        season = page(nobody.get("/shows/harbour-hearts/seasons/1"))
        links = season.xpath("//ol[@class='episodes']//a/@href")
        assert len(links) == 60
        episode = page(nobody.get(links[0].removeprefix("/app")))
        assert "S1 E1" in text(episode)
        [person] = episode.xpath("//ul[@class='cast']//a[text()='Mara Lindqvist']/@href")
        found = text(page(nobody.get(person.removeprefix("/app"))))
        for fact in ("Born 14 September 1985", "Harbour Hearts 2019", "season 1", "In the same casts Tom O'Hara"):
            assert fact in found
        everybody = page(nobody.get("/people?name=mara"))
        assert everybody.xpath("//ul[@class='cards']//a/@href") == [person]

    def test_lists_and_search(self, enter: Enter) -> None:
        nobody = enter()
        [place] = page(nobody.get("/lists")).xpath("//main//ul//a/@href")
        assert "Shows by the sea" in text(page(nobody.get(place.removeprefix("/app"))))
        found = page(nobody.get("/search?q=harbor harts"))
        assert "Harbour Hearts Show" in text(found)
        assert "Spelled like it" in text(found)
        assert "Genre" in text(found)
        narrowed = page(nobody.get("/search?q=harbour&kind=show&genre=Romance"))
        assert "Without these filters: show, Romance" in text(narrowed)
        assert "Write a name" in text(page(nobody.get("/search")))

    def test_pictures_come_from_our_own_copies_only(self, enter: Enter) -> None:
        nobody = enter()
        found = page(nobody.get("/shows/harbour-hearts/pictures"))
        assert "There are no copies" in text(found)
        assert "pictures.example" not in html.tostring(page(nobody.get("/shows/harbour-hearts"))).decode()

    def test_a_picture_has_sizes_and_its_host_is_allowed(self) -> None:
        def sizes(host: str) -> list[dict[str, Any]]:
            return [
                {"url": f"{host}/{width}.webp", "content_type": "image/webp", "width": width, "height": width * 3 // 2}
                for width in (200, 400, 800)
            ]

        pictures = Pictures()
        hosted = {"variants": sizes("/objects"), "width": 1000, "height": 1500}
        shown = pictures.of({"url": "/objects/1.jpg", "hosted": hosted}, 300)
        assert shown is not None
        assert (shown.src, shown.width, shown.height) == ("/objects/400.webp", 400, 600)
        assert shown.srcset.endswith("/objects/800.webp 800w")
        assert pictures.hosts == set()
        pictures.of({"url": "/1.jpg", "hosted": {**hosted, "variants": sizes("https://cdn.example/a")}}, 9000)
        assert pictures.hosts == {"https://cdn.example"}
        assert pictures.of({"url": "https://pictures.example/1.jpg", "hosted": None}, 300) is None
        assert pictures.of(None, 300) is None

    def test_words_of_pages(self) -> None:
        place = {"season_number": 2, "episode_number": 3}
        assert [words.place(place | change) for change in ({}, {"season_number": 0}, {"episode_number": None})] == [
            "S2 E3", "Special 3", "S2 E?",
        ]  # fmt: skip
        told = [words.years({"start_year": 2019, "end_year": last}) for last in (None, 2019, 2021)]
        assert told == ["2019", "2019", "2019-2021"]
        assert [words.initials(name) for name in ("Mara Lindqvist", "Cher", "", None, "«»")] == [
            "ML",
            "C",
            "?",
            "?",
            "?",
        ]
        assert words.day("2019-05-03") == "3 May 2019"
        assert [words.web(text) for text in ("https://a.example", "javascript:alert(1)", "data:text/html,x", None)] == [
            "https://a.example", None, None, None,
        ]  # fmt: skip


class TestAccounts:
    def test_an_account_is_opened_and_logged_in_and_out_of(
        self, enter: Enter, town: Town, capsys: pytest.CaptureFixture[str]
    ) -> None:
        client = enter()
        assert "Look into your mail" in text(page(client.post("/register", data={"email": "ada@mail.example"})))
        token = mailed(capsys, "app/confirm")
        form = {"token": token, "name": "Ada!", "password": "short"}
        wrong = page(client.post("/confirm", data=form), 422)
        assert wrong.xpath("//p[@id='name-wrong']/text()") == ["3 to 30 small letters, digits and underscores."]
        assert wrong.xpath("//p[@id='password-wrong']/text()") == ["10 to 200 characters."]
        assert wrong.xpath("//input[@name='name']/@value") == ["Ada!"]
        assert wrong.xpath("//input[@name='password']/@value") == []
        opened = client.post("/confirm", data={**form, "name": "ada", "password": PASSWORD, "display_name": "Ada L."})
        assert opened.headers["location"] == "/app/shows?done=registered"
        for cookie in opened.headers.get_list("set-cookie"):
            assert "HttpOnly" in cookie
            assert "SameSite=lax" in cookie
            assert "Path=/app;" in cookie
            assert "Secure" not in cookie
        assert "Ada L." in text(page(client.get("/shows")))
        assert "Nobody" not in text(page(client.get("/account")))
        assert client.post("/logout", data={"everywhere": ""}).headers["location"] == "/app/login?done=logged-out"
        assert "You are logged out." in text(page(client.get("/login?done=logged-out")))
        assert client.get("/account").headers["location"] == "/app/login?back=%2Fapp%2Faccount"

        refused = page(client.post("/login", data={"email": "ada@mail.example", "password": "another one"}), 401)
        assert "The address or the password is wrong." in text(refused)
        assert refused.xpath("//input[@name='email']/@value") == ["ada@mail.example"]
        good = {"email": "ada@mail.example", "password": PASSWORD, "back": "/app/account"}
        by_https = client.post("/login", data=good, headers={"x-forwarded-proto": "https", "origin": "null"})
        assert by_https.status_code == 403
        by_https = client.post("/login", data=good, headers={"x-forwarded-proto": "https"})
        assert by_https.headers["location"] == "/app/account"
        assert all("Secure" in cookie for cookie in by_https.headers.get_list("set-cookie"))
        assert client.post("/login", data={**good, "back": "//elsewhere.example"}).headers["location"] == "/app"

        assert "Look into your mail" in text(page(client.post("/forgot", data={"email": "ada@mail.example"})))
        reset = {"token": mailed(capsys, "app/reset"), "password": "another horse battery"}
        assert client.post("/reset", data=reset).headers["location"] == "/app/login?done=password-changed"
        assert page(client.post("/reset", data=reset), 401) is not None
        assert client.get("/account").status_code == 303

    def test_a_log_in_goes_on_by_its_refresh_token_and_two_pages_may_use_it_at_once(
        self, enter: Enter, town: Town
    ) -> None:
        refresh = log_in(town, "cleo")
        first, second = (enter() for _ in range(2))
        for client in (first, second):
            keep(client, "refresh", refresh)
            assert "@cleo" in text(page(client.get("/shows")))
            assert client.cookies["access"]
        assert first.cookies["refresh"] != second.cookies["refresh"] != refresh
        town.connection.execute("UPDATE refresh_tokens SET used_at = used_at - interval '1 hour'")
        thief = enter()
        keep(thief, "refresh", refresh)
        assert "Log in" in text(page(thief.get("/shows")))
        assert "refresh" not in thief.cookies
        for client in (first, second):
            assert "Log in" in text(page(client.get("/shows"))), "a token in two hands ends the log-in on both"
            assert dict(client.cookies) == {}

    def test_a_log_out_everywhere_ends_other_browsers(self, enter: Enter, town: Town) -> None:
        here = enter("dora")
        there = enter()
        keep(there, "access", town.token(town.one("SELECT id FROM users WHERE name = 'dora'")))
        assert "@dora" in text(page(there.get("/shows")))
        here.post("/logout", data={"everywhere": "true"})
        assert "Log in" in text(page(there.get("/shows")))

    def test_a_profile_is_changed_and_shown_as_text(self, enter: Enter) -> None:
        client = enter("emil")
        kept = client.post("/account", data={"display_name": EVIL[:60], "bio": EVIL})
        assert kept.headers["location"] == "/app/account?done=saved"
        shown = page(enter().get("/users/emil"))
        assert shown.xpath("string(//p[@class='bio'])") == EVIL
        wrong = page(client.post("/account", data={"display_name": "x" * 61, "bio": "kept"}), 422)
        assert wrong.xpath("//p[@id='display_name-wrong']")
        assert wrong.xpath("//textarea/text()")[0].strip() == "kept"


def log_in(town: Town, name: str) -> str:
    """The refresh token of somebody new."""
    email = f"{name}@mail.example"
    token = town.app.state.accounts.tokens.mail("register", email, 5)
    body = {"token": token, "name": name, "password": PASSWORD}
    return str(town.client().post("/accounts", json=body).json()["refresh_token"])


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
        lost = page(client.post(f"{place}/posts", data={"body": "It took long.", "season": "9", "episode": "9"}), 422)
        assert "no season 9, episode 9 of this show" in lost.xpath("string(//p[@id='episode-wrong'])")
        assert lost.xpath("string(//textarea[@id='body'])") == "It took long."
        client.cookies.clear()
        ended = page(client.post(f"{place}/posts", data={"body": "It took long."}), 401)
        assert "needs a log-in" in text(ended)
        assert "It took long." in text(ended)
        blank = page(enter("wim").post(f"/shows/{show}/threads", data={"title": ""}), 422)
        assert blank.xpath("//p[@id='title-wrong']")

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
        closed = page(people[0].get(place))
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


class TestMistakes:
    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/nothing", 404),
            ("/shows/nobody-knows-it", 404),
            ("/shows/NO SLUG", 404),
            ("/shows/harbour-hearts/seasons/99", 404),
            ("/shows/harbour-hearts/seasons/first", 404),
            ("/people/<script>alert(1)<", 404),
            ("/threads/0199c0de-0000-7000-8000-000000000001", 404),
            ("/shows?cursor=nonsense", 422),
            ("/shows?year=later", 422),
            ("/shows?sort=sideways", 422),
        ],
    )
    def test_mistakes_are_pages_for_people(self, enter: Enter, path: str, status: int) -> None:
        found = page(enter().get(path), status)
        assert found.xpath("//a[@href='/app']")
        assert found.xpath("//*[@role='alert']")

    def test_a_database_that_is_away_is_a_page_too(self) -> None:
        away = create_app(settings(f"postgresql://nobody@127.0.0.1:{free_port()}/none", pool_timeout=0.2))
        with served(away) as address, httpx.Client(base_url=f"{address}/app") as client:
            answer = client.get("/shows")
            assert "cannot be reached" in text(page(answer, 503))
            assert answer.headers["retry-after"]

    def test_an_old_address_leads_on(self, enter: Enter, catalog: Connection[Any]) -> None:
        for title in ("Old Pier", "New Pier"):
            put(catalog, record("show", "tt99000777", title=title))
            catalog.commit()
        client = enter()
        moved = client.get("/shows/old-pier/cast?category=cast")
        assert (moved.status_code, moved.headers["location"]) == (308, "/app/shows/new-pier/cast?category=cast")

    def test_forms_of_other_sites_change_nothing(self, enter: Enter, town: Town) -> None:
        client = enter("trudy")
        forms = [
            route.path for route in town.app.routes
            if isinstance(route, APIRoute) and route.path.startswith("/app") and "POST" in route.methods
        ]  # fmt: skip
        assert len(forms) >= 15
        for path in forms:
            place = re.sub(r"\{kind\}", "shows", path.removeprefix("/app"))
            place = re.sub(r"\{\w+\}", "0199c0de-0000-7000-8000-000000000001", place)
            for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
                refused = client.post(place, data={"title": "x"}, headers=headers)
                assert "by a page of another site" in text(page(refused, 403)), path
            assert client.post(place, json={"title": "x"}).status_code == 400, path

    def test_titles_and_names_that_are_markup_are_shown_as_text(
        self, enter: Enter, town: Town, show: str, catalog: Connection[Any]
    ) -> None:
        put(
            catalog,
            record("show", "tt99000666", title=EVIL, genres=[EVIL]),
            record(
                "show",
                "99666",
                "tmdb",
                external_ids={"imdb": "tt99000666"},
                homepage="javascript:x()",
                overview=EVIL,
            ),
            record("person", "nm99000666", name=EVIL),
        )
        catalog.commit()
        evil, person = (
            town.one("SELECT entity_id FROM external_ids WHERE value = %s", value)
            for value in ("tt99000666", "nm99000666")
        )
        client = enter("mallory")
        thread = client.post(f"/shows/{show}/threads", data={"title": EVIL, "body": f"{EVIL} [x](javascript:alert(1))"})
        for place in (
            f"/shows/{evil}",
            f"/people/{person}",
            thread.headers["location"].removeprefix("/app"),
            "/people",
        ):
            found = page(client.get(place))
            assert EVIL in found.text_content()
            assert found.xpath("//a[starts-with(@href, 'javascript:')]") == []
