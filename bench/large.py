"""A catalog as large as all of television, made in SQL out of invented words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from psycopg import Connection, sql

SHOWS: Final = 50_000
PEOPLE: Final = 1_000_000
EPISODES: Final = 2_000_000

# Word number n, and texts of such words: the first numbers come as often as "the" and "of" in a language, the last
# ones hardly ever (Zipf).
_WORDS: Final = """
CREATE FUNCTION pg_temp.word(number int) RETURNS text LANGUAGE sql IMMUTABLE RETURN (
    SELECT s[1 + number % 40] || s[1 + number / 40 % 40]
        || CASE WHEN number < 1600 THEN '' ELSE s[1 + number / 1600] END
    FROM (SELECT '{ba,ke,li,mo,nu,ra,se,ti,vo,zu,bel,dan,fer,gor,hal,jan,kel,lor,mar,nor,pel,quin,ros,san,tor,ul,van,
        wes,yar,zen,bri,cho,dra,fle,gri,kra,plo,sta,tri,she}'::text[] AS s) syllables
);
CREATE FUNCTION pg_temp.words(count int) RETURNS text LANGUAGE sql VOLATILE RETURN (
    SELECT string_agg(pg_temp.word(power(60000, random())::int), ' ') FROM generate_series(1, count)
);
SELECT setseed(0.5);
"""

_DOCUMENTS: Final = {
    table: f"""
        SELECT index_{kind}_documents(array_agg(id))
        FROM (SELECT id, row_number() OVER () / 50000 AS part FROM {table}) things GROUP BY part
    """
    for table, kind in (("shows", "show"), ("people", "person"), ("episodes", "episode"))
}

_ROWS: Final = {
    "shows": """
        INSERT INTO shows (title, overview, start_year, genres, networks, imdb_vote_count, tmdb_popularity)
        SELECT initcap(pg_temp.words(1 + n % 4)), pg_temp.words(30 + n % 2), 1990 + n % 35,
               ARRAY[(ARRAY['Reality-TV', 'Game-Show', 'Romance', 'Drama', 'Comedy'])[1 + n % 5]],
               ARRAY['Network ' || n % 200], exp(random() * 12)::int, exp(random() * 6)
        FROM generate_series(1, {shows}) n
    """,
    "people": """
        INSERT INTO people (name, biography, tmdb_popularity)
        SELECT initcap(pg_temp.word(power(2000, random())::int) || ' ' || pg_temp.word(power(60000, random())::int)),
               CASE WHEN n % 20 = 0 THEN pg_temp.words(40 + n % 2) END,
               CASE WHEN n % 10 = 0 THEN exp(random() * 5) END
        FROM generate_series(1, {people}) n
    """,
    "episodes": """
        INSERT INTO episodes (show_id, season_number, episode_number, title, overview, air_date, imdb_vote_count)
        SELECT show.ids[1 + n % {shows}], 1 + n / {shows} / 10, 1 + n / {shows} % 10,
               CASE WHEN n % 3 = 0 THEN 'Episode ' || (1 + n / {shows} % 10)
                    ELSE initcap(pg_temp.words(2 + n % 3)) END,
               CASE WHEN n % 2 = 0 THEN pg_temp.words(15 + n % 2) END,
               date '1990-01-01' + n % 12000, exp(random() * 8)::int
        FROM generate_series(0, {episodes} - 1) n, (SELECT array_agg(id) AS ids FROM shows) show
    """,
}


def fill(
    connection: Connection[Any],
    say: Callable[[str], None],
    *,
    shows: int = SHOWS,
    people: int = PEOPLE,
    episodes: int = EPISODES,
) -> None:
    """Fill an empty catalog. Takes minutes; indexes of search are made at the end, and slugs are left out."""
    counts = {"shows": shows, "people": people, "episodes": episodes}
    indexes = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'search_documents' AND indexname LIKE 'ix_%'"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    for table in ("shows", "people"):
        connection.execute(
            sql.SQL("ALTER TABLE {} DISABLE TRIGGER assign_slugs_on_insert").format(sql.Identifier(table))
        )
    connection.execute(_WORDS)
    for table, statement in _ROWS.items():
        say(table)
        connection.execute(sql.SQL(statement).format(**{name: sql.Literal(count) for name, count in counts.items()}))
        say(f"documents of {table}")
        connection.execute(_DOCUMENTS[table])
    connection.execute("SET maintenance_work_mem = '512MB'")
    for name, definition in indexes:
        say(name)
        connection.execute(definition)
    connection.commit()
    say("statistics")
    connection.execute("ANALYZE")
    connection.commit()
