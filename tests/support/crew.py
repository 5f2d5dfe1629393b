"""Worker processes of the sagas, which die and are started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import psutil

from devstack.processes import Command, Part
from devstack.world import World
from tests.support import skewed_clock
from tests.support.faults import VARIABLE, Faults

ROOT = Path(__file__).parents[2]


class Crew:
    """Worker processes, of which as many are kept alive as the test wants."""

    def __init__(self, world: World, faults: Faults, kubeconfig: Path) -> None:
        """Nobody works yet."""
        self._world, self._faults, self._kubeconfig = world, faults, kubeconfig
        self._keepers: dict[Part, asyncio.Task[None]] = {}
        self._hired = 0
        self._hiring = asyncio.Lock()
        self.parts: list[Part] = []

    async def hire(self, *, clock_off: timedelta = timedelta(0)) -> Part:
        """One more worker, started again whenever it dies; its wall clock may be off."""
        self._hired += 1
        name = f"worker-{self._hired}"
        part = await self._world.run(name, self._command(clock_off))
        self.parts.append(part)
        self._keepers[part] = asyncio.create_task(self._keep(part))
        return part

    async def dismiss(self, part: Part) -> None:
        """One worker dies, and is not started again."""
        self._keepers.pop(part).cancel()
        self.parts.remove(part)
        await part.kill()

    def all_die(self) -> None:
        """All are killed at once, and started again."""
        for part in self.parts:
            if part.pid is not None:
                send(part.pid, signal.SIGKILL)

    async def keep_at_work(self, count: int) -> None:
        """Hire until so many workers are neither dead nor frozen."""
        async with self._hiring:
            for _ in range(count - sum(1 for part in self.parts if _works(part))):
                await self.hire()

    async def renew(self) -> None:
        """End all workers, frozen ones too, and begin with a fresh one."""
        await self.close()
        await self.hire()

    async def close(self) -> None:
        """End all of them."""
        keepers = self._keepers.values()
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        for part in self.parts:
            await part.kill()
        self.parts, self._keepers = [], {}

    def logs(self) -> str:
        """All that workers have ever logged."""
        logs = [part.log for name, part in self._world.parts.items() if name.startswith("worker-")]
        return "\n".join(log.read_text(errors="replace") for log in logs)

    async def _keep(self, part: Part) -> None:
        while True:
            await part.wait_died_alone()
            await part.start()

    def _command(self, clock_off: timedelta) -> Command:
        environment = {
            "TEMPORAL_ADDRESS": self._world.temporal_address,
            "FAILOVER_FLEET": str(self._world.fleet_file),
            "FAILOVER_KUBECONFIG": str(self._kubeconfig),
            "PYTHONPATH": str(ROOT),
            VARIABLE: str(self._faults.directory),
            skewed_clock.VARIABLE: f"{clock_off.total_seconds():.0f}",
        }
        arguments = (sys.executable, "-m", "tests.support.faulty_worker")
        return Command(arguments, environment, stops_gently=False)


def _works(part: Part) -> bool:
    """Whether the process is there and not stopped."""
    if part.pid is None:
        return False
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(part.pid).status() != psutil.STATUS_STOPPED
    return False


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to one process."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
