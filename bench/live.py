"""Live events: many sockets in rooms, some of which do not read, beside the same fan-out by bare `websockets`."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from multiprocessing.connection import Connection as Pipe
from statistics import median
from typing import Final

from websockets.sync.client import connect

from bench import listeners
from bench.api import SECRET, CannotMeasure, free_port, wait
from bench.databases import settle
from trr_crawl import database

ROOMS: Final = 50
SLOW: Final = 0.05
"""Part of the sockets that does not read."""
BURST: Final = 10
"""Events to each room at once; the next burst comes when all are there."""
RATE: Final = 40
"""Events a second, where delays are measured."""
BODY: Final = "Nobody speaks. " * 15

_FILL: Final = """
INSERT INTO shows (title) VALUES ('Harbour Hearts');
INSERT INTO users (name) VALUES ('ada');
INSERT INTO threads (show_id, type, title, author_id)
SELECT shows.id, 'general', 'Room ' || n, users.id FROM shows, users, generate_series(1, {rooms}) n
"""
_TELL: Final = """
INSERT INTO outbox (topic, event, payload)
SELECT topic, 'told', jsonb_build_object('body', %s::text, 'sent', %s::float)
FROM unnest(%s::text[]) topic, generate_series(1, %s)
"""

Publish = Callable[[Sequence[str], int], None]
"""Tell each of some topics so many events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fanout:
    """What came to those who read."""

    per_second: float
    p50: float
    """Seconds from being sent to being received, at a steady rate."""
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All of it."""

    sockets: int
    live: Fanout
    live_alone: Fanout
    """Without those who do not read."""
    bare: Fanout


def measure(url: str, *, sockets: int, seconds: int, rounds: int) -> Result:
    """In an empty, migrated database: the medians of so many rounds, in which all are measured in turns."""
    with database.connect(url, autocommit=True) as connection:
        for statement in _FILL.format(rooms=ROOMS).split(";\n"):
            connection.execute(statement.encode())
        topics = [f"thread:{row[0]}" for row in connection.execute("SELECT id FROM threads ORDER BY id")]
        settle(connection)

        def tell(told: Sequence[str], times: int) -> None:
            connection.execute(_TELL, [BODY, time.time(), list(told), times])

        def live(slow: float) -> Fanout:
            with _api(url) as port, _crowd(port, "/api/v1/ws", topics, sockets, slow) as pipe:
                return _fanout(pipe, tell, topics, sockets, slow, seconds)

        def bare() -> Fanout:
            with _bare() as port, _crowd(port, "/", topics, sockets, SLOW) as pipe, _publisher(port) as publish:
                return _fanout(pipe, publish, topics, sockets, SLOW, seconds)

        measured = [(bare(), live(SLOW), live(0.0)) for _ in range(rounds)]
        of_bare, of_live, of_alone = (_medians(found) for found in zip(*measured, strict=True))
        return Result(sockets=sockets, bare=of_bare, live=of_live, live_alone=of_alone)


def _medians(found: Sequence[Fanout]) -> Fanout:
    return Fanout(
        per_second=median(one.per_second for one in found),
        p50=median(one.p50 for one in found),
        p99=median(one.p99 for one in found),
    )


def _fanout(pipe: Pipe, publish: Publish, topics: Sequence[str], sockets: int, slow: float, seconds: int) -> Fanout:
    healthy = list(islice(cycle(topics), sockets))[int(sockets * slow) :]
    _round(pipe, len(healthy), lambda: publish(topics, 1))  # to warm up
    started, rounds = time.monotonic(), 0
    while time.monotonic() - started < seconds:
        _round(pipe, len(healthy) * BURST, lambda: publish(topics, BURST))
        rounds += 1
    per_second = rounds * len(healthy) * BURST / (time.monotonic() - started)
    told = list(islice(cycle(topics), RATE * seconds))

    def steadily() -> None:
        began = time.monotonic()
        for number, topic in enumerate(told):
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
            publish([topic], 1)

    delays = sorted(_round(pipe, sum(map(healthy.count, told)), steadily))
    return Fanout(per_second=per_second, p50=delays[len(delays) // 2], p99=delays[len(delays) * 99 // 100])


def _round(pipe: Pipe, wanted: int, publish: Callable[[], None]) -> list[float]:
    """Send something, and wait until so many messages came; how long each took."""
    pipe.send(wanted)
    pipe.recv()
    publish()
    found = pipe.recv()
    if isinstance(found, str):
        raise CannotMeasure(found)
    return list(found)


@contextmanager
def _crowd(port: int, address: str, topics: Sequence[str], sockets: int, slow: float) -> Iterator[Pipe]:
    spawned = multiprocessing.get_context("spawn")
    ours, theirs = spawned.Pipe()
    process = spawned.Process(
        target=listeners.run,
        args=(theirs, "127.0.0.1", port, address, list(islice(cycle(topics), sockets)), int(sockets * slow)),
    )
    process.start()
    theirs.close()
    try:
        ours.recv()
        yield ours
    except EOFError:
        raise CannotMeasure("the sockets could not be opened") from None
    finally:
        process.terminate()
        process.join()


@contextmanager
def _api(url: str) -> Iterator[int]:
    port = free_port()
    environment = {
        "DATABASE_URL": database.without_driver(url),
        "TRR_API_PORT": str(port),
        "TRR_API_SECRET": SECRET,
        "TRR_API_LIVE_PER_ADDRESS": "0",
    }
    with _process([sys.executable, "-m", "trr_api"], environment):
        wait(f"http://127.0.0.1:{port}/livez")
        yield port


@contextmanager
def _bare() -> Iterator[int]:
    port = free_port()
    with _process([sys.executable, "-m", "bench.bare_sockets", str(port)], {}):
        wait(f"http://127.0.0.1:{port}/")
        yield port


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    started = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        started.terminate()
        started.wait()


@contextmanager
def _publisher(port: int) -> Iterator[Publish]:
    with connect(f"ws://127.0.0.1:{port}/publish", compression=None) as socket:

        def publish(topics: Sequence[str], times: int) -> None:
            now = time.time()
            told = {
                "type": "told",
                "ts": f"{now}",
                "payload": {"body": BODY, "sent": now},
                "topic": topics[0],
                "seq": 1,
            }
            text = json.dumps(told)
            socket.send(json.dumps([(topic, text) for topic in topics for _ in range(times)]))

        yield publish
