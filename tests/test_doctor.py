"""`scrapy doctor`: every line that is bad has a sentence to mend it, and no secret."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from scrapy.settings import Settings

from support import free_port, scrapy
from trr_crawl import doctor
from trr_crawl.doctor import Finding


def examine(**given: Any) -> dict[str, Finding]:
    """What is found, by name; of several the gravest."""
    settings = Settings()
    settings.setmodule("trr_crawl.settings", "project")
    settings.update(given, "cmdline")
    order = ("ok", "note", "bad")
    found: dict[str, Finding] = {}
    for finding in doctor.examine(settings):
        if finding.name not in found or order.index(finding.mark) > order.index(found[finding.name].mark):
            found[finding.name] = finding
    return found


def test_all_is_well_where_all_is_there(crawl_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMDB_BEARER_TOKEN", "sesame")
    monkeypatch.setenv("TRR_CONTACT", "mail@example.org")
    found = examine()
    for name in ("configuration", "database", "schema", "keys", "disk"):
        assert found[name].mark == "ok", found[name]
    assert "PostgreSQL 1" in found["database"].sentence
    assert not any("sesame" in finding.sentence for finding in found.values())
    assert "bad" not in {finding.mark for finding in found.values()}


@pytest.mark.parametrize(
    ("given", "name", "words"),
    [
        ({"IMDB_TRANSPORT": "pigeon"}, "configuration", "it is one of graphql, html, browser"),
        ({"CLOCK": "noon"}, "configuration", "write it as in"),
        ({"FLEET_DELAY": "often"}, "configuration", "no number of seconds"),
        ({"FLEET_DELAY": "-1"}, "configuration", "not between 0 and 600"),
        ({"ROBOTSTXT_OBEY": False}, "configuration", "set it to True"),
        ({"DOWNLOAD_DELAY": 0}, "configuration", "set it to 1 or more"),
        ({"DISK_RESERVE": 1e12}, "disk", "make room"),
        ({"SCRAPYD_NODES": "http://127.0.0.1:9"}, "nodes", "Start Scrapyd there"),
    ],
)
def test_what_is_wrong_is_told_with_how_to_mend_it(
    crawl_url: str, given: dict[str, Any], name: str, words: str
) -> None:
    found = examine(**given)[name]
    assert found.mark == "bad"
    assert words in found.sentence


def test_alerts_that_nobody_hears_are_told(crawl_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert examine()["alerts"].mark == "note"
    monkeypatch.setenv("ALERTS", "ops=slack+https://chat.example/sesame")
    assert examine()["alerts"].mark == "ok"
    with psycopg.connect(crawl_url) as connection:
        connection.execute(
            "WITH finding AS (INSERT INTO crawl_findings (dedupe_key, scope, rule, severity, subject, message, advice) "
            "VALUES ('a', 'a', 'failed', 'error', '', 'a', 'a') RETURNING id) "
            "INSERT INTO alerts (finding_id, event, target, at, last_error) "
            "SELECT id, 'opened', 'ops', now() - interval '2 hours', 'it answered 404' FROM finding"
        )
    found = examine()["alerts"]
    assert (found.mark, "ops (slack) has not heard of all: it answered 404." in found.sentence) == ("bad", True)
    monkeypatch.setenv("ALERTS", "ops=http://chat.example/sesame")
    assert "must begin with https://" in examine()["alerts"].sentence


def test_a_browser_that_is_not_there_matters_only_where_it_is_wanted(
    crawl_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYWRIGHT_CHROMIUM", "/nowhere/chromium")
    assert examine()["browser"].mark == "note"
    wanted = examine(IMDB_TRANSPORT="browser")["browser"]
    assert (wanted.mark, "playwright install chromium" in wanted.sentence) == ("bad", True)


def test_a_database_that_is_away_is_told_without_its_password_and_the_rest_is_looked_at() -> None:
    url = f"postgresql://me:sesame@127.0.0.1:{free_port()}/trr"
    done = scrapy("doctor", DATABASE_URL=url)
    assert done.status == 1
    assert "BAD  database: The database postgresql://me:***@127.0.0.1" in done.output
    assert "Start it, or correct DATABASE_URL." in done.output
    assert "sesame" not in done.output
    assert "disk: " in done.output
