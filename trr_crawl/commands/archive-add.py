"""`scrapy archive-add ARCHIVE URL FILE`: puts a page that was saved elsewhere into an archive, for `-s REPLAY=`."""

from __future__ import annotations

import argparse
import sys
from codecs import BOM_UTF8
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from w3lib.url import safe_url_string

from trr_crawl.archive import ArchiveWriter, Exchange
from trr_crawl.errors import UserError


class Command(ScrapyCommand):
    """Writes one request and its answer; tells what it wrote."""

    requires_project = True
    requires_crawler_process = False
    default_settings = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "[options] <archive> <url> <file>"

    def short_desc(self) -> str:
        return "Put a saved page, or a bare __NEXT_DATA__ JSON, into a WARC archive"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--status", type=int, default=200, metavar="CODE", help="HTTP status (default: 200)")
        parser.add_argument(
            "--header", action="append", default=[], metavar="NAME:VALUE", help="response header (may be repeated)"
        )
        parser.add_argument("--post", metavar="FILE", help="the page answered this request body, sent by POST")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 3:
            raise UsageError("give an archive, an address and a file", print_help=False)
        archive, url, page = args
        try:
            body, headers = _answer(_read(page), [_header(text) for text in opts.header])
            address = _checked(url)
            exchange = Exchange(
                url=address,
                method="POST" if opts.post else "GET",
                request_headers=(("Host", urlsplit(address).netloc),),
                request_body=_read(opts.post) if opts.post else b"",
                status=_status(opts.status),
                reason="OK" if opts.status == 200 else "",
                headers=headers,
                body=body,
            )
            writer = ArchiveWriter(Path(archive))
            try:
                writer.write(exchange)
            finally:
                writer.close()
        except UserError as error:
            sys.stderr.write(f"scrapy archive-add: {error}\n")
            self.exitcode = 2
            return
        print(f"{exchange.method} {exchange.url} {exchange.status}: {len(exchange.body):,} bytes into {archive}")


def _answer(content: bytes, headers: list[tuple[str, str]]) -> tuple[bytes, list[tuple[str, str]]]:
    """Body and headers of the answer: a page's bare data is put into a page again, everything else is kept as it is."""
    data = _json(content)
    if data is not None:
        content = content.removeprefix(BOM_UTF8)
    if isinstance(data, dict) and "props" in data:
        content = _page_around(content)
        data = None
    content_type = "application/json" if data is not None else "text/html; charset=utf-8"
    named = {name.lower() for name, _ in headers}
    kept = headers if "content-type" in named else [("Content-Type", content_type), *headers]
    return content, [*kept, ("Content-Length", str(len(content)))]


def _page_around(next_data: bytes) -> bytes:
    """A minimal page in the shape of www.imdb.com; `</` is escaped, or a text could end the script."""
    return (
        b'<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>'
        b'<script id="__NEXT_DATA__" type="application/json">' + next_data.replace(b"</", b"<\\/") + b"</script>"
        b"</body></html>"
    )


def _json(content: bytes) -> object:
    try:
        return orjson.loads(content.removeprefix(BOM_UTF8))
    except orjson.JSONDecodeError:
        return None


def _checked(url: str) -> str:
    """The address as a crawl would ask for it."""
    with suppress(ValueError):
        address = safe_url_string(url)
        parts = urlsplit(address)
        if parts.scheme in ("http", "https") and parts.hostname and " " not in address:
            return address
    raise UserError(f"{url!r} is not a web address: give it as https://host/path.")


def _status(code: int) -> int:
    if not 100 <= code <= 599:
        raise UserError(f"--status {code} is no HTTP status: give one from 100 to 599.")
    return code


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or not text.isprintable():
        raise UserError(f"--header {text!r} is not NAME:VALUE.")
    return name.strip(), value.strip()


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"The file {path} cannot be read: {error.strerror}.") from error
