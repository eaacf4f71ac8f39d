"""Who may see crawl stats: callers on this machine, those with an API key, and those who logged in to the pages by one.

`Settings.dashboard` says who needs no key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import time
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Request

from trr_api import keys
from trr_api.config import Settings
from trr_api.database import Database
from trr_api.deps import Catalog
from trr_api.problems import Problem

READ: Final = "crawls:read"
ADMIN: Final = "crawls:admin"
COOKIE: Final = "crawls"
LOGGED_IN: Final = 12 * 3600
"""Seconds that a log-in to the pages lasts. A key that is revoked ends it at once."""


@dataclass(frozen=True, slots=True)
class Analyst:
    """Who looks at crawl stats."""

    name: str
    scopes: frozenset[str]
    by_cookie: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether they may see schedules and change anything."""
        return ADMIN in self.scopes


_OF_PROXIES: Final = (
    "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-server", "x-real-ip",
    "cf-connecting-ip", "true-client-ip",
)  # fmt: skip

LOCAL: Final = Analyst("this machine", frozenset((READ, ADMIN)))
ANYBODY: Final = Analyst("anybody", frozenset((READ,)))


async def analyst(request: Request, database: Catalog) -> Analyst:
    """The caller. Problem `unauthorized` where nobody is known, `forbidden` where a key lacks the scope."""
    if (given := keys.given(request.scope)) is not None:
        key = await keys.look_up(database, given)
        if not key.scopes & {READ, ADMIN}:
            raise Problem("forbidden", f"The key {key.name!r} lacks the scope {READ}.")
        return Analyst(key.name, key.scopes | {READ})
    settings: Settings = request.app.state.settings
    if (found := await _logged_in(request, settings, database)) is not None:
        return found
    if settings.dashboard == "open":
        return ANYBODY
    if settings.dashboard == "local" and is_local(request):
        return LOCAL
    raise Problem(
        "unauthorized",
        f"This needs an API key with the scope {READ}: send `Authorization: Bearer trr_…`, or log in at /crawls/login.",
        headers={"www-authenticate": "Bearer"},
    )


Reader = Annotated[Analyst, Depends(analyst)]


def is_local(request: Request) -> bool:
    """Whether the caller is on this machine, and asked for it by a name of its own.

    The second keeps out pages of other sites whose names lead here, and what a proxy passes on.
    """
    client = request.client.host if request.client else ""
    host = request.url.hostname or ""
    # nginx says nothing of itself unless it is told to, but asks as nobody else does today.
    passed_on = request.scope.get("http_version") == "1.0" or any(name in request.headers for name in _OF_PROXIES)
    return _is_loopback(client) and (host == "localhost" or _is_loopback(host)) and not passed_on


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


async def _logged_in(request: Request, settings: Settings, database: Database) -> Analyst | None:
    identifier = _read(settings, request.cookies.get(COOKIE, ""))
    key = None if identifier is None else await keys.by_id(database, identifier)
    if key is None or not key.scopes & {READ, ADMIN}:
        return None
    return Analyst(key.name, key.scopes | {READ}, by_cookie=True)


def ticket(settings: Settings, key: keys.Key) -> str:
    """What the cookie of somebody holds who showed a key: whose it is and until when, signed."""
    content = key.id.bytes + int(time.time() + LOGGED_IN).to_bytes(8, "big")
    return base64.urlsafe_b64encode(_sign(settings, content) + content).decode()


def _read(settings: Settings, text: str) -> UUID | None:
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    signature, content = raw[:32], raw[32:]
    if len(content) != 24 or not hmac.compare_digest(signature, _sign(settings, content)):
        return None
    return UUID(bytes=content[:16]) if int.from_bytes(content[16:], "big") > time.time() else None


def _sign(settings: Settings, content: bytes) -> bytes:
    return hmac.digest(settings.secret.get_secret_value().encode(), b"crawls\0" + content, hashlib.sha256)
