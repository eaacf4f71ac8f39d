"""Every rule of precedence with values: whoever is named first and says something wins, as the table reads."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection
from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, BigInteger, Boolean, Date, Double, Integer, Numeric, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from trr_crawl.catalog import merge
from trr_crawl.catalog.identity import NATURAL_KEYS, PARENTS
from trr_crawl.catalog.precedence import LARGEST, OWNERS, PRECEDENCE, UNITED, Said
from trr_crawl.catalog.tables import ENTITIES


def value(type_: TypeEngine[Any], place: int) -> Any:
    """What the source in that place says: a value that the column can hold, another one for each place."""
    match type_:
        case ARRAY():
            return [f"said {place}"]
        case JSONB():
            return [{"said": place}]
        case Boolean():
            return place % 2 == 0
        case Date():
            return date(2001, 1, 1 + place).isoformat()
        case Numeric() if not isinstance(type_, Double):
            return place + 0.5
        case SmallInteger() | Integer() | BigInteger():
            return 1990 - place  # a year, too; the largest comes first
        case Double():
            return place + 0.25
        case Text():
            return f"said {place}"
    raise AssertionError(type_)


def payloads(sayings: tuple[Said, ...], first: int, type_: TypeEngine[Any]) -> dict[str, dict[str, Any]]:
    """By source, what it says where the sayings before the given one are not made."""
    told: dict[str, dict[str, Any]] = {}
    for place, said in enumerate(sayings):
        record = told.setdefault(said.source, {"country": "IT"} if any(one.country for one in sayings) else {})
        if place >= first:
            record.setdefault(said.field, value(type_, place))
            if place == first and said.country is not None:
                record["country"] = said.country
    return told


def parents(connection: Connection[Any], kind: str) -> dict[str, Any]:
    """The values of a kind's key, and whatever it belongs to."""
    key: dict[str, Any] = {}
    for column in NATURAL_KEYS.get(kind, ()):
        parent = PARENTS[kind].get(column)
        if kind == "gallery_entry" and column == "person_id":
            key[column] = None
        elif parent is None:
            key[column] = 1 if isinstance(ENTITIES[kind].c[column].type, Integer) else "cast"
        else:
            key[column] = stub(connection, parent)
    return key


def stub(connection: Connection[Any], kind: str) -> UUID:
    """A row of which nothing is known."""
    links = {"show_id": stub(connection, "show")} if kind == "episode" else {}
    names = ", ".join(("id", *links))
    marks = ", ".join(("new_id()", *("%s" for _ in links)))
    [(entity,)] = connection.execute(
        f"INSERT INTO {ENTITIES[kind].name} ({names}) VALUES ({marks}) RETURNING id",
        list(links.values()),
    ).fetchall()
    found: UUID = entity
    return found


def tell(connection: Connection[Any], kind: str, told: dict[str, dict[str, Any]], number: int) -> UUID:
    """Record what sources say of one thing."""
    if kind in NATURAL_KEYS:
        key = parents(connection, kind)
        columns = ", ".join(key)
        marks = ", ".join("%s" for _ in key)
        [(entity,)] = connection.execute(
            f"INSERT INTO {ENTITIES[kind].name} ({columns}) VALUES ({marks}) RETURNING id",
            list(key.values()),
        ).fetchall()
    elif kind == "episode":
        entity = stub(connection, kind)
    else:
        [(entity,)] = connection.execute("SELECT new_id()").fetchall()
    for source, payload in told.items():
        connection.execute(
            "INSERT INTO source_records (source, kind, key, payload, entity_id) VALUES (%s, %s, %s, %s, %s)",
            [source, kind, f"k{number}", Jsonb(payload), entity],
        )
    connection.execute("INSERT INTO touched VALUES (%s, %s)", [kind, entity])
    found: UUID = entity
    return found


def expected(kind: str, field: str, sayings: tuple[Said, ...], first: int, type_: TypeEngine[Any]) -> tuple[Any, str]:
    """The value and the winner, as the table reads."""
    owners = [OWNERS.get(said.source, said.source) for said in sayings]
    heard = {owner: owners.index(owner, first) for owner in dict.fromkeys(owners) if owner in owners[first:]}
    if field in UNITED.get(kind, ()):
        return [entry for place in heard.values() for entry in value(type_, place)], "+".join(heard)
    if field in LARGEST.get(kind, ()):
        owner, place = max(heard.items(), key=lambda entry: value(type_, entry[1]))
        return value(type_, place), owner
    return value(type_, first), sayings[first].source


@pytest.mark.parametrize("kind", PRECEDENCE)
def test_every_rule_holds_whoever_is_silent(connection: Connection[Any], kind: str) -> None:
    asked: dict[UUID, tuple[str, Any, str]] = {}
    with connection.transaction():
        for field, sayings in PRECEDENCE[kind].items():
            if field in NATURAL_KEYS.get(kind, ()):
                continue
            type_ = ENTITIES[kind].c[field].type
            for first in range(len(sayings)):
                entity = tell(connection, kind, payloads(sayings, first, type_), len(asked))
                asked[entity] = (field, *expected(kind, field, sayings, first, type_))
        merge.merge(connection, {kind})
        found = {
            entity: (row, row["provenance"])
            for entity, row in connection.execute(f"SELECT id, to_jsonb(t) FROM {ENTITIES[kind].name} t").fetchall()
        }
    assert asked
    for entity, (field, truth, winner) in asked.items():
        row, provenance = found[entity]
        assert (field, row[field], provenance.get(field)) == (field, truth, winner)
