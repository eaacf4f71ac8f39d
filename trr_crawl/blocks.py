"""Tells a block from an answer, and stops asking who blocks us.

Every response is classified before a spider sees it, and counted in the stats as `outcome/<name>`. Nothing is solved or
evaded: blocks in a row, or a single challenge, open the host's circuit breaker (`breaker.py`).
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response
from scrapy.http.headers import Headers

from trr_crawl.breaker import Breaker, State
from trr_crawl.parse.fandom.document import is_wiki_page
from trr_crawl.parse.imdb.list_markup import is_list_page
from trr_crawl.parse.imdb.next_data import has_next_data
from trr_crawl.parse.imdb.viewer import is_viewer_page
from trr_crawl.politeness import POLL_SECONDS, delay_of, domain, host_of, still_running, wait_as_asked

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)


class Expects(enum.StrEnum):
    """The shape that a request's answer must have, in `request.meta["expects"]`."""

    NEXT_DATA = "next_data"
    """A page of www.imdb.com."""
    LIST_PAGE = "list_page"
    """A page of www.imdb.com with a list, which old ones have in their markup alone."""
    VIEWER_PAGE = "viewer_page"
    """A page of www.imdb.com with one picture, in its markup."""
    GRAPHQL = "graphql"
    """An answer of api.graphql.imdb.com."""
    TMDB = "tmdb"
    """An answer of api.themoviedb.org; errors, too, come as JSON."""
    MEDIAWIKI = "mediawiki"
    """An answer of a wiki's api.php."""
    WIKI_PAGE = "wiki_page"
    """A page of a wiki."""
    FILE = "file"
    """A file that goes to the disk (`downloads.py`): all of it, the rest of it, or word that it did not change."""
    IMAGE = "image"
    """A picture, or word that it did not change."""


class Outcome(enum.StrEnum):
    """What a response is."""

    OK = "ok"
    CHALLENGE = "challenge"
    """AWS WAF wants a browser to work for the page."""
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    """429, after the retries."""
    HUMAN_VERIFICATION = "human_verification"
    """A page, but not the one asked for: it has no title data."""
    REFUSED = "refused"
    """The source understood and declined; the parser says why."""
    NOT_FOUND = "not_found"
    SERVER_ERROR = "server_error"
    """5xx, after the retries."""
    UNEXPECTED = "unexpected"
    """A status that nobody foresaw."""
    OVER_BUDGET = "over_budget"
    """Not asked for: the run has sent as many requests as REQUEST_BUDGET allows."""
    EMPTY = "empty"
    """The right shape without a single row, though its own total promises some; counted by the spider, after OK."""


BLOCKS = frozenset({Outcome.CHALLENGE, Outcome.FORBIDDEN, Outcome.RATE_LIMITED, Outcome.HUMAN_VERIFICATION})

TMDB_REFUSALS = frozenset({400, 401, 403, 404, 405, 406, 422})
"""Statuses of answers in which TMDb says what is wrong with the question."""

SENTENCES: dict[Outcome, str] = {
    Outcome.CHALLENGE: "{host} answered with a challenge for browsers ({status})",
    Outcome.FORBIDDEN: "{host} forbids it ({status})",
    Outcome.RATE_LIMITED: "{host} says that we ask too often ({status})",
    Outcome.HUMAN_VERIFICATION: "{host} answered with a page that has no title data, such as a human verification",
    Outcome.NOT_FOUND: "{host} has no such page ({status})",
    Outcome.SERVER_ERROR: "{host} has trouble of its own ({status})",
    Outcome.UNEXPECTED: "{host} answered {status}, which nobody expected",
    Outcome.OVER_BUDGET: "not asked for: the run's {budget} requests are used up",
}


class NotServed(IgnoreRequest):
    """The answer is not what was asked for; goes to the request's errback."""

    def __init__(self, outcome: Outcome, sentence: str) -> None:
        super().__init__(sentence)
        self.outcome = outcome

    @property
    def blocked(self) -> bool:
        """Whether the source refuses to talk to us at all."""
        return self.outcome in BLOCKS


class Held(Exception):
    """The host's breaker opened while the request was in line."""


def classify(status: int, headers: Headers, body: bytes, expects: Expects | None) -> Outcome:
    """What a response is, by its status, headers and body; see the table in docs/blocks.md."""
    if headers.get("x-amzn-waf-action") or status == 202:
        return Outcome.CHALLENGE
    if expects is Expects.FILE and status in (206, 304):
        return Outcome.OK
    if expects is Expects.IMAGE and status == 304:
        return Outcome.OK
    if expects is Expects.GRAPHQL and status in (200, 400) and _has_errors(body):
        return Outcome.REFUSED
    if expects is Expects.TMDB and status in TMDB_REFUSALS and b'"status_code"' in body[:1000]:
        return Outcome.REFUSED
    if expects is Expects.MEDIAWIKI and status in (200, 400, 404) and (code := api_error(body)):
        return _MEDIAWIKI_ERRORS.get(code, Outcome.REFUSED)
    if status == 200:
        if expects in _PAGES and not _PAGES[expects](body):
            return Outcome.HUMAN_VERIFICATION
        if expects in (Expects.GRAPHQL, Expects.TMDB, Expects.FILE, Expects.MEDIAWIKI) and body[
            :64
        ].lstrip().startswith(b"<"):
            return Outcome.HUMAN_VERIFICATION
        if expects is Expects.IMAGE and body[:64].lstrip().lower().startswith((b"<!doctype html", b"<html")):
            return Outcome.HUMAN_VERIFICATION
        return Outcome.OK
    by_status = {403: Outcome.FORBIDDEN, 404: Outcome.NOT_FOUND, 410: Outcome.NOT_FOUND, 429: Outcome.RATE_LIMITED}
    return by_status.get(status) or (Outcome.SERVER_ERROR if status >= 500 else Outcome.UNEXPECTED)


_PAGES: dict[Expects, Callable[[bytes], bool]] = {
    Expects.NEXT_DATA: has_next_data,
    Expects.LIST_PAGE: lambda body: has_next_data(body) or is_list_page(body),
    Expects.VIEWER_PAGE: is_viewer_page,
    Expects.WIKI_PAGE: is_wiki_page,
}
"""What tells such a page from one for humans."""

LAG = "maxlag"
"""MediaWiki's code for: our databases lag behind, come back later."""

_MEDIAWIKI_ERRORS = {LAG: Outcome.SERVER_ERROR, "readonly": Outcome.SERVER_ERROR, "ratelimited": Outcome.RATE_LIMITED}
"""Errors that say nothing of the page that was asked for."""


def api_error(body: bytes) -> str | None:
    """The code of the error that an answer of api.php reports, whatever its status; None for any other answer."""
    if b'"error' not in body:
        return None
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    error = answer.get("error") or answer.get("errors") if isinstance(answer, dict) else None
    if isinstance(error, list):
        error = next(iter(error), None)
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else None


def _has_errors(body: bytes) -> bool:
    """Whether a GraphQL answer reports errors; a title that is called "errors" is none."""
    if b'"errors"' not in body:
        return False
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(answer, dict) and bool(answer.get("errors"))


class BlockMiddleware:
    """Lets answers through to the spider, turns everything else into NotServed, and stops asking who blocks us.

    A host's breaker opens after BREAKER_BLOCKS blocks in a row. Its requests then wait for BREAKER_PAUSE seconds, and
    one of them goes out as a probe: an answer lets the others go, another block starts the pause anew. The request that
    opened the breaker waits with them. After BREAKER_TRIES failed probes, or at once for an outcome of BREAKER_FINAL,
    nothing more is asked of the host in this run. Counts `breaker/opened`, `breaker/probes` and `breaker/closed`.
    """

    def __init__(self, crawler: Crawler) -> None:
        settings = crawler.settings
        self.crawler = crawler
        self.stats = crawler.stats
        self.blocked_hosts: dict[str, str] = {}
        """Those that are not asked any more, each with the last block in words."""
        self.breakers: dict[str, Breaker] = {}
        self.blocks = settings.getint("BREAKER_BLOCKS", 1)
        self.pause = settings.getfloat("BREAKER_PAUSE", 60.0)
        # An archive answers the same however long one waits.
        self.tries = 0 if settings.get("REPLAY") else settings.getint("BREAKER_TRIES", 0)
        self.final = frozenset(map(Outcome, settings.getlist("BREAKER_FINAL")))
        self.budget = settings.getint("REQUEST_BUDGET", 0)
        self.sent = 0
        """Requests that went out, robots.txt and retries included."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BlockMiddleware:
        return cls(crawler)

    def process_request(self, request: Request) -> Coroutine[Any, Any, None] | None:
        """Nothing, or a wait where the breaker is open; NotServed where the request is not sent at all."""
        if is_robots_txt(request):
            return None
        host = host_of(request)
        if self.budget and self.sent >= self.budget:
            self._not_asked()
            raise NotServed(Outcome.OVER_BUDGET, SENTENCES[Outcome.OVER_BUDGET].format(budget=self.budget))
        if host in self.blocked_hosts:
            self._not_asked()
            raise NotServed(Outcome.FORBIDDEN, f"not asked for: {self.blocked_hosts[host]}")
        breaker = self.breakers.get(host)
        if breaker is None or breaker.state is State.CLOSED or breaker.probe is request:
            return None
        return self._wait(request, breaker)

    def process_response(self, request: Request, response: Response) -> Request | Response:
        if is_robots_txt(request):
            return response
        outcome = classify(response.status, response.headers, response.body, expected(request.meta))
        self.stats.inc_value(f"outcome/{outcome}")
        host = host_of(request)
        breaker = self.breakers.get(host)
        if outcome in BLOCKS:
            return self._blocked(request, response, outcome)
        # Trouble of its own says nothing about whether the host talks to us.
        if breaker is not None and outcome is not Outcome.SERVER_ERROR and breaker.was_answered(request):
            self.stats.inc_value("breaker/closed")
            logger.info("%s answers again.", host)
        if outcome in (Outcome.OK, Outcome.REFUSED):
            return response
        raise NotServed(outcome, self._sentence(request, response, outcome))

    def before_sending(self, request: Request) -> None:
        """The last check, when the request's turn has come; a wait would hold up the probe that it is for."""
        wait = self.process_request(request)
        if wait is not None:
            wait.close()
            raise Held
        self.sent += 1

    def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """A request that was held goes back to where it can wait."""
        return request.replace(dont_filter=True) if isinstance(exception, Held) else None

    def _blocked(self, request: Request, response: Response, outcome: Outcome) -> Request:
        """The request again, where it is to wait for the breaker; else NotServed."""
        host, sentence = host_of(request), self._sentence(request, response, outcome)
        breaker = self.breakers.setdefault(host, Breaker(self.blocks, self.pause, self.tries))
        if breaker.was_blocked(request, for_good=outcome in self.final):
            self.stats.inc_value("breaker/opened")
            logger.warning("Blocked: %s at %s. Trying again in %.0f s.", sentence, response.url, self.pause)
        if breaker.state is State.OPEN:
            return request.replace(dont_filter=True)
        if breaker.state is State.FINAL:
            self.blocked_hosts[host] = sentence
            logger.warning("Blocked: %s at %s. Nothing more is asked of it in this run.", sentence, response.url)
        else:
            logger.warning("Blocked: %s at %s.", sentence, response.url)
        raise NotServed(outcome, sentence)

    def _sentence(self, request: Request, response: Response, outcome: Outcome) -> str:
        sentence = SENTENCES[outcome].format(host=host_of(request), status=response.status)
        seconds = request.meta.get("retry_after")
        return sentence if seconds is None else f"{sentence} and wants us back in {seconds:.0f} seconds only"

    async def _wait(self, request: Request, breaker: Breaker) -> None:
        """Until the request may go out, maybe as the probe."""
        while not breaker.lets_through(request, self._is_under_way):
            if breaker.state is State.FINAL:
                self._not_asked()
                raise NotServed(Outcome.FORBIDDEN, f"not asked for: {self.blocked_hosts[host_of(request)]}")
            if not still_running(self.crawler):
                raise NotServed(Outcome.FORBIDDEN, "not asked for: the run was stopped while the host blocked us")
            await asyncio.sleep(min(breaker.seconds_left() or POLL_SECONDS, POLL_SECONDS))
        if breaker.probe is request:
            self.stats.inc_value("breaker/probes")
            logger.info("Asking %s once more.", host_of(request))

    def _is_under_way(self, request: object) -> bool:
        return request in self.crawler.engine.downloader.active

    def _not_asked(self) -> None:
        self.stats.inc_value("outcome/not_asked")


class BlockGuard:
    """Mixin for download handlers: what was waiting for its turn when its host blocked us, or asked us to wait, is not
    sent; nor is anything beyond the budget, or out of turn with other crawls of this process."""

    crawler: Crawler

    async def download_request(self, request: Request) -> Response:
        host = host_of(request)
        if not is_robots_txt(request):
            await wait_as_asked(self.crawler, host)
        await domain(host).turn(self.crawler, delay_of(self.crawler, request))
        blocks = self.crawler.get_downloader_middleware(BlockMiddleware)
        if blocks is not None:
            blocks.before_sending(request)
        response: Response = await super().download_request(request)  # type: ignore[misc]
        return response


def expected(meta: dict[str, Any]) -> Expects | None:
    """The shape that a request says its answer must have."""
    value = meta.get("expects")
    return Expects(value) if value else None


def is_robots_txt(request: Request) -> bool:
    """Whether a request is one that RobotsTxt makes."""
    return urlsplit(request.url).path == "/robots.txt"
