"""The ids that a title or person has elsewhere: `/3/tv/{id}/external_ids`, `/3/movie/…`, `/3/person/…`."""

from __future__ import annotations

from trr_crawl.items import Person, Show
from trr_crawl.parse.tmdb import answer
from trr_crawl.parse.tmdb.fields import Drift, external_ids


def parse(body: bytes, kind: str, tmdb_id: str) -> tuple[Show | Person, list[str]]:
    """A show (or film: `movie/<number>`) or person with nothing but these ids, and the keys that nobody reads."""
    about = tmdb_id.replace("movie/", "film ") if tmdb_id.startswith("movie/") else f"{kind} {tmdb_id}"
    node = answer.read(body, about)
    answer.check_id(node, tmdb_id.removeprefix("movie/"), about)
    drift = Drift()
    found = external_ids(node, drift)
    item_class = Person if kind == Person.kind else Show
    return item_class(source="tmdb", id=tmdb_id, external_ids=found), sorted(drift)
