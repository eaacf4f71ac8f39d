"""How statements are put together. Every value is bound; only texts of this project's own `queries.py` are SQL.

A resource is a mapping of its fields' names to SQL expressions. PostgreSQL makes the JSON of it, and nothing reads that
JSON again: it goes to the caller as it came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from trr_api.parameters import split

Fields = Mapping[str, str]
"""Name in the answer -> SQL expression."""

SEQ: Final = "(SELECT max(seq) FROM changes)"
"""How far the catalog had come when an answer was made; see `trr_api.conditional`."""

LATEST: Final = f"SELECT {SEQ}".encode()


class Values:
    """The values of a statement, in order; calling it binds one and gives its placeholder."""

    def __init__(self) -> None:
        self.bound: list[object] = []

    def __call__(self, value: object, cast: str = "") -> str:
        self.bound.append(value)
        return f"${len(self.bound)}{cast and '::'}{cast}"


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of a list: expressions that are never null, all ascending or all descending, ended by a unique one.

    Their types are what a cursor's values are cast to.
    """

    keys: tuple[tuple[str, str], ...]
    """(expression, type)"""
    descending: bool = False

    @property
    def order(self) -> str:
        """What follows ORDER BY."""
        return ", ".join(f"{key} DESC" if self.descending else key for key, _ in self.keys)


@dataclass(frozen=True, slots=True)
class Statement:
    """A finished statement with its values."""

    query: bytes
    values: Sequence[object] = field(default_factory=list)


def pick(fields: Fields, names: str | None) -> dict[str, str]:
    """The fields that a `Names` parameter asks for, and the id; all of them where it is not given."""
    asked = split(names)
    return {name: fields[name] for name in fields if names is None or name in asked or name == "id"}


def columns(fields: Fields) -> str:
    """`expression AS "name"` for each field."""
    return ", ".join(f'{expression} AS "{name}"' for name, expression in fields.items())


def person(condition: str) -> str:
    """An expression: somebody, as others name them."""
    return (
        "(SELECT json_build_object('id', person.id, 'name', person.name, 'display_name', person.display_name, "
        f"'avatar_url', person.avatar_url) FROM users person WHERE person.id = {condition})"
    )


def objects(fields: Fields, source: str, *, order: str = "") -> str:
    """An expression: a JSON array of objects out of `FROM source`; empty where there is none."""
    numbered = f', row_number() OVER (ORDER BY {order}) AS "#"' if order else ""
    by = ' ORDER BY "#"' if order else ""
    made = f"(SELECT to_json(o) FROM (SELECT {columns(fields)}) o)"
    return f"(SELECT coalesce(json_agg(o.made{by}), '[]'::json) FROM (SELECT {made} AS made{numbered} FROM {source}) o)"


def one(fields: Fields, source: str) -> bytes:
    """A statement for one thing: its JSON and the catalog's seq; no row where there is none."""
    return f"SELECT row_to_json(item), {SEQ} FROM (SELECT {columns(fields)} FROM {source}) item".encode()


def page(
    fields: Fields,
    source: str,
    *,
    sort: Sort,
    bound: int,
    after: bool,
    where: Sequence[str] = (),
    within: str = "",
    seq: str = SEQ,
) -> bytes:
    """A statement for a page of a list: its JSON array, its last row's place (null on the last page), and the seq.

    `bound` placeholders are taken; the next is the limit; where the page comes `after` a place, its keys follow.
    `within` selects what the list belongs to, which `where` calls `owner`; no row comes back where that does not exist.
    """
    keys = ", ".join(key for key, _ in sort.keys)
    limit = f"${bound + 1}::int"
    conditions = list(where)
    if after:
        bounds = ", ".join(f"${bound + 2 + at}::{cast}" for at, (_, cast) in enumerate(sort.keys))
        conditions.append(f"({keys}) {'<' if sort.descending else '>'} ({bounds})")
    condition = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = (
        f"SELECT (SELECT to_json(o) FROM (SELECT {columns(fields)}) o) AS item, json_build_array({keys}) AS place "
        f"FROM {source}{condition} ORDER BY {sort.order} LIMIT {limit} + 1"
    )
    query = (
        f"SELECT coalesce(json_agg(item ORDER BY number) FILTER (WHERE number <= {limit}), '[]'::json), "
        f"CASE WHEN count(*) > {limit} THEN min(place::text) FILTER (WHERE number = {limit}) END, {seq} "
        f"FROM (SELECT item, place, row_number() OVER () AS number FROM ({rows}) ordered) page"
    )
    if within:
        query = f"SELECT listed.* FROM ({within}) owner, LATERAL ({query}) listed"
    return query.encode()


def after_place(query: bytes, values: Sequence[object], limit: int, after: Sequence[object] | None) -> Statement:
    """A `page` statement with its values."""
    return Statement(query, [*values, limit, *(after or ())])
