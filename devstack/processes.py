"""Child processes that are started, watched, frozen, killed, and never left behind.

Invariant: whatever a `Supervisor` started is dead soon after the supervisor's own process is, in
whatever way that died. Two pieces keep it. The watchdog (see there) kills every group that it was
told of when our end of its pipe closes. And a child does not begin before the watchdog has been
told: it waits for one line on its standard input, and gives up if that ends without one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from devstack import watchdog
from devstack.errors import PartFailed

READY_SECONDS = 60.0
STOP_SECONDS = 8.0
POLL_SECONDS = 0.02
LOG_TAIL_LINES = 8

Probe = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Command:
    """What to run: its arguments, what to add to the environment, and how to see that it is ready.

    `stops_gently` is for programs that hold data: they get SIGTERM first when all is stopped.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    ready: Probe | None = None
    ready_seconds: float = READY_SECONDS
    stops_gently: bool = True


class Part:
    """One program of the world, which can be killed, frozen, thawed and restarted at will."""

    def __init__(self, name: str, command: Command, log: Path, supervisor: Supervisor) -> None:
        """Describe the part; `start` runs it."""
        self.name = name
        self.log = log
        self._command = command
        self._supervisor = supervisor
        self._process: asyncio.subprocess.Process | None = None
        self._died_alone = asyncio.Event()
        self._waiter: asyncio.Task[None] | None = None
        self._expected_end = False

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self.running else None

    @property
    def running(self) -> bool:
        """Whether the process is there (frozen counts)."""
        return self._process is not None and self._process.returncode is None

    @property
    def stops_gently(self) -> bool:
        """Whether it gets SIGTERM first when all is stopped."""
        return self._command.stops_gently

    @property
    def exit_code(self) -> int | None:
        """How the last process ended; a negative number is the signal that ended it."""
        return self._process.returncode if self._process else None

    async def start(self, command: Command | None = None) -> None:
        """Run it (again, with another command if one is given); it is not ready yet."""
        if self.running:
            return
        self._command = command or self._command
        self._expected_end = False
        self._died_alone.clear()
        with self.log.open("ab") as log:
            self._process = await self._supervisor.spawn(self._command, log)
        self._waiter = asyncio.create_task(self._await_end(self._process))

    async def wait_ready(self, seconds: float | None = None) -> None:
        """Return when it answers; raise `PartFailed` if it dies first or takes too long."""
        limit = self._command.ready_seconds if seconds is None else seconds
        deadline = time.monotonic() + limit
        while not await self._is_ready():
            if not self.running:
                raise PartFailed(
                    f"{self.name} ended with code {self.exit_code}. {self.last_words()}"
                )
            if time.monotonic() > deadline:
                raise PartFailed(f"{self.name} was not ready in {limit:g} s. {self.last_words()}")
            await asyncio.sleep(POLL_SECONDS)

    async def kill(self) -> None:
        """SIGKILL, as the out-of-memory killer would; returns when it is gone."""
        await self._end(signal.SIGKILL)

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """SIGTERM, and SIGKILL if that is not heeded; returns when it is gone."""
        await self.thaw()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._end(signal.SIGTERM)
        await self.kill()

    async def freeze(self) -> None:
        """SIGSTOP: it keeps its connections and locks but does nothing; returns when it stands."""
        self._signal(signal.SIGSTOP)
        if self.pid is not None:
            await _until_stopped(self.pid)

    async def thaw(self) -> None:
        """SIGCONT: it goes on where it stood."""
        self._signal(signal.SIGCONT)

    async def restart(self) -> None:
        """Kill it if it runs, start it anew on its data, and wait until it is ready."""
        await self.kill()
        await self.start()
        await self.wait_ready()

    async def wait_died_alone(self) -> None:
        """Return when it has ended without being asked to."""
        await self._died_alone.wait()

    def last_words(self) -> str:
        """The end of its log, for the person who has to find out why."""
        lines = (
            self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        )
        tail = "\n".join(lines[-LOG_TAIL_LINES:])
        return f"The end of {self.log}:\n{tail}" if tail else f"Its log {self.log} is empty."

    async def _is_ready(self) -> bool:
        return self.running and (self._command.ready is None or await self._command.ready())

    async def _end(self, number: signal.Signals) -> None:
        self._expected_end = True
        self._signal(number)
        if self._waiter is not None:
            await asyncio.shield(self._waiter)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def _await_end(self, process: asyncio.subprocess.Process) -> None:
        await process.wait()
        self._supervisor.forget(process.pid)
        if not self._expected_end:
            self._died_alone.set()


class Supervisor:
    """Starts parts, and sees to it that none outlives this process."""

    def __init__(self, log_directory: Path) -> None:
        """Logs go into the directory, one file per part."""
        self.parts: dict[str, Part] = {}
        self._log_directory = log_directory
        self._held: tuple[int, ...] = ()
        self._watchdog: asyncio.subprocess.Process | None = None
        self._watchdog_starts = asyncio.Lock()

    def hold(self, descriptors: Sequence[int]) -> None:
        """Keep these files open, and so locked, until the last part is dead."""
        self._held = tuple(descriptors)

    def add(self, name: str, command: Command) -> Part:
        """Describe a part; a part of the same name that has ended is replaced."""
        if name in self.parts and self.parts[name].running:
            raise ValueError(f"{name} runs already")
        self._log_directory.mkdir(parents=True, exist_ok=True)
        log = self._log_directory / f"{name.replace('/', '-')}.log"
        self.parts[name] = Part(name, command, log, self)
        return self.parts[name]

    async def spawn(self, command: Command, log: IO[bytes]) -> asyncio.subprocess.Process:
        """Start a process in a group of its own, known to the watchdog before it does anything."""
        async with self._watchdog_starts:
            await self._start_watchdog()
        process = await asyncio.create_subprocess_exec(
            *watchdog.HELD_BACK,
            *command.arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, **command.environment},
            start_new_session=True,
        )
        self._tell(f"+ {process.pid}")
        assert process.stdin is not None
        with contextlib.suppress(ConnectionError):
            process.stdin.write(b"go\n")
            await process.stdin.drain()
        process.stdin.close()
        return process

    def forget(self, pid: int) -> None:
        """Kill what is left of a group whose leader has ended, and tell the watchdog."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        self._tell(f"- {pid}")

    async def wait_failed(self) -> Part:
        """Return the first part that ends without being asked to."""
        tasks = {asyncio.create_task(part.wait_died_alone()): part for part in self.parts.values()}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return tasks[done.pop()]
        finally:
            for task in tasks:
                task.cancel()

    async def stop(self) -> None:
        """End everything, side by side; also under cancellation nothing is left behind."""
        try:
            await asyncio.gather(
                *(part.stop() if part.stops_gently else part.kill() for part in self.parts.values())
            )
        finally:
            await self._stop_watchdog()

    async def _start_watchdog(self) -> None:
        if self._watchdog is not None and self._watchdog.returncode is None:
            return
        self._watchdog = await asyncio.create_subprocess_exec(
            *watchdog.COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=self._held,
        )
        for part in self.parts.values():
            if part.pid is not None:
                self._tell(f"+ {part.pid}")

    async def _stop_watchdog(self) -> None:
        if self._watchdog is None or self._watchdog.stdin is None:
            return
        # It kills what is left when its pipe ends, which is the last guarantee here too.
        self._watchdog.stdin.close()
        await self._watchdog.wait()
        self._watchdog = None

    def _tell(self, line: str) -> None:
        if self._watchdog is not None and self._watchdog.stdin is not None:
            with contextlib.suppress(ConnectionError, RuntimeError):
                self._watchdog.stdin.write(f"{line}\n".encode())


async def _until_stopped(pid: int) -> None:
    standing = {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        # The system has no event for this, and it takes microseconds.
        while process.status() not in standing:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS / 4)
