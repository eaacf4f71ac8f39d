"""An answer of TMDb as a JSON object, or the error that it reports instead, each with a sentence of its own."""

from __future__ import annotations

from typing import Final

import orjson

from trr_crawl.parse.errors import NoSuchTitle, PageError, Refused, ShapeError, WrongPage
from trr_crawl.parse.node import Node
from trr_crawl.parse.tmdb.fields import identifier

ERROR_KEYS: Final = frozenset({"success", "status_code", "status_message", "failure"})


class KeyRefused(PageError):
    """TMDb serves nobody with this key."""


class BadQuery(PageError):
    """The question is none that TMDb answers: too many parts, days or pages."""


class AskedTooOften(PageError):
    """TMDb wants us to slow down."""


_KEY_REFUSED: Final = {
    3: "TMDb does not let this key do that",
    7: "TMDb does not know the key",
    10: "TMDb has suspended the key",
    14: "TMDb could not check the key",
    33: "TMDb does not know the token",
    35: "TMDb does not know the token",
    36: "the token has no permission for that",
}
_BAD_QUERY: Final = {
    18: "TMDb found a parameter that it does not take",
    20: "TMDb takes a range of 14 days at most, the first one first",
    22: "TMDb serves the pages 1 to 500 of a list",
    23: "TMDb takes dates as YYYY-MM-DD",
    27: "TMDb appends 20 parts to an answer at most",
}
_UNKNOWN: Final = frozenset({6, 34, 37})
_TOO_OFTEN: Final = 25


def read(body: bytes, about: str) -> Node:
    """The answer; `about` says in an error what was asked for: "show 1399".

    Raises NoSuchTitle, KeyRefused, BadQuery, AskedTooOften or Refused for an error that TMDb reports, and ShapeError
    for what is no JSON object.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ShapeError(f"the answer about {about} is not JSON: {error}") from error
    node = Node(data, about.partition(" ")[0])
    if node.data.get("success") is False and "status_code" in node.data:
        raise _error(node, about)
    return node


def check_id(node: Node, wanted: str, about: str) -> None:
    """Raise WrongPage unless the answer is about the thing that was asked for."""
    found = identifier(node)
    if found != wanted:
        raise WrongPage(f"asked for {about}, the answer is about {found}")


def _error(node: Node, about: str) -> PageError:
    code = node.integer("status_code")
    if code in _UNKNOWN:
        return NoSuchTitle(f"TMDb knows no {about}")
    if code in _KEY_REFUSED:
        return KeyRefused(_KEY_REFUSED[code])
    if code in _BAD_QUERY:
        return BadQuery(_BAD_QUERY[code])
    if code == _TOO_OFTEN:
        return AskedTooOften("TMDb says that we ask too often")
    return Refused(str(code), node.string("status_message") or "it does not say why")
