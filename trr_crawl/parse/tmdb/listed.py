"""A title in the short form in which lists, searches and a person's credits tell of it."""

from __future__ import annotations

from typing import Final

from trr_crawl.items import UNSET, Maybe, Show
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.node import Node
from trr_crawl.parse.tmdb.fields import Drift, dated, flag, identifier, image, stated, text, texts, words, year

SHOW, FILM = "tv", "movie"

KEYS: Final = frozenset(
    "adult backdrop_path first_air_date genre_ids id media_type name origin_country original_language original_name "
    "original_title overview popularity poster_path release_date softcore title video vote_average vote_count".split()
)

GENRES: Final = {
    16: "Animation",
    18: "Drama",
    35: "Comedy",
    37: "Western",
    80: "Crime",
    99: "Documentary",
    9648: "Mystery",
    10751: "Family",
    10759: "Action & Adventure",
    10762: "Kids",
    10763: "News",
    10764: "Reality",
    10765: "Sci-Fi & Fantasy",
    10766: "Soap",
    10767: "Talk",
    10768: "War & Politics",
}
"""TMDb's genres of shows, in English."""


def media_type(node: Node) -> str:
    """What an entry is; older ones do not say, but films have titles where shows have names."""
    said = words(node, "media_type") or (SHOW if "name" in node.data else FILM if "title" in node.data else None)
    if said is None:
        raise ShapeError(f"{node.path} does not say what it is, a show or a film")
    if said not in (SHOW, FILM):
        raise ShapeError(f"{node.path} is a {said}: neither a show nor a film")
    return said


def key(node: Node) -> str:
    """The id under which we keep a title: TMDb numbers films and shows apart, from 1 each."""
    return identifier(node) if media_type(node) == SHOW else f"movie/{identifier(node)}"


def title(node: Node, drift: Drift, language: str, *, more_keys: frozenset[str] = frozenset()) -> Show:
    """A show or film. Votes and popularity are left out: every answer has others."""
    drift.check("title", node, KEYS | more_keys)
    is_show = media_type(node) == SHOW
    first = dated(node, "first_air_date" if is_show else "release_date")
    return Show(
        source="tmdb",
        id=key(node),
        title=text(node, "name" if is_show else "title"),
        original_title=text(node, "original_name" if is_show else "original_title"),
        show_type=media_type(node),
        language=language,
        country=language.partition("-")[2] or None,
        adult=flag(node, "adult"),
        start_year=year(first),
        release_date=first,
        overview=text(node, "overview"),
        genres=_genres(node, drift) if is_show and language.startswith("en") else UNSET,
        countries=texts(node, "origin_country"),
        original_language=text(node, "original_language"),
        image=image(node, "poster_path"),
    )


def _genres(node: Node, drift: Drift) -> Maybe[list[str]]:
    found = []
    for genre in node.array("genre_ids") or ():
        if genre in GENRES:
            found.append(GENRES[genre])
        else:
            drift.add(f"genre {genre}")
    return stated(node, "genre_ids", found)
