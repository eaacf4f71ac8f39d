"""Several processes on one database: one is killed, and PostgreSQL and Redis are restarted, while people write."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis as RedisClient
from websockets.exceptions import ConnectionClosed

from ears import Ear
from people import user
from serving import process, settings, wait_for
from support import Server, free_port, lacking
from trr_api.accounts.tokens import Tokens
from trr_api.database import Database
from trr_api.metrics import Metrics
from trr_api.realtime.hub import Hub
from trr_api.realtime.relay import Relay
from trr_api.realtime.stream import Stream
from trr_api.session import Caller

MESSAGES = 160
SECRET = "a secret of the tests"


class Redis:
    """A server that forgets everything when it ends."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            lacking("no redis-server")
        self.port = free_port()
        self._command = [str(program), "--port", str(self.port), "--save", "", "--dir", str(folder)]
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)

    def crash(self) -> None:
        """End it, and start it again with nothing in it."""
        self._process.kill()
        self._process.wait()
        time.sleep(0.3)
        self.start()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Listener:
    """A client as one should be: whatever happens, it connects again and goes on after the last seq."""

    def __init__(self, addresses: list[str], token: str, topic: str) -> None:
        self.heard: list[int] = []
        self.connections = 0
        self._addresses, self._token, self._topic = addresses, token, topic
        self._after: int | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                with Ear(self._addresses[self.connections % len(self._addresses)], token=self._token) as ear:
                    self._listen(ear)
            except (ConnectionClosed, OSError):
                time.sleep(0.05)
            self.connections += 1

    def _listen(self, ear: Ear) -> None:
        ear.say("subscribe", topic=self._topic, after=self._after)
        while not self._ended.is_set():
            try:
                told = ear.hear(seconds=0.2)
            except TimeoutError:
                continue
            if told["type"] == "error":  # the database is away
                return
            assert told["type"] != "gap"
            if told["topic"] == self._topic and told["seq"] is not None:
                self._after = told["seq"]
            if told["type"] == "dm_message_created":
                self.heard.append(told["payload"]["number"])


def send(addresses: list[str], token: str, conversation: str, count: int) -> None:
    """Send so many messages, each until it is answered, by whichever process answers."""
    attempt = 0
    with httpx.Client(headers={"authorization": f"Bearer {token}"}, timeout=5) as client:
        for number in range(count):
            body = {"body": f"Message {number}", "client_message_id": str(uuid4())}
            while True:
                try:
                    address = addresses[attempt % len(addresses)]
                    answer = client.post(f"{address}/api/v1/dms/{conversation}/messages", json=body)
                    if answer.is_success:
                        break
                    assert answer.status_code >= 500, answer.text
                except httpx.TransportError:
                    pass
                attempt += 1
                time.sleep(0.05)
            time.sleep(0.01)


@pytest.fixture
def conversation(system_server: Server) -> Iterator[tuple[str, str, list[str]]]:
    """A database, a conversation of two, and their tokens."""
    url = system_server.create("live", "template")
    tokens = Tokens(settings(url, secret=SecretStr(SECRET)))
    with psycopg.connect(url) as connection:
        people = [user(connection, name) for name in ("ada", "ben")]
        key = ":".join(sorted(map(str, people)))
        [(made,)] = connection.execute(
            "INSERT INTO conversations (direct_key) VALUES (%s) RETURNING id", [key]
        ).fetchall()
        for person in people:
            connection.execute(
                "INSERT INTO conversation_members (conversation_id, user_id) VALUES (%s, %s)", [made, person]
            )
        logins = connection.execute(
            "INSERT INTO sessions (user_id) SELECT unnest(%s::uuid[]) RETURNING user_id, id", [people]
        ).fetchall()
    yield url, str(made), [tokens.access(Caller(UUID(str(person)), session)) for person, session in logins]
    system_server.drop("live")


@contextmanager
def redis_server(folder: Path) -> Iterator[Redis]:
    server = Redis(folder)
    try:
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize("backend", ["postgresql", "redis"])
def test_two_clients_lose_nothing_and_hear_nothing_twice(
    system_server: Server, conversation: tuple[str, str, list[str]], backend: str, tmp_path: Path
) -> None:
    """One process is killed, PostgreSQL crashes, and so does Redis. (Defect 37: its Redis mode never worked at all.)"""
    url, identifier, tokens = conversation
    with ExitStack() as stack:
        environment = {"TRR_API_SECRET": SECRET, "TRR_API_RATE_LIMIT": "0/minute", "TRR_API_LIVE_MESSAGES": "0/minute"}
        redis = stack.enter_context(redis_server(tmp_path)) if backend == "redis" else None
        if redis is not None:
            environment["REDIS_URL"] = redis.url
        (first, one), (_, two) = (stack.enter_context(process(url, **environment)) for _ in range(2))
        together(one, two, tokens, f"conversation:{identifier}")
        ears = [
            Listener(addresses, token, f"conversation:{identifier}")
            for addresses, token in zip(([one, two], [two]), tokens, strict=True)
        ]
        stack.callback(lambda: [ear.stop() for ear in ears])
        senders = [
            threading.Thread(target=send, args=(addresses, token, identifier, MESSAGES // 2))
            for addresses, token in zip(([one, two], [two, one]), tokens, strict=True)
        ]
        for sender in senders:
            sender.start()
        assert system_server.crash is not None
        wait_for(lambda: all(len(ear.heard) > MESSAGES // 6 for ear in ears))
        first.kill()
        wait_for(lambda: all(len(ear.heard) > MESSAGES // 3 for ear in ears))
        system_server.crash()
        if redis is not None:
            wait_for(lambda: all(len(ear.heard) > MESSAGES // 2 for ear in ears))
            redis.crash()
        for sender in senders:
            sender.join()
        wait_for(lambda: all(len(ear.heard) >= MESSAGES for ear in ears))
        time.sleep(0.3)  # what came twice would come now
        for ear in ears:
            assert ear.heard == list(range(1, MESSAGES + 1))
        assert ears[0].connections > 0


def test_redis_keeps_what_was_told_for_a_minute(conversation: tuple[str, str, list[str]], tmp_path: Path) -> None:
    url, _, _ = conversation

    async def told_and_kept(redis: Redis) -> None:
        own = settings(url, redis_url=SecretStr(redis.url))
        database = Database(own)
        await database.open()
        heard: list[str] = []
        told = Stream(own, database, Relay(database, Hub(Metrics(database))), heard.append)
        reading = asyncio.create_task(told.read())
        client = RedisClient.from_url(redis.url, decode_responses=True, protocol=2)
        try:
            await until(lambda: heard == [""])  # it has begun to read
            await told.whisper("first")
            await until(lambda: heard[1:] == ["first"])
            [key] = await client.keys()
            await client.delete(key)  # as when nothing was told for a minute
            seconds, _ = await client.time()
            for text, age in (("taken back", 61), ("told", 30)):
                await client.xadd(key, {"whisper": text}, id=f"{(seconds - age) * 1000}-0")
            await told.whisper("last")
            kept: Any = await client.xrange(key)
            assert [fields["whisper"] for _, fields in kept] == ["told", "last"]
            assert 0 < await client.ttl(key) <= 60
            await until(lambda: heard[1:] == ["first", "last"])
        finally:
            reading.cancel()
            await asyncio.wait([reading])
            await client.aclose()
            await told.close()
            await database.close()

    with redis_server(tmp_path) as redis:
        wait_for(lambda: answers(redis.port))
        asyncio.run(told_and_kept(redis))


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not come to that in ten seconds")


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def together(one: str, two: str, tokens: list[str], topic: str) -> None:
    """Who is there, and who types, is known over both processes."""
    with Ear(one, token=tokens[0]) as ada, Ear(two, token=tokens[1]) as ben:
        for ear in (ada, ben):
            ear.hear("authenticated")
            ear.follow(topic)
            seen = ear.hear("presence_state")["payload"]["online"]
        assert len(seen) == 2
        assert ada.wait_for("presence")["payload"]["is_online"]
        type_until_heard(ada, ben, topic)
        ada.say("unsubscribe", topic=topic)
        assert not ben.wait_for("presence")["payload"]["is_online"]


def type_until_heard(typist: Ear, ear: Ear, topic: str) -> None:
    """Typing is kept nowhere: a process that only begins to listen may miss it."""
    for _ in range(20):
        typist.say("typing_start", topic=topic)
        with suppress(TimeoutError):
            assert ear.wait_for("typing", seconds=0.5)["payload"]["is_typing"]
            return
    pytest.fail("nobody heard it")
