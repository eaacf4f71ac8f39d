"""WARC/1.1: record what was fetched, and replay it without a network.

A replay matches method, address and body. Parameters that only track clicks do not count, nor does the text of a
GraphQL query: its operation and variables say what was asked, so an archive outlives a better query.
"""

from __future__ import annotations

import fcntl
import hashlib
import http
import io
import logging
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson
from scrapy import signals
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http import Headers, Request, Response
from scrapy.responsetypes import responsetypes
from w3lib.url import canonicalize_url
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders, StatusAndHeadersParserException
from warcio.warcwriter import WARCWriter

from trr_crawl.errors import UserError
from trr_crawl.report import Gap, report_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

TRACKING_PARAMETERS = frozenset({"ref_", "pf_rd_m", "pf_rd_s", "pf_rd_r", "pf_rd_t", "pf_rd_i", "pf_rd_p"})


class ArchiveError(UserError):
    """An archive cannot be read or written."""


class NotInArchive(IgnoreRequest):
    """A replay was asked for a page that the archive does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer, bodies as they came over the wire or decoded."""

    url: str
    status: int
    headers: list[tuple[str, str]]
    """The answer's."""
    body: bytes
    """The answer's."""
    method: str = "GET"
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: bytes = b""
    reason: str = ""
    """The status line's words."""


def request_key(method: str, url: str, body: bytes) -> str:
    """What makes two requests the same for a replay."""
    parts = urlsplit(canonicalize_url(url))
    query = [(name, value) for name, value in parse_qsl(parts.query, True) if name not in TRACKING_PARAMETERS]
    address = urlunsplit(parts._replace(query=urlencode(query)))
    digest = hashlib.sha256(_meaning(body)).hexdigest() if body else "-"
    return f"{method.upper()} {address} {digest}"


def _meaning(body: bytes) -> bytes:
    """A JSON body without its formatting, and a GraphQL one without its query's text."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    if isinstance(data, dict) and "query" in data and data.get("operationName"):
        data = {"operationName": data["operationName"], "variables": data.get("variables")}
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


class ArchiveWriter:
    """Appends exchanges to an archive; one writer at a time.

    An archive whose last writer was killed ends in half a record: that half is cut off first, with a warning.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = self._open(path)
        self._writer = WARCWriter(self._file, gzip=path.suffix == ".gz", warc_version="1.1")
        if self._file.tell() == 0:
            self._writer.write_record(self._writer.create_warcinfo_record(path.name, {"software": "trr"}))

    @staticmethod
    def _open(path: Path) -> BinaryIO:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("ab")
        except OSError as error:
            raise ArchiveError(f"The archive {path} cannot be written: {error.strerror}.") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise ArchiveError(f"The archive {path} is being written by another process.") from error
        if file.tell() > 0:
            cut_at = ArchiveReader(path).cut_at
            if cut_at is not None:
                logger.warning("The archive %s ended in half a record, which is cut off at byte %d.", path, cut_at)
                file.truncate(cut_at)
                file.seek(0, io.SEEK_END)
        return file

    def write(self, exchange: Exchange) -> None:
        """Append a request and its answer."""
        status = StatusAndHeaders(f"{exchange.status} {exchange.reason}".strip(), exchange.headers, "HTTP/1.1")
        response = self._writer.create_warc_record(
            exchange.url, "response", payload=io.BytesIO(exchange.body), http_headers=status
        )
        parts = urlsplit(exchange.url)
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        line = StatusAndHeaders(
            f"{exchange.method} {target} HTTP/1.1", list(exchange.request_headers), is_http_request=True
        )
        request = self._writer.create_warc_record(
            exchange.url, "request", payload=io.BytesIO(exchange.request_body), http_headers=line
        )
        self._writer.write_request_response_pair(request, response)
        self._file.flush()

    def close(self) -> None:
        """Close the file and let the next writer in."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class _Place:
    offset: int
    status: int


class ArchiveReader:
    """Finds the answer to a request in an archive.

    Where an archive holds several answers to one request, the last one with status 200 counts, or else the last.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cut_at: int | None = None
        """Where the last, incomplete record starts; None when the archive is whole."""
        self._places: dict[str, _Place] = {}
        self._index()

    def find(self, method: str, url: str, body: bytes = b"") -> Exchange | None:
        """The answer to a request, its body decoded; None if the archive holds none."""
        place = self._places.get(request_key(method, url, body))
        if place is None:
            return None
        with self.path.open("rb") as file:
            file.seek(place.offset)
            record = next(iter(ArchiveIterator(file)))
            status_and_headers = record.http_headers
            return Exchange(
                url=record.rec_headers.get_header("WARC-Target-URI"),
                status=place.status,
                headers=_decoded_headers(status_and_headers.headers)
                if status_and_headers
                else _resource_headers(record),
                body=record.content_stream().read(),
            )

    def holds_host(self, url: str) -> bool:
        """Whether there is any answer from the host of an address."""
        host = urlsplit(url).netloc
        return any(urlsplit(key.split(" ")[1]).netloc == host for key in self._places)

    def _index(self) -> None:
        answers: dict[str, tuple[_Place, str]] = {}
        requests: dict[str, tuple[str, bytes]] = {}
        for offset, record, body in self._records():
            headers = record.rec_headers
            url = headers.get_header("WARC-Target-URI")
            if record.rec_type in ("response", "resource"):
                status = int(record.http_headers.get_statuscode()) if record.http_headers else 200
                answers[headers.get_header("WARC-Record-ID")] = (_Place(offset, status), url)
            elif record.rec_type == "request":
                method = record.http_headers.protocol if record.http_headers else "GET"
                requests[headers.get_header("WARC-Concurrent-To")] = (method, body)
        for record_id, (place, url) in answers.items():
            key = request_key(*_asked(requests.get(record_id), url))
            earlier = self._places.get(key)
            if earlier is None or place.status == 200 or earlier.status != 200:
                self._places[key] = place

    def _records(self) -> Iterator[tuple[int, Any, bytes]]:
        """All whole records with their offsets, and the bodies of requests; notes where the archive is cut."""
        try:
            with self.path.open("rb") as file:
                whole = _whole_bytes(file)
                size = file.seek(0, io.SEEK_END)
                if whole < size:
                    self.cut_at = whole
                file.seek(0)
                records = ArchiveIterator(file)
                for record in records:
                    body = record.content_stream().read() if record.rec_type == "request" else b""
                    offset = records.get_record_offset()
                    if offset >= whole or record.raw_stream.limit > 0:
                        self.cut_at = offset
                        return
                    yield offset, record, body
        except OSError as error:
            raise ArchiveError(f"The archive {self.path} cannot be read: {error.strerror}.") from error
        except (ArchiveLoadFailed, StatusAndHeadersParserException, EOFError) as error:
            if self.cut_at is None:
                raise ArchiveError(f"{self.path} is not a WARC archive.") from error


def _whole_bytes(file: BinaryIO) -> int:
    """Where the last complete gzip member of a file ends; its size if it is not compressed."""
    if file.read(2) != b"\x1f\x8b":
        return file.seek(0, io.SEEK_END)
    file.seek(0)
    whole = consumed = 0
    member = zlib.decompressobj(wbits=31)
    while chunk := file.read(1 << 20):
        while chunk:
            try:
                member.decompress(chunk)
            except zlib.error:
                return whole
            consumed += len(chunk) - len(member.unused_data)
            chunk = member.unused_data
            if member.eof:
                whole = consumed
                member = zlib.decompressobj(wbits=31)
    return whole


def _asked(request: tuple[str, bytes] | None, url: str) -> tuple[str, str, bytes]:
    """Method, address and body of a request; an answer without one was got by GET."""
    method, body = request or ("GET", b"")
    return method, url, body


def _decoded_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Headers that fit a body whose transfer and content encoding have been undone (zstd is left to Scrapy)."""
    undone = {"transfer-encoding", "content-length"}
    return [
        (name, value)
        for name, value in headers
        if name.lower() not in undone and not (name.lower() == "content-encoding" and value.lower() != "zstd")
    ]


def _resource_headers(record: Any) -> list[tuple[str, str]]:
    return [("Content-Type", record.content_type or "application/octet-stream")]


@lru_cache(maxsize=8)
def _reader(path: Path, _size: int, _modified: int) -> ArchiveReader:
    return ArchiveReader(path)


def open_archive(path: Path) -> ArchiveReader:
    """A reader for an archive; asked again for an unchanged file, the same one. Raises ArchiveError."""
    try:
        stat = path.stat()
    except OSError as error:
        raise ArchiveError(f"The archive {path} cannot be read: {error.strerror}.") from error
    return _reader(path, stat.st_size, stat.st_mtime_ns)


class ReplayHandler(BaseDownloadHandler):
    """Scrapy's downloader for http and https when `REPLAY` names an archive: no network at all."""

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.archive = open_archive(Path(crawler.settings["REPLAY"]))
        if self.archive.cut_at is not None:
            report_of(crawler.spider).add(
                Gap(
                    subject=f"the end of {self.archive.path.name}",
                    why=f"the archive breaks off in the record at byte {self.archive.cut_at}",
                )
            )

    async def download_request(self, request: Request) -> Response:
        found = self.archive.find(request.method, request.url, request.body)
        if found is None:
            raise NotInArchive(f"not in the archive {self.archive.path.name}")
        headers = Headers(_grouped(found.headers))
        response_class = responsetypes.from_args(headers=headers, url=request.url, body=found.body)
        return response_class(
            request.url, status=found.status, headers=headers, body=found.body, request=request, protocol="HTTP/1.1"
        )


class RecordMiddleware:
    """Records every exchange into the archive that `ARCHIVE` names; closest to the network of all middlewares."""

    def __init__(self, path: Path) -> None:
        self.writer = ArchiveWriter(path)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RecordMiddleware:
        path = crawler.settings.get("ARCHIVE")
        if not path:
            raise NotConfigured
        middleware = cls(Path(path))
        crawler.signals.connect(middleware.close, signals.engine_stopped)
        return middleware

    def process_response(self, request: Request, response: Response) -> Response:
        self.writer.write(
            Exchange(
                method=request.method,
                url=request.url,
                request_headers=tuple(_flat(request.headers)),
                request_body=request.body,
                status=response.status,
                reason=http.HTTPStatus(response.status).phrase if response.status in _STATUSES else "",
                headers=_flat(response.headers),
                body=response.body,
            )
        )
        return response

    def close(self) -> None:
        self.writer.close()


_STATUSES = frozenset(http.HTTPStatus)
_SECRET_HEADERS = frozenset({b"authorization", b"cookie", b"proxy-authorization", b"set-cookie"})


def _flat(headers: Headers) -> list[tuple[str, str]]:
    """Headers as WARC holds them, without secrets."""
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in headers.items()
        if name.lower() not in _SECRET_HEADERS
        for value in values
    ]


def _grouped(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        grouped.setdefault(name, []).append(value)
    return grouped
