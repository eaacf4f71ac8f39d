"""The daily lists of all ids (`tv_series_ids_MM_DD_YYYY.json.gz`, …): one JSON object a line, read in blocks."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import orjson

from trr_crawl.items import UNSET, Company, Item, Network, Person, Show
from trr_crawl.parse.errors import ShapeError
from trr_crawl.parse.node import Node
from trr_crawl.parse.tmdb.fields import Drift, flag, identifier, number

PROBLEMS_KEPT: Final = 20
_KEYS: Final = frozenset({"id", "original_name", "original_title", "name", "popularity", "adult", "video"})
_NAMES: Final = ("original_name", "original_title", "name")


class Of(enum.StrEnum):
    """What there are lists of."""

    SHOWS = "shows"
    FILMS = "films"
    PEOPLE = "people"
    NETWORKS = "networks"
    COMPANIES = "companies"


FILES: Final = {
    Of.SHOWS: "tv_series_ids",
    Of.FILMS: "movie_ids",
    Of.PEOPLE: "person_ids",
    Of.NETWORKS: "tv_network_ids",
    Of.COMPANIES: "production_company_ids",
}
"""How their files' names begin."""


def file_name(of: Of, day: date) -> str:
    """The file of a day."""
    return f"{FILES[of]}_{day:%m_%d_%Y}.json.gz"


@dataclass(slots=True)
class Export:
    """One file, block by block: what of it was chosen becomes items."""

    of: Of
    popularity: float = 0.0
    """Take what is at least so popular …"""
    names: frozenset[str] = frozenset()
    """… and has one of these names, in lower case; any, where there are none."""
    lines: int = 0
    """How many have been read."""
    problems: list[str] = field(default_factory=list)
    """The first lines that cannot be read, each with its reason."""
    problem_count: int = 0
    drift: Drift = field(default_factory=Drift)
    """Names of keys that the parser does not know."""

    def read(self, block: bytes) -> list[Item]:
        """The chosen things of a block of whole lines."""
        found = []
        for line in block.splitlines():
            self.lines += 1
            if not line.strip():
                continue
            try:
                item = self._item(line)
            except ShapeError as error:
                self.problem_count += 1
                if len(self.problems) < PROBLEMS_KEPT:
                    self.problems.append(f"line {self.lines} ({error})")
                continue
            if item is not None:
                found.append(item)
        return found

    def _item(self, line: bytes) -> Item | None:
        node = read_line(line)
        self.drift.check("export", node, _KEYS)
        name = next((name for key in _NAMES if (name := node.string(key))), None)
        if (node.number("popularity") or 0.0) < self.popularity:
            return None
        if self.names and (name is None or name.casefold() not in self.names):
            return None
        return _MAKERS[self.of](node, name)


def read_line(line: bytes) -> Node:
    """One line's object, which has an id."""
    try:
        node = Node(orjson.loads(line), "export")
    except orjson.JSONDecodeError as error:
        raise ShapeError(f"not JSON: {error}") from error
    identifier(node)
    return node


def _show(node: Node, name: str | None) -> Show:
    return Show(
        source="tmdb",
        id=identifier(node),
        show_type="tv",
        original_title=name or UNSET,
        popularity=number(node, "popularity"),
    )


def _film(node: Node, name: str | None) -> Show:
    return Show(
        source="tmdb",
        id=f"movie/{identifier(node)}",
        show_type="movie",
        original_title=name or UNSET,
        adult=flag(node, "adult"),
        popularity=number(node, "popularity"),
    )


def _person(node: Node, name: str | None) -> Person:
    return Person(
        source="tmdb",
        id=identifier(node),
        name=name or UNSET,
        adult=flag(node, "adult"),
        popularity=number(node, "popularity"),
    )


def _network(node: Node, name: str | None) -> Network:
    return Network(source="tmdb", id=identifier(node), name=name or UNSET)


def _company(node: Node, name: str | None) -> Company:
    return Company(source="tmdb", id=identifier(node), name=name or UNSET)


_MAKERS: Final = {
    Of.SHOWS: _show,
    Of.FILMS: _film,
    Of.PEOPLE: _person,
    Of.NETWORKS: _network,
    Of.COMPANIES: _company,
}
