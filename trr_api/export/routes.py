"""/export."""

from __future__ import annotations

from pathlib import Path as Folder
from typing import Annotated

from fastapi import Path, Query, Request, Response
from fastapi.responses import FileResponse

from trr_api import routing
from trr_api.answers import Answer
from trr_api.export import queries, writing
from trr_api.export.schemas import FileParameters, Manifest
from trr_api.parameters import Parameters
from trr_api.problems import Problem, invalid

router = routing.router("/export", "export")

Kind = Annotated[str, Path(pattern=f"^({'|'.join(queries.KINDS)})$", description="Kind of things.", examples=["show"])]


@router.get("", response_model=Manifest, summary="What the newest export holds")
def get_manifest(_: Annotated[Parameters, Query()]) -> Response:
    """Counts, checksums and licences of the files, and from where `/changes` goes on."""
    return Answer((_snapshot(None) / writing.MANIFEST).read_bytes())


@router.get(
    "/{kind}.ndjson",
    response_class=Response,
    responses={200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}, "description": "Lines."}},
    summary="All things of a kind, a JSON object a line",
)
def get_export_file(request: Request, kind: Kind, asked: Annotated[FileParameters, Query()]) -> Response:
    """Streamed; a part of it by `Range`."""
    snapshot = _snapshot(asked.snapshot)
    # An export never changes once it is there.
    etag = f'W/"{snapshot.name}-{kind}"'
    headers = {"etag": etag, "cache-control": "no-cache"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return FileResponse(writing.path(kind, snapshot), media_type="application/x-ndjson", headers=headers)


def _snapshot(name: str | None) -> Folder:
    """The folder of an export. Problem where there is none."""
    found = {folder.name: folder for folder in writing.snapshots()}
    if name is not None:
        if name not in found:
            raise invalid("snapshot", "it is not there any more; ask /export for the newest", kind="not-found")
        return found[name]
    if not found:
        raise Problem("not-found", "There is no export yet. The operator makes one by: python -m trr_api export.")
    return found[max(found)]
