"""Calls that are made together: whoever asks while a call is under way waits for the next one, with all the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Together(Generic[A, R]):
    """Makes one call for many callers, so that a transaction, or a way over the network, is paid for once."""

    def __init__(self, call: Callable[[Sequence[A]], Awaitable[Sequence[R]]]) -> None:
        self._call = call
        self._waiting: list[tuple[A, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, argument: A) -> R:
        """This argument's result, or the error that it meets even alone."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((argument, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting, []
            await self._answer(some)

    async def _answer(self, some: list[tuple[A, asyncio.Future[R]]]) -> None:
        try:
            results = await self._call([argument for argument, _ in some])
        except Exception as error:
            if len(some) > 1:  # one of them is at fault: the others shall not suffer for it
                for one in some:
                    await self._answer([one])
            elif not some[0][1].done():
                some[0][1].set_exception(error)
        else:
            for (_, future), result in zip(some, results, strict=True):
                if not future.done():
                    future.set_result(result)
