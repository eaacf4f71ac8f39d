"""The site's messages: conversations, what is new, who may read, and blocks. Without a browser, as without scripts."""

from __future__ import annotations

from uuid import uuid4

import httpx

from people import Town
from site_pages import Enter, keep, page, text

EVIL = "<script>window.pwned=1</script>"


def begin(client: httpx.Client, name: str) -> str:
    """The address of the conversation with somebody."""
    answer = client.post("/messages", data={"name": name})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].removeprefix("/app")


def test_a_conversation_is_begun_listed_read_and_paged(enter: Enter) -> None:
    ada, ben = enter("ada"), enter("ben")
    assert "Nobody has written yet." in text(page(ada.get("/messages")))
    place = begin(ada, "@Ben")
    assert begin(ada, "ben") == place
    shown = ada.get(place)
    assert "Nothing is written yet." in text(page(shown))
    assert shown.headers["cache-control"] == "private, no-store"
    for number in range(51):
        once = str(uuid4())
        for _ in range(1 if number else 2):  # the first one is pressed twice
            form = {"body": f"Well: {number} {EVIL}", "client_message_id": once}
            assert ada.post(place, data=form).headers["location"] == f"/app{place}"
    listed = page(ben.get("/messages"))
    assert "@ada 51 new" in text(listed)
    assert f"Well: 50 {EVIL}" in text(listed)
    assert "read" not in text(page(ada.get(place)).xpath("//ol")[0])
    newest = page(ben.get(place))
    assert len(newest.xpath("//ol/li")) == 50
    assert EVIL in newest.xpath("string(//ol/li[1]//div[@class='body'])")
    [older] = newest.xpath("//a[@rel='next']/@href")
    oldest = page(ben.get(older.removeprefix("/app")))
    assert [text(message) for message in oldest.xpath("//div[@class='body']")] == [f"Well: 0 {EVIL}"]
    assert "new" not in text(page(ben.get("/messages")).xpath("//ul[@id='conversations']")[0])
    assert "read" in text(page(ada.get(place)).xpath("//ol/li[1]")[0])


def test_a_conversation_is_there_for_its_members_only(enter: Enter) -> None:
    place = begin(enter("cleo"), enter("carl") and "carl")
    assert "There is no such conversation." in text(page(enter("eve").get(place), 404))
    assert "There is no such conversation." in text(page(enter("eva").post(place, data={"body": "Me too"}), 404))
    for path in ("/messages", place):
        assert enter().get(path).headers["location"].startswith("/app/login?back=%2Fapp%2Fmessages")
    assert enter().post("/messages", data={"name": "carl"}).headers["location"].startswith("/app/login")


def test_what_cannot_be_sent_is_shown_again(enter: Enter, town: Town) -> None:
    client = enter("dora")
    town.client("dirk")
    for name, told in (
        ("nobody_is", "There is nobody called nobody_is."),
        ("dora", "Something"),
        ("ada/avatar", "There is nobody"),
    ):
        again = page(client.post("/messages", data={"name": name}), 422 if name == "dora" else 404)
        assert told in text(again)
        assert again.xpath("//input[@name='name']/@value") == [name]
    place = begin(client, "dirk")
    once = str(uuid4())
    blank = page(client.post(place, data={"body": " ", "client_message_id": once}), 422)
    assert blank.xpath("//p[@id='body-wrong']")
    assert blank.xpath("//input[@name='client_message_id']/@value") == [once]
    client.cookies.clear()
    ended = page(client.post(place, data={"body": "It took long."}), 401)
    assert ended.xpath("//form[@id='write']/@action") == [f"/app{place}"]
    assert ended.xpath("string(//textarea)").strip() == "It took long."
    assert "Your log-in has ended." in text(ended)


def test_who_is_blocked_is_not_read_until_it_is_taken_back(enter: Enter) -> None:
    emma, emil = enter("emma"), enter("emil")
    place = begin(emma, "emil")
    back = {"back": f"/app{place}"}
    assert emma.post("/users/emil/block", data=back).headers["location"] == back["back"]
    assert "You have blocked @emil" in text(page(emma.get(place)))
    assert emil.post(place, data={"body": "Are you there?"}).status_code == 303
    assert "Are you there?" not in text(page(emma.get(place)))
    assert "You have blocked this person." in text(page(emma.post(place, data={"body": "Go."}), 409))
    assert "Blocked" in text(page(emma.get("/messages")).xpath("//main")[0])
    emma.post("/users/emil/block", data={**back, "take_back": "true"})
    assert emma.post(place, data={"body": "Now."}).status_code == 303
    assert "Blocked" not in text(page(emma.get("/messages")).xpath("//main")[0])


def test_events_come_to_who_may_have_them(enter: Enter, town: Town) -> None:
    fritz, frieda = enter("fritz"), enter("frieda")
    place = begin(fritz, "frieda")
    topic = f"conversation:{place.rpartition('/')[2]}"
    with frieda.stream("GET", f"/events?topic={topic}") as told:
        assert told.headers["content-type"].startswith("text/event-stream")
        lines = told.iter_lines()
        assert next(line for line in lines if "subscribed" in line)
        fritz.post(place, data={"body": "Here?"})
        assert "Here?" in next(line for line in lines if "dm_message_created" in line)
    assert enter("fanny").get(f"/events?topic={topic}").status_code == 404
    assert enter().get(f"/events?topic={topic}").status_code == 401


def test_a_stream_that_renews_the_log_in_keeps_it(enter: Enter, town: Town) -> None:
    token = town.app.state.accounts.tokens.mail("register", "gina@mail.example", 5)
    made = {"token": token, "name": "gina", "password": "correct horse battery"}
    pair = town.client().post("/accounts", json=made).json()
    user = town.one("SELECT id FROM users WHERE name = 'gina'")
    client = enter()
    keep(client, "refresh", pair["refresh_token"])
    with client.stream("GET", f"/events?topic=user:{user}") as told:
        assert told.status_code == 200
    assert client.cookies["access"]
    assert client.cookies["refresh"] != pair["refresh_token"]
