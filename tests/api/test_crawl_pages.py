"""The pages about crawls in a real browser: what they show, load and weigh, and who sees them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import httpx
import psycopg
import pytest
from accessibility import faults
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from samples import month
from serving import Counted, served, settings
from support import chromium
from trr_api import keys
from trr_api.app import create_app
from trr_api.database import Database
from trr_api.keys import queries as key_queries
from trr_api.pages import static
from trr_crawl.catalog import write
from trr_crawl.catalog.write import Record

WEIGHT = 150_000
"""Bytes that a page may have with all that it loads."""
NASTY = '<script>document.title="owned"</script><img src=x onerror=alert(1)>"&'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield opened
        opened.close()


class Watched:
    """A browser's page, with what it asked for and what went wrong in it."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.asked: list[str] = []
        self.answers: list[Any] = []
        self.troubles: list[str] = []
        self.page.on("request", self._request)
        self.page.on("response", lambda response: self.answers.append(response))
        self.page.on("requestfailed", lambda request: self._failed(request.url))
        self.page.on("console", lambda message: self._console(message.type, message.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))

    def _request(self, request: Request) -> None:
        if request.is_navigation_request():
            self.answers.clear()  # those to the page before are gone with it
        self.asked.append(request.url)

    def _failed(self, url: str) -> None:
        if not url.endswith("/progress"):  # the stream of a page that is left is broken off
            self.troubles.append(f"failed: {url}")

    def weight(self) -> int:
        """Bytes of all that came, not compressed; a stream, which does not end, aside."""
        return sum(len(answer.body()) for answer in self.answers if not answer.url.endswith("/progress"))

    def _console(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.troubles.append(text)


@pytest.fixture
def watched(browser: Browser) -> Iterator[Callable[..., Watched]]:
    contexts = []

    def make(**options: Any) -> Watched:
        contexts.append(browser.new_context(**options))
        return Watched(contexts[-1])

    yield make
    for context in contexts:
        context.close()


def one(url: str, query: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return str(row[0])


@pytest.fixture(scope="module")
def places(month_url: str) -> list[str]:
    """Every page, the ones of things that something is wrong with among them."""
    blocked = one(month_url, "SELECT id FROM crawl_runs WHERE outcome = 'blocked' LIMIT 1")
    refused = one(month_url, "SELECT run_id FROM crawl_rejects LIMIT 1")
    running = one(month_url, "SELECT id FROM crawl_runs WHERE spider = 'imdb_media_index'")
    show = one(month_url, "SELECT entity_id FROM external_ids WHERE kind = 'show' AND value = 'tt99000001'")
    return [
        "/crawls", "/crawls/runs", "/crawls/runs?outcome=blocked", f"/crawls/runs/{blocked}", f"/crawls/runs/{refused}",
        f"/crawls/runs/{running}", f"/crawls/runs/{blocked}/diff/{refused}", "/crawls/coverage",
        "/crawls/coverage?source=imdb", "/crawls/shows", f"/crawls/shows/{show}", "/crawls/schedules", "/crawls/login",
    ]  # fmt: skip


def test_every_page_is_whole_light_and_loads_nothing_from_elsewhere(
    watched: Callable[..., Watched], month_address: str, places: list[str]
) -> None:
    seen = watched()
    for place in places:
        seen.page.goto(month_address + place, wait_until="load")
        assert seen.troubles == [], place
        assert [url for url in seen.asked if not url.startswith(month_address)] == [], place
        assert 5_000 < seen.weight() < WEIGHT, place
        assert seen.page.locator("h1").count() == 1, place
        assert seen.page.locator("[style], script:not([src])").count() == 0, place
        for width, theme in product((390, 1280), ("light", "dark")):
            seen.page.set_viewport_size({"width": width, "height": 800})
            seen.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert seen.page.evaluate(overflow) == 0, (place, width)
            colour = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (sum(map(int, re.findall(r"\d+", colour)[:3])) < 300) == (theme == "dark"), place
            assert faults(seen.page) == [], (place, width, theme)


def test_the_overview_tells_what_is_late_why_and_what_to_do(
    watched: Callable[..., Watched], month_address: str
) -> None:
    page = watched().page
    page.goto(f"{month_address}/crawls")
    late = page.locator("#late + .notices").inner_text()
    assert "nightly-fandom_person (fandom_person) did not start" in late
    assert "no scheduler has looked at it" in late
    assert "Start scrapy scheduler" in late
    assert "A run of imdb_person gives no sign of life" in late
    assert "1 of 2 nodes cannot be used. http://node-two:6800: it does not answer" in late
    tiles = page.get_by_role("list", name="At a glance").locator("strong").all_inner_texts()
    assert tiles == ["3", "0", "0", "1"], "what gives no sign of life does not run"
    assert page.locator(".chart.marks rect.error").count() == 6  # the bad days
    assert page.locator(".chart.marks rect.warning").count() == 4
    assert page.locator(".chart.stacked rect.blocked").count() == 2
    page.get_by_text("The same as a table").first.click()
    assert page.get_by_role("columnheader", name="blocked").is_visible()


def test_after_a_bad_night_the_overview_says_what_is_wrong_and_what_to_do(
    crawl_url: str, watched: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    last = month.NIGHTS - 1
    for name, nights in {"BLOCKED": [last], "TOO_FEW": last, "CRASHED": last, "DRIFTED": None}.items():
        monkeypatch.setattr(month, name, nights)
    monkeypatch.setattr(month, "UNATTENDED", None)
    with psycopg.connect(crawl_url) as connection:
        month.fill(connection, (datetime.now(UTC) - timedelta(days=1)).replace(hour=23), scale=0.5)
    with served(create_app(settings(crawl_url))) as address:
        page = watched().page
        page.goto(f"{address}/crawls")
        tiles = page.get_by_role("list", name="At a glance")
        assert tiles.locator("li.blocked").inner_text().split() == ["3", "blocked"]
        assert tiles.locator("li.partial").inner_text().split() == ["2", "other", "findings"]
        open_ones = page.locator("#findings + .notices > li")
        told = [tuple(one.locator("h3").inner_text().split("  ")[0].split()) for one in open_ones.all()]
        assert sorted(told) == [
            ("fandom_person", "show", "failed"),
            *((spider, "due", "blocked") for spider in ("imdb_credits", "imdb_episodes", "imdb_title")),
            ("tmdb_show", "due", "too", "few", "items"),
        ]
        assert all("What to do:" in one for one in open_ones.all_inner_texts())
        failed = open_ones.filter(has_text="The run failed")
        failed.get_by_role("button", name="I look after it").click()
        failed.get_by_text("this machine looks after it").wait_for()
        failed.locator("h3 a").click()
        assert "The database failed in the middle of the crawl" in page.locator("main").inner_text()


def test_a_running_crawl_moves(watched: Callable[..., Watched], month_address: str, month_url: str) -> None:
    seen = watched()
    seen.page.goto(f"{month_address}/crawls")
    run = one(month_url, "SELECT id FROM crawl_runs WHERE spider = 'imdb_media_index'")
    cell = seen.page.locator(f'[data-run="{run}"] [data-field="requests"]')
    before = int(cell.inner_text().replace(",", ""))
    with psycopg.connect(month_url) as connection:
        connection.execute("UPDATE crawl_runs SET requests = %s WHERE id = %s", [before + 4321, run])
    seen.page.wait_for_function(
        "([selector, value]) => document.querySelector(selector).textContent === value",
        arg=[f'[data-run="{run}"] [data-field="requests"]', f"{before + 4321:,}"],
        timeout=15_000,
    )
    assert seen.troubles == []


def test_a_run_that_falls_silent_before_ones_eyes_is_said_to(
    empty_app: FastAPI, crawl_url: str, watched: Callable[..., Watched]
) -> None:
    with psycopg.connect(crawl_url, autocommit=True) as connection, served(empty_app) as address:
        connection.execute("INSERT INTO crawl_runs (spider, host, pid, version) VALUES ('imdb_title', 'here', 1, '1')")
        page = watched().page
        page.goto(f"{address}/crawls")
        beat = page.locator('[data-field="heartbeat_at"]')
        connection.execute("UPDATE crawl_runs SET heartbeat_at = now() - interval '3 minutes'")
        beat.get_by_text("3 min ago").wait_for(timeout=15_000)
        connection.execute("UPDATE crawl_runs SET heartbeat_at = now() - interval '6 minutes'")
        page.get_by_text("A run of imdb_title gives no sign of life").wait_for(timeout=15_000)


def test_without_scripts_the_page_is_as_true(watched: Callable[..., Watched], month_address: str) -> None:
    page = watched(java_script_enabled=False).page
    page.goto(f"{month_address}/crawls")
    assert page.locator("[data-run]").count() == 2
    page.get_by_role("button", name="dark").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.url == f"{month_address}/crawls"


def test_the_keyboard_leads_through_the_page(watched: Callable[..., Watched], month_address: str) -> None:
    page = watched().page
    page.goto(f"{month_address}/crawls/runs")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "spider"
    page.keyboard.type("tmdb_show")
    page.keyboard.press("Enter")
    page.wait_for_url("**/crawls/runs?spider=tmdb_show&**")
    assert set(page.locator("tbody th a").all_inner_texts()) == {"tmdb_show"}
    outline = page.evaluate(
        "(document.querySelector('nav a').focus(), getComputedStyle(document.activeElement).outlineStyle)"
    )
    assert outline != "none"


def test_filters_live_in_the_address_and_pages_go_on(watched: Callable[..., Watched], month_address: str) -> None:
    page = watched().page
    page.goto(f"{month_address}/crawls/runs?outcome=ok&limit=20")
    assert page.locator("select[name=outcome]").input_value() == "ok"
    first = page.locator("tbody th a").first.get_attribute("href")
    page.get_by_role("link", name="Older").click()
    assert "outcome=ok" in page.url
    assert page.locator("tbody tr").count() == 20
    assert page.locator("tbody th a").first.get_attribute("href") != first
    page.get_by_role("link", name="Newest").click()
    assert page.locator("tbody th a").first.get_attribute("href") == first


@pytest.mark.parametrize(
    "query",
    [
        "outcome=pink",
        "since=yesterday",
        "limit=0",
        "colour=red",
        "cursor=nonsense",
        "since=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z",
    ],
)
def test_filters_that_make_no_sense_are_told_and_all_runs_shown(month_address: str, query: str) -> None:
    answer = httpx.get(f"{month_address}/crawls/runs?{query}")
    assert answer.status_code == 422
    assert "These filters make no sense" in answer.text
    assert "fandom_person" in answer.text


@pytest.mark.parametrize(
    ("place", "status"),
    [
        ("/crawls/runs/nonsense", 404),
        ("/crawls/runs/0199c0de-0000-7000-8000-000000000001", 404),
        ("/crawls/shows/tt00000000", 404),
        ("/crawls/shows/%3Cscript%3E", 404),
        ("/crawls/coverage?source=%3Cscript%3E", 200),
        ("/crawls/shows?q=%00%3Cscript%3E", 200),
    ],
)
def test_what_is_not_there_is_a_page_too(month_address: str, place: str, status: int) -> None:
    answer = httpx.get(month_address + place)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script>" not in answer.text


def test_two_runs_are_named_and_their_numbers_have_units(month_address: str, month_url: str) -> None:
    (good, fallen) = (
        one(month_url, f"SELECT id FROM crawl_runs WHERE job_id = 'imdb_title-{night}'") for night in (10, 16)
    )
    page = httpx.get(f"{month_address}/crawls/runs/{fallen}/diff/{good}").text
    last = month.last_night(datetime.now(UTC)).date()
    for night in (10, 16):
        assert f"{last - timedelta(days=month.NIGHTS - 1 - night)} 03:30 UTC</a>" in page
    overview = page.partition("coverage/imdb/show/overview</th>")[2].partition("</tr>")[0]
    assert re.findall(r">(-?[0-9.]+ (?:%|points))<", overview)[1] == "0 %"
    assert re.search(r'data-label="change">-9[0-9]\.[0-9] points<', overview)
    assert re.search(r'data-label="after">2\.[0-9] MB<', page)


def test_of_one_source_only_its_own_is_shown(month_address: str) -> None:
    page = httpx.get(f"{month_address}/crawls/coverage?source=tmdb").text
    assert ">tmdb_show<" in page
    assert "imdb_credits" not in page


def test_filters_that_make_no_sense_are_told_in_words_and_days_are_times(month_address: str) -> None:
    wrong = httpx.get(f"{month_address}/crawls/runs?since=yesterday&colour=red").text
    assert "since: it must look like 2026-11-28T12:00:00Z." in wrong
    assert "colour: there is no such parameter." in wrong
    today = datetime.now(UTC).date()
    answer = httpx.get(
        f"{month_address}/crawls/runs", params={"since": f"{today - timedelta(days=1)}", "until": f"{today}"}
    )
    assert answer.status_code == 200
    assert set(re.findall(r'data-label="started \(UTC\)">([-0-9]+) ', answer.text)) == {f"{today - timedelta(days=1)}"}
    assert f'name="until" value="{today}"' in answer.text


def test_any_address_below_leads_to_a_page(month_address: str) -> None:
    answer = httpx.get(f"{month_address}/crawls/nowhere/at/all")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no such page." in answer.text
    assert httpx.get(f"{month_address}/crawls/").headers["location"] == "/crawls"


def test_a_show_is_found_however_its_name_is_written(month_address: str, month_url: str) -> None:
    title = one(month_url, "SELECT title FROM shows WHERE title IS NOT NULL LIMIT 1")
    for written in (title, title.upper(), title.lower()[:3]):
        assert f">{title}</a>" in httpx.get(f"{month_address}/crawls/shows", params={"q": written}).text, written


def test_html_in_what_sources_say_is_text(crawl_url: str, watched: Callable[..., Watched]) -> None:
    with psycopg.connect(crawl_url) as connection:
        write.prepare(connection)
        payload = {"title": NASTY, "overview": NASTY, "genres": [NASTY]}
        write.write(connection, [Record(source="imdb", kind="show", key="tt1", payload=payload)])
        connection.execute(
            """
            INSERT INTO crawl_runs (spider, args, host, pid, version, outcome, finished_at, reason, gaps, node, stats)
            VALUES (%(x)s, jsonb_build_object(%(x)s::text, %(x)s::text), %(x)s, 1, %(x)s, 'partial', now(), %(x)s,
                    jsonb_build_array(jsonb_build_object('subject', %(x)s::text, 'part', null, 'why', %(x)s::text,
                                                         'blocked', false)),
                    %(x)s, jsonb_build_object(%(x)s::text, %(x)s::text, 'outcome/' || %(x)s, 1))
            """,
            {"x": NASTY},
        )
        connection.execute(
            "INSERT INTO crawl_findings (dedupe_key, scope, rule, severity, subject, message, advice) "
            "VALUES ('1', %(x)s, 'drift', 'warning', %(x)s, %(x)s, %(x)s)",
            {"x": NASTY},
        )
    run = one(crawl_url, "SELECT id FROM crawl_runs")
    show = one(crawl_url, "SELECT id FROM shows")
    with served(create_app(settings(crawl_url))) as address:
        for place in ("/crawls", "/crawls/runs", f"/crawls/runs/{run}", "/crawls/shows", f"/crawls/shows/{show}"):
            seen = watched()
            seen.page.goto(address + place)
            assert seen.troubles == [], place
            assert "owned" not in seen.page.title().split(" · ")[0] or NASTY in seen.page.title(), place
            assert seen.page.locator("img[src=x]").count() == 0, place
            assert NASTY in seen.page.locator("main").inner_text() or place == "/crawls/runs", place


@pytest.fixture
def empty_app(crawl_url: str) -> FastAPI:
    configured = settings(crawl_url)
    return create_app(configured, Database(configured, Counted))


def test_a_catalog_where_nothing_ran_says_how_to_begin(empty_app: FastAPI) -> None:
    with served(empty_app) as address:
        for place in ("", "/runs", "/coverage", "/shows", "/schedules"):
            answer = httpx.get(f"{address}/crawls{place}")
            assert answer.status_code == 200, place
        assert "Nothing has run yet" in httpx.get(f"{address}/crawls").text


def test_one_run_that_never_ended_is_shown(empty_app: FastAPI, crawl_url: str) -> None:
    with psycopg.connect(crawl_url) as connection:
        connection.execute(
            "INSERT INTO crawl_runs (spider, host, pid, version, started_at, heartbeat_at, progressed_at) "
            "VALUES ('imdb_title', 'here', 1, '1', '2020-01-01', '2020-01-01', '2020-01-01')"
        )
    run = one(crawl_url, "SELECT id FROM crawl_runs")
    with served(empty_app) as address:
        overview = httpx.get(f"{address}/crawls").text
        assert "A run of imdb_title gives no sign of life" in overview
        assert '<strong>0</strong><span class="label">running now' in overview
        of_run = httpx.get(f"{address}/crawls/runs/{run}").text
        assert "the process died, or cannot reach the database" in of_run
        assert "What to do:" in of_run
        assert "no sign of life" in httpx.get(f"{address}/crawls/runs").text


def test_a_run_that_gives_no_sign_of_life_is_drawn_as_failed(empty_app: FastAPI, crawl_url: str) -> None:
    with psycopg.connect(crawl_url) as connection:
        connection.execute(
            "INSERT INTO crawl_runs (spider, host, pid, version, started_at, heartbeat_at) "
            "VALUES ('imdb_title', 'here', 1, '1', now() - interval '2 days', now() - interval '2 days')"
        )
    with served(empty_app) as address:
        overview = httpx.get(f"{address}/crawls").text
    assert '<span class="key failed" aria-hidden="true"></span>failed 1' in overview


def test_a_receiver_that_is_down_is_told_on_the_overview(empty_app: FastAPI, crawl_url: str) -> None:
    with psycopg.connect(crawl_url) as connection:
        connection.execute(
            """
            WITH finding AS (
                INSERT INTO crawl_findings (dedupe_key, scope, rule, severity, subject, message, advice)
                VALUES ('1', 'imdb_title due', 'failed', 'error', '', 'It failed.', 'Look.') RETURNING id
            )
            INSERT INTO alerts (finding_id, event, target, at, attempts, delivered_at)
            SELECT id, event, target, '2026-11-02T04:00:00Z', attempts, delivered_at
            FROM finding, (
                VALUES ('opened', 'pager', 3, NULL), ('resolved', 'pager', 2, NULL), ('opened', 'ops', 0, NULL),
                       ('opened', 'mail', 1, now())
            ) alert (event, target, attempts, delivered_at)
            """
        )
    with served(empty_app) as address:
        overview = httpx.get(f"{address}/crawls").text
    assert "2 alerts could not be delivered, the oldest of 2026-11-02." in overview
    assert re.findall(r"<h3>(\w+) is not told</h3>", overview) == ["pager"]


def test_a_run_stands_beside_the_last_good_one_that_is_like_it(empty_app: FastAPI, crawl_url: str) -> None:
    with psycopg.connect(crawl_url) as connection:
        ids = [
            row[0]
            for values in (
                ('{"due": "true"}', 9, 4), ('{"show": "tt1"}', 9, 3),
                ('{"due": "true"}', 0, 2), ('{"due": "false"}', 9, 1),
            )
            for row in connection.execute(
                """
                INSERT INTO crawl_runs (spider, host, pid, version, outcome, args, requests, started_at, finished_at,
                                        stats)
                VALUES ('imdb_title', 'here', 1, '1', 'ok', %s, %s, now() - make_interval(days => %s), now(),
                        '{"coverage": {"imdb": {"show": {"records": 4, "told": {"title": 4}}}}}') RETURNING id
                """,
                values,
            ).fetchall()
        ]  # fmt: skip
    with served(empty_app) as address:
        page = httpx.get(f"{address}/crawls/runs/{ids[-1]}").text
    assert f'href="/crawls/runs/{ids[0]}">the last good run like it</a>' in page


def test_fifty_thousand_runs_cost_six_questions_and_a_light_page(empty_app: FastAPI, crawl_url: str) -> None:
    with psycopg.connect(crawl_url) as connection:
        connection.execute(
            """
            INSERT INTO crawl_runs (spider, host, pid, version, started_at, heartbeat_at, finished_at, outcome,
                                    requests, items)
            SELECT 'spider_' || number % 20, 'here', 1, '1', at, at, at,
                   (ARRAY['ok', 'ok', 'ok', 'partial', 'blocked'])[1 + number % 5], 100,
                   '{"show": {"unchanged": 90, "updated": 10}}'
            FROM (SELECT number, now() - number * interval '1 minute' AS at FROM generate_series(1, 50000) number) run
            """
        )
        key = keys.new()
        connection.execute(key_queries.CREATE, ["Analyst", keys.digest(key), ["crawls:read"]])
        # A layout that changed altogether.
        connection.execute(
            """
            INSERT INTO crawl_findings (dedupe_key, scope, rule, severity, subject, message, advice, run_id)
            SELECT number::text, 'imdb_title due', rule, severity, 'a.long.key.' || number,
                   repeat('The source says something new. ', 40), repeat('Look whether it is worth it. ', 4),
                   (SELECT id FROM crawl_runs LIMIT 1)
            FROM generate_series(1, 300) number,
                 LATERAL (VALUES (number % 10 = 0)) layout (bad),
                 LATERAL (SELECT CASE WHEN bad THEN 'blocked' ELSE 'drift' END AS rule,
                                 CASE WHEN bad THEN 'error' ELSE 'warning' END AS severity) of_rule
            """
        )
        connection.commit()
        connection.autocommit = True
        connection.execute("ANALYZE crawl_runs")
    with served(empty_app) as address, httpx.Client(base_url=address) as client:
        for headers in ({}, {"authorization": f"Bearer {key}"}):
            client.get("/crawls", headers=headers)
            before = Counted.trips
            answer = client.get("/crawls", headers=headers)
            assert answer.status_code == 200
            assert Counted.trips - before <= 6
            assert len(answer.content) < WEIGHT
            # However little of it is shown, all of it is counted.
            assert re.findall(r"<strong>([0-9,]+)</strong>", answer.text)[1:3] == ["30", "270"]
            assert "The gravest 30 of 300" in answer.text


def test_pages_stay_light_however_much_there_is(crawl_url: str) -> None:
    with psycopg.connect(crawl_url) as connection:
        write.prepare(connection)
        names = [{"name": f"Name {number}", "country": "de"} for number in range(2000)]
        for source in ("imdb", "tmdb"):
            told = {"title": source, "alternative_titles": names, "overview": source * 5000, "genres": [source] * 500}
            write.write(connection, [Record(source=source, kind="show", key="tt1", payload=told)])
        connection.execute(
            """
            INSERT INTO source_coverage (source, kind, records, told)
            SELECT source, 'kind_' || kind, 1000, (SELECT jsonb_object_agg('a_field_with_a_name_' || field, 400 + field)
                                                   FROM generate_series(1, 25) field)
            FROM unnest(ARRAY['imdb', 'tmdb', 'fandom', 'imdb_datasets']) source, generate_series(1, 8) kind
            """
        )
        connection.execute(
            """
            WITH run AS (
                INSERT INTO crawl_runs (spider, host, pid, version, outcome, finished_at, gaps)
                SELECT 'imdb_title', 'here', 1, '1', 'partial', now(), jsonb_agg(jsonb_build_object(
                    'subject', 'tt' || gap, 'part', null, 'why', repeat('it is long ', 200), 'blocked', false
                )) FROM generate_series(1, 1000) gap RETURNING id
            )
            INSERT INTO crawl_rejects (run_id, source, kind, key, payload, error)
            SELECT id, 'imdb', 'show', 'tt' || number, repeat('{"title": "Long"} ', 1000),
                   repeat('It is too long. ', 200)
            FROM run, generate_series(1, 200) number
            """
        )
        connection.execute(
            """
            INSERT INTO crawl_runs (spider, host, pid, version, outcome, finished_at, stats)
            SELECT 'imdb_title', 'there', 1, '1', 'ok', now(), jsonb_object_agg('drift/a.long.key.' || number, number)
            FROM generate_series(1, 5000) number
            """
        )
        connection.execute(
            """
            INSERT INTO crawl_findings (dedupe_key, scope, rule, severity, subject, message, advice, run_id)
            SELECT number, 'imdb_title', 'drift', CASE number WHEN 290 THEN 'error' ELSE 'warning' END, number,
                   repeat('Something new. ', 70), repeat('Look at it. ', 10), run.id
            FROM crawl_runs run, generate_series(1, 300) number WHERE host = 'there'
            """
        )
    run, changed = (one(crawl_url, f"SELECT id FROM crawl_runs WHERE host = '{host}'") for host in ("here", "there"))
    show = one(crawl_url, "SELECT id FROM shows")
    with served(create_app(settings(crawl_url))) as address:
        style = len(httpx.get(address + static.address("pages/style.css")).content)
        for place in (
            "", "/coverage", "/coverage?source=imdb", f"/runs/{run}", f"/runs/{changed}", f"/shows/{show}"
        ):  # fmt: skip
            answer = httpx.get(f"{address}/crawls{place}")
            assert answer.status_code == 200, place
            assert len(answer.content) + style < WEIGHT, place


def test_a_key_logs_in_and_a_revoked_one_is_out_at_once(month_url: str, watched: Callable[..., Watched]) -> None:
    key = keys.new()
    with psycopg.connect(month_url) as connection:
        [(identifier,)] = connection.execute(key_queries.CREATE, ["Ana Lyst", keys.digest(key), ["crawls:read"]])
    with served(create_app(settings(month_url, dashboard="key"))) as address:
        page = watched().page
        page.goto(f"{address}/crawls/runs?outcome=ok")
        assert "/crawls/login" in page.url
        page.get_by_label("API key").fill("trr_wrong")
        page.get_by_role("button", name="Log in").click()
        assert "not known" in page.get_by_role("alert").inner_text()
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/crawls/runs?outcome=ok")
        assert "seen by Ana Lyst" in page.locator("footer").inner_text()
        cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
        assert key not in str(cookies)
        assert (cookies["crawls"]["httpOnly"], cookies["crawls"]["sameSite"]) == (True, "Strict")
        page.goto(f"{address}/crawls/schedules")
        assert "crawls:admin" in page.locator("main").inner_text()
        forged = {**cookies["crawls"], "value": cookies["crawls"]["value"][:-8] + "AAAAAAA="}
        assert httpx.get(f"{address}/crawls", cookies={"crawls": forged["value"]}).status_code == 303
        with psycopg.connect(month_url) as connection:
            connection.execute(key_queries.REVOKE, [identifier])
        page.goto(f"{address}/crawls")
        assert "/crawls/login" in page.url


def test_refused_records_are_tried_again_one_by_one_and_files_of_pictures_are_not(
    crawl_url: str, watched: Callable[..., Watched]
) -> None:
    with psycopg.connect(crawl_url) as connection:
        connection.execute(
            """
            WITH run AS (
                INSERT INTO crawl_runs (spider, host, pid, version, outcome, finished_at)
                VALUES ('imdb_title', 'here', 1, '1', 'partial', now()) RETURNING id
            )
            INSERT INTO crawl_rejects (run_id, source, kind, key, payload, error)
            SELECT id, 'imdb', kind, key, '{}', 'It is wrong.'
            FROM run, (
                VALUES ('show', 'tt1'), ('show', 'tt2'), ('image', 'https://pictures.example/1.jpg')
            ) named (kind, key)
            """
        )
    run = one(crawl_url, "SELECT id FROM crawl_runs")
    with served(create_app(settings(crawl_url))) as address:
        page = watched().page
        page.goto(f"{address}/crawls/runs/{run}")
        page.locator("summary", has_text="tt2").click()
        page.get_by_role("button", name="Try it again").click()
        page.wait_for_url("**#rejects")
        assert "to be tried again" in page.locator("summary", has_text="tt2").inner_text()
        asked = "SELECT string_agg(key, ' ' ORDER BY id) FROM crawl_rejects WHERE retry_wanted_at IS NOT NULL"
        assert one(crawl_url, asked) == "tt2"
        page.get_by_role("button", name="Try all of them again").click()
        page.wait_for_function("document.body.innerText.match(/to be tried again/g).length === 2")
        assert one(crawl_url, asked) == "tt1 tt2"
        page.locator("summary", has_text="1.jpg").click()
        assert page.get_by_role("button").filter(has_text="again").count() == 0


def test_forms_change_things_only_from_here(month_address: str, month_url: str) -> None:
    run = one(month_url, "SELECT run_id FROM crawl_rejects LIMIT 1")
    retry = f"{month_address}/crawls/runs/{run}/rejects/retry"
    refused = httpx.post(retry, data={"x": "1"}, headers={"origin": "https://elsewhere.example"})
    assert refused.status_code == 403
    assert one(month_url, "SELECT count(*) FROM crawl_rejects WHERE retry_wanted_at IS NOT NULL") == "0"
    # A number that is none does not stand for all of them.
    for nonsense in ("abc", "", "²", "99999999999999999999"):
        assert httpx.post(retry, data={"reject": nonsense}).status_code == 404, nonsense
    assert httpx.post(f"{month_address}/crawls/findings/²/acknowledge", data={"x": "1"}).status_code == 404
    assert one(month_url, "SELECT count(*) FROM crawl_rejects WHERE retry_wanted_at IS NOT NULL") == "0"
    assert httpx.post(retry, data={"x": "1"}).status_code == 303
    assert one(month_url, "SELECT count(*) FROM crawl_rejects WHERE retry_wanted_at IS NOT NULL") == "2"


def test_a_database_that_is_away_is_a_page_too() -> None:
    away = settings("postgresql://nobody@127.0.0.1:1/nowhere", pool_timeout=0.5)
    with served(create_app(away)) as address:
        answer = httpx.get(f"{address}/crawls", timeout=20)
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/html")
    assert "The database does not answer" in answer.text
