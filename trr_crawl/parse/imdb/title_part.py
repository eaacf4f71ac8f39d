"""What the pages and answers about one part of a title share: `/title/tt…/keywords/`, `/title/tt…/locations/`.

Such a page has its lists under `contentData`: a `section` each in `categories`, or one alone. It shows the first of a
longer list, and tells how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.imdb import graphql, next_data, title
from trr_crawl.parse.node import Node

PAGE_SIZE: Final = 250
"""Entries that an answer holds at most."""

IDENTITY_FIELDS: Final = """
    id
    titleText { text }
    titleType { id canHaveEpisodes }
    series { series { id } }
"""
"""The GraphQL selection that says which title an answer is about."""


def of_page(body: bytes, title_id: str) -> tuple[Node, Node]:
    """The title's identity and `contentData` of a page's bytes; WrongPage where it is about another title."""
    content = next_data.page_props(body, "contentData").need("contentData")
    head = content.node("entityMetadata") or content.need("data").need("title")
    title.check_id(head, title_id)
    return head, content


def of_answer(body: bytes, title_id: str) -> Node:
    """`data.title` of an answer; WrongPage where it is about another title."""
    head = graphql.title(body, title_id)
    title.check_id(head, title_id)
    return head


def sections(content: Node) -> Iterator[tuple[str, Node]]:
    """The lists of a page by their ids; a list that stands alone has none."""
    if "categories" in content.data:
        for category in content.nodes("categories"):
            yield category.need_string("id"), category.need("section")
    else:
        yield "", content.need("section")


def total(listed: Node) -> int:
    """How many entries a list has, by its own word."""
    found = listed.integer("total")
    if found is None:
        raise ShapeError(f"{listed.at('total')} is missing")
    return found


def next_cursor(connection: Node) -> str | None:
    """Where the next part of an answer's list starts; None at its end."""
    info = connection.node("pageInfo")
    return info.need_string("endCursor") if info is not None and info.flag("hasNextPage") else None
