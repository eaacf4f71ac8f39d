"""Addresses of Fandom's pictures in one form, whatever host, size or revision they were given with."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

HOST: Final = "static.wikia.nocookie.net"
"""Where all pictures are; older hosts lead to the same ones."""

_HOSTS = re.compile(r"(?:static|vignette\d*|img\d*|images\d*)\.wikia\.nocookie\.net", re.IGNORECASE)
_CACHE = re.compile(r"__cb\d+", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FandomImage:
    """One picture of a wiki."""

    bucket: str
    """Where the wiki keeps its pictures; it can differ from the wiki's name. Of a picture without a file, its UUID."""
    prefix: str | None = None
    """The `path-prefix`: the wiki's language, where its pictures are kept by language."""
    file: str | None = None
    """The file's name, underscores for spaces; None for the few pictures that are only a UUID."""
    archived: str | None = None
    """When an older revision was replaced, as in 20080623085034; None for the current one."""

    @property
    def picture_id(self) -> str:
        """What stays the same however it is addressed: `real-housewives/Some_File.jpg`."""
        return "/".join(filter(None, (self.bucket, self.prefix, self._name)))

    @property
    def url(self) -> str:
        """The canonical address: `https://static.wikia.nocookie.net/{bucket}/[{prefix}/]images/{h}/{hh}/{file}`."""
        path = [self.bucket]
        if self.file is not None and self._name is not None:
            folder = hashlib.md5(self.file.encode(), usedforsecurity=False).hexdigest()[:2]
            path += [self.prefix] if self.prefix else []
            path += ["images", *(["archive"] if self.archived else []), folder[0], folder, self._name]
        return f"https://{HOST}/" + "/".join(quote(part, safe="") for part in path)

    @property
    def _name(self) -> str | None:
        return f"{self.archived}!{self.file}" if self.archived else self.file


def fandom_image(url: str) -> FandomImage:
    """Read an address of any time: sizes, crops, revisions and cache marks are dropped, old hosts folded.

    ValueError for an address that is no picture of Fandom's, or whose folder contradicts its file's name.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https", "") or not _HOSTS.fullmatch(parts.netloc):
        raise ValueError(f"{url!r} is no picture of Fandom's")
    path = [unquote(part) for part in parts.path.split("/") if part]
    path = [part for part in path if not _CACHE.fullmatch(part)]
    if path and _UUID.fullmatch(path[0]):
        return FandomImage(bucket=path[0])
    if "images" not in path[1:3]:
        raise ValueError(f"{url!r} names no picture")
    start = path.index("images", 1)
    given = parse_qs(parts.query).get("path-prefix", [])
    rest = path[start + 1 :]
    if rest[:1] == ["thumb"]:
        rest = rest[1:]
    archived = None
    if rest[:1] == ["archive"] and len(rest) > 3:
        archived, _, rest[3] = rest[3].partition("!")
        rest = rest[1:]
    if len(rest) < 3 or not rest[2]:
        raise ValueError(f"{url!r} names no picture")
    file = rest[2].replace(" ", "_")
    folder = hashlib.md5(file.encode(), usedforsecurity=False).hexdigest()[:2]
    if rest[:2] != [folder[0], folder]:
        raise ValueError(f"{url!r} keeps {file} in a folder that is not its own")
    prefix = path[1] if start == 2 else (given[0] if given else None)
    return FandomImage(bucket=path[0], prefix=prefix, file=file, archived=archived)


def fandom_image_url(url: str) -> str:
    """The canonical form of an address; ValueError as in `fandom_image`."""
    return fandom_image(url).url
