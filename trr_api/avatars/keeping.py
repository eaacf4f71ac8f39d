"""Avatars at work: told by their bytes, made anew in a worker process, and kept in the store of the pictures."""

from __future__ import annotations

import asyncio
import logging
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from trr_api.config import Settings
from trr_api.problems import Problem

if TYPE_CHECKING:
    from trr_crawl.images.stores import Store
    from trr_crawl.images.workers import Workers

SIDE: Final = 400
"""Pixels, of a square."""
MOST_PIXELS: Final = 40_000_000
QUALITY: Final = 80
PREFIX: Final = "avatars/"
"""Not under `images/`: crawls prune there what no row of the catalog names."""
TYPES: Final = ("image/jpeg", "image/png", "image/webp")

_log = logging.getLogger(__name__)


def made(content: bytes, max_bytes: int) -> bytes:
    """An avatar as WebP, out of the middle of a picture and without anything that stood beside its pixels.

    Raises NotAPicture. Runs in a worker, and imports there what the rest of the API does without.
    """
    from PIL import Image, ImageOps

    from trr_crawl.images.content import FORMATS, Limits, NotAPicture, accept
    from trr_crawl.images.decoding import guarded

    picture = accept(content, Limits(max_bytes=max_bytes, max_pixels=MOST_PIXELS))
    if picture.content_type not in TYPES:
        raise NotAPicture(f"it is {picture.content_type}, and neither JPEG, PNG nor WebP")
    with guarded(), Image.open(BytesIO(content), formats=FORMATS) as opened:
        opened.draft("RGB", (SIDE * 2, SIDE * 2))  # of a JPEG no more is decoded than is needed
        turned = ImageOps.exif_transpose(opened)
        transparent = turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info
        square = ImageOps.fit(turned.convert("RGBA" if transparent else "RGB"), (SIDE, SIDE), Image.Resampling.LANCZOS)
        clean = Image.new(square.mode, square.size)
        clean.paste(square)
        buffer = BytesIO()
        clean.save(buffer, "WEBP", quality=QUALITY, method=4)
    return buffer.getvalue()


class Avatars:
    """Makes and keeps avatars. Store and worker are there from the first one on."""

    def __init__(self, settings: Settings, max_bytes: int) -> None:
        self._settings = settings
        self._max_bytes = max_bytes

    async def keep(self, user: UUID, content: bytes) -> str:
        """Make an avatar and keep it; its address. Problem for what is no such picture."""
        from trr_crawl.images.content import NotAPicture
        from trr_crawl.images.stores import StoreError

        try:
            avatar = await self._workers.run(made, content, self._max_bytes)
        except NotAPicture as error:
            raise Problem("invalid-body", f"This is not accepted as an avatar: {error}.") from error
        name = f"{PREFIX}{user}/{uuid4().hex}.webp"  # one of its own: what is deleted is shown nowhere else
        try:
            return await asyncio.to_thread(self._put, name, avatar)
        except StoreError as error:
            _log.error("An avatar was not kept: %s", error)
            raise Problem("unavailable", "Pictures cannot be kept at the moment. Try again later.") from error

    async def forget(self, url: str) -> None:
        """Delete an avatar that nobody is shown by any more; one in a store of before stays there."""
        from trr_crawl.images.stores import StoreError

        try:
            await asyncio.to_thread(self._delete, url)
        except StoreError as error:
            _log.error("The avatar %s was not deleted: %s", url, error)

    def close(self) -> None:
        """Let the worker end."""
        if "_workers" in vars(self):
            self._workers.close()

    @cached_property
    def _workers(self) -> Workers:
        from trr_crawl.images.workers import Workers

        return Workers(1, MOST_PIXELS)

    @cached_property
    def _store(self) -> Store:
        from trr_crawl.images.stores import opened

        found = self._settings
        return opened(
            found.images_store,
            cdn_url=found.images_cdn_url,
            region=found.aws_region,
            endpoint_url=found.aws_endpoint_url,
            profile=found.aws_profile,
        )

    def _put(self, name: str, avatar: bytes) -> str:
        key = f"{self._store.prefix}{name}"
        self._store.put(key, avatar, "image/webp")
        return f"{self._store.base_url}{key}"

    def _delete(self, url: str) -> None:
        key = url.removeprefix(self._store.base_url)
        if key.startswith(f"{self._store.prefix}{PREFIX}"):
            self._store.delete([key])
