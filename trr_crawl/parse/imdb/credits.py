"""A title's cast and crew: the pages `/title/tt…/fullcredits/` and `…/reference/`, and the GraphQL answer to `query`.

IMDb tells a role in three layouts: a node with one category (until autumn 2025, and in GraphQL's `credits`), a node
with `creditedRoles` (since), and a row of a list on a page. All of them give the same `Credit`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from trr_crawl.items import UNSET, Credit, EpisodeCredit, Item, Maybe, Person, Unset
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.imdb import graphql, next_data, roles, title
from trr_crawl.parse.imdb.categories import CAST, Trade, trade
from trr_crawl.parse.imdb.roles import edges
from trr_crawl.parse.node import Node

PAGE_SIZE: Final = 250
"""Credits a GraphQL answer holds at most."""

EPISODES_PAGE_SIZE: Final = 50
"""Episodes, each with its cast, that a GraphQL answer holds at most."""

EPISODE_CAST_SIZE: Final = 100
"""Credits of each such episode; more are asked for by themselves."""

APPEARANCES: Final = ("cast", "archive_footage", "archive_sound")
"""IMDb's categories of those who are seen or heard."""

OPERATION = "TitleCredits"
EPISODES_OPERATION = "EpisodeCredits"

CAST_FIELDS = """
    category { id text }
    name { id nameText { text } }
    ... on Cast {
      characters { name }
      attributes { __typename text }
      episodeCredits(first: 0) { total yearRange { year endYear } }
    }
"""
"""The GraphQL selection of a cast member's credit."""

CREW_FIELDS = """
    ... on Crew {
      jobDetails { job { text } attributes { __typename text } }
      episodeCredits(first: 0) { total yearRange { year endYear } }
    }
"""
"""What a credit of the crew has besides."""

IDENTITY_FIELDS = """
    id
    titleText { text }
    titleType { id canHaveEpisodes }
"""

QUERY = f"""
query {OPERATION}($id: ID!, $first: Int!, $after: ID%s) {{
  title(id: $id) {{
    {IDENTITY_FIELDS}
    series {{ series {{ id }} }}
    credits(first: $first, after: $after%s) {{
      total
      pageInfo {{ hasNextPage endCursor }}
      edges {{ node {{ {CAST_FIELDS} {CREW_FIELDS} }} }}
    }}
  }}
}}
"""
"""With two places for what a choice of categories adds."""

EPISODES_QUERY = f"""
query {EPISODES_OPERATION}($id: ID!, $first: Int!, $after: ID, $castFirst: Int!, $categories: [ID!]!) {{
  title(id: $id) {{
    {IDENTITY_FIELDS}
    episodes {{
      episodes(first: $first, after: $after, sort: {{ by: EPISODE_THEN_RELEASE, order: ASC }}) {{
        total
        pageInfo {{ hasNextPage endCursor }}
        edges {{
          node {{
            id
            credits(first: $castFirst, filter: {{ categories: $categories }}) {{
              total
              pageInfo {{ hasNextPage endCursor }}
              edges {{ node {{ {CAST_FIELDS} }} }}
            }}
          }}
        }}
      }}
    }}
  }}
}}
"""


_NODE_KEYS = frozenset(
    "__typename name category characters attributes jobDetails episodeCredits creditedRoles hierarchyDetails".split()
)


@dataclass(kw_only=True, slots=True)
class Group:
    """How much of one list of credits is here."""

    category: str
    """As in Credit."""
    count: int
    """How many rows are here."""
    total: int
    """How many there are, by its own word."""


@dataclass(kw_only=True, slots=True)
class CreditsPage:
    """What one page or answer says of a title's cast and crew, and how much more there is."""

    title_id: str
    series_id: str | None = None
    """The series, where the title is an episode."""
    roles: list[Credit] = field(default_factory=list)
    """Every role of everyone, in the source's order: a person can have several in one category."""
    people: dict[str, Person] = field(default_factory=dict)
    """Everyone credited, by id."""
    count: int = 0
    """How many credits are here, as the source counts them."""
    total: int = 0
    """How many the title has, by the source's word."""
    groups: list[Group] = field(default_factory=list)
    """The lists of a page; none in an answer, which is one list."""
    promised: int | None = None
    """How many the title has by the word of a page's head, which counts all lists; None where it does not say."""
    next_cursor: str | None = None
    """Where the next part of an answer starts; None at its end, and on a page."""
    cut: list[str] = field(default_factory=list)
    """In words, what is told in part by the source's own word."""
    drift: list[str] = field(default_factory=list)
    """Paths of keys, and names of categories, that the parser does not know."""

    def items(self) -> Iterator[Item]:
        """The credits of this page, each person before their first."""
        ledger = Ledger()
        ledger.add(self)
        yield from ledger.items()

    @property
    def marks(self) -> set[tuple[str, ...]]:
        """What tells the roles here from those of another part."""
        return {mark(role) for role in self.roles}


@dataclass(kw_only=True, slots=True)
class EpisodesCreditsPage:
    """Who appears in some of a show's episodes, and how many episodes more there are."""

    episodes: list[CreditsPage]
    total: int
    """How many episodes the show has, by the source's word."""
    next_cursor: str | None = None
    drift: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many different episodes are here."""
        return len({episode.title_id for episode in self.episodes})

    def items(self) -> Iterator[Item]:
        """The credits of all these episodes, each person before their first."""
        ledger = Ledger()
        for episode in self.episodes:
            ledger.add(episode)
        yield from ledger.items()


class Joined:
    """Roles joined to credits, over all parts of a list: one for a person, a title and a category."""

    def __init__(self) -> None:
        self._credits: dict[str, Credit] = {}
        self._series: dict[str, str] = {}
        """The series of the titles that are episodes."""

    def join(self, role: Credit) -> None:
        """Take a role."""
        known = self._credits.get(role.key)
        self._credits[role.key] = role if known is None else joined(known, role)

    def items(self) -> Iterator[Item]:
        """The credits so far, in the order of their first roles."""
        for credit in self._credits.values():
            series_id = self._series.get(credit.show_id)
            yield credit if series_id is None else of_an_episode(credit, series_id)


class Ledger(Joined):
    """The credits of titles, with their places and people.

    Only those of some categories, if any are named; the others are counted in `left_out`.
    """

    def __init__(self, categories: Sequence[str] = ()) -> None:
        super().__init__()
        self.categories = frozenset(categories)
        self.left_out: set[str] = set()
        """The keys of the credits that were not wanted."""
        self._places: Counter[tuple[str, str]] = Counter()
        self._people: dict[str, Person] = {}

    @property
    def keys(self) -> set[str]:
        """The keys of the credits."""
        return set(self._credits)

    def add(self, page: CreditsPage) -> None:
        """Take the roles of a page."""
        self._people = page.people | self._people
        if page.series_id is not None:
            self._series[page.title_id] = page.series_id
        for role in page.roles:
            if self.categories and role.category not in self.categories:
                self.left_out.add(role.key)
                continue
            if role.key not in self._credits:
                self._places[role.show_id, role.category] += 1
                role = replace(role, billing_order=self._places[role.show_id, role.category])
            self.join(role)

    def items(self) -> Iterator[Item]:
        """The credits so far, each person before their first."""
        named: set[str] = set()
        for credit in super().items():
            assert isinstance(credit, Credit | EpisodeCredit)
            if credit.person_id not in named:
                named.add(credit.person_id)
                yield self._people[credit.person_id]
            yield credit


def mark(role: Credit) -> tuple[str, ...]:
    """What tells a role from the others of a list."""
    lists = (role.characters, role.main_characters, role.jobs, role.attributes)
    return role.key, *(word for words in lists for word in ("", *(words or ())))


def joined(one: Credit, other: Credit) -> Credit:
    """One credit of two roles of a person in one category."""
    characters = _union(_union(one.main_characters, one.characters), _union(other.main_characters, other.characters))
    in_part = bool(one.main_characters or other.main_characters)
    return replace(
        one,
        characters=UNSET if in_part else characters,
        main_characters=characters if in_part else UNSET,
        jobs=_union(one.jobs, other.jobs),
        attributes=_union(one.attributes, other.attributes),
        credited_as=one.credited_as or other.credited_as,
        as_self=_either(one.as_self, other.as_self, any),
        uncredited=_either(one.uncredited, other.uncredited, all),
        archive_footage=_either(one.archive_footage, other.archive_footage, all),
        episode_count=_either(one.episode_count, other.episode_count, max),
        start_year=_either(one.start_year, other.start_year, min),
        end_year=_either(one.end_year, other.end_year, max),
    )


def of_an_episode(credit: Credit, series_id: str) -> EpisodeCredit:
    """The credit of a title that is an episode."""
    return EpisodeCredit(
        source=credit.source,
        show_id=series_id,
        episode_id=credit.show_id,
        person_id=credit.person_id,
        category=credit.category,
        characters=credit.characters,
        main_characters=credit.main_characters,
        attributes=credit.attributes,
        as_self=credit.as_self,
        uncredited=credit.uncredited,
        archive_footage=credit.archive_footage,
    )


def query(title_id: str, *, after: str | None = None, categories: Sequence[str] = ()) -> dict[str, Any]:
    """The body of the GraphQL request for a title's credits, all of them or those of some of IMDb's categories."""
    chosen = (", $categories: [ID!]!", ", filter: { categories: $categories }") if categories else ("", "")
    return {
        "query": QUERY % chosen,
        "operationName": OPERATION,
        "variables": {
            "id": title_id,
            "first": PAGE_SIZE,
            "after": after,
            **({"categories": list(categories)} if categories else {}),
        },
    }


def episodes_query(show_id: str, *, after: str | None = None) -> dict[str, Any]:
    """The body of the GraphQL request for those who appear in a show's episodes, many episodes at once."""
    return {
        "query": EPISODES_QUERY,
        "operationName": EPISODES_OPERATION,
        "variables": {
            "id": show_id,
            "first": EPISODES_PAGE_SIZE,
            "after": after,
            "castFirst": EPISODE_CAST_SIZE,
            "categories": list(APPEARANCES),
        },
    }


def parse_page(body: bytes, title_id: str) -> CreditsPage:
    """Read the bytes of `https://www.imdb.com/title/{title_id}/fullcredits/` or `…/reference/`."""
    # /fullcredits keeps its data in the one, /reference in the other.
    part = "contentData" if b'"contentData":' in body else "mainColumnData"
    props = next_data.page_props(body, part)
    content = props.node("contentData")
    if content is not None:
        head = content.node("entityMetadata") or content.need("data").need("title")
        holders = [content, content.down("data", "title") or content]
    else:
        main = props.need("mainColumnData")
        head = props.node("aboveTheFoldData") or main
        holders = [main, main]
    title.check_id(head, title_id)
    page = CreditsPage(title_id=title_id, series_id=title.series_id(head))
    counted = head.node("subNavCredits")
    page.promised = counted.integer("total") if counted else None
    read_lists(page, *holders)
    return page


def read_lists(page: CreditsPage, rows: Node, nodes: Node) -> None:
    """Add a page's lists: the `categories` of one node, and the `creditGroupings` or `creditCategories` of another.

    Nodes say more than rows, but often stop earlier: a row counts where its person has no node in that category.
    """
    lists = [*nodes.nodes("creditCategories"), *edges(nodes.node("creditGroupings"))]
    if not lists and "categories" not in rows.data:
        raise ShapeError(f"{rows.path} lists no credits: it has no categories, creditGroupings or creditCategories")
    drift: set[str] = set()
    groups: dict[str, Group] = {}
    for listed in lists:
        _add_nodes(page, listed, groups, drift)
    by_nodes = {role.key for role in page.roles}
    for category in rows.nodes("categories"):
        _add_rows(page, category, groups, by_nodes, drift)
    roles.doubt_characters(page.roles)
    page.groups = list(groups.values())
    page.count = sum(group.count for group in page.groups)
    page.total = sum(group.total for group in page.groups)
    page.drift = sorted(drift)


def parse_answer(body: bytes, title_id: str) -> CreditsPage:
    """Read the GraphQL answer to `query`."""
    head = graphql.title(body, title_id)
    title.check_id(head, title_id)
    return _connection(head.need("credits"), title_id, title.series_id(head))


def parse_episodes_answer(body: bytes, show_id: str) -> EpisodesCreditsPage:
    """Read the GraphQL answer to `episodes_query`."""
    head = graphql.title(body, show_id)
    title.check_identity(head, show_id)
    listed = head.need("episodes").need("episodes")
    episodes = [_connection(episode.need("credits"), episode.need_string("id"), show_id) for episode in edges(listed)]
    return EpisodesCreditsPage(
        episodes=episodes,
        total=_total(listed),
        next_cursor=_next_cursor(listed),
        drift=sorted({path for episode in episodes for path in episode.drift}),
    )


def cast_of(connection: Node, title_id: str) -> CreditsPage:
    """The cast that a title page shows: `cast` (until autumn 2025), or an entry of `castV2` (since)."""
    page = CreditsPage(title_id=title_id)
    drift: set[str] = set()
    nodes = [*edges(connection), *connection.nodes("credits")]
    for node in nodes:
        _add_node(page, node, CAST, drift)
    roles.doubt_characters(page.roles)
    page.count = len(nodes)
    page.total = connection.integer("total") or connection.integer("totalCredits") or page.count
    page.drift = sorted(drift)
    return page


# Lists


def _connection(connection: Node, title_id: str, series_id: str | None) -> CreditsPage:
    """GraphQL's list of credits of all categories."""
    page = CreditsPage(title_id=title_id, series_id=series_id)
    drift: set[str] = set()
    for node in edges(connection):
        _add_node(page, node, None, drift)
        page.count += 1
    page.total = _total(connection)
    page.next_cursor = _next_cursor(connection)
    page.drift = sorted(drift)
    return page


def _add_nodes(page: CreditsPage, listed: Node, groups: dict[str, Group], drift: set[str]) -> None:
    """A list of nodes: `category` and `categoryText` until autumn 2025, `grouping` since."""
    grouping = listed.node("grouping")
    if grouping is not None:
        group_id, name = grouping.need_string("groupingId"), grouping.need_string("text")
    else:
        group_id = listed.need("category").need_string("id")
        name = listed.need("categoryText").need_string("text")
    connection = listed.need("credits")
    nodes = list(edges(connection))
    within = trade(group_id, name)
    for node in nodes:
        _add_node(page, node, within, drift)
    groups[group_id] = Group(category=within.slug, count=len(nodes), total=_total(connection))


def _add_rows(page: CreditsPage, category: Node, groups: dict[str, Group], by_nodes: set[str], drift: set[str]) -> None:
    """A list of rows: an entry of `categories`."""
    group_id, name = category.need_string("id"), category.need_string("name")
    section = category.need("section")
    within = trade(group_id, name)
    roles.note_trade(within, drift)
    rows = list(section.nodes("items"))
    for row in rows:
        told = roles.of_row(row, page.title_id, within, drift)
        if told[0].key not in by_nodes:
            page.roles += told
            person_id = told[0].person_id
            page.people.setdefault(person_id, Person(source="imdb", id=person_id, name=row.words("rowTitle")))
    group = groups.setdefault(group_id, Group(category=within.slug, count=0, total=0))
    group.count = max(group.count, len(rows))
    group.total = max(group.total, _total(section))


def _add_node(page: CreditsPage, node: Node, within: Trade | None, drift: set[str]) -> None:
    drift |= {f"credit.{key}" for key in node.data.keys() - _NODE_KEYS}
    name = node.need("name")
    person_id = name.need_string("id")
    page.people.setdefault(person_id, Person(source="imdb", id=person_id, name=name.words("nameText")))
    page.roles += roles.of_node(node, page.title_id, person_id, within, drift)
    if roles.is_cut(node):
        page.cut.append(f"the roles of {person_id}")


# Connections


def _total(connection: Node) -> int:
    total = connection.integer("total")
    if total is None:
        raise ShapeError(f"{connection.at('total')} is missing")
    return total


def _next_cursor(connection: Node) -> str | None:
    info = connection.node("pageInfo")
    return info.need_string("endCursor") if info is not None and info.flag("hasNextPage") else None


# Joining


def _union(one: Maybe[list[str]], other: Maybe[list[str]]) -> Maybe[list[str]]:
    if not one or not other:
        return one or other or (other if isinstance(one, Unset) else one)
    return list(dict.fromkeys((*one, *other)))


def _either(one: Maybe[Any], other: Maybe[Any], choose: Any) -> Any:
    """One of two values by `any`, `all`, `max` or `min`; the other where one of them is not known."""
    if one is None or one is UNSET:
        return one if other is UNSET else other
    return one if other is None or other is UNSET else choose((one, other))
