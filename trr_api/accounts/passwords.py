"""Passwords: argon2, in threads of their own, and as slow for nobody as for somebody."""

from __future__ import annotations

from typing import Final

from anyio import CapacityLimiter, to_thread
from pwdlib import PasswordHash

AT_ONCE: Final = 2
"""Passwords that a worker hashes at the same moment; each takes a core and 64 MB."""

_hasher: Final = PasswordHash.recommended()
_nobodys: Final = _hasher.hash("the password of nobody")
_limiter = CapacityLimiter(AT_ONCE)


async def hashed(password: str) -> str:
    """What is kept of a password."""
    return await to_thread.run_sync(_hasher.hash, password, limiter=_limiter)


async def is_right(password: str, kept: str | None) -> bool:
    """Whether it is the password; where nobody has one, that takes as long to find out."""
    found = await to_thread.run_sync(_hasher.verify, password, kept or _nobodys, limiter=_limiter)
    return found and kept is not None
