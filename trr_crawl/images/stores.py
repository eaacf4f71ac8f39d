"""Where pictures are kept: an S3 bucket, or a local folder with the same keys and the same metadata."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import re
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote, urlsplit

import orjson

from trr_crawl import database
from trr_crawl.errors import UserError, one_line

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

CACHE_CONTROL: Final = "public, max-age=31536000, immutable"
"""A key names its content, so what was fetched once is good for ever."""
ROOT: Final = "images/"
"""All keys start with it, after the store's prefix; pruning looks at nothing else."""
LOCAL_URL: Final = "/objects/"
"""Where the API serves the local store."""
ATTEMPTS: Final = 5
"""How often botocore tries, with growing pauses."""
METADATA: Final = ".meta"
"""What the name of an object's metadata in the local store ends with."""


class StoreError(UserError):
    """A store cannot be used, or did not take an object."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object of a store."""

    key: str
    modified_at: datetime
    size: int


class Store(Protocol):
    """Keeps objects by their keys. All methods may be called from several threads; all of them raise StoreError."""

    name: str
    """Of the place: `s3://bucket`, or the folder."""
    prefix: str
    """What all keys start with, before ROOT: empty, or ending with a slash."""
    base_url: str
    """What a key is appended to, to get the address that readers use."""

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store an object; when this returns, the store has acknowledged all of it."""

    def get(self, key: str) -> bytes | None:
        """An object's bytes; None where there is none."""

    def listed(self) -> Iterator[Listed]:
        """All objects under prefix and ROOT, in the order of their keys' bytes."""

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects, 1,000 at most."""


def url_of(store: Store, key: str) -> str:
    """The address by which readers get an object."""
    return store.base_url + quote(key)


class LocalStore:
    """Objects as files. Their metadata stand beside them, for the API that serves them."""

    def __init__(self, folder: Path, base_url: str = LOCAL_URL) -> None:
        self.folder = folder
        self.name = str(folder)
        self.prefix = ""
        self.base_url = base_url

    def put(self, key: str, content: bytes, content_type: str) -> None:
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            metadata = {"Content-Type": content_type, "Cache-Control": CACHE_CONTROL}
            # In this order: whoever sees the object sees its metadata too.
            self._write(Path(f"{path}{METADATA}"), orjson.dumps(metadata))
            self._write(path, content)
        except OSError as error:
            raise StoreError(f"The object {path} cannot be written: {error.strerror}.") from error

    def get(self, key: str) -> bytes | None:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"The object {self._path(key)} cannot be read: {error.strerror}.") from error

    def listed(self) -> Iterator[Listed]:
        root = self.folder / ROOT
        if root.is_dir():
            yield from self._within(root)

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            path = self._path(key)
            try:
                path.unlink(missing_ok=True)
                Path(f"{path}{METADATA}").unlink(missing_ok=True)
            except OSError as error:
                raise StoreError(f"The object {path} cannot be deleted: {error.strerror}.") from error

    def _within(self, folder: Path) -> Iterator[Listed]:
        with os.scandir(folder) as found:
            # A folder's name counts with its slash, or the keys would not come in order.
            entries = sorted(found, key=lambda entry: (entry.name + "/" * entry.is_dir()).encode())
        for entry in entries:
            if entry.is_dir():
                yield from self._within(Path(entry.path))
            elif not entry.name.endswith((METADATA, _PART)):
                stat = entry.stat()
                key = Path(entry.path).relative_to(self.folder).as_posix()
                yield Listed(key, datetime.fromtimestamp(stat.st_mtime, UTC), stat.st_size)

    def _path(self, key: str) -> Path:
        path = self.folder / key
        if ".." in path.parts:
            raise StoreError(f"The key {key} leads out of the store.")
        return path

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        """Write a file whole or not at all, so that it outlives a loss of power."""
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=_PART)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


_PART: Final = ".part"


class S3Store:
    """Objects in a bucket of Amazon S3, or of whoever speaks its language: R2, MinIO."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        base_url: str,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        profile: str | None = None,
        connections: int = 10,
    ) -> None:
        import boto3  # no crawl without a bucket waits for it
        import botocore.exceptions

        logging.getLogger("botocore").setLevel(logging.WARNING)  # it tells where it found credentials
        self._errors = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)
        self.bucket = bucket
        self.name = f"s3://{bucket}"
        self.prefix = prefix
        self.base_url = base_url
        self._region, self._endpoint_url, self._connections = region, endpoint_url, connections
        self._lock = threading.Lock()
        try:
            self._session = boto3.Session(profile_name=profile)
        except self._errors as error:
            raise StoreError(f"The store {self.name} cannot be used: {one_line(error)}.") from error

    @cached_property
    def _client(self) -> Any:
        """Made with the first request: it looks for credentials even in the network."""
        from botocore.config import Config

        try:
            return self._session.client(
                "s3",
                region_name=self._region,
                endpoint_url=self._endpoint_url,
                config=Config(
                    max_pool_connections=self._connections,
                    retries={"mode": "standard", "max_attempts": ATTEMPTS},
                    # R2 and older MinIO know only the checksum of old, which `put` sends.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )
        except (*self._errors, ValueError) as error:
            raise StoreError(f"The store {self.name} cannot be used: {one_line(error)}") from error

    def _s3(self) -> Any:
        with self._lock:  # a session makes one client at a time
            return self._client

    def put(self, key: str, content: bytes, content_type: str) -> None:
        md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        try:
            self._s3().put_object(
                Bucket=self.bucket,
                Key=key,
                Body=content,
                ContentType=content_type,
                CacheControl=CACHE_CONTROL,
                ContentMD5=md5,
            )
        except self._errors as error:
            raise StoreError(f"{self.name} did not take {key}: {one_line(error)}") from error

    def get(self, key: str) -> bytes | None:
        try:
            content: bytes = self._s3().get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except self._s3().exceptions.NoSuchKey:
            return None
        except self._errors as error:
            raise StoreError(f"{self.name} did not give {key}: {one_line(error)}") from error
        return content

    def listed(self) -> Iterator[Listed]:
        try:
            pages = self._s3().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix + ROOT)
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield Listed(entry["Key"], entry["LastModified"], entry["Size"])
        except self._errors as error:
            raise StoreError(f"{self.name} cannot be listed: {one_line(error)}") from error

    def delete(self, keys: Sequence[str]) -> None:
        try:
            answer = self._s3().delete_objects(
                Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
            )
        except self._errors as error:
            raise StoreError(f"{self.name} deletes nothing: {one_line(error)}") from error
        if errors := answer.get("Errors"):
            first = errors[0]
            raise StoreError(
                f"{self.name} kept {len(errors)} of {len(keys)} objects: {first['Key']}: {first.get('Message')}"
            )


def store_of(settings: BaseSettings) -> Store:
    """The store that the settings name; StoreError for settings that cannot be meant. Nothing is written or asked."""
    return opened(
        settings.get("IMAGES_STORE") or "",
        cdn_url=settings.get("IMAGES_CDN_URL") or "",
        region=settings.get("AWS_REGION") or None,
        endpoint_url=settings.get("AWS_ENDPOINT_URL") or None,
        profile=settings.get("AWS_PROFILE") or None,
        connections=settings.getint("IMAGES_CONCURRENCY", 8),
    )


def opened(
    place: str,
    *,
    cdn_url: str = "",
    region: str | None = None,
    endpoint_url: str | None = None,
    profile: str | None = None,
    connections: int = 8,
) -> Store:
    """A store by its name: `s3://bucket/prefix`, a folder, or nothing for `.trr/objects`."""
    base_url = _checked_cdn(cdn_url) if cdn_url else ""
    if not place.startswith("s3://"):
        if "://" in place:
            raise StoreError(f"IMAGES_STORE={place} is neither s3://bucket/prefix nor a folder.")
        folder = Path(place).expanduser().resolve() if place else database.home() / "objects"
        return LocalStore(folder, base_url or LOCAL_URL)
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise StoreError(f"IMAGES_STORE={place}: {bucket!r} is no name of a bucket.")
    if not base_url:
        if endpoint_url or not region:
            raise StoreError("IMAGES_CDN_URL is not set: say at which https address readers find the bucket's objects.")
        base_url = f"https://{bucket}.s3.{region}.amazonaws.com/"
    return S3Store(
        bucket,
        f"{prefix.strip('/')}/" if prefix.strip("/") else "",
        base_url,
        region=region,
        endpoint_url=endpoint_url,
        profile=profile,
        connections=connections,
    )


_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_PLACEHOLDER = re.compile(r"d?x{3,}|example|your[-_]?\w*", re.IGNORECASE)


def _checked_cdn(url: str) -> str:
    """The address that keys are appended to. StoreError unless it is https and somebody's own."""
    parts = urlsplit(url)
    try:
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if parts.scheme != "https" or "." not in host or parts.username or parts.query or parts.fragment:
        raise StoreError(f"IMAGES_CDN_URL={url} is no address such as https://cdn.host/path.")
    if _PLACEHOLDER.fullmatch(host.partition(".")[0]):
        raise StoreError(f"IMAGES_CDN_URL={url} is still the placeholder of a manual.")
    return url.rstrip("/") + "/"
