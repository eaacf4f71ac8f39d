"""Exports in the folder of everything local: `exports/<snapshot>/`, complete or not there at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from psycopg import Connection, IsolationLevel

from trr_api.export import queries
from trr_api.export.licences import LICENCES, NON_COMMERCIAL
from trr_api.routing import PREFIX
from trr_crawl import database
from trr_crawl.catalog import SCHEMA_REVISION

KEPT: Final = 2
"""Exports that stay: who began to load the one before can end."""

MANIFEST: Final = "manifest.json"


def folder() -> Path:
    """Where exports are."""
    return database.home() / "exports"


def path(kind: str, snapshot: Path) -> Path:
    """The file of a kind in an export."""
    return snapshot / f"{kind}.ndjson"


def write(url: str, say: Callable[[str], None], *, non_commercial: bool = False) -> Path:
    """Export the catalog as it is at one moment; returns the folder of the export.

    Memory does not grow with the catalog. Older exports than the last one are deleted.
    """
    folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder(), prefix=".unfinished-") as made:
        # A folder within: the temporary one is for this user's eyes only, and is cleared away by its own name.
        unfinished = Path(made) / "export"
        unfinished.mkdir()
        with database.connect(url) as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            manifest = _write(connection, unfinished, () if non_commercial else NON_COMMERCIAL, say)
        (unfinished / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        finished = unfinished.rename(folder() / str(manifest["snapshot"]))
    for old in snapshots()[:-KEPT]:
        shutil.rmtree(old)
    return finished


def snapshots() -> list[Path]:
    """All complete exports, the newest last."""
    return sorted(found.parent for found in folder().glob(f"[0-9]*/{MANIFEST}"))


def _write(connection: Connection[Any], into: Path, closed: tuple[str, ...], say: Callable[[str], None]) -> Any:
    """Write the files; returns the manifest."""
    connection.execute(queries.UNLIMITED)
    [(seq,)] = connection.execute(queries.SEQ).fetchall()
    now = datetime.now(UTC)
    snapshot = f"{now:%Y%m%dT%H%M%S%f}-{seq}"
    files = []
    for kind in queries.KINDS:
        digest, count, size = hashlib.sha256(), 0, 0
        with (
            path(kind, into).open("wb") as file,
            connection.cursor() as cursor,
            cursor.copy(queries.lines(kind, closed)) as copy,
        ):
            for chunk in copy:
                file.write(chunk)
                digest.update(chunk)
                count += bytes(chunk).count(b"\n")
                size += len(chunk)
        say(f"{kind}: {count:,} lines, {size:,} bytes")
        address = f"{PREFIX}/export/{kind}.ndjson?snapshot={snapshot}"
        files.append({"kind": kind, "url": address, "count": count, "bytes": size, "sha256": digest.hexdigest()})
    return {
        "snapshot": snapshot,
        "seq": seq,
        "created_at": now.isoformat(),
        "schema_revision": SCHEMA_REVISION,
        "licences": {source: {**asdict(licence), "withheld": source in closed} for source, licence in LICENCES.items()},
        "files": files,
    }
