"""Lists of titles: the pages `/list/ls…/` and `/user/ur…/watchlist/`, the GraphQL answers to `query`, and exports.

All give a `ListPage`. A page or answer holds 250 entries. Where a page has no data, its JSON-LD is read, and where it
has none of that either, its markup.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeVar

import orjson
from parsel import Selector

from trr_crawl import text
from trr_crawl.items import UNSET, Episode, Image, Item, ListEntry, Maybe, Show, TitleList, Unset
from trr_crawl.parse.errors import NoSuchTitle, Refused, ShapeError, WrongPage
from trr_crawl.parse.imdb import graphql, list_markup, listed, next_data
from trr_crawl.parse.imdb.title import genres_shown, stated
from trr_crawl.parse.node import Node
from trr_crawl.text import original_image_url

T = TypeVar("T")

EXPORTS: Final = "imdb_exports"
"""The source of what exports say: it may be years old, and no word of its pages is to be covered by it."""

PAGE_SIZE: Final = 250
"""Entries that an answer, and a page, holds at most, whatever is asked for."""

OPERATIONS: Final = {"list": "TitleListEntries", "predefinedList": "WatchlistEntries"}

_ARGUMENTS = {"list": "id: $id", "predefinedList": "classType: WATCH_LIST, userId: $id"}

_QUERY = f"""
query %(operation)s($id: ID!, $first: Int!, $after: String) {{
  %(root)s(%(arguments)s) {{
    id
    name {{ originalText }}
    description {{ originalText {{ plainText }} }}
    author {{ username {{ text }} }}
    titleListItemSearch(first: $first, after: $after, sort: {{ by: LIST_ORDER, order: ASC }}) {{
      total
      pageInfo {{ hasNextPage endCursor }}
      edges {{
        node {{ absolutePosition createdDate description {{ originalText {{ plainText }} }} }}
        listItem: title {{
          {listed.FIELDS}
          episodes {{ episodes(first: 0) {{ total }} }}
        }}
      }}
    }}
  }}
}}
"""
"""With places for the kind of list."""

_ENTRY_KEYS = frozenset("__typename absolutePosition createdDate description id itemId".split())
_COLUMNS = frozenset(
    (
        "Position", "Const", "Created", "Modified", "Description", "Title", "Original Title", "URL", "Title Type",
        "IMDb Rating", "Runtime (mins)", "Year", "Genres", "Num Votes", "Release Date", "Directors", "Your Rating",
        "Date Rated",
    )
)  # fmt: skip
"""Of IMDb's exports of lists and of ratings. What the exporting user voted is not kept."""

_TITLE_PATH = re.compile(r"/title/(tt\d+)", re.ASCII)
_TITLE_ID = re.compile(r"tt\d+", re.ASCII)
_LIST_ID = re.compile(r"ls\d+", re.ASCII)
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", re.ASCII)


@dataclass(kw_only=True, slots=True)
class ListPage:
    """What one page, answer or export holds, and how much more there is."""

    title_list: TitleList
    titles: dict[str, Show | Episode] = field(default_factory=dict)
    """What the list names, and the series of its episodes, by id."""
    entries: list[ListEntry] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)
    """Ids of episodes whose series the source does not tell: they have no place in the catalog."""
    total: int | None
    """How many entries the list has, by its own word; None where the page does not say."""
    next_cursor: str | None = None
    """Where the next part of an answer starts; None at its end, and on a page."""
    has_more: bool = False
    """Whether there is a next page."""
    drift: list[str] = field(default_factory=list)
    """Paths of keys that the parser does not know."""

    def items(self) -> Iterator[Item]:
        """All items, parents first."""
        yield self.title_list
        yield from self.titles.values()
        yield from self.entries

    @property
    def count(self) -> int:
        """How many entries are here."""
        return len(self.entries) + len(self.unplaced)

    @property
    def named(self) -> Counter[str]:
        """How often each title is named here."""
        return Counter(entry.episode_id or entry.show_id for entry in self.entries)

    @property
    def marks(self) -> set[tuple[str, object]]:
        """Titles with their positions: what tells a new part of the list from one that is served again."""
        placed = {(entry.episode_id or entry.show_id, entry.position) for entry in self.entries}
        return placed | {(title_id, None) for title_id in self.unplaced}


def root_of(list_id: str) -> str:
    """What GraphQL, and a page, calls the kind of list that an id is for."""
    return "predefinedList" if list_id.startswith("ur") else "list"


def query(list_id: str, *, after: str | None = None) -> dict[str, Any]:
    """The body of the GraphQL request for a part of a list."""
    root = root_of(list_id)
    return {
        "query": _QUERY % {"operation": OPERATIONS[root], "root": root, "arguments": _ARGUMENTS[root]},
        "operationName": OPERATIONS[root],
        "variables": {"id": list_id.removesuffix("/watchlist"), "first": PAGE_SIZE, "after": after},
    }


def parse_answer(
    body: bytes, list_id: str, *, country: str, language: str, earlier: Mapping[str, int] | None = None
) -> ListPage:
    """Read the GraphQL answer to `query`; `earlier` counts how often each title was named before."""
    try:
        held = graphql.answer(body).node(root_of(list_id))
    except Refused as refusal:
        raise _explained(refusal, list_id) from refusal
    if held is None:
        raise _no_such(list_id)
    page = _from_data(held, list_id, country, language, earlier)
    if page.has_more and not page.next_cursor:
        raise ShapeError(f"{held.at('titleListItemSearch.pageInfo.endCursor')} is missing")
    return page


def parse_page(body: bytes, list_id: str, *, earlier: Mapping[str, int] | None = None) -> ListPage:
    """Read the bytes of `https://www.imdb.com/list/{list_id}/` or `…/user/{list_id}/`, any page of it."""
    country = language = None
    if next_data.has_next_data(body):
        props = next_data.page_props(body, "mainColumnData")
        country, language = next_data.caller(props)
        main = props.node("mainColumnData")
        if main is not None and root_of(list_id) in main.data:
            held = main.node(root_of(list_id))
            if held is None:
                raise _no_such(list_id)
            return _from_data(held, list_id, country, language, earlier)
    return _from_json_ld(body, list_id, country, language, earlier)


def _explained(refusal: Refused, list_id: str) -> Refused | NoSuchTitle:
    """A refusal in the words of lists."""
    if refusal.code == "FORBIDDEN":
        return Refused(refusal.code, f"the list {list_id} is private")
    if refusal.code == "RESOURCE_NOT_FOUND" or "RESOURCE_NOT_FOUND" in str(refusal):
        return _no_such(list_id)
    return refusal


def _no_such(list_id: str) -> NoSuchTitle:
    return NoSuchTitle(f"IMDb shows no list {list_id}: it is private, or there is none")


# Data


def _from_data(
    held: Node, list_id: str, country: str | None, language: str | None, earlier: Mapping[str, int] | None
) -> ListPage:
    found = held.string("id")
    if found is not None and root_of(list_id) == "list" and found != list_id:
        raise WrongPage(f"asked for the list {list_id}, the page is about {found}")
    search = held.need("titleListItemSearch")
    total = search.integer("total")
    if total is None:
        raise ShapeError(f"{search.at('total')} is missing")
    page = ListPage(title_list=_title_list(held, list_id, total), total=total)
    times = Counter(earlier or {})
    unknown: set[str] = set()
    for edge in search.nodes("edges"):
        title = edge.node("listItem") or edge.need("title")
        entry = edge.node("node") or Node({}, edge.at("node"))
        unknown |= {f"title.{key}" for key in title.data.keys() - listed.KNOWN}
        unknown |= {f"entry.{key}" for key in entry.data.keys() - _ENTRY_KEYS}
        show, episode = listed.titles(title, country=country, language=language)
        if show is None:
            page.unplaced.append(title.need_string("id"))
            continue
        _add(page, times, show, episode)
        page.entries[-1].position = stated(entry, "absolutePosition", entry.integer("absolutePosition"))
        page.entries[-1].note = stated(entry, "description", _original(entry, "description"))
        page.entries[-1].added_on = stated(entry, "createdDate", _day(entry, "createdDate"))
    info = search.node("pageInfo")
    if info is not None and info.flag("hasNextPage"):
        page.has_more = True
        page.next_cursor = info.string("endCursor")
    page.drift = sorted(unknown)
    return page


def _add(page: ListPage, times: Counter[str], show: Show, episode: Episode | None = None) -> None:
    """Put a title on the list: a show, or an episode of it."""
    title = show if episode is None else episode
    page.titles.setdefault(show.id, show)
    page.titles[title.id] = title  # of a series, its episodes tell less than an entry of its own
    times[title.id] += 1
    page.entries.append(
        ListEntry(
            source=page.title_list.source,
            list_id=page.title_list.id,
            show_id=show.id,
            episode_id=episode.id if episode else UNSET,
            occurrence=times[title.id],
        )
    )


def _title_list(held: Node, list_id: str, total: int) -> TitleList:
    author = held.node("author")
    return TitleList(
        source="imdb",
        id=list_id,
        name=stated(held, "name", _original(held, "name")),
        description=stated(held, "description", _original(held, "description")),
        author=stated(held, "author", author.words("username") if author else None),
        total_entries=total,
    )


def _original(node: Node, key: str) -> str | None:
    """A user's text: `originalText` is a string, or an object around plain text or HTML."""
    outer = node.node(key)
    if outer is None or isinstance(outer.data.get("originalText"), str):
        return outer.string("originalText") if outer else None
    inner = outer.node("originalText")
    if inner is None:
        return outer.string("text")
    if "plainText" in inner.data or "plaidHtml" not in inner.data:
        return inner.string("plainText")
    html = inner.string("plaidHtml")
    return Selector(text=html.replace("<br/>", "\n")).xpath("string()").get() if html else None


def _day(node: Node, key: str) -> date | None:
    """The day of a time like "2026-08-03T10:00:00Z"."""
    value = node.string(key)
    return _as_date(value, node.at(key)) if value else None


def _as_date(value: str, path: str) -> date:
    try:
        return date.fromisoformat(value[:10])
    except ValueError as error:
        raise ShapeError(f"{path} is no date: {error}") from error


# JSON-LD


def _from_json_ld(
    body: bytes, list_id: str, country: str | None, language: str | None, earlier: Mapping[str, int] | None
) -> ListPage:
    """The `ItemList` for search engines: titles in order, without notes, and seldom how many there are."""
    page = Selector(text=body.decode("utf-8", "replace"))
    scripts = page.xpath("//script[@type='application/ld+json']/text()")
    for number, script in enumerate(scripts):
        try:
            data = orjson.loads(script.get())
        except orjson.JSONDecodeError as error:
            raise ShapeError(f"the page's JSON-LD is not JSON: {error}") from error
        if isinstance(data, dict) and data.get("@type") == "ItemList":
            return _item_list(Node(data, f"ld+json[{number}]"), list_id, country, language, earlier)
    return _from_markup(page, list_id, country, language, earlier)


def _item_list(
    node: Node, list_id: str, country: str | None, language: str | None, earlier: Mapping[str, int] | None
) -> ListPage:
    total = node.integer("numberOfItems")
    title_list = TitleList(
        source="imdb",
        id=list_id,
        name=stated(node, "name", node.words("name")),
        description=stated(node, "description", node.words("description")),
        total_entries=total if total is not None else UNSET,
    )
    page = ListPage(title_list=title_list, total=total)
    times = Counter(earlier or {})
    for place, element in enumerate(node.nodes("itemListElement"), 1):
        item = element.need("item")
        match = _TITLE_PATH.search(item.need_string("url"))
        if match is None:
            raise ShapeError(f"{item.at('url')} is no title's address")
        if item.string("@type") == "TVEpisode":
            page.unplaced.append(match[1])
            continue
        _add(page, times, _show_of_json_ld(item, match[1], country, language))
        position = element.integer("position")
        page.entries[-1].position = position if position is not None else place
    return page


def _show_of_json_ld(item: Node, show_id: str, country: str | None, language: str | None) -> Show:
    """`name` is the original title where `alternateName` gives the caller's."""
    rating = item.node("aggregateRating")
    name, alternate = item.words("name"), item.words("alternateName")
    image = item.string("image")
    genre = item.words("genre")
    shown = genres_shown(_split(genre) if genre else []) if "genre" in item.data else (UNSET, UNSET)
    return Show(
        source="imdb",
        id=show_id,
        title=alternate or name,
        original_title=name if alternate else UNSET,
        country=country,
        language=language,
        overview=stated(item, "description", item.words("description")),
        certificate=stated(item, "contentRating", item.string("contentRating")),
        runtime_seconds=stated(item, "duration", _seconds(item)),
        rating=rating.number("ratingValue") if rating else UNSET,
        vote_count=rating.integer("ratingCount") if rating else UNSET,
        genres=shown[0],
        main_genres=shown[1],
        image=Image(url=original_image_url(image)) if image else UNSET,
    )


def _seconds(item: Node) -> int | None:
    value = item.string("duration")
    if not value:
        return None
    match = _DURATION.fullmatch(value)
    if match is None:
        raise ShapeError(f"{item.at('duration')} is {value!r}, no duration")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


# Markup


def _from_markup(
    page: Selector, list_id: str, country: str | None, language: str | None, earlier: Mapping[str, int] | None
) -> ListPage:
    """What readers see: ids, names and ranks, and never how many entries there are."""
    marked = list_markup.entries(page, list_id)
    if not marked:
        raise ShapeError("the page holds no list, neither as data nor as JSON-LD nor in its markup")
    found = ListPage(
        title_list=TitleList(source="imdb", id=list_id),
        total=None,
        has_more=list_markup.has_next_page(page, list_id),
    )
    times = Counter(earlier or {})
    for entry in marked:
        if entry.is_episode:
            found.unplaced.append(entry.title_id)
            continue
        name = UNSET if entry.name is None else entry.name
        show = Show(source="imdb", id=entry.title_id, title=name, country=country, language=language)
        _add(found, times, show)
        found.entries[-1].position = UNSET if entry.rank is None else entry.rank
    return found


# Exports


def id_of_export(name: str) -> str:
    """The id of the list that an export of this name holds: `ls….csv` says it, any other list is `csv:<name>`."""
    name = text.clean(name) or "export"
    return name if _LIST_ID.fullmatch(name) else f"csv:{name}"


def parse_csv(body: bytes, list_id: str) -> ListPage:
    """Read the bytes of an export of a list or of a user's ratings, whose rows have no positions.

    Titles are as the exporting user saw them, from a country that the file does not tell. All items are of EXPORTS.
    """
    try:
        content = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ShapeError(f"the export is not UTF-8: {error}") from error
    rows = csv.DictReader(content.splitlines(keepends=True))
    columns = frozenset(rows.fieldnames or ())
    if "Const" not in columns:
        raise ShapeError("the export has no column Const: it is none of IMDb's")
    page = ListPage(title_list=TitleList(source=EXPORTS, id=list_id), total=0)
    times: Counter[str] = Counter()
    for number, cells in enumerate(rows, 2):
        if None in cells or None in cells.values():
            raise ShapeError(f"row {number} has not as many cells as there are columns")
        row = _Row(cells, number)
        show_id = row.text("Const") or ""
        if not _TITLE_ID.fullmatch(show_id):
            raise ShapeError(f"row {number}: {show_id!r} is no title")
        show = _show_of_row(row, show_id)
        if listed.is_episode(show.show_type):
            page.unplaced.append(show_id)
            continue
        _add(page, times, show)
        page.entries[-1].position = row.told("Position", row.integer("Position"))
        page.entries[-1].note = row.told("Description", row.text("Description"))
        page.entries[-1].added_on = row.day("Created" if "Created" in columns else "Date Rated")
    page.total = page.count
    page.title_list.total_entries = page.total
    page.drift = [f"column.{name}" for name in sorted(columns - _COLUMNS)]
    return page


class _Row:
    """A row of an export. Readers give None for an empty cell."""

    def __init__(self, cells: Mapping[str, str], number: int) -> None:
        self.cells = cells
        self.number = number

    def told(self, name: str, value: T) -> T | Unset:
        """The value, or UNSET where the export has no such column."""
        return value if name in self.cells else UNSET

    def text(self, name: str) -> str | None:
        return self.cells.get(name, "").strip() or None

    def integer(self, name: str) -> int | None:
        value = self.text(name)
        try:
            return None if value is None else text.integer(value)
        except ValueError as error:
            raise ShapeError(f"row {self.number}, {name}: {error}") from error

    def number_of(self, name: str) -> float | None:
        value = self.text(name)
        try:
            return None if value is None else float(value)
        except ValueError as error:
            raise ShapeError(f"row {self.number}, {name}: {value!r} is no number") from error

    def day(self, name: str) -> Maybe[date]:
        """UNSET without such a column; None for an empty cell, or a year without its day."""
        value = self.text(name)
        if value is None or len(value) < len("2026-01-01"):
            return self.told(name, None)
        return _as_date(value, f"row {self.number}, {name}")


def _show_of_row(row: _Row, show_id: str) -> Show:
    title_type, genres, minutes = row.text("Title Type"), row.text("Genres"), row.integer("Runtime (mins)")
    return Show(
        source=EXPORTS,
        id=show_id,
        title=row.told("Title", row.text("Title")),
        original_title=row.told("Original Title", row.text("Original Title")),
        country=None,
        language=None,
        show_type=row.told("Title Type", _type_id(title_type) if title_type else None),
        start_year=row.told("Year", row.integer("Year")),
        release_date=row.day("Release Date"),
        runtime_seconds=row.told("Runtime (mins)", None if minutes is None else minutes * 60),
        rating=row.told("IMDb Rating", row.number_of("IMDb Rating")),
        vote_count=row.told("Num Votes", row.integer("Num Votes")),
        genres=row.told("Genres", _split(genres) if genres else []),
    )


def _type_id(words: str) -> str:
    """IMDb's word for a type, which newer exports write for people: "TV Mini Series" is tvMiniSeries."""
    first, *others = words.split()
    return (first.lower() if others or first.istitle() else first) + "".join(others)


def _split(listed_words: str) -> list[str]:
    return [word.strip() for word in listed_words.split(",") if word.strip()]
