"""Records that the database refused, and that somebody wants to be tried once more."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final
from uuid import UUID

import orjson
from psycopg import Connection

from trr_crawl.catalog import write
from trr_crawl.catalog.write import Record

AT_ONCE: Final = 500


def retry_wanted(connection: Connection[Any], run_id: UUID | None) -> Counter[str]:
    """Write what is to be tried again; returns how many were "stored", "rejected" again, or "outdated".

    Outdated is what the source told anew since: the older word would cover the newer one. Needs a connection that
    `write.prepare` made ready. Who finds somebody else at it leaves it to them.
    """
    done: Counter[str] = Counter()
    turn = connection.execute("SELECT pg_try_advisory_lock(hashtext('crawl_rejects'))").fetchone()
    connection.commit()
    if turn is None or not turn[0]:
        return done
    while rows := connection.execute(
        """
        SELECT reject.id, reject.source, reject.kind, reject.key, reject.payload,
               coalesce(record.seen_at > reject.at, false)
        FROM crawl_rejects reject LEFT JOIN source_records record USING (source, kind, key)
        WHERE retry_wanted_at IS NOT NULL AND retried_at IS NULL ORDER BY reject.id LIMIT %s
        """,
        [AT_ONCE],
    ).fetchall():
        connection.commit()
        became: dict[int, str] = {}
        for number, source, kind, key, payload, is_outdated in rows:
            if is_outdated:
                became[number] = "outdated"
                continue
            record = Record(source=source, kind=kind, key=key, payload=orjson.loads(payload))
            # One by one: which of them is refused again is to be known.
            became[number] = "rejected" if write.write(connection, [record], run_id).rejects else "stored"
        with connection.transaction():
            connection.execute(
                """
                UPDATE crawl_rejects SET retried_at = now(), retried_as = became
                FROM unnest(%s::bigint[], %s::text[]) AS told (number, became) WHERE id = number
                """,
                [list(became), list(became.values())],
            )
        done.update(became.values())
    connection.execute("SELECT pg_advisory_unlock(hashtext('crawl_rejects'))")  # else it goes with the connection
    connection.commit()
    return done
