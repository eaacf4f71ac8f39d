"""`scrapy crawl tmdb_show -a show=1399`: what TMDb says of one or many shows, with seasons, episodes, credits, pictures
and offers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from scrapy.http import Request

from trr_crawl.arguments import flag
from trr_crawl.spiders.base import DUE_READERS, DueArguments
from trr_crawl.spiders.tmdb import ShowSpider, show_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowArguments(DueArguments):
    """What to crawl."""

    shows: tuple[str, ...] = ()
    """TMDb's numbers, or IMDb's tt…, which cost one request more."""
    organisations: bool = False
    """Also ask for each network and company: headquarters, home page, all logos."""

    def __post_init__(self) -> None:
        self.check_due(self.shows, "Say which show to crawl: -a show=1399, -a show=tt…, -a shows=@file or -a due=true.")


class TmdbShowSpider(ShowSpider):
    """Two or three requests a show."""

    name = "tmdb_show"
    arguments_class = ShowArguments
    readers = {**DUE_READERS, "show": show_ids, "shows": show_ids, "organisations": flag}
    args: ShowArguments

    async def start(self) -> AsyncIterator[Request]:
        """The first request of each show; what it answers decides about more."""
        self.organisations = self.args.organisations
        if self.may_ask():
            async for show_id in self.to_crawl(self.args.shows):
                yield self.request_for(show_id)
