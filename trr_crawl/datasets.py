"""The files of IMDb's datasets: where they are, and how they are read in blocks without ever being held whole."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote, urlsplit

from trr_crawl import database

BLOCK: Final = 1 << 20
"""Bytes of text that are handed on together, more or less: a block ends with a line."""
_PACKED: Final = 1 << 18
"""Bytes of gzip that are read at once."""
LONGEST_LINE: Final = 1 << 24
_GZIP: Final = b"\x1f\x8b"


class DatasetError(Exception):
    """The rest of a file cannot be read; the message is a clause for a gap."""


def file_names(table: str) -> tuple[str, str]:
    """What the file of a table is called, as IMDb serves it and unpacked."""
    return f"{table}.tsv.gz", f"{table}.tsv"


def find(folder: Path, table: str) -> Path | None:
    """The file of a table in a folder."""
    return next((path for name in file_names(table) if (path := folder / name).is_file()), None)


def cache_folder(url: str, source: str = "imdb_datasets") -> Path:
    """Where the downloads from a base URL are kept: below `.trr/cache`, a folder for every base URL."""
    parts = urlsplit(url)
    return database.home() / "cache" / source / quote(f"{parts.netloc}{parts.path}".strip("/"), safe="")


def blocks(path: Path) -> Iterator[bytes]:
    """The text of a file, unpacked if it is gzip, in blocks of whole lines; the last line gets its end if it has none.

    Raises DatasetError where the file breaks off or is damaged, after all whole lines before that place.
    """
    rest = b""
    try:
        with path.open("rb") as file:
            for chunk in _chunks(file):
                end = chunk.rfind(b"\n") + 1
                if end:
                    yield rest + chunk[:end]
                    rest = chunk[end:]
                else:
                    rest += chunk
                if len(rest) > LONGEST_LINE:
                    raise DatasetError(f"a line has no end after {LONGEST_LINE:,} bytes")
    except OSError as error:
        raise DatasetError(f"it cannot be read: {error.strerror or error}") from error
    if rest:
        yield rest + b"\n"


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    packed = file.read(2) == _GZIP
    file.seek(0)
    if packed:
        yield from _unpacked(file)
        return
    while chunk := file.read(BLOCK):
        yield chunk


def _unpacked(file: BinaryIO) -> Iterator[bytes]:
    """The contents of all members of a gzip file."""
    member = zlib.decompressobj(wbits=31)
    packed = b""
    try:
        while packed := packed or file.read(_PACKED):
            if member.eof:
                # Another member, or the zeros with which some tools fill up.
                if not packed.strip(b"\0"):
                    packed = b""
                    continue
                member = zlib.decompressobj(wbits=31)
            chunk = member.decompress(packed, BLOCK)
            packed = member.unused_data if member.eof else member.unconsumed_tail
            if chunk:
                yield chunk
    except zlib.error as error:
        raise DatasetError(f"the gzip is damaged: {error}") from error
    if not member.eof:
        # What zlib still holds back comes out only when it is asked for without a limit.
        if chunk := member.flush():
            yield chunk
        if not member.eof:
            raise DatasetError("the gzip breaks off before its end")
