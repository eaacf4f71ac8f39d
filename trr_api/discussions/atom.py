"""A thread as an Atom feed (RFC 4287)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, tostring

from trr_api.database import Row

_NAMESPACE: Final = "http://www.w3.org/2005/Atom"


def atom(address: str, thread: UUID, rows: Sequence[Row]) -> bytes:
    """The feed of the rows of `queries.feed`; a thread without posts has one row whose post is null."""
    title, begun = rows[0][:2]
    posts = [row[2:] for row in rows if row[2] is not None]
    feed = Element("feed", {"xmlns": _NAMESPACE})
    _add(feed, "id", f"urn:uuid:{thread}")
    _add(feed, "title", title)
    _add(feed, "updated", _time(max((edited or written for *_, written, edited in posts), default=begun)))
    SubElement(feed, "link", {"rel": "self", "href": address})
    for identifier, name, html, written, edited in posts:
        entry = SubElement(feed, "entry")
        _add(entry, "id", f"urn:uuid:{identifier}")
        _add(entry, "title", f"{name} in {title}")
        _add(SubElement(entry, "author"), "name", name)
        _add(entry, "published", _time(written))
        _add(entry, "updated", _time(edited or written))
        _add(entry, "content", html, type="html")
    made: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return made


def _add(parent: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(parent, tag, attributes).text = text


def _time(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")
