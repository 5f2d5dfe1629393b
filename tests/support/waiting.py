"""Waiting on levels, with a deadline: never on time alone."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.05


@overload
async def eventually(
    look: Callable[[], Awaitable[T | None]], what: str, *, seconds: float = DEADLINE_SECONDS
) -> T: ...


@overload
async def eventually(
    look: Callable[[], T | None], what: str, *, seconds: float = DEADLINE_SECONDS
) -> T: ...


async def eventually(
    look: Callable[[], Any], what: str, *, seconds: float = DEADLINE_SECONDS
) -> Any:
    """The first truthy answer; `AssertionError` where there is none in time."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while True:
        answer = look()
        found = await answer if inspect.isawaitable(answer) else answer
        if found:
            return found
        assert loop.time() < until, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(POLL_SECONDS)
