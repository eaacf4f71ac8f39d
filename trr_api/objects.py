"""The pictures of the local store, at `/objects/{key}`: a bucket or a CDN serves its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import anyio
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from trr_crawl import database

PREFIX: Final = "/objects"

METADATA: Final = ".meta"
"""The headers of an object stand beside it, in a file that is named after it."""


def folder(images_store: str) -> Path | None:
    """Where IMAGES_STORE keeps pictures on this machine; None where it is a bucket."""
    if images_store.startswith("s3://"):
        return None
    return Path(images_store).expanduser() if images_store else database.home() / "objects"


class Objects(StaticFiles):
    """The files below a folder, each with the headers that it was stored with; anything else is not there."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, check_dir=False)

    async def check_config(self) -> None:
        """Nothing: the folder comes with the first picture, which may be after the application."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            place, found = self.lookup_path(f"{path}{METADATA}")
        except (OSError, ValueError) as error:  # a name that no file can have
            raise HTTPException(404) from error
        if found is None or path.endswith(METADATA):
            raise HTTPException(404)
        answer = await super().get_response(path, scope)
        answer.headers.update(json.loads(await anyio.Path(place).read_bytes()))
        # Pictures come from strangers: a browser takes each for what it was stored as.
        answer.headers["x-content-type-options"] = "nosniff"
        return answer
