"""Lanes: how many failovers one worker has between two waits at the same time.

Where many tolerations end together, moves that are begun all at once only wait for each other, until
Temporal believes them lost and has them done again. In lanes each is quick, and so are all. What has no copy
goes before what only has to be finished.
"""

from __future__ import annotations

import asyncio
from collections import deque

LANES = 8
LEASE_SECONDS = 3.0
"""One that takes longer waits for something else than for this worker, and keeps nobody waiting."""


class Lanes:
    """A bounded number of failovers under way: the urgent first, else in the order in which they came."""

    def __init__(self, count: int = LANES) -> None:
        self._free = count
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._leases: dict[str, asyncio.TimerHandle] = {}

    async def enter(self, failover: str, *, urgent: bool = True) -> bool:
        """Wait for a lane; one that has a lane goes on in it. Answers whether it had to wait."""
        if failover in self._leases:
            return False
        waits = not self._free
        if waits:
            await self._turn(self._urgent if urgent else self._others)
        else:
            self._free -= 1
        if failover in self._leases:
            self._let_in()  # an earlier attempt of it came in meanwhile: one lane is enough
            return waits
        loop = asyncio.get_running_loop()
        self._leases[failover] = loop.call_later(LEASE_SECONDS, self.leave, failover)
        return waits

    def leave(self, failover: str) -> None:
        """Let the next one in. Does nothing where it has no lane, or lost it."""
        lease = self._leases.pop(failover, None)
        if lease is not None:
            lease.cancel()
            self._let_in()

    async def _turn(self, queue: deque[asyncio.Future[None]]) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._let_in()  # it was let in at the very moment at which it gave up
            raise

    def _let_in(self) -> None:
        for queue in (self._urgent, self._others):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1
