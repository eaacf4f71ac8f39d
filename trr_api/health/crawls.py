"""Numbers of crawls for Prometheus, out of one statement that is asked every ten seconds at most."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import psycopg
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from trr_api.database import Database, Row
from trr_api.health import queries
from trr_crawl.catalog.tables import OUTCOMES

KEEP_SECONDS: Final = 10.0

# Of each kind of row: the names of its two labels, and what its numbers are.
_FAMILIES: Final[dict[str, tuple[tuple[str, str], tuple[tuple[str, str], ...]]]] = {
    "run": (
        ("spider", ""),
        (
            ("last_run_end_timestamp_seconds", "When the spider's last run ended."),
            ("last_run_seconds", "How long it took."),
            ("last_run_items", "The records that it got, new or not."),
            ("last_run_requests", "The requests that it sent."),
            ("last_run_blocks", "Those that were answered by blocks."),
            ("last_ok_timestamp_seconds", "When the spider's last run that was ok ended."),
        ),
    ),
    "live": (("spider", "state"), (("live_runs", "Runs that have not ended: running, or lost without a heartbeat."),)),
    "finding": (("rule", "severity"), (("open_findings", "What checks found and no later run resolved."),)),
    "alert": (
        ("target", ""),
        (
            ("alerts_waiting", "Alerts that a receiver has not acknowledged."),
            ("alerts_oldest_timestamp_seconds", "Since when the oldest of them waits."),
        ),
    ),
    "schedule": (
        ("schedule", ""),
        (("schedule_next_timestamp_seconds", "When a schedule's next runs are to be made."),),
    ),
}

_log = logging.getLogger(__name__)


class Crawls:
    """The numbers as text, as old as KEEP_SECONDS at most. While the database is away, `trr_crawl_up` is 0, alone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asking = asyncio.Lock()
        self._text = b""
        self._until = 0.0

    async def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        async with self._asking:
            if time.monotonic() >= self._until:
                self._text = generate_latest(_Families(families(await self._rows())))
                self._until = time.monotonic() + KEEP_SECONDS
            return self._text

    async def _rows(self) -> Sequence[Row] | None:
        try:
            return await self._database.fetch(queries.CRAWLS)
        except psycopg.Error as error:
            _log.warning("There are no numbers of crawls: %s", " ".join(str(error).split()))
            return None


class _Families(Collector):
    def __init__(self, found: Iterable[GaugeMetricFamily]) -> None:
        self._found = list(found)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._found


def families(rows: Sequence[Row] | None) -> Iterator[GaugeMetricFamily]:
    """The rows of `queries.CRAWLS` as metrics; None where the database did not answer."""
    yield GaugeMetricFamily("trr_crawl_up", "Whether the database told of crawls.", value=float(rows is not None))
    if rows is None:
        return
    outcomes = GaugeMetricFamily(
        "trr_crawl_last_run_outcome", "1 for what the spider's last run came to.", labels=["spider", "outcome"]
    )
    for kind, spider, outcome, _ in rows:
        if kind == "run":
            for name in OUTCOMES:
                outcomes.add_metric([spider, name], float(name == outcome))
    yield outcomes
    for kind, (labels, numbers) in _FAMILIES.items():
        names = [label for label in labels if label]
        for place, (name, documentation) in enumerate(numbers):
            family = GaugeMetricFamily(f"trr_crawl_{name}", documentation, labels=names)
            for found, *values, told in rows:
                if found == kind and told[place] is not None:
                    family.add_metric(values[: len(names)], told[place])
            yield family
