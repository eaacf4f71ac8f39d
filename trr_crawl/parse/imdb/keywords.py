"""All keywords of a title: the page `/title/tt…/keywords/`, and the GraphQL answer to `query`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from trr_crawl.items import Item, Show
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.imdb import title_part
from trr_crawl.parse.imdb.roles import edges
from trr_crawl.parse.node import Node

OPERATION: Final = "TitleKeywords"

QUERY: Final = f"""
query {OPERATION}($id: ID!, $first: Int!, $after: ID) {{
  title(id: $id) {{
    id
    titleText {{ text }}
    keywords(first: $first, after: $after) {{
      total
      pageInfo {{ hasNextPage endCursor }}
      edges {{ node {{ text }} }}
    }}
  }}
}}
"""

_ROW_KEYS = frozenset(
    "id rowTitle rowLink cardText cardTextUrl userVotingProps refTagSuffix shareButtonProps className".split()
)


@dataclass(kw_only=True, slots=True)
class KeywordsPage:
    """Some of a title's keywords."""

    title_id: str
    keywords: list[str]
    """In the source's order, each once."""
    total: int
    """How many the title has, by the source's word."""
    next_cursor: str | None = None
    """Where the next part of an answer starts; None at the end, and on a page."""
    drift: list[str] = field(default_factory=list)
    """Paths of keys that the parser does not know."""

    @property
    def count(self) -> int:
        """How many different keywords are here."""
        return len(self.keywords)

    def items(self) -> Iterator[Item]:
        """The title with all its keywords; nothing where they are not all here."""
        if self.next_cursor is None and self.count >= self.total:
            yield Show(source="imdb", id=self.title_id, keywords=self.keywords)


def query(title_id: str, after: str | None) -> dict[str, Any]:
    """The body of the GraphQL request for the keywords behind a cursor."""
    return {
        "query": QUERY,
        "operationName": OPERATION,
        "variables": {"id": title_id, "first": title_part.PAGE_SIZE, "after": after},
    }


def parse_answer(body: bytes, title_id: str) -> KeywordsPage:
    """Read the GraphQL answer to `query`."""
    connection = title_part.of_answer(body, title_id).need("keywords")
    return KeywordsPage(
        title_id=title_id,
        keywords=list(dict.fromkeys(edge.need_string("text") for edge in edges(connection))),
        total=title_part.total(connection),
        next_cursor=title_part.next_cursor(connection),
    )


def parse_page(body: bytes, title_id: str) -> KeywordsPage:
    """Read the bytes of `https://www.imdb.com/title/{title_id}/keywords/`."""
    _, content = title_part.of_page(body, title_id)
    names: dict[str, None] = {}
    total, unknown = 0, set()
    for _, section in title_part.sections(content):
        total += title_part.total(section)
        for row in section.nodes("items"):
            unknown |= row.data.keys() - _ROW_KEYS
            names[_text(row)] = None
    return KeywordsPage(
        title_id=title_id,
        keywords=list(names),
        total=total,
        drift=[f"keyword.row.{key}" for key in sorted(unknown)],
    )


def _text(row: Node) -> str:
    """A row of a list has `rowTitle`, a card `cardText`."""
    text = row.words("rowTitle") or row.words("cardText")
    if not text:
        raise ShapeError(f"{row.path} names no keyword")
    return text
