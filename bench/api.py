"""The API under load, beside bare routes that send the same bytes; wrk asks over loopback, one worker answers."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from psycopg import Connection

from bench.databases import settle
from trr_api.catalog.credits import queries as credits_
from trr_api.catalog.credits.schemas import CreditsParameters
from trr_api.catalog.episodes import queries as episodes
from trr_api.catalog.episodes.schemas import EpisodesParameters
from trr_api.catalog.shows import queries as shows
from trr_api.catalog.shows.schemas import ShowParameters
from trr_api.queries import Statement
from trr_crawl import database

CONNECTIONS: Final = 32
ROUND_SECONDS: Final = 2
SECRET: Final = "a secret of the measurement"
SLUG: Final = "show-1"
DEPTH: Final = 100_000
"""People before the deep page."""

_FILL: Final = """
INSERT INTO shows (title, original_title, show_type, production_status, start_year, overview, genres, networks,
                   keywords, tags, languages, countries, companies, total_seasons, total_episodes,
                   imdb_rating, imdb_vote_count,
                   tmdb_rating, tmdb_vote_count, tmdb_popularity, tmdb_network_ids, tmdb_company_ids, last_air_date)
SELECT 'Show ' || n, 'Show ' || n, 'tvSeries', 'Returning Series', 2000 + n % 25, repeat('Nobody speaks. ', 20),
       '{Reality-TV,Romance}', '{Harbour Channel}', '{boat,pier,storm,fog,lighthouse}', '{Dating}', '{en}', '{US}',
       '{Pier Pictures}', 5, 250, 7.4, 1200 + n, 6.9, 88, n, '{1}', '{1}', '2026-01-01'
FROM generate_series(1, 1000) n;
INSERT INTO networks (name, country) VALUES ('Harbour Channel', 'US');
INSERT INTO companies (name, country) VALUES ('Pier Pictures', 'US');
INSERT INTO watch_providers (name) SELECT 'Provider ' || n FROM generate_series(1, 8) n;
INSERT INTO external_ids SELECT 'network', 'tmdb', '1', id FROM networks;
INSERT INTO external_ids SELECT 'company', 'tmdb', '1', id FROM companies;
INSERT INTO external_ids SELECT 'show', 'imdb', 'tt' || row_number() OVER (), id FROM shows;
INSERT INTO external_ids SELECT 'show', 'tmdb', row_number() OVER ()::text, id FROM shows;
INSERT INTO offers (show_id, region, offer_type, provider_id, display_priority, link)
SELECT shows.id, region, 'flatrate', watch_providers.id, 1, 'https://offers.example'
FROM shows CROSS JOIN watch_providers CROSS JOIN unnest('{US,DE}'::text[]) region WHERE shows.title = 'Show 1';
INSERT INTO seasons (show_id, season_number, episode_count)
SELECT id, season, 50 FROM shows CROSS JOIN generate_series(1, 5) season;
INSERT INTO episodes (show_id, season_id, season_number, episode_number, title, overview, air_date, imdb_rating,
                      imdb_vote_count, runtime_seconds, genres)
SELECT show_id, id, season_number, number, 'Week ' || number, repeat('Fog. ', 30), date '2020-01-01' + number * 7, 7.1,
       99, 2640, '{Reality-TV}' FROM seasons CROSS JOIN generate_series(1, 50) number WHERE season_number < 3;
INSERT INTO external_ids SELECT 'episode', 'imdb', 'tt9' || row_number() OVER (), id FROM episodes;
INSERT INTO people (name, tmdb_popularity) SELECT 'Person ' || n, n % 1000 FROM generate_series(1, %(people)s) n;
INSERT INTO credits (show_id, person_id, category, category_name, billing_order, characters, as_self, episode_count)
SELECT shows.id, someone.id, 'cast', 'Cast', someone.number, ARRAY['Self'], true, 40
FROM shows, (SELECT id, row_number() OVER () AS number FROM people LIMIT 100) someone WHERE title = 'Show 1';
INSERT INTO images (url, width, height, image_type, provenance)
SELECT 'https://pictures.example/' || n || '.jpg', 1000, 1500, 'poster', '{"url": "tmdb"}'
FROM generate_series(1, 50) n;
INSERT INTO gallery_entries (picture_id, show_id, position)
SELECT images.id, shows.id, row_number() OVER () FROM images, shows WHERE title = 'Show 1';
INSERT INTO changes (kind, entity_id, op, fields) SELECT 'show', id, 'insert', '{}' FROM shows;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What came back under load."""

    requests_per_second: float
    p50: float
    """Seconds."""
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint: the API's 200, its 304, and the bare route."""

    name: str
    size: int
    """Bytes of the body."""
    whole: Load
    unchanged: Load
    bare: Load


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All of it."""

    endpoints: list[Endpoint]
    first_page: Load
    deep_page: Load
    depth: int
    """Rows before the deep page."""


class CannotMeasure(Exception):
    """wrk is missing, or somebody answered wrongly."""


def measure(url: str, *, rounds: int, people: int) -> Result:
    """In an empty, migrated database: fill it, then load each endpoint in so many rounds."""
    if shutil.which("wrk") is None:
        raise CannotMeasure("wrk is not installed: apt-get install wrk")
    with database.connect(url) as connection:
        fill(connection, people)
    statements = _statements()
    routes = [[f"/{name}", *_whole(statement)] for name, (_, statement) in statements.items()]
    with served(url, "trr_api.app:create_app") as api, served(url, "bench.bare:create_app", routes) as bare:
        endpoints = []
        for name, (path, _) in statements.items():
            answer = httpx.get(f"{api}{path}")
            if answer.status_code != 200 or answer.content != httpx.get(f"{bare}/{name}").content:
                raise CannotMeasure(f"{path}: {answer.status_code}, or not the bytes of the bare route")
            bare_load, whole, unchanged = _loads(
                (f"{bare}/{name}", None),
                (f"{api}{path}", None),
                (f"{api}{path}", answer.headers["etag"]),
                rounds=rounds,
            )
            endpoints.append(
                Endpoint(name=name, size=len(answer.content), bare=bare_load, whole=whole, unchanged=unchanged)
            )
        depth = min(DEPTH, people - 100)
        first = f"{api}/api/v1/people?limit=50&sort=name"
        first_page, deep_page = _loads((first, None), (_page_after(first, depth), None), rounds=rounds)
        return Result(endpoints=endpoints, first_page=first_page, deep_page=deep_page, depth=depth)


def fill(connection: Connection[Any], people: int) -> None:
    """One full show among many, and many people."""
    for statement in (_FILL.replace("%(people)s", str(people))).split(";\n"):
        connection.execute(statement.encode())
    connection.commit()
    connection.execute("ANALYZE")
    connection.commit()
    settle(connection)


def _statements() -> dict[str, tuple[str, Statement]]:
    """Name -> (path of the API, what it asks the database)."""
    fifty, hundred = EpisodesParameters(limit=50), CreditsParameters(limit=100)
    return {
        "show": (f"/api/v1/shows/{SLUG}", shows.show(SLUG, ShowParameters())),
        "season-episodes": (
            f"/api/v1/shows/{SLUG}/seasons/1/episodes?limit=50",
            episodes.of_season(SLUG, 1, fifty, None),
        ),
        "credits": (f"/api/v1/shows/{SLUG}/credits?limit=100", credits_.of_show(SLUG, hundred, None)),
    }


def _whole(statement: Statement) -> tuple[str, list[object]]:
    """The same as one statement that gives the whole body, as one would write it by hand."""
    query = statement.query.decode()
    if query.startswith("SELECT listed.*"):
        query = query.replace(
            "SELECT listed.*", """SELECT ('{"data":' || listed.coalesce::text || ',"next_cursor":null}')::json""", 1
        )
    return query, list(statement.values)


def _page_after(first: str, depth: int) -> str:
    """The address of a page so many rows deep, as a reader who went there by limit=100 would have it."""
    address = first.replace("limit=50", "limit=100")
    with httpx.Client() as client:
        for _ in range(depth // 100):
            cursor = client.get(address).json()["next_cursor"]
            address = f"{first.replace('limit=50', 'limit=100')}&cursor={cursor}"
    return address.replace("limit=100", "limit=50")


@contextmanager
def served(url: str, app: str, routes: list[list[Any]] | None = None) -> Iterator[str]:
    """uvicorn in a process, one worker; yields its address."""
    port = free_port()
    environment = {
        "DATABASE_URL": database.without_driver(url),
        "TRR_API_RATE_LIMIT": "1000000000/minute",  # counted, and never reached
        "TRR_API_SECRET": SECRET,
        "BARE_ROUTES": json.dumps(routes or []),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "--factory", app, "--port", str(port), "--no-access-log"],
        env={**os.environ, **environment},
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait(address)
        yield address
    finally:
        process.terminate()
        process.wait()


def wait(address: str) -> None:
    """Until somebody answers there. CannotMeasure after 20 seconds."""
    for _ in range(200):
        try:
            httpx.get(address)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise CannotMeasure(f"nobody answers at {address}")


def free_port() -> int:
    """A TCP port on loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _loads(*asked: tuple[str, str | None], rounds: int) -> list[Load]:
    """The median round of each (address, ETag), measured in turns: a slow moment of the machine hits all of them."""
    measured: list[list[Load]] = [[] for _ in asked]
    for number in range(rounds + 1):
        for found, (address, etag) in zip(measured, asked, strict=True):
            told = load(address, ROUND_SECONDS, etag)
            if number > 0:  # the first one warms up
                found.append(told)
    return [sorted(found, key=lambda one: one.requests_per_second)[len(found) // 2] for found in measured]


def load(address: str, seconds: int, etag: str | None = None, *, script: Path | None = None) -> Load:
    """What wrk measures; a script says what to send where it is no plain GET."""
    options = [] if etag is None else ["-H", f"If-None-Match: {etag}"]
    options += [] if script is None else ["-s", str(script)]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", *options, address]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told:
        raise CannotMeasure(f"{address} answered errors under load:\n{told}")
    rate = re.search(r"Requests/sec:\s*([\d.]+)", told)
    half, most = (re.search(rf"{share}%\s+([\d.]+)(us|ms|s)", told) for share in (50, 99))
    if rate is None or half is None or most is None:
        raise CannotMeasure(f"wrk said something else than expected:\n{told}")
    return Load(requests_per_second=float(rate[1]), p50=_seconds(half), p99=_seconds(most))


def _seconds(found: re.Match[str]) -> float:
    return float(found[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1.0}[found[2]]
