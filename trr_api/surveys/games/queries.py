"""SQL of leaderboards, which everybody may read, and of answer keys, which nobody may."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from trr_api.catalog.places import Key
from trr_api.catalog.queries import embedded, named
from trr_api.queries import Fields, Sort, Statement, after_place, columns, page

_RANK: Final = (
    "(SELECT 1 + coalesce(sum(above.people), 0) FROM score_counts above "
    "WHERE above.board_id = score.board_id AND above.points > score.points)"
)
_PLAYER: Final = {"id": "person.id", "name": "person.name", "display_name": "person.display_name"}
_SCORE: Final[Fields] = {
    "rank": _RANK,
    "points": "score.points",
    "user": embedded(_PLAYER, "users person WHERE person.id = score.user_id"),
}
_STANDING: Final[Fields] = {
    "rank": _RANK,
    "points": "score.points",
    "people": "(SELECT sum(people) FROM score_counts WHERE board_id = score.board_id)",
}
_BEST: Final = Sort((("score.points", "int"), ("score.user_id", "uuid")), descending=True)


_BOARDS: Final = {
    "game": "SELECT game.id FROM surveys game WHERE game.published_at IS NOT NULL AND game.kind <> 'survey'",
    "season": "SELECT season.id FROM seasons season WHERE true",
    "show": "SELECT show.id FROM shows show WHERE true",
}


def _board(kind: str, key: Key) -> str:
    return f"{_BOARDS[kind]} AND {named(kind, key)}"


def due(kind: str, key: Key) -> Statement:
    """Games that are over, belong to a board and are not scored yet."""
    column = "id" if kind == "game" else f"{kind}_id"
    query = (
        f"SELECT game.id FROM surveys game WHERE game.{column} IN ({_board(kind, key)}) AND game.scored_at IS NULL "
        "AND game.kind NOT IN ('survey', 'poll') AND can_be_scored(game)"
    )
    return Statement(query.encode(), [key])


def leaderboard(kind: str, key: Key, limit: int, after: Sequence[object] | None) -> Statement:
    """A page of a leaderboard; no row where there is no such thing."""
    return after_place(_leaderboard(_board(kind, key), after is not None), [key], limit, after)


@lru_cache(maxsize=16)
def _leaderboard(board: str, after: bool) -> bytes:
    return page(
        _SCORE,
        "scores score",
        sort=_BEST,
        bound=1,
        after=after,
        where=("score.board_id = owner.id",),
        within=board,
    )


def standing(kind: str, key: Key) -> Statement:
    """Where the caller stands on a leaderboard; no row where they are not on it."""
    query = (
        f"SELECT row_to_json(item) FROM (SELECT {columns(_STANDING)} FROM scores score "
        f"WHERE score.board_id IN ({_board(kind, key)}) AND score.user_id = (SELECT caller())) item"
    )
    return Statement(query.encode(), [key])


def set_key(question: UUID, key: dict[str, Any], points: int) -> Statement:
    """Say what is right."""
    return Statement(b"SELECT set_answer_key($1, $2, $3)", [question, Jsonb(key), points])
