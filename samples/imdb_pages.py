"""Builds IMDb's pages and GraphQL answers about an invented show, in the shapes of 2025 and 2026."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

PAGE_SIZE = 50
"""Episodes that a page shows at most."""


@dataclass(frozen=True, kw_only=True)
class SampleEpisode:
    """Facts of one episode; season and number None stand for "unknown"."""

    id: str
    season: int | None
    number: int | None
    title: str
    plot: str | None = None
    released: date | None = None
    rating: float | None = None
    votes: int = 0
    image: bool = True


@dataclass(frozen=True, kw_only=True)
class SampleShow:
    """Facts of a show and its episodes."""

    id: str
    title: str
    plot: str
    start_year: int
    end_year: int | None = None
    rating: float | None = None
    votes: int = 0
    certificate: str | None = "TV-14"
    runtime_seconds: int | None = 2640
    genres: tuple[str, ...] = ("Reality-TV",)
    countries: tuple[str, ...] = ("US",)
    cast: tuple[tuple[str, str], ...] = ()
    creators: tuple[tuple[str, str], ...] = ()
    episodes: tuple[SampleEpisode, ...] = field(default=(), repr=False)

    @property
    def seasons(self) -> list[str]:
        """Its season labels as IMDb lists them: numbers in order, "Unknown" last."""
        numbers = sorted({episode.season for episode in self.episodes if episode.season is not None})
        unknown = any(episode.season is None for episode in self.episodes)
        return [str(number) for number in numbers] + (["Unknown"] if unknown else [])

    @property
    def years(self) -> list[str]:
        """Its years with episodes, "Unknown" last."""
        known = sorted({episode.released.year for episode in self.episodes if episode.released})
        unknown = any(episode.released is None for episode in self.episodes)
        return [str(year) for year in known] + (["Unknown"] if unknown else [])

    def of_season(self, label: str) -> list[SampleEpisode]:
        """The episodes of a season, by its label."""
        return [
            episode
            for episode in self.episodes
            if (label.lower() == "unknown" and episode.season is None) or str(episode.season) == label
        ]


def page(show: SampleShow, season: str | None = None, *, country: str = "US", filler: int = 0) -> bytes:
    """The HTML of `/title/tt…/episodes/?season=…`; `filler` is the size of the translations that real pages carry."""
    data = json.dumps(
        next_data(show, season, country=country, filler=filler), ensure_ascii=False, separators=(",", ":")
    )
    return (
        '<!DOCTYPE html><html lang="en-US"><head><meta charset="utf-8"/>'
        f"<title>{html.escape(show.title)} - Episode list</title></head><body><main>…</main>"
        f'<script id="__NEXT_DATA__" type="application/json">{data.replace("</", chr(92) + "u003c/")}</script>'
        "</body></html>"
    ).encode()


def next_data(show: SampleShow, season: str | None = None, *, country: str = "US", filler: int = 0) -> dict[str, Any]:
    """The page's `__NEXT_DATA__`."""
    label = season or (show.seasons[0] if show.seasons else "Unknown")
    listed = show.of_season(label)
    shown = listed[:PAGE_SIZE]
    return {
        "props": {
            "pageProps": {
                "contentData": {
                    "entityMetadata": head(show),
                    "data": {"title": {**head(show), "episodes": totals(show)}},
                    "section": {
                        "selectedTab": "seasons",
                        "seasons": [{"id": f"s{value}", "value": value} for value in show.seasons],
                        "years": [{"id": f"y{value}", "value": value} for value in show.years],
                        "episodes": {
                            "items": [page_item(episode) for episode in shown],
                            "total": len(listed),
                            "hasNextPage": len(listed) > len(shown),
                            "endCursor": f"cursor-{len(shown)}",
                            "hasRatedEpisode": True,
                        },
                        "currentSeason": label,
                        "currentYear": show.years[0] if show.years else None,
                        "episodesWidgetData": totals(show),
                        "topTen": [episode.id for episode in best(show)],
                        "queryVariables": {"const": show.id, "first": PAGE_SIZE},
                    },
                },
                "requestContext": {
                    "pageConst": show.id,
                    "sidecar": {
                        "localizationResponse": {"userCountryCode": country, "userLanguage": "en-US"},
                    },
                },
                "cmsContext": {},
                "translationContext": _filler(filler),
                "urqlState": None,
                "fetchState": None,
            }
        },
        "page": "/title/[tconst]/episodes",
        "query": {"tconst": show.id},
        "locale": "en-US",
    }


def page_item(episode: SampleEpisode) -> dict[str, Any]:
    """An episode as pages list it: strings for numbers, entities in texts, unknown values left out."""
    item: dict[str, Any] = {
        "id": episode.id,
        "type": "tvEpisode",
        "season": _label(episode.season),
        "episode": _label(episode.number),
        "titleText": html.escape(episode.title),
        "releaseDate": _release_date(episode, typename=True),
        "voteCount": episode.votes,
        "canRate": episode.released is not None,
        "contributionUrl": f"https://contribute.imdb.com/image/{episode.id}/add",
    }
    if episode.released is not None:
        item["releaseYear"] = episode.released.year
    if episode.image:
        item["image"] = {
            "url": image_url(episode.id),
            "maxWidth": 1920,
            "maxHeight": 1080,
            "caption": html.escape(episode.title),
        }
    if episode.plot is not None:
        item["plot"] = html.escape(episode.plot)
    if episode.rating is not None:
        item["aggregateRating"] = episode.rating
    return item


def answer(
    show: SampleShow, *, seasons: Sequence[str] = (), first: int = 250, after: str | None = None
) -> dict[str, Any]:
    """The GraphQL answer to the query of `trr_crawl.parse.imdb.episodes`."""
    chosen = [episode for episode in show.episodes if not seasons or _label(episode.season) in seasons]
    start = int(after) if after else 0
    shown = chosen[start : start + first]
    return {
        "data": {
            "title": {
                **head(show, whole=True),
                "episodes": {
                    **totals(show),
                    "displayableSeasons": {"edges": [{"node": {"text": text}} for text in show.seasons]},
                    "displayableYears": {"edges": [{"node": {"text": text}} for text in show.years]},
                    "episodes": {
                        "total": len(chosen),
                        "pageInfo": {
                            "hasNextPage": start + first < len(chosen),
                            "endCursor": str(start + len(shown)),
                        },
                        "edges": [{"node": answer_node(episode)} for episode in shown],
                    },
                },
            }
        }
    }


def answer_node(episode: SampleEpisode) -> dict[str, Any]:
    """An episode as GraphQL lists it: objects around every value, null for the unknown."""
    return {
        "id": episode.id,
        "titleText": {"text": episode.title},
        "titleType": {"id": "tvEpisode"},
        "releaseDate": _release_date(episode),
        "releaseYear": {"year": episode.released.year} if episode.released else None,
        "plot": {"plotText": {"plainText": episode.plot}} if episode.plot is not None else None,
        "ratingsSummary": {"aggregateRating": episode.rating, "voteCount": episode.votes},
        "primaryImage": {
            "url": image_url(episode.id),
            "width": 1920,
            "height": 1080,
            "caption": {"plainText": episode.title},
        }
        if episode.image
        else None,
        "series": {
            "displayableEpisodeNumber": {
                "displayableSeason": {"text": _label(episode.season)},
                "episodeNumber": {"text": _label(episode.number)},
            }
        },
    }


def head(show: SampleShow, *, whole: bool = False) -> dict[str, Any]:
    """What pages and answers say of the show itself; pages cut the lists of genres and countries."""
    lists: dict[str, Any] = {
        "titleGenres": {"genres": [{"genre": {"text": genre}} for genre in show.genres[:3]]},
        "countriesOfOrigin": {"countries": [{"id": country} for country in show.countries[:1]]},
    }
    if whole:
        lists = {
            "genres": {"genres": [{"text": genre} for genre in show.genres]},
            "countriesDetails": {"countries": [{"id": country, "text": country} for country in show.countries]},
        }
    return {
        "id": show.id,
        "titleText": {"text": show.title},
        "originalTitleText": {"text": show.title},
        "titleType": {"id": "tvSeries", "text": "TV Series", "canHaveEpisodes": True},
        "releaseYear": {"year": show.start_year, "endYear": show.end_year},
        "plot": {"plotText": {"plainText": show.plot}},
        "certificate": {"rating": show.certificate} if show.certificate else None,
        "runtime": {"seconds": show.runtime_seconds} if show.runtime_seconds else None,
        "ratingsSummary": {"aggregateRating": show.rating, "voteCount": show.votes},
        **lists,
        "productionStatus": {"currentProductionStage": {"id": "released"}},
        "meta": {"canonicalId": show.id, "publicationStatus": "PUBLISHED"},
        "primaryImage": {
            "url": image_url(show.id),
            "width": 1000,
            "height": 1500,
            "caption": {"plainText": show.title},
        },
        "series": None,
        "castPageTitle": {"edges": [{"node": {"name": _name(person)}} for person in show.cast]},
        "creatorsPageTitle": [{"credits": [{"name": _name(person)} for person in show.creators]}],
        "directorsPageTitle": [],
    }


def totals(show: SampleShow) -> dict[str, Any]:
    """The counts that stand beside the episodes."""
    top = best(show)
    return {
        "totalEpisodes": {"total": len(show.episodes)},
        "unknownSeasonEpisodes": {"total": len([episode for episode in show.episodes if episode.season is None])},
        "topRated": {"edges": [{"node": {"ratingsSummary": {"aggregateRating": top[0].rating}}}] if top else []},
    }


def best(show: SampleShow) -> list[SampleEpisode]:
    """The ten best rated episodes."""
    rated = [episode for episode in show.episodes if episode.rating is not None]
    return sorted(rated, key=lambda episode: -(episode.rating or 0))[:10]


def _label(number: int | None) -> str:
    return "unknown" if number is None else str(number)


def _name(person: tuple[str, str]) -> dict[str, Any]:
    return {"id": person[0], "nameText": {"text": person[1]}}


def _release_date(episode: SampleEpisode, *, typename: bool = False) -> dict[str, Any] | None:
    if episode.released is None:
        return None
    day = {"month": episode.released.month, "day": episode.released.day, "year": episode.released.year}
    return {**day, "__typename": "ReleaseDate"} if typename else day


def image_url(identity: str) -> str:
    """The address of the picture of a show or an episode."""
    return f"https://m.media-amazon.com/images/M/{identity}Sample@._V1_.jpg"


def _filler(size: int) -> dict[str, str]:
    """So many bytes of what every real page carries and no parser reads."""
    text = "Texts of buttons, menus and dialogues in the language of the page. "
    return {f"message.{index}": text for index in range(size // (len(text) + 18))}
