"""Spider arguments: text from `-a name=value`, checked at once and turned into values."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

from trr_crawl.errors import UserError

_TITLE_ID = re.compile(
    r"(?:https?://(?:www\.|m\.)?imdb\.com/(?:[a-z-]{2,5}/)?title/)?(tt\d{7,10})(?:[/?#].*)?", re.ASCII
)
_NAME_ID = re.compile(r"(?:https?://(?:www\.|m\.)?imdb\.com/(?:[a-z-]{2,5}/)?name/)?(nm\d{7,10})(?:[/?#].*)?", re.ASCII)
_LIST_ID = re.compile(r"(?:https?://(?:www\.|m\.)?imdb\.com/(?:\S*/)?)?(ls\d{6,12})(?:[/?#].*)?", re.ASCII)
_WATCHLIST = re.compile(
    r"(?:https?://(?:www\.|m\.)?imdb\.com/(?:[a-z-]{2,5}/)?user/)?(ur\d{4,12})(?:/(?:watchlist)?/?)?(?:[?#].*)?",
    re.ASCII,
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


def name_id(text: str) -> str:
    """An IMDb person's id, bare or in the address of one of their pages."""
    match = _NAME_ID.fullmatch(text.strip())
    if match is None:
        raise ArgumentError(
            f"{_quoted(text.strip())} is not an IMDb person: give nm and 7 to 10 digits, or the person's address."
        )
    return match[1]


def name_ids(text: str) -> tuple[str, ...]:
    """Several people's ids, in the forms of `title_ids`."""
    entries = _lines(Path(text[1:])) if text.startswith("@") else text.split(",")
    ids = tuple(dict.fromkeys(name_id(entry) for entry in entries if entry.strip()))
    if not ids:
        raise ArgumentError(f"{text!r} names no person.")
    return ids


def list_id(text: str) -> str:
    """An IMDb list's id, bare or in its address: `ls…`, or `ur…/watchlist` for a user's watchlist."""
    text = text.strip()
    if match := _LIST_ID.fullmatch(text):
        return match[1]
    if match := _WATCHLIST.fullmatch(text):
        return f"{match[1]}/watchlist"
    raise ArgumentError(
        f"{_quoted(text)} is not an IMDb list: give ls and its digits, ur and digits for that user's watchlist, "
        "or the address of either."
    )


def list_ids(text: str) -> tuple[str, ...]:
    """Several lists' ids, in the forms of `title_ids`."""
    entries = _lines(Path(text[1:])) if text.startswith("@") else text.split(",")
    ids = tuple(dict.fromkeys(list_id(entry) for entry in entries if entry.strip()))
    if not ids:
        raise ArgumentError(f"{text!r} names no list.")
    return ids


def list_ids_of_config(text: str) -> tuple[str, ...]:
    """The lists that a YAML or JSON file names under `imdb_lists`; `tmdb_lists` is left to the spider for them."""
    return tuple(dict.fromkeys(list_id(entry) for entry in listed_in_config(text, "imdb_lists")))


def listed_in_config(text: str, key: str) -> list[str]:
    """What a YAML or JSON file names under `imdb_lists` or `tmdb_lists`."""
    import yaml  # type: ignore[import-untyped]  # only this reader needs it

    path = Path(text)
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    except yaml.YAMLError as error:
        raise ArgumentError(f"The file {path} is not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(config, dict) or not config.keys() <= {"imdb_lists", "tmdb_lists"}:
        raise ArgumentError(f"The file {path} holds something else than the keys imdb_lists and tmdb_lists.")
    listed = config.get(key)
    # TMDb's lists have numbers, which YAML reads as such.
    types = (str, int) if key == "tmdb_lists" else (str,)
    if not isinstance(listed, list) or not listed or not all(type(entry) in types for entry in listed):
        raise ArgumentError(f"The file {path} names no list under {key}: give ids or addresses, one a line.")
    return [str(entry) for entry in listed]


def files(text: str) -> tuple[Path, ...]:
    """Files that can be read, separated by commas."""
    paths = tuple(dict.fromkeys(Path(entry.strip()) for entry in text.split(",") if entry.strip()))
    if not paths:
        raise ArgumentError(f"{text!r} names no file.")
    for path in paths:
        try:
            path.open("rb").close()
        except OSError as error:
            raise _unreadable(path, error) from error
    return paths


def words(text: str) -> tuple[str, ...]:
    """One text, such as a title to look for; commas are part of it."""
    cleaned = " ".join(text.split())
    if not cleaned:
        raise ArgumentError("it is empty.")
    return (cleaned,)


def names(text: str) -> tuple[str, ...]:
    """Names of people, separated by commas; or `@file`, one a line, where commas are part of a name."""
    entries = _lines(Path(text[1:])) if text.startswith("@") else text.split(",")
    found = tuple(dict.fromkeys(name for entry in entries if (name := " ".join(entry.split()))))
    if not found:
        raise ArgumentError(f"{text!r} names nobody.")
    return found


def day(text: str) -> date:
    """A day, as in 1985-09-14."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise ArgumentError(f"{text!r} is no day; write it as in 1985-09-14.") from error


def moment(text: str) -> datetime:
    """A day, or a time of one, as in 2026-11-20T03:00; UTC if it names no zone."""
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ArgumentError(f"{text!r} is no time; write it as in 2026-11-20 or 2026-11-20T03:00.") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def number(text: str) -> int:
    """A whole number from 0."""
    if not text.strip().isdecimal() or not text.isascii():
        raise ArgumentError(f"{text!r} is no whole number.")
    return int(text)


def entries(text: str) -> list[str]:
    """Several texts, separated by commas; or `@file`, one a line, `#` starts a comment."""
    listed = _lines(Path(text[1:])) if text.startswith("@") else text.split(",")
    return [entry.strip() for entry in listed if entry.strip()]


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
        raise _unreadable(path, error) from error
    return [line.partition("#")[0] for line in content.splitlines()]


def _unreadable(path: Path, error: OSError | UnicodeDecodeError) -> ArgumentError:
    reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
    return ArgumentError(f"The file {path} cannot be read: {reason}.")


def _quoted(text: str) -> str:
    """The text in quotes, and not all of it where a whole page was given."""
    return repr(text if len(text) <= 100 else f"{text[:97]}...")
