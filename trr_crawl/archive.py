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
from contextlib import suppress
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
from warcio.archiveiterator import ArchiveIterator, WARCIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.limitreader import LimitReader
from warcio.statusandheaders import StatusAndHeaders, StatusAndHeadersParserException
from warcio.warcwriter import WARCWriter

from trr_crawl.errors import UserError
from trr_crawl.report import Gap, report_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

TRACKING_PARAMETERS = frozenset({"ref_", "pf_rd_m", "pf_rd_s", "pf_rd_r", "pf_rd_t", "pf_rd_i", "pf_rd_p"})
SECRET_PARAMETERS = frozenset({"api_key"})
"""Never part of an address that we record; archives made elsewhere may have them, and replay all the same."""
SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie"})
"""Never written into an archive."""

_NOT_MEANT = TRACKING_PARAMETERS | SECRET_PARAMETERS
_GZIP = b"\x1f\x8b"


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
    query = [(name, value) for name, value in parse_qsl(parts.query, True) if name not in _NOT_MEANT]
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
    try:
        return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # nested deeper than orjson writes
        return body


class ArchiveWriter:
    """Appends exchanges to an archive; one writer at a time.

    An archive whose last writer was killed ends in half a record: that half is cut off first, with a warning.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file, gzip = self._open(path)
        self._buffer = io.BytesIO()
        self._writer = WARCWriter(self._buffer, gzip=gzip, warc_version="1.1")
        if self._file.tell() == 0:
            self._writer.write_record(self._writer.create_warcinfo_record(path.name, {"software": "trr"}))
            try:
                self._append()
            except ArchiveError:
                self.close()
                raise

    @classmethod
    def _open(cls, path: Path) -> tuple[io.FileIO, bool]:
        """The locked file, at its end, and whether its records are compressed."""
        try:
            with suppress(FileExistsError):
                path.parent.mkdir(parents=True)
            file = path.open("ab", buffering=0)
        except OSError as error:
            raise ArchiveError(f"The archive {path} cannot be written: {error.strerror}.") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file, cls._mend(file, path) if file.tell() > 0 else path.suffix == ".gz"
        except BlockingIOError as error:
            file.close()
            raise ArchiveError(f"The archive {path} is being written by another process.") from error
        except BaseException:
            file.close()
            raise

    @staticmethod
    def _mend(file: io.FileIO, path: Path) -> bool:
        """Cut half a record off the end of an archive; returns whether its records are compressed."""
        archive = ArchiveReader(path)
        if archive.damaged:
            raise ArchiveError(f"The archive {path} is damaged at byte {archive.cut_at}: record into another one.")
        if archive.cut_at is not None:
            logger.warning("The archive %s ended in half a record, which is cut off at byte %d.", path, archive.cut_at)
            file.truncate(archive.cut_at)
            file.seek(0, io.SEEK_END)
        return archive.compressed

    def write(self, exchange: Exchange) -> None:
        """Append a request and its answer, both or none; secrets are left out."""
        status = StatusAndHeaders(
            f"{exchange.status} {exchange.reason}".strip(), _without_secrets(exchange.headers), "HTTP/1.1"
        )
        response = self._record(exchange.url, "response", status, exchange.body)
        parts = urlsplit(exchange.url)
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        line = StatusAndHeaders(
            f"{exchange.method} {target} HTTP/1.1", _without_secrets(exchange.request_headers), is_http_request=True
        )
        request = self._record(exchange.url, "request", line, exchange.request_body)
        self._writer.write_request_response_pair(request, response)
        self._append()

    def _record(self, url: str, kind: str, headers: StatusAndHeaders, body: bytes) -> Any:
        # Without its length, warcio would copy the body into temporary files and leave them open.
        return self._writer.create_warc_record(
            url, kind, payload=io.BytesIO(body), length=len(body), http_headers=headers
        )

    def _append(self) -> None:
        """Write what is in the buffer; where the disk takes only a part of it, take that back."""
        records = memoryview(self._buffer.getvalue())
        self._buffer.seek(0)
        self._buffer.truncate()
        start = self._file.seek(0, io.SEEK_END)
        try:
            while records:
                records = records[self._file.write(records) :]
        except OSError as error:
            with suppress(OSError):  # not a file that can be cut
                self._file.truncate(start)
            raise ArchiveError(f"The archive {self.path} cannot be written: {error.strerror}.") from error

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
        """Where the first record that is not whole starts; None when the archive is whole."""
        self.damaged = False
        """There is more after that place than half a record."""
        self.compressed = False
        self._places: dict[str, _Place] = {}
        self._index()

    def find(self, method: str, url: str, body: bytes = b"") -> Exchange | None:
        """The answer to a request, its body as its headers say; None if the archive holds none."""
        place = self._places.get(request_key(method, url, body))
        if place is None:
            return None
        with self.path.open("rb") as file:
            file.seek(place.offset)
            record = next(iter(ArchiveIterator(file)))
            return Exchange(
                url=record.rec_headers.get_header("WARC-Target-URI"),
                status=place.status,
                headers=_decoded_headers(record.http_headers.headers)
                if record.http_headers
                else _resource_headers(record),
                body=_decoded_body(record),
            )

    def holds_host(self, url: str) -> bool:
        """Whether there is any answer from the host of an address."""
        host = urlsplit(url).netloc
        return any(urlsplit(key.split(" ")[1]).netloc == host for key in self._places)

    def _index(self) -> None:
        answers: list[tuple[_Place, str, list[str]]] = []
        requests: dict[str, str] = {}
        for offset, record in self._records():
            url = record.rec_headers.get_header("WARC-Target-URI")
            if not url:
                continue
            ids = _ids(record.rec_headers.headers)
            if record.rec_type in ("response", "resource"):
                status = record.http_headers.get_statuscode() if record.http_headers else "200"
                if status.isdecimal():
                    answers.append((_Place(offset, int(status)), url, ids))
            elif record.rec_type == "request":
                method = record.http_headers.protocol if record.http_headers else "GET"
                # Some tools name the answer in the request's record, some the request in the answer's.
                requests.update(dict.fromkeys(ids, _key(method, url, _decoded_body(record))))
        for place, url, ids in answers:
            # An answer without a request was got by GET.
            key = next((requests[known] for known in ids if known in requests), None) or _key("GET", url, b"")
            earlier = self._places.get(key)
            if earlier is None or place.status == 200 or earlier.status != 200:
                self._places[key] = place

    def _records(self) -> Iterator[tuple[int, Any]]:
        """All whole records with their offsets; notes where they end."""
        try:
            with self.path.open("rb") as file:
                self.compressed = file.read(2) == _GZIP
                whole, self.damaged = (_whole_members if self.compressed else _whole_records)(file)
                if whole < file.seek(0, io.SEEK_END):
                    self.cut_at = whole
                if whole == 0:
                    raise ArchiveError(f"{self.path} is not a WARC archive: it does not hold one whole record.")
                file.seek(0)
                yield from self._parsed(WARCIterator(LimitReader(file, whole)))
        except OSError as error:
            raise ArchiveError(f"The archive {self.path} cannot be read: {error.strerror}.") from error

    def _parsed(self, records: Any) -> Iterator[tuple[int, Any]]:
        count = 0
        try:
            for record in records:
                yield records.offset, record
                count += 1
        # The last is warcio's own stumble over an answer without an address.
        except (ArchiveLoadFailed, StatusAndHeadersParserException, AttributeError) as error:
            if "non-chunked" in str(error):
                raise ArchiveError(
                    f"{self.path} is compressed as a whole, not record by record: mend it by warcio recompress."
                ) from error
            self.cut_at, self.damaged = records.offset, True
        if count == 0:
            raise ArchiveError(f"{self.path} is not a WARC archive.")


def _whole_members(file: BinaryIO) -> tuple[int, bool]:
    """Where the last of the complete gzip members that a file starts with ends, and whether damage follows."""
    file.seek(0)
    whole = consumed = 0
    member = zlib.decompressobj(wbits=31)
    while chunk := file.read(1 << 16):
        while chunk:
            try:
                member.decompress(chunk)
            except zlib.error:
                return whole, True
            consumed += len(chunk) - len(member.unused_data)
            chunk = member.unused_data
            if member.eof:
                whole = consumed
                member = zlib.decompressobj(wbits=31)
    return whole, False


def _whole_records(file: BinaryIO) -> tuple[int, bool]:
    """Where the last of the complete plain records that a file starts with ends, and whether damage follows."""
    size = file.seek(0, io.SEEK_END)
    whole = file.seek(0)
    line = file.readline(_LONGEST_LINE)
    while line:
        if not line.startswith(b"WARC/"):
            return whole, not b"WARC/".startswith(line)
        length = None
        while line.strip():
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = value.strip()
            line = file.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            return whole, file.tell() < size
        if length is None or not length.isdigit():
            return whole, True
        end = file.tell() + int(length)
        if end > size:
            return whole, False
        file.seek(end)
        ends = 0
        while (line := file.readline(_LONGEST_LINE)).endswith(b"\n") and not line.strip():
            ends += 1
        if ends < 2:
            return whole, file.tell() < size
        whole = file.tell() - len(line)
    return whole, False


_LONGEST_LINE = 1 << 16


def _key(method: str, url: str, body: bytes) -> str:
    """The request's key; one that matches nothing for an address that is none."""
    try:
        return request_key(method, url, body)
    except ValueError:
        return f"{method} - -"


def _ids(headers: Iterable[tuple[str, str]]) -> list[str]:
    """A record's own id, and those of the records that it says it belongs to."""
    return [value for name, value in headers if name.lower() in ("warc-record-id", "warc-concurrent-to")]


_UNDONE_CODINGS = frozenset({"gzip", "deflate"})
"""Content codings that are undone here, leniently; all others are left to Scrapy."""


def _decoded_body(record: Any) -> bytes:
    """The body without its transfer coding, and without its content coding if that is one of those undone here."""
    headers = record.http_headers
    if headers:
        if (headers.get_header("Transfer-Encoding") or "").lower() == "chunked":
            headers.replace_header("Transfer-Encoding", "chunked")
        if (headers.get_header("Content-Encoding") or "").lower() not in _UNDONE_CODINGS:
            headers.remove_header("Content-Encoding")
    body: bytes = record.content_stream().read()
    return body


def _decoded_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers that fit `_decoded_body`."""
    return [
        (name, value)
        for name, value in headers
        if name.lower() not in ("transfer-encoding", "content-length")
        and not (name.lower() == "content-encoding" and value.lower() in _UNDONE_CODINGS)
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
        if "save_to" in request.meta or not request.url.startswith("http"):
            return response  # a file of its own already, or nothing that was fetched
        self.writer.write(
            Exchange(
                method=request.method,
                url=request.url,
                request_headers=tuple(_flat(request.headers)),
                request_body=request.body,
                status=response.status,
                reason=http.HTTPStatus(response.status).phrase if response.status in _STATUSES else "",
                headers=_flat(response.headers),
                body=_body(request, response),
            )
        )
        return response

    def close(self) -> None:
        self.writer.close()


_STATUSES = frozenset(http.HTTPStatus)


def _body(request: Request, response: Response) -> bytes:
    """What came, be it in the response or in the request's spool (`downloads.py`)."""
    spool = request.meta.get("spool")
    return response.body or (spool.read() if spool is not None and response.status == 200 else b"")


def _flat(headers: Headers) -> list[tuple[str, str]]:
    """Headers as WARC holds them."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, values in headers.items() for value in values]


def _without_secrets(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in SECRET_HEADERS]


def _grouped(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        grouped.setdefault(name, []).append(value)
    return grouped
