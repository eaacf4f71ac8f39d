"""The JSON that every page of www.imdb.com carries in `<script id="__NEXT_DATA__">`."""

from __future__ import annotations

import re

import orjson

from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.node import Node

_OPENING = re.compile(rb"""<script\b[^>]*\bid\s*=\s*["']?__NEXT_DATA__["']?[^>]*>""")

_NEIGHBOURS = ("contentData", "requestContext", "aboveTheFoldData", "mainColumnData", "searchResults")
_READ = tuple(f'"{key}":'.encode() for key in _NEIGHBOURS)
"""The neighbours of `translationContext` that parsers read: never to be left out with it."""


def has_next_data(body: bytes) -> bool:
    """Whether a page carries it at all; what a challenge, consent or error page does not."""
    return _OPENING.search(body, _near(body)) is not None


def page_props(body: bytes) -> Node:
    """`props.pageProps` of a page's bytes; ShapeError where there is none or it is cut."""
    opening = _OPENING.search(body, _near(body))
    if opening is None:
        raise ShapeError("the page holds no __NEXT_DATA__")
    end = body.find(b"</script", opening.end())
    if end < 0:
        raise ShapeError(f"the page is cut: its __NEXT_DATA__ has no end in {len(body):,} bytes")
    try:
        data = orjson.loads(_without_translations(body, opening.end(), end))
    except orjson.JSONDecodeError as error:
        raise ShapeError(f"the page's __NEXT_DATA__ is not JSON: {error}") from error
    return Node(data, "__NEXT_DATA__").need("props").need("pageProps")


def _without_translations(body: bytes, start: int, end: int) -> bytes | memoryview:
    """The JSON without `translationContext`: texts of buttons and menus, most of many pages, which nobody reads."""
    opening = body.find(b',"translationContext":{', start, end)
    closing = body.rfind(b'},"urqlState":', start, end)
    if 0 <= opening < closing and not any(body.find(key, opening, closing) >= 0 for key in _READ):
        return body[start:opening] + body[closing + 1 : end]
    return memoryview(body)[start:end]


def _near(body: bytes) -> int:
    """Where to start the search: just before the id's first mention, far into the page."""
    mention = body.find(b"__NEXT_DATA__")
    return max(body.rfind(b"<script", 0, mention), 0) if mention >= 0 else len(body)


def caller(props: Node) -> tuple[str | None, str | None]:
    """The country and language that IMDb took the caller to be from, such as ("US", "en-US")."""
    localization = props.down("requestContext", "sidecar", "localizationResponse")
    if localization is None:
        return None, None
    return localization.string("userCountryCode"), localization.string("userLanguage")
