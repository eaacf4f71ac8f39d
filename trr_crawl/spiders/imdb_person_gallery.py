"""`scrapy crawl imdb_person_gallery -a person=nm…`: all pictures of one or many people, and who is with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from scrapy.http import Request

from trr_crawl.arguments import name_ids
from trr_crawl.spiders.gallery import GalleryArguments, GallerySpider


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonGalleryArguments(GalleryArguments):
    """Whose pictures to get."""

    persons: tuple[str, ...] = ()
    """IMDb ids of people."""

    def __post_init__(self) -> None:
        self.check_due(self.persons, "Say whose pictures to get: -a person=nm…, -a persons=@file or -a due=true.")


class ImdbPersonGallerySpider(GallerySpider):
    """Galleries of people."""

    name = "imdb_person_gallery"
    arguments_class = PersonGalleryArguments
    readers = {**GallerySpider.readers, "person": name_ids, "persons": name_ids}
    args: PersonGalleryArguments

    async def start(self) -> AsyncIterator[Request]:
        """One request a person; what they answer decides about more."""
        async for person_id in self.to_crawl(self.args.persons):
            yield self.first_request(person_id)
