"""Rate limits by address, told in the headers of the IETF's draft (RateLimit, RateLimit-Policy)."""

from __future__ import annotations

import time
from typing import Final

from limits import RateLimitItem, parse
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trr_api.config import Settings
from trr_api.problems import Problem, respond

UNLIMITED: Final = frozenset({"/livez", "/readyz", "/metrics"})


class Throttle:
    """The middleware. Who sends no key is known by the address."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._limiter = SlidingWindowCounterRateLimiter(storage_from_string(settings.rate_storage))
        self._by_address = _limit(settings.rate_limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self._by_address
        if scope["type"] != "http" or limit is None or scope["path"] in UNLIMITED:
            await self.app(scope, receive, send)
            return
        caller = scope["client"][0] if scope["client"] else "nobody"
        allowed = await self._limiter.hit(limit, "address", caller)
        stats = await self._limiter.get_window_stats(limit, "address", caller)
        wait = max(1, round(stats.reset_time - time.time()))
        headers = {
            "ratelimit-policy": f'"address";q={limit.amount};w={limit.get_expiry()}',
            "ratelimit": f'"address";r={stats.remaining};t={wait}',
        }
        if not allowed:
            detail = f"More than {limit.amount} requests in {limit.get_expiry()} seconds. Go on in {wait} seconds."
            problem = Problem("too-many-requests", detail, headers={**headers, "retry-after": str(wait)})
            await respond(problem, scope)(scope, receive, send)
            return
        extra = [(name.encode(), value.encode()) for name, value in headers.items()]

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await self.app(scope, receive, tell)


def _limit(text: str) -> RateLimitItem | None:
    return None if text.startswith("0/") else parse(text)
