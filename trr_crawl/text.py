"""Small pure functions for the text that sources serve: whitespace, entities, numbers, dates, image addresses."""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import date

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]|[\ud800-\udfff]")
_SPACES = re.compile(r"[^\S\n]+")
_BREAKS = re.compile(r"\s*\n\s*")
_INTEGER = re.compile(r"-?\d{1,3}(,\d{3})+|-?\d+", re.ASCII)
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
    return _RESIZE.sub(r"._V1_\1", url)
