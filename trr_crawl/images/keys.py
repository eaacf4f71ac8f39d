"""The keys of objects: `images/{owners}/{id}/{kind}/{source}/{sha256}.{extension}`, after the store's prefix."""

from __future__ import annotations

import re

from trr_crawl.images.stores import ROOT
from trr_crawl.items import ImageRequest

_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")


def object_key(prefix: str, wanted: ImageRequest, sha256: str, extension: str, variant: str = "original") -> str:
    """The key of a picture, or of what was made of it: then the variant's name stands behind the hash.

    The thing and the source are those that the picture was first found with: what else uses it refers to the same key.
    """
    path = (wanted.owners, wanted.owner_id, wanted.image_kind, wanted.source)
    name = sha256 if variant == "original" else f"{sha256}-{variant}"
    return f"{prefix}{ROOT}{'/'.join(map(_plain, path))}/{name}.{extension}"


def _plain(part: str) -> str:
    """A part of a key in letters that need no quoting anywhere, and that is no way out of the folder."""
    return _STRANGE.sub("-", part).strip(".") or "-"
