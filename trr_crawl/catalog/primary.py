"""Which picture stands for a show, a season, a person: chosen from all that sources name, whenever those are merged.

`ROLES` says which pictures can play which part. Of those, the first by `ORDER` is taken. An override of the role's name
(`scrapy override set show=tt… field=poster value=…`, an address or the id of a picture) beats them all.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID

from psycopg import Connection, sql

from trr_crawl.catalog.tables import ENTITIES


@dataclass(frozen=True, slots=True)
class Role:
    """A part that one picture of a thing plays."""

    types: tuple[str, ...]
    """What such pictures are called in the thing's galleries (`images.image_type`)."""
    own: bool = False
    """Whether the picture that a source leads with, without saying more of it, can play it too."""


ROLES: Final[dict[str, dict[str, Role]]] = {
    "show": {
        "poster": Role(("poster",), own=True),
        "backdrop": Role(("backdrop",)),
        "logo": Role(("logo",)),
    },
    "season": {"poster": Role(("poster",), own=True)},
    "person": {"photo": Role(("profile",), own=True)},
}

ORDER: Final = (
    # Words in English, then none at all, then words in another language.
    "CASE WHEN language = 'en' THEN 0 WHEN language IS NULL THEN 1 ELSE 2 END",
    "coalesce(vote_count, 0) DESC",
    "coalesce(rating, 0) DESC",
    "coalesce(pixels, 0) DESC",
    "array_position(ARRAY['tmdb', 'imdb', 'fandom'], source) NULLS LAST",
    "url",
)
"""By what one picture comes before another, the weightiest first."""

_GALLERY_OF: Final = {
    "show": "entry.show_id = owner.entity_id AND entry.season_number IS NULL",
    "season": """
        entry.show_id = (SELECT show_id FROM seasons WHERE id = owner.entity_id)
        AND entry.season_number = (SELECT season_number FROM seasons WHERE id = owner.entity_id)
    """,
    "person": "entry.person_id = owner.entity_id",
}
_FROM_WIKI: Final = """
    UNION
    SELECT page.id FROM fandom_pages page
    JOIN external_ids ids ON ids.kind = 'person' AND ids.source = 'fandom' AND ids.value = page.person_key
    WHERE ids.entity_id = owner.entity_id
"""
"""The pages of wikis that are about a person: their infoboxes show that person."""

_TOUCHED: Final = {
    "show": """
        SELECT entry.show_id FROM touched JOIN gallery_entries entry ON entry.id = entity_id
        WHERE kind = 'gallery_entry' AND entry.season_number IS NULL
        UNION SELECT entry.show_id FROM touched JOIN gallery_entries entry ON entry.picture_id = entity_id
        WHERE kind = 'image' AND entry.season_number IS NULL
    """,
    "season": """
        SELECT seasons.id FROM touched JOIN gallery_entries entry
          ON (kind = 'gallery_entry' AND entry.id = entity_id) OR (kind = 'image' AND entry.picture_id = entity_id)
        JOIN seasons ON seasons.show_id = entry.show_id AND seasons.season_number = entry.season_number
    """,
    "person": """
        SELECT entry.person_id FROM touched JOIN gallery_entries entry ON entry.id = entity_id
        WHERE kind = 'gallery_entry'
        UNION SELECT entry.person_id FROM touched JOIN gallery_entries entry ON entry.picture_id = entity_id
        WHERE kind = 'image'
        UNION SELECT ids.entity_id FROM touched JOIN fandom_pages page ON page.id = touched.entity_id
        JOIN external_ids ids ON ids.kind = 'person' AND ids.source = 'fandom' AND ids.value = page.person_key
        WHERE touched.kind = 'fandom_page'
    """,
}
"""By kind, whose choice may change with what is in `touched`, besides their own."""


def choose(connection: Connection[Any], kinds: Set[str]) -> None:
    """Choose again for all whose pictures may have changed, by `touched`; notes in `derived` which choices changed.

    Runs inside the caller's transaction, after the kinds are derived.
    """
    if kinds & {*ROLES, "image", "gallery_entry", "fandom_page"}:
        # What was absorbed has no picture any more.
        connection.execute(
            "DELETE FROM primary_images old USING derived WHERE op = 'merge' AND derived.entity_id = old.entity_id"
        )
        for kind in ROLES:
            # Two transactions that heard of different pictures of one thing take turns here, as they do in `merge`.
            connection.execute(_lock(kind))
            connection.execute(_choose(kind))


def candidates(connection: Connection[Any], kind: str, entity: UUID, role: str) -> list[tuple[str, str]]:
    """All pictures that can play a part, best first: (source, address)."""
    query = sql.SQL(
        """
        WITH owner AS (SELECT {entity}::uuid AS entity_id)
        SELECT source, url FROM ({candidates}) found ORDER BY {order}
        """
    ).format(entity=entity, candidates=_candidates(kind, role), order=_ORDER)
    return connection.execute(query).fetchall()


_ORDER: Final = sql.SQL(", ").join(map(sql.SQL, ORDER))


def _candidates(kind: str, role: str) -> sql.Composed:
    """A query: the pictures that can play a part for each row of `owner`, with what ORDER looks at."""
    part = ROLES[kind][role]
    gallery = sql.SQL(
        """
        SELECT owner.entity_id, images.url, images.provenance ->> 'url' AS source, images.language, images.vote_count,
               images.rating, coalesce(images.width::bigint * images.height, file.width::bigint * file.height) AS pixels
        FROM owner
        JOIN gallery_entries entry ON {of_owner}
        JOIN images ON images.id = entry.picture_id
        LEFT JOIN image_sources seen ON seen.url = images.url
        LEFT JOIN image_files file ON file.sha256 = seen.sha256
        WHERE images.image_type = ANY ({types}) AND images.url IS NOT NULL
          AND entry.removed_at IS NULL AND images.removed_at IS NULL
          AND (seen.url IS NULL OR seen.sha256 IS NOT NULL)
        """
    ).format(of_owner=sql.SQL(_GALLERY_OF[kind]), types=list(part.types))
    if not part.own:
        return gallery
    own = sql.SQL(
        """
        SELECT owner.entity_id, record.payload -> 'image' ->> 'url', record.source, NULL, NULL, NULL,
               coalesce((record.payload -> 'image' ->> 'width')::bigint * (record.payload -> 'image' ->> 'height')::int,
                        file.width::bigint * file.height)
        FROM owner
        CROSS JOIN LATERAL (SELECT owner.entity_id AS id {wiki}) speaks
        JOIN source_records record ON record.entity_id = speaks.id
        LEFT JOIN image_sources seen ON seen.url = record.payload -> 'image' ->> 'url'
        LEFT JOIN image_files file ON file.sha256 = seen.sha256
        WHERE record.payload -> 'image' ->> 'url' IS NOT NULL AND record.gone_at IS NULL
          AND (seen.url IS NULL OR seen.sha256 IS NOT NULL)
        """
    ).format(wiki=sql.SQL(_FROM_WIKI if kind == "person" else ""))
    return sql.SQL("{} UNION ALL {}").format(gallery, own)


def _owners(kind: str) -> sql.Composed:
    """A query: the ids of all things of a kind whose choice may change."""
    return sql.SQL(
        """
        SELECT entity_id FROM (SELECT entity_id FROM touched WHERE kind = {kind} UNION {touched}) meant (entity_id)
        WHERE entity_id IS NOT NULL
        """
    ).format(kind=kind, touched=sql.SQL(_TOUCHED[kind]))


@cache
def _lock(kind: str) -> bytes:
    query = sql.SQL("SELECT FROM {table} WHERE id IN ({owners}) ORDER BY id FOR NO KEY UPDATE")
    return query.format(table=sql.Identifier(ENTITIES[kind].name), owners=_owners(kind)).as_bytes(None)


@cache
def _choose(kind: str) -> bytes:
    """Bring `primary_images` up to date for the touched things of a kind."""
    found = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {role} AS role, found.* FROM ({candidates}) found").format(
            role=role, candidates=_candidates(kind, role)
        )
        for role in ROLES[kind]
    )
    query = sql.SQL(
        """
        WITH owner AS MATERIALIZED (
            SELECT id AS entity_id FROM {table} WHERE id IN ({owners})
        ), best AS (
            SELECT DISTINCT ON (entity_id, role) entity_id, role, url, source FROM ({found}) found
            ORDER BY entity_id, role, {order}
        ), overridden AS (
            SELECT entity_id, field AS role,
                   coalesce((SELECT url FROM images WHERE id::text = value #>> '{{}}'), value #>> '{{}}') AS url
            FROM overrides JOIN owner USING (entity_id) WHERE field = ANY ({roles})
        ), chosen AS MATERIALIZED (
            SELECT entity_id, role, coalesce(overridden.url, best.url) AS url,
                   CASE WHEN overridden.role IS NULL THEN best.source ELSE 'override' END AS source,
                   overridden.role IS NOT NULL AND overridden.url IS NULL AS hidden
            FROM best FULL JOIN overridden USING (entity_id, role)
        ), dropped AS (
            DELETE FROM primary_images old USING owner
            WHERE old.entity_id = owner.entity_id AND NOT EXISTS (
                SELECT FROM chosen
                WHERE chosen.entity_id = old.entity_id AND chosen.role = old.role AND NOT hidden
            ) RETURNING old.entity_id, old.role
        ), written AS (
            INSERT INTO primary_images AS old (entity_id, role, url, source)
            SELECT entity_id, role, url, source FROM chosen WHERE NOT hidden ORDER BY entity_id, role
            ON CONFLICT (entity_id, role) DO UPDATE SET url = excluded.url, source = excluded.source
            WHERE (old.url, old.source) <> (excluded.url, excluded.source)
            RETURNING entity_id, role
        )
        INSERT INTO derived SELECT {kind}, entity_id, 'update', array_agg(role ORDER BY role)
        FROM (SELECT * FROM dropped UNION ALL SELECT * FROM written) changed GROUP BY entity_id
        """
    )
    return query.format(
        kind=kind,
        owners=_owners(kind),
        table=sql.Identifier(ENTITIES[kind].name),
        found=found,
        order=_ORDER,
        roles=list(ROLES[kind]),
    ).as_bytes(None)
