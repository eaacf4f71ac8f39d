"""What the spiders for TMDb share: one way to ask, the key, ids of other sources, and how a show is got.

TMDb numbers films and shows apart. Where both may stand, a film is `movie/<number>`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlencode

from scrapy.http import Request, Response

from trr_crawl.arguments import ArgumentError, entries, name_id, title_id
from trr_crawl.blocks import Expects
from trr_crawl.items import Credit, Episode, Item, Offer, Season, Show
from trr_crawl.keys import API_KEY, BEARER, tmdb_key
from trr_crawl.parse.errors import PageError
from trr_crawl.parse.tmdb import find, ids, organisations, season, show
from trr_crawl.parse.tmdb.answer import KeyRefused
from trr_crawl.parse.tmdb.find import Code, FindPage, Resolution
from trr_crawl.parse.tmdb.season import SeasonPage
from trr_crawl.parse.tmdb.show import PARTS, PARTS_AT_ONCE, ShowPage
from trr_crawl.spiders.base import CatalogSpider, Want

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

_ADDRESS: Final = (
    r"(?:https?://(?:www\.)?themoviedb\.org/(?:[a-z]{2}(?:-[A-Z]{2})?/)?%s/)?(%s)(?:-[^/?#]*)?(?:[/?#].*)?"
)
_SHOW: Final = re.compile(_ADDRESS % ("tv", r"[1-9]\d{0,9}"), re.ASCII)
_PERSON: Final = re.compile(_ADDRESS % ("person", r"[1-9]\d{0,9}"), re.ASCII)
_LIST: Final = re.compile(_ADDRESS % ("list", r"[1-9]\d{0,11}|[0-9a-f]{24}"), re.ASCII)


def show_ids(text: str) -> tuple[str, ...]:
    """TMDb's shows by number, or IMDb's tt…, or the address of either; see `entries` for several."""
    return _ids(text, _SHOW, title_id, "is no show: give TMDb's number, tt and 7 to 10 digits, or the show's address")


def person_ids(text: str) -> tuple[str, ...]:
    """TMDb's people by number, or IMDb's nm…, or the address of either."""
    return _ids(text, _PERSON, name_id, "is no person: give TMDb's number, nm and 7 to 10 digits, or their address")


def list_ids(text: str) -> tuple[str, ...]:
    """TMDb's lists by number (older ones: 24 hexadecimal digits), or their addresses."""
    found = []
    for entry in entries(text):
        match = _LIST.fullmatch(entry)
        if match is None:
            raise ArgumentError(f"{entry[:100]!r} is no list of TMDb: give its number or its address.")
        found.append(match[1])
    return _some(found, text)


def _ids(text: str, number: re.Pattern[str], of_imdb: Callable[[str], str], why: str) -> tuple[str, ...]:
    found = []
    for entry in entries(text):
        match = number.fullmatch(entry)
        try:
            found.append(match[1] if match else of_imdb(entry))
        except ArgumentError as error:
            raise ArgumentError(f"{entry[:100]!r} {why}.") from error
    return _some(found, text)


def _some(found: list[str], text: str) -> tuple[str, ...]:
    if not found:
        raise ArgumentError(f"{text!r} names nothing.")
    return tuple(dict.fromkeys(found))


class TmdbSpider(CatalogSpider):
    """Base of the spiders for TMDb.

    About 22 requests a second, half of what TMDb allows; a 429 is waited out longer each time. With TMDB_CACHE,
    answers are kept and an unchanged one costs a confirmation only.
    """

    custom_settings = {
        "DOWNLOAD_DELAY": 0.045,
        "RANDOMIZE_DOWNLOAD_DELAY": False,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 8,
        "AUTOTHROTTLE_ENABLED": False,
        "REDIRECT_ENABLED": False,
        "RETRY_TIMES": 4,
    }

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        settings = crawler.settings
        if settings["TMDB_CACHE"] and not (spider.dry_run or settings.get("REPLAY") or settings.get("ARCHIVE")):
            settings.set("HTTPCACHE_ENABLED", True, "spider")
            settings.set("HTTPCACHE_POLICY", "scrapy.extensions.httpcache.RFC2616Policy", "spider")
            settings.set("HTTPCACHE_DIR", settings["TMDB_CACHE"], "spider")
        return spider

    @property
    def language(self) -> str:
        """In which we ask: "en-US"."""
        return str(self.settings["TMDB_LANGUAGE"])

    @property
    def image_languages(self) -> str:
        """Of the pictures: our language, and none, as most backdrops bear no words."""
        return f"{self.language.partition('-')[0]},null"

    def may_ask(self) -> bool:
        """Whether there is a key, which a replay does not need; without one the run has failed."""
        if self.settings.get("REPLAY") or tmdb_key() is not None:
            return True
        self.report.fail(f"TMDb wants a key: set {BEARER} (an API read access token) or {API_KEY} in the environment.")
        return False

    def ask_tmdb(
        self,
        path: str,
        callback: Callable[..., Any],
        want: Want,
        query: Mapping[str, object] | None = None,
        *,
        version: int = 3,
        **cb_kwargs: Any,
    ) -> Request:
        """A request for an answer of the API."""
        asked = urlencode({**(query or {}), "language": self.language}, safe=",/")
        request = Request(
            f"{self.settings['TMDB_BASE_URL'].rstrip('/')}/{version}/{path}?{asked}",
            headers={"Accept": "application/json"},
            callback=callback,
            cb_kwargs=cb_kwargs,
            meta={
                "expects": Expects.TMDB,
                "key": "tmdb",
                "back_off": True,
                "handle_httpstatus_list": [400, 401, 403, 404, 405, 406, 422],
            },
        )
        return self.ask(request, want)

    def note_unusable(self, want: Want, error: PageError) -> None:
        """A key that is refused for one question is refused for all: the run ends."""
        key = tmdb_key()
        if not isinstance(error, KeyRefused) or key is None:
            super().note_unusable(want, error)
            return
        self.report.fail(f"{error}: look at {key.variable} in the environment.")
        self._closing = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason="key"))

    # Which thing of TMDb has an id of IMDb

    def find_request(self, imdb_id: str, callback: Callable[..., Any], **cb_kwargs: Any) -> Request:
        """Ask what TMDb has under an id of IMDb; the callback gets it as `imdb_id`."""
        query = {"external_source": "imdb_id"}
        return self.ask_tmdb(f"find/{imdb_id}", callback, Want(imdb_id), query, imdb_id=imdb_id, **cb_kwargs)

    def read_find(self, response: Response, imdb_id: str) -> FindPage:
        """What the answer holds."""
        page = find.parse(response.body, imdb_id, language=self.language)
        self.note_drift(page.drift)
        return page

    def account(self, imdb_id: str, page: FindPage, resolution: Resolution) -> Iterator[Item]:
        """Count what a question came to; where it stays open, yield the candidates and note the gap."""
        self.crawler.stats.inc_value(f"find/{resolution.code}")
        if resolution.code is Code.NO_TV_RESULTS:
            instead = f", but {', '.join(page.others)}" if page.others else ""
            self.note_gap(Want(imdb_id), f"{resolution.code}: TMDb has no show with this id{instead}")
        elif resolution.chosen is None:
            named = ", ".join(scored.found.show.id for scored in resolution.ranked)
            self.note_gap(Want(imdb_id), f"{resolution.code}: TMDb has several shows with this id: {named}")
            yield from resolution.candidates(imdb_id)

    def note_people(self, imdb_id: str, page: FindPage) -> None:
        """Note that TMDb has nobody, or several, with an id of IMDb."""
        code = Code.AMBIGUOUS if page.people else Code.NO_TV_RESULTS
        self.crawler.stats.inc_value(f"find/{code}")
        named = ", ".join(person.id for person in page.people)
        why = f"{code}: TMDb has several people with this id: {named}" if named else "TMDb has nobody with this id"
        self.note_gap(Want(imdb_id), why)

    def ids_request(self, kind: str, tmdb_id: str, imdb_id: str | None = None) -> Request:
        """Ask for the ids that a show, film or person has elsewhere, `imdb_id` among them if it is given."""
        path = tmdb_id if tmdb_id.startswith("movie/") else f"{'tv' if kind == Show.kind else kind}/{tmdb_id}"
        want = Want(tmdb_id, "ids elsewhere")
        return self.ask_tmdb(f"{path}/external_ids", self.parse_ids, want, kind=kind, tmdb_id=tmdb_id, imdb_id=imdb_id)

    def parse_ids(self, response: Response, kind: str, tmdb_id: str, imdb_id: str | None) -> Iterator[Item]:
        item, drift = ids.parse(response.body, kind, tmdb_id)
        self.note_drift(drift)
        self.check_imdb_id(Want(tmdb_id, "ids elsewhere"), item.external_ids, imdb_id)
        yield item

    def check_imdb_id(self, want: Want, external_ids: Any, imdb_id: str | None) -> None:
        """An answer that was found by an id of IMDb, and names another one, is a gap."""
        told = external_ids.get("imdb") if isinstance(external_ids, dict) else None
        if imdb_id is not None and told not in (None, imdb_id):
            self.note_gap(want, f"TMDb finds it by {imdb_id}, but names {told} as its id at IMDb")


@dataclass(slots=True)
class Came:
    """What came of a show so far."""

    announced: dict[int, int]
    """How many episodes each season has, by TMDb's word."""
    waiting: int
    """Requests that are still under way."""
    episodes: dict[int, list[str]] = field(default_factory=dict)
    """By season, their keys."""
    asked_alone: set[int] = field(default_factory=set)
    """Seasons of which an answer left something out."""

    @property
    def is_all(self) -> bool:
        """Whether every season came with all its episodes."""
        return not self.waiting and all(
            number in self.episodes and len(self.episodes[number]) >= count for number, count in self.announced.items()
        )


class ShowSpider(TmdbSpider):
    """Base of the spiders that get whole shows: a show with 16 seasons and specials takes three requests."""

    organisations = False
    """Whether networks and companies are asked for, too."""

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self.organisations_asked: set[tuple[str, str]] = set()

    def request_for(self, show_id: str) -> Request:
        """The first request for a show, by whatever id."""
        if show_id.startswith("tt"):
            return self.find_request(show_id, self.parse_find)
        return self.show_request(show_id)

    def parse_find(self, response: Response, imdb_id: str) -> Iterator[Item | Request]:
        page = self.read_find(response, imdb_id)
        resolution = find.resolve(page.shows)
        yield from self.account(imdb_id, page, resolution)
        if resolution.chosen is not None:
            self.subjects.rename(imdb_id, resolution.chosen.id)
            yield self.show_request(resolution.chosen.id, imdb_id)

    def show_request(self, show_id: str, imdb_id: str | None = None) -> Request:
        """All parts, and as many guessed seasons as there is room for."""
        guessed = show.season_parts(range(PARTS_AT_ONCE))[: PARTS_AT_ONCE - len(PARTS)]
        return self._request(show_id, [*PARTS, *guessed], self.parse_show, Want(show_id), imdb_id=imdb_id)

    def parse_show(
        self, response: Response, show_id: str, asked: list[str], imdb_id: str | None
    ) -> Iterator[Item | Request]:
        page = show.parse(response.body, show_id, language=self.language)
        self.note_drift(page.drift)
        self.check_imdb_id(Want(show_id), page.show.external_ids, imdb_id)
        self.logger.info("%s: %s, %d credits", show_id, page.show.title, page.credits.count)
        yield from page.items()
        for part in PARTS:
            if part not in page.parts:
                self.note_gap(Want(show_id, part), "the answer leaves it out")
        self.note_whole_parts(show_id, page)
        left = [part for part in show.season_parts(page.announced) if part not in asked]
        batches = [left[start : start + PARTS_AT_ONCE] for start in range(0, len(left), PARTS_AT_ONCE)]
        came = Came(page.announced, len(batches))
        yield from self.take_seasons(show_id, came, page.seasons, page.parts, asked)
        for parts in batches:
            numbers = dict.fromkeys(part.split("/")[1] for part in parts)
            want = Want(show_id, f"seasons {', '.join(numbers)}")
            yield self._request(show_id, parts, self.parse_seasons, want, came=came)
        if self.organisations:
            yield from self.organisation_requests(page)

    def parse_seasons(self, response: Response, show_id: str, asked: list[str], came: Came) -> Iterator[Item | Request]:
        page = show.parse_seasons(response.body, show_id)
        self.note_drift(page.drift)
        yield from page.items()
        came.waiting -= 1
        yield from self.take_seasons(show_id, came, page.seasons, page.parts, asked)

    def parse_season(self, response: Response, show_id: str, number: int, came: Came) -> Iterator[Item]:
        page = season.parse(response.body, show_id, number)
        self.note_drift(page.drift)
        yield from page.items()
        for part in season.PARTS:
            if part not in page.parts:
                self.note_gap(Want(show_id, f"{part} of season {number}"), "the answer leaves it out")
        came.waiting -= 1
        self.take_season(show_id, came, page)

    def take_seasons(
        self, show_id: str, came: Came, seasons: list[SeasonPage], parts: frozenset[str], asked: list[str]
    ) -> Iterator[Request]:
        """Account for the seasons of an answer, and ask for each by itself of which the answer leaves something out."""
        for part in asked:
            number = int(part.split("/")[1]) if part.startswith("season/") else None
            if number in came.announced and part not in parts and number not in came.asked_alone:
                came.asked_alone.add(number)
                came.waiting += 1
                yield self.ask_tmdb(
                    f"tv/{show_id}/season/{number}",
                    self.parse_season,
                    Want(show_id, f"season {number}"),
                    {"append_to_response": ",".join(season.PARTS), "include_image_language": self.image_languages},
                    show_id=show_id,
                    number=number,
                    came=came,
                )
        for page in seasons:
            self.take_season(show_id, came, page)

    def take_season(self, show_id: str, came: Came, page: SeasonPage) -> None:
        """Account for a season: fewer episodes than announced are a gap; the last one makes the show whole."""
        number = page.season.season_number
        announced = came.announced.get(number, 0)
        if page.count < announced:
            self.note_gap(Want(show_id, f"season {number}"), f"{page.count} of {announced} episodes came")
        came.episodes[number] = [episode.key for episode in page.episodes]
        if came.is_all:
            keys = [key for keys in came.episodes.values() for key in keys]
            self.note_all("tmdb", Episode.kind, "show_id", show_id, keys)
            self.note_all("tmdb", Season.kind, "show_id", show_id, [f"{show_id}/{number}" for number in came.announced])

    def note_whole_parts(self, show_id: str, page: ShowPage) -> None:
        """Offers and credits come whole: what is no longer among them is gone."""
        if "watch/providers" in page.parts:
            self.note_all("tmdb", Offer.kind, "show_id", show_id, [offer.key for offer in page.offers.offers])
        if "aggregate_credits" in page.parts:
            credited = [*page.creators.credits, *page.credits.credits]
            self.note_all("tmdb", Credit.kind, "show_id", show_id, [credit.key for credit in credited])

    def organisation_requests(self, page: ShowPage) -> Iterator[Request]:
        """A request for each network and company that this run has not asked for."""
        for organisation in (*page.networks, *page.companies):
            kind, key = organisation.kind, organisation.key
            if (kind, key) not in self.organisations_asked:
                self.organisations_asked.add((kind, key))
                query = {"append_to_response": "images"}
                yield self.ask_tmdb(
                    f"{kind}/{key}", self.parse_organisation, Want(f"{kind} {key}"), query, kind=kind, key=key
                )

    def parse_organisation(self, response: Response, kind: str, key: str) -> Iterator[Item]:
        parse = organisations.parse_network if kind == "network" else organisations.parse_company
        organisation, drift = parse(response.body, key)
        self.note_drift(drift)
        yield organisation

    def _request(
        self, show_id: str, parts: list[str], callback: Callable[..., Any], want: Want, **cb_kwargs: Any
    ) -> Request:
        query = {
            "append_to_response": ",".join(parts),
            "include_image_language": self.image_languages,
        }
        return self.ask_tmdb(f"tv/{show_id}", callback, want, query, show_id=show_id, asked=parts, **cb_kwargs)
