"""Rate limits by API key and by address, told in the headers of the IETF's draft (RateLimit, RateLimit-Policy)."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from limits import RateLimitItem, parse
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trr_api import keys
from trr_api.config import IN_PROCESS, Settings
from trr_api.counting import Counter, Limiter
from trr_api.database import Database
from trr_api.problems import Problem

_log = logging.getLogger(__name__)

UNLIMITED: Final = frozenset({"/livez", "/readyz", "/metrics"})

REDIS: Final = {"implementation": "redispy", "socket_connect_timeout": 1.0, "socket_timeout": 1.0}
"""Seconds; a call waits no longer for being counted."""

KNOWN_SECONDS: Final = 30.0
"""So long a key's owner is remembered: for the limit only, what a key allows is always looked up."""
KNOWN_KEYS: Final = 10_000


def limiter(settings: Settings) -> Limiter:
    """What counts calls, where the settings say. StorageError where that is away."""
    if settings.rate_storage == IN_PROCESS:
        return Counter()
    options: dict[str, Any] = REDIS if "redis" in settings.rate_storage else {}
    return SlidingWindowCounterRateLimiter(storage_from_string(settings.rate_storage, wrap_exceptions=True, **options))


async def count_strictly(counting: Limiter, limit: RateLimitItem, *key: str) -> bool:
    """Count what may be tried only so often; whether it may. Problem where it cannot be counted."""
    try:
        return await counting.hit(limit, *key)
    except StorageError as error:
        # Whoever could take it away could guess without end.
        raise Problem(
            "unavailable", "This cannot be done just now. Try again in a few seconds.", headers={"retry-after": "5"}
        ) from error


class Throttle:
    """The middleware. Who sends no key is known by the address."""

    def __init__(self, app: ASGIApp, settings: Settings, database: Database) -> None:
        self.app = app
        self._database = database
        self._limiter = limiter(settings)
        self._limits = {"address": _limit(settings.rate_limit), "key": _limit(settings.rate_limit_key)}
        self._known: dict[bytes, tuple[str, float]] = {}
        self._is_counting = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNLIMITED:
            await self.app(scope, receive, send)
            return
        policy, caller = "address", scope["client"][0] if scope["client"] else "nobody"
        if (key := keys.given(scope)) is not None:
            owner = self._remembered(key)
            if owner is None:
                # A guess counts against the address before it is looked up.
                await self._count("address", caller)
                owner = await self._remember(key)
            policy, caller = "key", owner
        headers = await self._count(policy, caller)
        if not headers:
            await self.app(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *headers]}
            await send(message)

        await self.app(scope, receive, tell)

    async def _count(self, policy: str, caller: str) -> list[tuple[bytes, bytes]]:
        """Count a request; the headers that tell what is left. Problem where nothing is."""
        limit = self._limits[policy]
        if limit is None:
            return []
        try:
            allowed = await self._limiter.hit(limit, policy, caller)
            stats = await self._limiter.get_window_stats(limit, policy, caller)
        except StorageError as error:
            # The catalog does not go away with what counts its callers.
            if self._is_counting:
                _log.warning("Calls are not counted, TRR_API_RATE_STORAGE is away: %s", error.storage_error)
            self._is_counting = False
            return []
        self._is_counting = True
        wait = max(1, round(stats.reset_time - time.time()))
        headers = {
            "ratelimit-policy": f'"{policy}";q={limit.amount};w={limit.get_expiry()}',
            "ratelimit": f'"{policy}";r={max(0, stats.remaining)};t={wait}',
        }
        if not allowed:
            detail = f"More than {limit.amount} requests in {limit.get_expiry()} seconds. Go on in {wait} seconds."
            raise Problem("too-many-requests", detail, headers={**headers, "retry-after": str(wait)})
        return [(name.encode(), value.encode()) for name, value in headers.items()]

    def _remembered(self, key: str) -> str | None:
        owner, until = self._known.get(keys.digest(key), (None, 0.0))
        return owner if time.monotonic() < until else None

    async def _remember(self, key: str) -> str:
        owner = str((await keys.look_up(self._database, key)).id)
        if len(self._known) >= KNOWN_KEYS:
            self._known.clear()
        self._known[keys.digest(key)] = (owner, time.monotonic() + KNOWN_SECONDS)
        return owner


def _limit(text: str) -> RateLimitItem | None:
    return None if text.startswith("0/") else parse(text)
