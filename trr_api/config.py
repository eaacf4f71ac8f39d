"""What can be configured, from the environment. `docs/api.md` has the table."""

from __future__ import annotations

import secrets
from typing import Annotated, Final, Literal, Self

from limits import parse
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

IN_PROCESS: Final = "async+memory://"
"""Calls are counted by each worker for itself."""


class Settings(BaseSettings):
    """Environment variables `TRR_API_…`, and DATABASE_URL."""

    model_config = SettingsConfigDict(env_prefix="TRR_API_", populate_by_name=True, extra="forbid")

    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=64)

    log_json: bool = False
    """One JSON object a line on stderr, instead of uvicorn's lines."""

    pool_min: int = Field(default=2, ge=1)
    """Connections that each worker keeps open."""
    pool_max: int = Field(default=10, ge=1)
    """Connections that each worker opens at most to read, and as many to write."""
    pool_timeout: float = Field(default=3.0, gt=0)
    """Seconds that a request waits for a connection before it is told 503."""
    statement_timeout: float = Field(default=5.0, gt=0)
    """Seconds after which PostgreSQL gives a statement up."""
    shutdown_timeout: int = Field(default=15, ge=0)
    """Seconds that running requests get to end after SIGTERM."""

    images_store: str = Field(default="", validation_alias="IMAGES_STORE")
    """As the crawls have it: what they keep in a folder is served from there, and avatars are kept there too."""
    images_cdn_url: str = Field(default="", validation_alias="IMAGES_CDN_URL")
    aws_region: str | None = Field(default=None, validation_alias="AWS_REGION")
    aws_endpoint_url: str | None = Field(default=None, validation_alias="AWS_ENDPOINT_URL")
    aws_profile: str | None = Field(default=None, validation_alias="AWS_PROFILE")

    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins whose pages may call, by commas; `*` for all. None: no CORS headers."""
    trusted_proxies: str = "127.0.0.1"
    """Whose X-Forwarded-For is believed."""

    rate_limit: str = "600/minute"
    """For each address that sends no key; `0/minute` for no limit."""
    rate_limit_key: str = "6000/minute"
    """For each API key."""
    rate_storage: str = IN_PROCESS
    """Where calls are counted: IN_PROCESS, or for all workers in `async+redis://…`."""

    live_queue: int = Field(default=256, ge=1)
    """Messages that may wait for a socket that does not read; one more, and it is closed."""
    live_ping: float = Field(default=20.0, gt=0)
    """Seconds between pings to a socket, and until an answer must have come."""
    live_messages: str = "120/minute"
    """What a socket may send; `0/minute` for no limit."""
    live_per_address: int = Field(default=200, ge=0)
    """Sockets and streams of one address in each worker; 0 for no limit."""
    live_per_user: int = Field(default=20, ge=0)
    """The same of one person."""
    live_topics: int = Field(default=200, ge=1)
    """What one of them may follow."""
    outbox_hours: float = Field(default=48.0, gt=0)
    """So long events are kept for those who go on from a seq."""
    redis_url: SecretStr | None = Field(default=None, validation_alias="REDIS_URL")
    """Where several machines serve: events go to their processes through a stream of this Redis."""

    export_non_commercial: bool = False
    """Whether exports hold what comes from sources for non-commercial use only."""

    secret: SecretStr = Field(default_factory=lambda: SecretStr(secrets.token_urlsafe(32)), min_length=16)
    """Signs cursors and tokens. Without one they end with the process."""

    access_minutes: float = Field(default=15, gt=0, le=24 * 60)
    """So long an access token of this API is good."""
    refresh_days: float = Field(default=30, gt=0)
    """So long a log-in lasts that nobody uses."""
    jwt_issuer: str | None = None
    """Of an identity provider whose tokens are good here too."""
    jwt_audience: str = "trr"
    """What the provider's tokens must be meant for."""
    jwt_leeway: float = Field(default=30, ge=0, le=300)
    """Seconds by which clocks may differ."""
    jwks_url: str | None = Field(default=None, pattern="^https?://")
    """Where the provider's public keys are."""
    jwt_algorithms: Annotated[tuple[Literal["RS256", "ES256"], ...], NoDecode] = ("RS256", "ES256")
    """With which the provider's keys may sign, by commas."""
    jwt_secret: SecretStr | None = Field(default=None, min_length=32)
    """HS256, for a provider without public keys."""

    dashboard: Literal["local", "open", "key"] = "local"
    """Who sees crawl stats without an API key: callers on this machine, everybody, or nobody."""
    keep_log_ins_days: float = Field(default=30, gt=0)
    """Log-ins, after their end. `python -m trr_api prune` deletes what is older than this and those that follow."""
    keep_notifications_days: float = Field(default=365, gt=0)
    """Notifications, after they were read."""
    keep_ballots_days: float = Field(default=30, gt=0)
    """What tells which token gave an anonymous response, after the end of the survey."""

    login_limit: str = "10/15minute"
    """Attempts to log in to an account from one address; ten times as many to one account, or from one address."""
    anonymous_limit: str = "3/day"
    """Tokens for an anonymous survey that an address gets."""
    mail: SecretStr = SecretStr("console")
    """`console`, or `smtp://user:password@host:587`, `smtps://…`."""
    mail_from: str = "TRR <trr@localhost>"
    site_url: str = "http://127.0.0.1:8000/app"
    """Begins the links in mails: `/confirm?token=…` and `/reset?token=…` follow."""

    @field_validator("cors_origins", "jwt_algorithms", mode="before")
    @classmethod
    def _by_commas(cls, value: object) -> object:
        return tuple(filter(None, value.split(","))) if isinstance(value, str) else value

    @field_validator("redis_url")
    @classmethod
    def _is_of_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("it must begin with redis://, rediss:// or unix://")
        return url

    @field_validator("live_messages")
    @classmethod
    def _is_a_limit(cls, text: str) -> str:
        try:
            parse(text.replace("0/", "1/", 1) if text.startswith("0/") else text)
        except ValueError:
            raise ValueError("it must look like 120/minute") from None
        return text

    @model_validator(mode="after")
    def _provider_is_whole(self) -> Self:
        if (self.jwt_issuer is None) != (self.jwks_url is None and self.jwt_secret is None):
            raise ValueError("an identity provider needs jwt_issuer, and jwks_url or jwt_secret")
        return self
