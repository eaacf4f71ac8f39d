"""The site in a real browser: a journey of two people, what is live, and what pages load."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from accessibility import TOO_FAINT, TOO_LOW
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect, sync_playwright

from people import Town, mailed, user
from stock import SHOW
from support import chromium

PASSWORD = "correct horse battery"
HEAVIEST = 150_000
"""Bytes of a page with all its files, pictures aside."""

Enter = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def enter(browser: Browser, town: Town) -> Iterator[Enter]:
    """A page of a browser of its own, of somebody new who is logged in, or of nobody.

    Whatever any of them asks for must be of the site; whatever its scripts complain about fails the test.
    """
    contexts: list[BrowserContext] = []
    asked: list[str] = []
    complaints: list[str] = []

    def page(name: str | None = None, **options: object) -> Page:
        context = browser.new_context(base_url=town.address, **options)  # type: ignore[arg-type]
        contexts.append(context)
        if name is not None:
            token = town.token(user(town.connection, name))
            context.add_cookies([{"name": "access", "value": token, "url": f"{town.address}/app"}])
        context.on("request", lambda request: asked.append(request.url))
        opened = context.new_page()
        opened.set_default_timeout(10_000)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("dialog", lambda dialog: complaints.append(dialog.message))
        return opened

    yield page
    for context in contexts:
        context.close()
    hosts = {urlsplit(address).netloc for address in asked}
    assert hosts == {urlsplit(town.address).netloc}
    assert complaints == []


@pytest.fixture(scope="module")
def show(town: Town) -> str:
    return str(town.one("SELECT entity_id FROM external_ids WHERE value = %s", SHOW))


def thread(town: Town, show: str, author: str, title: str = "Who leaves first?") -> str:
    made = town.client(author).post(f"/shows/{show}/threads", json={"title": title})
    return f"/app/threads/{made.json()['id']}"


def test_two_people_meet(enter: Enter, town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    ada = enter()
    ada.goto("/app/register")
    ada.get_by_label("E-mail address").fill("ada@mail.example")
    ada.get_by_role("button", name="Send the mail").click()
    expect(ada.get_by_role("heading", name="Look into your mail")).to_be_visible()
    ada.goto(f"/app/confirm?token={mailed(capsys, 'app/confirm')}")
    ada.get_by_label("Name", exact=True).fill("ada")
    ada.get_by_label("Password").fill(PASSWORD)
    ada.get_by_role("button", name="Open the account").click()
    expect(ada.get_by_text("Your account is open.")).to_be_visible()
    ada.get_by_role("button", name="Log out").first.click()
    ada.get_by_label("E-mail address").fill("ada@mail.example")
    ada.get_by_label("Password").fill("not the password")
    ada.get_by_role("button", name="Log in").click()
    expect(ada.get_by_role("alert")).to_contain_text("The address or the password is wrong.")
    ada.get_by_label("Password").fill(PASSWORD)
    ada.get_by_role("button", name="Log in").click()

    ada.get_by_role("searchbox").fill("harbour harts")
    ada.get_by_role("searchbox").press("Enter")
    ada.locator(".results").get_by_role("link", name="Harbour Hearts", exact=True).first.click()
    ada.get_by_role("link", name="Season 1").click()
    ada.locator(".episodes a").first.click()
    ada.get_by_role("link", name="Mara Lindqvist").click()
    expect(ada.get_by_role("heading", level=1)).to_have_text("Mara Lindqvist")
    ada.get_by_role("link", name="Harbour Hearts").first.click()
    ada.get_by_text("Begin a thread").click()
    ada.get_by_label("Title").fill("Who leaves first?")
    ada.get_by_role("button", name="Begin the thread").click()
    expect(ada.get_by_role("heading", level=1)).to_have_text("Who leaves first?")

    ben = enter("ben")
    for one in (ada, ben):
        with one.expect_response(lambda answer: "/api/v1/events" in answer.url):
            one.goto(ada.url)
        one.evaluate("window.hasNotReloaded = true")
    ada.get_by_label("Write a post").fill("The captain. **Nobody** argues so much.")
    ada.get_by_role("button", name="Post", exact=True).click()
    post = ben.locator(".post", has_text="The captain.")
    expect(post.locator("strong", has_text="Nobody")).to_be_visible()
    expect(ben.get_by_role("status").filter(has_text="1 new post")).to_be_visible()
    expect(ada.get_by_label("Write a post")).to_have_value("")

    ada.locator(".post").get_by_text("Edit").click()
    ada.get_by_label("Your post").fill("The captain. He has not finished yet")
    post.get_by_role("button", name="Fire").click()
    expect(post.get_by_role("button", name="Fire 1")).to_have_attribute("aria-pressed", "true")
    expect(ada.get_by_role("button", name="Fire 1")).to_have_attribute("aria-pressed", "false")
    expect(ada.get_by_label("Your post")).to_have_value("The captain. He has not finished yet")
    post.locator("summary", has_text="Answer").click()
    post.get_by_label("Your answer to @ada").fill("He has the boat.")
    post.get_by_role("button", name="Answer").click()
    expect(ada.locator(".post.level-2", has_text="He has the boat.")).to_be_visible()
    ada.get_by_role("button", name="Save").click()
    expect(ben.get_by_text("He has not finished yet")).to_be_visible()
    for one in (ada, ben):
        assert one.evaluate("window.hasNotReloaded") is True

    ada.get_by_role("button", name="Log out").first.click()
    expect(ada.get_by_text("You are logged out.")).to_be_visible()
    ada.goto("/app/account")
    expect(ada.get_by_role("heading", level=1)).to_have_text("Log in")


def test_a_text_is_kept_while_the_server_says_no_or_nothing(enter: Enter, town: Town, show: str) -> None:
    place = thread(town, show, "cleo")
    page = enter("carl")
    page.goto(place)
    field = page.get_by_label("Write a post")
    field.fill("​")
    page.get_by_role("button", name="Post", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("blank")
    field.fill("It took long.")
    page.context.set_offline(True)
    page.get_by_role("button", name="Post", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    page.context.set_offline(False)
    page.get_by_role("button", name="Post", exact=True).click()
    expect(page.locator(".post", has_text="It took long.")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    kept = page.context.cookies()
    page.context.clear_cookies()
    field.fill("It took very long.")
    page.get_by_role("button", name="Post", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Your log-in has ended.")
    with page.expect_popup() as popup:
        page.get_by_role("link", name="in a new tab").click()
    expect(popup.value.get_by_role("heading", name="Log in")).to_be_visible()
    page.context.add_cookies(kept)  # type: ignore[arg-type]
    page.get_by_role("button", name="Post", exact=True).click()
    expect(page.locator(".post", has_text="It took very long.")).to_be_visible()


def test_no_post_is_missed_or_shown_twice_where_the_connection_was_away(enter: Enter, town: Town, show: str) -> None:
    place = thread(town, show, "kurt")
    page = enter("karl")
    with page.expect_response(lambda answer: answer.request.resource_type == "fetch") as caught_up:
        page.goto(place)
    caught_up.value.finished()
    author = town.client("klara")
    page.context.set_offline(True)
    for number in range(3):
        author.post(f"/threads/{place[13:]}/posts", json={"body": f"While away: {number}"})
    page.wait_for_timeout(500)
    expect(page.locator(".post")).to_have_count(0)
    page.context.set_offline(False)
    expect(page.locator(".post", has_text="While away")).to_have_count(3)
    author.post(f"/threads/{place[13:]}/posts", json={"body": "And now"})
    expect(page.locator(".post")).to_have_count(4)


def test_what_is_being_written_stays_whatever_becomes_of_the_post_above_it(enter: Enter, town: Town, show: str) -> None:
    place = thread(town, show, "mia")
    author = town.client("milo")
    posts = f"/threads/{place[13:]}/posts"
    first = author.post(posts, json={"body": "The first one"}).json()["id"]
    page = enter("mona")
    with page.expect_response(lambda answer: "/api/v1/events" in answer.url):
        page.goto(place)
    page.locator("summary", has_text="Answer").click()
    field = page.locator(f"#answer-{first}")
    field.fill("It took ")
    author.delete(f"/posts/{first}")
    expect(page.get_by_text("Deleted by its author.")).to_be_visible()
    page.keyboard.type("long.")
    for number in range(20):
        author.post(posts, json={"body": f"Later: {number}"})
    expect(page.locator(".post", has_text="Later: ")).to_have_count(20)
    page.keyboard.type(" Well")
    expect(field).to_have_value("It took long. Well")


def test_two_people_write_to_each_other(enter: Enter, town: Town) -> None:
    nora, otto = enter("nora"), enter("otto")
    nora.goto("/app/users/otto")
    otto.goto("/app/messages")
    nora.get_by_role("button", name="Write a message").click()
    with nora.expect_response(lambda answer: "/app/events" in answer.url):
        nora.reload()
    for text in ("Are you at the **pier**?", "I am."):
        nora.get_by_label("Write a message").fill(text)
        nora.get_by_role("button", name="Send").click()
        expect(nora.get_by_label("Write a message")).to_have_value("")
    expect(otto.get_by_text("2 new")).to_be_visible()
    otto.get_by_role("link", name="@nora").click()
    expect(otto.locator(".post strong", has_text="pier")).to_be_visible()
    expect(nora.locator(".post", has_text="read")).to_have_count(2)
    otto.get_by_label("Write a message").fill("So am I.")
    otto.get_by_role("button", name="Send").click()
    expect(nora.get_by_role("status").filter(has_text="1 new message")).to_be_visible()
    expect(nora.locator(".post")).to_have_text([re.compile("So am I"), re.compile("I am"), re.compile("Are you")])
    nora.get_by_role("button", name="Block @otto").click()
    expect(nora.get_by_text("You have blocked @otto")).to_be_visible()


def test_all_of_it_works_without_scripts(enter: Enter, town: Town, show: str) -> None:
    place = thread(town, show, "dora")
    page = enter("dirk", java_script_enabled=False)
    page.goto(place)
    page.get_by_label("Write a post").fill("By hand.")
    page.get_by_role("button", name="Post", exact=True).click()
    page.locator(".post").get_by_role("button", name="Heart").click()
    expect(page.get_by_role("button", name="Heart 1")).to_be_visible()
    expect(page.locator(".post:target")).to_contain_text("By hand.")


QUESTIONS = (
    {"type": "single_choice", "prompt": "Who leaves?", "is_required": True, "options": ["Mara", "Nils"]},
    {"type": "multiple_choice", "prompt": "What was good?", "options": ["Boats", "Rows", "Soup"], "maximum": 2},
    {"type": "ranking", "prompt": "Your order?", "options": ["Old pier", "New pier", "Ferry"]},
    {"type": "numeric", "prompt": "How many dinners?", "minimum": 0, "maximum": 10, "step": 0.5},
    {"type": "rating", "prompt": "How was it?"},
    {"type": "free_text", "prompt": "Anything else?", "maximum": 100},
)


def test_a_survey_is_answered_edited_counted_without_a_reload_and_closed(enter: Enter, town: Town, show: str) -> None:
    moderator = town.client("fay", "moderator")
    body = {"show_id": show, "title": "After the reunion", "questions": QUESTIONS}
    survey = moderator.post("/surveys", json=body).json()["id"]
    moderator.post(f"/surveys/{survey}/publish")
    asked = moderator.get(f"/surveys/{survey}").json()["questions"]
    page = enter("emma")
    page.goto(f"/app/surveys/{survey}")
    page.get_by_label("Nils").check()
    for good in ("Boats", "Soup"):
        page.get_by_label(good).check()
    for place, harbour in enumerate(("New pier", "Ferry", "Old pier"), 1):
        page.locator(".choice", has_text=harbour).get_by_role("combobox").select_option(str(place))
    page.get_by_label("Your number").fill("2.5")
    page.get_by_label("4", exact=True).check()
    page.get_by_label("Your answer").fill("More boats")
    page.get_by_role("button", name="Answer", exact=True).click()
    expect(page.get_by_text("Your answers are kept.")).to_be_visible()
    page.get_by_label("Mara").check()
    with page.expect_response(lambda answer: "/api/v1/events" in answer.url):
        page.get_by_role("button", name="Change my answers").click()
    expect(page.get_by_label("Mara")).to_be_checked()
    expect(page.get_by_text("Fewer than five have answered")).to_be_visible()
    page.evaluate("window.hasNotReloaded = true")

    answers = {"answers": [{"question_id": asked[0]["id"], "option_ids": [asked[0]["options"][0]["id"]]}]}
    guests: list[httpx.Client] = [town.client(f"guest_{number}") for number in range(4)]
    for guest in guests:
        assert guest.post(f"/surveys/{survey}/submit", json=answers).status_code == 200
    expect(page.get_by_text("5 people have answered.")).to_be_visible()
    expect(page.locator(".bars dd").first).to_contain_text("100.0 %")
    assert page.evaluate("window.hasNotReloaded") is True
    assert town.one(
        "SELECT answers -> %s ->> 'text' FROM responses WHERE survey_id = %s ORDER BY 1 LIMIT 1", asked[5]["id"], survey
    )
    moderator.post(f"/surveys/{survey}/close")
    page.reload()
    expect(page.get_by_role("button", name="Change my answers")).to_have_count(0)


def test_markup_that_people_write_runs_nowhere(enter: Enter, town: Town, show: str) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    client = town.client("mallory")
    client.put("/me", json={"display_name": "<b onclick=alert(1)>M</b>", "bio": evil})
    made = client.post(f"/shows/{show}/threads", json={"title": evil}).json()["id"]
    page = enter("gina")
    with page.expect_response(lambda answer: "/api/v1/events" in answer.url):
        page.goto(f"/app/threads/{made}")
    client.post(f"/threads/{made}/posts", json={"body": f"{evil}\n\n[here](javascript:alert(1))"})
    expect(page.locator(".post .body")).to_contain_text("onerror=alert(1)")
    expect(page.get_by_role("heading", level=1)).to_have_text(evil)
    expect(page.locator(".post .by")).to_contain_text("<b onclick=alert(1)>M</b>")
    page.get_by_role("link", name="<b onclick").first.click()
    expect(page.locator(".bio")).to_have_text(evil)


@pytest.mark.parametrize("path", ["/app/shows", "/app/shows/harbour-hearts", "/app/shows/harbour-hearts/seasons/1"])
def test_a_page_is_light_fits_a_telephone_and_is_used_by_keyboard(enter: Enter, path: str) -> None:
    page = enter(viewport={"width": 390, "height": 800})
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(path)
    page.wait_for_load_state("load")
    files = [answer for answer in answers if "/api/" not in answer.url and answer.request.resource_type != "image"]
    assert {answer.request.resource_type for answer in files} >= {"document", "stylesheet", "script"}
    assert sum(len(answer.body()) for answer in files) < HEAVIEST
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_texts_stand_out_and_targets_are_as_high_as_a_finger(enter: Enter, town: Town, show: str) -> None:
    long = f"Donau{'dampfschiff' * 8}"
    place = thread(town, show, "lena", long)
    page = enter("lou", viewport={"width": 390, "height": 800})
    town.client("liv").post(f"/threads/{place[13:]}/posts", json={"body": f"@lou, `{long}`"})
    for path in ("/app/shows/harbour-hearts", place, "/app/notifications", "/app/account", "/app/search?q=harbour"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert page.evaluate(TOO_LOW) == [], path
        for colours in ("light", "dark"):
            page.emulate_media(color_scheme=colours, reduced_motion="reduce")
            assert page.evaluate(TOO_FAINT) == [], (path, colours)
