"""Pictures in the hands of several processes, and of one that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from images.conftest import Bucket
from images.pictures import PictureOrigin, image_reply, in_gallery, name, picture
from origin import serving

from support import ROOT, scrapy

SHOW = {"show_id": "tt99000001"}


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A `scrapy` process that runs in the meantime."""
    command = [sys.executable, "-m", "scrapy", *arguments]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
    process = subprocess.Popen(command, cwd=ROOT, **pipe)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def count(url: str, table: str) -> int:
    with psycopg.connect(url) as connection:
        [(number,)] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()  # type: ignore[arg-type]
    return int(number)


def test_what_was_stored_and_not_noted_when_the_process_died_is_mended(crawl_url: str, bucket: Bucket) -> None:
    origin = PictureOrigin({"/a.jpg": image_reply(picture(1))})
    with serving(origin):
        name(crawl_url, *in_gallery(f"{origin.url}/a.jpg", SHOW, "imdb"))
        options = ["mirror-images", *origin.options, *bucket.options]
        with psycopg.connect(crawl_url) as blocker:
            blocker.execute("LOCK TABLE image_files IN EXCLUSIVE MODE")  # everybody reads, nobody writes
            with started(*options) as process:
                deadline = time.monotonic() + 60
                while len(bucket.objects()) < 4:
                    assert time.monotonic() < deadline
                    assert process.poll() is None
                    time.sleep(0.05)
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            blocker.rollback()
        left = bucket.objects()
        assert (count(crawl_url, "image_files"), count(crawl_url, "image_sources")) == (0, 0)
        again = scrapy(*options)
    assert again.status == 0, again.output
    assert bucket.objects() == left
    assert count(crawl_url, "image_objects") == len(left), "every object has its row"
    assert count(crawl_url, "hosted_images") == 1


def test_two_runs_at_a_time_store_each_object_once_and_lose_none(crawl_url: str, bucket: Bucket) -> None:
    pictures = {f"/{n}.jpg": image_reply(picture(n % 9, (300, 200))) for n in range(12)}
    origin = PictureOrigin(pictures)
    origin.delay = 0.2
    with serving(origin):
        name(crawl_url, *(record for path in pictures for record in in_gallery(f"{origin.url}{path}", SHOW, "imdb")))
        options = ["mirror-images", *origin.options, *bucket.options]
        with started(*options) as one, started(*options) as other:
            outputs = [process.communicate(timeout=120)[0] for process in (one, other)]
        assert (one.returncode, other.returncode) == (0, 0), "\n".join(outputs)
    assert max(map(origin.count, pictures)) == 2, "both runs were at the same pictures"
    assert count(crawl_url, "hosted_images") == 12
    assert count(crawl_url, "image_files") == 9
    assert bucket.puts() == len(bucket.objects()) == count(crawl_url, "image_objects") == 18
