"""Pictures on pages: our own copies only, since whoever else serves one would learn who reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Shown:
    """What `<img>` needs."""

    src: str
    srcset: str
    width: int
    height: int


class Pictures:
    """The pictures of one page."""

    def __init__(self) -> None:
        self.hosts: set[str] = set()
        """Origins that they come from, this server aside."""

    def of(self, picture: Mapping[str, Any] | None, width: int) -> Shown | None:
        """A picture of the API (`hosted` in it) about so wide; None where there is no copy."""
        hosted = picture["hosted"] if picture is not None else None
        if hosted is None or picture is None:
            return None
        sizes = [size for size in hosted["variants"] if size["content_type"] == "image/webp"]
        if not sizes:
            sizes = [{"url": picture["url"], "width": hosted["width"], "height": hosted["height"]}]
        best = next((size for size in sizes if size["width"] >= width), sizes[-1])
        for size in sizes:
            place = urlsplit(size["url"])
            if place.netloc:
                self.hosts.add(f"{place.scheme}://{place.netloc}")
        srcset = ", ".join(f"{size['url']} {size['width']}w" for size in sizes)
        return Shown(best["url"], srcset, best["width"], best["height"])
