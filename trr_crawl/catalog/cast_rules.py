"""Whose cast counts: what people decide of shows, as a table of theirs says it.

A rule is two fields of a show that no source fills, kept as overrides: it survives every crawl, follows a join, and
names its author. `cast_rule` says whether the cast counts at all, `cast_min_episodes` in how many episodes somebody
must be to be of it. The views `cast_members`, `talk_show_episodes` and `cast_people` follow from these.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from trr_crawl.catalog import merge
from trr_crawl.catalog.review import ReviewError

Catalog = Connection[Any]

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "override": ("override", "overrides"),
    "imdb": ("imdb", "imdbid", "imdbseriesid"),
    "tmdb": ("tmdb", "tmdbid", "tmdbseriesid"),
    "title": ("title", "show", "showname"),
    "network": ("network", "channel"),
}
"""What each column of a table may be called, whatever its case and punctuation; only the first must be there."""

_RULES: Final = {"": "count", "y": "count", "yes": "count", "skip": "skip", "guests": "guests"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CastRule:
    """A row of the table: a show by any of its names, and its rule."""

    line: int
    rule: str
    """One of `tables.CAST_RULES`."""
    min_episodes: int | None = None
    """None for the usual number."""
    imdb: str = ""
    tmdb: str = ""
    title: str = ""
    network: str = ""

    def __str__(self) -> str:
        named = [self.imdb, f"tmdb:{self.tmdb}" if self.tmdb else "", self.title, self.network]
        return f"line {self.line} ({', '.join(filter(None, named))})"


@dataclass(slots=True, kw_only=True)
class Applied:
    """What became of a table."""

    shows: int
    """Shows that a row means."""
    changed: int
    """Those of them whose rule is another one now."""
    unmatched: list[str]
    """Why a row means no show, a clause each."""


def read(text: str) -> list[CastRule]:
    """The rules of a table as CSV. ReviewError where a column or a value is none; a row without any name is none."""
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    names = {_plain(name): place for place, name in enumerate(next(rows, []))}
    places = {
        column: next((names[name] for name in aliases if name in names), None) for column, aliases in COLUMNS.items()
    }
    if places["override"] is None:
        raise ReviewError("the table has no column Override.")
    if all(place is None for column, place in places.items() if column != "override"):
        raise ReviewError("the table has no column that names a show: IMDb id, TMDb id or Title.")
    rules = []
    for row in rows:
        cells = {
            column: row[place].strip() if place is not None and place < len(row) else ""
            for column, place in places.items()
        }
        if cells["imdb"] or cells["tmdb"] or cells["title"]:
            rules.append(_rule(rows.line_num, cells))
    return rules


def apply(connection: Catalog, rules: Sequence[CastRule], *, note: str, author: str) -> Applied:
    """Set the rules of the shows that the catalog knows, all at once; of two rows for a show the later one counts.

    Needs a connection that `merge.prepare` made ready.
    """
    found: dict[UUID, CastRule] = {}
    unmatched = []
    with connection.transaction():
        for rule in rules:
            try:
                found[find_show(connection, rule)] = rule
            except ReviewError as error:
                unmatched.append(f"{rule}: {error}")
        for show, rule in found.items():
            _set(connection, show, "cast_rule", rule.rule, note, author)
            _set(connection, show, "cast_min_episodes", rule.min_episodes, note, author)
        merge.merge(connection, {"show"})
        [(changed,)] = connection.execute("SELECT count(*) FROM derived").fetchall()
        merge.write_changes(connection)
    return Applied(shows=len(found), changed=changed, unmatched=unmatched)


def find_show(connection: Catalog, rule: CastRule) -> UUID:
    """The show that a row means: by its id at IMDb, else at TMDb, else by its title, on its network if that is given.

    ReviewError where the catalog has none, or several. A show whose networks nobody told may be on any; one with
    another id at a source of which the row names an id is another show.
    """
    ids = {"imdb": rule.imdb, "tmdb": rule.tmdb}
    for source, value in ids.items():
        row = connection.execute(
            "SELECT entity_id FROM external_ids WHERE kind = 'show' AND source = %s AND value = %s", [source, value]
        ).fetchone()
        if row is not None:
            show: UUID = row[0]
            return show
    if not rule.title:
        raise ReviewError("the catalog does not know it; crawl it first")
    shows = connection.execute(
        """
        SELECT id, networks FROM shows
        WHERE lower(%(title)s) IN (lower(title), lower(original_title)) AND removed_at IS NULL AND NOT EXISTS (
            SELECT FROM external_ids WHERE kind = 'show' AND entity_id = shows.id AND source = ANY (%(sources)s)
        )
        ORDER BY id
        """,
        {"title": rule.title, "sources": [source for source, value in ids.items() if value]},
    ).fetchall()
    if rule.network:
        named = [show for show in shows if _plain(rule.network) in map(_plain, show[1] or ())]
        shows = named or [show for show in shows if not show[1]]
    if len(shows) != 1:
        raise ReviewError(
            f"the catalog has {len(shows)} shows of that name; give an id" if shows else "the catalog has no such show"
        )
    only: UUID = shows[0][0]
    return only


def standing(connection: Catalog) -> list[tuple[UUID, str | None, str | None, int | None]]:
    """All rules: (show, title, rule, least number of episodes), by title."""
    return connection.execute(
        """
        SELECT id, title, cast_rule, cast_min_episodes FROM shows
        WHERE cast_rule IS NOT NULL OR cast_min_episodes IS NOT NULL ORDER BY title, id
        """
    ).fetchall()


def people(connection: Catalog) -> list[tuple[str | None, list[str | None], int, str | None, str, bool]]:
    """Whom the rules leave: (name, shows, episodes, zodiac sign, guest status, whether on the final list)."""
    return connection.execute(
        """
        SELECT name, show_titles, episode_count, zodiac_sign, guest_status, on_final_list FROM cast_people
        ORDER BY on_final_list DESC, episode_count DESC, name, person_id
        """
    ).fetchall()


def _rule(line: int, cells: Mapping[str, str]) -> CastRule:
    said = cells["override"]
    rule, least = _RULES.get(said.casefold()), None
    if rule is None:
        if not re.fullmatch(r"[1-9]\d{0,3}", said, re.ASCII):
            raise ReviewError(
                f"line {line}: {said!r} is no rule: write SKIP, GUESTS, a number of episodes, or Y or nothing for the "
                "usual number."
            )
        rule, least = "count", int(said)
    return CastRule(
        line=line,
        rule=rule,
        min_episodes=least,
        imdb=cells["imdb"],
        tmdb=cells["tmdb"],
        title=cells["title"],
        network=cells["network"],
    )


def _set(connection: Catalog, show: UUID, field: str, value: str | int | None, note: str, author: str) -> None:
    """Override a field of a show unless it says so already; None takes an override back."""
    if value is None:
        written = connection.execute("DELETE FROM overrides WHERE entity_id = %s AND field = %s", [show, field])
    else:
        written = connection.execute(
            """
            INSERT INTO overrides AS standing (entity_id, field, value, note, author) VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (entity_id, field) DO UPDATE
            SET value = excluded.value, note = excluded.note, author = excluded.author, created_at = now()
            WHERE standing.value <> excluded.value
            """,
            [show, field, Jsonb(value), note, author],
        )
    if written.rowcount:
        connection.execute("INSERT INTO touched VALUES ('show', %s)", [show])


def _plain(text: str) -> str:
    """Letters and digits alone: "IMDb Series ID" and "imdb_series_id" are one."""
    return "".join(filter(str.isalnum, text.casefold()))
