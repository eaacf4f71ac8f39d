"""What a run is measured by besides its counters: how fast hosts answer, and how it went over time."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from trr_crawl.blocks import is_robots_txt

if TYPE_CHECKING:
    from scrapy.http import Request, Response

SLOWEST_KEPT: Final = 20
POINTS_KEPT: Final = 240
"""So many points a timeline has at most: a longer run has every second one, then every fourth."""


class Responses:
    """How long hosts took to answer, and the slowest of them."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self._slowest: list[tuple[float, int, dict[str, Any]]] = []

    def received(self, response: Response, request: Request) -> None:
        """Note an answer; those out of an archive took no time."""
        seconds = request.meta.get("download_latency")
        if seconds is None or is_robots_txt(request):
            return
        self.count += 1
        self.seconds += seconds
        if len(self._slowest) < SLOWEST_KEPT or seconds > self._slowest[0][0]:
            want = request.meta.get("want")
            # Without the query, in which sources want their keys.
            told = {
                "url": urlsplit(request.url)._replace(query="", fragment="").geturl(),
                "subject": getattr(want, "subject", None),
                "part": getattr(want, "part", None),
                "status": response.status,
                "seconds": round(seconds, 3),
            }
            push = heapq.heappush if len(self._slowest) < SLOWEST_KEPT else heapq.heappushpop
            push(self._slowest, (seconds, self.count, told))

    def as_json(self) -> dict[str, Any]:
        """As it goes into the run's stats, slowest first."""
        slowest = [told for _, _, told in sorted(self._slowest, reverse=True, key=lambda one: one[:2])]
        return {"count": self.count, "seconds": round(self.seconds, 3), "slowest": slowest}


class Timeline:
    """The counters of a run over its time: [seconds, requests, items, blocks] each."""

    def __init__(self) -> None:
        self.points: list[list[int]] = [[0, 0, 0, 0]]
        self._every = 1
        self._seen = 0

    def add(self, seconds: float, requests: int, items: int, blocks: int) -> None:
        """Note how far the run is; the newest point always stands."""
        point = [round(seconds), requests, items, blocks]
        self._seen += 1
        if self._seen % self._every:
            self.points[-1] = point
            return
        self.points.append(point)
        if len(self.points) > POINTS_KEPT:
            last = self.points[-1]
            self.points = self.points[::2]
            if self.points[-1] is not last:
                self.points.append(last)
            self._every *= 2
