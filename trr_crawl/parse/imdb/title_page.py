"""A title by itself: the pages `/title/tt…/` and `/title/tt…/reference/`, and the GraphQL answer to `query`.

The pages of 2022 to 2026 keep the data in two places, the head (`aboveTheFoldData`) and the body (`mainColumnData`),
and moved some of it: `cast` became `castV2`, `principalCredits` became `crewV2`, `genres` and `titleGenres` stand side
by side, `countriesOfOrigin` is cut to one country where `countriesDetails` has all. An answer is both in one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from trr_crawl import text
from trr_crawl.items import UNSET, Episode, Item, Maybe, Person, Show
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.imdb import graphql, next_data, title, title_part
from trr_crawl.parse.imdb.categories import CAST, trade
from trr_crawl.parse.imdb.credits import CAST_FIELDS, CreditsPage, cast_of, read_lists
from trr_crawl.parse.imdb.roles import edges, is_whole, says_more
from trr_crawl.parse.node import Node

KEYWORDS_SHOWN: Final = 5
"""So many keywords does a page show at most, and so many are told of a list that did not come to its end."""

COMPANIES_SHOWN: Final = 3
"""So many production companies does a title page show at most: with as many there may be more."""

TAGS_SHOWN: Final = 5
"""The same of the interests in a page's head."""

TOP_CAST: Final = 18
"""How many of the cast a title page shows."""

FIRST_NAMED: Final = 4
"""How many of them `Show.top_cast_ids` names."""

OPERATION = "TitlePage"

QUERY = f"""
query {OPERATION}($id: ID!, $first: Int!, $top: Int!) {{
  title(id: $id) {{
    {title.TITLE_FIELDS}
    series {{
      series {{ id }}
      displayableEpisodeNumber {{ displayableSeason {{ text }} episodeNumber {{ text }} }}
    }}
    releaseDate {{ year month day }}
    canRate {{ isRatable }}
    interests(first: $first) {{ pageInfo {{ hasNextPage }} edges {{ node {{ primaryText {{ text }} }} }} }}
    keywords(first: $first) {{
      total
      pageInfo {{ hasNextPage endCursor }}
      edges {{ node {{ text }} }}
    }}
    spokenLanguages {{ spokenLanguages {{ id }} }}
    taglines(first: 1) {{ edges {{ node {{ text }} }} }}
    primaryVideos(first: 5) {{ edges {{ node {{ id contentType {{ id }} primaryTitle {{ id }} }} }} }}
    production: companyCredits(first: $first, filter: {{ categories: ["production"] }}) {{
      total
      edges {{ node {{ company {{ id companyText {{ text }} }} }} }}
    }}
    distribution: companyCredits(first: $first, filter: {{ categories: ["distribution"] }}) {{
      total
      edges {{
        node {{
          company {{ id companyText {{ text }} }}
          countries {{ text }}
          attributes {{ text }}
          yearsInvolved {{ year }}
        }}
      }}
    }}
    episodes {{
      totalEpisodes: episodes(first: 0) {{ total }}
      unknownSeasonEpisodes: episodes(first: 0, filter: {{ includeSeasons: ["unknown"] }}) {{ total }}
      displayableSeasons(first: $first) {{ total edges {{ node {{ text }} }} }}
      displayableYears(first: $first) {{ total edges {{ node {{ text }} }} }}
    }}
    cast: credits(first: $top, filter: {{ categories: ["cast"] }}) {{
      total
      edges {{ node {{ {CAST_FIELDS} }} }}
    }}
    crewV2: principalCreditsV2(filter: {{ mode: "DEFAULT" }}) {{
      grouping {{ groupingId text }}
      totalCredits
      credits(limit: 10) {{ name {{ id nameText {{ text }} }} }}
    }}
    subNavCredits: credits(first: 0) {{ total }}
  }}
}}
"""

_READ = title.KNOWN | frozenset(
    "releaseDate canRate genres interests keywords storylineKeywords spokenLanguages countriesDetails taglines "
    "primaryVideos production distribution companyCreditCategories cast castV2 crewV2 principalCredits "
    "principalCreditsV2 creators directors credits creditCategories creditGroupings categories "
    "reviews triviaTotal faqsTotal topQuestions".split()
)
_SAYS_OTHER_THINGS = frozenset(
    "canHaveEpisodes meterRanking images videos externalLinks metacritic isAdult plotContributionLink "
    "criticReviewsTotal engagementStatistics featuredReviews wins nominations nominationsExcludeWins "
    "prestigiousAwardSummary videoStrip titleMainImages imageUploadLink inIframeAddLink notInIframeAddLink "
    "writers moreLikeThisTitles relatedInterests trivia goofsTotal goofs quotesTotal quotes crazyCredits "
    "alternateVersions connections soundtrack faqs iframeAddReviewLink aggregateRatingsBreakdown reviewSummary "
    "detailsExternalLinks akas filmingLocations companies productionBudget lifetimeGross openingWeekendGross "
    "worldwideGross technicalSpecifications runtimes certificates contributionQuestions fullCredits isWGAVerified "
    "summaries outlines synopses parentsGuide".split()
)
"""Keys of the pages that are none of ours: awards, box office, reviews, trivia, other titles."""


@dataclass(kw_only=True, slots=True)
class TitlePage:
    """What one page or answer says of a title."""

    title: Show | Episode
    people: list[Person]
    """The creators and directors."""
    cast: CreditsPage
    """The first of the cast."""
    keywords: list[str]
    keywords_total: int
    """How many keywords the title has, by the source's word."""
    next_cursor: str | None = None
    """Where the next part of the keywords starts; None at their end, and on a page."""
    cut: list[str] = field(default_factory=list)
    """In words, what is told in part by the source's own word."""
    drift: list[str] = field(default_factory=list)
    """Paths of keys that the parser does not know."""

    @property
    def count(self) -> int:
        """How many different keywords are here."""
        return len(set(self.keywords))

    def items(self) -> Iterator[Item]:
        """The title, its people, and the credits of its cast."""
        yield self.title
        yield from self.people
        yield from self.cast.items()


def query(title_id: str) -> dict[str, Any]:
    """The body of the GraphQL request for a title."""
    return {
        "query": QUERY,
        "operationName": OPERATION,
        "variables": {"id": title_id, "first": title_part.PAGE_SIZE, "top": TOP_CAST},
    }


def parse_page(body: bytes, title_id: str) -> TitlePage:
    """Read the bytes of `https://www.imdb.com/title/{title_id}/`, or of its `reference/`."""
    props = next_data.page_props(body, "aboveTheFoldData", "mainColumnData")
    country, language = next_data.caller(props)
    return _page(
        props.need("aboveTheFoldData"), props.need("mainColumnData"), title_id, country=country, language=language
    )


def parse_answer(body: bytes, title_id: str, *, country: str, language: str) -> TitlePage:
    """Read the GraphQL answer to `query`, asked as a caller from `country` who reads `language`."""
    node = graphql.title(body, title_id)
    return _page(node, node, title_id, country=country, language=language)


def _page(head: Node, body: Node, title_id: str, *, country: str | None, language: str | None) -> TitlePage:
    title.check_id(head, title_id)
    series_id = title.series_id(head)
    told = _cast(body, title_id)
    cast = told or CreditsPage(title_id=title_id)
    cast.series_id = series_id
    groups = _principal_groups(head, body)
    people = {person.id: person for group in (groups or {}).values() for person in group.people}
    keywords = _carrier("keywords", head, body).node("keywords") or body.node("storylineKeywords")
    listed = _edge_texts(keywords) if keywords else []
    page = TitlePage(
        title=_show(head, body, country, language)
        if series_id is None
        else _episode(head, body, series_id=series_id, country=country),
        people=list(people.values()),
        cast=cast,
        keywords=listed,
        keywords_total=(keywords.integer("total") if keywords else None) or len(listed),
        next_cursor=title_part.next_cursor(keywords) if keywords else None,
        cut=[*_cut(head, body), *cast.cut],
        drift=_drift(head, body, cast),
    )
    if isinstance(page.title, Show):
        if keywords is not None:
            whole = page.next_cursor is None and page.count >= page.keywords_total
            page.title.keywords = listed if whole else UNSET
            page.title.main_keywords = UNSET if whole else listed[:KEYWORDS_SHOWN]
        _add_people(page.title, groups, told)
    return page


def _cut(head: Node, body: Node) -> list[str]:
    """What has more than is here, by its own word."""
    lists = {
        "the tags": _carrier("interests", head, body).node("interests"),
        "the production companies": _company_credits(body, "production"),
        "the distributors": _company_credits(body, "distribution"),
    }
    return [words for words, listed in lists.items() if says_more(listed)]


def _drift(head: Node, body: Node, cast: CreditsPage) -> list[str]:
    known = _READ | _SAYS_OTHER_THINGS
    nodes = (head,) if head is body else (head, body)
    return [*(path for node in nodes for path in node.drift(known)), *cast.drift]


# A show


def _show(head: Node, body: Node, country: str | None, language: str | None) -> Show:
    """A title that is no episode. What the head tells in a shorter form than the body is read from the body."""
    # These name people without their ids on pages of 2023; `_principal_groups` and `cast` name them all.
    named = ("castPageTitle", "creatorsPageTitle", "directorsPageTitle")
    told = Node({key: value for key, value in head.data.items() if key not in named}, head.path)
    show = title.show(told, country=country, language=language)
    released = _carrier("releaseDate", body, head)
    show.release_date = title.stated(released, "releaseDate", title.release(released)[0])
    _complete_genres(show, head, body)
    if {"countriesDetails", "countriesOfOrigin"} & body.data.keys():
        show.countries, show.main_countries = _countries(body), UNSET
    show.languages = _languages(body)
    show.tags, show.main_tags = _tags(head, body)
    show.tagline = _tagline(body)
    show.trailer_url = _trailer(head, body)
    _add_companies(show, body)
    show.networks, show.main_networks = _networks(body, show)
    show.credits_total = _total("subNavCredits credits", head, body)
    show.reviews_total = _total("subNavReviews reviews", head, body)
    show.trivia_total = _total("subNavTrivia triviaTotal", head, body)
    show.faqs_total = _total("subNavFaqs faqsTotal", head, body)
    show.questions_total = _total("subNavTopQuestions topQuestions", head, body)
    _add_episodes(show, body)
    return show


def _complete_genres(told: Show | Episode, head: Node, body: Node) -> None:
    """`genres`, which some pages have in the body, where the head's `titleGenres` ends after the third."""
    node = _carrier("genres", head, body)
    if node.node("genres") is not None or told.genres is told.main_genres is UNSET:
        told.genres, told.main_genres = title.genres(node)


def _countries(body: Node) -> list[str] | None:
    """All of them: a body has them as `countriesDetails`, or else does not cut `countriesOfOrigin`."""
    listed = body.node("countriesDetails") or body.node("countriesOfOrigin")
    return title.country_ids(listed) if listed else None


def _languages(body: Node) -> Maybe[list[str]]:
    listed = body.node("spokenLanguages")
    spoken = [language.need_string("id") for language in listed.nodes("spokenLanguages")] if listed else None
    return title.stated(body, "spokenLanguages", spoken)


def _tags(head: Node, body: Node) -> tuple[Maybe[list[str]], Maybe[list[str]]]:
    """All interests, or those that a page's head shows; see `parted`."""
    node = _carrier("interests", head, body)
    listed = node.node("interests")
    if listed is None:
        return title.stated(node, "interests", None), UNSET
    names = [name for edge in edges(listed) if (name := edge.words("primaryText"))]
    return title.parted(text.tags(names), is_whole=is_whole(listed, None if node is body else TAGS_SHOWN))


def _tagline(body: Node) -> Maybe[str]:
    listed = body.node("taglines")
    return title.stated(body, "taglines", next(iter(_edge_texts(listed)), None) if listed else None)


def _trailer(head: Node, body: Node) -> Maybe[str]:
    """The first of the primary videos that is a trailer, and of this title."""
    node = _carrier("primaryVideos", head, body)
    listed = node.node("primaryVideos")
    title_id = head.need_string("id")
    for video in edges(listed):
        kind = video.node("contentType")
        of_title = video.node("primaryTitle")
        if kind is None or not (kind.string("id") or "").endswith(".trailer"):
            continue
        if of_title is None or of_title.string("id") == title_id:
            return f"https://www.imdb.com/video/{video.need_string('id')}/"
    return title.stated(node, "primaryVideos", None)


def _total(keys: str, *nodes: Node) -> Maybe[int]:
    """The `total` of the first of the keys that has one, in any of the nodes; UNSET where none has."""
    for node in nodes:
        for key in keys.split():
            counted = node.node(key)
            if counted is not None and "total" in counted.data:
                return counted.integer("total")
    return UNSET


# Companies


def _add_companies(show: Show, body: Node) -> None:
    """Ids and names of the production companies: the first on a title page, all on /reference and in an answer."""
    node = _company_credits(body, "production")
    if node is None:
        show.company_ids = show.companies = title.stated(body, "production", None)
        return
    named = {company.need_string("id"): _company_name(credit, company) for credit, company in _companies_of(node)}
    whole = is_whole(node, COMPANIES_SHOWN)
    show.company_ids, show.main_company_ids = title.parted(list(named), is_whole=whole)
    show.companies, show.main_companies = title.parted(list(named.values()), is_whole=whole)


def _networks(body: Node, show: Show) -> tuple[Maybe[list[str]], Maybe[list[str]]]:
    """The broadcasters in a country of origin that showed it in its first year; see `parted`."""
    node = _company_credits(body, "distribution")
    details = body.node("countriesDetails")
    if node is None or details is None:
        return UNSET, UNSET
    home = {country.string("text") for country in details.nodes("countries")}
    names: dict[str, str] = {}
    for credit, company in _companies_of(node):
        years = credit.node("yearsInvolved")
        at_home = any(country.string("text") in home for country in credit.nodes("countries"))
        on_air = any(attribute.string("text") == "TV" for attribute in credit.nodes("attributes"))
        if at_home and on_air and years is not None and years.integer("year") == show.start_year:
            names[company.need_string("id")] = _company_name(credit, company)
    return title.parted(list(names.values()), is_whole=not says_more(node))


def _company_credits(body: Node, category: str) -> Node | None:
    """The companies of a category: in `companyCreditCategories` on /reference, else under the category's own key."""
    for listed in body.nodes("companyCreditCategories"):
        if listed.need("category").string("id") == category:
            return listed.need("companyCredits")
    return body.node(category)


def _companies_of(connection: Node) -> Iterator[tuple[Node, Node]]:
    for credit in edges(connection):
        yield credit, credit.need("company")


def _company_name(credit: Node, company: Node) -> str:
    name = company.words("companyText")
    if name is None:
        shown = credit.down("displayableProperty", "value")
        name = shown.string("plainText") if shown else None
    if not name:
        raise ShapeError(f"{company.path} has no name")
    return name


# Seasons


def _add_episodes(show: Show, body: Node) -> None:
    """The seasons, years and totals of `episodes`; a title that has none of them has null there."""
    node = body.node("episodes")
    if node is None:
        return
    show.season_labels = _labels(node, "seasons", "displayableSeasons")
    show.years = _labels(node, "years", "displayableYears")
    if isinstance(show.season_labels, list):
        numbered = [label for label in show.season_labels if label not in ("0", "unknown")]
        show.total_seasons = len(numbered) or None
    show.total_episodes = _total("totalEpisodes episodes", node)
    show.unknown_season_episodes = _total("unknownSeasonEpisodes", node)
    for edge in edges(node.node("topRated")):
        rating = edge.node("ratingsSummary")
        show.top_rated_episode_rating = title.rating_value(rating) if rating else None


def _labels(node: Node, key: str, displayable: str) -> Maybe[list[str]]:
    """Seasons or years, in order, unknown last: labels, of which some pages show only the first, or bare numbers."""
    connection = node.node(displayable)
    listed = list(edges(connection))
    if connection is None or len(listed) < (connection.integer("total") or 0):
        if key not in node.data:
            return UNSET
        listed = list(node.nodes(key))
    return title.in_order(title.season_label(_label(entry), entry.path) for entry in listed)


def _label(entry: Node) -> object:
    found = next((entry.data[key] for key in ("number", "season", "year", "text") if key in entry.data), None)
    return "unknown" if found is None else found


# An episode


def _episode(head: Node, body: Node, *, series_id: str, country: str | None) -> Episode:
    """A title that is an episode of a series."""
    told = title.show(
        Node({key: value for key, value in head.data.items() if not key.endswith("PageTitle")}, head.path),
        country=country,
        language=None,
    )
    season, number = _place(head.need("series"))
    released = _carrier("releaseDate", body, head)
    air_date, year, month = title.release(Node({**head.data, **released.data}, released.path))
    can_rate = head.node("canRate")
    _complete_genres(told, head, body)
    return Episode(
        source="imdb",
        id=told.id,
        show_id=series_id,
        season_number=season,
        episode_number=number,
        episode_type=told.show_type,
        title=told.title,
        country=country,
        overview=told.overview,
        air_date=air_date,
        release_year=year,
        release_month=month,
        rating=told.rating,
        vote_count=told.vote_count,
        can_rate=can_rate.flag("isRatable") if can_rate else UNSET,
        certificate=told.certificate,
        runtime_seconds=told.runtime_seconds,
        genres=told.genres,
        main_genres=told.main_genres,
        image=told.image,
    )


def _place(series: Node) -> tuple[Maybe[int], Maybe[int]]:
    """Season and number: `displayableEpisodeNumber` with texts, or `episodeNumber` with numbers."""
    shown = series.node("displayableEpisodeNumber")
    if shown is not None:
        return _number(shown.node("displayableSeason"), "text"), _number(shown.node("episodeNumber"), "text")
    if "episodeNumber" not in series.data:
        return UNSET, UNSET
    counted = series.node("episodeNumber")
    return _number(counted, "seasonNumber"), _number(counted, "episodeNumber")


def _number(node: Node | None, key: str) -> int | None:
    if node is None or node.data.get(key) in (None, ""):
        return None
    label = title.season_label(node.data[key], node.at(key))
    return None if label == "unknown" else int(label)


# People


def _cast(body: Node, title_id: str) -> CreditsPage | None:
    """The cast that is here: `cast`, `castV2`, or the list of the cast of a /reference page."""
    if "creditCategories" in body.data or "creditGroupings" in body.data:
        everyone = CreditsPage(title_id=title_id)
        read_lists(everyone, body, body)
        cast = [group for group in everyone.groups if group.category == CAST.slug]
        return replace(
            everyone,
            roles=[role for role in everyone.roles if role.category == CAST.slug],
            groups=cast,
            count=sum(group.count for group in cast),
            total=sum(group.total for group in cast),
        )
    listed = next(body.nodes("castV2"), None) or body.node("cast")
    if listed is not None:
        return cast_of(listed, title_id)
    return CreditsPage(title_id=title_id) if {"cast", "castV2"} & body.data.keys() else None


@dataclass(slots=True)
class _Principals:
    """The people of a trade that a title leads with."""

    people: list[Person]
    is_whole: bool
    """Whether these are all of them, by the source's word."""


def _principal_groups(head: Node, body: Node) -> dict[str, _Principals] | None:
    """The creators and directors, by trade, from the first list that names some; None where there is no list."""
    groups: dict[str, _Principals] | None = None
    for node in (body, head):
        for key in ("crewV2", "principalCreditsV2", "principalCredits", "creators", "directors"):
            if key in node.data:
                groups = groups or {}
                for group in node.nodes(key):
                    slug = _group_trade(group)
                    if slug in ("creator", "director") and (slug not in groups or not groups[slug].people):
                        people = [_person(credit) for credit in group.nodes("credits")]
                        total = group.integer("totalCredits")
                        groups[slug] = _Principals(people, total is not None and len(people) >= total)
    return groups


def _group_trade(group: Node) -> str:
    grouping = group.node("grouping") or group.node("category")
    words = [entry for key in ("groupingId", "id", "text") if grouping and (entry := grouping.string(key))]
    return trade(*words).slug if words else ""


def _person(credit: Node) -> Person:
    name = credit.need("name")
    return Person(source="imdb", id=name.need_string("id"), name=name.words("nameText"))


def _add_people(show: Show, groups: dict[str, _Principals] | None, cast: CreditsPage | None) -> None:
    if cast is not None:
        show.top_cast_ids = list(dict.fromkeys(role.person_id for role in cast.roles))[:FIRST_NAMED]
    if groups is not None:
        show.creator_ids, show.main_creator_ids = _ids(groups.get("creator"))
        show.director_ids, show.main_director_ids = _ids(groups.get("director"))


def _ids(group: _Principals | None) -> tuple[Maybe[list[str]], Maybe[list[str]]]:
    ids = [person.id for person in group.people] if group else []
    return title.parted(ids, is_whole=not ids or (group is not None and group.is_whole))


# Nodes


def _carrier(key: str, *nodes: Node) -> Node:
    """The first of the nodes that carries the key, or the last of them."""
    return next((node for node in nodes if key in node.data), nodes[-1])


def _edge_texts(connection: Node) -> list[str]:
    return list(dict.fromkeys(edge.need_string("text") for edge in edges(connection)))
