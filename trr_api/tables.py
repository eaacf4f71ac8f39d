"""The API's own tables, on the catalog's MetaData."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, DateTime, LargeBinary, Table, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY

from trr_crawl.catalog.tables import metadata

SCOPES: Final = ("review:read", "overrides:write", "identity:write")
"""What an API key may allow."""

# A key is 256 random bits: its hash needs no salt and no slowness.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("new_id()")),
    Column("name", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("revoked_at", DateTime(timezone=True)),
    UniqueConstraint("hash"),
    CheckConstraint("name <> ''", name="name"),
    CheckConstraint("octet_length(hash) = 32", name="hash"),
)
