"""What IMDb says of a title, wherever it says it: `entityMetadata` of a page, `data.title` of a GraphQL answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, TypeVar

from trr_crawl.items import UNSET, Image, Maybe, Person, Show, Unset
from trr_crawl.parse.errors import NotASeries, ShapeError, WrongPage
from trr_crawl.parse.node import Node
from trr_crawl.text import full_date, original_image_url

T = TypeVar("T")

GENRES_SHOWN: Final = 3
"""So many of `titleGenres` do pages show at most: with as many there may be more."""

COUNTRIES_SHOWN: Final = 1
"""The same of the `countriesOfOrigin` in a page's head."""

_PLAIN_LABELS = frozenset(map(str, range(2200)))
"""Nearly all seasons and years, as they are written."""

KNOWN = frozenset(
    "__typename id certificate runtime ratingsSummary titleGenres meta titleType titleText originalTitleText "
    "releaseYear plot primaryImage series castPageTitle creatorsPageTitle directorsPageTitle productionStatus "
    "countriesOfOrigin countriesDetails genres subNavCredits subNavReviews subNavTrivia subNavFaqs subNavTopQuestions "
    "episodes".split()
)
"""The keys of a title that are read, or that say nothing about it (`series` is null on a series)."""

TITLE_FIELDS = """
    id
    titleText { text }
    originalTitleText { text }
    titleType { id canHaveEpisodes }
    releaseYear { year endYear }
    plot { plotText { plainText } }
    certificate { rating }
    runtime { seconds }
    ratingsSummary { aggregateRating voteCount }
    genres { genres { text } }
    countriesDetails: countriesOfOrigin { countries { id text } }
    productionStatus { currentProductionStage { id } }
    meta { canonicalId publicationStatus }
    primaryImage { url width height caption { plainText } }
"""
"""The GraphQL selection that `show` reads, in the names that IMDb's own pages use."""


def check_id(node: Node, title_id: str) -> str:
    """Raise WrongPage unless the title is the one asked for; its name."""
    found = node.need_string("id")
    name = node.words("titleText") or "no title"
    if found != title_id:
        raise WrongPage(f"asked for {title_id}, the page is about {found} ({name})")
    return name


def check_identity(node: Node, title_id: str) -> None:
    """Raise WrongPage unless the title is the one asked for, NotASeries unless it can have episodes."""
    name = check_id(node, title_id)
    title_type = node.node("titleType")
    if title_type is not None and title_type.flag("canHaveEpisodes") is False:
        raise NotASeries(f"{title_id} ({name}) is a {title_type.string('id')}: it has no episodes")


def series_id(node: Node) -> str | None:
    """The series that an episode belongs to; None for a title that is no episode."""
    title_type = node.need("titleType")
    if not title_type.need_string("id").endswith("Episode"):
        return None
    return node.need("series").need("series").need_string("id")


def show(node: Node, *, country: str | None, language: str | None) -> Show:
    """A series; fields that the node does not carry stay unset."""
    years = node.node("releaseYear")
    rating = node.node("ratingsSummary")
    all_genres, main_genres = genres(node)
    all_countries, main_countries = countries(node)
    creators, main_creators = _credited(node, "creatorsPageTitle")
    directors, main_directors = _credited(node, "directorsPageTitle")
    return Show(
        source="imdb",
        id=node.need_string("id"),
        country=country,
        language=language,
        title=stated(node, "titleText", node.words("titleText")),
        original_title=stated(node, "originalTitleText", node.words("originalTitleText")),
        show_type=_inner(node, "titleType", "id"),
        production_status=_stage(node),
        publication_status=_inner(node, "meta", "publicationStatus"),
        canonical_id=_inner(node, "meta", "canonicalId"),
        start_year=stated(node, "releaseYear", years.integer("year") if years else None),
        end_year=stated(node, "releaseYear", years.integer("endYear") if years else None),
        overview=stated(node, "plot", node.words("plot")),
        certificate=_inner(node, "certificate", "rating"),
        runtime_seconds=_count(node, "runtime", "seconds"),
        rating=stated(node, "ratingsSummary", rating_value(rating) if rating else None),
        vote_count=_count(node, "ratingsSummary", "voteCount"),
        genres=all_genres,
        main_genres=main_genres,
        countries=all_countries,
        main_countries=main_countries,
        image=image(node, "primaryImage"),
        top_cast_ids=stated(node, "castPageTitle", [person.id for person in top_cast(node)]),
        creator_ids=creators,
        main_creator_ids=main_creators,
        director_ids=directors,
        main_director_ids=main_directors,
        credits_total=_count(node, "subNavCredits", "total"),
        reviews_total=_count(node, "subNavReviews", "total"),
        trivia_total=_count(node, "subNavTrivia", "total"),
        faqs_total=_count(node, "subNavFaqs", "total"),
        questions_total=_count(node, "subNavTopQuestions", "total"),
    )


def people(node: Node) -> list[Person]:
    """The few people that a page's head names."""
    named = [*top_cast(node), *principals(node, "creatorsPageTitle"), *principals(node, "directorsPageTitle")]
    return list({person.id: person for person in named}.values())


def top_cast(node: Node) -> list[Person]:
    """`castPageTitle`, billing order."""
    cast = node.node("castPageTitle")
    return [_person(edge.need("node")) for edge in cast.nodes("edges")] if cast else []


def principals(node: Node, key: str) -> list[Person]:
    """The credited people of `creatorsPageTitle` or `directorsPageTitle`."""
    return [_person(credit) for category in node.nodes(key) for credit in category.nodes("credits")]


def parted(listed: list[str], *, is_whole: bool) -> tuple[Maybe[list[str]], Maybe[list[str]]]:
    """A list as the fields for all of it and for the first few of it state it."""
    return (listed, UNSET) if is_whole else (UNSET, listed)


def genres(node: Node) -> tuple[Maybe[list[str]], Maybe[list[str]]]:
    """All of `genres`, or as many of `titleGenres` as there are; see `parted`."""
    listed = node.node("genres")
    if listed is not None:
        return [genre.need_string("text") for genre in listed.nodes("genres")], UNSET
    shown = node.node("titleGenres")
    if shown is None:
        return (None if {"genres", "titleGenres"} & node.data.keys() else UNSET), UNSET
    return genres_shown([genre.need("genre").need_string("text") for genre in shown.nodes("genres")])


def genres_shown(names: list[str]) -> tuple[Maybe[list[str]], Maybe[list[str]]]:
    """Genres of a list that may end after the third; see `parted`."""
    return parted(names, is_whole=len(names) != GENRES_SHOWN)


def countries(node: Node) -> tuple[Maybe[list[str]], Maybe[list[str]]]:
    """All of `countriesDetails`, or of `countriesOfOrigin`, which a page's head cuts; see `parted`."""
    listed = node.node("countriesDetails")
    if listed is not None:
        return country_ids(listed), UNSET
    shown = node.node("countriesOfOrigin")
    if shown is None:
        return (None if {"countriesDetails", "countriesOfOrigin"} & node.data.keys() else UNSET), UNSET
    ids = country_ids(shown)
    return parted(ids, is_whole=len(ids) != COUNTRIES_SHOWN)


def country_ids(listed: Node) -> list[str]:
    """ISO 3166-1 codes."""
    return [country.need_string("id") for country in listed.nodes("countries")]


def in_order(labels: Iterable[str]) -> list[str]:
    """Seasons or years by number, unknown last, each once."""
    return sorted(set(labels), key=lambda label: (label == "unknown", len(label), label))


def image(node: Node, key: str) -> Maybe[Image]:
    """A picture in either dress: `width` or `maxWidth`, caption a string or an object."""
    if key not in node.data:
        return UNSET
    picture = node.node(key)
    if picture is None:
        return None
    return Image(
        url=original_image_url(picture.need_string("url")),
        width=picture.integer("maxWidth" if "maxWidth" in picture.data else "width"),
        height=picture.integer("maxHeight" if "maxHeight" in picture.data else "height"),
        caption=picture.words("caption"),
    )


def season_label(value: object, path: str) -> str:
    """A season or year as IMDb's selectors write it: a number, or "unknown" (-1 on older pages)."""
    if isinstance(value, str) and value in _PLAIN_LABELS:
        return value
    label = str(value).strip().lower()
    if label in ("unknown", "-1"):
        return "unknown"
    if label.isascii() and label.isdigit() and len(label) < 10:
        return str(int(label))
    raise ShapeError(f"{path} is {repr(value)[:60]}, neither a number nor unknown")


def rating_value(node: Node) -> float | None:
    """`aggregateRating`: IMDb's scale starts at 1, a 0 stands for no votes yet."""
    return node.number("aggregateRating") or None


def release(node: Node) -> tuple[date | None, int | None, int | None]:
    """Full date, year and month from `releaseDate` and, failing that, `releaseYear`."""
    day = node.node("releaseDate")
    year = day.integer("year") if day else None
    if year is None:
        year = _release_year(node)
    month = day.integer("month") if day else None
    if month is not None and not 1 <= month <= 12:
        raise ShapeError(f"{node.at('releaseDate.month')} is {month}: there is no such month")
    try:
        air_date = full_date(year, month, day.integer("day") if day else None)
    except (ValueError, OverflowError) as error:
        raise ShapeError(f"{node.at('releaseDate')} is no date: {error}") from error
    return air_date, year, month


def _release_year(node: Node) -> int | None:
    if isinstance(node.data.get("releaseYear"), dict):
        return node.need("releaseYear").integer("year")
    return node.integer("releaseYear")


def _person(node: Node) -> Person:
    name = node.need("name")
    return Person(source="imdb", id=name.need_string("id"), name=name.words("nameText"))


def stated(node: Node, key: str, value: T) -> T | Unset:
    """The value, or UNSET where the node does not carry the key at all."""
    return value if key in node.data else UNSET


def _inner(node: Node, key: str, inner: str) -> Maybe[str]:
    """The string inside an object: `{"certificate": {"rating": "TV-14"}}`."""
    outer = node.node(key)
    return stated(node, key, outer.string(inner) if outer else None)


def _count(node: Node, key: str, inner: str) -> Maybe[int]:
    """The whole number inside an object: `{"runtime": {"seconds": 2640}}`."""
    outer = node.node(key)
    return stated(node, key, outer.integer(inner) if outer else None)


def _stage(node: Node) -> Maybe[str]:
    stage = node.down("productionStatus", "currentProductionStage")
    return stated(node, "productionStatus", stage.string("id") if stage else None)


def _credited(node: Node, key: str) -> tuple[Maybe[list[str]], Maybe[list[str]]]:
    """The ids of `principals`, which a page's head cuts."""
    if key not in node.data:
        return UNSET, UNSET
    ids = [person.id for person in principals(node, key)]
    return parted(ids, is_whole=not ids)
