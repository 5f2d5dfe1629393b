"""Worker processes of the sagas, which die and are started again."""

from __future__ import annotations

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
    """Worker processes; each is replaced at once when it dies or stands still."""

    def __init__(self, world: World, faults: Faults, kubeconfig: Path) -> None:
        """Nobody works yet."""
        self._world, self._faults, self._kubeconfig = world, faults, kubeconfig
        self._hired = 0
        self.parts: list[Part] = []

    async def hire(self, *, clock_off: timedelta = timedelta(0)) -> Part:
        """One more worker; its wall clock may be off."""
        self._hired += 1
        part = await self._world.run(f"worker-{self._hired}", self._command(clock_off))
        self.parts.append(part)
        return part

    async def dismiss(self, part: Part) -> None:
        """One worker dies, and is not replaced."""
        self.parts.remove(part)
        await part.kill()

    def all_die(self) -> None:
        """All are killed at once, and started again."""
        for part in self.parts:
            for worker in psutil.Process(part.pid).children():
                send(worker.pid, signal.SIGKILL)

    async def keep_at_work(self, count: int) -> None:
        """Hire until there are so many."""
        for _ in range(count - len(self.parts)):
            await self.hire()

    async def renew(self) -> None:
        """End all workers, frozen ones too, and begin with a fresh one."""
        first, *others = self.parts or [await self.hire()]
        for part in others:
            await self.dismiss(part)
        for worker in psutil.Process(first.pid).children():
            worker.kill()

    async def close(self) -> None:
        """End all of them."""
        for part in tuple(self.parts):
            await self.dismiss(part)

    def logs(self) -> str:
        """All that workers have ever logged."""
        logs = [part.log for name, part in self._world.parts.items() if name.startswith("worker-")]
        return "\n".join(log.read_text(errors="replace") for log in logs)

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


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to one process."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
