"""Accounts at work: logging in, staying logged in, and who is behind a token."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
import unicodedata
from datetime import timedelta
from typing import Final
from uuid import UUID

import psycopg
from limits import RateLimitItem, parse

from trr_api.accounts import queries
from trr_api.accounts.tokens import Subject, Tokens, refused
from trr_api.config import Settings
from trr_api.database import Database, rows
from trr_api.problems import Problem
from trr_api.session import Caller
from trr_api.texts import check_line
from trr_api.throttle import count_strictly, limiter

REMEMBERED: Final = 10_000
"""People of identity providers whose ids a worker remembers."""
KNOWN_SECONDS: Final = 30.0
"""So long: another worker may have deleted their account."""

MORE: Final = 10
"""Attempts to one account, or from one address, beside those to one account from one address."""

NO_OVERLAP: Final = timedelta(0)

Pair = tuple[str, str]
"""An access token and a refresh token."""


class Accounts:
    """The accounts of a database."""

    def __init__(self, settings: Settings, database: Database, tokens: Tokens) -> None:
        self.settings = settings
        self.tokens = tokens
        self._database = database
        self._limiter = limiter(settings)
        self._limit = parse(settings.login_limit)
        self._known: dict[tuple[str, str], tuple[UUID, float]] = {}

    async def caller(self, token: str) -> Caller:
        """Who calls with a token; somebody of an identity provider gets an account on first sight."""
        found = await self.tokens.caller(token)
        if isinstance(found, Caller):
            return found
        key = (found.issuer, found.subject)
        user, until = self._known.get(key, (None, 0.0))
        if user is None or time.monotonic() > until:
            user = await self._provision(found)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = user, time.monotonic() + KNOWN_SECONDS
        return Caller(user, authenticated_at=found.authenticated_at, expires_at=found.expires_at)

    def forget(self, user: UUID) -> None:
        """Somebody is gone: what their provider says of them next is a new account's."""
        self._known = {key: known for key, known in self._known.items() if known[0] != user}

    async def _provision(self, subject: Subject) -> UUID:
        key = [subject.issuer, subject.subject]
        found = await self._database.fetch(queries.KNOWN_SUBJECT, key)
        if found:
            return UUID(str(found[0][0]))
        async with self._database.transaction(write=True) as connection:
            await connection.execute(queries.LOCK_SUBJECT, key)
            found = await rows(connection, queries.KNOWN_SUBJECT, *key)
            name = name_from(subject.name)
            display_name = display_name_from(subject.name)
            while not found:
                found = await rows(connection, queries.NEW_SUBJECT, *key, name, display_name)
                name = f"{name[:20]}_{secrets.token_hex(3)}"
        return UUID(str(found[0][0]))

    async def create(self, name: str, display_name: str | None, email: str, kept: str) -> UUID | None:
        """Open an account; None where the name or the address is taken."""
        try:
            async with self._database.transaction(write=True) as connection:
                found = await rows(connection, queries.CREATE, name, display_name, email, kept)
        except psycopg.errors.UniqueViolation:  # of two with that address at once, this is the second
            return None
        return UUID(str(found[0][0])) if found else None

    async def begin(self, user: UUID, kept: str) -> Pair | None:
        """Log somebody in; None where what is kept of their password is not that any more."""
        refresh = secrets.token_urlsafe(32)
        async with self._database.transaction(write=True) as connection:
            found = await rows(connection, queries.LOG_IN, user, digest(refresh), self._lifetime, kept)
        return (self.tokens.access(Caller(user, found[0][0])), refresh) if found else None

    async def refresh(self, given: str, overlap: timedelta = NO_OVERLAP) -> Pair:
        """The next pair of tokens. Problem where the one given is too old, or was used before: that ends the log-in.

        What was used less than `overlap` ago is good once more.
        """
        renewed = secrets.token_urlsafe(32)
        async with self._database.transaction(write=True) as connection:
            values = (digest(given), digest(renewed), self._lifetime, overlap)
            found = await rows(connection, queries.REFRESH, *values)
        if not found:
            raise refused("This refresh token is not valid, or was used before. Log in again.")
        return self.tokens.access(Caller(*found[0])), renewed

    async def set_password(self, user: UUID, fingerprint: str, kept: str) -> bool:
        """Change a password and end all log-ins, unless it was changed since the fingerprint was taken."""
        async with self._database.transaction(write=True) as connection:
            if not await rows(connection, queries.SET_PASSWORD, user, fingerprint, kept):
                return False
            await rows(connection, queries.END_LOG_INS, user)
        return True

    async def count_attempt(self, what: str, account: str, address: str) -> None:
        """Problem after too many attempts, whether there is such an account or not."""
        more = type(self._limit)(self._limit.amount * MORE, self._limit.multiples)
        tries: tuple[tuple[RateLimitItem, str], ...] = (
            (self._limit, f"{account} {address}"), (more, account), (more, address),
        )  # fmt: skip
        for limit, key in tries:
            allowed = await count_strictly(self._limiter, limit, what, hashlib.sha256(key.encode()).hexdigest())
            if not allowed:
                wait = str(limit.get_expiry())
                raise Problem(
                    "too-many-requests", f"Too many attempts. Go on in {wait} seconds.", headers={"retry-after": wait}
                )

    @property
    def _lifetime(self) -> timedelta:
        return timedelta(days=self.settings.refresh_days)


def digest(token: str) -> bytes:
    """What is kept of a refresh token."""
    return hashlib.sha256(token.encode()).digest()


def name_from(text: str) -> str:
    """A name that one can be mentioned by, out of one that somebody has elsewhere."""
    plain = unicodedata.normalize("NFKD", text.partition("@")[0]).encode("ascii", "ignore").decode().lower()
    name = re.sub("[^a-z0-9]+", "_", plain).strip("_")[:30]
    return name if len(name) >= 3 else f"user_{secrets.token_hex(4)}"


def display_name_from(text: str) -> str | None:
    """How somebody is seen, out of a name that they have elsewhere; None for one that nobody may have here."""
    try:
        return check_line(text)[:60].strip()
    except ValueError:
        return None
