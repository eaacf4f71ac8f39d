"""The demo's archive: the pages and pictures of Harbour Hearts as a WARC, made anew by `make samples`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from samples.harbour_hearts import SHOW
from samples.imdb_pages import image_url, page
from samples.pictures import evening
from trr_crawl.archive import ArchiveWriter, Exchange

PATH = Path(__file__).with_name("harbour_hearts.warc.gz")


def exchanges() -> Iterator[Exchange]:
    """The requests that a crawl by pages makes for the show, and their answers."""
    for season in (None, *SHOW.seasons[1:]):
        body = page(SHOW, season, filler=20_000)
        yield Exchange(
            url=f"https://www.imdb.com/title/{SHOW.id}/episodes/" + (f"?season={season}" if season else ""),
            status=200,
            reason="OK",
            headers=[("Content-Type", "text/html;charset=utf-8"), ("Content-Length", str(len(body)))],
            body=body,
        )


def pictures() -> Iterator[Exchange]:
    """The requests for the pictures that these pages name."""
    poster, still = (400, 600), (640, 360)
    named = [(SHOW.id, poster), *((episode.id, still) for episode in SHOW.episodes if episode.image)]
    for identity, size in named:
        body = evening(identity, size)
        yield Exchange(
            url=image_url(identity),
            status=200,
            reason="OK",
            headers=[("Content-Type", "image/jpeg"), ("Content-Length", str(len(body)))],
            body=body,
        )


def write() -> None:
    """Write the archive in place of the old one."""
    PATH.unlink(missing_ok=True)
    writer = ArchiveWriter(PATH)
    for exchange in (*exchanges(), *pictures()):
        writer.write(exchange)
    writer.close()


if __name__ == "__main__":
    write()
