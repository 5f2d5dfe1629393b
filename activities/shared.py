"""Reads that many ask for at about the same time: made once, and remembered for a few seconds.

A thousand plans within a minute read a cluster's pods a few times, not a thousand. Nobody waits long:
who comes while a read takes its time gets the last answer, if that is not old.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from failover.domain.errors import ClusterUnreachable, FailoverError

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

FAILURE_FRESH_SECONDS = 2.0
READERS_MAX = 10_000
"""So many different answers are remembered at most; the oldest are forgotten first."""


@dataclass(frozen=True)
class Patience:
    """How old an answer may be, and how long one is waited for."""

    fresh: timedelta
    """So long nobody asks again."""
    usable: timedelta
    """So long it serves while a new one takes its time."""
    wait: timedelta


@dataclass(frozen=True)
class _Answer(Generic[T]):
    at: float
    value: T | FailoverError


class Shared(Generic[K, T]):
    """One read under way for each key, and its last answer; errors are answers too."""

    def __init__(self, read: Callable[[K], Awaitable[T]], patience: Patience) -> None:
        self._read = read
        self._patience = patience
        self._answers: dict[K, _Answer[T]] = {}
        self._reading: dict[K, asyncio.Task[None]] = {}

    async def get(self, key: K) -> T | FailoverError:
        """The answer, or why there is none; never raises a `FailoverError`."""
        now = asyncio.get_running_loop().time()
        known = self._answers.get(key)
        if known is not None and now - known.at < self._fresh_seconds(known):
            return known.value
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.create_task(self._ask(key))
            task.add_done_callback(lambda _: self._reading.pop(key, None))
        # whoever stops waiting does not stop the read, for which others wait
        done, _ = await asyncio.wait([task], timeout=self._patience.wait.total_seconds())
        if done:
            task.result()
            return self._answers[key].value
        if known is not None and now - known.at < self._patience.usable.total_seconds():
            return known.value
        return ClusterUnreachable("it took too long to find out", reason="ClusterUnreachable")

    @property
    def under_way(self) -> tuple[asyncio.Task[None], ...]:
        """The reads that go on, whoever still waits for them."""
        return tuple(self._reading.values())

    async def _ask(self, key: K) -> None:
        try:
            value: T | FailoverError = await self._read(key)
        except FailoverError as error:
            value = error
        self._answers.pop(key, None)
        self._answers[key] = _Answer(asyncio.get_running_loop().time(), value)
        if len(self._answers) > READERS_MAX:
            self._answers.pop(next(iter(self._answers)))

    def _fresh_seconds(self, answer: _Answer[T]) -> float:
        fresh = self._patience.fresh.total_seconds()
        return (
            min(fresh, FAILURE_FRESH_SECONDS) if isinstance(answer.value, FailoverError) else fresh
        )
