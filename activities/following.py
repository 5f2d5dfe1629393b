"""Following several collections at once, as one stream of numbered changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

from failover.fleet import Change

Follow = AbstractAsyncContextManager[AsyncIterator[Change]]


class Followings:
    """Each followed collection has a task of its own, which opens it and closes it again."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[int, Change]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def add(self, number: int, follow: Follow) -> None:
        """Follow one more collection; its changes come with this number."""
        self._tasks.append(asyncio.create_task(self._pump(number, follow)))

    async def next(self) -> tuple[int, Change]:
        """The next change of any of them. Raises what ended one of them."""
        while True:
            if (news := await self.next_before(None)) is not None:
                return news

    async def next_before(self, until: float | None) -> tuple[int, Change] | None:
        """The next change before this moment of the event loop's clock; `None` then."""
        loop = asyncio.get_running_loop()
        left = None if until is None else max(until - loop.time(), 0)
        taking = asyncio.ensure_future(self._queue.get())
        try:
            await asyncio.wait(
                (taking, *self._tasks), timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
            if taking.done():
                return taking.result()
            for task in self._tasks:
                if task.done():
                    task.result()
                    raise RuntimeError("a followed collection ended, which it never does")
            return None
        finally:
            taking.cancel()

    async def _pump(self, number: int, follow: Follow) -> None:
        async with follow as changes:
            async for change in changes:
                self._queue.put_nowait((number, change))
