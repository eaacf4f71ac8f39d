"""Numbers for Prometheus."""

from __future__ import annotations

import os
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from trr_api.database import Database

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Requests by method, route and status; how long they took; live events; the pools."""

    def __init__(self, database: Database) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "trr_api_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "trr_api_request_seconds",
            "From the first byte of a request to the last byte of its answer.",
            ["route"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
        )
        self.closed = Counter(
            "trr_api_live_closed", "Sockets and streams that the API ended, by why.", ["reason"], registry=self.registry
        )
        self.delivered = Counter("trr_api_live_delivered", "Events sent to followers.", registry=self.registry)
        self.followers = Gauge(
            "trr_api_live_followers", "Sockets and streams.", registry=self.registry, multiprocess_mode="livesum"
        )
        self.registry.register(_Pools(database))

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests.labels(method, route, status).inc()
        self.seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it; of all workers where there are several."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


class _Pools(Collector):
    """The pools' own numbers, read when they are asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        pools = (self._database.readers, self._database.writers)
        for name in ("pool_size", "pool_available", "requests_waiting", "requests_errors", "connections_lost"):
            family = GaugeMetricFamily(f"trr_api_{name}", f"psycopg_pool's {name}.", labels=["pool"])
            for pool in pools:
                family.add_metric([pool.name], pool.get_stats().get(name, 0))
            yield family
