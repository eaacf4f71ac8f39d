"""What an answer or a page of a wiki comes to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden_pages import PAGES
from scrapy.http.headers import Headers

from trr_crawl.blocks import Expects, Outcome, api_error, classify

FANDOM = PAGES.parent / "fandom"
PAGE = (FANDOM / "article" / "full.html").read_bytes()
ANSWER = (FANDOM / "article" / "answer-full.json").read_bytes()
HUMANS = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"


def error(code: Any, **more: Any) -> bytes:
    return json.dumps({"error": {"code": code, "info": "…"}, **more}).encode()


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, ANSWER, Outcome.OK),
        (200, b"", Outcome.OK),
        (200, HUMANS, Outcome.HUMAN_VERIFICATION),
        (403, HUMANS, Outcome.FORBIDDEN),
        (429, b"", Outcome.RATE_LIMITED),
        (404, HUMANS, Outcome.NOT_FOUND),
        (200, error("missingtitle"), Outcome.REFUSED),
        (404, error("missingtitle"), Outcome.REFUSED),
        (400, error("readapidenied"), Outcome.REFUSED),
        (200, b'{"errors": [{"code": "readapidenied"}]}', Outcome.REFUSED),
        (200, error("maxlag"), Outcome.SERVER_ERROR),
        (503, error("maxlag"), Outcome.SERVER_ERROR),
        (200, error("readonly"), Outcome.SERVER_ERROR),
        (200, error("ratelimited"), Outcome.RATE_LIMITED),
    ],
)
def test_answers_of_the_api(status: int, body: bytes, outcome: Outcome) -> None:
    assert classify(status, Headers(), body, Expects.MEDIAWIKI) is outcome


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, PAGE, Outcome.OK),
        (200, (FANDOM / "article" / "bad-title.html").read_bytes(), Outcome.OK),
        (200, b"\n", Outcome.OK),
        (200, HUMANS, Outcome.HUMAN_VERIFICATION),
        (403, HUMANS, Outcome.FORBIDDEN),
        (404, PAGE, Outcome.NOT_FOUND),
    ],
)
def test_pages(status: int, body: bytes, outcome: Outcome) -> None:
    assert classify(status, Headers(), body, Expects.WIKI_PAGE) is outcome


@pytest.mark.parametrize(
    "body", [b"{}", b'"error"', b'["error"]', b'{"error"', b'{"errors": []}', b'{"error": "x"}', error(7), ANSWER]
)
def test_what_is_no_error_has_no_code(body: bytes) -> None:
    assert api_error(body) is None
