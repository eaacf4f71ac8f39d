"""A person: the page `/name/nm…/` and the GraphQL answer to `query`.

Two layouts of the page are known: lists of credits by category (`releasedPrimaryCredits`, until autumn 2025), and by
grouping (`released`, since). Both show the first 15 credits of a category and tell how many there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from trr_crawl.items import UNSET, Credit, Episode, Item, Maybe, Person, Show
from trr_crawl.parse.errors import NoSuchTitle, ShapeError, WrongPage
from trr_crawl.parse.imdb import credits as title_credits
from trr_crawl.parse.imdb import graphql, listed, next_data, roles
from trr_crawl.parse.imdb.categories import CAST, TRADES, Trade, asked_as, trade
from trr_crawl.parse.imdb.roles import edges
from trr_crawl.parse.imdb.title import image, stated
from trr_crawl.parse.node import Node
from trr_crawl.text import full_date

PAGE_SIZE: Final = 250
"""Credits that a GraphQL answer holds at most, and roles of each, and other names."""

CHARACTERS_SIZE: Final = 2500
"""Characters of a role that an answer holds at most; there is no next page of them."""

OPERATION: Final = "PersonCredits"
ROLES_OPERATION: Final = "PersonRoles"

_TITLE = """
    id
    titleText { text }
    originalTitleText { text }
    titleType { id canHaveEpisodes }
    releaseYear { year endYear }
    series { series { id titleText { text } originalTitleText { text } } }
"""

_FACTS = f"""
    id
    nameText {{ text }}
    primaryImage {{ url width height caption {{ plainText }} }}
    primaryProfessions {{ category {{ text }} }}
    bio {{ text {{ plainText }} }}
    birthDate {{ dateComponents {{ year month day }} }}
    birthLocation {{ text }}
    deathDate {{ dateComponents {{ year month day }} }}
    deathLocation {{ displayableProperty {{ value {{ plainText }} }} }}
    deathCause {{ displayableProperty {{ value {{ plainText }} }} }}
    height {{ displayableProperty {{ value {{ plainText }} }} }}
    akas(first: $first) {{
      pageInfo {{ hasNextPage }}
      edges {{ node {{ displayableProperty {{ value {{ plainText }} }} }} }}
    }}
    nickNames {{ displayableProperty {{ value {{ plainText }} }} }}
    creditSummary {{ totalCredits {{ total }} }}
    images(first: 0) {{ total }}
    knownForV2 {{ credits {{ title {{ {_TITLE} }} }} }}
"""
"""The GraphQL selection of what is said of a person."""

QUERY: Final = f"""
query {OPERATION}($id: ID!, $first: Int!, $after: ID) {{
  name(id: $id) {{
    {_FACTS}
    creditsV2(first: $first, after: $after) {{
      total
      pageInfo {{ hasNextPage endCursor }}
      edges {{
        node {{
          title {{ {_TITLE} }}
          creditedRoles(first: $first) {{
            pageInfo {{ hasNextPage }}
            edges {{
              node {{
                text
                category {{ categoryId text traits }}
                attributes {{ __typename text }}
                characters(first: {CHARACTERS_SIZE}) {{ pageInfo {{ hasNextPage }} edges {{ node {{ name }} }} }}
                episodeCredits(first: 0) {{ total yearRange {{ year endYear }} }}
              }}
            }}
          }}
        }}
      }}
    }}
  }}
}}
"""

ROLES_QUERY: Final = f"""
query {ROLES_OPERATION}($id: ID!, $first: Int!, $after: ID, $categories: [ID!]!) {{
  name(id: $id) {{
    {_FACTS}
    credits(first: $first, after: $after, filter: {{ categories: $categories }}) {{
      total
      pageInfo {{ hasNextPage endCursor }}
      edges {{ node {{ title {{ {_TITLE} }} {title_credits.CAST_FIELDS} {title_credits.CREW_FIELDS} }} }}
    }}
  }}
}}
"""

KNOWN: Final = frozenset(
    "__typename id nameText searchIndexing disambiguator knownFor knownForV2 knownForFeature knownForFeatureV2 images "
    "primaryImage meta bio primaryProfessions professions birthDate birthName birthLocation deathDate deathLocation "
    "deathCause deathStatus meterRanking subNavBio subNavTrivia subNavAwardNominations subNavFaqs videos primaryVideos "
    "wins nominationsExcludeWins prestigiousAwardSummary jobs creditSummary groupings released unreleased "
    "releasedPrimaryCredits unreleasedPrimaryCredits height akas nickNames otherWorks personalDetailsSpouses parents "
    "children others personalDetailsExternalLinks publicityListings nameFilmBiography namePrintBiography namePortrayal "
    "publicityInterview publicityArticle publicityPictorial publicityMagazineCover demographicData triviaTotal trivia "
    "quotesTotal quotes trademarksTotal trademarks titleSalariesTotal titleSalaries faqs inIframeAddLink "
    "notInIframeAddLink selfVerifiedData newCreditCategoryIdToOldCategoryIdObject credits creditsV2".split()
)
"""The keys of a person that are read, or that the catalog has no place for."""

_METRES = re.compile(r"(\d(?:\.\d+)?)\s*m\b", re.ASCII)
_FEET = re.compile("(\\d)\u2032(?:\\s*(\\d{1,2})?(\u00bd)?\u2033)?", re.ASCII)
_INCH: Final = 2.54
"""Centimetres."""


@dataclass(kw_only=True, slots=True)
class Group:
    """How much of one category of a filmography a page shows."""

    name: str
    """The source's own words: "Actor"."""
    count: int
    total: int
    """By the page's own word."""


@dataclass(kw_only=True, slots=True)
class PersonPage:
    """What one page or answer says of a person and their work, and how much more there is."""

    person: Person
    titles: dict[str, Show | Episode]
    """Everything that the person is known or credited for, and the series of episodes, by id."""
    roles: list[Credit]
    """Every role, in the source's order: there can be several in one title and category."""
    count: int
    """How many credits are here, as the source counts them."""
    total: int | None
    """How many the filmography has, by the source's word; None where the answer does not say."""
    groups: list[Group] = field(default_factory=list)
    """The categories of a page; none in an answer, which is one list."""
    next_cursor: str | None = None
    """Where the next part of an answer starts; None at its end, and on a page."""
    cut: list[str] = field(default_factory=list)
    """In words, what is told in part by the source's own word."""
    drift: list[str] = field(default_factory=list)
    """Paths of keys, and names of categories, that the parser does not know."""

    def items(self) -> Iterator[Item]:
        """All items, parents first."""
        filmography = Filmography()
        filmography.add(self)
        yield self.person
        yield from self.titles.values()
        yield from filmography.items()

    @property
    def marks(self) -> set[tuple[str, ...]]:
        """What tells the roles here from those of another part."""
        return {title_credits.mark(role) for role in self.roles}


class Filmography(title_credits.Joined):
    """The credits of a person."""

    def add(self, page: PersonPage) -> None:
        """Take the roles of a part."""
        for title in page.titles.values():
            if isinstance(title, Episode):
                self._series[title.id] = title.show_id
        for role in page.roles:
            self.join(role)


def query(person_id: str, *, after: str | None = None, roles: Sequence[str] = ()) -> dict[str, Any]:
    """The body of the GraphQL request for a person and a part of their credits, all of them or those in some trades."""
    variables: dict[str, Any] = {"id": person_id, "first": PAGE_SIZE, "after": after}
    if not roles:
        return {"query": QUERY, "operationName": OPERATION, "variables": variables}
    categories = [category for slug in roles for category in asked_as(slug)]
    return {
        "query": ROLES_QUERY,
        "operationName": ROLES_OPERATION,
        "variables": {**variables, "categories": categories},
    }


def parse_answer(body: bytes, person_id: str, *, country: str, language: str, asked: Sequence[str] = ()) -> PersonPage:
    """Read the GraphQL answer to `query`, asked as a caller from `country` who reads `language`.

    `asked` are the trades that were asked for: where it is one, credits that name none are in that one. An answer that
    names nobody is about the person who was asked for.
    """
    head = graphql.answer(body).node("name")
    if head is None:
        raise NoSuchTitle(f"IMDb knows no person {person_id}")
    if not {"id", "nameText"} & head.data.keys():
        head = Node({"id": person_id, **head.data}, head.path)
    works = _Works(person_id, country, language)
    person = _person(head, head, person_id, works)
    connection = head.need("credits" if asked else "creditsV2")
    within = TRADES[asked[0]] if len(asked) == 1 else None
    count = 0
    for node in edges(connection):
        works.add(node, within)
        count += 1
    info = connection.node("pageInfo")
    return PersonPage(
        person=person,
        titles=works.titles,
        roles=works.roles,
        count=count,
        total=connection.integer("total") if asked else _total(connection),
        next_cursor=info.need_string("endCursor") if info is not None and info.flag("hasNextPage") else None,
        cut=[*works.cut, *(["the other names"] if roles.says_more(head.node("akas")) else [])],
        drift=sorted(works.drift) + head.drift(KNOWN),
    )


def parse_page(body: bytes, person_id: str, *, wanted: Sequence[str] = ()) -> PersonPage:
    """Read the bytes of `https://www.imdb.com/name/{person_id}/`; of its credits those in the trades that are wanted,
    all of them where none is named.
    """
    props = next_data.page_props(body, "aboveTheFold", "mainColumnData")
    above, main = props.need("aboveTheFold"), props.need("mainColumnData")
    works = _Works(person_id, *next_data.caller(props))
    person = _person(above, main, person_id, works)
    groups = {
        group_id: group
        for group_id, group in _groups(main).items()
        if not wanted or trade(group_id, group.name).slug in wanted
    }
    for group_id, name, connection in _lists(main):
        if wanted and trade(group_id, name).slug not in wanted:
            continue
        group = groups.setdefault(group_id, Group(name=name, count=0, total=0))
        for node in edges(connection):
            works.add(node, trade(group_id, name))
            group.count += 1
        group.total = max(group.total, group.count)
    if any(group.count < group.total and trade(group_id, group.name) is CAST for group_id, group in groups.items()):
        _doubt_archives(works.roles)
    roles.doubt_characters(works.roles)
    return PersonPage(
        person=person,
        titles=works.titles,
        roles=works.roles,
        count=sum(group.count for group in groups.values()),
        total=sum(group.total for group in groups.values()),
        groups=list(groups.values()),
        drift=sorted(works.drift) + above.drift(KNOWN) + main.drift(KNOWN),
    )


# The person


def _person(above: Node, main: Node, person_id: str, works: _Works) -> Person:
    """The facts, in the two halves of a page or in one answer; what they are known for goes to `works`."""
    found = above.need_string("id")
    if found != person_id:
        raise WrongPage(f"asked for {person_id}, the page is about {found} ({above.words('nameText') or 'no name'})")
    born, birth_year = _day(main, "birthDate")
    died, death_year = _day(main, "deathDate")
    bio = above.node("bio")
    return Person(
        source="imdb",
        id=person_id,
        name=stated(above, "nameText", above.words("nameText")),
        also_known_as=_other_names(main),
        birth_name=stated(main, "birthName", main.words("birthName")),
        biography=stated(above, "bio", bio.words("text") if bio else None),
        birth_date=stated(main, "birthDate", born),
        birth_year=stated(main, "birthDate", birth_year),
        birth_place=_shown(main, "birthLocation"),
        death_date=stated(main, "deathDate", died),
        death_year=stated(main, "deathDate", death_year),
        death_place=_shown(main, "deathLocation"),
        death_cause=_shown(main, "deathCause"),
        height_centimetres=_height(main, works.drift),
        professions=_professions(above),
        known_for_ids=_known_for(main, works),
        credits_total=_inner_total(main.node("creditSummary"), "totalCredits"),
        images_total=_inner_total(main, "images"),
        image=image(above, "primaryImage"),
    )


def _day(node: Node, key: str) -> tuple[date | None, int | None]:
    """The full date, if all of it is known, and the year; nothing of what was before our era."""
    parts = node.down(key, "dateComponents")
    if parts is None or parts.flag("isBCE"):
        return None, None
    year = parts.integer("year")
    try:
        return full_date(year, parts.integer("month"), parts.integer("day")), year
    except (ValueError, OverflowError) as error:
        raise ShapeError(f"{parts.path} is no date: {error}") from error


def _shown(node: Node, key: str) -> Maybe[str]:
    """A value as IMDb shows it: `text`, or deeper within."""
    outer = node.node(key)
    return stated(node, key, _text(outer) if outer else None)


def _text(node: Node) -> str | None:
    if "text" in node.data:
        return node.words("text")
    value = node.down("displayableProperty", "value")
    return value.string("plainText") if value else None


def _other_names(main: Node) -> Maybe[list[str]]:
    if "akas" not in main.data and "nickNames" not in main.data:
        return UNSET
    names = [_text(node) for node in (*edges(main.node("akas")), *main.nodes("nickNames"))]
    return list(dict.fromkeys(name for name in names if name))


def _professions(above: Node) -> Maybe[list[str]]:
    """`primaryProfessions` with a category each, or `professions` with a profession each."""
    listed_in = (("primaryProfessions", "category"), ("professions", "profession"))
    for key, inner in listed_in:
        if above.array(key):
            return [entry.need(inner).need_string("text") for entry in above.nodes(key)]
    return [] if any(key in above.data for key, _ in listed_in) else UNSET


def _height(main: Node, drift: set[str]) -> Maybe[float]:
    """In centimetres, of metres where they are shown, else of feet and inches, which have primes behind them."""
    shown = _shown(main, "height")
    if not shown:
        return UNSET if shown is UNSET else None
    if (metres := _METRES.search(shown)) is not None:
        return round(float(metres[1]) * 100, 1)
    if (feet := _FEET.search(shown)) is not None:
        inches = int(feet[1]) * 12 + int(feet[2] or 0) + (0.5 if feet[3] else 0)
        return round(inches * _INCH, 1)
    drift.add(main.at("height"))
    return UNSET


def _known_for(main: Node, works: _Works) -> Maybe[list[str]]:
    """`knownForFeature` and `knownFor` have edges, `knownForFeatureV2` and `knownForV2` have credits."""
    for key in ("knownForFeature", "knownForFeatureV2", "knownForV2"):
        feature = main.node(key)
        if feature is not None:
            return [works.title(node.need("title")) for node in (*edges(feature), *feature.nodes("credits"))]
    return UNSET


def _inner_total(node: Node | None, key: str) -> Maybe[int]:
    inner = node.node(key) if node is not None else None
    return inner.integer("total") if inner is not None else UNSET


# The work


class _Works:
    """Collects titles and roles."""

    def __init__(self, person_id: str, country: str | None, language: str | None) -> None:
        self.person_id = person_id
        self.country = country
        self.language = language
        self.titles: dict[str, Show | Episode] = {}
        self.roles: list[Credit] = []
        self.cut: list[str] = []
        self.drift: set[str] = set()
        self._taken: set[str] = set()

    def title(self, node: Node) -> str:
        """Take a title, and the series of an episode; returns the title's id."""
        title_id = node.need_string("id")
        if title_id in self._taken:
            return title_id
        self._taken.add(title_id)
        self.drift |= {f"title.{key}" for key in node.data.keys() - listed.KNOWN}
        show, episode = listed.titles(node, country=self.country, language=self.language)
        if show is None:
            raise ShapeError(f"{node.at('series')} is missing: an episode belongs to a series")
        title = show if episode is None else episode
        self.titles.setdefault(show.id, show)
        self.titles[title.id] = title  # of a series, its episodes tell less than a credit for it
        return title_id

    def add(self, node: Node, within: Trade | None) -> None:
        """Take a credit with all of its roles; `within` is the trade of the list in which it stands."""
        title_id = self.title(node.need("title"))
        self.roles += roles.of_node(_with_job_details(node), title_id, self.person_id, within, self.drift)
        if roles.is_cut(node):
            self.cut.append(f"the roles in {title_id}")


def _with_job_details(node: Node) -> Node:
    """A credit of the older layout, whose jobs share their attributes, in the names of a title's credits."""
    if "jobs" not in node.data:
        return node
    jobs = [{"job": job.data, "attributes": node.array("attributes")} for job in node.nodes("jobs")]
    return Node({**node.data, "jobDetails": jobs}, node.path)


def _groups(main: Node) -> dict[str, Group]:
    """All categories of the filmography with their totals, those that the page shows nothing of included."""
    groups: dict[str, Group] = {}
    for job in main.nodes("jobs"):
        category = job.need("category")
        groups[category.need_string("id")] = Group(
            name=category.need_string("text"), count=0, total=_total(job.need("credits"))
        )
    for node in edges(main.node("groupings")):
        grouping = node.need("grouping")
        groups[grouping.need_string("groupingId")] = Group(
            name=grouping.need_string("text"), count=0, total=_total(node.need("credits"))
        )
    return groups


def _lists(main: Node) -> Iterator[tuple[str, str, Node]]:
    """The lists of credits, released and not: the id and name of the category, and its connection."""
    if "releasedPrimaryCredits" not in main.data and "released" not in main.data:
        raise ShapeError(f"{main.path} lists no credits: it has neither releasedPrimaryCredits nor released")
    for key in ("releasedPrimaryCredits", "unreleasedPrimaryCredits"):
        for entry in main.nodes(key):
            category = entry.need("category")
            yield category.need_string("id"), category.need_string("text"), entry.need("credits")
    for key in ("released", "unreleased"):
        for node in edges(main.node(key)):
            grouping = node.need("grouping")
            yield grouping.need_string("groupingId"), grouping.need_string("text"), node.need("credits")


def _doubt_archives(roles: list[Credit]) -> None:
    """Where not all appearances are shown, one in older material may not be the only one in its title."""
    for role in roles:
        if role.archive_footage:
            role.archive_footage = UNSET


def _total(connection: Node) -> int:
    total = connection.integer("total")
    if total is None:
        raise ShapeError(f"{connection.at('total')} is missing")
    return total
