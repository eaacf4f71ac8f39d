"""Which pictures are due: those that sources name and that are not kept yet, or not looked at for long."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import Connection

from trr_crawl import database
from trr_crawl.catalog import review
from trr_crawl.catalog.due.known import CatalogError


@dataclass(frozen=True, slots=True)
class DuePicture:
    """A picture that is to be fetched."""

    source: str
    owners: str
    """As in `items.ImageRequest`, and so with all that follows."""
    owner_id: str
    image_kind: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFilter:
    """Which pictures are meant; None for any."""

    show: UUID | None = None
    """Of that show, its seasons and episodes."""
    person: UUID | None = None
    source: str | None = None
    kind: str | None = None
    """As in `DuePicture.image_kind`."""


PICTURES: Final = """
    WITH named AS (
        SELECT source, payload -> 'image' ->> 'url' AS url, entity_id, 'primary' AS image_kind,
               CASE kind WHEN 'show' THEN 'shows' WHEN 'season' THEN 'seasons' WHEN 'episode' THEN 'episodes'
                         ELSE 'people' END AS owners,
               CASE kind WHEN 'fandom_page' THEN payload ->> 'person_id' ELSE key END AS owner_id
        FROM source_records
        WHERE kind = ANY ('{show,season,episode,person,fandom_page}') AND gone_at IS NULL
          AND payload -> 'image' ->> 'url' IS NOT NULL
        UNION ALL
        SELECT entry.source, picture.payload ->> 'url', entry.entity_id,
               coalesce(nullif(picture.payload ->> 'image_type', ''), 'picture'),
               CASE WHEN entry.payload ->> 'show_id' IS NULL THEN 'people'
                    WHEN entry.payload ->> 'season_number' IS NULL THEN 'shows' ELSE 'seasons' END,
               concat_ws('/', coalesce(entry.payload ->> 'show_id', entry.payload ->> 'person_id'),
                         entry.payload ->> 'season_number')
        FROM source_records entry
        JOIN source_records picture ON picture.source = entry.source AND picture.kind = 'image'
                                   AND picture.key = entry.payload ->> 'picture_id'
        WHERE entry.kind = 'gallery_entry' AND entry.gone_at IS NULL
        UNION ALL
        SELECT source, logo.url, entity_id, kind, 'logos', key
        FROM source_records
        CROSS JOIN LATERAL (
            SELECT payload ->> 'logo_url' AS url
            UNION SELECT one ->> 'url' FROM jsonb_path_query(payload, '$.logos[*]') one
        ) logo
        WHERE kind = ANY ('{network,company,watch_provider}') AND gone_at IS NULL
    )
    SELECT DISTINCT ON (named.url) named.source, owners, owner_id, image_kind, named.url
    FROM named LEFT JOIN image_sources seen ON seen.url = named.url
    WHERE named.url IS NOT NULL AND owner_id IS NOT NULL
      AND (seen.url IS NULL OR seen.checked_at <= now() - %(expires)s)
      AND (%(source)s::text IS NULL OR named.source = %(source)s)
      AND (%(kind)s::text IS NULL OR image_kind = %(kind)s)
      AND (%(show)s::uuid IS NULL OR entity_id IN (
          SELECT %(show)s::uuid UNION ALL SELECT id FROM seasons WHERE show_id = %(show)s
          UNION ALL SELECT id FROM episodes WHERE show_id = %(show)s
          UNION ALL SELECT id FROM gallery_entries WHERE show_id = %(show)s))
      AND (%(person)s::uuid IS NULL OR entity_id IN (
          SELECT %(person)s::uuid UNION ALL SELECT id FROM gallery_entries WHERE person_id = %(person)s
          UNION ALL SELECT page.id FROM fandom_pages page JOIN external_ids ids ON ids.kind = 'person'
              AND ids.source = 'fandom' AND ids.value = page.person_key AND ids.entity_id = %(person)s))
    ORDER BY named.url, owners <> 'logos', image_kind = 'primary'
"""


def pictures(
    wanted: PictureFilter, expires: timedelta, limit: int | None = None, connection: Connection[Any] | None = None
) -> Iterator[list[DuePicture]]:
    """The pictures that sources name and that are not kept, or not looked at since `expires`; some at a time."""
    with contextlib.ExitStack() as stack:
        try:
            opened = connection or stack.enter_context(database.connect(database.url()))
            stack.enter_context(opened.transaction())
            cursor = stack.enter_context(opened.cursor(name="due_pictures"))
            filters = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
            cursor.execute(PICTURES + " LIMIT %(limit)s", {**filters, "expires": expires, "limit": limit})
            while rows := cursor.fetchmany(1000):
                yield [DuePicture(*row) for row in rows]
        except (psycopg.Error, database.DatabaseError) as error:
            raise CatalogError(" ".join(str(error).split()).rstrip(".")) from error


def count_pictures(connection: Connection[Any], wanted: PictureFilter, expires: timedelta) -> int:
    """How many pictures are due."""
    filters = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    [(count,)] = connection.execute(
        f"SELECT count(*) FROM ({PICTURES}) pictures",  # noqa: S608 - made of the constant above
        {**filters, "expires": expires},
    ).fetchall()
    return int(count)


def picture_filter(
    *,
    show: str | None = None,
    person: str | None = None,
    source: str | None = None,
    kind: str | None = None,
) -> PictureFilter:
    """A filter by the names that people use; CatalogError where the catalog knows no such show or person."""
    ids: dict[str, UUID | None] = {"show": None, "person": None}
    named = {of: name for of, name in (("show", show), ("person", person)) if name is not None}
    try:
        if named:
            with database.connect(database.url()) as connection:
                ids.update({of: review.find(connection, of, name) for of, name in named.items()})
    except (psycopg.Error, database.DatabaseError, review.ReviewError) as error:
        raise CatalogError(" ".join(str(error).split()).rstrip(".")) from error
    return PictureFilter(show=ids["show"], person=ids["person"], source=source, kind=kind)
