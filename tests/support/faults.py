"""Faults that strike a worker process at one step of one application, once.

A fault is armed by a file that the worker claims by renaming it, so that it strikes exactly once
among any number of workers; the claimed file tells the test which process was struck. What a fault
does is written in `faulty_worker`:

- `kill-before`, `kill-after`: the process dies before, or right after, the step's work, unreported
- `freeze-before`, `freeze-after`: the process is stopped there, as by SIGSTOP
- `kill@CALL`, `freeze@CALL`, `hold@CALL`: the same right before a call that the step makes to a
  cluster: the N-th one, or the first one of this name (`create`), or that to this cluster (`create:west`)
- `twice`: the step's work is done twice in a row
- `hold`, `hold-after`: the step waits, alive, before or right after its work, until it is released
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import eventually

VARIABLE = "FAULTS"
SEPARATOR = "~"


@dataclass(frozen=True)
class Fault:
    """One fault that was planted."""

    armed: Path
    struck: Path

    async def strikes(self, *, seconds: float = 60) -> int:
        """Wait until it has struck; the process id of the worker."""
        text = await eventually(
            lambda: self.struck.read_text() if self.struck.exists() else None,
            f"the fault {self.armed.name} strikes",
            seconds=seconds,
        )
        return int(text)

    @property
    def over(self) -> Path:
        """Appears when the step in which a process was frozen has ended there, in whatever way."""
        return self.struck.with_name(f"{self.struck.name}{SEPARATOR}over")

    def release(self) -> None:
        """Let a step that is held go on."""
        self.struck.unlink(missing_ok=True)


@dataclass(frozen=True)
class Faults:
    """The directory in which tests and workers meet."""

    directory: Path

    def plant(self, step: str, application: str, what: str) -> Fault:
        """Let this happen at the application's next step of this kind."""
        fault = self.at(step, application, what)
        fault.armed.parent.mkdir(parents=True, exist_ok=True)
        fault.struck.parent.mkdir(parents=True, exist_ok=True)
        fault.struck.unlink(missing_ok=True)
        fault.over.unlink(missing_ok=True)
        fault.armed.touch()
        return fault

    def at(self, step: str, application: str, what: str) -> Fault:
        """Where this fault is armed, and where it shows that it has struck."""
        name = SEPARATOR.join((step, application, what))
        return Fault(self.directory / "armed" / name, self.directory / "struck" / name)
