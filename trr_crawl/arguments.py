"""Spider arguments: text from `-a name=value`, checked at once and turned into values."""

from __future__ import annotations

import re
from pathlib import Path

from trr_crawl.errors import UserError

_TITLE_ID = re.compile(
    r"(?:https?://(?:www\.|m\.)?imdb\.com/(?:[a-z-]{2,5}/)?title/)?(tt\d{7,10})(?:[/?#].*)?", re.ASCII
)
_SEASONS = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?", re.ASCII)
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


class ArgumentError(UserError):
    """A spider argument is missing, unknown or malformed."""


def title_id(text: str) -> str:
    """An IMDb title id, bare or in the address of one of its pages."""
    match = _TITLE_ID.fullmatch(text.strip())
    if match is None:
        raise ArgumentError(
            f"{_quoted(text.strip())} is not an IMDb title: give tt and 7 to 10 digits, or the title's address."
        )
    return match[1]


def title_ids(text: str) -> tuple[str, ...]:
    """Several ids, separated by commas; or `@file`, one a line, `#` starts a comment. Order kept, repeats dropped."""
    entries = _lines(Path(text[1:])) if text.startswith("@") else text.split(",")
    ids = tuple(dict.fromkeys(title_id(entry) for entry in entries if entry.strip()))
    if not ids:
        raise ArgumentError(f"{text!r} names no title.")
    return ids


def season_labels(text: str) -> tuple[str, ...]:
    """Season labels: `1,3-5,unknown` gives ("1", "3", "4", "5", "unknown")."""
    labels: list[str] = []
    for part in (part.strip().lower() for part in text.split(",")):
        match = _SEASONS.fullmatch(part)
        if part == "unknown":
            labels.append(part)
        elif match is not None and int(match[1]) <= int(match[2] or match[1]):
            labels.extend(str(number) for number in range(int(match[1]), int(match[2] or match[1]) + 1))
        else:
            raise ArgumentError(f"seasons={text}: {part!r} is no season; write numbers and ranges as in 1,3-5.")
    return tuple(dict.fromkeys(labels))


def flag(text: str) -> bool:
    """`true` or `false`."""
    lowered = text.strip().lower()
    if lowered not in _TRUE + _FALSE:
        raise ArgumentError(f"{text!r} is neither true nor false.")
    return lowered in _TRUE


def _lines(path: Path) -> list[str]:
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ArgumentError(f"The file {path} cannot be read: {reason}.") from error
    return [line.partition("#")[0] for line in content.splitlines()]


def _quoted(text: str) -> str:
    """The text in quotes, and not all of it where a whole page was given."""
    return repr(text if len(text) <= 100 else f"{text[:97]}...")
