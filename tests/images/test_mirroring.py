"""`scrapy mirror-images`, from hosts that behave and hosts that do not, into S3 over HTTP and into a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

import psycopg
from images.conftest import Bucket
from images.pictures import (
    SVG,
    PictureOrigin,
    bomb,
    image_reply,
    in_gallery,
    name,
    network,
    picture,
    show,
)
from origin import Reply, serving
from psycopg.rows import dict_row

from support import Crawl, scrapy
from trr_crawl.downloads import SPOOLED

SHOW = {"show_id": "tt99000001"}


def mirror(*options: str | Path, **environment: str) -> Crawl:
    return scrapy("mirror-images", *options, **environment)


def rows(url: str, query: str) -> list[dict[str, object]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()  # type: ignore[arg-type]


def test_pictures_are_stored_once_with_their_variants_and_noted(crawl_url: str, bucket: Bucket) -> None:
    poster, twin = picture(1), picture(2, (300, 450))
    digest = hashlib.sha256(poster).hexdigest()
    origin = PictureOrigin(
        {
            "/a.jpg": image_reply(poster, ETag='"one"', Last_Modified="Sat, 01 Aug 2026 10:00:00 GMT"),
            "/same.jpg": image_reply(poster, "application/octet-stream"),
            "/moved.jpg": Reply(status=302, headers={"Location": "/b.jpg"}),
            "/b.jpg": image_reply(twin, "text/plain"),
            "/logo.svg": image_reply(SVG, "image/svg+xml"),
        }
    )
    with serving(origin):
        name(
            crawl_url,
            show(f"{origin.url}/a.jpg"),
            *in_gallery(f"{origin.url}/same.jpg", SHOW, "imdb", image_type="poster"),
            *in_gallery(f"{origin.url}/moved.jpg", SHOW, "imdb", image_type="still_frame"),
            network(f"{origin.url}/logo.svg"),
        )
        first = mirror(*origin.options, *bucket.options)
        assert first.status == 0, first.output
        asked, puts = len(origin.pages_asked), bucket.puts()
        again = mirror(*origin.options, *bucket.options)
        assert again.status == 0
        assert "All pictures are kept, and fresh." in again.output
        scheduled = scrapy("crawl", "mirror_images", *origin.options, *bucket.options)
        assert scheduled.status == 0, "nothing to do is no failure"
        assert (len(origin.pages_asked), bucket.puts()) == (asked, puts)

    keys = bucket.objects()
    assert puts == len(keys), "something was put twice"
    assert {key.partition(digest)[2] for key in keys if digest in key} == {
        *(".jpg", "-200.webp", "-400.webp", "-800.webp"),
    }
    assert sum("/logos/7/network/tmdb/" in key for key in keys) == 2
    [original] = [key for key in keys if key.endswith(f"{digest}.jpg")]
    head = bucket.client.get_object(Bucket=bucket.name, Key=original)
    assert head["ContentType"] == "image/jpeg"
    assert head["CacheControl"] == "public, max-age=31536000, immutable"
    assert head["Body"].read() == poster

    by_path = {
        str(row["url"]).removeprefix(origin.url): row
        for row in rows(crawl_url, "SELECT * FROM hosted_images ORDER BY url")
    }
    assert set(by_path) == {"/a.jpg", "/same.jpg", "/moved.jpg", "/logo.svg"}
    assert by_path["/a.jpg"]["sha256"] == by_path["/same.jpg"]["sha256"] == digest
    assert by_path["/a.jpg"]["hosted_url"] == f"https://cdn.pictures.test/{original}"
    assert (by_path["/a.jpg"]["width"], by_path["/a.jpg"]["height"]) == (900, 600)
    assert original.startswith("test/images/shows/tt99000001/")
    variants = by_path["/moved.jpg"]["variants"]
    assert isinstance(variants, list)
    assert [(variant["variant"], variant["height"]) for variant in variants] == [("200", 300)], "never larger"
    assert by_path["/logo.svg"]["content_type"] == "image/png"
    assert by_path["/logo.svg"]["dominant_colour"] == "#2040c0"
    run, scheduled_run = rows(crawl_url, "SELECT outcome, images, gaps FROM crawl_runs ORDER BY started_at")
    assert run == {"outcome": "ok", "images": 4, "gaps": []}
    assert scheduled_run == {"outcome": "ok", "images": 0, "gaps": []}
    [served] = rows(crawl_url, "SELECT served_url FROM served_images WHERE image_type = 'still_frame'")
    assert str(served["served_url"]).startswith("https://cdn.pictures.test/test/images/")


def test_an_old_picture_is_asked_for_again_and_sent_only_if_it_changed(crawl_url: str, bucket: Bucket) -> None:
    old, new = image_reply(picture(1), ETag='"one"'), image_reply(picture(2), ETag='"two"')
    origin = PictureOrigin({"/a.jpg": old, "/b.jpg": old})
    with serving(origin):
        name(crawl_url, show(f"{origin.url}/a.jpg"), show(f"{origin.url}/b.jpg", "tt99000002"))
        expired = ("--force", "-s", "IMAGES_VARIANTS=0")
        assert mirror(*origin.options, *bucket.options, *expired).status == 0
        puts = bucket.puts()
        assert puts == 1, "both addresses give the same bytes"
        origin.replies["/b.jpg"] = new
        assert mirror(*origin.options, *bucket.options, *expired).status == 0
    assert bucket.puts() == 2
    assert [asked.headers.get("If-None-Match") for asked in origin.asked if asked.path == "/a.jpg"] == [None, '"one"']
    hashes = rows(crawl_url, "SELECT sha256, etag FROM image_sources ORDER BY url")
    assert [row["etag"] for row in hashes] == ['"one"', '"two"']
    assert len({row["sha256"] for row in hashes}) == 2


def test_what_is_no_picture_is_refused_with_its_reason(crawl_url: str, bucket: Bucket) -> None:
    good, flawed = picture(3), bytearray(picture(5, format_="PNG"))
    flawed[len(flawed) // 2] ^= 0xFF
    inner = PictureOrigin({"/secret": image_reply(good)})
    origin = PictureOrigin(
        {
            "/good.jpg": image_reply(good),
            "/storm.jpg": Reply(b"trouble", 500),
            "/cut.jpg": Reply(
                good[:-900],
                headers={"Content-Type": "image/jpeg", "Content-Length": str(len(good)), "Connection": "close"},
            ),
            "/broken.png": image_reply(bytes(flawed), "image/png"),
            "/page.jpg": image_reply(b"<!DOCTYPE html><html><body>Not found</body></html>"),
            "/bomb.png": image_reply(bomb(), "image/png"),
            "/large.jpg": image_reply(good + b"\0" * 300_000),
            "/drawing.jpg": image_reply(SVG, "image/jpeg"),
            "/cloud.jpg": Reply(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"}),
        }
    )
    with serving(inner), serving(origin):
        origin.replies["/inside.jpg"] = Reply(status=302, headers={"Location": f"{inner.url}/secret"})
        paths = [*origin.replies, "/missing.jpg"]
        name(
            crawl_url,
            *(
                record
                for path in paths
                for record in in_gallery(f"{origin.url}{path}", SHOW, "imdb", image_type="event")
            ),
            show("https://pictures.elsewhere.test/a.jpg"),
            show("http://m.media-amazon.com/a.jpg", "tt99000002"),
            show("https://m.media-amazon.com:8443/a.jpg", "tt99000003"),
            show("/images/a.jpg", "tt99000004"),
        )
        limits = ("-s", "IMAGES_MAX_BYTES=250000")
        run = mirror(*origin.options, *bucket.options, *limits)
        assert run.status == 3, run.output
        assert inner.asked == []
        assert origin.count("/storm.jpg") == 2, "once, and again"
        again = mirror(*origin.options, *bucket.options, *limits)
        assert again.status == 3
        assert origin.count("/page.jpg") == origin.count("/missing.jpg") == 1, "not before IMAGES_EXPIRES"

    assert "Traceback" not in run.output
    assert all(hashlib.sha256(good).hexdigest() in key for key in bucket.objects())
    rejects = {
        str(row["key"]).rpartition("/")[2]: str(row["error"])
        for row in rows(crawl_url, "SELECT key, error FROM crawl_rejects WHERE key LIKE 'http://127%'")
    }
    expected = {
        "broken.png": "it cannot be decoded",
        "page.jpg": "it is HTML, no picture",
        "bomb.png": "far more pixels than any picture",
        "large.jpg": "more than 250,000 bytes",
        "drawing.jpg": "SVG drawing, which only logos may be",
        "inside.jpg": f"{inner.url}/secret is not https",
        "cloud.jpg": "http://169.254.169.254/latest/meta-data/ is not https",
    }
    assert set(rejects) == set(expected)
    for path, reason in expected.items():
        assert reason in rejects[path], (path, rejects[path])
    strange = rows(crawl_url, "SELECT error FROM crawl_rejects WHERE key NOT LIKE 'http://127%' ORDER BY key")
    assert [row["error"] for row in strange] == [
        "'/images/a.jpg' is no address: Missing scheme in request url: /images/a.jpg",
        "http://m.media-amazon.com/a.jpg is not https",
        "m.media-amazon.com:8443 is no host of imdb's pictures",
        "pictures.elsewhere.test is no host of imdb's pictures",
    ]
    [missing] = rows(crawl_url, "SELECT error FROM image_sources WHERE url LIKE '%missing.jpg'")
    assert "has no such page (404)" in str(missing["error"])
    known = rows(crawl_url, "SELECT url FROM image_sources WHERE url LIKE '%storm.jpg' OR url LIKE '%cut.jpg'")
    assert known == [], "trouble of the host says nothing about the picture"


def test_a_name_that_leads_to_a_private_address_is_refused_by_the_resolver(crawl_url: str, tmp_path: Path) -> None:
    name(crawl_url, show("https://localhost/a.jpg"))
    run = mirror(
        *("-s", 'IMAGES_HOSTS={"imdb": ["localhost"]}', "-s", "ROBOTSTXT_OBEY=0", "-s", "RETRY_ENABLED=0"),
        *("-s", f"IMAGES_STORE={tmp_path}", "-s", "DOWNLOAD_DELAY=0"),
    )
    assert run.status == 3, run.output
    assert "localhost leads to 127.0.0.1, which is no public address" in run.output, run.output


def test_a_dry_run_touches_nothing(crawl_url: str, bucket: Bucket) -> None:
    origin = PictureOrigin({"/a.jpg": image_reply(picture(1))})
    with serving(origin):
        name(crawl_url, show(f"{origin.url}/a.jpg"))
        run = mirror("--dry-run", *origin.options, *bucket.options)
        crawl = scrapy("crawl", "mirror_images", "-a", "dry_run=true", *origin.options, *bucket.options)
    assert run.status == crawl.status == 0, run.output + crawl.output
    assert f"shows/tt99000001 primary {origin.url}/a.jpg" in run.output
    assert "1 pictures to fetch" in run.output
    assert (origin.asked, bucket.objects()) == ([], [])
    assert rows(crawl_url, "SELECT * FROM image_sources") == rows(crawl_url, "SELECT * FROM crawl_runs") == []


def test_filters_choose_by_show_person_source_and_kind(crawl_url: str) -> None:
    of_person = {"person_id": "nm99000001"}
    name(
        crawl_url,
        show("https://m.media-amazon.com/one.jpg"),
        show("https://m.media-amazon.com/two.jpg", "tt99000002"),
        *in_gallery("https://m.media-amazon.com/poster.jpg", SHOW, "imdb", image_type="poster"),
        *in_gallery("https://m.media-amazon.com/face.jpg", of_person, "imdb", image_type="event"),
        network("https://image.tmdb.org/t/p/original/logo.png"),
    )

    def listed(*options: str) -> set[str]:
        run = mirror("--dry-run", *options)
        assert run.status == 0, run.output
        return {line.rpartition("/")[2] for line in run.output.splitlines() if "https://" in line}

    assert listed() == {"one.jpg", "two.jpg", "poster.jpg", "face.jpg", "logo.png"}
    assert listed("--show", "tt99000001") == {"one.jpg", "poster.jpg"}
    assert listed("--person", "nm99000001", "--source", "imdb") == {"face.jpg"}
    assert listed("--source", "tmdb") == {"logo.png"}
    assert listed("--kind", "primary", "--limit", "1") < {"one.jpg", "two.jpg"}
    unknown = mirror("--dry-run", "--show", "tt99999999")
    assert unknown.status == 1
    assert "the catalog knows no show tt99999999" in unknown.output


def test_a_folder_keeps_the_same_keys_and_metadata(crawl_url: str, tmp_path: Path) -> None:
    origin = PictureOrigin({"/a.png": image_reply(picture(4, (150, 100), "PNG"), "image/png")})
    with serving(origin):
        name(crawl_url, show(f"{origin.url}/a.png"))
        run = mirror(*origin.options, "-s", f"IMAGES_STORE={tmp_path}")
    assert run.status == 0, run.output
    [row] = rows(crawl_url, "SELECT key, url FROM image_objects")
    assert str(row["key"]).startswith("images/shows/tt99000001/primary/imdb/")
    assert row["url"] == f"/objects/{row['key']}"
    stored = tmp_path / str(row["key"])
    assert stored.read_bytes() == origin.replies["/a.png"].body
    assert '"Content-Type":"image/png"' in Path(f"{stored}.meta").read_text()


def test_pictures_are_archived_and_replayed(crawl_url: str, tmp_path: Path) -> None:
    origin = PictureOrigin(
        {"/a.jpg": image_reply(picture(1)), "/large.jpg": image_reply(picture(2, (900, 600), "PNG", compress_level=0))}
    )
    archive = tmp_path / "pictures.warc.gz"
    with serving(origin):
        for path in origin.replies:
            name(crawl_url, *in_gallery(f"{origin.url}{path}", SHOW, "imdb"))
        recorded = mirror(*origin.options, "-s", f"ARCHIVE={archive}", "-s", f"IMAGES_STORE={tmp_path / 'live'}")
        assert recorded.status == 0, recorded.output
    assert len(origin.replies["/large.jpg"].body) > SPOOLED, "it went by the disk"
    with psycopg.connect(crawl_url) as connection:
        connection.execute("TRUNCATE image_files, image_objects, image_sources")
    replayed = mirror(*origin.options, "-s", f"REPLAY={archive}", "-s", f"IMAGES_STORE={tmp_path / 'replayed'}")
    assert replayed.status == 0, replayed.output

    def kept(folder: str) -> dict[str, bytes]:
        root = tmp_path / folder
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    assert kept("replayed") == kept("live")
    assert origin.count("/a.jpg") == 1


def test_a_store_that_takes_nothing_ends_the_fetching(crawl_url: str, bucket: Bucket) -> None:
    origin = PictureOrigin({f"/{n}.jpg": image_reply(picture(n, (60, 40))) for n in range(30)})
    with serving(origin):
        name(crawl_url, *(record for n in range(30) for record in in_gallery(f"{origin.url}/{n}.jpg", SHOW, "imdb")))
        run = mirror(
            *origin.options, *bucket.options, "-s", "IMAGES_STORE=s3://no-such-bucket", "-s", "IMAGES_CONCURRENCY=1"
        )
    assert run.status == 1, run.output
    assert "The store takes no pictures: s3://no-such-bucket did not take images/shows/tt99000001/" in run.output
    assert rows(crawl_url, "SELECT * FROM image_sources") == []
    assert rows(crawl_url, "SELECT outcome, images FROM crawl_runs") == [{"outcome": "failed", "images": 0}]
    assert len(origin.pages_asked) < 30


def test_a_host_that_blocks_us_is_left_alone(crawl_url: str, tmp_path: Path) -> None:
    origin = PictureOrigin({f"/{n}.jpg": Reply(b"go away", 403) for n in range(60)})
    with serving(origin):
        name(crawl_url, *(record for n in range(60) for record in in_gallery(f"{origin.url}/{n}.jpg", SHOW, "imdb")))
        # Without a delay all of them are under way before the first answer.
        run = mirror(
            *origin.options, "-s", "DOWNLOAD_DELAY=0.05", "-s", f"IMAGES_STORE={tmp_path}", "-s", "BREAKER_TRIES=0"
        )
    assert run.status == 4, run.output
    assert len(origin.pages_asked) < 30
    [crawl] = rows(crawl_url, "SELECT outcome, blocks > 0 AS blocked FROM crawl_runs")
    assert crawl == {"outcome": "blocked", "blocked": True}
