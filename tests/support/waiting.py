"""Waiting on levels, with a deadline: never on time alone."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.05


async def eventually(
    look: Callable[[], T | Awaitable[T]], what: str, *, seconds: float = DEADLINE_SECONDS
) -> T:
    """The first truthy answer; `AssertionError` where there is none in time."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while True:
        answer = look()
        found: T = await answer if inspect.isawaitable(answer) else answer
        if found:
            return found
        assert loop.time() < until, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(POLL_SECONDS)
