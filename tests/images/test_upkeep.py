"""Pruning deletes what nobody names and nothing else; rehosting loses nothing on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from images.conftest import Bucket
from psycopg import Connection

from support import scrapy
from trr_crawl.catalog import hosting
from trr_crawl.images import upkeep
from trr_crawl.images.stores import LocalStore, S3Store, Store, StoreError

NOW, HOUR = timedelta(0), timedelta(hours=1)


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of either kind."""
    if request.param == "local":
        return LocalStore(tmp_path / "objects")
    bucket: Bucket = request.getfixturevalue("bucket")
    return s3(bucket, "test/")


def s3(bucket: Bucket, prefix: str) -> S3Store:
    return S3Store(
        bucket.name, prefix, "https://cdn.pictures.test/", region="us-east-1", endpoint_url=bucket.endpoint_url
    )


@pytest.fixture
def catalog(crawl_url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(crawl_url, autocommit=True) as connection:
        yield connection


def key_of(store: Store, content: bytes, place: str = "images/shows/tt1/poster/imdb") -> str:
    return f"{store.prefix}{place}/{hashlib.sha256(content).hexdigest()}.jpg"


def put(store: Store, content: bytes) -> str:
    """Store an object that nobody names."""
    key = key_of(store, content)
    store.put(key, content, "image/jpeg")
    return key


def keep(connection: Connection[Any], store: Store, content: bytes) -> str:
    """Store an object and name it."""
    key, sha256 = put(store, content), hashlib.sha256(content).hexdigest()
    facts = {"sha256": sha256, "content_type": "image/jpeg", "bytes": len(content), "width": 1, "height": 1}
    stored = hosting.Object(key=key, variant="original", store=store.name, url=store.base_url + key, **facts)
    source = hosting.Source(url=f"https://m.media-amazon.com/{key}")
    hosting.record(connection, [hosting.Stored(file=hosting.File(**facts), objects=[stored], source=source)])
    return key


def prune(connection: Connection[Any], store: Store, grace: timedelta = NOW, **how: bool) -> upkeep.Pruned:
    return upkeep.prune(connection, store, grace, dry_run=how.get("dry_run", False), told=lambda _key: None)


def keys(store: Store) -> list[str]:
    return [entry.key for entry in store.listed()]


def test_only_old_objects_that_nobody_names_are_deleted(
    catalog: Connection[Any], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "AT_ONCE", 2)
    kept = [keep(catalog, store, b"kept %d" % n) for n in range(3)]
    orphans = [put(store, b"orphan %d" % n) for n in range(5)]
    outside = f"{store.prefix}backup/images/dump.jpg"
    store.put(outside, b"not ours", "image/jpeg")

    assert prune(catalog, store, HOUR).young == 5
    assert prune(catalog, store, dry_run=True).deleted == 5
    assert len(keys(store)) == 8, "nothing yet"
    done = prune(catalog, store)
    assert (done.listed, done.named, done.young, done.deleted) == (8, 3, 0, 5)
    assert done.bytes == sum(len(b"orphan 0") for _ in orphans)
    assert keys(store) == sorted(kept)
    assert store.get(outside) == b"not ours"


def test_what_is_younger_than_a_run_that_goes_on_is_spared(catalog: Connection[Any], store: Store) -> None:
    keep(catalog, store, b"kept")
    put(store, b"stored by a run, and not named yet")
    catalog.execute(
        """
        INSERT INTO crawl_runs (spider, host, pid, version, started_at)
        VALUES ('imdb_title', 'here', 1, '1', now() - interval '1 hour')
        """
    )
    assert prune(catalog, store).young == 1
    catalog.execute("UPDATE crawl_runs SET outcome = 'ok', finished_at = now()")
    assert prune(catalog, store).deleted == 1


def test_what_is_named_while_pruning_goes_on_is_spared(
    catalog: Connection[Any], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(catalog, store, b"kept")
    stream = list(hosting.keys(catalog, store.name))
    late = keep(catalog, store, b"late")
    monkeypatch.setattr(hosting, "keys", lambda *_: iter(stream))  # it began before the row was written
    assert prune(catalog, store).deleted == 0
    assert late in keys(store)


def test_a_store_that_the_catalog_does_not_know_is_left_alone(catalog: Connection[Any], store: Store) -> None:
    put(store, b"of another catalog")
    with pytest.raises(StoreError, match=r"names no object of .*: check DATABASE_URL and IMAGES_STORE"):
        prune(catalog, store)
    assert len(keys(store)) == 1


def test_another_prefix_of_the_bucket_is_never_touched(catalog: Connection[Any], bucket: Bucket) -> None:
    production, development = s3(bucket, "prod/"), s3(bucket, "dev/")
    theirs = put(production, b"of production")
    keep(catalog, development, b"kept")
    put(development, b"orphan")
    assert prune(catalog, development).deleted == 1
    assert keys(production) == [theirs]


def test_objects_that_the_store_keeps_all_the_same_are_an_error(bucket: Bucket) -> None:
    store = s3(bucket, "")

    class Refusing:
        """S3 answers 200 and lists what it did not delete."""

        def delete_objects(self, **_: Any) -> dict[str, Any]:
            return {"Errors": [{"Key": "images/a", "Message": "Access Denied"}]}

    store._client = Refusing()
    with pytest.raises(StoreError, match="kept 1 of 2 objects: images/a: Access Denied"):
        store.delete(["images/a", "images/b"])


@given(st.lists(st.text("ab-./0", min_size=1, max_size=6), max_size=12))
def test_a_folder_lists_in_the_order_of_keys(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    store = LocalStore(tmp_path_factory.mktemp("objects"))
    for name in names:
        parts = [part.replace(".", "") or "x" for part in name.split("/")]
        store.put(f"images/{'/'.join(f'{part}-' for part in parts[:-1])}/{parts[-1]}.jpg", b"x", "image/jpeg")
    found = keys(store)
    assert found == sorted(found, key=str.encode)


def test_a_new_address_rewrites_rows_and_copies_nothing(catalog: Connection[Any], bucket: Bucket) -> None:
    old = s3(bucket, "test/")
    key = keep(catalog, old, b"one")
    puts = bucket.puts()
    options = [*bucket.options, "-s", "IMAGES_CDN_URL=https://new.pictures.test"]
    dry = scrapy("rehost", "--dry-run", *options)
    assert dry.status == 0, dry.output
    assert "1 addresses would be changed" in dry.output
    assert catalog.execute("SELECT url FROM image_objects").fetchall() == [(f"https://cdn.pictures.test/{key}",)]
    run = scrapy("rehost", *options)
    assert "0 objects copied" in run.output
    assert catalog.execute("SELECT url FROM image_objects").fetchall() == [(f"https://new.pictures.test/{key}",)]
    assert bucket.puts() == puts
    assert "1 objects in their place" in scrapy("rehost", *options).output


def test_a_new_store_gets_copies_before_rows_say_so(
    catalog: Connection[Any], bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "MOVED_AT_ONCE", 2)
    folder = LocalStore(tmp_path)
    kept = [keep(catalog, folder, b"picture %d" % n) for n in range(5)]
    folder.put(kept[0], b"somebody changed", "image/jpeg")
    target = s3(bucket, "my-images/")
    done = upkeep.rehost(catalog, target, lambda _name: folder, dry_run=False, told=lambda _move: None)
    assert (done.copied, done.in_place, done.missing) == (4, 0, [kept[0]])
    rows = catalog.execute("SELECT key, store FROM image_objects ORDER BY key").fetchall()
    assert rows == sorted([(kept[0], folder.name), *((f"my-images/{key}", target.name) for key in kept[1:])])
    assert sorted(bucket.objects()) == sorted(f"my-images/{key}" for key in kept[1:])
    again = upkeep.rehost(catalog, target, lambda _name: folder, dry_run=False, told=lambda _move: None)
    assert (again.copied, again.in_place) == (0, 4)


def test_the_command_prunes_what_the_settings_name(catalog: Connection[Any], bucket: Bucket) -> None:
    store = s3(bucket, "test/")
    keep(catalog, store, b"kept")
    orphan = put(store, b"orphan")
    dry = scrapy("prune-images", "--dry-run", "--grace", "0", *bucket.options)
    assert f"would delete {orphan}" in dry.output
    assert "1 to delete" in dry.output
    assert orphan in keys(store)
    run = scrapy("prune-images", "--grace", "0", *bucket.options)
    assert run.status == 0, run.output
    assert orphan not in keys(store)
