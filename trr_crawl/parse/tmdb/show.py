"""A show with its parts and seasons: `/3/tv/{id}?append_to_response=…`.

One answer carries 20 parts at most. Seasons that do not exist are left out of it without a word, so the first question
may already guess at some.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from trr_crawl.items import (
    UNSET,
    AlternativeTitle,
    Company,
    ContentRating,
    Item,
    Maybe,
    Network,
    Season,
    Show,
    Translation,
    Video,
)
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.node import Node
from trr_crawl.parse.tmdb import answer, images, offers, organisations, season, work
from trr_crawl.parse.tmdb.fields import (
    Drift,
    count,
    dated,
    day,
    external_ids,
    flag,
    identifier,
    image,
    named,
    number,
    rating,
    stated,
    text,
    texts,
    words,
    year,
)
from trr_crawl.parse.tmdb.offers import Offers
from trr_crawl.parse.tmdb.season import SeasonPage
from trr_crawl.parse.tmdb.work import Credits

PARTS_AT_ONCE: Final = 20

PARTS: Final = (
    "aggregate_credits",
    "alternative_titles",
    "content_ratings",
    "external_ids",
    "images",
    "keywords",
    "translations",
    "videos",
    "watch/providers",
)
"""What is asked of every show. With 17 seasons, three parts each, they fill three answers."""

_UNREAD_PARTS: Final = frozenset(
    "account_states changes credits episode_groups lists recommendations reviews screened_theatrically similar".split()
)
_KEYS: Final = (
    frozenset(
        "adult backdrop_path created_by episode_run_time first_air_date genres homepage id in_production languages "
        "last_air_date last_episode_to_air name next_episode_to_air networks number_of_episodes number_of_seasons "
        "origin_country original_language original_name overview popularity poster_path production_companies "
        "production_countries seasons softcore spoken_languages status tagline type vote_average vote_count".split()
    )
    | _UNREAD_PARTS
    | set(PARTS)
)
_ENTRIES: Final = {
    "genres": frozenset({"id", "name"}),
    "production_countries": frozenset({"iso_3166_1", "name"}),
    "spoken_languages": frozenset({"english_name", "iso_639_1", "name"}),
}
"""Lists of small objects, and what is in them."""
_TRANSLATION_KEYS: Final = frozenset({"iso_3166_1", "iso_639_1", "name", "english_name", "data"})
_VIDEO_KEYS: Final = frozenset("id iso_3166_1 iso_639_1 key name official published_at site size type".split())
_SEASON_PART: Final = re.compile(r"season/(\d{1,5})(?:/(external_ids|images))?", re.ASCII)
_OVER: Final = frozenset({"Ended", "Canceled"})
"""Values of `status` after which nothing comes."""


@dataclass(kw_only=True, slots=True)
class ShowPage:
    """A show, and all that came with it."""

    show: Show
    parts: frozenset[str] = frozenset()
    """The parts that came."""
    networks: list[Network] = field(default_factory=list)
    companies: list[Company] = field(default_factory=list)
    listed: list[Season] = field(default_factory=list)
    """All seasons, with how many episodes each has."""
    creators: Credits = field(default_factory=Credits)
    credits: Credits = field(default_factory=Credits)
    offers: Offers = field(default_factory=Offers)
    pictures: list[Item] = field(default_factory=list)
    """Each with its place."""
    seasons: list[SeasonPage] = field(default_factory=list)
    """Those that came along."""
    more_of_seasons: list[Item] = field(default_factory=list)
    """Their ids elsewhere and their posters."""
    drift: list[str] = field(default_factory=list)
    """Names of keys, departments and so on that the parser does not know."""

    @property
    def announced(self) -> dict[int, int]:
        """How many episodes each season has, by TMDb's word."""
        return {season.season_number: season.episode_count or 0 for season in self.listed}

    def items(self) -> Iterator[Item]:
        """Parents first."""
        yield from self.networks
        yield from self.companies
        yield self.show
        yield from self.listed
        yield from {**self.creators.people, **self.credits.people}.values()
        yield from self.creators.credits
        yield from self.credits.credits
        yield from self.pictures
        yield from self.offers.items()
        for page in self.seasons:
            yield from page.items()
        yield from self.more_of_seasons


@dataclass(kw_only=True, slots=True)
class SeasonsPage:
    """Seasons that a later answer brought."""

    parts: frozenset[str]
    """As in ShowPage."""
    seasons: list[SeasonPage]
    more_of_seasons: list[Item] = field(default_factory=list)
    """As in ShowPage."""
    drift: list[str] = field(default_factory=list)
    """As in ShowPage."""

    def items(self) -> Iterator[Item]:
        """Parents first."""
        for page in self.seasons:
            yield from page.items()
        yield from self.more_of_seasons


def season_parts(numbers: Iterable[int]) -> list[str]:
    """The parts that tell all of some seasons."""
    return [f"season/{number}{part}" for number in numbers for part in ("", "/external_ids", "/images")]


def parse(body: bytes, show_id: str, *, language: str) -> ShowPage:
    """The first answer about a show, asked for in a language such as "en-US"."""
    node = answer.read(body, f"show {show_id}")
    answer.check_id(node, show_id, f"show {show_id}")
    drift = Drift()
    drift.check("show", node, _KEYS | {key for key in node.data if _SEASON_PART.fullmatch(key)})
    page = ShowPage(show=_show(node, show_id, language, drift))
    page.parts = _parts(node)
    page.networks = [organisations.listed_network(entry, drift) for entry in node.nodes("networks")]
    page.companies = [organisations.listed_company(entry, drift) for entry in node.nodes("production_companies")]
    page.listed = [season.listed(entry, show_id, drift) for entry in node.nodes("seasons")]
    page.creators = work.creators(node, show_id, drift)
    if (part := node.node("aggregate_credits")) is not None:
        page.credits = work.aggregate(part, show_id, drift)
        page.show.credits_total = page.credits.count
    if (part := node.node("images")) is not None:
        page.pictures = list(images.gallery(part, drift, show_id=show_id))
    if (part := node.node("watch/providers")) is not None:
        page.offers = offers.read(part, show_id, drift)
    page.seasons, page.more_of_seasons = _seasons(node, show_id, drift)
    page.drift = sorted(drift)
    return page


def parse_seasons(body: bytes, show_id: str) -> SeasonsPage:
    """A later answer, of which only the seasons are read."""
    node = answer.read(body, f"show {show_id}")
    answer.check_id(node, show_id, f"show {show_id}")
    drift = Drift()
    seasons, more = _seasons(node, show_id, drift)
    return SeasonsPage(parts=_parts(node), seasons=seasons, more_of_seasons=more, drift=sorted(drift))


def keywords(node: Node, drift: Drift) -> list[str]:
    """The part `keywords`."""
    drift.check("keywords", node, frozenset({"id", "results"}))
    return [entry.need_string("name") for entry in node.nodes("results")]


def _parts(node: Node) -> frozenset[str]:
    return frozenset(key for key in node.data if key in PARTS or _SEASON_PART.fullmatch(key))


def _seasons(node: Node, show_id: str, drift: Drift) -> tuple[list[SeasonPage], list[Item]]:
    """The seasons of an answer; and what is told of seasons beside them, which may be of others."""
    pages: list[SeasonPage] = []
    more: list[Item] = []
    for key in node.data:
        part = _SEASON_PART.fullmatch(key)
        if part is None:
            continue
        number = int(part[1])
        if part[2] is None:
            pages.append(season.read(node.need(key), show_id, number, drift))
        elif part[2] == "external_ids":
            ids = external_ids(node.need(key), drift)
            more.append(Season(source="tmdb", show_id=show_id, season_number=number, external_ids=ids))
        else:
            more.extend(images.gallery(node.need(key), drift, show_id=show_id, season_number=number))
    return pages, more


def _show(node: Node, show_id: str, language: str, drift: Drift) -> Show:
    country = language.partition("-")[2] or None
    first, last = dated(node, "first_air_date"), dated(node, "last_air_date")
    newest, following = node.node("last_episode_to_air"), node.node("next_episode_to_air")
    for episode in filter(None, (newest, following)):
        season.episode(episode, show_id, drift)  # it comes with its season, too; here it is only named
    ratings = _content_ratings(node, drift)
    videos = _videos(node, drift)
    for key, known in _ENTRIES.items():
        for entry in node.nodes(key):
            drift.check(key, entry, known)
    return Show(
        source="tmdb",
        id=show_id,
        title=text(node, "name"),
        original_title=text(node, "original_name"),
        country=country,
        language=language,
        show_type="tv",
        programme_type=text(node, "type"),
        production_status=text(node, "status"),
        in_production=flag(node, "in_production"),
        adult=flag(node, "adult"),
        homepage=text(node, "homepage"),
        popularity=number(node, "popularity"),
        external_ids=_external_ids(node, drift),
        start_year=year(first),
        end_year=_end_year(node),
        release_date=first,
        last_air_date=last,
        last_episode_id=stated(node, "last_episode_to_air", identifier(newest) if newest else None),
        next_episode_id=stated(node, "next_episode_to_air", identifier(following) if following else None),
        overview=text(node, "overview"),
        tagline=text(node, "tagline"),
        certificate=_certificate(ratings, country),
        content_ratings=ratings,
        runtime_seconds=_runtime(node),
        rating=rating(node),
        vote_count=count(node, "vote_count"),
        genres=named(node, "genres", "name"),
        countries=texts(node, "origin_country"),
        production_countries=named(node, "production_countries", "iso_3166_1"),
        languages=named(node, "spoken_languages", "iso_639_1"),
        original_language=text(node, "original_language"),
        keywords=_keywords(node, drift),
        network_ids=_ids(node, "networks"),
        networks=named(node, "networks", "name"),
        company_ids=_ids(node, "production_companies"),
        companies=named(node, "production_companies", "name"),
        creator_ids=_ids(node, "created_by"),
        alternative_titles=_alternative_titles(node, drift),
        translations=_translations(node, drift),
        videos=videos,
        trailer_url=_trailer_url(videos, language),
        image=image(node, "poster_path"),
        total_seasons=count(node, "number_of_seasons"),
        season_labels=stated(node, "seasons", [str(season.season_number(entry)) for entry in node.nodes("seasons")]),
        total_episodes=count(node, "number_of_episodes"),
        total_specials=stated(node, "seasons", _specials(node)),
    )


def _specials(node: Node) -> int:
    """TMDb keeps them in season 0, and out of its totals."""
    return sum(
        entry.integer("episode_count") or 0 for entry in node.nodes("seasons") if season.season_number(entry) == 0
    )


def _ids(node: Node, key: str) -> Maybe[list[str]]:
    return stated(node, key, [identifier(entry) for entry in node.nodes(key)])


def _external_ids(node: Node, drift: Drift) -> Maybe[dict[str, str]]:
    part = node.node("external_ids")
    return UNSET if part is None else external_ids(part, drift)


def _end_year(node: Node) -> Maybe[int]:
    """The year of the last episode of a show that is over."""
    if "status" not in node.data:
        return UNSET
    last = day(node, "last_air_date")
    return last.year if last and words(node, "status") in _OVER else None


def _runtime(node: Node) -> Maybe[int]:
    """Of a typical episode: the first of those that TMDb names."""
    minutes = node.array("episode_run_time") or [None]
    if minutes[0] is not None and (isinstance(minutes[0], bool) or not isinstance(minutes[0], int)):
        raise ShapeError(f"{node.at('episode_run_time')} holds {repr(minutes[0])[:60]} where minutes were expected")
    return stated(node, "episode_run_time", minutes[0] * 60 if minutes[0] else None)


def _keywords(node: Node, drift: Drift) -> Maybe[list[str]]:
    part = node.node("keywords")
    return UNSET if part is None else keywords(part, drift)


def _content_ratings(node: Node, drift: Drift) -> Maybe[list[ContentRating]]:
    part = node.node("content_ratings")
    if part is None:
        return UNSET
    found = []
    for entry in part.nodes("results"):
        drift.check("content_ratings", entry, frozenset({"descriptors", "iso_3166_1", "rating"}))
        if (told := words(entry, "rating")) is not None:
            descriptors = tuple(texts(entry, "descriptors") or ())
            found.append(ContentRating(country=entry.need_string("iso_3166_1"), rating=told, descriptors=descriptors))
    return found


def _certificate(ratings: Maybe[list[ContentRating]], country: str | None) -> Maybe[str]:
    """The rating of the caller's country."""
    if not isinstance(ratings, list) or country is None:
        return UNSET
    return next((entry.rating for entry in ratings if entry.country == country), None)


def _alternative_titles(node: Node, drift: Drift) -> Maybe[list[AlternativeTitle]]:
    part = node.node("alternative_titles")
    if part is None:
        return UNSET
    found = []
    for entry in part.nodes("results"):
        drift.check("alternative_titles", entry, frozenset({"iso_3166_1", "title", "type"}))
        if (title := words(entry, "title")) is not None:
            country, note = words(entry, "iso_3166_1"), words(entry, "type")
            found.append(AlternativeTitle(title=title, country=country, note=note))
    return found


def _translations(node: Node, drift: Drift) -> Maybe[list[Translation]]:
    part = node.node("translations")
    if part is None:
        return UNSET
    found = []
    for entry in part.nodes("translations"):
        said = entry.need("data")
        drift.check("translations", entry, _TRANSLATION_KEYS)
        drift.check("translation", said, frozenset({"name", "overview", "tagline", "homepage"}))
        found.append(
            Translation(
                language=entry.need_string("iso_639_1"),
                country=entry.need_string("iso_3166_1"),
                title=words(said, "name"),
                overview=words(said, "overview"),
                tagline=words(said, "tagline"),
                homepage=words(said, "homepage"),
            )
        )
    return found


def _videos(node: Node, drift: Drift) -> Maybe[list[Video]]:
    part = node.node("videos")
    if part is None:
        return UNSET
    for entry in part.nodes("results"):
        drift.check("videos", entry, _VIDEO_KEYS)
    return [
        Video(
            id=identifier(entry),
            site=entry.need_string("site"),
            site_id=entry.need_string("key"),
            name=words(entry, "name"),
            type=words(entry, "type"),
            official=entry.flag("official"),
            language=words(entry, "iso_639_1"),
        )
        for entry in part.nodes("results")
    ]


def _trailer_url(videos: Maybe[list[Video]], language: str) -> Maybe[str]:
    """A trailer on YouTube, an official one and one in our language first."""
    if not isinstance(videos, list):
        return UNSET
    trailers = [video for video in videos if (video.site, video.type) == ("YouTube", "Trailer")]
    ours = language.partition("-")[0]
    best = max(trailers, key=lambda video: (bool(video.official), video.language == ours), default=None)
    return f"https://www.youtube.com/watch?v={best.site_id}" if best else None
