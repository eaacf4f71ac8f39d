"""The main job on pages that IMDb really served. They are not ours to publish, so a clone without them skips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from in_process import scrapy

from support import CAPTURES, Server, catalog_state, crawl_episodes

SHOW_ID = "tt0944947"
OVERVIEW = f"https://www.imdb.com/title/{SHOW_ID}/episodes/"

pytestmark = pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"no recorded pages in {CAPTURES}")


def captured(pattern: str) -> Path:
    """The one capture that a pattern names."""
    [found] = (CAPTURES / "imdb").glob(pattern)
    return found


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The captured episodes page, put into an archive as a user would."""
    path = tmp_path / "captured.warc.gz"
    added = scrapy("archive-add", path, OVERVIEW, captured(f"episodes/*{SHOW_ID}*.json"))
    assert added.status == 0, added.output
    return path


def test_one_season_lands_and_lands_once(archive: Path, crawl_url: str) -> None:
    command = ("-a", f"show={SHOW_ID}", "-a", "seasons=1", "-s", f"REPLAY={archive}")
    first = crawl_episodes(*command)
    assert first.status == 0, first.output
    state = catalog_state(crawl_url)
    assert (len(state["shows"]), len(state["seasons"]), len(state["episodes"])) == (1, 8, 11)
    assert [row["season_number"] for row in state["seasons"]] == list(range(1, 9))
    [unaired] = [row for row in state["episodes"] if row["episode_number"] == 0]
    assert (unaired["air_date"], unaired["season_number"], unaired["imdb_rating"]) == (None, 1, None)
    assert all(row["air_date"] for row in state["episodes"] if row["episode_number"] != 0)
    again = crawl_episodes(*command)
    assert again.status == 0
    assert "11 episodes unchanged" in again.last_line
    assert "inserted" not in again.last_line
    assert "updated" not in again.last_line
    assert catalog_state(crawl_url) == state


def test_a_translated_title_does_not_become_the_title(archive: Path, crawl_url: str) -> None:
    crawl_episodes("-a", f"show={SHOW_ID}", "-a", "seasons=1", "-s", f"REPLAY={archive}")
    with psycopg.connect(crawl_url) as connection:
        row = connection.execute(
            """
            SELECT shows.title = (payload ->> 'original_title'), shows.title = (payload ->> 'title'),
                   payload ->> 'country', certificate
            FROM shows, source_records WHERE kind = 'show'
            """
        ).fetchone()
    assert row == (True, False, "IT", None)


def test_the_seven_seasons_that_are_not_there_are_named(archive: Path, crawl_url: str) -> None:
    done = crawl_episodes("-a", f"show={SHOW_ID}", "-s", f"REPLAY={archive}")
    assert done.status == 3
    assert f"partial: could not get {SHOW_ID} season 2, 3, 4, 5, 6, 7, 8 (not in the archive" in done.last_line
    with psycopg.connect(crawl_url) as connection:
        row = connection.execute("SELECT outcome, reason, jsonb_array_length(gaps) FROM crawl_runs").fetchone()
    assert row is not None
    assert (row[0], row[2]) == ("partial", 7)
    assert "season 2, 3, 4, 5, 6, 7, 8" in row[1]


@pytest.fixture
def known(archive: Path, crawl_url: str) -> Iterator[str]:
    """A catalog that holds the season already."""
    crawl_episodes("-a", f"show={SHOW_ID}", "-a", "seasons=1", "-s", f"REPLAY={archive}")
    return crawl_url


@pytest.mark.parametrize(
    "options",
    [("--status", "202", "--header", "x-amzn-waf-action: challenge"), ()],
    ids=["as it came", "saved as a page"],
)
def test_the_captured_challenge_blocks_and_touches_nothing(
    known: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    challenge = tmp_path / "challenge.warc.gz"
    assert scrapy("archive-add", challenge, OVERVIEW, captured("waf/*.html"), *options).status == 0
    before = catalog_state(known)
    with psycopg.connect(known) as connection:
        seen = connection.execute("SELECT max(seen_at) FROM source_records").fetchone()
    done = crawl_episodes("-a", f"show={SHOW_ID}", "-s", f"REPLAY={challenge}")
    assert done.status == 4
    assert ": blocked: could not get" in f": {done.last_line.partition('ERROR: ')[2]}"
    assert catalog_state(known) == before
    with psycopg.connect(known) as connection:
        assert connection.execute("SELECT max(seen_at) FROM source_records").fetchone() == seen
        outcomes = connection.execute("SELECT outcome FROM crawl_runs ORDER BY started_at").fetchall()
    assert outcomes == [("ok",), ("blocked",)]


def test_the_page_of_another_title_is_refused(known: str, tmp_path: Path) -> None:
    other = tmp_path / "other.warc.gz"
    url = "https://www.imdb.com/title/tt0944948/episodes/"
    scrapy("archive-add", other, url, captured(f"episodes/*{SHOW_ID}*.json"))
    before = catalog_state(known)
    done = crawl_episodes("-a", "show=tt0944948", "-s", f"REPLAY={other}")
    assert done.status == 1
    assert f"asked for tt0944948, the page is about {SHOW_ID}" in done.last_line
    assert catalog_state(known) == before


def test_on_postgresql_15_too(archive: Path, system_server: Server) -> None:
    url = system_server.create("captured", "template")
    try:
        done = crawl_episodes("-a", f"show={SHOW_ID}", "-a", "seasons=1", "-s", f"REPLAY={archive}", DATABASE_URL=url)
        assert done.status == 0, done.output
        assert "11 episodes inserted" in done.last_line
    finally:
        system_server.drop("captured")
