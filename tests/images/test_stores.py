"""Stores by their settings, the keys of objects, and which items name which pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from images.conftest import Bucket
from scrapy.settings import Settings

from trr_crawl.doctor import Finding, examine
from trr_crawl.images.keys import object_key
from trr_crawl.images.stores import LocalStore, S3Store, StoreError, opened
from trr_crawl.images.wanted import Wanted
from trr_crawl.items import (
    Company,
    Episode,
    FandomPage,
    GalleryEntry,
    Image,
    ImageRequest,
    Item,
    Network,
    Person,
    Picture,
    Season,
    Show,
)

S3: dict[str, Any] = {"region": "us-east-1", "endpoint_url": "http://127.0.0.1:1"}


def test_without_settings_objects_are_under_trr_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRR_HOME", str(tmp_path))
    store = opened("")
    assert isinstance(store, LocalStore)
    assert (store.folder, store.base_url) == (tmp_path / "objects", "/objects/")
    assert not (tmp_path / "objects").exists(), "until something is stored"


@pytest.mark.parametrize(
    ("place", "prefix"),
    [("s3://pictures", ""), ("s3://pictures/", ""), ("s3://pictures/a/b/", "a/b/"), ("s3://pictures//a", "a/")],
)
def test_a_bucket_may_have_a_prefix(place: str, prefix: str) -> None:
    store = opened(place, cdn_url="https://cdn.pictures.test/x/", **S3)
    assert isinstance(store, S3Store)
    assert (store.name, store.prefix, store.base_url) == ("s3://pictures", prefix, "https://cdn.pictures.test/x/")


def test_amazon_has_an_address_of_its_own_for_every_bucket() -> None:
    store = opened("s3://pictures", region="eu-central-1")
    assert store.base_url == "https://pictures.s3.eu-central-1.amazonaws.com/"


@pytest.mark.parametrize(
    ("place", "options", "reason"),
    [
        ("gs://pictures", {}, "neither s3://bucket/prefix nor a folder"),
        ("s3://", S3, "'' is no name of a bucket"),
        ("s3://Bad_Name", S3, "is no name of a bucket"),
        ("s3://pictures", S3, "IMAGES_CDN_URL is not set"),
        ("s3://pictures", {}, "IMAGES_CDN_URL is not set"),
        ("s3://pictures", {**S3, "cdn_url": "http://cdn.pictures.test"}, "is no address such as https"),
        ("s3://pictures", {**S3, "cdn_url": "https://me:pw@cdn.pictures.test"}, "is no address such as https"),
        ("s3://pictures", {**S3, "cdn_url": "https://cdn.pictures.test/?a=b"}, "is no address such as https"),
        ("s3://pictures", {**S3, "cdn_url": "https://localhost"}, "is no address such as https"),
        ("s3://pictures", {**S3, "cdn_url": "https://dxxxx.cloudfront.net"}, "placeholder of a manual"),
        ("s3://pictures", {"region": "us-east-1", "profile": "nobody"}, "profile .nobody. could not be found"),
    ],
)
def test_settings_that_cannot_be_meant_are_told(place: str, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(StoreError, match=reason):
        opened(place, **options)


def test_a_store_that_is_not_there_says_so_in_one_sentence(bucket: Bucket) -> None:
    missing = S3Store("no-such-bucket", "", "https://x.test/", region="us-east-1", endpoint_url=bucket.endpoint_url)
    with pytest.raises(StoreError, match=r"s3://no-such-bucket did not take images/a: .*NoSuchBucket"):
        missing.put("images/a", b"x", "image/jpeg")
    with pytest.raises(StoreError, match="cannot be listed"):
        list(missing.listed())


def test_the_doctor_asks_the_bucket(bucket: Bucket, crawl_url: str) -> None:
    def found(*options: str) -> Finding:
        settings = Settings()
        settings.setmodule("trr_crawl.settings", "project")
        for pair in [*bucket.options, *options][1::2]:
            settings.set(*pair.split("=", 1), priority="cmdline")
        return next(finding for finding in examine(settings) if finding.name == "pictures")

    assert found() == Finding("pictures", "ok", f"kept in s3://{bucket.name}")
    gone = found("-s", "IMAGES_STORE=s3://gone")
    assert gone.mark == "bad"
    assert "s3://gone cannot be listed" in gone.sentence
    assert "Correct IMAGES_STORE" in gone.sentence
    meant = found("-s", "IMAGES_CDN_URL=")
    assert (meant.mark, "IMAGES_CDN_URL is not set" in meant.sentence) == ("bad", True)


def test_no_key_leads_out_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="leads out of the store"):
        LocalStore(tmp_path).put("images/../../x", b"x", "image/jpeg")


def request(**fields: Any) -> ImageRequest:
    known = {"url": "https://u", "owners": "shows", "owner_id": "tt1", "image_kind": "poster", "source": "imdb"}
    return ImageRequest(**{**known, **fields})


@pytest.mark.parametrize(
    ("wanted", "variant", "key"),
    [
        (request(), "original", "p/images/shows/tt1/poster/imdb/{hash}.jpg"),
        (request(), "200", "p/images/shows/tt1/poster/imdb/{hash}-200.jpg"),
        (request(owners="seasons", owner_id="tt1/2"), "original", "p/images/seasons/tt1-2/poster/imdb/{hash}.jpg"),
        (request(owner_id="de/quay:5"), "original", "p/images/shows/de-quay-5/poster/imdb/{hash}.jpg"),
        (request(owner_id="../.."), "original", "p/images/shows/-/poster/imdb/{hash}.jpg"),
        (request(image_kind=""), "original", "p/images/shows/tt1/-/imdb/{hash}.jpg"),
    ],
)
def test_keys(wanted: ImageRequest, variant: str, key: str) -> None:
    assert object_key("p/", wanted, "a" * 64, "jpg", variant) == key.format(hash="a" * 64)


def test_items_name_their_pictures() -> None:
    image = Image(url="https://i/own")
    items: list[tuple[Item, list[tuple[str, str, str, str]]]] = [
        (Show(source="imdb", id="tt1", image=image), [("shows", "tt1", "primary", "https://i/own")]),
        (
            Season(source="imdb", show_id="tt1", season_number=2, image=image),
            [("seasons", "tt1/2", "primary", image.url)],
        ),
        (Episode(source="imdb", id="tt2", show_id="tt1", image=image), [("episodes", "tt2", "primary", image.url)]),
        (Person(source="imdb", id="nm1", image=image), [("people", "nm1", "primary", image.url)]),
        (Person(source="imdb", id="nm1", image=None), []),
        (Show(source="imdb", id="tt1"), []),
        (FandomPage(source="fandom", wiki="w", page_id=5, image=image), []),
        (
            FandomPage(source="fandom", wiki="w", page_id=5, image=image, person_id="w:5"),
            [("people", "w:5", "primary", image.url)],
        ),
        (
            Network(
                source="tmdb",
                id="7",
                logo_url="https://i/a",
                logos=[Image(url="https://i/a"), Image(url="https://i/b")],
            ),
            [("logos", "7", "network", "https://i/a"), ("logos", "7", "network", "https://i/b")],
        ),
        (Company(source="tmdb", id="7", logo_url=None), []),
        (Picture(source="tmdb", picture_id="p", url="https://i/p", image_type="poster"), []),
        (GalleryEntry(source="imdb", picture_id="p", show_id="1"), []),
        (GalleryEntry(source="tmdb", picture_id="p", show_id="1"), [("shows", "1", "poster", "https://i/p")]),
        (
            GalleryEntry(source="tmdb", picture_id="p", show_id="1", season_number=0),
            [("seasons", "1/0", "poster", "https://i/p")],
        ),
        (GalleryEntry(source="tmdb", picture_id="p", person_id="9"), [("people", "9", "poster", "https://i/p")]),
    ]
    wanted = Wanted()
    for item, expected in items:
        found = list(wanted.of(item))
        assert [(one.owners, one.owner_id, one.image_kind, one.url) for one in found] == expected, item
        assert all(one.source == item.source for one in found)
