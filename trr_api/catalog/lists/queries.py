"""SQL of lists."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from trr_api.catalog.queries import EPISODE, LAST, SHOW, embedded, external_ids, kept
from trr_api.queries import Fields, Sort, Statement, after_place, one, page

if TYPE_CHECKING:
    from trr_api.paging import PageParameters

LIST: Final[Fields] = {
    "id": "list.id",
    "name": "list.name",
    "description": "list.description",
    "author": "list.author",
    "total_entries": "list.total_entries",
    "external_ids": external_ids("list"),
    **kept("list"),
}
ENTRY: Final[Fields] = {
    "id": "entry.id",
    "position": "entry.position",
    "show": embedded(SHOW),
    "episode": embedded(EPISODE, "episodes episode WHERE episode.id = entry.episode_id"),
    "note": "entry.note",
    "added_on": "entry.added_on",
    **kept("entry"),
}
_BY_NAME: Final = Sort((("coalesce(list.name, '')", "text"), ("list.id", "uuid")))
_BY_POSITION: Final = Sort(((f"coalesce(entry.position, {LAST})", "int"), ("entry.id", "uuid")))


def lists(asked: PageParameters, after: Sequence[object] | None) -> Statement:
    """A page of lists, by name."""
    return after_place(_lists(after is not None), [], asked.limit, after)


@lru_cache(maxsize=2)
def _lists(after: bool) -> bytes:
    return page(LIST, "lists list", sort=_BY_NAME, bound=0, after=after, where=["list.removed_at IS NULL"])


def single(key: UUID) -> Statement:
    """One list."""
    return Statement(_single(), [key])


@lru_cache(maxsize=1)
def _single() -> bytes:
    return one(LIST, "lists list WHERE list.id = $1")


def entries(key: UUID, asked: PageParameters, after: Sequence[object] | None) -> Statement:
    """A page of what is on a list, by position."""
    return after_place(_entries(after is not None), [key], asked.limit, after)


@lru_cache(maxsize=2)
def _entries(after: bool) -> bytes:
    return page(
        ENTRY,
        "list_entries entry JOIN shows show ON show.id = entry.show_id",
        sort=_BY_POSITION,
        bound=1,
        after=after,
        where=["entry.list_id = owner.id", "entry.removed_at IS NULL"],
        within="SELECT list.id FROM lists list WHERE list.id = $1",
    )
