"""Strict reading of JSON: a value is what the parser expects, or absent or null, or an error that names its path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trr_crawl import text
from trr_crawl.parse.errors import ShapeError

LARGEST = 2**63 - 1
"""What JSON tools and databases take for a whole number."""


class Node:
    """A JSON object and where in the page it stands.

    Readers return None where the key is absent or null, and raise ShapeError where something else stands there than
    what they are named for.
    """

    __slots__ = ("data", "path")

    def __init__(self, data: Any, path: str) -> None:
        if not isinstance(data, dict):
            raise ShapeError(f"{path} is {_name(data)} where an object was expected")
        self.data: dict[str, Any] = data
        self.path = path

    def at(self, key: str) -> str:
        """The path of one of its keys."""
        return f"{self.path}.{key}"

    def node(self, key: str) -> Node | None:
        """An object."""
        value = self.data.get(key)
        return None if value is None else Node(value, self.at(key))

    def need(self, key: str) -> Node:
        """An object that must be there."""
        node = self.node(key)
        if node is None:
            raise ShapeError(f"{self.at(key)} is missing")
        return node

    def down(self, *keys: str) -> Node | None:
        """The object at the end of a path; None where the path ends early."""
        node: Node | None = self
        for key in keys:
            if node is None:
                return None
            node = node.node(key)
        return node

    def array(self, key: str) -> list[Any] | None:
        """A list of anything."""
        value = self.data.get(key)
        if value is not None and not isinstance(value, list):
            raise ShapeError(f"{self.at(key)} is {_name(value)} where a list was expected")
        return value

    def nodes(self, key: str) -> Iterator[Node]:
        """The objects of a list; none where it is absent."""
        for index, value in enumerate(self.array(key) or ()):
            yield Node(value, f"{self.at(key)}[{index}]")

    def string(self, key: str) -> str | None:
        """A string, as it stands."""
        value = self.data.get(key)
        if value is not None and not isinstance(value, str):
            raise ShapeError(f"{self.at(key)} is {_name(value)} where a string was expected")
        return value

    def need_string(self, key: str) -> str:
        """A string that must be there and not be empty."""
        value = self.string(key)
        if not value:
            raise ShapeError(f"{self.at(key)} is missing")
        return value

    def words(self, key: str) -> str | None:
        """Text in one of IMDb's dresses: a string with HTML entities, or an object around a plain one."""
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                return text.unescape(value)
            except ValueError as error:  # a character reference beyond all numbers
                raise ShapeError(f"{self.at(key)} holds an entity that is none: {error}") from error
        node = Node(value, self.at(key))
        if "plotText" in node.data:
            plot = node.node("plotText")
            if plot is None:
                return None
            node = plot
        for inner in ("text", "plainText"):
            if inner in node.data:
                return node.string(inner)
        raise ShapeError(f"{node.path} holds no text, only {', '.join(node.data) or 'nothing'}")

    def integer(self, key: str) -> int | None:
        """A whole number, also one written as a string."""
        value = self.data.get(key)
        if value is None or (type(value) is int and -LARGEST <= value <= LARGEST):
            return value
        if isinstance(value, str):
            try:
                value = text.integer(value)
            except ValueError as error:
                raise ShapeError(f"{self.at(key)}: {error}") from error
        elif isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ShapeError(f"{self.at(key)} is {_name(value)} where a whole number was expected")
        if abs(value) > LARGEST:
            raise ShapeError(f"{self.at(key)} is larger than any count of anything")
        return value

    def number(self, key: str) -> float | None:
        """A number."""
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        raise ShapeError(f"{self.at(key)} is {_name(value)} where a number was expected")

    def flag(self, key: str) -> bool | None:
        """True or false."""
        value = self.data.get(key)
        if value is not None and not isinstance(value, bool):
            raise ShapeError(f"{self.at(key)} is {_name(value)} where true or false was expected")
        return value

    def drift(self, known: frozenset[str]) -> list[str]:
        """The paths of keys that no parser knows: the source may be saying something new there."""
        return [self.at(key) for key in sorted(self.data.keys() - known)]


def _name(value: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    shown = repr(value)
    return f"{names.get(type(value), 'null')} ({shown if len(shown) <= 60 else shown[:57] + '...'})"
