"""Keep a world up until somebody ends it, or until it is no longer whole."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from devstack.errors import PartFailed
from devstack.world import World

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def serve(world: World, begin: Callable[[World], Awaitable[None]]) -> None:
    """Start the world, do what belongs at its beginning, and stay until asked to stop.

    `begin` may start more programs with `world.run`. Ends normally on Ctrl-C and SIGTERM, also
    while still starting; raises `PartFailed` if any program dies by itself.
    """
    async with stop_requested() as stopped:
        work = asyncio.create_task(_stay(world, begin))
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work


@asynccontextmanager
async def stop_requested() -> AsyncGenerator[asyncio.Task[bool], None]:
    """A task that ends when a signal asks this process to stop; no signal does more meanwhile."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    waiting = asyncio.create_task(event.wait())
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, event.set)
    try:
        yield waiting
    finally:
        waiting.cancel()
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


async def _stay(world: World, begin: Callable[[World], Awaitable[None]]) -> None:
    async with world:
        await begin(world)
        part = await world.wait_failed()
        raise PartFailed(f"{part.name} ended with code {part.exit_code}. {part.last_words()}")
