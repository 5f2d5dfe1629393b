"""Cases that are played side by side, each on an application of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest

from tests.support.stage import Saga

SIDE_BY_SIDE_MAX = 12

Case = Callable[[Saga], Awaitable[None]]


async def play(
    saga: Saga, cases: Mapping[str, Case], *, at_once: int = SIDE_BY_SIDE_MAX
) -> dict[str, BaseException | None]:
    """Play cases side by side, a bounded number at a time; what each of them raised."""
    bound = asyncio.Semaphore(at_once)

    async def one(case: Case) -> BaseException | None:
        async with bound:
            try:
                await case(saga)
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - its own test reports it
                return error
            return None

    raised = await asyncio.gather(*(one(case) for case in cases.values()))
    return dict(zip(cases, raised, strict=True))


def report(played: Mapping[str, BaseException | None], name: str) -> None:
    """Raise what this case raised."""
    if (error := played[name]) is not None:
        raise error
