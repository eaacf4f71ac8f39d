"""A receiver of alerts on loopback: takes them, refuses them, is slow, is down; and checks their signatures."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@dataclass(frozen=True)
class Got:
    """One alert that arrived."""

    id: str
    body: dict[str, Any]
    path: str
    headers: dict[str, str]

    @property
    def event(self) -> tuple[str, str, str]:
        """What happened, by which rule, to what."""
        kind: str = self.body["type"]
        return kind.removeprefix("crawl.finding."), self.body["data"]["rule"], self.body["data"]["subject"]


@dataclass
class Receiver:
    """`answer` decides what a request is answered with: a status, and headers."""

    url: str = ""
    answer: Callable[[Got], tuple[int, dict[str, str]]] = lambda _: (204, {})
    asked: list[Got] = field(default_factory=list)
    """Everything that came, acknowledged or not."""
    taken: list[Got] = field(default_factory=list)
    """What was acknowledged."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Serve one; every webhook's signature is verified as a receiver would, by the library."""
    receiver = Receiver()
    problems: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            if "webhook-id" in headers:
                try:
                    Webhook(SECRET).verify(text, headers)
                except Exception as error:  # told at the end of the test
                    problems.append(f"{error!r}: {text}")
            got = Got(headers.get("webhook-id", ""), json.loads(text), self.path, headers)
            receiver.asked.append(got)
            status, more = receiver.answer(got)
            if 200 <= status < 300:
                receiver.taken.append(got)
            try:
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.end_headers()
            except OSError:
                pass  # it did not wait for us

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert problems == []
