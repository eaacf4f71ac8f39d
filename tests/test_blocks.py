"""A block is told from an answer, ends the talk with its host, and is counted."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from scrapy import Spider
from scrapy.crawler import Crawler
from scrapy.http import Request, Response
from scrapy.http.headers import Headers
from scrapy.responsetypes import responsetypes
from scrapy.statscollectors import MemoryStatsCollector

from samples import harbour_hearts, imdb_pages
from support import CAPTURES, ROOT
from trr_crawl.blocks import BLOCKS, SENTENCES, BlockMiddleware, Expects, NotServed, Outcome, classify
from trr_crawl.parse.errors import Refused
from trr_crawl.parse.imdb import graphql
from trr_crawl.parse.imdb.next_data import page_props

PAGES = ROOT / "tests" / "pages" / "imdb" / "blocks"
PAGE_URL = "https://www.imdb.com/title/tt99000001/episodes/"
GRAPHQL_URL = "https://api.graphql.imdb.com/"
CHALLENGE = {"x-amzn-waf-action": "challenge"}

PAGE = imdb_pages.page(harbour_hearts.SHOW)
ANSWER = json.dumps(imdb_pages.answer(harbour_hearts.SHOW)).encode()


def made(name: str) -> bytes:
    """One of our own bodies."""
    return (PAGES / name).read_bytes()


CASES: dict[str, tuple[Outcome, Expects | None, int, dict[str, str], bytes]] = {
    "page": (Outcome.OK, Expects.NEXT_DATA, 200, {}, PAGE),
    "answer": (Outcome.OK, Expects.GRAPHQL, 200, {}, ANSWER),
    "anything": (Outcome.OK, None, 200, {}, b"\x89PNG"),
    "nothing": (Outcome.OK, None, 200, {}, b""),
    "challenge": (Outcome.CHALLENGE, Expects.NEXT_DATA, 202, CHALLENGE, made("challenge.html")),
    "challenge-without-body": (Outcome.CHALLENGE, Expects.NEXT_DATA, 202, CHALLENGE, b""),
    "challenge-without-header": (Outcome.CHALLENGE, Expects.NEXT_DATA, 202, {}, b""),
    "challenge-by-header-alone": (Outcome.CHALLENGE, Expects.NEXT_DATA, 200, {"X-AMZN-WAF-Action": "challenge"}, PAGE),
    "challenge-by-captcha": (Outcome.CHALLENGE, Expects.NEXT_DATA, 405, {"x-amzn-waf-action": "captcha"}, b""),
    "challenge-for-graphql": (Outcome.CHALLENGE, Expects.GRAPHQL, 202, CHALLENGE, b""),
    "challenge-for-picture": (Outcome.CHALLENGE, None, 202, CHALLENGE, b""),
    "forbidden": (Outcome.FORBIDDEN, Expects.NEXT_DATA, 403, {"Server": "awselb/2.0"}, made("forbidden.html")),
    "forbidden-for-graphql": (Outcome.FORBIDDEN, Expects.GRAPHQL, 403, {}, made("forbidden.html")),
    "forbidden-with-json": (Outcome.FORBIDDEN, Expects.GRAPHQL, 403, {}, made("private.json")),
    "verification": (Outcome.HUMAN_VERIFICATION, Expects.NEXT_DATA, 200, {}, made("verification.html")),
    "consent": (Outcome.HUMAN_VERIFICATION, Expects.NEXT_DATA, 200, {}, made("consent.html")),
    "challenge-as-200": (Outcome.HUMAN_VERIFICATION, Expects.NEXT_DATA, 200, {}, made("challenge.html")),
    "page-without-body": (Outcome.HUMAN_VERIFICATION, Expects.NEXT_DATA, 200, {}, b""),
    "page-as-json": (Outcome.HUMAN_VERIFICATION, Expects.NEXT_DATA, 200, {}, b'{"__NEXT_DATA__": {}}'),
    "page-for-graphql": (Outcome.HUMAN_VERIFICATION, Expects.GRAPHQL, 200, {}, b"\n  " + made("challenge.html")),
    "refused": (Outcome.REFUSED, Expects.GRAPHQL, 200, {}, made("refused.json")),
    "refused-by-400": (Outcome.REFUSED, Expects.GRAPHQL, 400, {}, made("refused.json")),
    "private": (Outcome.REFUSED, Expects.GRAPHQL, 200, {}, made("private.json")),
    "stale-hash": (Outcome.REFUSED, Expects.GRAPHQL, 200, {}, made("stale-hash.json")),
    "stale-hash-by-400": (Outcome.REFUSED, Expects.GRAPHQL, 400, {}, made("stale-hash.json")),
    "title-called-errors": (Outcome.OK, Expects.GRAPHQL, 200, {}, made("called-errors.json")),
    "cut-answer": (Outcome.OK, Expects.GRAPHQL, 200, {}, made("refused.json")[:-20]),
    "400-with-html": (Outcome.UNEXPECTED, Expects.GRAPHQL, 400, {}, made("forbidden.html")),
    "400-for-page": (Outcome.UNEXPECTED, Expects.NEXT_DATA, 400, {}, made("refused.json")),
    "404": (Outcome.NOT_FOUND, Expects.NEXT_DATA, 404, {}, PAGE),
    "410": (Outcome.NOT_FOUND, None, 410, {}, b""),
    "429": (Outcome.RATE_LIMITED, Expects.NEXT_DATA, 429, {"Retry-After": "60"}, b""),
    "429-for-graphql": (Outcome.RATE_LIMITED, Expects.GRAPHQL, 429, {}, made("refused.json")),
    **{
        f"{status}": (Outcome.SERVER_ERROR, Expects.NEXT_DATA, status, {}, b"")
        for status in (500, 502, 503, 504, 520, 599)
    },
    **{
        f"{status}": (Outcome.UNEXPECTED, Expects.NEXT_DATA, status, {}, b"")
        for status in (100, 204, 206, 300, 301, 304, 308, 400, 401, 405, 418, 451)
    },
}
EVERY_CASE = pytest.mark.parametrize(
    ("outcome", "expects", "status", "headers", "body"), CASES.values(), ids=CASES.keys()
)


@pytest.fixture
def middleware() -> BlockMiddleware:
    crawler = Crawler(Spider)
    crawler.stats = MemoryStatsCollector(crawler)
    return BlockMiddleware.from_crawler(crawler)


def ask(url: str, expects: Expects | None = None) -> Request:
    return Request(url, meta={"expects": expects} if expects else {})


def respond(request: Request, status: int, headers: dict[str, str], body: bytes) -> Response:
    """The response as Scrapy's downloader makes it."""
    made_headers = Headers(headers)
    response_class = responsetypes.from_args(headers=made_headers, url=request.url, body=body)
    return response_class(request.url, status=status, headers=made_headers, body=body, request=request)


@EVERY_CASE
def test_classify(outcome: Outcome, expects: Expects | None, status: int, headers: dict[str, str], body: bytes) -> None:
    assert classify(status, Headers(headers), body, expects) is outcome


@EVERY_CASE
def test_middleware(
    middleware: BlockMiddleware,
    caplog: pytest.LogCaptureFixture,
    outcome: Outcome,
    expects: Expects | None,
    status: int,
    headers: dict[str, str],
    body: bytes,
) -> None:
    """Answers go through, all else is NotServed, a block is logged, and everything is counted."""
    url = GRAPHQL_URL if expects is Expects.GRAPHQL else PAGE_URL
    host = url.split("/")[2]
    request = ask(url, expects)
    response = respond(request, status, headers, body)
    assert middleware.process_request(request) is None
    if outcome in (Outcome.OK, Outcome.REFUSED):
        assert middleware.process_response(request, response) is response
    else:
        with pytest.raises(NotServed) as caught:
            middleware.process_response(request, response)
        assert (caught.value.outcome, caught.value.blocked) == (outcome, outcome in BLOCKS)
        assert host in str(caught.value)
        assert str(status) in str(caught.value) or outcome is Outcome.HUMAN_VERIFICATION
    assert middleware.stats.get_stats() == {f"outcome/{outcome}": 1}
    assert list(middleware.blocked_hosts) == ([host] if outcome in BLOCKS else [])
    assert [record.levelno for record in caplog.records] == ([logging.WARNING] if outcome in BLOCKS else [])


def test_every_outcome_that_is_not_served_has_a_sentence() -> None:
    assert set(Outcome) - set(SENTENCES) == {Outcome.OK, Outcome.REFUSED, Outcome.EMPTY}


class TestBlockedHost:
    @pytest.fixture
    def blocked(self, middleware: BlockMiddleware) -> BlockMiddleware:
        request = ask(PAGE_URL, Expects.NEXT_DATA)
        with pytest.raises(NotServed):
            middleware.process_response(request, respond(request, 202, CHALLENGE, b""))
        return middleware

    def test_is_not_asked_again(self, blocked: BlockMiddleware) -> None:
        for _ in range(3):
            with pytest.raises(NotServed) as caught:
                blocked.process_request(ask("https://www.imdb.com/title/tt99000002/", Expects.NEXT_DATA))
            assert caught.value.blocked
            assert str(caught.value) == ("not asked for: www.imdb.com answered with a challenge for browsers (202)")
        assert blocked.stats.get_stats() == {"outcome/challenge": 1, "outcome/not_asked": 3}

    @pytest.mark.parametrize("url", [GRAPHQL_URL, "https://m.imdb.com/", "https://api.themoviedb.org/3/tv/1"])
    def test_others_are(self, blocked: BlockMiddleware, url: str) -> None:
        request = ask(url)
        assert blocked.process_request(request) is None
        response = respond(request, 200, {}, b"{}")
        assert blocked.process_response(request, response) is response

    def test_answers_that_were_on_their_way_still_count(self, blocked: BlockMiddleware) -> None:
        request = ask(PAGE_URL, Expects.NEXT_DATA)
        response = respond(request, 200, {}, PAGE)
        assert blocked.process_response(request, response) is response

    @pytest.mark.parametrize("status", [404, 418, 503])
    def test_trouble_is_no_block(self, middleware: BlockMiddleware, status: int) -> None:
        for number in (1, 2):
            request = ask(PAGE_URL, Expects.NEXT_DATA)
            assert middleware.process_request(request) is None
            with pytest.raises(NotServed):
                middleware.process_response(request, respond(request, status, {}, b""))
            assert sum(middleware.stats.get_stats().values()) == number


@pytest.mark.parametrize(
    ("status", "headers"), [(200, {}), (202, CHALLENGE), (403, {}), (404, {}), (429, {}), (503, {})]
)
def test_robots_txt_is_left_to_its_reader(middleware: BlockMiddleware, status: int, headers: dict[str, str]) -> None:
    request = ask("https://www.imdb.com/robots.txt")
    response = respond(request, status, headers, b"")
    assert middleware.process_request(request) is None
    assert middleware.process_response(request, response) is response
    assert middleware.stats.get_stats() == {}
    assert middleware.blocked_hosts == {}


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"the captures of third parties are not at {CAPTURES}")
class TestCaptured:
    """Bodies that IMDb really sent."""

    @staticmethod
    def body(pattern: str) -> bytes:
        (path,) = (CAPTURES / "imdb").glob(pattern)
        return Path(path).read_bytes()

    @pytest.mark.parametrize(
        ("status", "headers", "with_body", "outcome"),
        [
            (202, CHALLENGE, True, Outcome.CHALLENGE),
            (202, CHALLENGE, False, Outcome.CHALLENGE),
            (200, {}, True, Outcome.HUMAN_VERIFICATION),
        ],
    )
    @pytest.mark.parametrize("expects", Expects)
    def test_challenge(
        self,
        middleware: BlockMiddleware,
        status: int,
        headers: dict[str, str],
        with_body: bool,
        outcome: Outcome,
        expects: Expects,
    ) -> None:
        body = self.body("waf/*.html") if with_body else b""
        request = ask(PAGE_URL, expects)
        with pytest.raises(NotServed) as caught:
            middleware.process_response(request, respond(request, status, headers, body))
        assert (caught.value.outcome, caught.value.blocked) == (outcome, True)

    @pytest.mark.parametrize(
        ("pattern", "code"), [("graphql/*refused*.json", "BAD_USER_INPUT"), ("graphql/*private*.json", "FORBIDDEN")]
    )
    @pytest.mark.parametrize("status", [200, 400])
    def test_refused_is_not_blocked(self, middleware: BlockMiddleware, pattern: str, code: str, status: int) -> None:
        request = ask(GRAPHQL_URL, Expects.GRAPHQL)
        response = respond(request, status, {"Content-Type": "application/json"}, self.body(pattern))
        assert middleware.process_response(request, response) is response
        assert middleware.stats.get_stats() == {"outcome/refused": 1}
        assert middleware.blocked_hosts == {}
        with pytest.raises(Refused) as caught:
            graphql.answer(response.body)
        assert caught.value.code == code

    @pytest.mark.parametrize("pattern", ["graphql/*media_gallery*.json", "graphql/*watch_providers*.json"])
    def test_answer(self, pattern: str) -> None:
        assert classify(200, Headers(), self.body(pattern), Expects.GRAPHQL) is Outcome.OK

    def test_episodes_page(self, middleware: BlockMiddleware) -> None:
        data = self.body("episodes/*.json").replace(b"</", b"<\\/")
        page = b'<html><body><script id="__NEXT_DATA__" type="application/json">' + data + b"</script></body></html>"
        request = ask(PAGE_URL, Expects.NEXT_DATA)
        response = respond(request, 200, {"Content-Type": "text/html"}, page)
        assert middleware.process_response(request, response) is response
        assert page_props(response.body).node("contentData") is not None

    @pytest.mark.parametrize("pattern", ["title/*tt0111161*.html", "title/*tt0133093*.html"])
    def test_title_pages(self, pattern: str) -> None:
        assert classify(200, Headers(), self.body(pattern), Expects.NEXT_DATA) is Outcome.OK


def test_expectations_survive_the_trip_through_meta(middleware: BlockMiddleware) -> None:
    """Disk queues store meta as plain values."""
    meta: dict[str, Any] = {"expects": "next_data"}
    request = Request(PAGE_URL, meta=meta)
    with pytest.raises(NotServed):
        middleware.process_response(request, respond(request, 200, {}, b"<html></html>"))
