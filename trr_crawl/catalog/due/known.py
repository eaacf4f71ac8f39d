"""What the catalog has, as far as spiders ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString

import psycopg

from trr_crawl import database


class CatalogError(Exception):
    """The catalog cannot be read: one clause that says why."""


@dataclass(frozen=True, slots=True)
class CastMember:
    """Somebody in the cast of a show."""

    show_id: str
    """The show's id at IMDb, as it was asked for."""
    show: str | None
    """Its title."""
    person_id: str
    """The person's id at IMDb."""
    name: str
    birth_date: date | None
    """By another word than Fandom's: it is to prove whose page one of its wikis has."""


def cast_of(show_ids: Sequence[str]) -> list[CastMember]:
    """The cast of shows (IMDb's tt…), show by show in billing order; those without a name are left out."""
    rows = _read(
        """
                SELECT DISTINCT ON (place, billing_order, credits.id)
                       of_show.value, shows.title, of_person.value, people.name,
                       CASE WHEN people.provenance ->> 'birth_date' <> 'fandom' THEN people.birth_date END
                FROM external_ids of_show
                CROSS JOIN LATERAL array_position(%(ids)s, of_show.value) place
                JOIN shows ON shows.id = of_show.entity_id
                JOIN credits ON credits.show_id = shows.id AND category = 'cast' AND credits.removed_at IS NULL
                JOIN people ON people.id = credits.person_id
                JOIN external_ids of_person
                  ON of_person.kind = 'person' AND of_person.source = 'imdb' AND of_person.entity_id = people.id
                WHERE of_show.kind = 'show' AND of_show.source = 'imdb' AND of_show.value = ANY (%(ids)s)
                  AND people.name IS NOT NULL
                ORDER BY place, billing_order, credits.id, of_person.value
                """,
        {"ids": list(show_ids)},
    )
    return [CastMember(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class UnresolvedShow:
    """A show that one source names and another does not yet."""

    id: str
    """At the source that names it."""
    title: str | None
    start_year: int | None


def without_id(source: str, of: str, limit: int | None = None) -> list[UnresolvedShow]:
    """Shows that have an id at the source `of` and none at `source`, those that came first first; no films."""
    rows = _read(
        """
        SELECT own.value, title, start_year FROM external_ids own JOIN shows ON shows.id = own.entity_id
        WHERE own.kind = 'show' AND own.source = %(of)s
          AND (show_type IS NULL
               OR show_type <> ALL (ARRAY['movie', 'short', 'tvMovie', 'tvShort', 'video', 'videoGame']))
          AND NOT EXISTS (
              SELECT FROM external_ids other
              WHERE other.kind = 'show' AND other.source = %(source)s AND other.entity_id = own.entity_id
          )
        ORDER BY shows.created_at, own.value LIMIT %(limit)s
        """,
        {"of": of, "source": source, "limit": limit},
    )
    return [UnresolvedShow(*row) for row in rows]


def known_ids(kind: str, source: str) -> frozenset[str]:
    """The ids at a source of all things of a kind that the catalog has."""
    rows = _read(
        "SELECT value FROM external_ids WHERE kind = %(kind)s AND source = %(source)s", {"kind": kind, "source": source}
    )
    return frozenset(row[0] for row in rows)


def last_run(spider: str) -> datetime | None:
    """When the last run of a spider started that came to a good end."""
    rows = _read(
        "SELECT max(started_at) FROM crawl_runs WHERE spider = %(spider)s AND outcome = 'ok'", {"spider": spider}
    )
    started: datetime | None = rows[0][0]
    return started


@contextmanager
def reading() -> Iterator[psycopg.Connection[Any]]:
    """A connection to the catalog; CatalogError for whatever goes wrong with it."""
    try:
        with database.connect(database.url()) as connection:
            yield connection
    except (psycopg.Error, database.DatabaseError) as error:
        raise CatalogError(" ".join(str(error).split()).rstrip(".")) from error


def _read(query: LiteralString, values: dict[str, object]) -> list[tuple[Any, ...]]:
    with reading() as connection:
        return connection.execute(query, values).fetchall()
