"""Large files straight to the disk: a download that was cut goes on where it stopped, one that is up to date is kept.

A request with `meta["save_to"]` is answered with the status and headers of the server and an empty body; the file is
then whole at that path. With `meta["spool"]` it is whole in that Spool, which needs the disk for large ones only. All
else about them is as with every request: robots.txt, delays, retries and blocks.
"""

from __future__ import annotations

import asyncio
import fcntl
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from time import monotonic
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import urldefrag

import orjson
from scrapy.core.downloader.handlers.http11 import _ScrapyAgent
from scrapy.exceptions import DownloadCancelledError, DownloadFailedError, DownloadTimeoutError, IgnoreRequest
from scrapy.http import Headers, Response
from scrapy.utils._download_handlers import make_response, wrap_twisted_exceptions
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.protocol import Protocol, connectionDone
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers as TxHeaders

from trr_crawl.politeness import still_running

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Request
    from twisted.python.failure import Failure

SPOOLED: Final = 1 << 20
"""So many bytes of a file that is used once stay in memory."""
LONGEST_ERROR: Final = 64 * 1024
"""So many bytes of an answer that is no file are kept, to tell what it is."""
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class TooLarge(IgnoreRequest):
    """A file is larger than what is accepted: there is no point in asking for it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """How the server tells one version of a file from another."""

    etag: str | None = None
    last_modified: str | None = None
    size: int | None = None
    """Bytes of the whole file."""

    @property
    def validator(self) -> str | None:
        """For `If-Range`, which takes no weak ETag."""
        strong = self.etag if self.etag and not self.etag.startswith("W/") else None
        return strong or self.last_modified

    def conditions(self) -> dict[str, str]:
        """Headers that ask for the file only if it is another version by now."""
        if self.etag:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": self.last_modified} if self.last_modified else {}


class Download:
    """A file on its way to the disk: at `path` it is whole, at `path.part` it may not be. What version each of them is
    stands beside it, in `….json`."""

    def __init__(self, path: Path, part: BinaryIO) -> None:
        self.path = path
        self._part = part
        self._part_path = Path(part.name)
        self._version = _version_of(self._part_path)
        self.size = self._part_path.stat().st_size
        """Bytes of the part that are here."""

    @classmethod
    @contextmanager
    def to(cls, path: Path) -> Iterator[Download]:
        """Hold the part; IgnoreRequest while another process does."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with Path(f"{path}.part").open("ab") as part:
            try:
                fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise IgnoreRequest(f"another process is downloading {path.name}") from error
            yield cls(path, part)

    def conditions(self) -> dict[str, str]:
        """The request's headers: the rest of a part, or the file if it changed."""
        if self.size and self._version.validator:
            if self.size == self._version.size:
                return self._version.conditions()
            return {"Range": f"bytes={self.size}-", "If-Range": self._version.validator}
        return _version_of(self.path).conditions() if self.path.is_file() else {}

    def begin(self, status: int, headers: Headers) -> None:
        """Get ready for the answer's body: 206 goes on with the part, 200 starts anew."""
        if status == 206:
            found = _CONTENT_RANGE.fullmatch(_header(headers, "Content-Range") or "")
            if not found or int(found[1]) != self.size or self._version.size not in (None, int(found[2])):
                self._discard()
                raise DownloadFailedError("the server sent another part of the file than the one asked for")
            return
        self._discard()
        length = _header(headers, "Content-Length") or ""
        self._version = Version(
            etag=_header(headers, "ETag"),
            last_modified=_header(headers, "Last-Modified"),
            size=int(length) if length.isdigit() else None,
        )
        _note(self._part_path, self._version)

    def write(self, data: bytes) -> None:
        """Add what came."""
        self._part.write(data)
        self.size += len(data)

    def finish(self) -> None:
        """Put the whole file in its place; DownloadFailedError when it has another size than the server said."""
        self._part.flush()
        if self._version.size not in (None, self.size):
            whole = self._version.size
            if whole is not None and self.size > whole:
                self._discard()
            raise DownloadFailedError(f"{self.size:,} of {whole:,} bytes came")
        # In this order: a kill in between costs a download, never a wrong version.
        self._part_path.replace(self.path)
        _note(self.path, self._version)
        _beside(self._part_path).unlink(missing_ok=True)

    def confirm(self) -> None:
        """304: what is here is the newest, be it the file or a part that only had to be put in its place."""
        if self.size and self.size == self._version.size:
            self.finish()
        else:
            self.drop_empty()

    def refuse_range(self) -> None:
        """416: the part does not belong to the file as it is now."""
        self._discard()
        raise DownloadFailedError("the server does not have the part of the file that is missing")

    def drop_empty(self) -> None:
        """Leave no empty part behind."""
        self._part.flush()
        if self._part_path.is_file() and self._part_path.stat().st_size == 0:
            self._part_path.unlink()
            _beside(self._part_path).unlink(missing_ok=True)

    def _discard(self) -> None:
        self._part.truncate(0)
        self.size = 0


class Spool:
    """A file that is used once: in memory up to SPOOLED bytes, beyond that on the disk, and never beyond its limit."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._file = SpooledTemporaryFile(SPOOLED)  # noqa: SIM115 - `close` is called by whoever uses it
        self._promised: int | None = None
        self.size = 0

    def conditions(self) -> dict[str, str]:
        """None of its own: the request says what is known already."""
        return {}

    def begin(self, status: int, headers: Headers) -> None:
        """Get ready for the answer's body."""
        if status == 206:
            raise DownloadFailedError("the server sent a part of the file, which nobody asked for")
        self._file.seek(0)
        self._file.truncate()
        self.size = 0
        length = _header(headers, "Content-Length") or ""
        self._promised = int(length) if length.isdigit() else None
        if self._promised is not None:
            self._check(self._promised)

    def write(self, data: bytes) -> None:
        """Add what came."""
        self.size += len(data)
        self._check(self.size)
        self._file.write(data)

    def finish(self) -> None:
        """Raise DownloadFailedError when it has another size than the server said."""
        if self._promised not in (None, self.size):
            raise DownloadFailedError(f"{self.size:,} of {self._promised:,} bytes came")

    def confirm(self) -> None:
        """304: there is nothing to keep."""

    def refuse_range(self) -> None:
        """416, though no range was asked for."""
        raise DownloadFailedError("the server does not have the part of the file that nobody asked for")

    def drop_empty(self) -> None:
        """There is nothing to leave behind."""

    def read(self) -> bytes:
        """All of it."""
        self._file.seek(0)
        return self._file.read()

    def close(self) -> None:
        """Free the memory, or the disk."""
        self._file.close()

    def _check(self, size: int) -> None:
        if size > self.max_bytes:
            raise TooLarge(f"it has more than {self.max_bytes:,} bytes")


class SavesFiles:
    """Mixin for Scrapy's HTTP handler: streams the answers to requests with `meta["save_to"]` to the disk, and those to
    requests with `meta["spool"]` into that.

    Counts the bytes as `downloads/bytes`, and under Scrapy's own `downloader/response_bytes`.
    """

    _crawler: Crawler
    _contextFactory: Any  # noqa: N815 - Scrapy's name
    _bind_address: Any
    _pool: Any

    async def download_request(self, request: Request) -> Response:
        if "spool" in request.meta:
            return await self._save(request, request.meta["spool"])
        if "save_to" not in request.meta:
            response: Response = await super().download_request(request)  # type: ignore[misc]
            return response
        with Download.to(Path(request.meta["save_to"])) as download:
            try:
                return await self._save(request, download)
            finally:
                download.drop_empty()

    async def _save(self, request: Request, download: Download | Spool) -> Response:
        """The answer; DownloadTimeoutError where nothing moves for the request's `download_timeout`."""
        timeout = float(request.meta.get("download_timeout") or 30)
        url = urldefrag(request.url)[0]
        # Scrapy's agent knows its settings for TLS, proxies and connections.
        agent = _ScrapyAgent(
            contextFactory=self._contextFactory,
            bindAddress=self._bind_address,
            pool=self._pool,
            crawler=self._crawler,
        )._get_agent(request, timeout)
        headers = TxHeaders(request.headers)
        headers.setRawHeaders("Accept-Encoding", ["identity"])
        for name, value in download.conditions().items():
            headers.setRawHeaders(name, [value])
        asked_at = monotonic()
        with wrap_twisted_exceptions():
            answered = maybe_deferred_to_future(agent.request(b"GET", url.encode("ascii"), headers, None))
            try:
                answer: Any = await asyncio.wait_for(answered, timeout)
            except TimeoutError:
                raise DownloadTimeoutError(f"{url} did not answer within {timeout:g} seconds") from None
        request.meta["download_latency"] = monotonic() - asked_at
        answer_headers = _headers(answer)
        # A site's own pages, such as a challenge, come as HTML: no file that is worth keeping does.
        is_file = answer.code in (200, 206) and b"html" not in (answer_headers.get("Content-Type") or b"")
        body = _Body(answer, download if is_file else None)
        if body.download is not None:
            try:
                body.download.begin(answer.code, answer_headers)
            except (DownloadFailedError, TooLarge):
                answer.deliverBody(body)
                body.stop()
                raise
        if answer.length != 0:
            answer.deliverBody(body)
            await self._received(body, url, timeout)
        else:
            self._count(0)
        if answer.code == 304:
            download.confirm()
        elif answer.code == 416:
            download.refuse_range()
        elif body.download is not None:
            download.finish()
        return make_response(url=url, status=answer.code, headers=answer_headers, body=bytes(body.error))

    async def _received(self, body: _Body, url: str, patience: float) -> None:
        """Wait for the body's end as long as it moves and the crawl goes on."""
        moved_at, received = monotonic(), 0
        try:
            while not (await asyncio.wait([body.done], timeout=min(patience, 1.0)))[0]:
                if body.received > received:
                    self._count(body.received - received)  # as it comes: a large file takes longer than a run may idle
                    moved_at, received = monotonic(), body.received
                elif monotonic() - moved_at >= patience:
                    raise DownloadTimeoutError(f"nothing came of {url} for {patience:g} seconds")
                if not still_running(self._crawler):
                    raise DownloadCancelledError("the run was stopped")
            await body.done
        except BaseException:
            body.stop()
            raise
        finally:
            self._count(body.received - received)

    def _count(self, received: int) -> None:
        for name in ("downloads/bytes", "downloader/response_bytes"):
            self._crawler.stats.inc_value(name, received)


class _Body(Protocol):
    """Takes an answer's body as it comes: into the download, or the start of it into memory if it is no file."""

    def __init__(self, answer: Any, download: Download | Spool | None) -> None:
        self.download = download
        self.error = bytearray()
        self.received = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answer = answer

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - as Twisted calls it
        if self.done.done():
            return
        self.received += len(data)
        try:
            if self.download is not None:
                self.download.write(data)
            else:
                self.error += data[: LONGEST_ERROR - len(self.error)]
        except (OSError, TooLarge) as error:
            self.done.set_exception(error)
            self.stop()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        if self.done.done():
            return
        if isinstance(reason.value, (ResponseDone, PotentialDataLoss)):
            self.done.set_result(None)
        else:
            self.done.set_exception(DownloadFailedError(f"the connection was lost after {self.received:,} bytes"))

    def stop(self) -> None:
        """Hang up."""
        if not self.done.done():
            self.done.cancel()
        transport: Any = self.transport
        if transport is not None:
            transport.loseConnection()


def _headers(answer: Any) -> Headers:
    """The answer's headers, without the coding of a body that is not handed on."""
    headers = Headers(dict(answer.headers.getAllRawHeaders()))
    headers.pop("Content-Encoding", None)
    if isinstance(answer.length, int):
        headers.setdefault("Content-Length", str(answer.length))
    return headers


def _header(headers: Headers, name: str) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def _beside(path: Path) -> Path:
    return Path(f"{path}.json")


def _version_of(path: Path) -> Version:
    """What is known of a file; nothing where the note about it is missing or is not one of ours."""
    with suppress(OSError, orjson.JSONDecodeError, TypeError):
        noted = orjson.loads(_beside(path).read_bytes())
        if isinstance(noted, Mapping):
            return Version(**noted)
    return Version()


def _note(path: Path, version: Version) -> None:
    new = Path(f"{_beside(path)}.new")
    new.write_bytes(orjson.dumps(asdict(version)))
    new.replace(_beside(path))
