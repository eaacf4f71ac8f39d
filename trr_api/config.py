"""What can be configured, from the environment. `docs/api.md` has the table."""

from __future__ import annotations

import secrets
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """Environment variables `TRR_API_…`, and DATABASE_URL."""

    model_config = SettingsConfigDict(env_prefix="TRR_API_", populate_by_name=True, extra="forbid")

    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=64)

    pool_min: int = Field(default=2, ge=1)
    """Connections that each worker keeps open."""
    pool_max: int = Field(default=10, ge=1)
    pool_timeout: float = Field(default=3.0, gt=0)
    """Seconds that a request waits for a connection before it is told 503."""
    statement_timeout: float = Field(default=5.0, gt=0)
    """Seconds after which PostgreSQL gives a statement up."""
    shutdown_timeout: int = Field(default=15, ge=0)
    """Seconds that running requests get to end after SIGTERM."""

    images_store: str = Field(default="", validation_alias="IMAGES_STORE")
    """As the crawls have it: what they keep in a folder is served from there."""

    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins whose pages may call, by commas; `*` for all. None: no CORS headers."""
    trusted_proxies: str = "127.0.0.1"
    """Whose X-Forwarded-For is believed."""

    rate_limit: str = "600/minute"
    """For each address that sends no key; `0/minute` for no limit."""
    rate_limit_key: str = "6000/minute"
    """For each API key."""
    rate_storage: str = "async+memory://"
    """Where calls are counted: in each worker, or for all of them in `async+redis://…`."""

    export_non_commercial: bool = False
    """Whether exports hold what comes from sources for non-commercial use only."""

    secret: SecretStr = Field(default_factory=lambda: SecretStr(secrets.token_urlsafe(32)), min_length=16)
    """Signs cursors. Without one they end with the process."""

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _by_commas(cls, value: object) -> object:
        return tuple(filter(None, value.split(","))) if isinstance(value, str) else value
