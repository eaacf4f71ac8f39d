"""What the spiders for Fandom share: how a page is asked for, and when it is taken for somebody's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlencode, urlsplit

from scrapy.http import Request, Response

from trr_crawl.arguments import ArgumentError, day, names, number, title_ids, words
from trr_crawl.blocks import Expects, Outcome
from trr_crawl.catalog import due
from trr_crawl.items import Item
from trr_crawl.parse.errors import NoSuchTitle, PageError, WrongPage
from trr_crawl.parse.fandom import api, article, document
from trr_crawl.parse.fandom.article import ArticlePage
from trr_crawl.parse.fandom.document import Document
from trr_crawl.parse.fandom.evidence import Finding, Wanted, compare, normal
from trr_crawl.parse.fandom.wikis import Wiki, wiki_of
from trr_crawl.spiders.base import READERS, Arguments, CatalogSpider, Want, why_not

if TYPE_CHECKING:
    from twisted.python.failure import Failure

OFFERED: Final = 10
"""So many candidates a search is asked for."""

Results: TypeAlias = Iterator[Item | Request]


def wiki(text: str) -> Wiki:
    """A wiki: `real-housewives`, `de/real-housewives`, or its address."""
    try:
        return wiki_of(text)
    except ValueError as error:
        raise ArgumentError(f"{error}: give its name, as in real-housewives or de/name, or its address.") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class FandomArguments(Arguments):
    """Where to look, for whom, and what is known of them."""

    wiki: Wiki | None = None
    persons: tuple[str, ...] = ()
    """Names."""
    shows: tuple[str, ...] = ()
    """IMDb ids of shows whose cast to look for; with `persons`, the shows that these are in."""
    titles: tuple[str, ...] = ()
    """The title of a show that `persons` are in."""
    born: date | None = None
    """When the one person was born."""
    search: int = 3
    """So many pages of a search are looked at, where the page of that name is missing or somebody else's."""

    def __post_init__(self) -> None:
        if self.wiki is None:
            raise ArgumentError("Say which wiki: -a wiki=real-housewives, or its address.")
        if not self.persons and not self.shows:
            raise ArgumentError('Say whom to look for: -a person="…", -a persons=@file, or -a show=tt… for its cast.')
        if self.born is not None and len(self.persons) != 1:
            raise ArgumentError("-a born goes with a single -a person.")
        if self.titles and not self.persons:
            raise ArgumentError("-a title goes with -a person; the catalog knows the title of -a show.")


FANDOM_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    **READERS,
    "wiki": wiki,
    "person": names,
    "persons": names,
    "show": title_ids,
    "shows": title_ids,
    "title": words,
    "born": day,
    "search": number,
}
"""How the text of each argument is read."""


@dataclass(slots=True)
class Quest:
    """The search for one person's page."""

    wanted: Wanted
    seen: set[int] = field(default_factory=set)
    """Pages that were looked at."""
    left: list[str] = field(default_factory=list)
    """Titles of candidates that were not."""
    offered: list[str] | None = None
    """What the wiki's search named; None before it was asked."""
    reasons: list[str] = field(default_factory=list)
    """Why the pages seen are not theirs."""

    def why(self) -> str:
        """Why no page is theirs, a clause."""
        seen = "; ".join(self.reasons) or "the wiki has no page of that name"
        offered = [title for title in self.offered or () if title]
        return seen + (f"; its search offers {', '.join(offered)}" if offered else "")


Then: TypeAlias = Callable[[Quest, Document | None], Results]
"""What to do with a page; None stands for one that is missing."""


class FandomSpider(CatalogSpider):
    """Base of the spiders for Fandom.

    They ask api.php first and the page that readers see second. A block is a block: nothing is tried after it.
    """

    arguments_class = FandomArguments
    readers = FANDOM_READERS
    args: FandomArguments

    @property
    def wiki(self) -> Wiki:
        """The wiki of the run."""
        assert self.args.wiki is not None
        return self.args.wiki

    async def first_requests(self) -> AsyncIterator[Request]:
        """One request a person."""
        for wanted in await self.all_wanted():
            yield self.ask_document(Quest(wanted), wanted.name, self.judge)

    async def all_wanted(self) -> list[Wanted]:
        """Those named, with what the arguments and the catalog know of them; or the cast of the shows."""
        named = [Wanted(name=name, birth_date=self.args.born, shows=self.args.titles) for name in self.args.persons]
        if not self.args.shows:
            return named
        try:
            cast = await asyncio.to_thread(due.cast_of, self.args.shows)
        except due.CatalogError as error:
            self.report.fail(f"The catalog cannot be read: {error}")
            return []
        for show in self.args.shows:
            if not any(member.show_id == show for member in cast):
                self.note_gap(Want(show, "cast"), "the catalog knows nobody of it; crawl its credits first")
        members = _united(cast)
        if not named:
            return members
        return [_known(wanted, members, cast) for wanted in named]

    # Pages

    def ask_api(
        self, parameters: Mapping[str, str], callback: Callable[..., Any], want: Want, **cb_kwargs: Any
    ) -> Request:
        """A request to api.php; a wiki that lags behind is not pressed."""
        query = {**parameters, "maxlag": str(self.settings.getint("FANDOM_MAXLAG"))}
        request = Request(
            f"{self.wiki.root(self.settings['FANDOM_URL'])}/api.php?{urlencode(query)}",
            callback=callback,
            cb_kwargs=cb_kwargs,
            meta={"expects": Expects.MEDIAWIKI, "handle_httpstatus_list": [400, 404]},
            dont_filter=True,
        )
        return self.ask(request, want)

    def ask_document(self, quest: Quest, title: str, then: Then, part: str | None = None) -> Request:
        """A page by api.php, with the page itself in reserve."""
        want = Want(quest.wanted.name, part)
        parameters = {**document.API_PARAMETERS, "page": title}
        request = self.ask_api(parameters, self.parse_answer, want, quest=quest, title=title, then=then)
        return request.replace(errback=self.answer_failed)

    def ask_page(self, quest: Quest, title: str, then: Then, want: Want) -> Request:
        """The page that readers see."""
        request = Request(
            self.wiki.page_url(title, self.settings["FANDOM_URL"]),
            callback=self.parse_page,
            cb_kwargs={"quest": quest, "title": title, "then": then},
            meta={"expects": Expects.WIKI_PAGE},
            dont_filter=True,
        )
        return self.ask(request, want).replace(errback=self.page_failed)

    def answer_failed(self, failure: Failure) -> Results:
        """Errback: where api.php is no help, the page may be; unless we are blocked."""
        request: Request = failure.request  # type: ignore[attr-defined]
        if getattr(failure.value, "blocked", False):
            self.note_failure(failure)
            return
        self.logger.info("No answer of api.php about %s: %s.", request.cb_kwargs["title"], why_not(failure.value))
        yield self.ask_page(**request.cb_kwargs, want=request.meta["want"])

    def page_failed(self, failure: Failure) -> Results:
        """Errback: a page that is not there is an answer."""
        if getattr(failure.value, "outcome", None) is Outcome.NOT_FOUND:
            kwargs = failure.request.cb_kwargs  # type: ignore[attr-defined]
            yield from kwargs["then"](kwargs["quest"], None)
        else:
            self.note_failure(failure)

    def parse_answer(self, response: Response, quest: Quest, title: str, then: Then) -> Results:
        self.check_host(response)
        try:
            found = document.parse_answer(response.body, self.wiki)
        except NoSuchTitle:
            yield from then(quest, None)
        except PageError as error:
            self.logger.info("No answer of api.php about %s: %s.", title, error)
            yield self.ask_page(quest, title, then, response.meta["want"])
        else:
            yield from then(quest, found)

    def parse_page(self, response: Response, quest: Quest, title: str, then: Then) -> Results:
        self.check_host(response)
        try:
            found = document.parse_page(response.body, self.wiki)
        except NoSuchTitle as error:
            self.logger.info("No page %s: %s.", title, error)
            yield from then(quest, None)
        else:
            yield from then(quest, found)

    def check_host(self, response: Response) -> None:
        """Raise WrongPage where the wiki led to another one, as closed and renamed ones do."""
        own = urlsplit(self.wiki.root(self.settings["FANDOM_URL"])).netloc
        if urlsplit(response.url).netloc != own:
            raise WrongPage(f"asked {self.wiki.key}, it leads to {response.url}")

    # Whose page it is

    def judge(self, quest: Quest, found: Document | None) -> Results:
        """Take a page for somebody's, or keep it unattached and look further."""
        if found is None or found.page_id in quest.seen:
            yield from self.look_further(quest)
            return
        quest.seen.add(found.page_id)
        page = article.read(found)
        finding = compare(page, quest.wanted)
        self.note_drift(page.drift)
        self.note_pictures(page.missing, page.strange, quest.wanted.name)
        self.crawler.stats.inc_value("fandom/attached" if finding.attached else "fandom/unattached")
        self.logger.info(
            "%s: %s %s, %s",
            quest.wanted.name,
            found.key,
            found.title,
            "; ".join(finding.evidence) if finding.attached else f"not attached: {finding.reason}",
        )
        yield from self.found(page, finding)
        if not finding.attached and not finding.is_open:
            quest.reasons.append(f"{finding.reason} ({found.key})")
            yield from self.look_further(quest)

    def found(self, page: ArticlePage, finding: Finding) -> Results:
        """What to do with a page that was looked at."""
        raise NotImplementedError

    def look_further(self, quest: Quest) -> Results:
        """The next candidate, or the wiki's search, or the end."""
        if quest.left:
            yield self.ask_document(quest, quest.left.pop(0), self.judge)
        elif quest.offered is None and self.args.search:
            yield self.ask_api(
                {
                    "action": "query",
                    "list": "search",
                    "srsearch": quest.wanted.name,
                    "srlimit": str(OFFERED),
                    "srprop": "",
                    "format": "json",
                    "formatversion": "2",
                },
                self.parse_search,
                Want(quest.wanted.name),
                quest=quest,
            )
        else:
            self.note_gap(Want(quest.wanted.name), quest.why())

    def parse_search(self, response: Response, quest: Quest) -> Results:
        """Candidates: told, and as many of them looked at as `search` says, if there is anything to compare with."""
        self.check_host(response)
        page = api.parse_list(response.body, "search")
        self.note_drift(page.drift)
        quest.offered = page.titles
        for candidate in page.candidates(self.wiki.key, quest.wanted.name):
            self.logger.info("%s may be %s", quest.wanted.name, candidate.name)
            yield candidate
        if not quest.wanted.is_only_a_name:
            quest.left = page.titles[: self.args.search]
        yield from self.look_further(quest)

    def note_pictures(self, missing: list[str], strange: list[str], subject: str) -> None:
        """Count files that a page names and the wiki does not have; addresses that are no pictures are a gap."""
        if missing:
            self.crawler.stats.inc_value("fandom/missing_files", len(missing))
            self.logger.info("%s: %d files are not there: %s", subject, len(missing), ", ".join(missing[:10]))
        if strange:
            why = f"{len(strange)} have strange addresses, the first is {strange[0]}"
            self.note_gap(Want(subject, "pictures"), why)


def _united(cast: list[due.CastMember]) -> list[Wanted]:
    """The people of a cast, each once, with all of the shows."""
    shows: dict[str, list[str]] = {member.person_id: [] for member in cast}
    for member in cast:
        shows[member.person_id] += filter(None, [member.show])
    people = {member.person_id: member for member in cast}
    return [
        Wanted(name=member.name, id=member.person_id, birth_date=member.birth_date, shows=tuple(shows[person_id]))
        for person_id, member in people.items()
    ]


def _known(wanted: Wanted, members: list[Wanted], cast: list[due.CastMember]) -> Wanted:
    """The one in the cast with that name, whom the catalog may spell better; else the named person with the shows."""
    namesakes = [member for member in members if normal(member.name) == normal(wanted.name)]
    if len(namesakes) == 1:
        [member] = namesakes
        return Wanted(
            name=member.name,
            id=member.id,
            birth_date=wanted.birth_date or member.birth_date,
            shows=(*wanted.shows, *member.shows),
        )
    titles = dict.fromkeys(member.show for member in cast if member.show)
    return Wanted(name=wanted.name, birth_date=wanted.birth_date, shows=(*wanted.shows, *titles))
