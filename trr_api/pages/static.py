"""Files that pages are made of, under names that change with their content, so that browsers may keep them for ever.

Every feature may have a folder `static/`: its `progress.js` is `crawls/progress.js` in a template.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from trr_api.problems import Problem

PREFIX: Final = "/static"
_PACKAGE: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class File:
    """A file in memory."""

    address: str
    content: bytes
    media_type: str


def _read(path: Path) -> File:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    feature = path.parent.parent.name
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return File(f"{PREFIX}/{feature}/{path.stem}.{digest}{path.suffix}", content, media_type)


_FILES: Final = {
    f"{path.parent.parent.name}/{path.name}": _read(path) for path in sorted(_PACKAGE.glob("*/static/*.*"))
}
_BY_ADDRESS: Final = {file.address: file for file in _FILES.values()}


def address(name: str) -> str:
    """Where a file is, by its feature and name: `pages/style.css`."""
    return _FILES[name].address


async def serve(request: Request) -> Response:
    """A file by its address; one of an earlier version is not found."""
    file = _BY_ADDRESS.get(request.url.path)
    if file is None:
        raise Problem("not-found", "There is no such file.")
    headers = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}
    return Response(file.content, media_type=file.media_type, headers=headers)
