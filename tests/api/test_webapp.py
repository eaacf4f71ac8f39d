"""The site: what its pages show, who may do what, and what goes wrong. Without a browser, as without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import httpx
import psycopg
import pytest
from fastapi.routing import APIRoute
from lxml import html
from psycopg import Connection

from people import Town, mailed
from serving import served, settings
from site_pages import Enter, keep, page, text
from stock import SHOW, put, record
from support import Server, free_port
from trr_api.app import create_app
from trr_api.webapp import words
from trr_api.webapp.pictures import Pictures
from trr_crawl.catalog import write

PASSWORD = "correct horse battery"
EVIL = "<script>window.pwned=1</script><img src=x onerror=window.pwned=1>"


@pytest.fixture(scope="module")
def show(town: Town) -> str:
    return str(town.one("SELECT entity_id FROM external_ids WHERE value = %s", SHOW))


@pytest.fixture
def catalog(people_url: str) -> Iterator[Connection[Any]]:
    """A connection that writes shows and people."""
    with psycopg.connect(people_url) as connection:
        write.prepare(connection)
        yield connection


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
        own = client.get("/account")
        assert "Nobody" not in text(page(own))
        assert own.headers["cache-control"] == "private, no-store", "nobody sees it who goes back after the log-out"
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

    @pytest.mark.parametrize("path", ["/confirm", "/reset"])
    def test_the_token_of_a_mail_goes_into_no_other_address(self, enter: Enter, path: str) -> None:
        answer = enter().get(f"{path}?token=secret")
        assert answer.headers["cache-control"] == "private, no-store"
        assert page(answer).xpath("//input[@name='token']/@value") == ["secret"]
        assert [link for link in page(answer).xpath("//@href | //@src | //@action") if "secret" in link] == []

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

    def test_data_are_taken_along_and_an_account_ends(self, enter: Enter, town: Town) -> None:
        client = enter()
        keep(client, "refresh", log_in(town, "fritz"))
        page(client.get("/account"))
        taken = client.post("/account/export", data={"x": ""})
        assert taken.headers["content-type"] == "application/zip"
        with ZipFile(BytesIO(taken.content)) as archive:
            assert "manifest.json" in archive.namelist()
            assert any("fritz@mail.example" in archive.read(name).decode() for name in archive.namelist())
        farewell = {"content": "erase", "password": "not it"}
        assert "The password is missing or wrong." in text(page(client.post("/account/delete", data=farewell), 403))
        gone = client.post("/account/delete", data={**farewell, "password": PASSWORD})
        assert gone.headers["location"] == "/app/shows?done=deleted"
        assert dict(client.cookies) == {}
        assert town.one("SELECT count(*) FROM users WHERE name = 'fritz'") == 0


def log_in(town: Town, name: str) -> str:
    """The refresh token of somebody new."""
    email = f"{name}@mail.example"
    token = town.app.state.accounts.tokens.mail("register", email, 5)
    body = {"token": token, "name": name, "password": PASSWORD}
    return str(town.client().post("/accounts", json=body).json()["refresh_token"])


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
            assert "The database does not answer." in text(page(answer, 503))
            assert answer.headers["retry-after"]

    def test_a_site_without_any_data_says_so(self, embedded_server: Server) -> None:
        url = embedded_server.create("bare", "template")
        with served(create_app(settings(url))) as address, httpx.Client(base_url=f"{address}/app") as client:
            for path, hint in (
                ("/shows", "A crawl brings the first ones."), ("/people", "Nobody is known yet."),
                ("/lists", "There are none yet."), ("/surveys", "Nothing is asked just now."),
                ("/surveys?status=closed", "None has closed yet."), ("/search?q=boats", "Try a shorter part"),
            ):  # fmt: skip
                assert hint in text(page(client.get(path)))
        embedded_server.drop("bare")

    def test_what_goes_wrong_around_a_page_is_a_page_too(self, people_url: str) -> None:
        few = create_app(settings(people_url, rate_limit="2/minute"))
        with served(few) as address, httpx.Client(base_url=f"{address}/app") as client:
            assert "This address is not right" in text(page(client.post("/shows", data={"x": ""}), 405))
            assert "This is too long" in text(page(client.post("/login", data={"email": "x" * 100_001}), 413))
            assert page(client.get("/login")).xpath("//a[@href='/app/register']")
            answer = client.get("/login")
            assert "Too many tries More than 2 requests in 60 seconds." in text(page(answer, 429))
            assert answer.headers["retry-after"]
            assert answer.headers["x-request-id"]
            assert int(answer.headers["content-length"]) > 0
            api = client.get(f"{address}/api/v1/shows")
            assert (api.status_code, api.headers["content-type"]) == (429, "application/problem+json")

    def test_an_error_of_ours_is_a_page_too(
        self, enter: Enter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(Pictures, "of", None)
        assert "An error that is ours." in text(page(enter().get("/shows"), 500))
        assert "'NoneType' object is not callable" in caplog.text

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
