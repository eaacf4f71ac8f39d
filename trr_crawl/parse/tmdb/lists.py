"""Lists of titles that users keep: `/3/list/{id}` and `/4/list/{id}`, both in pages.

They mix films with shows. Version 4 also tells what its keeper says of each title.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from trr_crawl.items import UNSET, Item, ListEntry, Maybe, Show, TitleList
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.node import Node
from trr_crawl.parse.tmdb import answer, listed
from trr_crawl.parse.tmdb.fields import Drift, identifier, stated, text, words

_KEYS_3: Final = frozenset(
    "created_by description favorite_count id iso_639_1 item_count items name page poster_path total_pages "
    "total_results list_type".split()
)
_KEYS_4: Final = frozenset(
    "average_rating backdrop_path comments created_by description id iso_3166_1 iso_639_1 item_count name object_ids "
    "page poster_path public results revenue runtime sort_by total_pages total_results".split()
)


@dataclass(kw_only=True, slots=True)
class ListPage:
    """One page of a list."""

    title_list: TitleList
    titles: dict[str, Show] = field(default_factory=dict)
    """By our id."""
    entries: list[ListEntry] = field(default_factory=list)
    page: int = 1
    total_pages: int = 1
    total: int | None = None
    """How many entries the list has, by its own word."""
    drift: list[str] = field(default_factory=list)
    """Names of keys that the parser does not know."""

    @property
    def count(self) -> int:
        """How many entries are here."""
        return len(self.entries)

    def items(self) -> Iterator[Item]:
        """Parents first."""
        yield self.title_list
        yield from self.titles.values()
        yield from self.entries


def parse(body: bytes, list_id: str, *, language: str, before: Mapping[str, int] | None = None) -> ListPage:
    """A page of a list in either version; `before` says how often each title stood on the pages before it."""
    node = answer.read(body, f"list {list_id}")
    answer.check_id(node, list_id, f"list {list_id}")
    is_version_4 = "results" in node.data
    if not is_version_4 and "items" not in node.data:
        raise ShapeError(f"the answer about list {list_id} holds neither items nor results")
    drift = Drift()
    drift.check("list", node, _KEYS_4 if is_version_4 else _KEYS_3)
    page = ListPage(
        title_list=_list(node, list_id),
        page=node.integer("page") or 1,
        total_pages=node.integer("total_pages") or 1,
        total=_total(node),
        drift=[],
    )
    comments = node.node("comments")
    named = Counter(before or {})
    place = sum(named.values())
    for entry in node.nodes("results" if is_version_4 else "items"):
        place += 1
        show = listed.title(entry, drift, language)
        named[show.id] += 1
        page.titles[show.id] = show
        page.entries.append(
            ListEntry(
                source="tmdb",
                list_id=list_id,
                show_id=show.id,
                occurrence=named[show.id],
                position=place,
                note=_note(entry, comments),
            )
        )
    page.drift = sorted(drift)
    return page


def _list(node: Node, list_id: str) -> TitleList:
    return TitleList(
        source="tmdb",
        id=list_id,
        name=text(node, "name"),
        description=text(node, "description"),
        author=_author(node),
        total_entries=_total(node),
    )


def _total(node: Node) -> int | None:
    total = node.integer("total_results")
    return node.integer("item_count") if total is None else total


def _author(node: Node) -> Maybe[str]:
    """A user's name; version 4 tells of more than that."""
    if isinstance(node.data.get("created_by"), dict):
        return node.need("created_by").need_string("username")
    return stated(node, "created_by", words(node, "created_by"))


def _note(entry: Node, comments: Node | None) -> Maybe[str]:
    if comments is None:
        return UNSET
    return words(comments, f"{listed.media_type(entry)}:{identifier(entry)}")
