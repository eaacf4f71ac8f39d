"""Many sockets in a process of its own, that count what they get; some of them read nothing after they subscribed."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import cast

import uvloop

SMALL = 4096
"""Bytes that a socket takes whose owner does not read."""


class Listener(asyncio.Protocol):
    """One socket: bytes are taken apart, and nothing is decoded but the time at which something was sent."""

    def __init__(self, crowd: Crowd, address: str, topic: str, *, is_slow: bool) -> None:
        self.crowd = crowd
        self.address = address
        self.topic = topic
        self.is_slow = is_slow
        self.ready = asyncio.get_running_loop().create_future()
        self._data = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            f"GET {self.address} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._is_open:
            _, end, rest = self._data.partition(b"\r\n\r\n")
            if not end:
                return
            self._data, self._is_open = rest, True
            self.transport.write(_masked(json.dumps({"type": "subscribe", "topic": self.topic}).encode()))
        data, at, texts = self._data, 0, []
        while len(data) - at >= 2:
            kind, size, head = data[at] & 15, data[at + 1], 2
            if size == 126:
                size, head = int.from_bytes(data[at + 2 : at + 4]), 4
            elif size == 127:
                size, head = int.from_bytes(data[at + 2 : at + 10]), 10
            if len(data) - at < head + size:
                break
            if kind == 1:
                texts.append(data[at + head : at + head + size])
            elif kind == 9:
                self.transport.write(_masked(data[at + head : at + head + size], kind=10))
            at += head + size
        self._data = data[at:]
        if texts:
            self._take(texts)

    def connection_lost(self, _: Exception | None) -> None:
        if not self.is_slow:
            self.crowd.lost += 1

    def _take(self, texts: list[bytes]) -> None:
        if not self.ready.done():
            texts.pop(0)
            self.ready.set_result(None)
            if self.is_slow:
                self.transport.pause_reading()
        if not self.is_slow:
            self.crowd.take(texts)


def _masked(payload: bytes, kind: int = 1) -> bytes:
    """A frame of a client; the mask is zero."""
    assert len(payload) < 126
    return bytes([0x80 | kind, 0x80 | len(payload)]) + bytes(4) + payload


class Crowd:
    """All of them."""

    def __init__(self) -> None:
        self.count = 0
        self.lost = 0
        self.delays: list[float] = []
        self.wanted = 0
        self.reached = asyncio.Event()

    def take(self, texts: Sequence[bytes]) -> None:
        self.count += len(texts)
        now = time.time()
        for text in texts:
            sent = text.rpartition(b'"sent": ')[2]
            self.delays.append(now - float(sent[: sent.index(b"}")]))
        if self.count >= self.wanted:
            self.reached.set()


def run(pipe: Connection, host: str, port: int, address: str, topics: Sequence[str], slow: int) -> None:
    """One socket a topic in the list, the first ones slow. Then: a number of messages in, how long each took out."""
    uvloop.run(_run(pipe, host, port, address, topics, slow))


async def _run(pipe: Connection, host: str, port: int, address: str, topics: Sequence[str], slow: int) -> None:
    loop = asyncio.get_running_loop()
    crowd = Crowd()
    for number, topic in enumerate(topics):
        opened = socket.socket()
        if number < slow:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        opened.setblocking(False)
        await loop.sock_connect(opened, (host, port))
        listener = Listener(crowd, address, topic, is_slow=number < slow)
        await loop.create_connection(lambda made=listener: made, sock=opened)  # type: ignore[misc]
        await asyncio.wait_for(listener.ready, 10)
    pipe.send("ready")
    while (wanted := await loop.run_in_executor(None, pipe.recv)) is not None:
        crowd.wanted = crowd.count + wanted
        crowd.reached.clear()
        pipe.send("waiting")
        try:
            await asyncio.wait_for(crowd.reached.wait(), 60)
        except TimeoutError:
            pipe.send(f"{crowd.wanted - crowd.count} messages did not come, {crowd.lost} sockets were closed")
            return
        pipe.send(crowd.delays)
        crowd.delays = []
