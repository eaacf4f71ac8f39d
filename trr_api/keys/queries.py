"""SQL of API keys."""

from typing import Final

BY_HASH: Final = b"SELECT id, name, scopes FROM api_keys WHERE hash = $1 AND revoked_at IS NULL"

BY_ID: Final = b"SELECT id, name, scopes FROM api_keys WHERE id = $1::uuid AND revoked_at IS NULL"

CREATE: Final = b"INSERT INTO api_keys (name, hash, scopes) VALUES (%s, %s, %s) RETURNING id"
LIST: Final = b"SELECT id, name, scopes, created_at, revoked_at FROM api_keys ORDER BY created_at, id"
REVOKE: Final = b"UPDATE api_keys SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL RETURNING name"
