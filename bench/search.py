"""Search in a catalog as large as all of television, asked over loopback one request after the other."""

from __future__ import annotations

import http.client
import json
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import uvicorn
from pydantic import SecretStr

from bench import large
from trr_api.app import create_app
from trr_api.config import Settings
from trr_crawl import database

ASKED: Final = 60
"""Questions of each sort."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How long one sort of question takes, in milliseconds, and how many of them found anything."""

    sort: str
    example: str
    p50: float
    p95: float
    found: int
    asked: int


def measure(url: str, said: Callable[[str], None]) -> tuple[float, list[Answers]]:
    """Fill an empty catalog, then ask it; (seconds that the filling took, answers)."""
    started = time.perf_counter()
    with database.connect(url) as connection:
        large.fill(connection, said)
    seconds = time.perf_counter() - started
    return seconds, ask(url, said)


def ask(url: str, said: Callable[[str], None]) -> list[Answers]:
    """Ask a filled catalog all sorts of questions."""
    with _served(url) as port:
        answers = []
        for sort, questions in _questions(url).items():
            said(f"search: {sort}")
            answers.append(_ask(port, sort, questions))
        return answers


def _questions(url: str) -> dict[str, list[str]]:
    """What is asked, by sort; the same every time."""
    chosen = random.Random(1)
    with database.connect(url) as connection:
        names = [
            name
            for kind in ("show", "person", "episode")
            for (name,) in connection.execute(
                "SELECT name FROM search_documents WHERE kind = %s AND length(name) > 8 ORDER BY md5(name) LIMIT %s",
                [kind, ASKED // 3],
            )
        ]
        common = [
            word
            for (word,) in connection.execute(
                """
                SELECT unnest(most_common_elems::text::text[]) FROM pg_stats
                WHERE (tablename, attname) = ('search_documents', 'document')
                """
            )
        ]
    return {
        "exact name": names,
        "beginning": [name[: chosen.randint(3, 7)] for name in names],
        "typo": [_misspelt(name, chosen) for name in names],
        "nonsense": [" ".join("".join(chosen.choices("qxzwvkjy", k=5)) for _ in range(2)) for _ in names],
        "very common word": ["episode", *chosen.sample(common, ASKED - 1)],
        "two common words": [" ".join(chosen.sample(common[:200], 2)) for _ in names],
    }  # fmt: skip


def _misspelt(name: str, chosen: random.Random) -> str:
    at = chosen.randint(1, len(name) - 2)
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def _ask(port: int, sort: str, questions: Sequence[str]) -> Answers:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    times, found = [], 0
    for question in questions:
        started = time.perf_counter()
        connection.request("GET", "/api/v1/search?" + urlencode({"q": question, "limit": 20}))
        response = connection.getresponse()
        body = response.read()
        times.append((time.perf_counter() - started) * 1000)
        if response.status != 200:
            raise RuntimeError(f"search for {question!r} answered {response.status}: {body.decode()}")
        found += bool(json.loads(body)["data"])
    connection.close()
    return Answers(
        sort=sort,
        example=questions[0],
        p50=statistics.median(times),
        p95=statistics.quantiles(times, n=20)[-1],
        found=found,
        asked=len(questions),
    )


@contextmanager
def _served(url: str) -> Iterator[int]:
    """The API on a free port."""
    settings = Settings(database_url=SecretStr(url), rate_limit="0/minute", pool_min=1)
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
