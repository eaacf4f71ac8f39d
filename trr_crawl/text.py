"""Small pure functions for the text that sources serve: whitespace, entities, numbers, dates, image addresses."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from datetime import date

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]|[\ud800-\udfff]")
_SPACES = re.compile(r"[^\S\n]+")
_BREAKS = re.compile(r"\s*\n\s*")
_INTEGER = re.compile(r"-?\d{1,3}(,\d{3})+|-?\d+", re.ASCII)
_REALITY = re.compile(r"(.+) Reality TV", re.IGNORECASE)
_RESIZE = re.compile(r"\._V1_?[^/]*?(\.[A-Za-z0-9]+)$")


def clean(text: str) -> str | None:
    """Unicode NFC without control characters, single spaces, no blank lines, trimmed; None if nothing is left."""
    if text.isascii() and text.isprintable() and "  " not in text and text[:1] != " " and text[-1:] != " ":
        return text or None  # nearly all texts are clean already
    text = unicodedata.normalize("NFC", _UNPRINTABLE.sub("", text))
    text = _BREAKS.sub("\n", _SPACES.sub(" ", text)).strip()
    return text or None


def unescape(text: str) -> str:
    """HTML entities resolved, once: IMDb's pages carry them in titles and plots."""
    return html.unescape(text) if "&" in text else text


def integer(text: str) -> int:
    """A whole number as sources write it, "7" or "1,234"; ValueError for anything else."""
    if not _INTEGER.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is not a whole number")
    return int(text.replace(",", ""))


def full_date(year: int | None, month: int | None, day: int | None) -> date | None:
    """The date when all of it is known, else None; ValueError for a day that does not exist."""
    if year is None or month is None or day is None:
        return None
    return date(year, month, day)


def original_image_url(url: str) -> str:
    """IMDb's image address without its resize instruction (all between `._V1_` and the extension); case kept."""
    if url.endswith("._V1_.jpg"):
        return url
    return _RESIZE.sub(r"._V1_\1", url)


def picture_id(url: str) -> str:
    """What stays the same however IMDb resizes a picture: its file name before `._V1`, case-exact.

    ValueError for an address that names no file.
    """
    name = url.partition("?")[0].rpartition("/")[2]
    identity, resized, _ = name.partition("._V1")
    identity = identity if resized else name.rpartition(".")[0] or name
    if not identity:
        raise ValueError(f"{url!r} names no picture")
    return identity


def tags(names: Iterable[str]) -> list[str]:
    """Finer genres, the general word first: "Dating Reality TV" is "Reality TV Dating"; each once, case aside."""
    found: dict[str, str] = {}
    for name in names:
        words = " ".join(name.split())
        finer = _REALITY.fullmatch(words)
        tag = f"Reality TV {finer[1]}" if finer else words
        found.setdefault(tag.casefold(), tag)
    return [tag for tag in found.values() if tag]
