"""What there is to crawl, by the catalog's word: the one thing that spiders read of it.

`known` reads what the catalog has, `policy` is the table of how old things may get, `decide` applies it, `leases` hands
out what is due so that nobody does it twice, `states` remembers how each crawl of each thing ended. Pictures are due by
a rule of their own, in `pictures`.
"""

from trr_crawl.catalog.due.decide import Decision, Wish, decide
from trr_crawl.catalog.due.known import (
    CastMember,
    CatalogError,
    UnresolvedShow,
    cast_of,
    known_ids,
    last_run,
    reading,
    without_id,
)
from trr_crawl.catalog.due.leases import Queue
from trr_crawl.catalog.due.pictures import DuePicture, PictureFilter, count_pictures, picture_filter, pictures
from trr_crawl.catalog.due.policy import DUE, NOT_DUE, POLICIES

__all__ = [
    "DUE",
    "NOT_DUE",
    "POLICIES",
    "CastMember",
    "CatalogError",
    "Decision",
    "DuePicture",
    "PictureFilter",
    "Queue",
    "UnresolvedShow",
    "Wish",
    "cast_of",
    "count_pictures",
    "decide",
    "known_ids",
    "last_run",
    "picture_filter",
    "pictures",
    "reading",
    "without_id",
]
