"""What is made of a picture's pixels: thumbnails, a logo's PNG, its colour, and hashes that tell what it looks like.

Runs in worker processes.
"""

from __future__ import annotations

import signal
from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import blurhash
import dhash
import resvg_py
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from PIL import Image, ImageOps

from trr_crawl.images.content import FORMATS, NotAPicture
from trr_crawl.images.decoding import SECONDS, guarded

WIDTHS: Final = (200, 400, 800)
"""Of thumbnails, pixels; a picture is never made larger than it is."""
_COLOURS, _SAMPLE = 8, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A picture made of another one."""

    name: str
    """The width of a thumbnail, or "png"."""
    content: bytes
    content_type: str
    extension: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What a picture looks like, and what was made of it."""

    dominant_colour: str
    """As in #a1b2c3."""
    blurhash: str
    """https://blurha.sh, with 4 x 3 components."""
    perceptual_hash: int
    """128 bits: which of two neighbours is brighter, by rows and by columns. Alike pictures differ in few of them."""
    variants: tuple[Variant, ...]


def look(content: bytes, *, logo: bool) -> Looks:
    """Decode a picture and make all of its variants. Raises NotAPicture where it is broken or takes too long."""
    with guarded():
        return _look(content, logo)


def rendered(svg: bytes) -> bytes:
    """A drawing as a PNG. NotAPicture for one with entities, or with references to anything outside itself."""
    # Nothing but the end of the process stops the renderer.
    handler = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        for element in fromstring(svg, forbid_dtd=True).iter():
            for name, value in element.attrib.items():
                if name.rpartition("}")[2] == "href" and not value.strip().startswith(("#", "data:image/")):
                    raise NotAPicture("it is an SVG drawing that refers to something outside itself")
        return bytes(resvg_py.svg_to_bytes(svg_string=svg.decode(), width=WIDTHS[-1], skip_system_fonts=True))
    except DefusedXmlException as error:
        raise NotAPicture("it is an SVG drawing with a document type or entities") from error
    except (ValueError, SyntaxError) as error:  # a ParseError is a SyntaxError
        raise NotAPicture(f"it is an SVG drawing that cannot be read: {error}") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)


def _look(content: bytes, logo: bool) -> Looks:
    with Image.open(BytesIO(content), formats=FORMATS) as opened:
        if not logo:
            # A JPEG can be decoded at a half, a quarter or an eighth of its size: none below the largest thumbnail.
            opened.draft("RGB", (WIDTHS[-1] * 2, WIDTHS[-1] * 2))
            widths = [width for width in WIDTHS if width <= _true_width(content)]
        opened.load()
        image = ImageOps.exif_transpose(opened)
    transparent = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    image = image.convert("RGBA" if transparent else "RGB")
    made = (_png(image),) if logo else tuple(_thumbnail(image, width) for width in widths)
    sample = image.copy()
    sample.thumbnail((_SAMPLE, _SAMPLE))
    return Looks(
        dominant_colour=_dominant(sample),
        blurhash=_blurhash(_on_white(sample)),
        perceptual_hash=_perceptual_hash(_on_white(image)),
        variants=made,
    )


def _true_width(content: bytes) -> int:
    """The width as it is looked at: turned by its camera's note, and not as `draft` changes it."""
    with Image.open(BytesIO(content), formats=FORMATS) as image:
        turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        return image.height if turned else image.width


def _thumbnail(image: Image.Image, width: int) -> Variant:
    height = max(1, round(image.height * width / image.width))
    resized = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return _variant(resized, str(width), "WEBP", "image/webp", "webp", quality=80, method=4)


def _png(image: Image.Image) -> Variant:
    return _variant(image, "png", "PNG", "image/png", "png", optimize=True)


def _variant(image: Image.Image, name: str, format_: str, content_type: str, extension: str, **how: Any) -> Variant:
    buffer = BytesIO()
    image.save(buffer, format_, **how)
    return Variant(
        name=name,
        content=buffer.getvalue(),
        content_type=content_type,
        extension=extension,
        width=image.width,
        height=image.height,
    )


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _dominant(sample: Image.Image) -> str:
    """The commonest of a few colours; transparent pixels have none."""
    seen = sample.convert("RGBA")
    opaque = [pixel for pixel in _pixels(seen) if pixel[3] > 127] or [(255, 255, 255, 255)]
    strip = Image.new("RGB", (len(opaque), 1))
    strip.putdata([pixel[:3] for pixel in opaque])
    few = strip.quantize(_COLOURS)
    [(index, _)] = Counter(few.tobytes()).most_common(1)
    palette = few.getpalette() or []
    return "#" + bytes(palette[index * 3 : index * 3 + 3]).hex()


def _blurhash(sample: Image.Image) -> str:
    small = sample.resize((32, max(1, min(32, round(32 * sample.height / sample.width)))))
    pixels = _pixels(small)
    rows = [pixels[start : start + small.width] for start in range(0, len(pixels), small.width)]
    return str(blurhash.encode(rows, components_x=4, components_y=3))


def _perceptual_hash(image: Image.Image) -> int:
    grays = list(image.convert("L").resize((9, 9), Image.Resampling.LANCZOS, reducing_gap=3.0).tobytes())
    rows, columns = dhash.dhash_row_col(grays, size=8)
    return int(rows) << 64 | int(columns)


def _pixels(image: Image.Image) -> list[tuple[int, ...]]:
    data, size = image.tobytes(), len(image.getbands())
    return [tuple(data[start : start + size]) for start in range(0, len(data), size)]
