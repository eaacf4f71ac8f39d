"""Room on the disks that a crawl writes to."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from trr_crawl import database

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

MEGABYTE = 1_000_000


def written_to(settings: BaseSettings) -> list[Path]:
    """The folders that a crawl with these settings writes to, as far as they exist."""
    files = [settings.get(name) for name in ("ARCHIVE", "LOG_FILE")]
    folders = [database.home(), *(Path(file).absolute().parent for file in files if file)]
    if settings.get("TMDB_CACHE"):
        folders.append(Path(settings["TMDB_CACHE"]))
    return [next(parent for parent in (folder, *folder.parents) if parent.exists()) for folder in folders]


def too_full(settings: BaseSettings) -> str | None:
    """A sentence about the first disk with less than DISK_RESERVE megabytes left; None where all have room."""
    reserve = settings.getfloat("DISK_RESERVE")
    for folder in written_to(settings):
        left = shutil.disk_usage(folder).free / MEGABYTE
        if left < reserve:
            return (
                f"The disk of {folder} has {left:,.0f} MB left, fewer than DISK_RESERVE={reserve:g}: "
                "make room, or lower DISK_RESERVE."
            )
    return None
