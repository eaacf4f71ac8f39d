"""SQL of avatars."""

from __future__ import annotations

from typing import Final

from trr_api.queries import Statement

_SET: Final = b"""
WITH before AS (SELECT id, avatar_url FROM users WHERE id = caller() FOR NO KEY UPDATE)
UPDATE users SET avatar_url = $1 FROM before WHERE users.id = before.id RETURNING before.avatar_url
"""


def logged_in() -> Statement:
    """Nothing; that the log-in of the caller lasts is looked at with every statement."""
    return Statement(b"SELECT")


def set_avatar(url: str | None) -> Statement:
    """Let the caller be shown by a picture, or by none; the address of the one before."""
    return Statement(_SET, [url])
