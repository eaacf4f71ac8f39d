"""Tokens: JSON Web Tokens, made here or by an identity provider, and verified here without asking anybody.

Which algorithm, key, audience and issuer are good is a matter of configuration; a token's header only says which of the
provider's keys it was signed with.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import jwt
from anyio import Lock, to_thread

from trr_api.config import Settings
from trr_api.problems import Problem
from trr_api.session import Caller

ISSUER: Final = "trr"
"""Of the tokens that are made here."""

REMEMBERED: Final = 10_000
"""Tokens that a worker has verified and knows again; some 10 MB."""

BALLOT_LIFETIME: Final = timedelta(days=365)

KEYS_SECONDS: Final = 300.0
"""So long a provider's keys are used before they are fetched anew."""
KEYS_PAUSE_SECONDS: Final = 10.0
"""So long at least between two fetches, whatever keys callers name."""
KEYS_TIMEOUT: Final = 5.0
LONGEST_TOKEN: Final = 8_000

Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody whom an identity provider knows."""

    issuer: str
    subject: str
    name: str
    """What they would like to be called, as far as the provider says."""
    authenticated_at: float | None
    """When they logged in there; where the provider does not say, when it made the token."""
    expires_at: float
    """When the token ends, as in `Caller`."""


class Tokens:
    """Makes tokens and reads them."""

    def __init__(self, settings: Settings, fetch: Fetch | None = None) -> None:
        self._settings = settings
        self._secret = hmac.digest(settings.secret.get_secret_value().encode(), b"tokens", hashlib.sha256)
        self._keys = ProviderKeys(settings.jwks_url, fetch or _get) if settings.jwks_url else None
        # A token comes with every request of its log-in, and the key that signed it stays.
        self._own = lru_cache(maxsize=REMEMBERED)(self._read_own)

    def access(self, caller: Caller, minutes: float | None = None) -> str:
        """A token with which somebody calls."""
        lifetime = timedelta(minutes=self._settings.access_minutes if minutes is None else minutes)
        return self._sign("api", lifetime, sub=str(caller.user_id), sid=str(caller.session_id))

    def mail(self, purpose: str, subject: str, minutes: float, **claims: str) -> str:
        """A token that goes to somebody by mail, for one purpose."""
        return self._sign(f"mail {purpose}", timedelta(minutes=minutes), sub=subject, **claims)

    def read_mail(self, purpose: str, token: str) -> dict[str, Any]:
        """The claims of such a token. Problem where it is none, is too old, or has another purpose."""
        try:
            return self._read(token, f"mail {purpose}")
        except jwt.InvalidTokenError:
            raise Problem("unauthorized", "This link is not valid, or not any more. Ask for another one.") from None

    def ballot(self, survey: UUID) -> str:
        """A token that answers an anonymous survey; it names nobody."""
        return self._sign(f"ballot {survey}", BALLOT_LIFETIME, sub=secrets.token_hex(16))

    def read_ballot(self, survey: UUID, token: str) -> bytes:
        """What is in such a token alone. Problem where it is none, or is another survey's."""
        try:
            return bytes.fromhex(self._read(token, f"ballot {survey}")["sub"])
        except (jwt.InvalidTokenError, ValueError):
            raise Problem("unauthorized", "This token is not one for this survey. Ask for one.") from None

    async def caller(self, token: str) -> Caller | Subject:
        """Whom a token names. Problem where it is not valid here."""
        try:
            if len(token) > LONGEST_TOKEN:
                raise jwt.DecodeError("too long")
            if self._settings.jwt_issuer is not None:
                # Not believed, only to know who must have signed it.
                issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
                if issuer != ISSUER:
                    return self._subject(await self._read_foreign(token))
            caller = self._own(token)
            if caller.expires_at is not None and caller.expires_at <= time.time():
                raise jwt.ExpiredSignatureError("known, and old")
            return caller
        except jwt.ExpiredSignatureError:
            raise refused("This token has expired. Refresh it, or log in again.") from None
        except (jwt.PyJWTError, ValueError, KeyError):
            raise refused("This token is not valid here.") from None

    def _read_own(self, token: str) -> Caller:
        claims = self._read(token, "api")
        return Caller(UUID(claims["sub"]), UUID(claims["sid"]), expires_at=self._end(claims))

    def _sign(self, audience: str, lifetime: timedelta, **claims: str) -> str:
        now = int(time.time())
        times = {"iat": now, "exp": now + int(lifetime.total_seconds())}
        return jwt.encode({"iss": ISSUER, "aud": audience, **times, **claims}, self._secret, algorithm="HS256")

    def _read(self, token: str, audience: str) -> dict[str, Any]:
        return jwt.decode(
            token,
            self._secret,
            algorithms=["HS256"],
            audience=audience,
            issuer=ISSUER,
            leeway=self._settings.jwt_leeway,
            options={"require": ["exp", "iat", "sub"]},
        )

    async def _read_foreign(self, token: str) -> dict[str, Any]:
        settings = self._settings
        key: jwt.PyJWK | str
        if self._keys is not None:
            key = await self._keys.get(jwt.get_unverified_header(token).get("kid"))
            algorithms = [str(name) for name in settings.jwt_algorithms]
        elif settings.jwt_secret is not None:
            key, algorithms = settings.jwt_secret.get_secret_value(), ["HS256"]
        else:
            raise jwt.InvalidKeyError("no key is configured")
        return jwt.decode(
            token,
            key,
            algorithms=algorithms,
            audience=settings.jwt_audience,
            issuer=settings.jwt_issuer,
            leeway=settings.jwt_leeway,
            options={"require": ["exp", "sub", "iss", "aud"]},
        )

    def _subject(self, claims: dict[str, Any]) -> Subject:
        name = next((claims[key] for key in ("preferred_username", "nickname", "name") if claims.get(key)), "")
        logged_in = claims.get("auth_time", claims.get("iat"))
        authenticated_at = float(logged_in) if isinstance(logged_in, (int, float)) else None
        return Subject(str(claims["iss"]), str(claims["sub"]), str(name), authenticated_at, self._end(claims))

    def _end(self, claims: dict[str, Any]) -> float:
        return float(claims["exp"]) + self._settings.jwt_leeway


class ProviderKeys:
    """The public keys of an identity provider, fetched when they are old or one is not known; kept if it is away."""

    def __init__(self, url: str, fetch: Fetch) -> None:
        self._url = url
        self._fetch = fetch
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._asked_at = float("-inf")
        self._lock = Lock()

    async def get(self, kid: str | None) -> jwt.PyJWK:
        """The key of that id. jwt.InvalidKeyError where the provider has none such."""
        if self._is_due(kid):
            async with self._lock:
                if self._is_due(kid):
                    await self._refresh()
        if kid not in self._keys:
            raise jwt.InvalidKeyError("the provider has no such key")
        return self._keys[kid]

    def _is_due(self, kid: str | None) -> bool:
        age = time.monotonic() - self._asked_at
        return age > KEYS_SECONDS or (kid not in self._keys and age > KEYS_PAUSE_SECONDS)

    async def _refresh(self) -> None:
        try:
            found = jwt.PyJWKSet.from_dict(json.loads(await to_thread.run_sync(self._fetch, self._url)))
        except (OSError, ValueError, jwt.PyJWTError) as error:
            if not self._keys:
                detail = "The identity provider does not answer. Try again in a few seconds."
                raise Problem("unavailable", detail, headers={"retry-after": "10"}) from error
            return
        finally:
            self._asked_at = time.monotonic()
        self._keys = {key.key_id: key for key in found.keys}


def refused(detail: str) -> Problem:
    """A token that is not good."""
    return Problem("unauthorized", detail, headers={"www-authenticate": 'Bearer error="invalid_token"'})


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=KEYS_TIMEOUT) as answer:  # noqa: S310
            body: bytes = answer.read(1_000_000)
            return body
    except urllib.error.HTTPError as error:
        with error:  # it holds the connection
            raise OSError(f"status {error.code}") from None
