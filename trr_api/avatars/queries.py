"""SQL of avatars."""

from __future__ import annotations

from typing import Final

from trr_api.queries import Statement

_SET: Final = b"""
WITH before AS (SELECT id, avatar_url FROM users WHERE id = caller() FOR NO KEY UPDATE)
UPDATE users SET avatar_url = $1 FROM before WHERE users.id = before.id RETURNING before.avatar_url
"""


def is_banned() -> Statement:
    """Whether the caller is; that their log-in lasts is looked at with every statement."""
    return Statement(b"SELECT is_banned()")


def set_avatar(url: str | None) -> Statement:
    """Let the caller be shown by a picture, or by none; the address of the one before. No row for the banned."""
    return Statement(_SET, [url])


def take_avatar(name: str) -> Statement:
    """Take somebody's picture away, as a moderator; its address. No row where there is nobody of that name."""
    return Statement(b"SELECT before FROM take_avatar((SELECT id FROM users WHERE name = $1), NULL)", [name])
