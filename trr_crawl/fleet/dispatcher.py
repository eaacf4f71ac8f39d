"""Sends runs of schedules to Scrapyd nodes, each to the least busy one that lives."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

from trr_crawl.fleet.nodes import Load, Node, NodeError, Refused

logger = logging.getLogger(__name__)

STUCK_AFTER: Final = timedelta(minutes=2)
"""A node that has jobs waiting and runs none for so long is stuck: known of Scrapyd, a restart helps."""
RETRIED_AFTER: Final = timedelta(hours=1)
"""A node that was stuck gets work as if nothing had been after so long."""


def probe(connection: Connection[Any], nodes: Sequence[Node]) -> dict[Node, Load]:
    """Those nodes that live and work, with what they have to do; what is wrong with the others is kept and logged.

    A node that was stuck and whose queue is empty now is in doubt, until it runs something or RETRIED_AFTER is over: it
    counts only if there is no other.
    """
    working, in_doubt = {}, {}
    with ThreadPoolExecutor(max(1, len(nodes))) as pool:  # one that hangs holds up no other
        answers = list(pool.map(_load, nodes))
    for node, load in zip(nodes, answers, strict=True):
        if isinstance(load, NodeError):
            if _problem(connection, node, str(load)):
                logger.warning("The node %s is left out: %s.", node.name, load)
            continue
        waits = load.pending > 0 and load.running == 0
        row = connection.execute(
            """
            INSERT INTO fleet_nodes AS node (url, seen_at, stuck_since) VALUES (%s, now(), CASE WHEN %s THEN now() END)
            ON CONFLICT (url) DO UPDATE SET seen_at = now(), problem = NULL,
                stuck_since = CASE
                    WHEN %s THEN coalesce(node.stuck_since, now())
                    WHEN %s = 0 AND node.stuck_since BETWEEN now() - %s::interval AND now() - %s::interval
                    THEN node.stuck_since END
            RETURNING stuck_since <= now() - %s::interval
            """,
            [node.name, waits, waits, load.running, RETRIED_AFTER, STUCK_AFTER, STUCK_AFTER],
        ).fetchone()
        if row and row[0] and not waits:
            in_doubt[node] = load
        elif row and row[0]:
            problem = f"{load.pending} jobs wait and none runs: restart Scrapyd there"
            if _problem(connection, node, problem):
                logger.error("The node %s is stuck: %s.", node.name, problem)
        else:
            working[node] = load
    connection.commit()
    return working or in_doubt


def _load(node: Node) -> Load | NodeError:
    try:
        return node.load()
    except NodeError as error:
        return error


def send_waiting(connection: Connection[Any], working: Mapping[Node, Load]) -> int:
    """Send all runs that wait to nodes that `probe` found, those of the earliest time first; returns how many found
    one. What a removed schedule left waiting is not sent any more."""
    with connection.transaction():
        connection.execute(
            """
            UPDATE schedule_runs SET state = 'skipped', finished_at = now(), reason = 'its schedule was removed'
            FROM schedules
            WHERE state = 'waiting' AND finished_at IS NULL AND schedules.id = schedule_id AND removed_at IS NOT NULL
            """
        )
        rows = connection.execute(
            "SELECT id, reason FROM schedule_runs WHERE state = 'waiting' AND finished_at IS NULL "
            "ORDER BY slot_at, worker"
        ).fetchall()
    if rows and not working:
        logger.error("%d job(s) wait, and no node of SCRAPYD_NODES works.", len(rows))
    loads = {node: load.jobs for node, load in working.items()}
    return sum(_send(connection, run_id, loads, before) for run_id, before in rows)


def _send(connection: Connection[Any], run_id: UUID, loads: dict[Node, int], before: str | None) -> bool:
    """Send a run, to the next node if one refuses it. It is written down as sent before it is: a job that may be
    out is never sent again before the watchdog knows that it is not."""
    refusals: list[str] = []
    for node in sorted(loads, key=lambda node: (loads[node], node.name)):
        with connection.transaction():
            row = connection.execute(
                """
                UPDATE schedule_runs run SET state = 'sent', node = %s, sent_at = now(), cancelled_at = NULL,
                       attempts = attempts + 1,
                       job_id = replace(run.id::text, '-', '') || '-' || (attempts + 1)
                FROM schedules schedule
                WHERE run.id = %s AND run.state = 'waiting' AND schedule.id = run.schedule_id
                RETURNING run.job_id, spider, args, schedule.settings
                """,
                [node.name, run_id],
            ).fetchone()
        if row is None:
            return False  # somebody else sent it
        job_id, spider, args, settings = row
        try:
            node.schedule(spider, job_id, args, {**settings, "NODE": node.name})
        except Refused as error:
            # It says nothing about the node: other runs may be welcome there.
            refusals.append(f"{node.name} refuses it: {error}")
            _wait_again(connection, run_id, "; ".join(sorted(refusals)))
            continue
        except NodeError as error:
            logger.warning("Whether %s took %s is not known: %s.", node.name, spider, error)
            del loads[node]
            return False
        loads[node] += 1
        logger.info("%s as %s to %s.", spider, job_id, node.name)
        return True
    if refusals and (reason := "; ".join(sorted(refusals))) != before:
        logger.error("No node takes %s, which waits: %s.", spider, reason)
    return False


def _wait_again(connection: Connection[Any], run_id: UUID, reason: str) -> None:
    with connection.transaction():
        connection.execute(
            """
            UPDATE schedule_runs SET state = 'waiting', node = NULL, job_id = NULL, attempts = attempts - 1,
                   reason = %s
            WHERE id = %s AND state = 'sent'
            """,
            [reason, run_id],
        )


def _problem(connection: Connection[Any], node: Node, problem: str) -> bool:
    """Keep what is wrong with a node; whether that is new."""
    with connection.transaction():
        changed = connection.execute(
            """
            INSERT INTO fleet_nodes AS node (url, problem) VALUES (%s, %s)
            ON CONFLICT (url) DO UPDATE SET problem = excluded.problem
            WHERE node.problem IS DISTINCT FROM excluded.problem
            """,
            [node.name, problem],
        )
    return changed.rowcount > 0
