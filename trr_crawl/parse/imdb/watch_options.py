"""Where a title can be watched in the caller's country: the GraphQL answer to `query`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from trr_crawl.items import Item, Offer, WatchProvider
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.imdb import graphql, title, title_part
from trr_crawl.parse.imdb.categories import word
from trr_crawl.parse.imdb.title import stated
from trr_crawl.parse.node import Node
from trr_crawl.text import original_image_url

OPERATION: Final = "TitleWatchOptions"

QUERY: Final = f"""
query {OPERATION}($id: ID!) {{
  title(id: $id) {{
    {title_part.IDENTITY_FIELDS}
    watchOptionsByCategory {{
      categorizedWatchOptionsList {{
        categoryName {{ value }}
        watchOptions {{
          shortDescription {{ value }}
          link(platform: WEB)
          provider {{ id name {{ value }} logos {{ slate {{ url }} }} }}
        }}
      }}
    }}
  }}
}}
"""

_OPTION_KEYS = frozenset("__typename title description shortDescription link provider promoted".split())
_PROVIDER_KEYS = frozenset("__typename id name description categoryType logos refTagFragment".split())


@dataclass(kw_only=True, slots=True)
class WatchOptions:
    """All offers of a title in one country, and who makes them."""

    title_id: str
    series_id: str | None
    """The series, where the title is an episode."""
    region: str
    """ISO 3166-1 code of the country."""
    offers: list[Offer] = field(default_factory=list)
    providers: dict[str, WatchProvider] = field(default_factory=dict)
    """By id."""
    drift: list[str] = field(default_factory=list)
    """Paths of keys that the parser does not know."""

    @property
    def count(self) -> int:
        """How many offers there are."""
        return len(self.offers)

    def items(self) -> Iterator[Item]:
        """Providers first."""
        yield from self.providers.values()
        yield from self.offers


def query(title_id: str) -> dict[str, Any]:
    """The body of the GraphQL request for a title's offers."""
    return {"query": QUERY, "operationName": OPERATION, "variables": {"id": title_id}}


def parse_answer(body: bytes, title_id: str, *, country: str) -> WatchOptions:
    """Read the GraphQL answer to `query`, asked as a caller from `country`.

    An answer that does not name its title is about the one that was asked for.
    """
    head = graphql.title(body, title_id)
    if "id" in head.data:
        title.check_id(head, title_id)
    options = WatchOptions(
        title_id=title_id, series_id=title.series_id(head) if "titleType" in head.data else None, region=country
    )
    categories = head.need("watchOptionsByCategory")
    if categories.array("categorizedWatchOptionsList") is None:
        raise ShapeError(f"{categories.at('categorizedWatchOptionsList')} is missing")
    unknown: set[str] = set()
    found: dict[str, Offer] = {}
    for listed in categories.nodes("categorizedWatchOptionsList"):
        offer_type = word(listed.need("categoryName").need_string("value"))
        for option in listed.nodes("watchOptions"):
            unknown |= {f"watch_option.{key}" for key in option.data.keys() - _OPTION_KEYS}
            provider = _provider(option.need("provider"), unknown)
            options.providers[provider.id] = provider
            offer = Offer(
                source="imdb",
                show_id=title_id,
                region=country,
                offer_type=offer_type,
                provider_id=provider.id,
                display_priority=len(found),
                link=stated(option, "link", option.string("link")),
                note=stated(option, "shortDescription", _value(option, "shortDescription")),
            )
            found.setdefault(offer.key, offer)
    options.offers = list(found.values())
    options.drift = sorted(unknown)
    return options


def _provider(node: Node, unknown: set[str]) -> WatchProvider:
    unknown |= {f"watch_provider.{key}" for key in node.data.keys() - _PROVIDER_KEYS}
    logo = node.down("logos", "slate")
    return WatchProvider(
        source="imdb",
        id=node.need_string("id"),
        name=stated(node, "name", _value(node, "name")),
        logo_url=stated(node, "logos", original_image_url(logo.need_string("url")) if logo else None),
    )


def _value(node: Node, key: str) -> str | None:
    """The string inside an object: `{"name": {"value": "Harbour Plus"}}`."""
    inner = node.node(key)
    return inner.string("value") if inner else None
