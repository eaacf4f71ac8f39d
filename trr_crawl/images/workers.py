"""Worker processes for what decodes pictures: one that a file kills takes nothing else with it."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Final, ParamSpec, TypeVar

from trr_crawl.images.content import NotAPicture
from trr_crawl.images.decoding import limit

P = ParamSpec("P")
T = TypeVar("T")

TASKS_A_WORKER: Final = 500
"""Then it makes room for a fresh one, whatever a library may have leaked."""


class Workers:
    """A pool of processes, started with the first task."""

    def __init__(self, size: int, max_pixels: int) -> None:
        self.size = size
        self.max_pixels = max_pixels
        self._pool: ProcessPoolExecutor | None = None
        self._alone = asyncio.Lock()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in a worker. NotAPicture where that kills the worker, twice: the first time, the file that
        was at fault may have been another one."""
        if self._pool is None:
            self._pool = self._start(self.size)
        pool = self._pool
        try:
            return await asyncio.wrap_future(pool.submit(function, *args, **kwargs))
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
                pool.shutdown(wait=False)
        async with self._alone:
            pool = self._start(1)
            try:
                return await asyncio.wrap_future(pool.submit(function, *args, **kwargs))
            except BrokenProcessPool as error:
                raise NotAPicture("decoding it takes more time or memory than any picture") from error
            finally:
                pool.shutdown(wait=False)

    def close(self) -> None:
        """Let the workers end."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, size: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            size,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=limit,
            initargs=(self.max_pixels,),
            max_tasks_per_child=TASKS_A_WORKER,
        )
