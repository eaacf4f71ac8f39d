"""What is on the wire: uvicorn's protocols, HTTP that refuses by a problem, and WebSockets that wait for nobody."""

from __future__ import annotations

import logging
import uuid
from functools import lru_cache
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from trr_api.config import Settings
from trr_api.problems import MEDIA_TYPE, Problem, content

MOST_BYTES: Final = 65_536
"""Of an address and its headers together; no request with more is read to its end. `middleware` allows less."""
CLOSE_SECONDS: Final = 5.0
"""So long a WebSocket that is closed may take what was sent before."""
LARGEST_MESSAGE: Final = 16_384
"""Bytes of a message on a WebSocket."""
LINGER_SECONDS: Final = 2.0
"""So long what is still sent is thrown away: closing at once would cut the answer off, too."""

# Not uvicorn's own for sockets: it writes down every address with its query, in which careless clients put tokens.
_log = logging.getLogger(__name__)
_log.setLevel(logging.WARNING)


class Protocol(HttpToolsProtocol):
    """One connection."""

    _bytes = 0
    _refused = False
    _kind = "bad-request"

    def data_received(self, data: bytes) -> None:
        if not self._refused:
            super().data_received(data)

    def on_message_begin(self) -> None:
        self._bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url), "address-too-long")
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value), "headers-too-large")
        super().on_header(name, value)

    def shutdown(self) -> None:
        """The server stops. A stream of events would never end by itself: to it, the caller has hung up."""
        super().shutdown()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and self.scope["state"].get("is_endless"):
            cycle.disconnected = True
            cycle.message_event.set()
            self.transport.close()

    def _count(self, size: int, kind: str) -> None:
        self._bytes += size
        if self._bytes > MOST_BYTES:
            self._kind = kind
            raise ValueError(kind)  # the parser ends, and `send_400_response` is called

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or too much of it."""
        problem = Problem(self._kind, msg)
        request_id = uuid.uuid4().hex
        body = content(problem, "", request_id).encode()
        head = (
            f"HTTP/1.1 {problem.kind.status} {problem.kind.title}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {request_id}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self._refused = True
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


@lru_cache(maxsize=1024)
def frame(text: str) -> bytes:
    """A text as a server sends it, without compression."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


class Sockets(WebSocketsSansIOProtocol):
    """One WebSocket."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.logger = _log

    async def send(self, message: Any) -> None:
        """As uvicorn does; only that texts that go to many are made into frames once, that why a socket ends is sent at
        once, and that a reader who takes nothing is cut off."""
        if message["type"] == "websocket.send" and "text" in message and self.conn.state is State.OPEN:
            if not self.writable.is_set():
                await self.writable.wait()
            if self.disconnected or self.conn.state is not State.OPEN:
                raise ClientDisconnected
            self.transport.write(frame(message["text"]))
            return
        if message["type"] == "websocket.close" and self.handshake_complete and not self.disconnected:
            self.writable.set()
            self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
        await super().send(message)

    def keepalive_timeout(self) -> None:
        """Nobody is there: what is still to be sent would keep it open for long."""
        super().keepalive_timeout()
        self.transport.abort()


def sockets(settings: Settings) -> dict[str, Any]:
    """How uvicorn is to serve WebSockets. No compression: it would be made anew for each of them."""
    return {
        "ws": Sockets,
        "ws_max_size": LARGEST_MESSAGE,
        "ws_ping_interval": settings.live_ping,
        "ws_ping_timeout": settings.live_ping,
        "ws_per_message_deflate": False,
    }
