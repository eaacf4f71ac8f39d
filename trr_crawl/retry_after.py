"""`Retry-After` (RFC 9110, 10.2.3): a host that says when to come back is left alone until then, and asked again."""

from __future__ import annotations

import logging
import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import NotConfigured
from scrapy.utils.response import response_status_message

from trr_crawl.blocks import LAG, Expects, api_error, expected, is_robots_txt
from trr_crawl.politeness import domain, host_of, wait_as_asked

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from scrapy.crawler import Crawler
    from scrapy.http import Request, Response

logger = logging.getLogger(__name__)

STATUSES: Final = frozenset({429, 503})
"""Answers whose Retry-After says when to ask again."""
LAG_SECONDS: Final = b"5"
"""What a wiki that lags behind means if it does not say: its manual's advice. It may lag with any status."""
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


def retry_after(value: str, now: datetime) -> float:
    """Seconds to wait by a header's value: a number of them, or an HTTP date in any of its forms.

    0 for a date that has passed; ValueError for anything else.
    """
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise ValueError(f"{value!r} is neither seconds nor an HTTP date") from error
    return max(0.0, ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds())


class RetryAfterMiddleware:
    """Waits as a host asks, for all requests to it, then asks again. Closer to the network than Scrapy's retries.

    A retry counts among the RETRY_TIMES of its request. A host that asks for more than RETRY_AFTER_MAX seconds is not
    asked again in this run. Counts `retry_after/count` and `retry_after/seconds`; `retry_after/too_long` requests
    that would have had to wait longer, `retry_after/unreadable` values, `retry_after/max_reached` requests given up.
    """

    def __init__(self, crawler: Crawler) -> None:
        if not crawler.settings.getbool("RETRY_ENABLED"):
            raise NotConfigured
        self.crawler = crawler
        self.longest = crawler.settings.getfloat("RETRY_AFTER_MAX", 300.0)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RetryAfterMiddleware:
        return cls(crawler)

    def process_request(self, request: Request) -> Awaitable[None] | None:
        """Nothing, or a wait; IgnoreRequest where it would be too long."""
        host = host_of(request)
        if is_robots_txt(request) or not domain(host).seconds_to_wait():
            return None
        return wait_as_asked(self.crawler, host)

    def process_response(self, request: Request, response: Response) -> Request | Response:
        lags = expected(request.meta) is Expects.MEDIAWIKI and api_error(response.body) == LAG
        if request.meta.get("dont_retry") or not (response.status in STATUSES or lags):
            return response
        header = response.headers.get("Retry-After", LAG_SECONDS if lags else None)
        if header is None:
            return response
        host, stats = host_of(request), self.crawler.stats
        try:
            seconds = retry_after(header.decode("latin-1"), datetime.now(UTC))
        except ValueError as error:
            stats.inc_value("retry_after/unreadable")
            logger.warning("%s sent a Retry-After that cannot be read: %s.", host, error)
            return response
        domain(host).wait_for(seconds)
        if seconds > self.longest:
            stats.inc_value("retry_after/too_long")
            request.meta.update(dont_retry=True, retry_after=seconds)
            return response
        assert self.crawler.spider is not None
        again = get_retry_request(
            request,
            spider=self.crawler.spider,
            reason=response_status_message(response.status),
            stats_base_key="retry_after",
        )
        if again is None:
            request.meta["dont_retry"] = True  # Scrapy's retries would start over with their own log line
            return response
        stats.inc_value("retry_after/seconds", math.ceil(seconds))
        logger.info("%s asks us to come back in %.0f seconds (%d).", host, seconds, response.status)
        return again
