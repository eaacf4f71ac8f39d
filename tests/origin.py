"""A local stand-in for IMDb: serves the samples' pages and answers, and misbehaves when told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from samples import imdb_pages
from samples.imdb_pages import SampleShow


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"})


def json_reply(data: object, status: int = 200) -> Reply:
    return Reply(json.dumps(data).encode(), status, {"Content-Type": "application/json"})


@dataclass
class Asked:
    """One request that came in."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    headers: Mapping[str, str]


Misbehaviour = Callable[[Asked], Reply | None]


class Origin:
    """Answers for some shows; `misbehave` may answer in its place, `delay` makes every answer slow (seconds)."""

    def __init__(self, *shows: SampleShow) -> None:
        self.shows = {show.id: show for show in shows}
        self.asked: list[Asked] = []
        self.misbehave: Misbehaviour = lambda _asked: None
        self.robots_txt = "User-agent: *\nAllow: /\n"
        self.delay = 0.0
        self.page_size = 250
        self.url = ""

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if asked.path == "/robots.txt":
            return Reply(self.robots_txt.encode(), headers={"Content-Type": "text/plain"})
        time.sleep(self.delay)
        if (special := self.misbehave(asked)) is not None:
            return special
        if asked.method == "POST":
            return self._answer(json.loads(asked.body)["variables"])
        parts = asked.path.split("/")
        show = self.shows.get(parts[2]) if parts[1] == "title" else None
        return Reply(imdb_pages.page(show, asked.query.get("season"))) if show else Reply(b"no such page", 404)

    def _answer(self, variables: dict[str, Any]) -> Reply:
        show = self.shows.get(variables["id"])
        if show is None:
            return json_reply({"data": {"title": None}})
        seasons = (variables["filter"] or {}).get("includeSeasons", [])
        return json_reply(imdb_pages.answer(show, seasons=seasons, first=self.page_size, after=variables["after"]))

    @property
    def pages_asked(self) -> list[str]:
        """The paths that were asked for, robots.txt left out."""
        return [
            asked.path + ("?" if asked.query else "") + "&".join(f"{k}={v}" for k, v in asked.query.items())
            for asked in self.asked
            if asked.path != "/robots.txt"
        ]

    def settings(self, transport: str) -> list[str]:
        """Options for `scrapy crawl` that lead a crawl here, without waiting between requests."""
        return [
            *("-s", f"IMDB_TRANSPORT={transport}"),
            *("-s", f"IMDB_WEB_URL={self.url}"),
            *("-s", f"IMDB_GRAPHQL_URL={self.url}/graphql"),
            *("-s", "DOWNLOAD_DELAY=0"),
            *("-s", "AUTOTHROTTLE_ENABLED=0"),
            *("-s", "BREAKER_PAUSE=0.1"),
        ]


@contextmanager
def serving(origin: Origin) -> Iterator[Origin]:
    """Serve an origin on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            reply = origin.reply(
                Asked(
                    self.command,
                    parts.path,
                    {name: values[0] for name, values in parse_qs(parts.query).items()},
                    self.rfile.read(length),
                    dict(self.headers.items()),
                )
            )
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in reply.headers:  # a server that breaks off promises more than it sends
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_POST = do_GET  # noqa: N815 - as http.server wants it

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A crawl that was killed does not wait for its answer."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    origin.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield origin
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
