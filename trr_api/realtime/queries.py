"""SQL of live events. The outbox is read as the connection's own user; what a caller may follow, as the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from trr_api.queries import Statement

# The topic without what tells that something comes to one member alone, see `events.Event.topic`.
EVENT: Final = """
seq, outbox.topic, event,
CASE WHEN event LIKE 'dm_message_%' OR event = 'dm_reaction_toggled' THEN (payload->>'number')::integer END,
json_build_object('type', event, 'ts', at, 'payload', payload, 'topic',
    split_part(outbox.topic, ':', 1) || ':' || split_part(outbox.topic, ':', 2), 'seq', seq)
"""

NEWS: Final = f"SELECT {EVENT} FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $2".encode()

LATEST: Final = b"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_seq_seq"

# Whoever takes a number holds this lock before, and until the end of the transaction.
WRITERS: Final = b"""
SELECT virtualtransaction FROM pg_locks
WHERE relation = 'outbox'::regclass AND mode = 'RowExclusiveLock'
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

# Of numbers that were never reached, as of those that are gone, nothing is known.
IS_KNOWN: Final = b"""
SELECT $1 >= coalesce((SELECT min(seq) - 1 FROM outbox), 0) AND $1 <= last_value FROM outbox_seq_seq
"""

REPLAY: Final = f"""
SELECT {EVENT} FROM outbox WHERE topic = ANY($1) AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4
""".encode()

PRUNED_AT_ONCE: Final = 10_000

# The oldest ones, so that the first that is left tells what is gone; the newest one always stays.
PRUNE: Final = f"""
WITH oldest AS (SELECT seq, at FROM outbox ORDER BY seq LIMIT {PRUNED_AT_ONCE}),
edge AS (SELECT max(seq) AS seq FROM oldest WHERE at < now() - $1::interval),
gone AS (
    DELETE FROM outbox USING edge
    WHERE outbox.seq <= edge.seq AND outbox.seq < (SELECT max(seq) FROM outbox) RETURNING 1
)
SELECT count(*) FROM gone
""".encode()

TOPICS: Final[Mapping[str, bytes]] = {
    "show": b"SELECT 0 FROM shows WHERE id = $1",
    "season": b"SELECT 0 FROM seasons WHERE id = $1",
    "episode": b"SELECT 0 FROM episodes WHERE id = $1",
    "thread": b"SELECT 0 FROM threads WHERE id = $1",
    "survey": b"SELECT 0 FROM surveys WHERE id = $1 AND kind = 'survey'",
    "game": b"SELECT 0 FROM surveys WHERE id = $1 AND kind <> 'survey'",
    "user": b"SELECT 0 WHERE $1 = caller()",
    "conversation": b"SELECT joined_after FROM conversation_members WHERE conversation_id = $1 AND user_id = caller()",
}
"""Kind -> a row, where the caller may follow such a topic: the number of the last message that is not for them."""

PERSONAL: Final = frozenset({"user", "conversation"})
"""Kinds that nobody follows without a log-in."""

_THREADS: Final = b"SELECT id FROM threads WHERE episode_id = $1 AND removed_at IS NULL ORDER BY id DESC LIMIT $2"

IDENTITY: Final = b"SELECT datname || ':' || oid FROM pg_database WHERE datname = current_database()"
LEAD: Final = b"SELECT pg_try_advisory_lock(hashtextextended('trr live', 0))"
STILL: Final = b"SELECT true"

GONE: Final = b"""
SELECT person FROM unnest($1::uuid[]) person WHERE NOT EXISTS (SELECT FROM users WHERE id = person)
"""

WHISPER: Final = b"SELECT pg_notify('live', $1)"

# To whom the other one of two has blocked, all looks as always; but they are not seen.
IS_CUT_OFF: Final = b"SELECT is_cut_off($1, $2)"
_BEAT: Final = b"""
INSERT INTO presences (device_id, topic, user_id)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[]) device (id, topic, user_id)
WHERE CASE WHEN topic LIKE 'conversation:%' THEN NOT is_cut_off(split_part(topic, ':', 2)::uuid, user_id) ELSE true END
ON CONFLICT (device_id, topic) DO UPDATE SET seen_at = now()
"""
EXPIRE: Final = b"DELETE FROM presences WHERE seen_at < now() - $1::interval"
PRESENT: Final = b"""
SELECT DISTINCT topic, user_id FROM presences WHERE topic = ANY($1) AND seen_at >= now() - $2::interval
"""


def follow(kind: str, identifier: UUID) -> Statement:
    """Whether the caller may follow a topic, see `TOPICS`."""
    return Statement(TOPICS[kind], [identifier])


def threads_of(episode: UUID, limit: int) -> Statement:
    """The threads of an episode that the caller sees, newest first."""
    return Statement(_THREADS, [episode, limit])


def caller() -> Statement:
    """Nothing but whether the log-in still lasts."""
    return Statement(b"SELECT caller()")


def beat(devices: Sequence[tuple[UUID, str, UUID]]) -> Statement:
    """Say that devices (device, topic, user) are there."""
    return Statement(_BEAT, [list(column) for column in zip(*devices, strict=True)])


def leave(device: UUID, topics: Sequence[str]) -> Statement:
    """Say that a device is there no more."""
    return Statement(b"DELETE FROM presences WHERE device_id = $1 AND topic = ANY($2)", [device, list(topics)])
