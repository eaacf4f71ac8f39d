"""Which of TMDb's shows or people has an id of IMDb: `/3/find/{id}?external_source=imdb_id`, and what to make of it.

TMDb may answer with several shows for one id. Then the name and the year that we know decide; what they do not decide
stays open. How much a show is looked at never decides.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from trr_crawl.items import Candidate, Item, Person, Show
from trr_crawl.parse.node import Node
from trr_crawl.parse.tmdb import answer, listed, work
from trr_crawl.parse.tmdb.fields import Drift, identifier, words

_KEYS: Final = frozenset({"movie_results", "person_results", "tv_results", "tv_episode_results", "tv_season_results"})
_PERSON_KEYS: Final = work.PERSON_KEYS | {"media_type", "known_for"}
_WORD: Final = re.compile(r"\w+")

SIMILAR: Final = 0.6
"""Names that share so many of their words (Jaccard) are similar."""
YEARS_APART: Final = 1
"""Sources may tell the first year of one show so differently: a pilot, a festival."""


class Code(enum.StrEnum):
    """What became of a question."""

    SINGLE_RESULT = "single_result"
    """TMDb has one show with the id."""
    NAME_MATCH = "name_match"
    """Of several, one has the name, and no other year."""
    YEAR_MATCH = "year_match"
    """Of several that the name does not tell apart, one has the year."""
    HEURISTIC_MATCH = "heuristic_match"
    """Of several, one has a similar name and the year."""
    AMBIGUOUS = "ambiguous"
    """Several, and nothing tells them apart."""
    NO_TV_RESULTS = "no_tv_results"
    """TMDb has no show with the id."""


@dataclass(frozen=True, slots=True)
class Found:
    """A show that TMDb names."""

    show: Show
    popularity: float


@dataclass(frozen=True, slots=True)
class Scored:
    """A show, and how well it fits."""

    found: Found
    name_score: int
    """3 for an equal name, 2 for one within the other, 1 for similar words, 0."""
    years_apart: int | None
    """None where one of the years is not known."""

    @property
    def score(self) -> float:
        """Name first, then the year: a tenth less for each year apart, at most 1, as for an unknown one."""
        return round(self.name_score - (1 if self.years_apart is None else min(self.years_apart, 10) / 10), 1)

    @property
    def evidence(self) -> list[str]:
        """What the score rests on, in words."""
        name = ("other name", "similar name", "one name within the other", "equal name")[self.name_score]
        years = "year unknown" if self.years_apart is None else f"{self.years_apart} years apart"
        return [name, years, f"popularity {self.found.popularity:g}"]


@dataclass(slots=True)
class Resolution:
    """What an answer comes to."""

    code: Code
    chosen: Show | None = None
    ranked: list[Scored] = field(default_factory=list)
    """All shows, the likeliest first."""

    def candidates(self, query: str) -> Iterator[Candidate]:
        """The shows as answers to a question that stays open."""
        for place, scored in enumerate(self.ranked, start=1):
            show = scored.found.show
            yield Candidate(
                source="tmdb",
                query=query,
                id=show.id,
                name=show.title,
                year=show.start_year,
                type=show.show_type,
                position=place,
                score=scored.score,
                evidence=scored.evidence,
            )


@dataclass(kw_only=True, slots=True)
class FindPage:
    """Everything that TMDb has under an id."""

    shows: list[Found] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """Films, seasons and episodes, in words."""
    drift: list[str] = field(default_factory=list)
    """Names of keys that the parser does not know."""

    @property
    def count(self) -> int:
        """How many things there are."""
        return len(self.shows) + len(self.people) + len(self.others)

    def items(self) -> Iterator[Item]:
        """Shows and people, as they are at TMDb; nothing says yet that they are the ones looked for."""
        yield from (found.show for found in self.shows)
        yield from self.people


def parse(body: bytes, imdb_id: str, *, language: str) -> FindPage:
    """The answer about an id."""
    node = answer.read(body, f"title or person {imdb_id}")
    drift = Drift()
    drift.check("find", node, _KEYS)
    page = FindPage()
    for entry in node.nodes("tv_results"):
        page.shows.append(Found(listed.title(entry, drift, language), entry.number("popularity") or 0.0))
    for entry in node.nodes("person_results"):
        drift.check("person_results", entry, _PERSON_KEYS)
        page.people.append(work.person(entry))
    page.others = list(_others(node))
    page.drift = sorted(drift)
    return page


def resolve(shows: Sequence[Found], *, name: str | None = None, year: int | None = None) -> Resolution:
    """Which of the shows is the one, given the name and first year that IMDb tells."""
    ranked = sorted((_scored(found, name, year) for found in shows), key=_rank)
    if not ranked:
        return Resolution(Code.NO_TV_RESULTS)
    if len(ranked) == 1:
        return Resolution(Code.SINGLE_RESULT, ranked[0].found.show, ranked)
    best = ranked[0].name_score
    named = [scored for scored in ranked if scored.name_score == best]
    if best == 3 and len(named) == 1 and (named[0].years_apart or 0) <= YEARS_APART:
        return Resolution(Code.NAME_MATCH, named[0].found.show, ranked)
    if name is None or best > 0:
        in_time = [scored for scored in named if scored.years_apart is not None and scored.years_apart <= YEARS_APART]
        nearest = [scored for scored in in_time if scored.years_apart == in_time[0].years_apart]
        if len(nearest) == 1:
            code = Code.YEAR_MATCH if name is None or best == 3 else Code.HEURISTIC_MATCH
            return Resolution(code, nearest[0].found.show, ranked)
    return Resolution(Code.AMBIGUOUS, None, ranked)


def name_score(one: str, other: str) -> int:
    """How alike two names are, as in `Scored.name_score`."""
    words_of_one, words_of_other = _WORD.findall(one.casefold()), _WORD.findall(other.casefold())
    if not words_of_one or not words_of_other:
        return 0
    joined, other_joined = " ".join(words_of_one), " ".join(words_of_other)
    if joined == other_joined:
        return 3
    if f" {joined} " in f" {other_joined} " or f" {other_joined} " in f" {joined} ":
        return 2
    shared, together = set(words_of_one) & set(words_of_other), set(words_of_one) | set(words_of_other)
    return 1 if len(shared) / len(together) >= SIMILAR else 0


def _scored(found: Found, name: str | None, year: int | None) -> Scored:
    names = [entry for entry in (found.show.title, found.show.original_title) if isinstance(entry, str)]
    started = found.show.start_year
    return Scored(
        found,
        max((name_score(name, entry) for entry in names), default=0) if name else 0,
        abs(started - year) if isinstance(started, int) and year is not None else None,
    )


def _rank(scored: Scored) -> tuple[int, int, float]:
    years = 1000 if scored.years_apart is None else scored.years_apart
    return -scored.name_score, years, -scored.found.popularity


def _others(node: Node) -> Iterator[str]:
    for entry in node.nodes("movie_results"):
        yield f"the film {identifier(entry)}" + (f" ({title})" if (title := words(entry, "title")) else "")
    for kind in ("season", "episode"):
        for entry in node.nodes(f"tv_{kind}_results"):
            yield f"the {kind} {identifier(entry)} of show {identifier(entry, 'show_id')}"
