"""The JSON that every page of www.imdb.com carries in `<script id="__NEXT_DATA__">`."""

from __future__ import annotations

import re
from contextlib import suppress

import orjson

from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.node import Node

_OPENING = re.compile(rb"""<script\b[^>]*\bid\s*=\s*["']?__NEXT_DATA__["']?[^>]*>""")


def has_next_data(body: bytes) -> bool:
    """Whether a page carries it at all; what a challenge, consent or error page does not."""
    return _OPENING.search(body, _near(body)) is not None


def page_props(body: bytes, *parts: str) -> Node:
    """`props.pageProps` of a page's bytes; ShapeError where there is no such JSON or it is cut.

    `parts` names the keys that the caller reads, beside those that `caller` reads. With them the texts of buttons and
    menus, most of many pages, may be left out unparsed, as long as none of the parts goes with them.
    """
    opening = _OPENING.search(body, _near(body))
    if opening is None:
        raise ShapeError("the page holds no __NEXT_DATA__")
    if parts and (shorter := _without_translations(body, opening.end())) is not None:
        with suppress(ShapeError):
            props = _props(shorter)
            if all(part in props.data for part in (*parts, "requestContext")):
                return props
    end = body.find(b"</script", opening.end())
    if end < 0:
        raise ShapeError(f"the page is cut: its __NEXT_DATA__ has no end in {len(body):,} bytes")
    return _props(memoryview(body)[opening.end() : end])


def _props(text: bytes | memoryview) -> Node:
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ShapeError(f"the page's __NEXT_DATA__ is not JSON: {error}") from error
    return Node(data, "__NEXT_DATA__").need("props").need("pageProps")


def _without_translations(body: bytes, start: int) -> bytes | None:
    """The JSON without `translationContext`, if that stands where pages have it: just before `urqlState`."""
    opening = body.find(b'"translationContext":', start)
    closing = body.rfind(b'"urqlState":', start)
    end = body.find(b"</script", closing)
    return body[start:opening] + body[closing:end] if 0 <= opening < closing < end else None


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
