"""Looks at everything that crawls need, and says of what is missing how it is mended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from trr_crawl import database, disk
from trr_crawl.alerts import targets
from trr_crawl.clock import Clock
from trr_crawl.errors import UserError, one_line
from trr_crawl.fleetwide import delays
from trr_crawl.images.hosts import Hosts
from trr_crawl.images.stores import StoreError, store_of
from trr_crawl.keys import tmdb_key
from trr_crawl.transport import graphql_headers, imdb_transport

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

ROOM: Final = 1000.0
"""Megabytes that a disk should have left."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and what was found: `bad` stops crawls, `note` is worth knowing."""

    name: str
    mark: Literal["ok", "bad", "note"]
    sentence: str


def examine(settings: BaseSettings) -> Iterator[Finding]:
    """Everything, one after the other, as it is found."""
    checks: tuple[tuple[str, Callable[[BaseSettings], Iterator[Finding]]], ...] = (
        ("configuration", _configuration),
        ("database", _database),
        ("pictures", _pictures),
        ("keys", _keys),
        ("browser", _browser),
        ("disk", _disk),
        ("nodes", _nodes),
        ("alerts", _alerts),
    )
    for name, check in checks:
        try:
            yield from check(settings)
        except UserError as error:
            yield Finding(name, "bad", str(error))


def _configuration(settings: BaseSettings) -> Iterator[Finding]:
    imdb_transport(settings)
    graphql_headers(settings)
    delays(settings)
    Hosts.from_settings(settings)
    Clock.starting(settings.get("CLOCK", ""))
    if settings.get("CLOCK"):
        yield Finding("configuration", "note", "TRR_CLOCK is set: crawls believe that it is another time. Unset it.")
    if not os.environ.get("TRR_CONTACT"):
        yield Finding("configuration", "note", "Sources cannot reach you: set TRR_CONTACT to an address of yours.")
    if not settings.getbool("ROBOTSTXT_OBEY"):
        yield Finding("configuration", "bad", "ROBOTSTXT_OBEY is off: set it to True, sources are to be obeyed.")
    if settings.getfloat("DOWNLOAD_DELAY") <= 0:
        yield Finding("configuration", "bad", "DOWNLOAD_DELAY is 0: set it to 1 or more.")
    yield Finding("configuration", "ok", f"read; {settings['USER_AGENT']}")


def _database(_: BaseSettings) -> Iterator[Finding]:
    url = database.url()
    with database.connect(url) as connection:
        row = connection.execute(
            "SELECT version_num, current_setting('server_version') FROM alembic_version"
        ).fetchone()
        assert row is not None
        yield Finding("database", "ok", f"{database.describe(url)}, PostgreSQL {row[1]}")
        yield Finding("schema", "ok", f"revision {row[0]}")
        skew = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    if skew is not None and abs(seconds := time.time() - float(skew[0])) > 5:
        yield Finding(
            "clock", "bad", f"This clock and the database's differ by {seconds:,.0f} s: set them by NTP, on every node."
        )


def _pictures(settings: BaseSettings) -> Iterator[Finding]:
    store = store_of(settings)
    try:
        next(store.listed(), None)
    except StoreError as error:
        sentence = f"{str(error).rstrip('.')}. Correct IMAGES_STORE, AWS_ENDPOINT_URL or the keys."
        yield Finding("pictures", "bad", sentence)
    else:
        yield Finding("pictures", "ok", f"kept in {store.name}")


def _keys(_: BaseSettings) -> Iterator[Finding]:
    key = tmdb_key()
    if key is None:
        yield Finding("keys", "note", "TMDb's spiders need one: set TMDB_BEARER_TOKEN.")
    else:
        yield Finding("keys", "ok", f"{key.variable} is set; only a crawl shows whether TMDb takes it")


def _browser(settings: BaseSettings) -> Iterator[Finding]:
    needed: Literal["bad", "note"] = "bad" if settings.get("IMDB_TRANSPORT") == "browser" else "note"
    path = os.environ.get("PLAYWRIGHT_CHROMIUM") or _playwrights_own()
    if path is None or shutil.which(path) is None:
        found = f"{path} is not there" if path else "Playwright has none"
        yield Finding("browser", needed, f"{found}: run playwright install chromium, or set PLAYWRIGHT_CHROMIUM.")
        return
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        yield Finding("browser", needed, f"{path} does not start: {one_line(error)}. Install it anew.")
    else:
        yield Finding("browser", "ok", done.stdout.strip())


def _playwrights_own() -> str | None:
    code = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() or None


def _disk(settings: BaseSettings) -> Iterator[Finding]:
    if (sentence := disk.too_full(settings)) is not None:
        yield Finding("disk", "bad", sentence)
        return
    folder = disk.written_to(settings)[0]
    left = shutil.disk_usage(folder).free / disk.MEGABYTE
    words = f"{left:,.0f} MB left at {folder}"
    yield Finding("disk", "ok", words) if left > ROOM else Finding("disk", "note", f"only {words}: make room soon.")


def _nodes(settings: BaseSettings) -> Iterator[Finding]:
    urls = settings.get("SCRAPYD_NODES")
    if not urls:
        yield Finding("nodes", "note", "none is configured: SCRAPYD_NODES names them")
        return
    try:
        from trr_crawl.fleet.nodes import NodeError, configured
    except ImportError as error:
        yield Finding("nodes", "bad", f"{error.name} is not installed: pip install 'trr[fleet]'.")
        return
    for node in configured(urls):
        try:
            load = node.load()
        except NodeError as error:
            yield Finding("nodes", "bad", f"{node.name}: {error}. Start Scrapyd there, or correct SCRAPYD_NODES.")
            continue
        try:
            spiders = node.spiders()
        except NodeError as error:
            yield Finding("nodes", "bad", f"{node.name} cannot list our spiders: {error}. Run: scrapy deploy")
            continue
        if load.pending and not load.running:
            yield Finding("nodes", "note", f"{node.name} has {load.pending} jobs waiting and runs none: restart it.")
        else:
            yield Finding("nodes", "ok", f"{node.name}: {len(spiders)} spiders, {load.running} running")


def _alerts(_: BaseSettings) -> Iterator[Finding]:
    configured = targets.configured()
    if not configured:
        yield Finding("alerts", "note", "nobody is told what checks find: ALERTS names who is to be")
        return
    with database.connect(database.url()) as connection:
        late = dict(
            connection.execute(
                "SELECT target, (array_agg(coalesce(last_error, 'nobody tried') ORDER BY id))[1] FROM alerts "
                "WHERE delivered_at IS NULL AND gave_up_at IS NULL AND at < now() - interval '1 hour' GROUP BY target"
            ).fetchall()
        )
    for target in configured:
        if target.name in late:
            yield Finding("alerts", "bad", f"{target} has not heard of all: {late[target.name]}. See scrapy alerts.")
        else:
            yield Finding("alerts", "ok", f"{target} is told of findings; scrapy alerts test tries it")
