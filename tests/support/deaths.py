"""Deaths that many cases share: all workers are killed once every case stands where it wants to be caught."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from tests.support.crew import Crew
from tests.support.playing import Case, play
from tests.support.stage import Saga

DyingCase = Callable[[Saga, "Deaths"], Awaitable[None]]


class Deaths:
    """Where all who still play wait for each other; each of them comes to the same places in the same order."""

    def __init__(self, crew: Crew, players: int) -> None:
        self._crew, self._players = crew, players
        self._here = 0
        self._kills = False
        self._all_here = asyncio.Event()

    async def gather(self) -> None:
        """Return when all are here: what is held must not wait long for others, or Temporal gives it up."""
        await self._meet(kills=False)

    async def strike(self) -> None:
        """Return when all were here, and all workers have been killed."""
        await self._meet(kills=True)

    def leave(self) -> None:
        """Nobody waits for this one any more."""
        self._players -= 1
        self._go_on_if_all_are_here()

    async def _meet(self, *, kills: bool) -> None:
        self._here, self._kills = self._here + 1, kills
        all_here = self._all_here
        self._go_on_if_all_are_here()
        await all_here.wait()

    def _go_on_if_all_are_here(self) -> None:
        if not self._here or self._here < self._players:
            return
        if self._kills:
            self._crew.all_die()
        all_here, self._all_here, self._here = self._all_here, asyncio.Event(), 0
        all_here.set()


async def play_dying(saga: Saga, cases: Mapping[str, DyingCase]) -> dict[str, BaseException | None]:
    """Play all of them side by side, each with the deaths of all; what each of them raised."""
    deaths = Deaths(saga.crew, len(cases))

    def among(case: DyingCase) -> Case:
        async def playing(saga: Saga) -> None:
            try:
                await case(saga, deaths)
            finally:
                deaths.leave()

        return playing

    among_all = {name: among(case) for name, case in cases.items()}
    return await play(saga, among_all, at_once=len(cases))
