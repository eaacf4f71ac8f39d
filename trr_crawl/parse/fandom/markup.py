"""What all readers of a wiki's markup need: its text without notes and buttons, its lines, its links."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from parsel import Selector

from trr_crawl import text
from trr_crawl.parse.errors import ShapeError

Element: TypeAlias = Any
"""An element of lxml, which has no types."""

SILENT: Final = frozenset(("script", "style", "noscript", "sup", "template"))
"""Elements that say nothing to a reader; a `sup` is a footnote's mark, unless it is an ordinal's ending."""

SILENT_CLASSES: Final = frozenset(
    ("mw-editsection", "reference", "mw-cite-backlink", "toc", "navbox", "error", "portable-infobox")
)

_LINES: Final = frozenset(("li", "p", "div", "tr", "dd", "dt", "center"))
_ORDINALS: Final = frozenset(("st", "nd", "rd", "th"))


def root(html: str) -> Element:
    """The tree of a page or of a piece of one."""
    return Selector(text=html).root


def classes(element: Element) -> set[str]:
    """The classes of an element."""
    return set((element.get("class") or "").split())


def is_silent(element: Element) -> bool:
    """Whether an element and all in it is no text of the article: comments, scripts, footnote marks, buttons."""
    if not isinstance(element.tag, str):
        return True
    if element.tag == "sup":
        return "".join(element.itertext()).strip() not in _ORDINALS
    return element.tag in SILENT or not SILENT_CLASSES.isdisjoint(classes(element))


def first(element: Element, path: str) -> Element | None:
    """The first element that an XPath finds."""
    found = element.xpath(path)
    return found[0] if found else None


def has_class(name: str) -> str:
    """An XPath condition."""
    return f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')"


@dataclass(slots=True)
class Line:
    """A line of a value: what stands between two breaks."""

    text: str = ""
    links: list[tuple[str, str]] = field(default_factory=list)
    """Text and address of each."""
    small: bool = False
    """A remark on the line before."""


def lines(element: Element) -> list[Line]:
    """A value's lines, empty ones left out: it is split at `br`, at paragraphs and list entries, and around `small`."""
    found = [Line()]
    try:
        _collect(element, found, small=False)
    except RecursionError as error:
        raise ShapeError("the page nests its elements too deeply") from error
    kept = []
    for line in found:
        line.text = text.clean(" ".join(line.text.split())) or ""
        if line.text:
            kept.append(line)
    return kept


def _collect(element: Element, found: list[Line], *, small: bool) -> None:
    found[-1].text += element.text or ""
    for child in element:
        if not is_silent(child):
            if child.tag == "br":
                found.append(Line(small=small))
            elif child.tag == "small" or child.tag in _LINES:
                inner = small or child.tag == "small"
                found.append(Line(small=inner))
                _collect(child, found, small=inner)
                found.append(Line(small=small))
            else:
                before = found[-1]
                _collect(child, found, small=small)
                if child.tag == "a" and child.get("href") and (words := plain(child)):
                    before.links.append((words, child.get("href")))
        found[-1].text += child.tail or ""


def plain(element: Element) -> str | None:
    """All text of an element in one line; None if there is none."""
    return " ".join(line.text for line in lines(element)) or None


def plain_html(html: str) -> str | None:
    """The text of a piece of markup, such as a caption or a display title."""
    return plain(root(f"<div>{html}</div>")) if html.strip() else None
