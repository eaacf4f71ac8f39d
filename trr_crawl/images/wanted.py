"""Which pictures an item names."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from trr_crawl.items import (
    Company,
    Episode,
    FandomPage,
    GalleryEntry,
    Image,
    ImageRequest,
    Item,
    Network,
    Person,
    Picture,
    Season,
    Show,
    WatchProvider,
)

OWNERS: Final = {Show: "shows", Season: "seasons", Episode: "episodes", Person: "people", FandomPage: "people"}
"""What the things are called in keys whose items name a picture as their own."""
LOGOS: Final = (Network, Company, WatchProvider)
REMEMBERED: Final = 20_000
"""So many of the last pictures of galleries are remembered until a gallery's entry says whose they are."""


class Wanted:
    """Turns items into requests for the pictures that they name.

    A picture of a gallery is described by one item, and another one says whose it is: a parser yields them close
    together. What is missed all the same is in the catalog, where `scrapy mirror-images` finds it.
    """

    def __init__(self) -> None:
        self._pictures: OrderedDict[tuple[str, str], Picture] = OrderedDict()

    def of(self, item: Item) -> Iterator[ImageRequest]:
        """The pictures that an item names."""
        if isinstance(item, ImageRequest):
            yield item
        elif isinstance(item, Picture):
            self._pictures[item.source, item.picture_id] = item
            if len(self._pictures) > REMEMBERED:
                self._pictures.popitem(last=False)
        elif isinstance(item, GalleryEntry):
            yield from self._of_gallery(item)
        elif isinstance(item, LOGOS):
            yield from _logos(item)
        elif type(item) in OWNERS and isinstance(image := getattr(item, "image"), Image):  # noqa: B009 - of several types
            # A page of a wiki that is attached to nobody shows nobody.
            owner = item.person_id if isinstance(item, FandomPage) else item.key
            if owner:
                yield ImageRequest(
                    source=item.source,
                    url=image.url,
                    owners=OWNERS[type(item)],
                    owner_id=owner,
                    image_kind="primary",
                )

    def _of_gallery(self, entry: GalleryEntry) -> Iterator[ImageRequest]:
        picture = self._pictures.get((entry.source, entry.picture_id))
        if picture is None or not picture.url:
            return
        owners, owner = "people", entry.person_id
        if entry.show_id:
            owners, owner = "shows", entry.show_id
            if isinstance(entry.season_number, int):
                owners, owner = "seasons", f"{entry.show_id}/{entry.season_number}"
        yield ImageRequest(
            source=entry.source,
            url=picture.url,
            owners=owners,
            owner_id=str(owner),
            image_kind=picture.image_type or "picture",
        )


def _logos(item: Network | Company | WatchProvider) -> Iterator[ImageRequest]:
    logos = [] if isinstance(item, WatchProvider) else item.logos or []
    for url in dict.fromkeys([item.logo_url, *(logo.url for logo in logos)]):
        if url:
            yield ImageRequest(source=item.source, url=url, owners="logos", owner_id=item.id, image_kind=item.kind)
