"""What is accepted as a picture, told by its bytes: never by its name, nor by what a server calls it."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import AvifImagePlugin, Image, UnidentifiedImageError, WebPImagePlugin  # noqa: F401 - formats register themselves

TYPES: Final = {
    "JPEG": ("image/jpeg", "jpg"),
    "MPO": ("image/jpeg", "jpg"),  # a JPEG with more pictures behind it, as some cameras write it
    "PNG": ("image/png", "png"),
    "WEBP": ("image/webp", "webp"),
    "GIF": ("image/gif", "gif"),
    "AVIF": ("image/avif", "avif"),
}
"""Content type and extension of what Pillow recognizes; of other formats it does not even try any."""
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")

_ENDS: Final = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
_SVG = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*<svg[\s/>]", re.DOTALL
)


class NotAPicture(Exception):
    """What came is not accepted as a picture; a clause that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a picture may be."""

    max_bytes: int
    max_pixels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A file that is accepted."""

    content: bytes
    content_type: str
    extension: str
    width: int
    height: int


def accept(content: bytes, limits: Limits) -> Picture:
    """Tell what a file is by its bytes, without decoding it. Raises NotAPicture."""
    if not content:
        raise NotAPicture("it is empty")
    if len(content) > limits.max_bytes:
        raise NotAPicture(f"it has more than {limits.max_bytes:,} bytes")
    if is_drawing(content):
        raise NotAPicture("it is an SVG drawing, which only logos may be")
    format_, width, height = _head(content)
    if width * height > limits.max_pixels:
        raise NotAPicture(f"it has {width:,} x {height:,} pixels, more than {limits.max_pixels:,}")
    if not _is_whole(content, format_):
        raise NotAPicture("it breaks off before its end")
    content_type, extension = TYPES[format_]
    return Picture(content=content, content_type=content_type, extension=extension, width=width, height=height)


def is_drawing(content: bytes) -> bool:
    """Whether a file is an SVG drawing, which `variants.rendered` makes a picture of."""
    return _SVG.match(content) is not None


def _head(content: bytes) -> tuple[str, int, int]:
    """Format, width and height."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(content), formats=FORMATS) as image:
                assert image.format is not None
                return image.format, image.width, image.height
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise NotAPicture("it has far more pixels than any picture") from error
    except UnidentifiedImageError as error:
        start = content[:64].lstrip().lower()
        what = "HTML" if start.startswith((b"<!doctype", b"<html")) else "of no type that is known"
        raise NotAPicture(f"it is {what}, no picture") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:  # whatever Pillow's readers stumble over
        raise NotAPicture(f"its head cannot be read: {error}") from error


def _is_whole(content: bytes, format_: str) -> bool:
    """Whether the file has its end; what is broken in the middle shows when it is decoded."""
    if format_ == "WEBP":
        return len(content) >= int.from_bytes(content[4:8], "little") + 8
    if format_ == "GIF":
        return content.rstrip(b"\0\r\n").endswith(b";")
    # Some programs write a little more behind the end.
    return content.rfind(_ENDS.get(format_, b""), -64 * 1024) >= 0
