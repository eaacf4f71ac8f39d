"""`scrapy archive-add`: what was saved elsewhere is in the archive afterwards, or one sentence says why not."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from scrapy.cmdline import execute

from samples import harbour_hearts, imdb_pages
from support import ROOT
from trr_crawl.archive import ArchiveReader, ArchiveWriter, Exchange
from trr_crawl.parse.imdb import episodes
from trr_crawl.parse.imdb.next_data import page_props

URL = "https://www.imdb.com/title/tt99000001/episodes/?season=1"
GRAPHQL = "https://api.graphql.imdb.com/"
SHOW = harbour_hearts.SHOW


class Done(NamedTuple):
    """What a run of the command came to."""

    status: int
    output: str
    errors: str


Run = Callable[..., Done]


def as_a_user(*arguments: str | Path) -> Done:
    """Run the command in the project's folder."""
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", "archive-add", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the same command line in this process, which saves the start of another."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("SCRAPY_SETTINGS_MODULE", "trr_crawl.settings")

    def run(*arguments: str | Path) -> Done:
        with pytest.raises(SystemExit) as left:
            execute(["scrapy", "archive-add", *map(str, arguments)])
        return Done(int(left.value.code or 0), *capsys.readouterr())

    return run


def add(archive: Path, url: str, content: bytes, *options: str | Path, run: Run = as_a_user) -> str:
    """Add a page that must be accepted; returns what the command says."""
    page = archive.parent / "page"
    page.write_bytes(content)
    done = run(archive, url, page, *options)
    assert (done.status, done.errors) == (0, "")
    return done.output


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "a.warc.gz"


def found(archive: Path, method: str = "GET", url: str = URL, body: bytes = b"") -> Exchange:
    answer = ArchiveReader(archive).find(method, url, body)
    assert answer is not None
    return answer


def test_page(archive: Path) -> None:
    page = imdb_pages.page(SHOW, "1")
    assert add(archive, URL, page) == f"GET {URL} 200: {len(page):,} bytes into {archive}\n"
    answer = found(archive)
    assert (answer.status, answer.body) == (200, page)
    assert answer.headers == [("Content-Type", "text/html; charset=utf-8")]


@pytest.mark.parametrize("before", [b"", b"\n", b"\xef\xbb\xbf"], ids=["bare", "newline", "byte-order-mark"])
def test_next_data_gets_a_page_around_it(archive: Path, before: bytes, quickly: Run) -> None:
    data = imdb_pages.next_data(SHOW, "1")
    data["props"]["pageProps"]["note"] = "</script><script>alert('café')</script>"
    content = before + json.dumps(data, ensure_ascii=False).encode()
    add(archive, URL, content, run=quickly if before else as_a_user)
    answer = found(archive)
    assert answer.headers == [("Content-Type", "text/html; charset=utf-8")]
    assert page_props(answer.body).data == data["props"]["pageProps"]
    assert len(episodes.parse_page(answer.body, SHOW.id).episodes) == len(SHOW.of_season("1"))


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf"], ids=["bare", "byte-order-mark"])
def test_graphql_answer(archive: Path, before: bytes, quickly: Run) -> None:
    question = json.dumps(episodes.query(SHOW.id)).encode()
    asked = archive.parent / "question.json"
    asked.write_bytes(question)
    content = json.dumps(imdb_pages.answer(SHOW)).encode()
    said = add(archive, GRAPHQL, before + content, "--post", asked, run=quickly if before else as_a_user)
    assert said == f"POST {GRAPHQL} 200: {len(content):,} bytes into {archive}\n"
    answer = found(archive, "POST", GRAPHQL, json.dumps(json.loads(question), indent=4).encode())
    assert answer.headers == [("Content-Type", "application/json")]
    assert answer.body == content
    assert ArchiveReader(archive).find("GET", GRAPHQL) is None


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"[1]", b"null", b'"text"', b'{"cut": '])
def test_other_content_is_kept_as_it_is(archive: Path, content: bytes, quickly: Run) -> None:
    add(archive, URL, content, run=quickly)
    assert found(archive).body == content


def test_status_and_headers(archive: Path, quickly: Run) -> None:
    headers = ["content-type: text/plain", "X-Amzn-Waf-Action:challenge", "Set-Cookie: secret=1", "X-Time: 10:30"]
    add(archive, URL, b"", "--status", "202", *(f"--header={header}" for header in headers), run=quickly)
    answer = found(archive)
    assert answer.status == 202
    assert answer.headers == [
        ("content-type", "text/plain"),
        ("X-Amzn-Waf-Action", "challenge"),
        ("X-Time", "10:30"),
    ]
    assert b"secret" not in gzip.decompress(archive.read_bytes())


def test_a_compressed_page(archive: Path, quickly: Run) -> None:
    page = imdb_pages.page(SHOW, "1")
    add(archive, URL, gzip.compress(page), "--header=Content-Encoding: gzip", run=quickly)
    assert found(archive).body == page


def test_address_as_a_crawl_asks_for_it(archive: Path, quickly: Run) -> None:
    add(archive, "https://www.imdb.com/find/?q=café olé#top", b"found", run=quickly)
    assert found(archive, url="https://www.imdb.com/find/?q=caf%C3%A9%20ol%C3%A9").body == b"found"


def test_added_to_what_is_there(tmp_path: Path, quickly: Run) -> None:
    archive = tmp_path / "a.warc"
    for season in "12":
        add(archive, URL[:-1] + season, season.encode(), run=quickly)
    assert [found(archive, url=URL[:-1] + season).body for season in "12"] == [b"1", b"2"]


def test_says_that_it_mends_a_cut_archive(archive: Path) -> None:
    add(archive, URL, b"1")
    kept = archive.stat().st_size
    with archive.open("ab") as file:
        file.write(gzip.compress(b"WARC/1.1\r\n")[:-1])
    page = archive.parent / "page"
    done = as_a_user(archive, URL + "2", page)
    assert done.status == 0
    assert done.errors == f"The archive {archive} ended in half a record, which is cut off at byte {kept}.\n"
    assert ArchiveReader(archive).cut_at is None


MISTAKES = {
    "no-file": (["A", URL, "gone.html"], "The file gone.html cannot be read: No such file or directory."),
    "folder": (["A", URL, "/"], "The file / cannot be read: Is a directory."),
    "no-question": (["A", URL, "F", "--post", "gone"], "The file gone cannot be read: No such file or directory."),
    "no-scheme": (["A", "www.imdb.com/x", "F"], "'www.imdb.com/x' is not a web address: give it as https://host/path."),
    "no-host": (["A", "https:///x", "F"], "'https:///x' is not a web address: give it as https://host/path."),
    "ftp": (["A", "ftp://x/y", "F"], "'ftp://x/y' is not a web address: give it as https://host/path."),
    "brackets": (["A", "https://[::1", "F"], "'https://[::1' is not a web address: give it as https://host/path."),
    "port": (["A", "https://x:99999/", "F"], "'https://x:99999/' is not a web address: give it as https://host/path."),
    "space": (["A", "https://a b/", "F"], "'https://a b/' is not a web address: give it as https://host/path."),
    "low-status": (["A", URL, "F", "--status=99"], "--status 99 is no HTTP status: give one from 100 to 599."),
    "high-status": (["A", URL, "F", "--status=600"], "--status 600 is no HTTP status: give one from 100 to 599."),
    "header": (["A", URL, "F", "--header=Vary"], "--header 'Vary' is not NAME:VALUE."),
    "nameless-header": (["A", URL, "F", "--header=: a"], "--header ': a' is not NAME:VALUE."),
    "two-lines": (["A", URL, "F", "--header=A: b\r\nC: d"], "--header 'A: b\\r\\nC: d' is not NAME:VALUE."),
    "archive-is-folder": (["/", URL, "F"], "The archive / cannot be written: Is a directory."),
    "archive-in-file": (["F/a.warc", URL, "F"], "The archive F/a.warc cannot be written: Not a directory."),
    "no-archive": (["F", URL, "F"], "F is not a WARC archive: it does not hold one whole record."),
}


def assert_refused(run: Run, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    """One sentence, and nothing written. A is an archive that is not there yet, F is a file."""
    (tmp_path / "F").write_bytes(b"<html>")
    paths = {name: str(tmp_path / name) for name in ("A", "F", "F/a.warc")}
    done = run(*(paths.get(argument, argument) for argument in arguments))
    for name in ("F/a.warc", "F"):
        sentence = sentence.replace(f"{name} ", f"{paths[name]} ")
    assert done == (2, "", f"scrapy archive-add: {sentence}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["F"]
    assert (tmp_path / "F").read_bytes() == b"<html>"


@pytest.mark.parametrize(("arguments", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(tmp_path: Path, arguments: list[str], sentence: str, quickly: Run) -> None:
    assert_refused(quickly, tmp_path, arguments, sentence)


def test_a_mistake_of_a_user(tmp_path: Path) -> None:
    assert_refused(as_a_user, tmp_path, *MISTAKES["no-archive"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give an archive, an address and a file"),
        (["A", URL], "give an archive, an address and a file"),
        (["A", URL, "F", "G"], "give an archive, an address and a file"),
        (["A", URL, "F", "--status=teapot"], "invalid int value: 'teapot'"),
    ],
)
def test_wrong_calls(tmp_path: Path, arguments: list[str], words: str, quickly: Run) -> None:
    done = (quickly if arguments else as_a_user)(*(tmp_path / name if name == "A" else name for name in arguments))
    assert done.status == 2
    assert words in done.errors
    assert "Traceback" not in done.errors
    assert list(tmp_path.iterdir()) == []


def test_an_archive_in_use(archive: Path) -> None:
    writer = ArchiveWriter(archive)
    before = archive.read_bytes()
    (archive.parent / "page").write_bytes(b"<html>")
    done = as_a_user(archive, URL, archive.parent / "page")
    writer.close()
    assert done == (2, "", f"scrapy archive-add: The archive {archive} is being written by another process.\n")
    assert archive.read_bytes() == before


def test_a_full_disk(quickly: Run) -> None:
    done = quickly("/dev/full", URL, os.devnull)
    assert done == (2, "", "scrapy archive-add: The archive /dev/full cannot be written: No space left on device.\n")
