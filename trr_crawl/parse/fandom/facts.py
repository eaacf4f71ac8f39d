"""What short texts of an infobox mean: dates, heights, weights, seasons. All of them written by hand, by many hands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from trr_crawl.items import SeasonSpan

UNKNOWN: Final = frozenset(
    ("", "?", "??", "-", "\u2013", "\u2014", "n/a", "na", "none", "tba", "tbd", "to be added", "unknown", "not known")
)
"""Texts that say that nothing is known, in lower case and without a full stop."""

MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)

_BRACKETS = re.compile(r"\([^()]*\bage[ds]?\b[^()]*\)|\bage[d:]?\s*:?\s*\d{1,3}\b", re.IGNORECASE)
_END = r"(?=$|\s*[,;(\[\u2013\u2014-]|\s+in\b)"
_YEAR_END = r"(?=$|\s*[,;(\[]|\s+in\b)"
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?!\d)", re.ASCII)
_MONTH_FIRST = re.compile(rf"([a-z]{{3,9}})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\s*,?\s+(\d{{4}}){_END}", re.I | re.A)
_DAY_FIRST = re.compile(
    rf"(\d{{1,2}})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?([a-z]{{3,9}})\.?\s*,?\s+(\d{{4}}){_END}", re.I | re.A
)
_NUMBERS = re.compile(rf"(\d{{1,2}})([/.])(\d{{1,2}})\2(\d{{4}}){_END}", re.ASCII)
_MONTH_ONLY = re.compile(rf"([a-z]{{3,9}})\.?\s*,?\s+(\d{{4}}){_YEAR_END}", re.I | re.A)
_YEAR_ONLY = re.compile(rf"(\d{{4}}){_YEAR_END}", re.A)
_NO_YEAR = re.compile(
    r"(?:([a-z]{3,9})\.?\s+\d{1,2}(?:st|nd|rd|th)?|\d{1,2}(?:st|nd|rd|th)?\s+(?:of\s+)?([a-z]{3,9}))"
    r"(?=$|\s*[;(\[]|\s+in\b)",
    re.I | re.A,
)

_FEET = re.compile(r"(\d)\s*(?:['\u2032\u2019`]|ft\.?|feet|foot)\s*(\d{1,2}(?:\.\d+|½)?)?", re.IGNORECASE | re.ASCII)
_METRES = re.compile(r"([12])[.,](\d{1,2})\s*m\b", re.IGNORECASE | re.ASCII)
_CENTIMETRES = re.compile(r"(\d{2,3}(?:\.\d+)?)\s*cm\b", re.IGNORECASE | re.ASCII)
_POUNDS = re.compile(r"(\d{2,3}(?:\.\d+)?)\s*(?:lbs?|pounds?)\b", re.IGNORECASE | re.ASCII)
_KILOGRAMS = re.compile(r"(\d{2,3}(?:\.\d+)?)\s*(?:kgs?|kilograms?|kilos?)\b", re.IGNORECASE | re.ASCII)

_SPAN = re.compile(
    r"(?:seasons?\s*)?(\d{1,3})(?:\s*(-|\u2013|\u2014|to)\s*(?:(?:season\s*)?(\d{1,3})|present|current|now)?)?",
    re.IGNORECASE | re.ASCII,
)
_BETWEEN_SPANS = re.compile(r"[,;&+/\n]|\band\b", re.IGNORECASE)
_ORDER = re.compile(r"#?(\d{1,3})(?:st|nd|rd|th)?(?:\s*(?:/|of)\s*\d{1,3})?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Born:
    """As much of a day as a text tells."""

    day: date | None
    """None unless year, month and day are told."""
    year: int | None
    """None where only day and month are."""


def is_unknown(text: str) -> bool:
    """Whether a text only says that nothing is known."""
    return text.strip().rstrip(".").lower() in UNKNOWN


def born(text: str) -> Born:
    """A day as wikis write it: `September 14th, 1985 (Age 39)`, `14 Sept. 1985`, `1985-09-14`, `1985`, `May 3`.

    A place may follow. Numbers alone are read where they leave no choice: 14/9/1985, or with full stops 3.9.1985.
    ValueError for anything else, and for days that do not exist.
    """
    cleaned = " ".join(_BRACKETS.sub(" ", text).split()).strip(" ,;")
    if match := _ISO.search(cleaned):
        return _day(int(match[1]), int(match[2]), int(match[3]))
    if match := _MONTH_FIRST.match(cleaned):
        return _day(int(match[3]), _month(match[1]), int(match[2]))
    if match := _DAY_FIRST.match(cleaned):
        return _day(int(match[3]), _month(match[2]), int(match[1]))
    if match := _NUMBERS.match(cleaned):
        return _by_numbers(int(match[1]), int(match[3]), int(match[4]), by_stops=match[2] == ".")
    if match := _YEAR_ONLY.match(cleaned):
        return _year(int(match[1]))
    if match := _MONTH_ONLY.match(cleaned):
        _month(match[1])
        return _year(int(match[2]))
    if match := _NO_YEAR.match(cleaned):
        _month(match[1] or match[2])
        return Born(None, None)
    raise ValueError(f"{text!r} is not a date")


def _by_numbers(first: int, second: int, year: int, *, by_stops: bool) -> Born:
    if by_stops or first > 12:
        return _day(year, second, first)
    if second > 12 or first == second:
        return _day(year, first, second)
    return _year(year)  # the third of September or the ninth of March


def _day(year: int, month: int, day: int) -> Born:
    return Born(date(year, month, day), _year(year).year)


def _year(year: int) -> Born:
    if not 1800 <= year <= 2200:
        raise ValueError(f"{year} is nobody's year")
    return Born(None, year)


def _month(word: str) -> int:
    """1 to 12, for a name or the beginning of one."""
    lowered = "sep" if word.lower() == "sept" else word.lower()
    for number, name in enumerate(MONTHS, 1):
        if name.startswith(lowered):
            return number
    raise ValueError(f"{word!r} is no month")


def centimetres(text: str) -> float:
    """Body height: `5'7"`, `5 ft 7 in`, `1.70 m`, `170 cm`; ValueError for anything else."""
    if match := _CENTIMETRES.search(text):
        return float(match[1])
    if match := _METRES.search(text):
        return float(int(match[1]) * 100 + int(match[2].ljust(2, "0")))
    if match := _FEET.search(text):
        inches = (match[2] or "0").replace("½", ".5")
        return round((int(match[1]) * 12 + float(inches)) * 2.54, 1)
    raise ValueError(f"{text!r} is no height")


def kilograms(text: str) -> float:
    """Body weight: `130 lbs`, `59 kg`; ValueError for anything else."""
    if match := _KILOGRAMS.search(text):
        return float(match[1])
    if match := _POUNDS.search(text):
        return round(float(match[1]) * 0.45359237, 1)
    raise ValueError(f"{text!r} is no weight")


def spans(text: str, role: str) -> list[SeasonSpan]:
    """Seasons as wikis write them: `5`, `1-3, 5`, `2 & 4-present`, an open `5-`, with any dash.

    ValueError for anything else.
    """
    found = []
    for part in filter(None, (part.strip() for part in _BETWEEN_SPANS.split(text))):
        match = _SPAN.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no season")
        first = int(match[1])
        last = int(match[3]) if match[3] else (None if match[2] else first)
        if last is not None and last < first:
            raise ValueError(f"{part!r} ends before it begins")
        found.append(SeasonSpan(role=role, first=first, last=last))
    return found


def order(text: str) -> int:
    """A place such as `3/7`, `3 of 7`, `3rd`; ValueError for anything else."""
    match = _ORDER.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no place")
    return int(match[1])
