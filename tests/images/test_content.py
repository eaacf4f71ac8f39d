"""What is accepted as a picture, and what is made of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from images.pictures import SVG, bomb, picture
from PIL import Image

from trr_crawl.images import variants
from trr_crawl.images.content import Limits, NotAPicture, accept, is_drawing
from trr_crawl.images.variants import look, rendered
from trr_crawl.images.workers import Workers

LIMITS = Limits(max_bytes=1_000_000, max_pixels=4_000_000)
XML = b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9">%s</svg>'
STARTS = (b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"\0\0\0\x20ftypavif")


@pytest.mark.parametrize(
    ("format_", "content_type", "extension"),
    [
        ("JPEG", "image/jpeg", "jpg"),
        ("PNG", "image/png", "png"),
        ("WEBP", "image/webp", "webp"),
        ("GIF", "image/gif", "gif"),
        ("AVIF", "image/avif", "avif"),
    ],
)
def test_the_bytes_tell_type_and_size(format_: str, content_type: str, extension: str) -> None:
    content = picture(1, (60, 40), format_)
    found = accept(content, LIMITS)
    assert (found.content_type, found.extension, found.width, found.height) == (content_type, extension, 60, 40)
    assert found.content == content
    with pytest.raises(NotAPicture):
        accept(content[:-3], LIMITS) and look(content[:-3], logo=False)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html></html>", "it is HTML"),
        (b"  <HTML>", "it is HTML"),
        (b'{"error": 404}', "of no type that is known"),
        (b"BM" + bytes(60), "of no type that is known"),
        (b"%PDF-1.7", "of no type that is known"),
        (SVG, "only logos"),
        (bomb(), "far more pixels"),
        (b"\xff\xd8\xff" + bytes(2_000_000), "more than 1,000,000 bytes"),
        (picture(1, (4000, 1001), "PNG"), "4,000 x 1,001 pixels, more than 4,000,000"),
    ],
)
def test_anything_else_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(NotAPicture, match=reason):
        accept(content, LIMITS)


@given(st.sampled_from(STARTS), st.binary(max_size=200))
def test_no_bytes_make_it_stumble(start: bytes, content: bytes) -> None:
    with contextlib.suppress(NotAPicture):  # any other error fails
        found = accept(start + content, LIMITS)
        assert found.width * found.height <= LIMITS.max_pixels


class TestVariants:
    def test_thumbnails_keep_the_form_and_are_never_larger(self) -> None:
        found = look(picture(1, (500, 250)), logo=False)
        sizes = [(one.name, one.width, one.height, one.content_type) for one in found.variants]
        assert sizes == [("200", 200, 100, "image/webp"), ("400", 400, 200, "image/webp")]
        for one in found.variants:
            with Image.open(BytesIO(one.content)) as image:
                assert (image.format, image.size) == ("WEBP", (one.width, one.height))

    def test_a_picture_is_turned_as_its_camera_noted(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        found = look(picture(1, (300, 900), exif=exif), logo=False)
        assert [(one.width, one.height) for one in found.variants] == [(200, 67), (400, 133), (800, 267)]

    def test_a_logo_becomes_a_png_that_keeps_its_transparency(self) -> None:
        image = Image.new("RGBA", (500, 250), (10, 20, 30, 128))
        buffer = BytesIO()
        image.save(buffer, "WEBP")
        [png] = look(buffer.getvalue(), logo=True).variants
        with Image.open(BytesIO(png.content)) as made:
            assert (png.name, made.format, made.mode, made.size) == ("png", "PNG", "RGBA", (500, 250))

    @pytest.mark.parametrize(
        ("format_", "mode"), [("PNG", "L"), ("PNG", "P"), ("PNG", "RGBA"), ("PNG", "1"), ("JPEG", "CMYK"), ("GIF", "P")]
    )
    def test_every_mode_can_be_looked_at(self, format_: str, mode: str) -> None:
        found = look(picture(1, (300, 200), format_, mode), logo=False)
        assert [one.name for one in found.variants] == ["200"]

    def test_the_dominant_colour_is_that_of_most_pixels(self) -> None:
        image = Image.new("RGBA", (100, 100), (200, 30, 40, 255))
        image.paste((0, 0, 0, 0), (0, 0, 100, 60))
        buffer = BytesIO()
        image.save(buffer, "PNG")
        assert look(buffer.getvalue(), logo=True).dominant_colour == "#c81e28"

    def test_the_same_picture_in_another_size_and_type_has_nearly_the_same_hash(self) -> None:
        one, small, other = picture(1), picture(1, (450, 300), "WEBP", quality=60), picture(2)
        hashes = [look(content, logo=False).perceptual_hash for content in (one, small, other)]
        assert (hashes[0] ^ hashes[1]).bit_count() <= 6
        assert (hashes[0] ^ hashes[2]).bit_count() > 20

    def test_the_blurhash_has_its_components(self) -> None:
        assert look(picture(1), logo=False).blurhash.startswith("L")
        assert len(look(picture(1), logo=False).blurhash) == 28


class TestDrawings:
    def test_a_drawing_is_known_by_its_root(self) -> None:
        assert is_drawing(SVG)
        assert is_drawing(b"\xef\xbb\xbf<!-- by hand -->\n<svg/>")
        assert not is_drawing(b"<svgs/>")
        assert not is_drawing(b"<html><svg/></html>")

    def test_it_is_rendered(self) -> None:
        found = accept(rendered(SVG), LIMITS)
        assert (found.content_type, found.width, found.height) == ("image/png", 800, 400)

    @pytest.mark.parametrize(
        ("svg", "reason"),
        [
            (XML % b'<image href="/etc/passwd"/>', "refers to something outside"),
            (XML % b'<image xlink:href="http://169.254.169.254/"/>', "refers to something outside"),
            (XML % b'<use xlink:href=" file:///etc/passwd#a"/>', "refers to something outside"),
            (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + XML % b"&a;", "document type or entities"),
            (XML % b"<unclosed>", "cannot be read"),
        ],
    )
    def test_what_could_do_harm_is_refused(self, svg: bytes, reason: str) -> None:
        with pytest.raises(NotAPicture, match=reason):
            rendered(svg)


def die(_content: bytes) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_picture_that_kills_its_worker_takes_no_other_with_it() -> None:
    async def run() -> list[object]:
        workers = Workers(1, LIMITS.max_pixels)
        try:
            return await asyncio.gather(
                workers.run(die, b""), workers.run(look, picture(1), logo=False), return_exceptions=True
            )
        finally:
            workers.close()

    dead, alive = asyncio.run(run())
    assert isinstance(dead, NotAPicture)
    assert isinstance(alive, variants.Looks)
