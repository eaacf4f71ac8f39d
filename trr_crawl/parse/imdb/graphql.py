"""The envelope of api.graphql.imdb.com's answers."""

from __future__ import annotations

import orjson

from trr_crawl.parse.errors import NoSuchTitle, Refused, ShapeError
from trr_crawl.parse.node import Node


def answer(body: bytes) -> Node:
    """`data` of an answer.

    Raises Refused where the server reports an error (it names a field that it rejects), and ShapeError where the
    answer is no GraphQL.
    """
    try:
        envelope = Node(orjson.loads(body), "answer")
    except orjson.JSONDecodeError as error:
        raise ShapeError(f"the answer is not JSON: {error}") from error
    for problem in envelope.nodes("errors"):
        extensions = problem.node("extensions")
        code = (extensions.string("code") if extensions else None) or "no code"
        raise Refused(code, problem.string("message") or "no message")
    return envelope.need("data")


def title(body: bytes, title_id: str) -> Node:
    """`data.title` of an answer about one title; NoSuchTitle where the server knows none."""
    node = answer(body).node("title")
    if node is None:
        raise NoSuchTitle(f"IMDb knows no title {title_id}")
    return node
