"""Tells a block from an answer.

Every response is classified before a spider sees it, and counted in the stats as `outcome/<name>`. A block ends the
talk with that host for the rest of the run: nothing is solved, evaded or tried again.
"""

from __future__ import annotations

import enum
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response
from scrapy.http.headers import Headers

from trr_crawl.parse.imdb.next_data import has_next_data

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector

logger = logging.getLogger(__name__)


class Expects(enum.StrEnum):
    """The shape that a request's answer must have, in `request.meta["expects"]`."""

    NEXT_DATA = "next_data"
    """A page of www.imdb.com."""
    GRAPHQL = "graphql"
    """An answer of api.graphql.imdb.com."""


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
    """GraphQL understood and declined; the parser says why."""
    NOT_FOUND = "not_found"
    SERVER_ERROR = "server_error"
    """5xx, after the retries."""
    UNEXPECTED = "unexpected"
    """A status that nobody foresaw."""
    EMPTY = "empty"
    """The right shape without a single row, though its own total promises some; counted by the spider, after OK."""


BLOCKS = frozenset({Outcome.CHALLENGE, Outcome.FORBIDDEN, Outcome.RATE_LIMITED, Outcome.HUMAN_VERIFICATION})

SENTENCES: dict[Outcome, str] = {
    Outcome.CHALLENGE: "{host} answered with a challenge for browsers ({status})",
    Outcome.FORBIDDEN: "{host} forbids it ({status})",
    Outcome.RATE_LIMITED: "{host} says that we ask too often ({status})",
    Outcome.HUMAN_VERIFICATION: "{host} answered with a page that has no title data, such as a human verification",
    Outcome.NOT_FOUND: "{host} has no such page ({status})",
    Outcome.SERVER_ERROR: "{host} has trouble of its own ({status})",
    Outcome.UNEXPECTED: "{host} answered {status}, which nobody expected",
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


def classify(status: int, headers: Headers, body: bytes, expects: Expects | None) -> Outcome:
    """What a response is, by its status, headers and body; see the table in docs/blocks.md."""
    if headers.get("x-amzn-waf-action") or status == 202:
        return Outcome.CHALLENGE
    if expects is Expects.GRAPHQL and status in (200, 400) and _has_errors(body):
        return Outcome.REFUSED
    if status == 200:
        if expects is Expects.NEXT_DATA and not has_next_data(body):
            return Outcome.HUMAN_VERIFICATION
        if expects is Expects.GRAPHQL and body[:64].lstrip().startswith(b"<"):
            return Outcome.HUMAN_VERIFICATION
        return Outcome.OK
    by_status = {403: Outcome.FORBIDDEN, 404: Outcome.NOT_FOUND, 410: Outcome.NOT_FOUND, 429: Outcome.RATE_LIMITED}
    return by_status.get(status) or (Outcome.SERVER_ERROR if status >= 500 else Outcome.UNEXPECTED)


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
    """Lets answers through to the spider, turns everything else into NotServed, and stops asking who blocks us."""

    def __init__(self, stats: StatsCollector) -> None:
        self.stats = stats
        self.blocked_hosts: dict[str, str] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BlockMiddleware:
        return cls(crawler.stats)

    def process_request(self, request: Request) -> None:
        host = _host(request)
        if host in self.blocked_hosts:
            self.stats.inc_value("outcome/not_asked")
            raise NotServed(Outcome.FORBIDDEN, f"not asked for: {self.blocked_hosts[host]}")

    def process_response(self, request: Request, response: Response) -> Response:
        if _is_robots_txt(request):
            return response
        outcome = classify(response.status, response.headers, response.body, expected(request.meta))
        self.stats.inc_value(f"outcome/{outcome}")
        if outcome in (Outcome.OK, Outcome.REFUSED):
            return response
        sentence = SENTENCES[outcome].format(host=_host(request), status=response.status)
        if outcome in BLOCKS:
            self.blocked_hosts[_host(request)] = sentence
            logger.warning("Blocked: %s at %s. Nothing more is asked of it in this run.", sentence, response.url)
        raise NotServed(outcome, sentence)


class BlockGuard:
    """Mixin for download handlers: a request that was waiting for its turn when its host blocked us is not sent."""

    crawler: Crawler

    async def download_request(self, request: Request) -> Response:
        blocks = self.crawler.get_downloader_middleware(BlockMiddleware)
        if blocks is not None:
            blocks.process_request(request)
        response: Response = await super().download_request(request)  # type: ignore[misc]
        return response


def expected(meta: dict[str, Any]) -> Expects | None:
    """The shape that a request says its answer must have."""
    value = meta.get("expects")
    return Expects(value) if value else None


def _host(request: Request) -> str:
    return urlsplit(request.url).netloc


def _is_robots_txt(request: Request) -> bool:
    return urlsplit(request.url).path == "/robots.txt"
