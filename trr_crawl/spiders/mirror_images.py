"""Fetches the pictures that the catalog names and nobody keeps yet. `scrapy mirror-images` runs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from scrapy.http import Request

from trr_crawl.arguments import number, words
from trr_crawl.catalog import due
from trr_crawl.items import ImageRequest
from trr_crawl.spiders.base import READERS, Arguments, CatalogSpider


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorArguments(Arguments):
    """Which pictures; all of them without any."""

    shows: tuple[str, ...] = ()
    """One show: its own pictures, its seasons' and episodes'."""
    persons: tuple[str, ...] = ()
    """One person."""
    sources: tuple[str, ...] = ()
    """One source."""
    kinds: tuple[str, ...] = ()
    """What they show, in the source's word: poster, logo, still_frame, …"""
    limit: int | None = None
    """So many at most."""


class MirrorImagesSpider(CatalogSpider):
    """Asks for nothing itself: the pictures that it names are fetched by the pipeline for them."""

    name = "mirror_images"
    custom_settings = {"IMAGES": True}
    arguments_class = MirrorArguments
    readers = {
        **READERS,
        "show": words,
        "person": words,
        "source": words,
        "kind": words,
        "limit": number,
    }
    args: MirrorArguments

    async def start(self) -> AsyncIterator[Request | ImageRequest]:  # type: ignore[override]
        """The pictures that are due, some at a time: the catalog is read as fast as they are fetched."""
        expires = timedelta(days=self.settings.getfloat("IMAGES_EXPIRES"))
        try:
            batches = due.pictures(await asyncio.to_thread(wanted, self.args), expires, self.args.limit)
            some = await asyncio.to_thread(next, batches, None)
            if some is None:
                self.report.allow_nothing("all pictures are kept, and fresh")
            while some is not None:
                for picture in some:
                    yield ImageRequest(
                        source=picture.source,
                        url=picture.url,
                        owners=picture.owners,
                        owner_id=picture.owner_id,
                        image_kind=picture.image_kind,
                    )
                some = await asyncio.to_thread(next, batches, None)
        except due.CatalogError as error:
            self.report.fail(f"The catalog cannot be read: {error}.")


def wanted(args: MirrorArguments) -> due.PictureFilter:
    """The arguments as the catalog understands them."""
    return due.picture_filter(
        show=next(iter(args.shows), None),
        person=next(iter(args.persons), None),
        source=next(iter(args.sources), None),
        kind=next(iter(args.kinds), None),
    )
