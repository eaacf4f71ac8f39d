"""How old what we know may get, spider by spider: change a line and the next `scrapy due` follows it.

A thing's age limit depends on its stage. Shows: `airing` (an episode came out lately or is to come out soon), `ended`,
and `between` (neither). People: `on-screen` (in the cast of an airing show), `deceased`, and `living`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final, Literal

Stage = Literal["airing", "between", "ended", "on-screen", "living", "deceased"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When a spider's things are due."""

    kind: Literal["show", "person"]
    source: str
    """Whose ids the spider takes."""
    ages: Mapping[Stage, timedelta]
    """The age limit of each stage."""
    episodes: bool = False
    """Also soon after an episode came out, and when the catalog hears of a season that this spider did not see."""
    films: bool = True
    """Whether titles that are no series are crawled, too."""


NIGHT: Final = timedelta(hours=6)
"""Ages end so much earlier than the table says: a night's crawl comes to a thing now earlier, now later."""


def _shows(*, airing: float, between: float, ended: float) -> Mapping[Stage, timedelta]:
    return _ages({"airing": airing, "between": between, "ended": ended})


def _people(*, on_screen: float, living: float, deceased: float) -> Mapping[Stage, timedelta]:
    return _ages({"on-screen": on_screen, "living": living, "deceased": deceased})


def _ages(days: Mapping[Stage, float]) -> Mapping[Stage, timedelta]:
    return MappingProxyType({stage: timedelta(days=number) - NIGHT for stage, number in days.items()})


# fmt: off
POLICIES: Final[Mapping[str, Policy]] = MappingProxyType({
    "imdb_episodes":       Policy(kind="show", source="imdb", episodes=True, films=False,
                                  ages=_shows(airing=2, between=14, ended=90)),
    "imdb_title":          Policy(kind="show", source="imdb", ages=_shows(airing=7, between=30, ended=120)),
    "imdb_credits":        Policy(kind="show", source="imdb", ages=_shows(airing=7, between=30, ended=180)),
    "imdb_media_index":    Policy(kind="show", source="imdb", ages=_shows(airing=7, between=45, ended=365)),
    "imdb_person":         Policy(kind="person", source="imdb", ages=_people(on_screen=14, living=90, deceased=365)),
    "imdb_person_gallery": Policy(kind="person", source="imdb", ages=_people(on_screen=14, living=120, deceased=365)),
    "tmdb_show":           Policy(kind="show", source="tmdb", episodes=True, films=False,
                                  ages=_shows(airing=2, between=14, ended=90)),
    "tmdb_person":         Policy(kind="person", source="tmdb", ages=_people(on_screen=14, living=90, deceased=365)),
})
# fmt: on

AIRED_LATELY: Final = timedelta(days=14)
AIRS_SOON: Final = timedelta(days=7)
"""A show whose last known episode is no older, or whose next is no further away, is airing."""

EPISODE_IS_OUT: Final = timedelta(hours=28)
"""After the start (UTC) of the day on which an episode is shown: the evening is over in America, too."""

ENDED: Final = ("Ended", "Canceled", "Cancelled", "ended", "canceled", "cancelled")
"""What sources call the `production_status` of a show that will have no more episodes."""

FILMS: Final = ("movie", "short", "tvMovie", "tvShort", "video", "videoGame")
"""The `show_type` of titles that have no episodes."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """The pause after a failure; it doubles with each one in a row."""

    first: timedelta
    longest: timedelta


BACK_OFF: Final[Mapping[str, BackOff]] = MappingProxyType(
    {
        # A page that cannot be read today is hardly better in an hour; a nightly crawl tries it the next night.
        "failed": BackOff(first=timedelta(hours=18), longest=timedelta(days=14)),
        # A source that refused to talk to us says little about the show.
        "blocked": BackOff(first=timedelta(hours=18), longest=timedelta(days=3)),
    }
)

CLOCKS_AGREE: Final = timedelta(hours=1)
"""Clocks of machines differ by less; what is dated further in the future was dated by a wrong one."""

LEASE: Final = timedelta(minutes=5)
"""How long what was handed out belongs to a run that gives no sign of life."""

DUE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "force": "it was asked for whatever its age",
        "changed-at-source": "the source says that it changed",
        "new-episode": "an episode came out since the last good crawl",
        "interrupted": "the last run ended before it was done with it",
        "season-missing": "the catalog heard of a season since the last good crawl",
        "since": "the last good crawl is older than was asked for",
        "never": "this spider never crawled it",
        "failed-retry": "it failed, and the pause after that is over",
        "blocked-retry": "the source blocked us, and the pause after that is over",
        "resume": "the last run could not get it",
        "from-the-future": "the last crawl is dated later than now: a clock was wrong",
        "stale-airing": "it is airing, and the last good crawl is too old for that",
        "stale-between": "the last good crawl is too old for a show between seasons",
        "stale-ended": "the last good crawl is too old even for a show that ended",
        "stale-on-screen": "they are in the cast of an airing show, and the last good crawl is too old for that",
        "stale-living": "the last good crawl is too old",
        "stale-deceased": "the last good crawl is too old even for somebody who died",
        # Last: it may be what killed the run.
        "lease-ran-out": "the run that had it died",
    }
)
"""Why something is due; what stands first is crawled first."""

NOT_DUE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "leased": "a run is at it",
        "just-tried": "this run, or one beside it, was at it already",
        "backing-off": "it failed, and the pause after that is not over",
        "up-to-date": "the last good crawl is young enough",
        "not-left": "no run left it behind",
    }
)
"""Why something is not due."""
