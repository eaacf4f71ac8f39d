"""HTTP on the wire: uvicorn's httptools protocol, which reads no more than it must and refuses by a problem."""

from __future__ import annotations

import uuid
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from trr_api.problems import MEDIA_TYPE, Problem, content

MOST_BYTES: Final = 65_536
"""Of an address and its headers together; no request with more is read to its end. `middleware` allows less."""
LINGER_SECONDS: Final = 2.0
"""So long what is still sent is thrown away: closing at once would cut the answer off, too."""


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
