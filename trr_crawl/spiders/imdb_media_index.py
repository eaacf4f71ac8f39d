"""`scrapy crawl imdb_media_index -a show=tt…`: all pictures of one or many shows, and who is in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from scrapy.http import Request

from trr_crawl.arguments import title_ids
from trr_crawl.spiders.gallery import GalleryArguments, GallerySpider


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaIndexArguments(GalleryArguments):
    """Whose pictures to get."""

    shows: tuple[str, ...] = ()
    """IMDb title ids."""

    def __post_init__(self) -> None:
        self.check_due(self.shows, "Say whose pictures to get: -a show=tt…, -a shows=@file or -a due=true.")


class ImdbMediaIndexSpider(GallerySpider):
    """Galleries of titles."""

    name = "imdb_media_index"
    arguments_class = MediaIndexArguments
    readers = {**GallerySpider.readers, "show": title_ids, "shows": title_ids}
    args: MediaIndexArguments

    async def start(self) -> AsyncIterator[Request]:
        """One request a show; what they answer decides about more."""
        async for show_id in self.to_crawl(self.args.shows):
            yield self.first_request(show_id)
