"""Lists of titles in the markup of their pages, where those carry neither data nor JSON-LD: old ones, saved ones.

Tried in order: the containers of today's and of older pages, and as a last resort all links to titles, of which only
the ids are sure. Markup does not say how many entries there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from parsel import Selector, SelectorList

from trr_crawl import text
from trr_crawl.parse.errors import WrongPage

CONTAINERS: Final = ("li.ipc-metadata-list-summary-item", "div.lister-item", "div.lister-item-content")
"""One for each entry."""

_MARKS = (b'"ItemList"', b"ipc-metadata-list-summary-item", b"lister-item")
_ADDRESS = re.compile(rb"""<link\b[^>]*\brel\s*=\s*["']?canonical\b[^>]*/(?:list/ls|user/ur)\d""")
_LIST_ID = re.compile(r"/(ls\d+|ur\d+)\b", re.ASCII)
_TITLE_PATH = re.compile(r"/title/(tt\d+)", re.ASCII)
_RANK = re.compile(r"^([\d,]*\d)\.\s+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """An entry as markup shows it."""

    title_id: str
    name: str | None = None
    """As shown to the caller."""
    rank: int | None = None
    is_episode: bool = False
    """Whether it is an episode, whose series is named before it."""


def is_list_page(body: bytes) -> bool:
    """Whether a body without data is a list all the same, by its markup or by its own address."""
    return any(mark in body for mark in _MARKS) or _ADDRESS.search(body) is not None


def entries(page: Selector, list_id: str) -> list[Marked]:
    """The entries of a page, in its order; none where it shows none. WrongPage where it is about another list."""
    address = page.css("link[rel=canonical]::attr(href)").get("")
    found = _LIST_ID.search(address)
    if found is not None and found[1] != list_id.partition("/")[0]:
        raise WrongPage(f"asked for the list {list_id}, the page is about {found[1]}")
    for container in CONTAINERS:
        marked = [entry for node in page.css(container) if (entry := _entry(node)) is not None]
        if marked:
            return marked
    if found is None:
        return []
    main = page.css("main") or page
    return [Marked(title_id=title_id) for title_id in dict.fromkeys(_title_ids(main.css("a")))]


def has_next_page(page: Selector, list_id: str) -> bool:
    """Whether the page links to its next one."""
    for link in page.css("a[href*='page=']"):
        href = link.xpath("@href").get("")
        label = " ".join(
            (link.xpath("@aria-label").get(""), link.xpath("@rel").get(""), link.xpath("string()").get(""))
        )
        found = _LIST_ID.search(href)
        same = found is None or found[1] == list_id.partition("/")[0]
        if same and "next" in label.lower():
            return True
    return False


def _entry(node: Selector) -> Marked | None:
    """The title of a container: the first link to it that has words; "1. Title", or the rank beside it."""
    heading = node.css("h3")
    links = heading.xpath(".//a | ancestor::a") or node.css("a")[:1]
    ids = list(dict.fromkeys(_title_ids(links)))
    if not ids:
        return None
    same = (link for link in node.css("a") if list(_title_ids(SelectorList([link]))) == ids[-1:])
    name = next(filter(None, map(_words, same)), "")
    shown = _words(heading)
    ranked = _RANK.match(shown or name)
    return Marked(
        title_id=ids[-1],
        # Where the rank stands beside the link, a number within it is the title's own.
        name=(_RANK.sub("", name) if name == shown or not shown else name) or None,
        rank=text.integer(ranked[1]) if ranked else None,
        is_episode=len(ids) > 1,
    )


def _words(node: Selector | SelectorList[Selector]) -> str:
    return text.clean(node.xpath("string()").get("")) or ""


def _title_ids(links: SelectorList[Selector]) -> Iterator[str]:
    for link in links:
        match = _TITLE_PATH.search(link.xpath("@href").get(""))
        if match is not None:
            yield match[1]
