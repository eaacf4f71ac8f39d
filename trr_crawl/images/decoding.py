"""Decoding is where files attack: it is done in worker processes, whose memory and time are limited."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from PIL import Image

from trr_crawl.images.content import NotAPicture

SECONDS: Final = 30
"""The longest that one picture may take."""
MEMORY: Final = 4 << 30
"""The address space of a worker."""


def limit(max_pixels: int) -> None:
    """Prepare a worker process."""
    Image.MAX_IMAGE_PIXELS = max_pixels
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it decides when to stop
    signal.signal(signal.SIGALRM, _too_long)


@contextmanager
def guarded() -> Iterator[None]:
    """Decode within. Raises NotAPicture where a picture is broken or takes too long."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        raise NotAPicture(f"it cannot be decoded: {error}") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _too_long(*_: object) -> None:
    raise NotAPicture(f"decoding it takes longer than {SECONDS} seconds")
