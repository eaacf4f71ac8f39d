"""How requests go out: Scrapy's own download handlers, behind the guard that stops at a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler

from trr_crawl.blocks import BlockGuard
from trr_crawl.downloads import SavesFiles
from trr_crawl.keys import SendsKeys

if TYPE_CHECKING:
    from playwright.async_api import Request as BrowserRequest


class HttpHandler(BlockGuard, SendsKeys, SavesFiles, HTTP11DownloadHandler):
    """Plain HTTP."""


class BrowserHandler(BlockGuard, SendsKeys, SavesFiles, ScrapyPlaywrightDownloadHandler):  # type: ignore[misc]  # it has no types
    """A headless browser for requests with `meta["playwright"]`, plain HTTP for all others."""


def is_decoration(request: BrowserRequest) -> bool:
    """Whether a page asks for something that carries no facts: the browser leaves it out (PLAYWRIGHT_ABORT_REQUEST)."""
    return request.resource_type in ("image", "media", "font", "stylesheet")
