"""The same crawl over the network, by a browser, into an archive and out of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_process import scrapy
from origin import Asked, Origin, Reply, serving

from samples.harbour_hearts import SHOW, SHOW_ID
from support import ROOT, Server, catalog_state, chromium, crawl_episodes


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving(Origin(SHOW)) as served:
        yield served


class TestArchive:
    @pytest.mark.parametrize("transport", ["graphql", "html"])
    def test_what_was_recorded_replays_without_a_network(
        self, origin: Origin, crawl_url: str, embedded_server: Server, tmp_path: Path, transport: str
    ) -> None:
        archive = tmp_path / "night.warc.gz"
        recorded = crawl_episodes("-a", f"show={SHOW_ID}", "-s", f"ARCHIVE={archive}", *origin.settings(transport))
        assert recorded.status == 0, recorded.output
        origin.misbehave = lambda _asked: Reply(b"gone", 500)
        asked = len(origin.asked)
        elsewhere = embedded_server.create("elsewhere", "template")
        try:
            replayed = crawl_episodes(
                "-a", f"show={SHOW_ID}", "-s", f"REPLAY={archive}", *origin.settings(transport), DATABASE_URL=elsewhere
            )
            assert replayed.status == 0, replayed.output
            assert len(origin.asked) == asked
            assert catalog_state(elsewhere) == catalog_state(crawl_url)
        finally:
            embedded_server.drop("elsewhere")
        checked = subprocess.run(
            [Path(sys.executable).with_name("warcio"), "check", archive], check=False, capture_output=True, text=True
        )
        assert (checked.returncode, checked.stdout) == (0, "")

    def test_compressed_answers_replay_too(self, origin: Origin, crawl_url: str, tmp_path: Path) -> None:
        import gzip

        def compressed(asked: Asked) -> Reply | None:
            assert "gzip" in asked.headers["Accept-Encoding"]
            from samples.imdb_pages import page

            body = gzip.compress(page(SHOW, asked.query.get("season")))
            return Reply(body, headers={"Content-Type": "text/html", "Content-Encoding": "gzip"})

        origin.misbehave = compressed
        archive = tmp_path / "small.warc.gz"
        assert crawl_episodes("-a", f"show={SHOW_ID}", "-s", f"ARCHIVE={archive}", *origin.settings("html")).status == 0
        replayed = crawl_episodes("-a", f"show={SHOW_ID}", "-s", f"REPLAY={archive}", *origin.settings("html"))
        assert replayed.status == 0, replayed.output
        assert "30 episodes unchanged" in replayed.last_line

    def test_a_block_that_was_recorded_stays_a_block(self, origin: Origin, crawl_url: str, tmp_path: Path) -> None:
        origin.misbehave = lambda _asked: Reply(b"", 202, {"x-amzn-waf-action": "challenge"})
        archive = tmp_path / "blocked.warc.gz"
        for option in ("ARCHIVE", "REPLAY"):
            done = crawl_episodes("-a", f"show={SHOW_ID}", "-s", f"{option}={archive}", *origin.settings("html"))
            assert done.status == 4
            assert "challenge for browsers" in done.last_line

    def test_an_archive_of_pages_needs_no_transport_setting(self, crawl_url: str, tmp_path: Path) -> None:
        from samples.imdb_pages import next_data

        archive = tmp_path / "saved.warc.gz"
        for season in ("", "?season=1&ref_=ttep_ep1", "?season=2", "?season=3"):
            saved = tmp_path / "saved.json"
            saved.write_text(json.dumps(next_data(SHOW, season[8:9] or None)))
            url = f"https://www.imdb.com/title/{SHOW_ID}/episodes/{season}"
            assert scrapy("archive-add", archive, url, saved).status == 0
        done = crawl_episodes("-a", f"show={SHOW_ID}", "-s", f"REPLAY={archive}")
        assert done.status == 0, done.output

    def test_a_chosen_season_does_not_need_the_first_page(self, crawl_url: str, tmp_path: Path) -> None:
        from samples.imdb_pages import page

        archive, saved = tmp_path / "one.warc.gz", tmp_path / "saved.html"
        saved.write_bytes(page(SHOW, "2"))
        scrapy("archive-add", archive, f"https://www.imdb.com/title/{SHOW_ID}/episodes/?season=2", saved)
        done = crawl_episodes("-a", f"show={SHOW_ID}", "-a", "seasons=2", "-s", f"REPLAY={archive}")
        assert done.status == 0, done.output
        assert "1 show inserted, 4 seasons inserted, 9 episodes inserted, 4 people inserted" in done.last_line

    def test_an_archive_that_is_cut_gives_its_whole_pages_and_says_so(self, crawl_url: str, tmp_path: Path) -> None:
        from samples.imdb_pages import page

        archive, saved = tmp_path / "cut.warc.gz", tmp_path / "saved.html"
        sizes = []
        for season in ("", "?season=1", "?season=2", "?season=3"):
            saved.write_bytes(page(SHOW, season[8:] or None))
            scrapy("archive-add", archive, f"https://www.imdb.com/title/{SHOW_ID}/episodes/{season}", saved)
            sizes.append(archive.stat().st_size)
        os.truncate(archive, sizes[2] + 40)
        done = crawl_episodes("-a", f"show={SHOW_ID}", "-s", f"REPLAY={archive}")
        assert done.status == 3
        assert f"the archive breaks off in the record at byte {sizes[2]}" in done.last_line
        assert f"{SHOW_ID} season 3 (not in the archive cut.warc.gz)" in done.last_line
        assert "22 episodes inserted" in done.last_line
        assert "Traceback" not in done.output


class TestBrowser:
    @pytest.fixture
    def browser(self, monkeypatch: pytest.MonkeyPatch) -> str:
        found = chromium()
        monkeypatch.setenv("PLAYWRIGHT_CHROMIUM", found)
        return found

    def test_a_real_browser_gets_the_same_catalog(
        self, origin: Origin, crawl_url: str, embedded_server: Server, browser: str
    ) -> None:
        by_browser = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("browser"))
        assert by_browser.status == 0, by_browser.output
        agents = {asked.headers["User-Agent"] for asked in origin.asked}
        assert len(agents) == 1
        assert agents.pop().startswith("trr/")
        by_http = embedded_server.create("by_http", "template")
        try:
            crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html"), DATABASE_URL=by_http)
            assert catalog_state(crawl_url) == catalog_state(by_http)
        finally:
            embedded_server.drop("by_http")

    def test_a_challenge_is_not_solved(self, origin: Origin, crawl_url: str, browser: str) -> None:
        shell = (
            b"<html><script>setTimeout(() => { document.cookie = 'solved=1'; location.reload() }, 50)</script></html>"
        )
        origin.misbehave = lambda _asked: Reply(
            shell, 202, {"x-amzn-waf-action": "challenge", "Content-Type": "text/html"}
        )
        done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("browser"))
        assert done.status == 4
        assert "challenge for browsers (202)" in done.last_line
        assert not any("solved" in asked.headers.get("Cookie", "") for asked in origin.asked)

    def test_a_browser_that_is_not_there_is_told(self, origin: Origin, crawl_url: str) -> None:
        done = crawl_episodes(
            "-a", f"show={SHOW_ID}", *origin.settings("browser"), PLAYWRIGHT_CHROMIUM="/no/such/browser"
        )
        assert done.status != 0
        assert "/no/such/browser" in done.last_line


class TestEmbeddedServer:
    def test_without_any_configuration_and_two_at_once(self, origin: Origin, tmp_path: Path) -> None:
        """Both start, create and migrate one server, and share it."""
        import tempfile

        with tempfile.TemporaryDirectory(dir="/tmp", prefix="trr-first-") as folder:
            home = Path(folder)
            home.chmod(0o755)
            environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
            command = [sys.executable, "-m", "scrapy", "crawl", "imdb_episodes", "-a", f"show={SHOW_ID}"]
            both = [
                subprocess.Popen(
                    [*command, *origin.settings("html")],
                    cwd=ROOT,
                    env={**environment, "TRR_HOME": str(home)},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
                for _ in range(2)
            ]
            outputs = [process.communicate(timeout=90)[0] for process in both]
            assert [process.returncode for process in both] == [0, 0], outputs
            assert not (home / "postgres" / "postmaster.pid").exists(), "the last one stops the server"
            again = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html"), TRR_HOME=str(home))
            assert "30 episodes unchanged" in again.last_line
