"""Whatever IMDb answers but what was asked for: every spider says so, yields nothing, and calls a block a block."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from origin import Asked, Origin, Reply

from support import ROOT

ALL_SPIDERS = """
import json, sys
from scrapy.crawler import CrawlerProcess
from scrapy.utils.project import get_project_settings

url, transport, *names = sys.argv[1:]
settings = get_project_settings()
settings.update({
    "IMDB_TRANSPORT": transport, "IMDB_WEB_URL": url, "IMDB_GRAPHQL_URL": url + "/graphql",
    "IMDB_SUGGESTION_URL": url + "/suggestion", "DOWNLOAD_DELAY": 0, "AUTOTHROTTLE_ENABLED": False,
    "BREAKER_PAUSE": 0.1, "RETRY_ENABLED": False, "ROBOTSTXT_OBEY": False, "LOG_LEVEL": "ERROR",
})
subjects = {
    "imdb_list": {"list": "ls990000001"}, "imdb_search": {"series": "tt99000001"}, "imdb_find": {"name": "Salt"},
    "imdb_title": {"title": "tt99000001"}, "imdb_person": {"person": "nm99000001"},
    "imdb_person_gallery": {"person": "nm99000001"},
}
process = CrawlerProcess(settings)
crawlers = {name: process.create_crawler(name) for name in names}
for name, crawler in crawlers.items():
    process.crawl(crawler, dry_run="true", **subjects.get(name, {"show": "tt99000001"}))
process.start()
came = {}
for name, crawler in crawlers.items():
    items = crawler.stats.get_value("item_scraped_count", 0)
    report = crawler.spider.report
    came[name] = [report.outcome(items), items, report.reason(items)]
print(json.dumps(came))
"""

PAGES = ("imdb_episodes", "imdb_title", "imdb_credits", "imdb_media_index")
OTHERS = ("imdb_person", "imdb_person_gallery", "imdb_list", "imdb_search")
SPIDERS = (*PAGES, *OTHERS)


def crawl(origin: Origin, transport: str, *spiders: str) -> dict[str, list[object]]:
    """What the run of each spider comes to: outcome, number of items, reason. All run in one process."""
    done = subprocess.run(
        [sys.executable, "-c", ALL_SPIDERS, origin.url, transport, *spiders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "Traceback" not in done.stderr, done.stderr
    came: dict[str, list[object]] = json.loads(done.stdout)
    return came


def html(content: bytes) -> Reply:
    return Reply(b"<!DOCTYPE html><html><body>" + content + b"</body></html>")


CUT = b'<script id="__NEXT_DATA__" type="application/json">{"props":{"pageProps":{"contentData":{"ent'
REFUSED = b'{"errors":[{"message":"no","extensions":{"code":"FORBIDDEN"}}],"data":null}'

ANSWERS: dict[str, tuple[Reply, str, str, tuple[str, ...]]] = {
    "challenge": (Reply(b"", 202, {"x-amzn-waf-action": "challenge"}), "blocked", "a challenge", ("graphql", "html")),
    "forbidden": (Reply(b"<html>403</html>", 403), "blocked", "forbids it (403)", ("graphql", "html")),
    "human verification": (html(b"Are you one?"), "blocked", "human verification", ("graphql", "html")),
    "not found": (Reply(b"no such page", 404), "failed", "no such page (404)", ("graphql", "html")),
    "refused": (Reply(REFUSED), "failed", "refused the query (FORBIDDEN)", ("graphql",)),
    "cut answer": (Reply(REFUSED[:30]), "failed", "the answer is not JSON", ("graphql",)),
    "cut page": (html(CUT), "failed", "the page is cut", ("html",)),
    "nothing": (Reply(b'{"data":{}}'), "failed", "", ("graphql",)),
}
"""What is answered, what a run comes to, words of the reason, and for which transports."""


@pytest.mark.parametrize(
    ("name", "transport"), [(name, transport) for name, answer in ANSWERS.items() for transport in answer[3]]
)
def test_every_spider_calls_it_what_it_is(origin: Origin, name: str, transport: str) -> None:
    reply, outcome, words, _ = ANSWERS[name]
    origin.misbehave = lambda _asked: reply
    for spider, (came, items, reason) in crawl(origin, transport, *SPIDERS).items():
        assert (spider, came, items) == (spider, outcome, 0), reason
        assert words in str(reason), spider


@pytest.mark.parametrize(
    ("name", "outcome"), [("challenge", "blocked"), ("forbidden", "blocked"), ("cut answer", "failed")]
)
def test_a_search_for_a_name_too(origin: Origin, name: str, outcome: str) -> None:
    origin.misbehave = lambda _asked: ANSWERS[name][0]
    [(came, items, _)] = crawl(origin, "graphql", "imdb_find").values()
    assert (came, items) == (outcome, 0)


def test_a_redirect_to_another_title_is_refused(origin: Origin) -> None:
    def elsewhere(asked: Asked) -> Reply:
        if "tt99000001" in asked.path:
            return Reply(b"", 301, {"Location": asked.path.replace("tt99000001", "tt99000009")})
        title = {"id": "tt99000009", "titleText": {"text": "Low Tide"}, "titleType": {"id": "tvSeries"}}
        content = {"entityMetadata": title, "data": {"title": {**title, "images": {"total": 0, "edges": []}}}}
        props = {"contentData": content, "aboveTheFoldData": title, "mainColumnData": {}}
        data = json.dumps({"props": {"pageProps": props}}).encode()
        return html(b'<script id="__NEXT_DATA__" type="application/json">' + data + b"</script>")

    origin.misbehave = elsewhere
    for spider, (came, items, reason) in crawl(origin, "html", *PAGES).items():
        assert (spider, came, items) == (spider, "failed", 0)
        assert "asked for tt99000001, the page is about tt99000009" in str(reason)


@pytest.mark.parametrize("wrap", [bytes, html], ids=["bare", "in a page"])
def test_fifty_megabytes_of_garbage_are_no_page(origin: Origin, wrap: Callable[[bytes], bytes | Reply]) -> None:
    garbage = bytes(range(256)) * (50 * 4096)
    body = wrap(garbage)
    origin.misbehave = lambda _asked: body if isinstance(body, Reply) else Reply(body)
    [(came, items, reason)] = crawl(origin, "html", "imdb_title").values()
    assert (came, items) == ("blocked", 0)
    assert "has no title data" in str(reason)
