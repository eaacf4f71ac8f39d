"""Pictures that are made on the spot, a server for them, and a catalog that names them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import psycopg
from origin import Asked, Origin, Reply
from PIL import Image

from trr_crawl.catalog import write
from trr_crawl.catalog.write import Record


def picture(
    seed: int = 1, size: tuple[int, int] = (900, 600), format_: str = "JPEG", mode: str = "RGB", **how: Any
) -> bytes:
    """A picture that differs with its seed: a few soft shapes of a few colours."""
    base = Image.new("RGB", (6, 4))
    base.putdata([((seed * 37 + n * 71) % 256, (seed * 59 + n * 23) % 256, (n * 97 + seed) % 256) for n in range(24)])
    buffer = BytesIO()
    base.resize(size, Image.Resampling.BICUBIC).convert(mode).save(buffer, format_, **how)
    return buffer.getvalue()


def bomb(side: int = 30_000) -> bytes:
    """A black PNG of side x side pixels: some KB that become hundreds of MB."""
    row = b"\0" * (1 + (side + 7) // 8)
    packer = zlib.compressobj(9)
    data = b"".join([*(packer.compress(row) for _ in range(side)), packer.flush()])
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20">'
    b'<rect width="40" height="20" fill="#2040c0"/></svg>'
)


def image_reply(body: bytes, content_type: str = "image/jpeg", **headers: str) -> Reply:
    return Reply(body, headers={"Content-Type": content_type} | {k.replace("_", "-"): v for k, v in headers.items()})


class PictureOrigin(Origin):
    """Serves pictures by their paths, and answers 304 where the ETag is the one that the client knows."""

    def __init__(self, replies: Mapping[str, Reply]) -> None:
        super().__init__()
        self.replies = dict(replies)
        self.misbehave = self._picture

    def _picture(self, asked: Asked) -> Reply:
        reply = self.replies.get(asked.path)
        if reply is None:
            return Reply(b"no such picture", 404)
        etag = reply.headers.get("ETag")
        if etag is not None and asked.headers.get("If-None-Match") == etag:
            return Reply(status=304, headers={"ETag": etag})
        return reply

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(asked.path == path for asked in self.asked)

    @property
    def options(self) -> list[str]:
        """For `scrapy`: pictures may come from here, without waiting."""
        return [
            *("-s", f"IMAGES_PRIVATE_HOST={self.url.removeprefix('http://')}"),
            *("-s", "DOWNLOAD_DELAY=0"),
            *("-s", "AUTOTHROTTLE_ENABLED=0"),
            *("-s", "IMAGES_WORKERS=1"),
            *("-s", "RETRY_TIMES=1"),
        ]


def name(url: str, *records: Record) -> None:
    """Write what sources say into the catalog at an address."""
    with psycopg.connect(url) as connection:
        write.prepare(connection)
        written = write.write(connection, records)
        assert not written.rejects


def show(picture_url: str, key: str = "tt99000001", source: str = "imdb") -> Record:
    return Record(
        source=source, kind="show", key=key, payload={"id": key, "title": "Harbour", "image": {"url": picture_url}}
    )


def in_gallery(
    picture_url: str, owner: Mapping[str, Any], source: str = "tmdb", **fields: Any
) -> tuple[Record, Record]:
    """A picture of a gallery, and its place there."""
    key = picture_url.rpartition("/")[2]
    place = {"picture_id": key, **owner}
    return (
        Record(source=source, kind="image", key=key, payload={"picture_id": key, "url": picture_url, **fields}),
        Record(
            source=source,
            kind="gallery_entry",
            key=f"{owner.get('show_id') or owner.get('person_id')}/{key}",
            payload=place,
        ),
    )


def network(logo_url: str, key: str = "7") -> Record:
    return Record(source="tmdb", kind="network", key=key, payload={"id": key, "name": "Quay TV", "logo_url": logo_url})
