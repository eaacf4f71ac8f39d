"""The turns of a host: one row in PostgreSQL, which all nodes of the fleet ask for the next one."""

from __future__ import annotations

from typing import Any

from psycopg import Connection


def next_turn(connection: Connection[Any], host: str, delay: float) -> float:
    """Take the host's next turn, `delay` seconds after the one before; returns the seconds until it comes.

    Everything is by the database's clock. A turn that is not used is lost, and the host asked less for it.
    """
    row = connection.execute(
        """
        INSERT INTO host_turns AS host (host, next_at)
        VALUES (%(host)s, clock_timestamp() + make_interval(secs => %(delay)s))
        ON CONFLICT (host) DO UPDATE
        SET next_at = greatest(clock_timestamp(), least(host.next_at, clock_timestamp() + interval '1 hour'))
                      + make_interval(secs => %(delay)s)
        RETURNING extract(epoch FROM next_at - clock_timestamp())::float8 - %(delay)s
        """,
        {"host": host, "delay": delay},
    ).fetchone()
    assert row is not None
    return max(0.0, float(row[0]))
