"""Whether a page is about the person that was looked for. A name alone never proves it: pages of others bear it too."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from trr_crawl.parse.fandom.article import ArticlePage

_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i"}
    | dict.fromkeys(("'", "\u2019", "."), "")
)
"""Letters that Unicode does not take apart, and what stands within words without parting them."""

_QUALIFIER = re.compile(r"\s*\([^()]*\)$")
_PARTS_OF_A_SHOW = re.compile(
    r"(?: cast| cast members?| castmembers?| contestants?| participants?)?(?: season \d{1,3})?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Who is looked for, and what is known of them."""

    name: str
    id: str | None = None
    """At IMDb, where it is known."""
    birth_date: date | None = None
    shows: tuple[str, ...] = ()
    """Titles of shows that they are in."""

    @property
    def is_only_a_name(self) -> bool:
        """Whether nothing is known by which a page could prove to be theirs."""
        return self.birth_date is None and not self.shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What comparing a page with the person showed."""

    wanted: Wanted
    evidence: list[str] = field(default_factory=list)
    """What speaks for it."""
    reason: str | None = None
    """Why the page is not theirs, or not known to be; None if it is."""

    @property
    def attached(self) -> bool:
        """Whether the page is theirs."""
        return self.reason is None

    @property
    def is_open(self) -> bool:
        """Whether the name is theirs, and nothing more is known by which to tell."""
        return self.reason is not None and bool(self.evidence) and self.wanted.is_only_a_name


def normal(name: str) -> str:
    """A name to compare: small letters without accents, punctuation as spaces, single spaces."""
    letters = unicodedata.normalize("NFKD", name).casefold().translate(_LETTERS)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join("".join(letter if letter.isalnum() else " " for letter in plain).split())


def compare(page: ArticlePage, wanted: Wanted) -> Finding:
    """Attach a page only if a name of its own is the wanted one, and something more agrees: the show or the birth date.

    Birth dates that both are known and differ speak against it, whatever else agrees.
    """
    named = _same_name(page.names, wanted.name)
    if named is None:
        return Finding(wanted=wanted, reason=f"the page is about {page.document.title}")
    evidence = [f"the page's {'title' if named == page.document.title else 'alias'} is {named}"]
    told = page.box.facts.get("birth_date") or page.box.facts.get("birth_year")
    if wanted.birth_date is not None and told is not None:
        if told not in (wanted.birth_date, wanted.birth_date.year):
            reason = f"the page's {named} was born {told}, the one looked for {wanted.birth_date}"
            return Finding(wanted=wanted, evidence=evidence, reason=reason)
        if told == wanted.birth_date:
            evidence.append(f"both were born {told}")
    evidence += [f"the page names the show {show}" for show in _shared_shows(page, wanted.shows)]
    if len(evidence) > 1:
        return Finding(wanted=wanted, evidence=evidence)
    if wanted.is_only_a_name:
        return Finding(wanted=wanted, evidence=evidence, reason="only the name is known of the person looked for")
    told = [f"the show {show}" for show in wanted.shows] + (
        [f"a birth on {wanted.birth_date}"] if wanted.birth_date else []
    )
    return Finding(wanted=wanted, evidence=evidence, reason=f"the page says nothing of {' or '.join(told)}")


def _same_name(names: Iterable[str], wanted: str) -> str | None:
    """The name that is the wanted one, maybe with a qualifier: "Jo Doe (Season 2)"."""
    sought = normal(wanted)
    for name in names:
        if sought and sought in (normal(name), normal(bare(name))):
            return name
    return None


def bare(title: str) -> str:
    """A title without what tells it from others of that name: "Jo Doe (Season 2)" is "Jo Doe"."""
    return _QUALIFIER.sub("", title) or title


def _shared_shows(page: ArticlePage, shows: Iterable[str]) -> list[str]:
    """Which of the shows the page's infobox or categories name."""
    named = {_show(name) for name in page.document.categories or ()}
    for line in (line for row in page.box.rows for line in row.lines):
        linked = (page.document.wiki.title_of(href) for _, href in line.links)
        named |= {_show(name) for name in (line.text, *linked) if name}
    return [show for show in shows if _show(show) and any(_is_of(name, _show(show)) for name in named)]


def _show(title: str) -> str:
    return normal(title).removeprefix("the ")


def _is_of(name: str, show: str) -> bool:
    """Whether a name is the show's, or of its cast or one of its seasons: "Love Island USA" is not "Love Island"."""
    return name.startswith(show) and _PARTS_OF_A_SHOW.fullmatch(name, len(show)) is not None
