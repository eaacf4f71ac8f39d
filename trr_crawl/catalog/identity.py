"""Who is who: every entity is known by the ids that sources gave it, and `external_ids` is the one place for them."""

from __future__ import annotations

from typing import Any

from psycopg import Connection


def resolve(connection: Connection[Any]) -> None:
    """Give every row of `incoming` and the show that it names an entity, creating those that nobody knows yet.

    A show that is only named is created as a stub, so that a child may arrive before its parent. A season is its show
    and its number, whatever the source, and needs no external id. Runs inside the caller's transaction; ids are taken
    in order, so that two writers wait for each other and never lock crosswise.
    """
    connection.execute(
        """
        INSERT INTO external_ids (kind, source, value, entity_id)
        SELECT kind, source, value, new_id()
        FROM (
            SELECT kind, source, key AS value FROM incoming WHERE kind <> 'season'
            UNION
            SELECT 'show', source, show_key FROM incoming WHERE show_key IS NOT NULL
        ) named
        WHERE NOT EXISTS (
            SELECT FROM external_ids known
            WHERE known.kind = named.kind AND known.source = named.source AND known.value = named.value
        )
        ORDER BY kind, source, value
        ON CONFLICT DO NOTHING
        """
    )
    connection.execute(
        """
        WITH stubs AS (
            INSERT INTO shows (id)
            SELECT DISTINCT entity_id
            FROM (SELECT DISTINCT source, show_key FROM incoming WHERE show_key IS NOT NULL) named
            JOIN external_ids ON external_ids.kind = 'show'
                AND external_ids.source = named.source AND external_ids.value = named.show_key
            WHERE NOT EXISTS (SELECT FROM shows WHERE shows.id = external_ids.entity_id)
            ORDER BY entity_id
            ON CONFLICT DO NOTHING
            RETURNING id
        )
        INSERT INTO derived SELECT 'show', id, 'insert', '{}' FROM stubs
        """
    )
    connection.execute(
        """
        WITH created AS (
            INSERT INTO seasons (show_id, season_number)
            SELECT DISTINCT parent.entity_id, incoming.season_number FROM incoming
            JOIN external_ids parent ON parent.kind = 'show'
                AND parent.source = incoming.source AND parent.value = incoming.show_key
            WHERE incoming.kind = 'season' AND NOT EXISTS (
                SELECT FROM seasons
                WHERE seasons.show_id = parent.entity_id AND seasons.season_number = incoming.season_number
            )
            ORDER BY 1, 2
            ON CONFLICT (show_id, season_number) DO NOTHING
            RETURNING id
        )
        INSERT INTO derived SELECT 'season', id, 'insert', '{}' FROM created
        """
    )
