"""S3 over real HTTP: moto's server, with a bucket for each test."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

_numbers = count(1)
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@dataclass
class Bucket:
    """A bucket of a running server."""

    name: str
    endpoint_url: str
    client: Any = field(repr=False)

    @property
    def options(self) -> list[str]:
        """For `scrapy`: pictures are kept here."""
        return [
            *("-s", f"IMAGES_STORE=s3://{self.name}/test"),
            *("-s", "IMAGES_CDN_URL=https://cdn.pictures.test"),
            *("-s", "AWS_REGION=us-east-1"),
            *("-s", f"AWS_ENDPOINT_URL={self.endpoint_url}"),
        ]

    def objects(self) -> list[str]:
        """The keys of all objects."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def puts(self) -> int:
        """How often an object was put: the bucket keeps every version."""
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.name)
        return sum(len(page.get("Versions", ())) for page in pages)


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """The address of an S3 server."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket, versioned so that what is put twice shows."""
    for variable, value in CREDENTIALS.items():
        monkeypatch.setenv(variable, value)
    client = boto3.client("s3", endpoint_url=s3_url, region_name="us-east-1")
    name = f"pictures-{next(_numbers)}"
    client.create_bucket(Bucket=name)
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return Bucket(name, s3_url, client)
