"""Waits longer each time when a host says that we ask too often, and not when to come back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scrapy.exceptions import NotConfigured

from trr_crawl.politeness import domain, host_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Request, Response

logger = logging.getLogger(__name__)


class BackOffMiddleware:
    """Asks again after a 429, for requests with `meta["back_off"]`; all requests to the host wait for BACK_OFF_SECONDS.

    Counts `back_off/count`, and `back_off/max_reached` for requests that were given up.
    """

    def __init__(self, crawler: Crawler) -> None:
        if not crawler.settings.getbool("RETRY_ENABLED"):
            raise NotConfigured
        self.stats = crawler.stats
        self.delays = [float(seconds) for seconds in crawler.settings.getlist("BACK_OFF_SECONDS")]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BackOffMiddleware:
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Request | Response:
        meta = request.meta
        if response.status != 429 or not meta.get("back_off") or meta.get("dont_retry"):
            return response
        tried = meta.get("backed_off", 0)
        if tried >= len(self.delays):
            self.stats.inc_value("back_off/max_reached")
            meta["dont_retry"] = True
            return response
        host = host_of(request)
        domain(host).wait_for(self.delays[tried])
        self.stats.inc_value("back_off/count")
        logger.info("%s says that we ask too often: waiting %g s.", host, self.delays[tried])
        return request.replace(dont_filter=True, meta={**meta, "backed_off": tried + 1})
