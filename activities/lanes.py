"""Lanes: how many moves one worker has between capture and start at the same time.

Where many tolerations end together, moves that are begun all at once only wait for each other, until
Temporal believes them lost and has them done again. In lanes each is quick, and so are all.
"""

from __future__ import annotations

import asyncio

LANES = 16
LEASE_SECONDS = 3.0
"""A move that takes longer waits for something else than for this worker, and keeps nobody waiting."""


class Lanes:
    """A bounded number of moves under way, in the order in which they came."""

    def __init__(self, count: int = LANES) -> None:
        self._free = asyncio.Semaphore(count)
        self._leases: dict[str, asyncio.TimerHandle] = {}

    async def enter(self, failover: str) -> None:
        """Wait for a lane; one that has a lane goes on in it."""
        if failover in self._leases:
            return
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        self._leases[failover] = loop.call_later(LEASE_SECONDS, self.leave, failover)

    def leave(self, failover: str) -> None:
        """Let the next one in. Does nothing where it has no lane, or lost it."""
        lease = self._leases.pop(failover, None)
        if lease is not None:
            lease.cancel()
            self._free.release()
