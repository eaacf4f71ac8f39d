"""SQL of accounts. What is about credentials runs as the connection's own user: who logs in is nobody yet."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from trr_api.queries import Fields, Statement, columns

PERSON: Final[Fields] = {
    "id": "users.id",
    "name": "users.name",
    "display_name": "users.display_name",
    "bio": "users.bio",
    "avatar_url": "users.avatar_url",
    "role": "users.role",
    "created_at": "users.created_at",
}
_PERSON: Final = f"SELECT row_to_json(item) FROM (SELECT {columns(PERSON)} FROM users WHERE {{}}) item"
_BAN: Final = (
    "(SELECT json_build_object('reason', reason, 'ends_at', ends_at) FROM bans "
    "WHERE bans.user_id = users.id AND (ends_at IS NULL OR ends_at > now()) ORDER BY ends_at DESC LIMIT 1)"
)
_ME: Final = (
    f"SELECT row_to_json(item) FROM (SELECT {columns({**PERSON, 'ban': _BAN})} FROM users WHERE id = caller()) item"
).encode()
_BY_NAME: Final = _PERSON.format("name = $1").encode()

HAS_EMAIL: Final = b"SELECT FROM credentials WHERE email = $1"
RESETTABLE: Final = b"SELECT user_id, encode(sha256(password_hash::bytea), 'hex') FROM credentials WHERE email = $1"
BY_EMAIL: Final = b"SELECT user_id, password_hash FROM credentials WHERE email = $1"

CREATE: Final = b"""
WITH person AS (
    INSERT INTO users (name, display_name) SELECT $1, $2
    WHERE NOT EXISTS (SELECT FROM credentials WHERE email = $3) ON CONFLICT (name) DO NOTHING RETURNING id
)
INSERT INTO credentials (user_id, email, password_hash) SELECT id, $3, $4 FROM person RETURNING user_id
"""

# With the password that was looked at, and no other: one that is changed meanwhile is waited for.
LOG_IN: Final = b"""
WITH person AS (SELECT user_id FROM credentials WHERE user_id = $1 AND password_hash = $4 FOR SHARE),
begun AS (INSERT INTO sessions (user_id) SELECT user_id FROM person RETURNING id),
renewal AS (INSERT INTO refresh_tokens (session_id, hash, expires_at) SELECT id, $2, now() + $3::interval FROM begun)
SELECT id FROM begun
"""

# A token that was used before is in two hands: the whole family ends. Within the overlap ($4) it is in one: a browser
# that opens two pages at once sends it twice.
REFRESH: Final = b"""
WITH given AS (
    SELECT token.id, session_id, user_id, token.used_at, expires_at,
           token.used_at IS NOT NULL AND token.used_at <= now() - $4::interval AS is_used
    FROM refresh_tokens token JOIN sessions ON sessions.id = session_id
    WHERE hash = $1 AND revoked_at IS NULL FOR UPDATE OF token, sessions
), used AS (
    UPDATE refresh_tokens SET used_at = coalesce(given.used_at, now()) FROM given
    WHERE refresh_tokens.id = given.id AND NOT given.is_used AND given.expires_at > now()
    RETURNING given.session_id, given.user_id
), seen AS (
    UPDATE sessions SET used_at = now(), revoked_at = CASE WHEN given.is_used THEN now() END
    FROM given WHERE sessions.id = given.session_id
), renewal AS (
    INSERT INTO refresh_tokens (session_id, hash, expires_at) SELECT session_id, $2, now() + $3::interval FROM used
)
SELECT user_id, session_id FROM used
"""

SET_PASSWORD: Final = b"""
UPDATE credentials SET password_hash = $3, changed_at = now()
WHERE user_id = $1 AND encode(sha256(password_hash::bytea), 'hex') = $2 RETURNING user_id
"""
# A statement of its own: it sees the log-in that the one before had to wait for.
END_LOG_INS: Final = b"UPDATE sessions SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL RETURNING id"

KNOWN_SUBJECT: Final = b"SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2"
# Two first requests of somebody may come at once: the one that is late finds what the other made.
LOCK_SUBJECT: Final = b"SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))"
NEW_SUBJECT: Final = b"""
WITH person AS (INSERT INTO users (name, display_name) VALUES ($3, $4) ON CONFLICT (name) DO NOTHING RETURNING id)
INSERT INTO identities (issuer, subject, user_id) SELECT $1, $2, id FROM person RETURNING user_id
"""

USER_NAMED: Final = b"SELECT id FROM users WHERE name = %s"
CREATE_USER: Final = b"INSERT INTO users (name) VALUES (%s) RETURNING id"
BEGIN_SESSION: Final = b"INSERT INTO sessions (user_id) VALUES (%s) RETURNING id"
SET_ROLE: Final = b"UPDATE users SET role = %s WHERE id = %s"


def me() -> Statement:
    """The caller."""
    return Statement(_ME)


def person(name: str) -> Statement:
    """Somebody, by name."""
    return Statement(_BY_NAME, [name])


def change_profile(display_name: str | None, bio: str | None) -> Statement:
    """Let the caller be seen otherwise; None takes away."""
    return Statement(
        b"UPDATE users SET display_name = $1, bio = $2 WHERE id = caller() RETURNING id", [display_name, bio]
    )


def log_out(session: UUID | None) -> Statement:
    """End one log-in of the caller, or with None all of them."""
    return Statement(
        b"UPDATE sessions SET revoked_at = now() WHERE user_id = caller() AND revoked_at IS NULL "
        b"AND ($1::uuid IS NULL OR id = $1) RETURNING id",
        [session],
    )
