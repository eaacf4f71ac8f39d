"""A title as galleries, lists, filmographies and searches mention it: one node in the names of GraphQL."""

from __future__ import annotations

from typing import Final

from trr_crawl.items import UNSET, Episode, Maybe, Show
from trr_crawl.parse.imdb import title
from trr_crawl.parse.node import Node

FIELDS: Final = f"""
    {title.TITLE_FIELDS}
    releaseDate {{ year month day }}
    series {{
      series {{ id titleText {{ text }} originalTitleText {{ text }} }}
      displayableEpisodeNumber {{ displayableSeason {{ text }} episodeNumber {{ text }} }}
    }}
"""
"""The GraphQL selection that `titles` reads."""

KNOWN: Final = title.KNOWN | frozenset(
    "canRate latestTrailer metacritic principalCredits principalCreditsV2 releaseDate isAdult watchOptionsByCategory "
    "titleCertificate plotContributionLink".split()
)
"""The keys of such a node that are read, or that say nothing about the title."""

EPISODE_TYPES: Final = frozenset({"tvEpisode", "podcastEpisode"})


def is_episode(show_type: Maybe[str]) -> bool:
    """Whether IMDb's word for a title's type means an episode."""
    return show_type in EPISODE_TYPES


def titles(node: Node, *, country: str | None, language: str | None) -> tuple[Show | None, Episode | None]:
    """The title: a show; or an episode and its series, both None where the node does not tell the series."""
    show = title.show(node, country=country, language=language)
    if is_episode(show.show_type):
        series = node.down("series", "series")
        if series is None:
            return None, None
        return title.show(series, country=country, language=language), _episode(node, show, series.need_string("id"))
    if "releaseDate" in node.data:
        show.release_date = title.release(node)[0]
    totals = node.down("episodes", "episodes")
    if totals is not None:
        show.total_episodes = totals.integer("total")
    return show, None


def _episode(node: Node, told: Show, show_id: str) -> Episode:
    """The episode of which `told` holds what every title has."""
    air_date, year, month = title.release(node)
    number = node.down("series", "displayableEpisodeNumber")
    dated = "releaseDate" in node.data
    return Episode(
        source="imdb",
        id=told.id,
        show_id=show_id,
        season_number=_number(number, "displayableSeason"),
        episode_number=_number(number, "episodeNumber"),
        episode_type=told.show_type,
        title=told.title,
        country=told.country,
        overview=told.overview,
        air_date=air_date if dated else UNSET,
        release_year=year if dated or "releaseYear" in node.data else UNSET,
        release_month=month if dated else UNSET,
        rating=told.rating,
        vote_count=told.vote_count,
        certificate=told.certificate,
        runtime_seconds=told.runtime_seconds,
        genres=told.genres,
        main_genres=told.main_genres,
        image=told.image,
    )


def _number(number: Node | None, key: str) -> Maybe[int]:
    """A season's or episode's number; None for "unknown", UNSET where the node does not speak of it."""
    if number is None:
        return UNSET
    inner = number.node(key)
    text = inner.data.get("text") if inner is not None else None
    if inner is None or text is None or text == "":
        return None
    label = title.season_label(text, inner.at("text"))
    return None if label == "unknown" else int(label)
