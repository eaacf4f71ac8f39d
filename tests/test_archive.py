"""Archives: what is written is found again, by us and by others, whatever happens to the writer or the file."""

from __future__ import annotations

import gzip
import io
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import brotli
import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from origin import Asked, Origin, Reply, serving
from scrapy.http import Request
from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import BufferedReader
from warcio.checker import Checker
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from support import ROOT, lacking, scrapy
from trr_crawl.archive import ArchiveError, ArchiveReader, ArchiveWriter, Exchange, open_archive, request_key

PAGE = "https://www.imdb.com/title/tt99000001/episodes/?season=1"
GRAPHQL = "https://api.graphql.imdb.com/"
NAMES = ["a.warc.gz", "a.warc"]
"""With and without compression."""

both = pytest.mark.parametrize("name", NAMES)


def exchange(url: str = PAGE, body: bytes = b"<html>", status: int = 200, **more: Any) -> Exchange:
    return Exchange(url=url, body=body, status=status, **{"headers": [("Content-Type", "text/html")], **more})


def question(
    show: str = "tt99000001", query: str = "query Q($id: ID!) { title(id: $id) { id } }", **more: Any
) -> bytes:
    """The body of a GraphQL request."""
    return json.dumps({"query": query, "operationName": "Q", "variables": {"id": show}, **more}).encode()


def write(path: Path, *exchanges: Exchange) -> Path:
    writer = ArchiveWriter(path)
    for one in exchanges:
        writer.write(one)
    writer.close()
    return path


def body_of(path: Path, method: str = "GET", url: str = PAGE, body: bytes = b"") -> bytes | None:
    found = ArchiveReader(path).find(method, url, body)
    return found.body if found else None


def records(path: Path) -> list[Any]:
    """Every record as warcio reads it, with its `bytes`."""
    read = []
    with path.open("rb") as file:
        for record in ArchiveIterator(file):
            record.bytes = record.raw_stream.read()
            read.append(record)
    return read


def assert_valid(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Let warcio's own checker read every record and compare its digests."""
    assert Checker(Namespace(inputs=[str(path)], verbose=False)).process_all() == 0
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


def ends_of_records(path: Path) -> list[int]:
    with path.open("rb") as file:
        iterator = ArchiveIterator(file)
        offsets = [iterator.get_record_offset() for _ in iterator]
    return [*offsets[1:], path.stat().st_size]


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Another process that runs some code of ours."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class TestRoundTrip:
    @both
    def test_page(self, tmp_path: Path, name: str) -> None:
        headers = [("Content-Type", "text/html; charset=utf-8"), ("Vary", "a"), ("Vary", "b"), ("ETag", 'W/"1"')]
        path = write(tmp_path / name, exchange(body=b"\x00\xff\r\n\r\nWARC/1.1\r\n", headers=headers, reason="OK"))
        found = ArchiveReader(path).find("GET", PAGE)
        assert found is not None
        assert (found.url, found.status, found.body) == (PAGE, 200, b"\x00\xff\r\n\r\nWARC/1.1\r\n")
        assert found.headers == headers

    @both
    def test_graphql(self, tmp_path: Path, name: str) -> None:
        def answer(show: str) -> Exchange:
            return exchange(GRAPHQL, show.encode(), method="POST", request_body=question(show))

        path = write(tmp_path / name, answer("tt99000001"), answer("tt99000002"), exchange(GRAPHQL, b"by GET"))
        assert body_of(path, "POST", GRAPHQL, question("tt99000002")) == b"tt99000002"
        assert body_of(path, "POST", GRAPHQL, question("tt99000001")) == b"tt99000001"
        assert body_of(path, "POST", GRAPHQL, question("tt99000003")) is None
        assert body_of(path, "POST", GRAPHQL) is None
        assert body_of(path, "GET", GRAPHQL) == b"by GET"

    @both
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_anything(self, name: str, data: st.DataObject) -> None:
        url = f"https://www.imdb.com/?{urlencode(data.draw(st.lists(st.tuples(st.text(), st.text()), max_size=3)))}"
        method = data.draw(st.sampled_from(["GET", "POST", "HEAD", "PUT"]))
        asked, answered = data.draw(st.binary(max_size=200)), data.draw(st.binary(max_size=3000))
        status = data.draw(st.integers(100, 599))
        with tempfile.TemporaryDirectory() as folder:
            one = exchange(url, answered, status, method=method, request_body=asked)
            found = ArchiveReader(write(Path(folder, name), exchange(), one, exchange())).find(method, url, asked)
        assert found is not None
        assert (found.status, found.body) == (status, answered)

    @both
    def test_later_writers_append(self, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "new" / "folder" / name
        for season in "123":
            write(path, exchange(PAGE[:-1] + season, season.encode()))
        assert [body_of(path, url=PAGE[:-1] + season) for season in "1234"] == [b"1", b"2", b"3", None]
        assert [record.rec_type for record in records(path)] == ["warcinfo", *["response", "request"] * 3]
        assert_valid(path, capfd)

    @pytest.mark.parametrize(("name", "other"), [NAMES, NAMES[::-1]])
    def test_appends_as_the_archive_is_whatever_its_name(
        self, tmp_path: Path, name: str, other: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        path = write(tmp_path / name, exchange(body=b"1")).rename(tmp_path / other)
        write(path, exchange(PAGE + "2", b"2"))
        assert [body_of(path), body_of(path, url=PAGE + "2")] == [b"1", b"2"]
        assert_valid(path, capfd)

    def test_the_empty_file_of_mktemp_is_a_new_archive(self, tmp_path: Path) -> None:
        path = tmp_path / "a.warc.gz"
        path.touch()
        assert body_of(write(path, exchange(body=b"1"))) == b"1"

    def test_holds_host(self, tmp_path: Path) -> None:
        archive = ArchiveReader(write(tmp_path / "a.warc", exchange()))
        assert archive.holds_host("https://www.imdb.com/anything")
        assert not archive.holds_host(GRAPHQL)

    def test_opened_again_only_when_the_file_changed(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.warc.gz", exchange())
        first = open_archive(path)
        assert open_archive(path) is first
        write(path, exchange(PAGE + "2"))
        assert open_archive(path).find("GET", PAGE + "2") is not None


class TestWhichAnswer:
    @pytest.mark.parametrize(
        ("statuses", "expected"),
        [
            ([200, 200], 1),
            ([200, 403], 0),
            ([200, 202, 200, 503], 2),
            ([403, 200], 1),
            ([403, 404], 1),
            ([500], 0),
        ],
    )
    def test_the_last_200_or_else_the_last(self, tmp_path: Path, statuses: list[int], expected: int) -> None:
        answers = [exchange(body=str(number).encode(), status=status) for number, status in enumerate(statuses)]
        assert body_of(write(tmp_path / "a.warc.gz", *answers)) == str(expected).encode()


PAIRS = st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


def shuffled(value: Any, chance: random.Random) -> Any:
    """The same JSON with the keys of its objects in another order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key], chance) for key in chance.sample(sorted(value), len(value))}
    return [shuffled(inner, chance) for inner in value] if isinstance(value, list) else value


class TestRequestKey:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("https://www.imdb.com/title/tt1/?b=2&a=1", "https://www.imdb.com/title/tt1/?a=1&b=2"),
            ("https://www.imdb.com/title/tt1/?ref_=ttep_ep1&a=1", "https://www.imdb.com/title/tt1/?a=1"),
            ("https://www.imdb.com/title/tt1/?ref_=x&pf_rd_m=A&pf_rd_p=y", "https://www.imdb.com/title/tt1/"),
            ("https://www.imdb.com/title/tt1/#cast", "https://www.imdb.com/title/tt1/"),
            ("https://WWW.IMDB.com", "https://www.imdb.com/"),
            ("https://www.imdb.com/find/?q=caf%c3%a9+ol%C3%A9", "https://www.imdb.com/find/?q=café olé"),
        ],
    )
    def test_same_address(self, one: str, other: str) -> None:
        assert request_key("GET", one, b"") == request_key("get", other, b"")

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("https://www.imdb.com/title/tt1/?season=1", "https://www.imdb.com/title/tt1/?season=2"),
            ("https://www.imdb.com/title/tt1/?season=", "https://www.imdb.com/title/tt1/"),
            ("https://www.imdb.com/title/tt1/", "https://m.imdb.com/title/tt1/"),
            ("https://m.media-amazon.com/images/M/MVa.jpg", "https://m.media-amazon.com/images/M/mva.jpg"),
        ],
    )
    def test_other_address(self, one: str, other: str) -> None:
        assert request_key("GET", one, b"") != request_key("GET", other, b"")

    def test_method_and_body_matter(self) -> None:
        keys = [request_key(*asked) for asked in (("GET", PAGE, b""), ("POST", PAGE, b""), ("POST", PAGE, b"{}"))]
        assert len(set(keys)) == 3

    @pytest.mark.parametrize(
        ("other", "same"),
        [
            (question(query="query Q($id: ID!) { title(id: $id) { id titleText { text } } }"), True),
            (question(extensions={"persistedQuery": {"version": 1}}), True),
            (question("tt99000002"), False),
            (question(operationName="R"), False),
            (question(variables={"id": "tt99000001", "after": "x"}), False),
            (question(variables=None), False),
        ],
    )
    def test_a_graphql_query_is_its_operation_and_variables(self, other: bytes, same: bool) -> None:
        assert (request_key("POST", GRAPHQL, question()) == request_key("POST", GRAPHQL, other)) is same

    @pytest.mark.parametrize("name", [None, ""])
    def test_a_nameless_query_is_its_text(self, name: str | None) -> None:
        key = partial(request_key, "POST", GRAPHQL)
        assert key(question(operationName=name)) == key(question(operationName=name))
        assert key(question(operationName=name)) != key(question(operationName=name, query="{ other }"))

    @pytest.mark.parametrize("body", [b"a=1&b=2", b"\xff\x00", b'{"cut": ', b"[" * 300 + b"]" * 300, b"[" * 5000])
    def test_what_is_not_json_is_its_bytes(self, body: bytes) -> None:
        assert request_key("POST", PAGE, body) == request_key("POST", PAGE, body)
        assert request_key("POST", PAGE, body) != request_key("POST", PAGE, body + b" ")

    @given(one=PAIRS, other=PAIRS, order=st.randoms(use_true_random=False), tracked=st.text(max_size=5))
    def test_parameters_are_a_bag(
        self, one: list[tuple[str, str]], other: list[tuple[str, str]], order: random.Random, tracked: str
    ) -> None:
        def key(pairs: Iterable[tuple[str, str]]) -> str:
            return request_key("GET", f"https://www.imdb.com/find/?{urlencode(list(pairs))}", b"")

        again = [*one, ("ref_", tracked)]
        order.shuffle(again)
        assert key(one) == key(again)
        assert (key(one) == key(other)) == (sorted(one) == sorted(other))

    @given(path=st.text(max_size=20), pairs=PAIRS)
    def test_scrapy_asks_for_the_same(self, path: str, pairs: list[tuple[str, str]]) -> None:
        url = f"https://www.imdb.com/{path}?{urlencode(pairs)}"
        assume("#" not in path and "?" not in path)
        assert request_key("GET", url, b"") == request_key("GET", Request(url).url, b"")

    @given(one=JSON, other=JSON, chance=st.randoms(use_true_random=False))
    def test_json_without_its_formatting(self, one: Any, other: Any, chance: random.Random) -> None:
        key = partial(request_key, "POST", GRAPHQL)
        compact = orjson.dumps(one)
        assert key(json.dumps(shuffled(one, chance), indent=2, ensure_ascii=True).encode()) == key(compact)
        assert (key(compact) == key(orjson.dumps(other))) == (canonical(one) == canonical(other))

    @given(one=JSON, other=JSON, queries=st.tuples(st.text(), st.text()))
    def test_graphql_variables(self, one: Any, other: Any, queries: tuple[str, str]) -> None:
        first, same, different = (
            request_key("POST", GRAPHQL, question(query=query, variables=variables))
            for query, variables in ((queries[0], one), (queries[1], one), (queries[0], other))
        )
        assert first == same
        assert (first == different) == (canonical(one) == canonical(other))


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


class TestForm:
    """An archive is a WARC/1.1 file that any tool can read."""

    @both
    def test_records(self, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
        asked = exchange(GRAPHQL, b'{"data": {}}', method="POST", request_body=question(), reason="OK")
        path = write(tmp_path / name, exchange(), asked)
        content = path.read_bytes()
        assert (gzip.decompress(content) if name.endswith(".gz") else content).startswith(b"WARC/1.1\r\n")
        info, _, _, response, request = records(path)
        assert {record.rec_headers.protocol for record in records(path)} == {"WARC/1.1"}
        assert [record.rec_type for record in records(path)] == ["warcinfo", *["response", "request"] * 2]
        assert info.rec_headers.get_header("WARC-Filename") == name
        assert request.rec_headers.get_header("WARC-Concurrent-To") == response.rec_headers.get_header("WARC-Record-ID")
        assert request.rec_headers.get_header("WARC-Target-URI") == GRAPHQL
        assert (request.http_headers.protocol, request.http_headers.statusline) == ("POST", "/ HTTP/1.1")
        assert (response.http_headers.protocol, response.http_headers.statusline) == ("HTTP/1.1", "200 OK")
        assert (request.bytes, response.bytes) == (question(), b'{"data": {}}')
        assert_valid(path, capfd)

    def test_every_record_is_its_own_gzip_member(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.warc.gz", exchange(), exchange(GRAPHQL))
        rest, members = path.read_bytes(), 0
        while rest:
            member = zlib.decompressobj(wbits=31)
            assert member.decompress(rest).startswith(b"WARC/1.1\r\n")
            assert member.eof
            rest, members = member.unused_data, members + 1
        assert members == 5

    @both
    def test_secrets_stay_out(self, tmp_path: Path, name: str) -> None:
        path = write(
            tmp_path / name,
            exchange(
                headers=[("Set-Cookie", "secret"), ("set-cookie", "secret"), ("X-Kept", "yes")],
                request_headers=(
                    *(("Authorization", "secret"), ("COOKIE", "secret"), ("Proxy-Authorization", "secret")),
                    ("X-Imdb-User-Country", "US"),
                ),
            ),
        )
        _, response, request = records(path)
        assert response.http_headers.headers == [("X-Kept", "yes")]
        assert request.http_headers.headers == [("X-Imdb-User-Country", "US")]
        content = path.read_bytes()
        assert b"secret" not in (gzip.decompress(content) if name.endswith(".gz") else content)


# Archives of other tools


def foreign(path: Path, *build: Callable[[WARCWriter], Any], compressed: bool = True) -> Path:
    """An archive of warcio's own making."""
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=compressed)
        for make in build:
            writer.write_record(make(writer))
    return path


def response(
    body: bytes, *headers: tuple[str, str], url: str = PAGE, status: str = "200 OK", **ids: str
) -> Callable[[WARCWriter], Any]:
    return lambda writer: writer.create_warc_record(
        url,
        "response",
        payload=io.BytesIO(body),
        length=len(body),
        http_headers=StatusAndHeaders(status, [("Content-Type", "text/html"), *headers], "HTTP/1.1"),
        warc_headers_dict=named(ids),
    )


def request(line: str, body: bytes = b"", *, url: str = PAGE, **ids: str) -> Callable[[WARCWriter], Any]:
    return lambda writer: writer.create_warc_record(
        url,
        "request",
        payload=io.BytesIO(body),
        length=len(body),
        http_headers=StatusAndHeaders(line, [("Host", "www.imdb.com")], is_http_request=True),
        warc_headers_dict=named(ids),
    )


def named(ids: dict[str, str]) -> dict[str, str]:
    names = {"this": "WARC-Record-ID", "to": "WARC-Concurrent-To"}
    return {names[name]: f"<urn:uuid:{value}>" for name, value in ids.items()}


def chunked(body: bytes) -> bytes:
    pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


HTML = b"<html><body>Harbour Hearts</body></html>"
CHUNKED = ("Transfer-Encoding", "chunked")


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


class TestForeignArchives:
    @pytest.mark.parametrize("compressed", [True, False])
    @pytest.mark.parametrize(
        ("body", "headers"),
        [
            (HTML, []),
            (HTML, [("Content-Length", str(len(HTML)))]),
            (gzip.compress(HTML), [("Content-Encoding", "gzip")]),
            (gzip.compress(HTML), [("content-encoding", "GZIP")]),
            (zlib.compress(HTML), [("Content-Encoding", "deflate")]),
            (raw_deflate(HTML), [("Content-Encoding", "deflate")]),
            (chunked(HTML), [CHUNKED]),
            (chunked(HTML), [("transfer-encoding", "Chunked")]),
            (chunked(gzip.compress(HTML)), [CHUNKED, ("Content-Encoding", "gzip")]),
            # Tools that store what they decoded, and leave the headers as they were:
            (HTML, [("Content-Encoding", "gzip")]),
            (HTML, [CHUNKED]),
            (HTML, [CHUNKED, ("Content-Encoding", "gzip")]),
        ],
        ids=[
            *("plain", "length", "gzip", "gzip-loud", "deflate", "deflate-raw", "chunked", "chunked-loud"),
            *("gzip-chunked", "gzip-undone", "chunked-undone", "both-undone"),
        ],
    )
    def test_codings_are_undone(
        self, tmp_path: Path, body: bytes, headers: list[tuple[str, str]], compressed: bool
    ) -> None:
        path = foreign(tmp_path / "a.warc", response(body, *headers), compressed=compressed)
        found = ArchiveReader(path).find("GET", PAGE)
        assert found is not None
        assert found.body == HTML
        assert found.headers == [("Content-Type", "text/html")]

    @pytest.mark.parametrize(
        ("coding", "body"),
        [
            ("br", brotli.compress(HTML)),
            ("zstd", b"\x28\xb5\x2f\xfd zstd"),
            ("x-gzip", gzip.compress(HTML)),
            ("gzip, br", brotli.compress(gzip.compress(HTML))),
        ],
        ids=["br", "zstd", "x-gzip", "two"],
    )
    @pytest.mark.parametrize("in_chunks", [True, False])
    def test_other_codings_are_left_to_scrapy(self, tmp_path: Path, coding: str, body: bytes, in_chunks: bool) -> None:
        header = ("Content-Encoding", coding)
        answer = response(chunked(body), header, CHUNKED) if in_chunks else response(body, header)
        found = ArchiveReader(foreign(tmp_path / "a.warc.gz", answer)).find("GET", PAGE)
        assert found is not None
        assert found.body == body
        assert found.headers == [("Content-Type", "text/html"), header]

    @pytest.mark.parametrize("compressed", [True, False])
    @pytest.mark.parametrize(
        "build",
        [
            [
                response(b"tt1", url=GRAPHQL, this="r1"),
                request("POST / HTTP/1.1", question("tt1"), url=GRAPHQL, to="r1"),
            ],
            [
                request("POST / HTTP/1.1", question("tt1"), url=GRAPHQL, to="r1"),
                response(b"tt1", url=GRAPHQL, this="r1"),
            ],
            [
                request("POST / HTTP/1.1", question("tt1"), url=GRAPHQL, this="q1"),
                response(b"tt1", url=GRAPHQL, to="q1"),
            ],
            [
                response(b"tt1", url=f"<{GRAPHQL}>", to="q1"),
                request("POST / HTTP/1.1", question("tt1"), url=f"<{GRAPHQL}>", this="q1"),
            ],
        ],
        ids=["answer-first", "request-first", "answer-names-request", "in-angle-brackets"],
    )
    def test_graphql(self, tmp_path: Path, build: list[Callable[[WARCWriter], Any]], compressed: bool) -> None:
        other = [
            response(b"tt2", url=GRAPHQL, this="r2"),
            request("POST / HTTP/1.1", question("tt2"), url=GRAPHQL, to="r2"),
        ]
        path = foreign(tmp_path / "a.warc", *other, *build, compressed=compressed)
        indented = json.dumps(json.loads(question("tt1", query="other words")), indent=4).encode()
        assert body_of(path, "POST", GRAPHQL, indented) == b"tt1"
        assert body_of(path, "POST", GRAPHQL, question("tt2")) == b"tt2"
        assert body_of(path, "GET", GRAPHQL) is None

    def test_an_answer_without_a_request_was_got_by_get(self, tmp_path: Path) -> None:
        path = foreign(tmp_path / "a.warc.gz", response(HTML))
        assert body_of(path) == HTML
        assert body_of(path, "POST") is None

    @pytest.mark.parametrize("compressed", [True, False])
    def test_a_resource_is_an_answer(self, tmp_path: Path, compressed: bool) -> None:
        def resource(writer: WARCWriter) -> Any:
            return writer.create_warc_record(
                PAGE, "resource", io.BytesIO(HTML), length=len(HTML), warc_content_type="text/html"
            )

        found = ArchiveReader(foreign(tmp_path / "a.warc", resource, compressed=compressed)).find("GET", PAGE)
        assert found is not None
        assert (found.status, found.body, found.headers) == (200, HTML, [("Content-Type", "text/html")])

    @pytest.mark.parametrize("compressed", [True, False])
    def test_strange_records_are_passed_over(self, tmp_path: Path, compressed: bool) -> None:
        def of_kind(kind: str, url: str, content: bytes = b"") -> Callable[[WARCWriter], Any]:
            return lambda writer: writer.create_warc_record(
                url, kind, io.BytesIO(content), length=len(content), warc_content_type="text/x"
            )

        path = foreign(
            tmp_path / "a.warc",
            lambda writer: writer.create_warcinfo_record("a.warc", {"software": "another"}),
            of_kind("response", "dns:www.imdb.com", b"20260101 IN A 127.0.0.1"),
            of_kind("metadata", PAGE, b"fetchTimeMs: 1"),
            of_kind("conversion", PAGE, b"text"),
            of_kind("resource", "urn:pageinfo:1", b"{}"),
            of_kind("response", "https://[::1/"),
            of_kind("response", PAGE),
            of_kind("request", PAGE),
            response(b"no status", status=""),
            response(b"words", status="OK"),
            lambda writer: writer.create_revisit_record(PAGE, "sha1:A", PAGE, "2026-01-01T00:00:00Z"),
            response(HTML),
            compressed=compressed,
        )
        archive = ArchiveReader(path)
        assert (archive.cut_at, archive.damaged) == (None, False)
        assert body_of(path) == HTML

    def test_a_record_of_wget(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        if shutil.which("wget") is None:
            lacking("no wget")

        def reply(asked: Asked) -> Reply:
            body = asked.body if asked.method == "POST" else HTML
            return Reply(gzip.compress(body), headers={"Content-Encoding": "gzip", "Set-Cookie": "a=b"})

        origin = Origin()
        origin.misbehave = reply
        (tmp_path / "question").write_bytes(question())
        with serving(origin):
            for number, more in enumerate(
                ([], ["--post-file", "question"], ["--post-file=question", "--no-warc-compr"])
            ):
                done = subprocess.run(
                    ["wget", "-q", "-O", "page", f"--warc-file={number}", *more, f"{origin.url}/graphql"],
                    cwd=tmp_path,
                    capture_output=True,
                    check=False,
                )
                if done.returncode == 2:
                    lacking("no wget that writes WARC")
                assert done.returncode == 0
        url = f"{origin.url}/graphql"
        assert body_of(tmp_path / "0.warc.gz", url=url) == HTML
        for name in ("1.warc.gz", "2.warc"):
            asked = json.dumps(json.loads(question()), indent=1).encode()
            assert body_of(tmp_path / name, "POST", url, asked) == question()
            assert body_of(tmp_path / name, "GET", url) is None
            write(tmp_path / name, exchange(body=b"ours"))
            assert body_of(tmp_path / name) == b"ours"
            assert_valid(tmp_path / name, capfd)


# Files that are cut, damaged, or no archives


@pytest.fixture(scope="module", params=NAMES)
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """An archive of three exchanges, and where its records end."""
    path = tmp_path_factory.mktemp("small") / request.param
    asked = exchange(GRAPHQL, b'{"data": 1}', method="POST", request_body=b'{"variables": 1}')
    write(path, exchange(body=b"one"), asked, exchange(PAGE + "2", b"two\r\n\r\n"))
    return path, ends_of_records(path)


class TestCut:
    ANSWERS = [((("GET", PAGE), b"one"), 2), ((("POST", GRAPHQL, b'{"variables":1}'), b'{"data": 1}'), 5)]
    ANSWERS += [((("GET", PAGE + "2"), b"two\r\n\r\n"), 6)]
    """What is asked, what comes, and how many records must be whole for it."""

    def test_at_every_byte(self, small: tuple[Path, list[int]], tmp_path: Path) -> None:
        """Of the last exchange, and at every seventh before."""
        path, ends = small
        content = path.read_bytes()
        cut = tmp_path / path.name
        for size in [*range(0, ends[4], 7), *range(ends[4], len(content) + 1)]:
            cut.write_bytes(content[:size])
            whole = [end for end in ends if end <= size]
            if not whole:
                with pytest.raises(ArchiveError, match=r"is not a WARC archive: [^.]*\.$"):
                    ArchiveReader(cut)
                continue
            archive = ArchiveReader(cut)
            assert (archive.cut_at, archive.damaged) == (None if whole[-1] == size else whole[-1], False), size
            for (asked, expected), needed in self.ANSWERS:
                found = archive.find(*asked)
                assert (found and found.body) == (expected if len(whole) >= needed else None), size

    def test_and_appended_to(
        self, small: tuple[Path, list[int]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Cut at every byte of the last exchange."""
        path, ends = small
        content = path.read_bytes()
        cut = tmp_path / path.name
        for size in range(ends[4], len(content) + 1):
            cut.write_bytes(content[:size])
            write(cut, exchange(PAGE + "3", b"three"))
            whole = [end for end in ends if end <= size]
            assert cut.read_bytes().startswith(content[: whole[-1]])
            archive = ArchiveReader(cut)
            for (asked, expected), needed in [*self.ANSWERS, ((("GET", PAGE + "3"), b"three"), 0)]:
                found = archive.find(*asked)
                assert (found and found.body) == (expected if len(whole) >= needed else None), size
            assert_valid(cut, capfd)

    @both
    def test_the_writer_says_what_it_cuts_off(
        self, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = write(tmp_path / name, exchange(), exchange())
        kept = ends_of_records(path)[-2]
        os.truncate(path, path.stat().st_size - 1)
        with caplog.at_level(logging.WARNING):
            ArchiveWriter(path).close()
        assert caplog.messages == [f"The archive {path} ended in half a record, which is cut off at byte {kept}."]
        assert path.stat().st_size == kept

    def test_a_whole_archive_is_not_touched(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        path = write(tmp_path / "a.warc.gz", exchange())
        before = path.read_bytes()
        write(path)
        assert path.read_bytes() == before
        assert caplog.messages == []


class TestDamaged:
    """Damage before the end: what is before it is read, and nobody appends, for nothing behind it must be lost."""

    @both
    @pytest.mark.parametrize("zeros", [1, 512])
    def test_zeros_at_the_end(self, tmp_path: Path, name: str, zeros: int) -> None:
        path = write(tmp_path / name, exchange(body=b"1"))
        size = path.stat().st_size
        with path.open("ab") as file:
            file.write(bytes(zeros))
        assert (ArchiveReader(path).cut_at, body_of(path)) == (size, b"1")
        if zeros > 1:
            with pytest.raises(ArchiveError, match=f"^The archive {path} is damaged at byte {size}: [^.]*\\.$"):
                ArchiveWriter(path)
            assert path.stat().st_size == size + zeros

    @both
    def test_in_the_middle(self, tmp_path: Path, name: str) -> None:
        path = write(tmp_path / name, *(exchange(PAGE + n, n.encode() * 50) for n in "123"))
        ends = ends_of_records(path)
        content = bytearray(path.read_bytes())
        content[ends[2] : ends[2] + 40] = b"\xaa" * 40
        path.write_bytes(content)
        archive = ArchiveReader(path)
        assert (archive.cut_at, archive.damaged) == (ends[2], True)
        assert [body_of(path, url=PAGE + n) for n in "123"] == [b"1" * 50, None, None]
        with pytest.raises(ArchiveError, match="is damaged at byte"):
            ArchiveWriter(path)
        assert path.read_bytes() == content

    def test_a_record_without_an_address(self, tmp_path: Path) -> None:
        def nowhere(writer: WARCWriter) -> Any:
            record = response(b"nowhere")(writer)
            record.rec_headers.remove_header("WARC-Target-URI")
            return record

        path = foreign(tmp_path / "a.warc.gz", response(HTML), nowhere, response(HTML, url=GRAPHQL))
        assert (ArchiveReader(path).damaged, body_of(path)) == (True, HTML)

    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_anywhere(self, small: tuple[Path, list[int]], data: st.DataObject) -> None:
        """Some bytes are others: every answer that comes is one of those written, or ArchiveError says why none."""
        content = bytearray(small[0].read_bytes())
        start = data.draw(st.integers(0, len(content) - 1))
        content[start : start + data.draw(st.integers(0, 30))] = data.draw(st.binary(min_size=1, max_size=30))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, small[0].name)
            path.write_bytes(content)
            try:
                archive = ArchiveReader(path)
                for (asked, _), _ in TestCut.ANSWERS:
                    archive.find(*asked)
                ArchiveWriter(path).close()
            except ArchiveError as error:
                assert_one_sentence(error)


def assert_one_sentence(error: ArchiveError) -> None:
    text = str(error)
    assert text.endswith(".")
    assert "\n" not in text
    assert ". " not in text


def a_directory(path: Path) -> None:
    path.mkdir()


def a_loop(path: Path) -> None:
    path.symlink_to(path)


@contextmanager
def unprivileged() -> Iterator[None]:
    """As nobody, where we are root, who reads everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def inside_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.touch()


def content(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


ARC = b"filedesc://a.arc 0.0.0.0 20260101000000 text/plain 30\n1 0 x\nURL IP-address Archive-date\n\n"
LOREM = b"to be or not to be\n" * 500
NO_ARCHIVES: dict[str, bytes] = {
    "text": LOREM,
    "text-of-five-words": b"https://www.imdb.com/ 1.2.3.4 20260101 text/html 5\nhello\n",
    "one-line": b"WARC",
    "almost": b"WARC/1.1\r\n\r\n",
    "another-version": b"WARC/7.0\r\nContent-Length: 0\r\n\r\n\r\n\r\n",
    "no-length": b"WARC/1.1\r\nWARC-Type: response\r\nContent-Length: many\r\n\r\nx\r\n\r\n",
    "less-than-nothing": b"WARC/1.1\r\nWARC-Type: response\r\nContent-Length: -5\r\n\r\nx\r\n\r\n",
    "arc": ARC,
    "html": b"<!DOCTYPE html>\n<html></html>\n",
    "zeros": bytes(5000),
    "not-gzip": b"\x1f\x8b" + bytes(range(256)),
    "gzip-of-text": gzip.compress(LOREM),
    "gzip-of-nothing": gzip.compress(b""),
    "gzip-of-garbage": gzip.compress(random.Random(1).randbytes(100_000)),
    "half-a-gzip-of-garbage": gzip.compress(random.Random(1).randbytes(100_000))[:50_000],
    "gzip-of-gzip": gzip.compress(gzip.compress(LOREM)),
    "gzip-of-arc": gzip.compress(ARC),
}


class TestNoArchive:
    @pytest.mark.parametrize(
        ("make", "why"),
        [
            (content(b""), "is not a WARC archive"),
            (a_directory, "Is a directory"),
            (a_loop, "Too many levels of symbolic links"),
            (Path.exists, "No such file or directory"),
            (inside_a_file, "Not a directory"),
            *((content(data), "is not a WARC archive") for data in NO_ARCHIVES.values()),
        ],
        ids=["empty", "directory", "loop", "missing", "inside-a-file", *NO_ARCHIVES],
    )
    @pytest.mark.parametrize("read", [ArchiveReader, open_archive])
    def test_read(self, tmp_path: Path, make: Callable[[Path], Any], why: str, read: Callable[[Path], Any]) -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        make(folder / "a.warc.gz")
        with pytest.raises(ArchiveError, match=why) as caught:
            read(folder / "a.warc.gz")
        assert str(folder / "a.warc.gz") in str(caught.value)
        assert_one_sentence(caught.value)

    @pytest.mark.parametrize("data", NO_ARCHIVES.values(), ids=NO_ARCHIVES)
    def test_never_overwritten(self, tmp_path: Path, data: bytes) -> None:
        path = tmp_path / "a.warc.gz"
        path.write_bytes(data)
        with pytest.raises(ArchiveError) as caught:
            ArchiveWriter(path)
        assert_one_sentence(caught.value)
        assert path.read_bytes() == data

    @pytest.mark.parametrize("make", [a_directory, a_loop, inside_a_file])
    def test_not_writable(self, tmp_path: Path, make: Callable[[Path], Any]) -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        make(folder / "a.warc.gz")
        with pytest.raises(ArchiveError, match="cannot be written") as caught:
            ArchiveWriter(folder / "a.warc.gz")
        assert_one_sentence(caught.value)

    @pytest.mark.parametrize("use", [ArchiveReader, open_archive, ArchiveWriter])
    def test_unreadable(self, tmp_path: Path, use: Callable[[Path], Any]) -> None:
        path = write(tmp_path / "a.warc.gz", exchange())
        path.chmod(0)
        with unprivileged(), pytest.raises(ArchiveError, match="Permission denied") as caught:
            use(path)
        assert_one_sentence(caught.value)

    def test_compressed_as_a_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "a.warc.gz"
        path.write_bytes(gzip.compress(write(tmp_path / "a.warc", exchange()).read_bytes()))
        with pytest.raises(ArchiveError, match="warcio recompress") as caught:
            ArchiveReader(path)
        assert_one_sentence(caught.value)


# Writers that share, break or die

HOLDING = """
import sys
from pathlib import Path
from trr_crawl.archive import ArchiveWriter
writer = ArchiveWriter(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""

WRITING = """
import os, sys
from pathlib import Path
from trr_crawl.archive import ArchiveWriter, Exchange
writer = ArchiveWriter(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 1000000):
    body = b"%d " % number + os.urandom(int(sys.argv[3]))
    writer.write(Exchange(url=f"https://www.imdb.com/{number}", status=200, headers=[], body=body))
    print(number, len(body), flush=True)
"""

FULL = """
import resource, sys
from pathlib import Path
from trr_crawl.archive import ArchiveError, ArchiveWriter, Exchange
path = Path(sys.argv[1])
writer = ArchiveWriter(path)
limit = path.stat().st_size + 5000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
def write(number, size):
    import random
    body = random.Random(number).randbytes(size)
    writer.write(Exchange(url=f"https://www.imdb.com/{number}", status=200, headers=[], body=body))
write(1, 100)
try:
    write(2, 50000)
except ArchiveError as error:
    print(error)
write(3, 100)
"""


class TestWriters:
    def test_only_one_at_a_time(self, tmp_path: Path) -> None:
        path = tmp_path / "a.warc.gz"
        with python(HOLDING, path) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "open\n"
            before = path.read_bytes()
            with pytest.raises(ArchiveError, match="is being written by another process") as caught:
                ArchiveWriter(path)
            assert_one_sentence(caught.value)
            assert path.read_bytes() == before
            assert ArchiveReader(path).cut_at is None
            other.communicate("")
        assert body_of(write(path, exchange(body=b"1"))) == b"1"

    def test_not_twice_in_one_process(self, tmp_path: Path) -> None:
        writer = ArchiveWriter(tmp_path / "a.warc")
        with pytest.raises(ArchiveError, match="another process"):
            ArchiveWriter(tmp_path / "a.warc")
        writer.close()

    @both
    def test_killed_while_writing(self, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
        """Whatever was reported as written is whole after the kill, also after the next writer's repairs."""
        path = tmp_path / name
        sizes: dict[int, int] = {}
        chance = random.Random(4)
        for number in (0, 10_000, 20_000):
            with python(WRITING, path, number, 1_000_000) as writer:
                assert writer.stdout is not None
                lines = [writer.stdout.readline() for _ in range(3)]
                time.sleep(chance.random() / 10)
                writer.send_signal(signal.SIGKILL)
                lines += [line for line in writer.stdout if line.endswith("\n")]
            sizes |= {int(number): int(size) for number, size in (line.split() for line in lines)}
            archive = ArchiveReader(path)
            assert not archive.damaged
            for known, size in sizes.items():
                found = archive.find("GET", f"https://www.imdb.com/{known}")
                assert found is not None
                assert found.body.startswith(b"%d " % known)
                assert len(found.body) == size
        write(path, exchange(body=b"after"))
        assert body_of(path) == b"after"
        assert_valid(path, capfd)

    @both
    def test_a_full_disk_takes_nothing_back(self, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
        """An exchange that does not fit is refused as a whole, and later ones that fit are written."""
        path = tmp_path / name
        with python(FULL, path) as other:
            output, errors = other.communicate()
        assert (output, errors) == (f"The archive {path} cannot be written: File too large.\n", "")
        assert ArchiveReader(path).cut_at is None
        found = [body_of(path, url=f"https://www.imdb.com/{number}") for number in (1, 2, 3)]
        assert [body and len(body) for body in found] == [100, None, 100]
        assert_valid(path, capfd)

    def test_a_device_that_is_full(self) -> None:
        with pytest.raises(ArchiveError, match="cannot be written: No space left on device"):
            ArchiveWriter(Path("/dev/full"))


# A crawl that records, and one that replays

SPIDER = """
import scrapy

class Recorded(scrapy.Spider):
    name = "recorded"
    custom_settings = {"ITEM_PIPELINES": {}, "AUTOTHROTTLE_ENABLED": False, "DOWNLOAD_DELAY": 0}
    secrets = {"Authorization": "Bearer secret", "Cookie": "session=secret"}

    async def start(self):
        for coding in ("identity", "gzip", "deflate", "br"):
            yield scrapy.Request(f"{self.origin}/page?coding={coding}&ref_=first", headers=self.secrets)
        for show in ("tt1", "tt2"):
            data = {"query": self.query, "operationName": "Q", "variables": {"id": show}}
            yield scrapy.http.JsonRequest(f"{self.origin}/graphql", data=data, headers=self.secrets)
        yield scrapy.Request(f"{self.origin}/gone", errback=self.failed)

    def parse(self, response):
        yield {"url": response.url, "text": response.text, "type": response.headers["Content-Type"].decode()}

    def failed(self, failure):
        yield {"url": failure.request.url, "error": str(failure.value)}
"""

PACK: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
}


def answer_in_its_coding(asked: Asked) -> Reply | None:
    if asked.path == "/gone":
        return None
    coding = asked.query.get("coding", "gzip")
    text = asked.body or f"<html><p>café in {coding}</p></html>".encode()
    headers = {
        "Content-Type": "application/json" if asked.body else "text/html; charset=utf-8",
        "Content-Encoding": coding,
        "Set-Cookie": "session=secret",
    }
    return Reply(PACK[coding](text), headers=headers)


class TestCrawl:
    def test_records_and_replays(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A crawl records what really came, secrets aside; with the server gone, a replay yields the same."""
        origin = Origin()
        origin.misbehave = answer_in_its_coding
        archive = tmp_path / "a.warc.gz"
        (tmp_path / "spider.py").write_text(SPIDER)

        def crawl(setting: str, query: str) -> list[dict[str, str]]:
            items = tmp_path / "items.jsonl"
            quiet = ("-s", "LOG_LEVEL=ERROR", "-s", "RUN_RECORDER_ENABLED=0")
            given = ("-a", f"origin={origin.url}", "-a", f"query={query}")
            done = scrapy("runspider", tmp_path / "spider.py", "-O", items, "-s", setting, *given, *quiet)
            assert (done.status, done.output) == (0, "")
            return sorted(map(json.loads, items.read_text().splitlines()), key=canonical)

        with serving(origin):
            came = crawl(f"ARCHIVE={archive}", "query Q")
        assert sum(asked.headers.get("Authorization") == "Bearer secret" for asked in origin.asked) == 6
        assert len(came) == 7
        monkeypatch.delitem(BufferedReader.DECOMPRESSORS, "br")  # warcio breaks at brotli's newer releases
        assert_valid(archive, capfd)
        assert b"secret" not in gzip.decompress(archive.read_bytes())
        codings = {record.http_headers.get_header("Content-Encoding") for record in records(archive)[1:]}
        assert codings >= {"gzip", "deflate", "br"}
        assert crawl(f"REPLAY={archive}", "query Q") == came
        replayed = crawl(f"REPLAY={archive}", "query Q { better }")
        assert replayed == came
