"""Reads side by side, whose errors still come in order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Together:
    """What is begun in the block runs side by side; at the block's end all of it is done.

    Raises the error of what was begun first: its error explains those of the others.

        async with Together() as reads:
            one, two = reads.begin(read_one()), reads.begin(read_two())
        one.result(), two.result()
    """

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[Any]] = []

    def begin(self, read: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin one more."""
        task = asyncio.create_task(read)
        self._tasks.append(task)
        return task

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None and self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()
        failures = [
            each.exception() for each in self._tasks if each.done() and not each.cancelled()
        ]
        for failure in failures:
            if error is None and failure is not None:
                raise failure
