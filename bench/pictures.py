"""Pictures from a local origin into S3 over HTTP, beside their floors: the same downloads alone, and boto3 alone.

The S3 is moto's server, in a process of its own: the same for the crawl and for the bare loop.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import boto3
import psycopg
from botocore.config import Config
from PIL import Image

from bench.crawls import SETTINGS, CrawlFailed, Memory, Progress, environment, require, watch
from bench.origin import Origin, origin
from bench.pages import PICTURES, SMALL, picture
from trr_crawl.catalog import write
from trr_crawl.catalog.write import Record
from trr_crawl.images.stores import CACHE_CONTROL
from trr_crawl.images.variants import WIDTHS, look
from trr_crawl.images.workers import Workers

CONCURRENCY: Final = 8
"""Uploads, and downloads, at a time: in the crawl and beside it."""
CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds for so many pictures."""

    pictures: int
    picture_bytes: int
    mirrored: float
    """Fetched, checked, stored and noted."""
    downloaded: float
    """Fetched by the same Scrapy, and dropped."""
    uploaded: float
    """Put by boto3 in as many threads, out of the memory."""
    again: float
    """Looked at once more, with nothing new."""
    again_puts: int
    memory: Memory
    looked_at: float
    """A picture's variants and hashes in a worker process."""
    resized: float
    """A picture's thumbnails by Pillow alone."""

    @property
    def floor(self) -> float:
        """Seconds of the slower of the two things that have to be done anyway."""
        return max(self.downloaded, self.uploaded)


def measure(database_url: str, count: int, progress: Progress, marks: Sequence[int]) -> Timing:
    """Everything once, one after the other."""
    with origin(SMALL) as source, _s3() as client:
        _name(database_url, source, count)
        downloaded, _, _ = _crawl("bare_pictures", source, database_url, count, progress)
        uploaded = _upload(client, count)
        mirrored, stats, memory = _crawl("mirror_images", source, database_url, count, progress, marks)
        require(stats.get("images/stored") == count, f"{stats.get('images/stored')} of {count} pictures were stored")
        require(stats.get("images/puts") == count, "every picture is one object")
        again, stats, _ = _crawl("named_pictures", source, database_url, count, progress)
        require(stats.get("images/fresh") == count, "the second run was to look at every picture")
    looked_at, resized = _looks()
    return Timing(
        pictures=count,
        picture_bytes=len(picture(0)),
        mirrored=mirrored,
        downloaded=downloaded,
        uploaded=uploaded,
        again=again,
        again_puts=stats.get("images/puts", 0),
        memory=memory,
        looked_at=looked_at,
        resized=resized,
    )


def _name(database_url: str, source: Origin, count: int) -> None:
    """Let a catalog name all pictures, as galleries do."""
    records = []
    for number in range(count):
        key, url = f"{number}.jpg", f"{source.url}{PICTURES.decode()}{number}.jpg"
        place = {"picture_id": key, "show_id": f"tt{number % 50 + 9_000_000}"}
        records += [
            Record(
                source="imdb", kind="image", key=key, payload={"picture_id": key, "url": url, "image_type": "event"}
            ),
            Record(source="imdb", kind="gallery_entry", key=f"{place['show_id']}/{key}", payload=place),
        ]
    with psycopg.connect(database_url) as connection:
        write.prepare(connection)
        write.write(connection, records)


def _crawl(
    spider: str,
    source: Origin,
    database_url: str,
    count: int,
    progress: Progress,
    marks: Sequence[int] = (),
) -> tuple[float, dict[str, Any], Memory]:
    """Run a crawl over all pictures; returns its seconds, stats and memory."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        stats_file, log = Path(name) / "stats.json", Path(name) / "log"
        settings = {
            **SETTINGS,
            "CONCURRENT_REQUESTS": str(CONCURRENCY),
            "CONCURRENT_REQUESTS_PER_DOMAIN": str(CONCURRENCY),
            "IMAGES_CONCURRENCY": str(CONCURRENCY),
            "IMAGES_PRIVATE_HOST": source.url.removeprefix("http://"),
            "IMAGES_VARIANTS": "false",
            "IMAGES_STORE": f"s3://{BUCKET}/crawled",
            "IMAGES_CDN_URL": "https://cdn.pictures.test",
            "AWS_REGION": "us-east-1",
            "STATS_FILE": str(stats_file),
        }
        command = [sys.executable, "-m", "scrapy", "crawl", spider]
        if spider != "mirror_images":
            settings["SPIDER_MODULES"] = "bench.inside"
            command += ["-a", f"url={source.url}{PICTURES.decode()}", "-a", f"count={count}"]
        if spider == "bare_pictures":
            settings |= {"ITEM_PIPELINES": "{}", "RUN_RECORDER_ENABLED": "False"}
            command += ["-a", "dry_run=true"]
        command += [part for one, value in settings.items() for part in ("-s", f"{one}={value}")]
        with log.open("wb") as output:
            memory = watch(command, environment(database_url), output, source, progress, marks)
        try:
            stats = json.loads(stats_file.read_text())
        except OSError as error:
            raise CrawlFailed(f"{spider}: {error}; its log ends:\n{log.read_text()[-3000:]}") from error
    return float(stats["elapsed_time_seconds"]), stats, memory


BUCKET: Final = "bench-pictures"


@contextmanager
def _s3() -> Iterator[Any]:
    """A client of a running S3 server with an empty bucket; crawls find the server by the environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    before = dict(os.environ)
    os.environ |= {**CREDENTIALS, "AWS_ENDPOINT_URL": url}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            how = Config(max_pool_connections=CONCURRENCY, request_checksum_calculation="when_required")
            client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", config=how)
            _until(lambda: client.create_bucket(Bucket=BUCKET))
            yield client
        finally:
            server.terminate()
            os.environ.clear()
            os.environ.update(before)


def _until(work: Callable[[], object], seconds: float = 30) -> None:
    """Try until it works."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            work()
            return
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _upload(client: Any, count: int) -> float:
    """Seconds to put all pictures by boto3 alone."""

    def put(number: int) -> None:
        body = picture(number)
        client.put_object(
            Bucket=BUCKET,
            Key=f"bare/{number}.jpg",
            Body=body,
            ContentType="image/jpeg",
            CacheControl=CACHE_CONTROL,
            ContentMD5=base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode(),
        )

    with ThreadPoolExecutor(CONCURRENCY) as pool:
        started = time.perf_counter()
        for _ in pool.map(put, range(count)):
            pass
        return time.perf_counter() - started


def _looks(count: int = 60) -> tuple[float, float]:
    """Seconds a photograph, by a worker process and by a bare loop over Pillow."""
    photograph = _photograph()

    async def work() -> float:
        workers = Workers(1, 100_000_000)
        await workers.run(look, photograph, logo=False)  # it has started
        started = time.perf_counter()
        await asyncio.gather(*(workers.run(look, photograph, logo=False) for _ in range(count)))
        seconds = time.perf_counter() - started
        workers.close()
        return seconds / count

    looked_at = asyncio.run(work())
    started = time.perf_counter()
    for _ in range(count):
        _resize(photograph)
    return looked_at, (time.perf_counter() - started) / count


def _photograph() -> bytes:
    """A JPEG of 2,000 x 1,333 pixels that is as soft as photographs are."""
    buffer = BytesIO()
    Image.effect_noise((250, 167), 80).convert("RGB").resize((2000, 1333)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _resize(photograph: bytes) -> None:
    """What anybody would write."""
    with Image.open(BytesIO(photograph)) as image:
        for width in WIDTHS:
            small = image.resize((width, image.height * width // image.width), Image.Resampling.LANCZOS)
            small.save(BytesIO(), "WEBP", quality=80, method=4)
