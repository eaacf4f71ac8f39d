"""Sockets and streams: who hears what, in which order, what ends them, and what does not."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import psycopg
import pytest

from ears import Ear, frames, listening
from people import Town, user
from serving import served, settings, wait_for
from stock import SHOW
from trr_api.app import create_app
from trr_api.realtime import hub, presence, queries, service
from trr_api.realtime.events import envelope
from trr_api.realtime.routes import EventStream


@pytest.fixture
def thread(town: Town) -> str:
    """A new thread about the show."""
    return str(
        town.one(
            "INSERT INTO threads (show_id, type, title, author_id) SELECT entity_id, 'general', 'Live', %s "
            "FROM external_ids WHERE value = %s RETURNING id",
            user(town.connection, f"host_{uuid4().hex[:8]}"),
            SHOW,
        )
    )


@pytest.fixture
def ada(town: Town) -> UUID:
    return user(town.connection, f"ada_{uuid4().hex[:8]}")


def write(town: Town, thread: str, body: str = "Well.") -> str:
    """A post, by whoever began the thread."""
    return str(
        town.one(
            "INSERT INTO posts (thread_id, author_id, body, html) SELECT id, author_id, %s, '' FROM threads "
            "WHERE id = %s RETURNING id",
            body,
            thread,
        )
    )


def heard(ear: Ear, count: int) -> list[str]:
    """The posts of which the next events tell."""
    return [ear.hear("post_created")["payload"]["post_id"] for _ in range(count)]


class TestFollowing:
    def test_a_public_topic_needs_no_log_in(self, town: Town, thread: str) -> None:
        with listening(town.address) as ear:
            begun = ear.follow(f"thread:{thread}")
            assert (begun["type"], begun["topic"]) == ("subscribed", f"thread:{thread}")
            post = write(town, thread)
            told = ear.hear("post_created")
            assert told["payload"]["post_id"] == post
            assert told["topic"] == f"thread:{thread}"
            assert told["seq"] > begun["seq"]
            ear.say("unsubscribe", topic=f"thread:{thread}")
            ear.hear("unsubscribed")
            write(town, thread)
            assert ear.is_quiet()

    def test_what_the_api_writes_is_heard(self, town: Town, thread: str) -> None:
        poster = town.client(f"poster_{uuid4().hex[:8]}")
        with listening(town.address) as ear:
            ear.follow(f"thread:{thread}")
            post = poster.post(f"/threads/{thread}/posts", json={"body": "Well."}).json()["id"]
            assert heard(ear, 1) == [post]
            poster.put(f"/posts/{post}/reactions/fire")
            assert ear.hear("reaction_toggled")["payload"] == {"post_id": post, "reaction": "fire", "step": 1}

    def test_surveys_and_games_are_heard_once_they_are_published(self, town: Town) -> None:
        moderator = town.client(f"mod_{uuid4().hex[:8]}", "moderator")
        show = str(town.one("SELECT entity_id FROM external_ids WHERE value = %s", SHOW))
        asked = [{"type": "single_choice", "prompt": "Who?", "options": ["Mara", "Jo"]}]
        for path, topic, more in (("/surveys", "survey", {}), ("/games", "game", {"kind": "poll"})):
            answer = moderator.post(path, json={"show_id": show, "title": "Who?", "questions": asked, **more})
            assert answer.status_code == 201, answer.text
            made = answer.json()["id"]
            with listening(town.address) as ear:
                assert ear.follow(f"{topic}:{made}")["type"] == "error", "a draft is nobody's business"
                assert moderator.post(f"{path}/{made}/publish").status_code == 204
                assert ear.follow(f"{topic}:{made}")["type"] == "subscribed"
                assert moderator.post(f"{path}/{made}/close").status_code == 204
                assert ear.wait_for("survey_closed")["payload"] == {"survey_id": made}

    def test_after_a_seq_nothing_is_lost_and_nothing_comes_twice(self, town: Town, thread: str) -> None:
        with listening(town.address) as ear:
            ear.follow(f"thread:{thread}")
            posts = [write(town, thread) for _ in range(3)]
            seqs = [ear.hear("post_created")["seq"] for _ in range(3)]
        posts += [write(town, thread) for _ in range(3)]
        with listening(town.address) as ear:
            assert ear.follow(f"thread:{thread}", seqs[0])["seq"] == seqs[0]
            assert heard(ear, 5) == posts[1:]
            posts.append(write(town, thread))
            assert heard(ear, 1) == posts[-1:]
            assert ear.is_quiet()

    def test_a_long_past_is_told_piece_by_piece(self, town: Town, thread: str) -> None:
        """More than may wait in a queue, and more is written meanwhile."""
        with listening(town.address) as ear:
            place = ear.follow(f"thread:{thread}")["seq"]
        posts = [write(town, thread) for _ in range(450)]
        with listening(town.address) as ear, ThreadPoolExecutor(1) as pool:
            more = pool.submit(lambda: [write(town, thread) for _ in range(50)])
            ear.follow(f"thread:{thread}", place)
            posts += more.result()
            assert heard(ear, 500) == posts
            assert ear.is_quiet()

    def test_a_number_that_commits_late_is_not_passed_over(self, town: Town, people_url: str, thread: str) -> None:
        """An event takes its number before it is there. (A reader of `seq > last` would lose the first one.)"""
        tell = b"SELECT tell(%s, 'post_created', jsonb_build_object('post_id', %s::text))"
        with listening(town.address) as ear, psycopg.connect(people_url) as slow, psycopg.connect(people_url) as gone:
            ear.follow(f"thread:{thread}")
            slow.execute(tell, [f"thread:{thread}", "late"])
            gone.execute(tell, [f"thread:{thread}", "never"])
            town.connection.execute(tell, [f"thread:{thread}", "early"])
            assert ear.is_quiet()
            gone.rollback()
            assert ear.is_quiet()
            slow.commit()
            assert heard(ear, 2) == ["late", "early"]

    @pytest.mark.parametrize("notice", ["nonsense", "{}", "[1]", '{"kind": "gone", "user": 3}'])
    def test_a_notice_that_is_none_ends_nothing(self, town: Town, thread: str, notice: str) -> None:
        with listening(town.address) as ear:
            ear.follow(f"thread:{thread}")
            write(town, thread)
            ear.hear("post_created")
            town.connection.execute("SELECT pg_notify('live', %s)", [notice])
            write(town, thread)
            ear.hear("post_created", seconds=2)

    def test_writers_that_wait_elsewhere_hold_nothing_up(self, town: Town, people_url: str, thread: str) -> None:
        """A crawl's transaction takes minutes; what is told meanwhile must not wait for it."""
        with listening(town.address) as ear, psycopg.connect(people_url) as crawl:
            crawl.execute("UPDATE shows SET title = title")
            ear.follow(f"thread:{thread}")
            posts = [write(town, thread) for _ in range(2)]
            assert heard(ear, 2) == posts

    def test_whoever_commits_when_all_is_heard_once_and_in_order(
        self, town: Town, people_url: str, thread: str
    ) -> None:
        tell = b"SELECT tell(%s, 'told', jsonb_build_object('by', %s::text))"
        topic = f"thread:{thread}"

        def writer(number: int) -> list[str]:
            chance, committed = random.Random(number), []
            with psycopg.connect(people_url) as connection:
                for turn in range(40):
                    names = [f"{number}.{turn}.{part}" for part in range(chance.randint(1, 3))]
                    for name in names:
                        connection.execute(tell, [topic, name])
                        time.sleep(chance.random() * 0.003)
                    if chance.random() < 0.3:
                        connection.rollback()
                    else:
                        connection.commit()
                        committed += names
            return committed

        with listening(town.address) as ear, ThreadPoolExecutor(6) as pool:
            ear.follow(topic)
            written = [name for names in pool.map(writer, range(6)) for name in names]
            told = [ear.hear("told") for _ in written]
            assert sorted(event["payload"]["by"] for event in told) == sorted(written)
            assert [event["seq"] for event in told] == sorted({event["seq"] for event in told})
            assert ear.is_quiet()

    def test_where_events_are_gone_a_gap_is_told(self, town: Town, thread: str) -> None:
        for _ in range(3):
            write(town, thread)
        town.connection.execute("DELETE FROM outbox WHERE seq < (SELECT max(seq) FROM outbox)")
        newest = town.one("SELECT max(seq) FROM outbox")
        for unknown in (0, newest + 1_000_000):
            with listening(town.address) as ear:
                place = ear.follow(f"thread:{thread}", unknown)["seq"]
                assert place == ear.hear("gap")["seq"] == newest
        with listening(town.address) as ear:
            ear.follow(f"thread:{thread}", newest - 1)
            assert ear.hear("post_created")["seq"] == newest

    def test_what_is_kept_is_pruned_by_age(self, crawl_url: str) -> None:
        prune = queries.PRUNE.replace(b"$1", b"%s")
        with psycopg.connect(crawl_url, autocommit=True) as connection:
            connection.execute("SELECT tell('thread:' || new_id(), 'x', '{}') FROM generate_series(1, 20)")
            connection.execute("UPDATE outbox SET at = now() - interval '3 days' WHERE seq <= 12")
            assert connection.execute(prune, [timedelta(days=2)]).fetchall() == [(12,)]
            assert connection.execute("SELECT min(seq) FROM outbox").fetchall() == [(13,)]
            assert connection.execute(prune, [timedelta(0)]).fetchall() == [(7,)]  # the newest one stays

    def test_an_episodes_address_follows_its_threads_old_and_new(self, town: Town, ada: UUID) -> None:
        episode = town.one("SELECT id FROM episodes ORDER BY id LIMIT 1")
        begin = (
            "INSERT INTO threads (show_id, episode_id, type, title, author_id) SELECT show_id, id, 'general', 'T', %s "
            "FROM episodes WHERE id = %s RETURNING id"
        )
        old = str(town.one(begin, ada, episode))
        with listening(town.address, f"/discussions/episodes/{episode}") as ear:
            assert {ear.hear("subscribed")["topic"] for _ in range(2)} >= {f"episode:{episode}"}
            post = write(town, old)
            assert heard(ear, 1) == [post]
            new = str(town.one(begin, ada, episode))
            first = write(town, new)
            place = ear.hear("thread_created")["seq"]
            assert ear.hear("subscribed")["topic"] == f"thread:{new}"
            assert heard(ear, 1) == [first]
        with listening(town.address, f"/discussions/episodes/{episode}?after={place}") as ear:
            assert ear.wait_for("post_created")["payload"]["post_id"] == first

    def test_a_thread_that_begins_while_they_are_looked_up_is_followed(
        self, town: Town, ada: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        episode = town.one("SELECT id FROM episodes ORDER BY id LIMIT 1")
        live, begun = town.app.state.live, []
        look_up = live.threads_of

        async def late(*asked: Any) -> list[str]:
            found: list[str] = await look_up(*asked)
            begin = (
                "INSERT INTO threads (show_id, episode_id, type, title, author_id) "
                "SELECT show_id, id, 'general', 'Late', %s FROM episodes WHERE id = %s RETURNING id"
            )
            begun.append(str(town.one(begin, ada, episode)))
            await live.relay.catch_up()
            return found

        monkeypatch.setattr(live, "threads_of", late)
        with listening(town.address, f"/discussions/episodes/{episode}") as ear:
            assert ear.wait_for("thread_created")["payload"]["thread_id"] == begun[0]
            post = write(town, begun[0])
            assert ear.wait_for("post_created")["payload"]["post_id"] == post

    @pytest.mark.parametrize("topic", ["thread:{}", "episode:{}", "show:{}", "season:{}", "user:{}"])
    def test_what_is_not_there_or_anothers_is_not_found(self, town: Town, ada: UUID, topic: str) -> None:
        other = user(town.connection, f"ben_{uuid4().hex[:8]}")
        with listening(town.address, token=town.token(ada)) as ear:
            told = ear.follow(topic.format(other))
            assert (told["type"], told["payload"]["type"]) == ("error", "/problems/not-found")
        for path in (str(other), "one", f"{other}?after=yesterday", f"{other}:x"):
            with Ear(town.address, f"/discussions/episodes/{path}") as ear:
                assert ear.end()[0] == hub.Close.NOT_FOUND

    def test_what_is_somebodys_own_needs_a_log_in(self, town: Town, ada: UUID) -> None:
        with listening(town.address) as ear:
            assert ear.follow(f"user:{ada}")["payload"]["type"] == "/problems/unauthorized"
            ear.say("authenticate", token=town.token(ada))
            ear.hear("authenticated")
            assert ear.follow(f"user:{ada}")["type"] == "subscribed"
            town.connection.execute("SELECT tell(%s, 'unread_changed', '{}')", [f"user:{ada}"])
            ear.hear("unread_changed")


class TestTokens:
    """Defect 39 of the reference system: tokens in addresses, never looked at again, closed before accepted."""

    def test_one_in_the_address_counts_for_nothing_and_is_not_logged(
        self, town: Town, ada: UUID, caplog: pytest.LogCaptureFixture
    ) -> None:
        token = town.token(ada)
        with caplog.at_level("INFO"), listening(town.address, f"?token={token}") as ear:
            assert ear.follow(f"user:{ada}")["payload"]["type"] == "/problems/unauthorized"
        assert token not in caplog.text

    def test_the_one_in_a_subprotocol_is_not_sent_back(self, town: Town, ada: UUID) -> None:
        with listening(town.address, token=town.token(ada)) as ear:
            assert ear.socket.subprotocol == "trr"
            assert ear.follow(f"user:{ada}")["type"] == "subscribed"

    @pytest.mark.parametrize("how", ["subprotocol", "message"])
    @pytest.mark.parametrize("wrong", ["none", "other key", "other issuer", "other audience", "expired", "garbage"])
    def test_a_wrong_one_closes_with_a_code(self, town: Town, ada: UUID, how: str, wrong: str) -> None:
        token = forged(town, ada, wrong)
        with Ear(town.address, token=token if how == "subprotocol" else None) as ear:
            if how == "message":
                ear.say("authenticate", token=token)
            assert ear.end()[0] == hub.Close.UNAUTHORIZED

    def test_it_ends_when_it_expires_but_not_where_a_newer_one_came(self, people_url: str, town: Town) -> None:
        app = create_app(settings(people_url, jwt_leeway=0))
        with served(app) as address:
            tokens = app.state.accounts.tokens
            people = [user(town.connection, f"short_{uuid4().hex[:8]}") for _ in range(2)]
            callers = [tokens._read(town.token(person), "api") for person in people]
            short = [tokens._sign("api", timedelta(seconds=2), sub=found["sub"], sid=found["sid"]) for found in callers]
            with listening(address, token=short[0]) as ending, listening(address, token=short[1]) as renewed:
                renewed.say("authenticate", token=town.token(people[1]))
                renewed.hear("authenticated")
                renewed.follow(f"user:{people[1]}")
                assert ending.end() == (hub.Close.UNAUTHORIZED, "The token has expired. Connect with another one.")
                assert renewed.is_quiet(0.5)
                renewed.say("heartbeat")
                renewed.hear("heartbeat")

    def test_it_ends_also_where_the_database_was_away_when_it_came(
        self, people_url: str, town: Town, ada: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secret = town.app.state.settings.secret.get_secret_value()
        app = create_app(settings(people_url, secret=secret, jwt_leeway=0))

        async def away(*_: object) -> None:
            raise psycopg.OperationalError("away")

        monkeypatch.setattr(app.state.live, "know", away)
        claims = jwt.decode(town.token(ada), options={"verify_signature": False})
        soon = jwt.encode({**claims, "exp": int(time.time()) + 2}, app.state.accounts.tokens._secret)
        with served(app) as address, Ear(address, token=soon) as ear:
            assert ear.hear("error")["payload"]["type"] == "/problems/unavailable"
            assert ear.end(seconds=4)[0] == hub.Close.UNAUTHORIZED

    def test_clocks_may_differ_by_the_leeway(self, people_url: str, town: Town, ada: UUID) -> None:
        app = create_app(settings(people_url, jwt_leeway=3))
        claims = app.state.accounts.tokens._read(town.token(ada), "api")
        late = app.state.accounts.tokens._sign("api", timedelta(seconds=-1), sub=claims["sub"], sid=claims["sid"])
        with served(app) as address, listening(address, token=late) as ear:
            ear.follow(f"user:{ada}")
            started = time.monotonic()
            assert ear.end()[0] == hub.Close.UNAUTHORIZED
            assert 0.5 < time.monotonic() - started < 3

    def test_it_ends_with_its_log_in_and_with_no_other(self, town: Town, ada: UUID) -> None:
        phone, laptop = town.token(ada), town.token(ada)
        with listening(town.address, token=phone) as here, listening(town.address, token=laptop) as there:
            for ear in (here, there):
                ear.follow(f"user:{ada}")
            answer = httpx.post(
                f"{town.address}/api/v1/accounts/logout",
                json={"everywhere": False},
                headers={"authorization": f"Bearer {phone}"},
            )
            assert answer.status_code == 204
            assert here.end() == (hub.Close.UNAUTHORIZED, "This log-in has ended. Log in again.")
            there.hear("login_ended")
            there.say("heartbeat")
            there.hear("heartbeat")
        with Ear(town.address, token=phone) as ear:
            assert ear.end()[0] == hub.Close.UNAUTHORIZED

    @pytest.mark.parametrize("is_told", [True, False])
    def test_it_ends_with_the_account(
        self, people_url: str, town: Town, is_told: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "WATCH_SECONDS", 60.0 if is_told else 0.1)
        person = user(town.connection, f"leaver_{uuid4().hex[:8]}")
        bearer = {"authorization": f"Bearer {town.token(person)}"}
        secret = town.app.state.settings.secret.get_secret_value()
        with (
            served(create_app(settings(people_url, secret=secret))) as other,
            listening(other, token=town.token(person)) as ear,
        ):
            ear.follow(f"user:{person}")
            if is_told:
                answer = httpx.request("DELETE", f"{town.address}/api/v1/me", json={"content": "keep"}, headers=bearer)
                assert answer.status_code == 204
            else:
                town.connection.execute("DELETE FROM sessions WHERE user_id = %s", [person])
                town.connection.execute("DELETE FROM users WHERE id = %s", [person])
            assert ear.end(seconds=4) == (4001, "This account was deleted.")

    def test_a_socket_stays_one_persons(self, town: Town, ada: UUID, thread: str) -> None:
        other = user(town.connection, f"ben_{uuid4().hex[:8]}")
        with listening(town.address, token=town.token(ada)) as ear:
            ear.say("authenticate", token=town.token(other))
            assert ear.hear("error")["payload"]["type"] == "/problems/conflict"
            assert ear.follow(f"user:{other}")["type"] == "error"


def forged(town: Town, person: UUID, wrong: str) -> str:
    """A token that is good but for one thing."""
    tokens = town.app.state.accounts.tokens
    good = town.token(person)
    claims = tokens._read(good, "api")
    match wrong:
        case "none":
            head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
            return f"{head}.{good.split('.')[1]}."
        case "other key":
            return jwt.encode(claims, "x" * 32, algorithm="HS256")
        case "other issuer":
            return jwt.encode({**claims, "iss": "elsewhere"}, tokens._secret, algorithm="HS256")
        case "other audience":
            return jwt.encode({**claims, "aud": "mail reset"}, tokens._secret, algorithm="HS256")
        case "expired":
            return jwt.encode({**claims, "exp": time.time() - 3600}, tokens._secret, algorithm="HS256")
    return "garbage"


class TestWhatClientsSend:
    @pytest.mark.parametrize(
        "sent",
        [
            "",
            "[]",
            "[1, 2]",
            "7",
            "null",
            '"subscribe"',
            "{",
            "{}",
            '{"type": 7}',
            '{"type": "shout"}',
            '{"type": ["subscribe"]}',
            '{"type": "subscribe"}',
            '{"type": "subscribe", "topic": 7}',
            '{"type": "subscribe", "topic": "thread"}',
            '{"type": "subscribe", "topic": "thread:1"}',
            '{"type": "subscribe", "topic": "secrets:0199c0de-0000-7000-8000-000000000001"}',
            '{"type": "subscribe", "topic": "thread:0199c0de-0000-7000-8000-000000000001", "after": -1}',
            '{"type": "subscribe", "topic": "thread:0199c0de-0000-7000-8000-000000000001", "after": "1"}',
            '{"type": "subscribe", "topic": "thread:0199c0de-0000-7000-8000-000000000001", "after": 1e400}',
            '{"type": "subscribe", "topic": "\\u0000"}',
            '{"type": "unsubscribe", "topic": "thread:0199c0de-0000-7000-8000-000000000001"}',
            '{"type": "typing_start", "topic": "thread:0199c0de-0000-7000-8000-000000000001"}',
            '{"type": "heartbeat", "and": "more"}',
            b"\x00\xff",
            "[" * 10_000,
        ],
    )
    def test_nonsense_is_told_and_the_socket_stays(self, town: Town, sent: str | bytes) -> None:
        """Defect 39: an array or a number as a message killed the socket."""
        with listening(town.address) as ear:
            ear.socket.send(sent)
            assert ear.hear("error")["payload"]["type"].startswith("/problems/")
            ear.say("heartbeat")
            ear.hear("heartbeat")

    def test_a_large_message_ends_it(self, town: Town) -> None:
        with Ear(town.address) as ear:
            ear.say("authenticate", token="x" * 20_000)
            assert ear.end()[0] == hub.Close.TOO_BIG

    def test_a_flood_ends_it(self, people_url: str) -> None:
        with served(create_app(settings(people_url, live_messages="10/minute"))) as address, Ear(address) as ear:
            for _ in range(11):
                ear.say("heartbeat")
            assert ear.end() == (hub.Close.TOO_MUCH, "Too many messages.")

    def test_too_many_sockets_of_an_address_or_a_person_are_refused(
        self, people_url: str, town: Town, ada: UUID
    ) -> None:
        app = create_app(settings(people_url, live_per_address=3, live_per_user=2))
        with served(app) as address:
            token = town.token(ada)
            with listening(address, token=token), listening(address, token=token), Ear(address, token=token) as third:
                assert third.end()[0] == hub.Close.TOO_MUCH
            wait_for(lambda: "trr_api_live_followers 0.0" in httpx.get(f"{address}/metrics").text)
            with listening(address), listening(address), listening(address), Ear(address) as fourth:
                assert fourth.end()[0] == hub.Close.TOO_MUCH
            wait_for(lambda: "trr_api_live_followers 0.0" in httpx.get(f"{address}/metrics").text)
            with listening(address) as ear:  # those that ended do not count
                ear.say("heartbeat")
                ear.hear("heartbeat")

    def test_pages_of_other_origins_are_refused(self, people_url: str) -> None:
        with served(create_app(settings(people_url, cors_origins=("https://ours.example",)))) as address:
            for origin in ("https://ours.example", address, None):
                with listening(address, origin=origin) as ear:
                    ear.say("heartbeat")
                    ear.hear("heartbeat")
            with Ear(address, origin="https://theirs.example") as ear:
                assert ear.end()[0] == hub.Close.FORBIDDEN_ORIGIN


class TestSlowAndSilent:
    def test_one_slow_socket_delays_nobody_and_is_told_why_it_ends(
        self, people_url: str, town: Town, thread: str
    ) -> None:
        """Defect 38 of the reference system: ten slow sockets delayed a room by five seconds."""
        tell = b"SELECT tell(%s, 'big', jsonb_build_object('text', repeat('x', 50000), 'number', %s::int))"
        app = create_app(settings(people_url, live_queue=20))
        with served(app) as address, listening(address) as fast:
            slow = [slow_reader(address) for _ in range(5)]
            for ear in (*slow, fast):
                ear.follow(f"thread:{thread}")
            delays = []
            for number in range(200):
                started = time.monotonic()
                town.connection.execute(tell, [f"thread:{thread}", number])
                assert fast.hear("big")["payload"]["number"] == number
                delays.append(time.monotonic() - started)
            assert max(delays) < 1
            assert [ear.end()[0] for ear in slow] == [hub.Close.TOO_SLOW] * 5
            assert metric(address, 'trr_api_live_closed_total{reason="too_slow"}') == 5
            assert metric(address, "trr_api_live_followers") == 1
            assert metric(address, "trr_api_live_delivered_total") >= 200

    def test_one_who_never_reads_again_is_cut_off(self, people_url: str, town: Town, thread: str) -> None:
        app = create_app(settings(people_url, live_queue=5))
        with served(app) as address:
            slow = slow_reader(address)
            slow.follow(f"thread:{thread}")
            town.connection.execute(
                "SELECT tell(%s, 'big', jsonb_build_object('text', repeat('x', 100000))) FROM generate_series(1, 200)",
                [f"thread:{thread}"],
            )
            until(lambda: metric(address, "trr_api_live_followers") == 0)

    def test_a_half_open_socket_is_noticed(self, people_url: str) -> None:
        app = create_app(settings(people_url, live_ping=0.3))
        with served(app) as address, listening(address) as alive:
            host, port = address.removeprefix("http://").split(":")
            with socket.create_connection((host, int(port))) as silent:
                silent.sendall(
                    f"GET /api/v1/ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
                )
                until(lambda: metric(address, "trr_api_live_followers") == 2)
                until(lambda: metric(address, "trr_api_live_followers") == 1)
            alive.say("heartbeat")
            alive.hear("heartbeat")


def slow_reader(address: str) -> Ear:
    """A socket that takes little before somebody reads."""
    host, port = address.removeprefix("http://").split(":")
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.connect((host, int(port)))
    return Ear(address, sock=small, max_queue=1)


def metric(address: str, name: str) -> float:
    """One of the numbers for Prometheus."""
    lines = httpx.get(f"{address}/metrics").text.splitlines()
    return next(float(line.removeprefix(f"{name} ")) for line in lines if line.startswith(f"{name} "))


def until(true: Callable[[], bool], seconds: float = 8) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


class TestPresenceAndTyping:
    def test_who_leaves_one_of_two_tabs_is_still_there(self, town: Town, thread: str) -> None:
        """Defect 40 of the reference system: it marked them offline everywhere, and told a newcomer nothing."""
        ada, ben = (user(town.connection, f"{name}_{uuid4().hex[:8]}") for name in ("ada", "ben"))
        topic = f"thread:{thread}"
        with listening(town.address, token=town.token(ben)) as ear:
            ear.follow(topic, presence=True)
            assert ear.hear("presence_state")["payload"] == {"online": [str(ben)]}
            first, second = (Ear(town.address, token=town.token(ada)) for _ in range(2))
            for tab in (first, second):
                tab.hear("authenticated")
                tab.follow(topic, presence=True)
                assert tab.hear("presence_state")["payload"] == {"online": sorted(map(str, (ada, ben)))}
            assert ear.hear("presence")["payload"] == {"user_id": str(ada), "is_online": True}
            first.socket.close()
            assert ear.is_quiet()
            second.say("unsubscribe", topic=topic)
            assert ear.hear("presence")["payload"] == {"user_id": str(ada), "is_online": False}
            second.socket.close()

    def test_who_only_follows_is_not_seen(self, town: Town, ada: UUID, thread: str) -> None:
        other = user(town.connection, f"ben_{uuid4().hex[:8]}")
        with (
            listening(town.address, token=town.token(ada)) as ear,
            listening(town.address, token=town.token(other)) as silent,
        ):
            ear.follow(f"thread:{thread}", presence=True)
            ear.hear("presence_state")
            silent.follow(f"thread:{thread}")
            assert ear.is_quiet()
        with listening(town.address) as nobody:
            nobody.follow(f"thread:{thread}", presence=True)
            assert nobody.hear("error")["payload"]["type"] == "/problems/unauthorized"

    def test_devices_of_a_killed_process_run_out(
        self, town: Town, ada: UUID, thread: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert presence.FORGOTTEN_SECONDS + presence.BEAT_SECONDS <= 45
        monkeypatch.setattr(presence, "BEAT_SECONDS", 0.2)
        topic = f"thread:{thread}"
        ghost = user(town.connection, f"ghost_{uuid4().hex[:8]}")
        town.connection.execute(
            "INSERT INTO presences (device_id, topic, user_id, seen_at) VALUES (new_id(), %s, %s, now() - %s)",
            [topic, ghost, timedelta(seconds=presence.FORGOTTEN_SECONDS - 0.7)],
        )
        with served(create_app(town.app.state.settings)) as address, listening(address, token=town.token(ada)) as ear:
            ear.follow(topic, presence=True)
            assert str(ghost) in ear.hear("presence_state")["payload"]["online"]
            assert ear.hear("presence")["payload"] == {"user_id": str(ghost), "is_online": False}
            assert town.one("SELECT count(*) FROM presences WHERE user_id = %s", ghost) == 0
            # Its own stay, also where a crash of the server forgot them.
            town.connection.execute("DELETE FROM presences")
            until(lambda: town.one("SELECT count(*) FROM presences WHERE user_id = %s", ada) == 1)

    def test_typing_reaches_the_others_and_ends_by_itself(
        self, town: Town, ada: UUID, thread: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert hub.TYPING_SECONDS == 10
        monkeypatch.setattr(hub, "TYPING_SECONDS", 0.5)
        topic = f"thread:{thread}"
        before = town.one("SELECT count(*) FROM outbox")
        with listening(town.address, token=town.token(ada)) as typist, listening(town.address) as ear:
            for each in (typist, ear):
                each.follow(topic)
            for _ in range(3):
                typist.say("typing_start", topic=topic)
            assert ear.hear("typing")["payload"] == {"user_id": str(ada), "is_typing": True}
            assert ear.hear("typing")["payload"] == {"user_id": str(ada), "is_typing": False}
            typist.say("typing_start", topic=topic)
            typist.say("typing_stop", topic=topic)
            assert [ear.hear("typing")["payload"]["is_typing"] for _ in range(2)] == [True, False]
            assert typist.is_quiet()
            ear.say("typing_start", topic=topic)
            assert ear.hear("error")["payload"]["type"] == "/problems/unauthorized"
        assert town.one("SELECT count(*) FROM outbox") == before


class TestStreams:
    def test_events_come_as_they_happen_and_go_on_after_the_last(self, town: Town, thread: str) -> None:
        topic = f"thread:{thread}"
        with streaming(town, topic, headers={"accept-encoding": "gzip, zstd, br"}) as (response, events):
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert not {"etag", "content-encoding"} & set(response.headers)
            assert next(events) == {"retry": "2000"}
            begun = next(events)
            assert json.loads(begun["data"])["type"] == "subscribed"
            posts = [write(town, thread) for _ in range(3)]
            seqs = []
            for post in posts:
                event = next(events)
                assert json.loads(event["data"])["payload"]["post_id"] == post
                seqs.append(event["id"])
        posts.append(write(town, thread))
        with streaming(town, topic, headers={"last-event-id": seqs[1]}) as (_, events):
            told = _told(events, 3)
            assert [event["payload"].get("post_id") for event in told] == [None, *posts[2:]]

    def test_several_topics_are_one_past_in_order(self, town: Town, thread: str, ada: UUID) -> None:
        other = str(town.one("INSERT INTO threads (show_id, type, title, author_id) SELECT show_id, type, title, %s "
                             "FROM threads WHERE id = %s RETURNING id", ada, thread))  # fmt: skip
        place = town.one("SELECT max(seq) FROM outbox")
        posts = [write(town, (thread, other)[number % 2]) for number in range(250)]
        query = f"thread:{thread}&topic=thread:{other}&after={place}"
        with streaming(town, query) as (_, events):
            told = [event for event in _told(events, 252) if event["type"] == "post_created"]
            assert [event["payload"]["post_id"] for event in told] == posts
            assert [event["seq"] for event in told] == sorted(event["seq"] for event in told)

    def test_it_ends_with_the_token_and_with_the_log_in(self, town: Town, people_url: str, ada: UUID) -> None:
        app = create_app(settings(people_url, jwt_leeway=0))
        claims = app.state.accounts.tokens._read(town.token(ada), "api")
        short = app.state.accounts.tokens._sign("api", timedelta(seconds=1), sub=claims["sub"], sid=claims["sid"])
        headers = {"authorization": f"Bearer {short}"}
        with (
            served(app) as address,
            httpx.stream("GET", f"{address}/api/v1/events?topic=user:{ada}", headers=headers, timeout=10) as response,
        ):
            assert response.status_code == 200
            assert len(list(frames(response.iter_lines()))) >= 2
        token = town.token(ada)
        with streaming(town, f"user:{ada}", headers={"authorization": f"Bearer {token}"}) as (_, events):
            _told(events, 1)
            town.connection.execute("UPDATE sessions SET revoked_at = now() WHERE user_id = %s", [ada])
            assert [json.loads(event["data"])["type"] for event in events if "data" in event] in ([], ["login_ended"])

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ("", 422),
            ("topic=thread", 422),
            ("topic=secrets:0199c0de-0000-7000-8000-000000000001", 422),
            ("topic=thread:0199c0de-0000-7000-8000-000000000001&after=-1", 422),
            ("topic=thread:0199c0de-0000-7000-8000-000000000001&from=1", 422),
            ("topic=thread:0199c0de-0000-7000-8000-000000000001", 404),
            ("topic=user:0199c0de-0000-7000-8000-000000000001", 401),
        ],
    )
    def test_what_is_wrong_is_a_problem(self, town: Town, query: str, status: int) -> None:
        assert town.client().get(f"/events?{query}").status_code == status


def test_what_comes_while_a_stream_sends_is_sent_at_once() -> None:
    follower = hub.Follower(10)
    sent: list[bytes] = []

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))
        if len(sent) == 2:  # the head came before
            follower.offer(envelope("heartbeat", {}))
        elif b"heartbeat" in sent[-1]:
            follower.close(hub.Close.UNAUTHORIZED, "Over.")

    async def nothing() -> None: ...

    async def stays() -> Any:
        await asyncio.sleep(60)

    stream = EventStream(follower, nothing(), AsyncExitStack())
    asyncio.run(asyncio.wait_for(stream({}, stays, send), 3))
    assert b"heartbeat" in sent[2]


def test_why_a_stream_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise RuntimeError("a fault of ours")

    async def send(_: Any) -> None: ...

    async def stays() -> Any:
        await asyncio.sleep(60)

    stream = EventStream(hub.Follower(10), fails(), AsyncExitStack())
    asyncio.run(asyncio.wait_for(stream({}, stays, send), 3))
    assert "a fault of ours" in caplog.text


def test_a_server_that_stops_says_so_and_waits_for_no_listener(people_url: str, thread: str) -> None:
    with ExitStack() as stack, ExitStack() as clients:
        address = stack.enter_context(served(create_app(settings(people_url))))
        ear = clients.enter_context(listening(address))
        ear.follow(f"thread:{thread}")
        stream = clients.enter_context(
            httpx.stream("GET", f"{address}/api/v1/events?topic=thread:{thread}", timeout=10)
        )
        events = frames(stream.iter_lines())
        assert next(events) == {"retry": "2000"}
        started = time.monotonic()
        stack.close()  # the server ends, and has waited for what ran
        assert time.monotonic() - started < 5
        assert ear.end()[0] == 1012  # restarts
        with pytest.raises(httpx.RemoteProtocolError):
            list(events)


@contextmanager
def streaming(
    town: Town, topic: str, headers: dict[str, str] | None = None
) -> Iterator[tuple[httpx.Response, Iterator[dict[str, str]]]]:
    """A stream of events that is open."""
    address = f"{town.address}/api/v1/events?topic={topic}"
    with httpx.stream("GET", address, headers=headers, timeout=10) as response:
        assert response.status_code == 200
        yield response, frames(response.iter_lines())


def _told(events: Iterator[dict[str, str]], count: int) -> list[Any]:
    """So many events, comments left out."""
    found = (json.loads(event["data"]) for event in events if "data" in event)
    return [next(found) for _ in range(count)]
