"""The datasets end to end: a real `scrapy crawl` from a folder, and from a server that cuts, changes and refuses."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from in_process import refused

from support import ROOT, Crawl, scrapy
from trr_crawl.datasets import cache_folder

PAGES = ROOT / "tests" / "pages" / "imdb" / "datasets"
SHOW = "tt99000001"
NAMES = tuple(f"{name}.tsv.gz" for name in sorted(path.stem for path in (PAGES / "good").glob("*.tsv")))


def crawl(*arguments: str | Path, home: Path, **environment: str) -> Crawl:
    """A dry run, quick with the network."""
    quick = ("DOWNLOAD_DELAY=0", "AUTOTHROTTLE_ENABLED=0", "BREAKER_PAUSE=0.1")
    settings = [part for setting in quick for part in ("-s", setting)]
    return scrapy(
        "crawl", "imdb_datasets", "-a", "dry_run=true", *settings, *arguments, TRR_HOME=str(home), **environment
    )


def items(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A folder with the files as IMDb serves them."""
    folder = tmp_path / "packed"
    folder.mkdir()
    for path in (PAGES / "good").glob("*.tsv"):
        (folder / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    return folder


class TestFolder:
    def test_a_show_with_all_that_belongs_to_it(self, packed: Path, tmp_path: Path) -> None:
        exported = tmp_path / "items.jsonl"
        done = crawl(
            "-a", f"path={packed}", "-a", f"show={SHOW}", "-a", "crew=true", "-O", exported, home=tmp_path / "home"
        )
        assert done.status == 0, done.output
        expected = json.loads((PAGES / "named.items.json").read_bytes())["items"]
        found = items(exported)
        assert [(item.pop("kind"), item.pop("source")) for item in found] == [
            (item["kind"], "imdb_datasets") for item in expected
        ]
        assert found == [item["payload"] for item in expected]
        assert not (tmp_path / "home").exists(), "nothing was downloaded"

    def test_a_filter_and_no_credits_of_episodes(self, tmp_path: Path) -> None:
        exported = tmp_path / "items.jsonl"
        done = crawl(
            "-a", f"path={PAGES / 'good'}", "-a", "genre=Reality-TV", "-a", "episode_credits=false", "-O", exported,
            home=tmp_path,
        )  # fmt: skip
        assert done.status == 0, done.output
        expected = json.loads((PAGES / "filtered.items.json").read_bytes())["items"]
        assert Counter(item["kind"] for item in items(exported)) == Counter(item["kind"] for item in expected)
        assert "2 shows were chosen" in done.output

    def test_bad_rows_are_named_by_file_and_line_and_the_rest_lands(self, tmp_path: Path) -> None:
        exported = tmp_path / "items.jsonl"
        done = crawl("-a", f"path={PAGES / 'bad'}", "-a", "types=tvSeries", "-O", exported, home=tmp_path)
        assert done.status == 3
        assert "title.ratings.tsv (2 of its rows cannot be read: line 2 (averageRating is 'high'" in done.last_line
        assert (
            "title.basics.tsv (9 of its rows cannot be read: line 3 (8 columns instead of 9), line 4" in done.last_line
        )
        assert done.last_line.count("8 columns instead of 9") == 2, "once of each reading with another result"
        assert Counter(item["kind"] for item in items(exported))["episode"] == 6
        assert "'datasets/title.basics/bad_rows': 9" in done.output
        assert "Traceback" not in done.output

    def test_a_gzip_that_breaks_off(self, packed: Path, tmp_path: Path) -> None:
        cut = packed / "name.basics.tsv.gz"
        cut.write_bytes(cut.read_bytes()[:-20])
        done = crawl("-a", f"path={packed}", "-a", f"show={SHOW}", home=tmp_path)
        assert done.status == 3
        assert "name.basics.tsv.gz (the gzip breaks off before its end)" in done.last_line
        assert "4 episodes" in done.last_line

    def test_files_that_are_not_there(self, packed: Path, tmp_path: Path) -> None:
        for name in ("title.basics", "title.ratings"):
            (packed / f"{name}.tsv.gz").unlink()
        exported = tmp_path / "items.jsonl"
        done = crawl("-a", f"path={packed}", "-a", f"show={SHOW}", "-O", exported, home=tmp_path)
        assert done.status == 3
        assert f"title.basics (there is no such file in {packed})" in done.last_line
        episodes = [item for item in items(exported) if item["kind"] == "episode"]
        assert len(episodes) == 4
        assert not any("title" in episode or "rating" in episode for episode in episodes)

    def test_a_header_that_nobody_knows(self, packed: Path, tmp_path: Path) -> None:
        (packed / "title.ratings.tsv.gz").write_bytes(b"tconst\tstars\n")
        done = crawl("-a", f"path={packed}", "-a", f"show={SHOW}", home=tmp_path)
        assert done.status == 3
        assert "title.ratings.tsv.gz (its columns are tconst, stars; known are tconst, averageRating" in done.last_line

    def test_shows_that_are_none(self, tmp_path: Path) -> None:
        listed = tmp_path / "shows.txt"
        listed.write_text(f"{SHOW}\ntt99999999\ntt99000101  # an episode\n")
        done = crawl("-a", f"path={PAGES / 'good'}", "-a", f"shows=@{listed}", home=tmp_path)
        assert done.status == 3
        assert "tt99999999 (title.basics does not have it)" in done.last_line
        assert "tt99000101 (it is an episode: name its series)" in done.last_line

    def test_a_filter_that_finds_nothing(self, tmp_path: Path) -> None:
        done = crawl("-a", f"path={PAGES / 'good'}", "-a", "genre=Ballet", home=tmp_path)
        assert done.status == 1
        assert "the shows (no title is of such a type and genre)" in done.last_line

    def test_into_the_catalog_and_again(self, crawl_url: str, tmp_path: Path) -> None:
        del crawl_url  # DATABASE_URL
        arguments = ("crawl", "imdb_datasets", "-a", f"path={PAGES / 'good'}", "-a", f"show={SHOW}")
        first = scrapy(*arguments, TRR_HOME=str(tmp_path))
        assert first.status == 0, first.output
        assert "1 show inserted" in first.last_line
        again = scrapy(*arguments, TRR_HOME=str(tmp_path))
        assert again.status == 0
        assert "4 episodes unchanged" in again.last_line
        assert "inserted" not in again.last_line
        assert "updated" not in again.last_line


class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ((), "Say where the datasets are"),
            (("show=tt99000001",), "Say where the datasets are"),
            (("path=tests/pages/imdb/datasets/good",), "Say which shows to take"),
            (("path=tests/pages/imdb/datasets/good", "show=tt99000001", "genre=Drama"), "Say which shows to take"),
            (("path=tests/pages/imdb/datasets/good", "url=http://127.0.0.1/", "genre=Drama"), "Say where the datasets"),
            (("path=/no/such/folder", "genre=Drama"), "-a path: '/no/such/folder' is no folder"),
            (("path=tests/spiders", "genre=Drama"), "the folder tests/spiders holds none of the datasets"),
            (("url=ftp://127.0.0.1/", "genre=Drama"), "-a url: 'ftp://127.0.0.1/' is no web address"),
            (("path=tests/pages/imdb/datasets/good", "types=tvEpisode"), "'tvEpisode' is no type of shows; there are"),
            (("path=tests/pages/imdb/datasets/good", "genre=,"), "-a genre: ',' names nothing"),
        ],
    )
    def test_each_is_one_sentence_and_status_2(self, arguments: tuple[str, ...], words: str) -> None:
        done = refused("imdb_datasets", *(part for argument in arguments for part in ("-a", argument)))
        assert done.status == 2
        assert words in done.last_line
        assert "Traceback" not in done.output


@dataclass
class Files:
    """A server of files that knows Range, If-Range and If-None-Match, as the real one does."""

    contents: dict[str, bytes]
    etags: bool = True
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    """For a file, after how many bytes each of its next answers breaks off."""
    statuses: dict[str, int] = field(default_factory=dict)
    """For a file, the status that refuses it."""
    pages: dict[str, bytes] = field(default_factory=dict)
    """For a file, the HTML page that is served in its place."""
    pause: float = 0.0
    """Seconds before every tenth of a file."""
    robots_txt: bytes = b"User-agent: *\nAllow: /\n"
    url: str = ""

    def of(self, name: str) -> list[dict[str, str]]:
        """The headers of the requests for a file."""
        return [headers for path, headers in self.asked if path == f"/data/{name}"]


@pytest.fixture
def files(packed: Path) -> Iterator[Files]:
    served = Files({f"/data/{path.name}": path.read_bytes() for path in packed.iterdir()})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.asked.append((self.path, dict(self.headers.items())))
            name = self.path.rpartition("/")[2]
            if self.path == "/robots.txt":
                self.answer(200, served.robots_txt, {"Content-Type": "text/plain"})
            elif name in served.pages:
                self.answer(200, served.pages[name], {"Content-Type": "text/html"})
            elif name in served.statuses:
                self.answer(served.statuses[name], b"<html>no</html>", {"Content-Type": "text/html"})
            elif self.path not in served.contents:
                self.answer(404, b"nothing here", {})
            else:
                self.serve(name, served.contents[self.path])

        def serve(self, name: str, content: bytes) -> None:
            etag = f'"{hash(content):x}"'
            headers = {"ETag": etag} if served.etags else {}
            headers["Content-Type"] = "binary/octet-stream"
            if served.etags and self.headers.get("If-None-Match") == etag:
                self.answer(304, b"", headers)
                return
            wanted = self.headers.get("Range")
            start = int(wanted[6:-1]) if wanted and self.headers.get("If-Range") == etag else 0
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            cuts = served.cuts.get(name)
            self.answer(206 if start else 200, content[start:], headers, cut=cuts.pop(0) if cuts else None)

        def answer(self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None) -> None:
            self.send_response(status)
            for header, value in headers.items():
                self.send_header(header, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            body = body if cut is None else body[:cut]
            step = len(body) // 10 + 1
            for start in range(0, len(body), step):
                time.sleep(served.pause)
                self.wfile.write(body[start : start + step])
            if cut is not None:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A crawl that was killed does not wait for its answer."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_port}/data/"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


def large(seed: int) -> bytes:
    """A name.basics of about half a megabyte that gzip cannot make small."""
    dice = random.Random(seed)
    head, _, rest = (PAGES / "good" / "name.basics.tsv").read_bytes().partition(b"\n")
    noise = b"".join(
        b"nm98%06d\t%s\t\\N\t\\N\t\\N\t\\N\n" % (number, dice.randbytes(20).hex().encode()) for number in range(20_000)
    )
    return gzip.compress(head + b"\n" + noise + rest + b"\n")


class TestWeb:
    """`-a url=`: downloads into `.trr/cache`, kept and continued."""

    @pytest.fixture
    def home(self, tmp_path: Path) -> Path:
        return tmp_path / "home"

    def test_downloads_once_and_then_asks_whether_it_changed(self, files: Files, home: Path, tmp_path: Path) -> None:
        exported = tmp_path / "items.jsonl"
        arguments = ("-a", f"url={files.url}", "-a", f"show={SHOW}", "-a", "crew=true", "-O", exported)
        done = crawl(*arguments, home=home, TRR_CONTACT="https://trr.example/bot")
        assert done.status == 0, done.output
        first = items(exported)
        assert len(first) == len(json.loads((PAGES / "named.items.json").read_bytes())["items"])
        assert {headers["User-Agent"].partition("/")[0] for _, headers in files.asked} == {"trr"}
        assert files.asked[0][0] == "/robots.txt"
        total = sum(map(len, files.contents.values()))
        assert f"'downloads/bytes': {total}" in done.output
        files.asked.clear()
        again = crawl(*arguments, home=home)
        assert again.status == 0, again.output
        assert items(exported) == first
        assert "'downloads/bytes': 0" in again.output
        assert all("If-None-Match" in headers for path, headers in files.asked if path != "/robots.txt")

    def test_keeps_whole_files_only(self, files: Files, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TRR_HOME", str(home))
        crawl("-a", f"url={files.url}", "-a", f"show={SHOW}", "-a", "crew=true", home=home)
        kept = sorted(path.name for path in cache_folder(files.url).iterdir())
        assert kept == sorted([*NAMES, *(f"{name}.json" for name in NAMES)])

    def test_a_download_that_is_cut_goes_on_where_it_stopped(self, files: Files, home: Path) -> None:
        content = files.contents["/data/name.basics.tsv.gz"] = large(1)
        files.cuts["name.basics.tsv.gz"] = [200_000, 100_000]
        done = crawl("-a", f"url={files.url}", "-a", f"show={SHOW}", home=home)
        assert done.status == 0, done.output
        ranges = [headers.get("Range") for headers in files.of("name.basics.tsv.gz")]
        assert ranges == [None, "bytes=200000-", "bytes=300000-"]
        assert f"'datasets/name.basics/rows': {20_011}" in done.output
        [kept] = home.rglob("name.basics.tsv.gz")
        assert kept.read_bytes() == content

    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
    def test_a_run_that_is_stopped_is_continued_by_the_next(
        self, files: Files, home: Path, how: signal.Signals
    ) -> None:
        content = files.contents["/data/name.basics.tsv.gz"] = large(2)
        files.pause = 0.3
        command = [
            sys.executable, "-m", "scrapy", "crawl", "imdb_datasets", "-a", "dry_run=true", "-a", f"url={files.url}",
            "-a", f"show={SHOW}", "-s", "DOWNLOAD_DELAY=0", "-s", "CONCURRENT_REQUESTS_PER_DOMAIN=8",
        ]  # fmt: skip
        with subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "TRR_HOME": str(home)}, stderr=subprocess.DEVNULL
        ) as process:
            deadline = time.monotonic() + 60
            while not any(path.stat().st_size > 100_000 for path in home.rglob("name.basics.tsv.gz.part")):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            process.send_signal(how)
            process.wait(timeout=20)
        files.pause = 0
        files.asked.clear()
        done = crawl("-a", f"url={files.url}", "-a", f"show={SHOW}", home=home)
        assert done.status == 0, done.output
        [asked] = files.of("name.basics.tsv.gz")
        assert int(asked["Range"][6:-1]) > 100_000
        [kept] = home.rglob("name.basics.tsv.gz")
        assert kept.read_bytes() == content

    def test_a_part_of_an_older_version_is_thrown_away(self, files: Files, home: Path) -> None:
        files.contents["/data/name.basics.tsv.gz"] = large(3)
        files.cuts["name.basics.tsv.gz"] = [200_000]
        crawl("-a", f"url={files.url}", "-a", f"show={SHOW}", "-s", "RETRY_TIMES=0", home=home)
        content = files.contents["/data/name.basics.tsv.gz"] = large(4)
        done = crawl("-a", f"url={files.url}", "-a", f"show={SHOW}", home=home)
        assert done.status == 0, done.output
        [kept] = home.rglob("name.basics.tsv.gz")
        assert kept.read_bytes() == content

    def test_a_server_that_names_no_versions(self, files: Files, home: Path) -> None:
        files.etags = False
        content = files.contents["/data/name.basics.tsv.gz"] = large(5)
        files.cuts["name.basics.tsv.gz"] = [200_000]
        done = crawl("-a", f"url={files.url}", "-a", f"show={SHOW}", home=home)
        assert done.status == 0, done.output
        assert not any("Range" in headers for headers in files.of("name.basics.tsv.gz"))
        [kept] = home.rglob("name.basics.tsv.gz")
        assert kept.read_bytes() == content

    def test_what_an_earlier_run_downloaded_is_better_than_nothing(
        self, files: Files, home: Path, tmp_path: Path
    ) -> None:
        exported = tmp_path / "items.jsonl"
        arguments = ("-a", f"url={files.url}", "-a", f"show={SHOW}", "-O", exported)
        assert crawl(*arguments, home=home).status == 0
        first = items(exported)
        files.statuses = dict.fromkeys(NAMES, 500)
        done = crawl(*arguments, "-s", "RETRY_TIMES=0", home=home)
        assert done.status == 3
        assert "title.ratings.tsv.gz from the web (127.0.0.1" in done.last_line
        assert items(exported) == first

    @pytest.mark.parametrize("kind", ["status", "page"])
    def test_a_block_is_never_taken_for_a_file(self, files: Files, home: Path, kind: str) -> None:
        if kind == "status":
            files.statuses = dict.fromkeys(NAMES, 403)
        else:
            files.pages = dict.fromkeys(NAMES, b"<html>Human Verification</html>")
        done = crawl("-a", f"url={files.url}", "-a", f"show={SHOW}", home=home)
        assert done.status == 4
        assert list(home.rglob("*.tsv.gz*")) == []

    def test_a_file_that_the_server_does_not_have(self, files: Files, home: Path) -> None:
        del files.contents["/data/title.ratings.tsv.gz"]
        done = crawl("-a", f"url={files.url}", "-a", f"show={SHOW}", home=home)
        assert done.status == 3
        assert "has no such page (404)" in done.last_line
        assert "4 episodes" in done.last_line

    def test_robots_txt_is_obeyed(self, files: Files, home: Path) -> None:
        files.robots_txt = b"User-agent: *\nDisallow: /data/\n"
        done = crawl("-a", f"url={files.url}", "-a", f"show={SHOW}", home=home)
        assert done.status == 1
        assert "Forbidden by robots.txt" in done.last_line
        assert [path for path, _ in files.asked] == ["/robots.txt"]

    def test_nothing_of_it_goes_into_the_archive(
        self, files: Files, crawl_url: str, home: Path, tmp_path: Path
    ) -> None:
        del crawl_url  # DATABASE_URL
        archive = tmp_path / "x.warc.gz"
        done = scrapy(
            "crawl", "imdb_datasets", "-a", f"url={files.url}", "-a", f"show={SHOW}", "-s", f"ARCHIVE={archive}",
            "-s", "DOWNLOAD_DELAY=0", TRR_HOME=str(home),
        )  # fmt: skip
        assert done.status == 0, done.output
        recorded = gzip.decompress(archive.read_bytes())
        assert b"/robots.txt" in recorded
        assert b".tsv.gz" not in recorded
        assert b"data:," not in recorded
