"""A local stand-in for IMDb's web server, pictures included, in a process of its own.

It holds every page ready but for a few replaced ids, so that it takes a small part of the time that any crawler needs
for the page, and is never what is measured.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench import pages

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.sharedctypes import Synchronized

START_SECONDS = 30
"""How long the origin may take to build its pages."""

ROBOTS = b"User-agent: *\nDisallow:\n"
"""Whoever crawls here may crawl everything."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A running origin."""

    url: str
    """Without a slash at its end."""
    _served: Synchronized[int]

    @property
    def served(self) -> int:
        """Pages sent since it started; robots.txt does not count."""
        return self._served.value


@contextmanager
def origin(size: int) -> Iterator[Origin]:
    """Serve pages of a size in bytes on a free port of this machine."""
    # Spawned, not forked: the parent has threads.
    context = multiprocessing.get_context("spawn")
    served: Any = context.Value("q", 0, lock=False)
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(size, served, there), daemon=True, name="bench-origin")
    process.start()
    try:
        if not here.poll(START_SECONDS):
            raise RuntimeError(f"the origin did not start within {START_SECONDS} s")
        yield Origin(f"http://127.0.0.1:{here.recv()}", served)
    finally:
        process.terminate()
        process.join()


def _run(size: int, served: Synchronized[int], ready: Connection) -> None:
    asyncio.run(_serve(size, served, ready))


async def _serve(size: int, served: Synchronized[int], ready: Connection) -> None:
    templates = pages.templates(size)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Speaker(templates, served), "127.0.0.1", 0)
    ready.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


class _Speaker(asyncio.Protocol):
    """As much HTTP/1.1 as one known client needs: GET, keep-alive, lengths."""

    def __init__(self, templates: tuple[pages.Template, ...], served: Synchronized[int]) -> None:
        self.templates = templates
        self.served = served
        self.received = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while b"\r\n\r\n" in self.received:
            request, _, self.received = self.received.partition(b"\r\n\r\n")
            self._answer(request.split(b" ", 2)[1])

    def _answer(self, target: bytes) -> None:
        asked = pages.asked_for(target)
        if asked is not None:
            number, season = asked
            self._send(b"200 OK", b"text/html; charset=utf-8", *self.templates[season - 1].of_show(number))
            self.served.value += 1
        elif (number := pages.picture_asked_for(target)) is not None:
            self._send(b"200 OK", b"image/jpeg", pages.picture(number))
            self.served.value += 1
        elif target == b"/robots.txt":
            self._send(b"200 OK", b"text/plain", ROBOTS)
        else:
            self._send(b"404 Not Found", b"text/plain", target)

    def _send(self, status: bytes, content_type: bytes, *parts: bytes) -> None:
        head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
        self.transport.write(b"".join((head % (status, content_type, sum(map(len, parts))), *parts)))
