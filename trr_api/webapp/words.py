"""How the site writes what the API tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from trr_api.problems import Kind

OFFERS: Final = {
    "flatrate": "Subscription",
    "free": "Free",
    "ads": "Free with ads",
    "rent": "Rent",
    "buy": "Buy",
}

THREADS: Final = {
    "general": "General",
    "episode_live": "While it is on air",
    "post_episode": "After it was on air",
    "spoilers": "Spoilers",
}

REACTIONS: Final = {
    "upvote": "Up",
    "downvote": "Down",
    "lol": "LOL",
    "shade": "Shade",
    "fire": "Fire",
    "heart": "Heart",
}
"""Words, which every font has."""

GAMES: Final = {
    "survey": "Survey",
    "quiz": "Quiz",
    "poll": "Poll",
    "prediction": "Prediction",
    "ranking": "Ranking",
}

TROUBLES: Final = {
    "invalid-parameter": "This address is not right",
    "invalid-cursor": "This address is not right",
    "invalid-body": "Something in the form is not right",
    "unauthorized": "This did not work",
    "forbidden": "This is not allowed",
    "not-found": "It is not here",
    "conflict": "This is not possible any more",
    "too-many-requests": "Too many tries",
    "unavailable": "Come back in a moment",
    "timeout": "Come back in a moment",
    "body-too-large": "This is too long",
    "method-not-allowed": "This address is not right",
}
"""Kinds of problems as people meet them; callers of the API read other titles."""


def day(text: str | None) -> str:
    """A date: "3 May 2019"."""
    if text is None:
        return ""
    when = date.fromisoformat(text[:10])
    return f"{when.day} {when:%B %Y}"


def moment(text: str | None) -> datetime | None:
    """A time out of JSON."""
    return None if text is None else datetime.fromisoformat(text)


def years(thing: Mapping[str, Any]) -> str:
    """From when to when a show ran: "2019", "2019-2021"."""
    first, last = thing.get("start_year"), thing.get("end_year")
    if first is None:
        return ""
    if last is None:
        return str(first)
    return str(first) if first == last else f"{first}-{last}"


def place(episode: Mapping[str, Any]) -> str:
    """Where an episode is: "S2 E3", "Special 3"."""
    season, number = episode["season_number"], episode["episode_number"]
    if season is None and number is None:
        return "No number"
    shown = "?" if number is None else number
    if season == 0:
        return f"Special {shown}"
    return f"S{'?' if season is None else season} E{shown}"


def season_name(season: Mapping[str, Any]) -> str:
    """What a season is called."""
    plain = "Specials" if season["season_number"] == 0 else f"Season {season['season_number']}"
    return season.get("title") or plain


def person(user: Mapping[str, Any]) -> str:
    """What somebody who writes here is called."""
    return user["display_name"] or f"@{user['name']}"


def initials(name: str | None) -> str:
    """One or two letters, where there is no picture."""
    letters = [word[0] for word in (name or "").split() if word[0].isalnum()]
    return "".join(letters[:1] + letters[1:][-1:]).upper() or "?"


def trouble(kind: Kind) -> str:
    """The heading over a problem."""
    return TROUBLES.get(kind.name, kind.title)


def plain(name: str) -> str:
    """A name of the API as words: "Still frame"."""
    return name.replace("_", " ").capitalize()


def web(address: str | None) -> str | None:
    """An address of a source, where a link may lead: only http and https, no scripts."""
    return address if address and urlsplit(address).scheme in ("http", "https") else None


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "day": day,
    "moment": moment,
    "years": years,
    "place": place,
    "season_name": season_name,
    "person": person,
    "initials": initials,
    "trouble": trouble,
    "plain": plain,
    "web": web,
    "offer": lambda kind: OFFERS.get(kind, plain(kind)),
    "thread_type": lambda kind: THREADS[kind],
    "game": lambda kind: GAMES[kind],
}
