"""Pictures that we keep: where resources show them from, and the local store on the API's own address."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from serving import Checked, served, settings
from stock import SHOW, put, record
from trr_api.app import create_app
from trr_crawl.catalog import hosting, write
from trr_crawl.catalog.hosting import File, Object, Source, Stored
from trr_crawl.images.stores import LocalStore

POSTER = "https://pictures.example/Tide.jpg"
CONTENT = b"\xff\xd8\xff bytes of a picture"
KEY = f"images/shows/{SHOW}/poster/imdb/{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def client(crawl_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    """Asks a catalog with one show, whose poster is kept in a folder, thumbnail and all."""
    store = LocalStore(tmp_path)
    store.put(f"{KEY}.jpg", CONTENT, "image/jpeg")
    store.put(f"{KEY}-200.webp", b"RIFF", "image/webp")
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    objects = [
        Object(
            key=f"{KEY}{ending}", sha256=sha256, variant=variant, content_type=content_type, bytes=4, width=width,
            height=width * 3 // 2, store=store.name, url=f"/objects/{KEY}{ending}",
        )
        for variant, ending, content_type, width in (
            ("original", ".jpg", "image/jpeg", 1000),
            ("200", "-200.webp", "image/webp", 200),
        )
    ]  # fmt: skip
    file = File(sha256=sha256, content_type="image/jpeg", bytes=len(CONTENT), width=1000, height=1500, blurhash="LEHV")
    with psycopg.connect(crawl_url, autocommit=True) as connection:
        write.prepare(connection)
        put(
            connection,
            record("show", SHOW, title="Tide"),
            record("image", "MV5BTide", url=POSTER, width=2000, height=3000, image_type="poster"),
            record("image", "MV5BOther", url=f"{POSTER}?", image_type="poster"),
            record("gallery_entry", f"{SHOW}/MV5BOther", picture_id="MV5BOther", show_id=SHOW, position=1),
            record("gallery_entry", f"{SHOW}/MV5BTide", picture_id="MV5BTide", show_id=SHOW, position=2),
        )
        hosting.record(connection, [Stored(file=file, objects=objects, source=Source(url=POSTER))])
    app = create_app(settings(crawl_url, images_store=str(tmp_path)))
    with served(app) as address, httpx.Client(base_url=address, event_hooks={"response": [Checked(app)]}) as opened:
        yield opened


def test_a_kept_picture_is_shown_from_our_copy(client: httpx.Client) -> None:
    [show] = client.get("/api/v1/shows").json()["data"]
    poster = show["poster"]
    assert (poster["url"], poster["source_url"], poster["source"]) == (f"/objects/{KEY}.jpg", POSTER, "imdb")
    assert (poster["hosted"]["width"], poster["hosted"]["blurhash"]) == (1000, "LEHV")
    assert [(one["variant"], one["url"]) for one in poster["hosted"]["variants"]] == [
        ("200", f"/objects/{KEY}-200.webp")
    ]
    pictures = client.get(f"/api/v1/shows/{show['slug']}/images").json()["data"]
    assert [(one["url"], one["primary"], one["hosted"] is None) for one in pictures] == [
        (f"/objects/{KEY}.jpg", True, False),
        (f"{POSTER}?", False, True),
    ]


def test_a_picture_is_not_found_before_there_is_a_store(stocked_url: str, tmp_path: Path) -> None:
    with served(create_app(settings(stocked_url, images_store=str(tmp_path / "to come")))) as address:
        assert httpx.get(f"{address}/objects/images/none.jpg").status_code == 404


def test_the_local_store_is_served_with_the_headers_of_its_objects(client: httpx.Client) -> None:
    answer = client.get(f"/objects/{KEY}.jpg")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = client.get(f"/objects/{KEY}.jpg", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"/objects/{KEY}-200.webp").headers["content-type"] == "image/webp"
    assert client.head(f"/objects/{KEY}.jpg").headers["content-length"] == str(len(CONTENT))


@pytest.mark.parametrize(
    "path",
    [f"{KEY}.jpg.meta", f"{KEY}.png", "images", "", "../objects", "%2e%2e/%2e%2e/etc/passwd", "a%00b", "a" * 300],
)
def test_nothing_else_of_the_folder_is_served(client: httpx.Client, path: str) -> None:
    assert client.get(f"/objects/{path}").status_code == 404
