"""A fleet on loopback: Scrapyd nodes that have the project from its egg, a scheduler, and a source to crawl."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from typing import Any, Final

import psycopg

from samples import imdb_pages
from samples.harbour_hearts import SHOW
from samples.imdb_pages import SampleShow
from trr_crawl import database
from trr_crawl.catalog import write
from trr_crawl.catalog.write import Record
from trr_crawl.commands.deploy import build_egg
from trr_crawl.errors import UserError
from trr_crawl.fleet.nodes import Node, NodeError

PATIENCE: Final = 60.0
"""Seconds that a node may take to start."""


def shows(count: int) -> list[SampleShow]:
    """The demo's show and as many like it as are wanted."""
    return [SHOW, *(_alike(number) for number in range(1, count))]


def _alike(number: int) -> SampleShow:
    episodes = tuple(
        replace(episode, id=f"tt98{number:03d}{place:04d}") for place, episode in enumerate(SHOW.episodes[:10])
    )
    return replace(SHOW, id=f"tt98{number:06d}", title=f"{SHOW.title}, harbour {number}", episodes=episodes)


@dataclass
class Source:
    """Answers for shows, and notes when it was asked."""

    shows: Mapping[str, SampleShow]
    url: str = ""
    asked_at: list[float] = field(default_factory=list)
    """By the monotonic clock; robots.txt left out."""

    @property
    def settings(self) -> dict[str, str]:
        """Settings that lead a crawl here."""
        return {"IMDB_TRANSPORT": "graphql", "IMDB_GRAPHQL_URL": f"{self.url}/graphql", "AUTOTHROTTLE_ENABLED": "0"}


@contextmanager
def source(count: int) -> Iterator[Source]:
    """A source on loopback that has so many shows."""
    made = Source({show.id: show for show in shows(count)})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer("text/plain", b"User-agent: *\nAllow: /\n")

        def do_POST(self) -> None:
            made.asked_at.append(time.monotonic())
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["variables"]
            show = made.shows[asked["id"]]
            self.answer("application/json", json.dumps(imdb_pages.answer(show, after=asked["after"])).encode())

        def answer(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def acquaint(url: str, known: Sequence[SampleShow]) -> None:
    """Let a catalog hear of shows, so that they are due."""
    with database.connect(url) as connection:
        write.prepare(connection)
        records = [
            Record(source="imdb", kind="show", key=show.id, payload={"id": show.id, "title": show.title})
            for show in known
        ]
        write.write(connection, records)


@contextmanager
def fleet(url: str, count: int) -> Iterator[list[Node]]:
    """So many Scrapyd nodes with the project, and a scheduler that works on them; all of it stops at the end."""
    home = database.home() / "fleet"
    shutil.rmtree(home, ignore_errors=True)
    environment = {**os.environ, "DATABASE_URL": url}
    with ExitStack() as stack:
        nodes = [stack.enter_context(_scrapyd(home / f"node{number}", environment)) for number in range(1, count + 1)]
        egg = build_egg()
        for node in nodes:
            _patiently(node)
            node.add_version("1", egg)
        environment["SCRAPYD_NODES"] = ",".join(node.url for node in nodes)
        stack.enter_context(
            _running(["-m", "scrapy", "scheduler"], database.PROJECT, home / "scheduler.log", environment)
        )
        yield nodes


def schedule(url: str, workers: int, settings: Mapping[str, str]) -> None:
    """`scrapy schedule add`, and `run` at once."""
    given = [part for name, value in settings.items() for part in ("--setting", f"{name}={value}")]
    for arguments in (
        ["add", "nightly", "imdb_episodes", "-a", "due=true", "--cron", "0 3 * * *", "--workers", str(workers), *given],
        ["run", "nightly"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "scrapy", "schedule", *arguments],
            cwd=database.PROJECT,
            env={**os.environ, "DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise UserError(f"scrapy schedule failed: {done.stderr.strip()[-500:]}")


@dataclass(frozen=True, slots=True)
class Share:
    """What one job of a night did so far."""

    node: str
    state: str
    requests: int
    shows: int
    seconds: float
    outcome: str | None


def shares(connection: psycopg.Connection[Any]) -> list[Share]:
    """The jobs of the night, by worker."""
    rows = connection.execute(
        """
        SELECT coalesce(run.node, '-'), state, coalesce(requests, 0),
               (SELECT count(*) FROM crawl_states WHERE run_id = crawl.id),
               extract(epoch FROM coalesce(crawl.finished_at, now()) - crawl.started_at)::float8, run.outcome
        FROM schedule_runs run LEFT JOIN crawl_runs crawl ON crawl.job_id = run.job_id ORDER BY worker
        """
    ).fetchall()
    connection.commit()
    return [Share(node, state, asked, got, spent or 0.0, outcome) for node, state, asked, got, spent, outcome in rows]


def _patiently(node: Node) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            node.load()
        except NodeError as error:
            if time.monotonic() > deadline:
                raise UserError(f"The node {node.name} did not start: {error}.") from error
            time.sleep(0.2)
        else:
            return


@contextmanager
def _scrapyd(folder: Path, environment: Mapping[str, str]) -> Iterator[Node]:
    folder.mkdir(parents=True)
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    config = (database.PROJECT / "scrapyd.conf").read_text(encoding="utf-8")
    (folder / "scrapyd.conf").write_text(config.replace("6800", str(port)), encoding="utf-8")
    with _running(["-W", "ignore", "-m", "scrapyd", "--pidfile="], folder, folder / "log", environment):
        yield Node(f"http://127.0.0.1:{port}")


@contextmanager
def _running(arguments: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str]) -> Iterator[None]:
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=folder, env=dict(environment), stdout=file, stderr=subprocess.STDOUT
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
