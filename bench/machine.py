"""What it was measured on: no names, only kinds."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import psutil


@dataclass(frozen=True)
class Machine:
    """The facts that figures depend on."""

    date: str
    cores: int
    memory_gigabytes: int
    system: str
    python: str
    temporalio: str
    foreign_load: float
    """The load average just before: what others were doing."""


def this_machine() -> Machine:
    """The machine and the versions that run here."""
    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        cores=os.cpu_count() or 0,
        memory_gigabytes=round(psutil.virtual_memory().total / 2**30),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        temporalio=version("temporalio"),
        foreign_load=round(os.getloadavg()[0], 1),
    )
