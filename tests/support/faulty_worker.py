"""A worker as the real one, in a process of its own, that suffers the faults which a test plants.

Run by `python -m tests.support.faulty_worker`; it differs from `python -m worker` by an interceptor
around activities and a thin wrapper around the fleet, so that the product needs no hooks for tests.
Its wall clock may be off as well (`tests.support.skewed_clock`).

The process that is started only keeps one worker at work: a child, forked when all modules are
loaded, which takes seconds. When it dies or is stopped the next one is there at once.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.client import Interceptor as ClientInterceptor
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
)
from temporalio.worker import (
    Interceptor as WorkerInterceptor,
)

from failover.domain.identity import ApplicationRef
from failover.kube.fleet import open_fleet
from failover.kube.fleetfile import load_fleet
from failover.settings import Settings
from failover.telemetry import Metrics, set_up_logs
from failover.temporal import connect, ensure_search_attributes
from tests.support import skewed_clock
from tests.support.faults import VARIABLE, Fault, Faults
from worker import at_work, identity

HELD_SECONDS = 0.05
CALLS = frozenset(
    {"uid", "get", "find", "list", "create", "replace", "patch", "delete", "allowed", "resource"}
)


@dataclass
class Step:
    """The step that is being carried out, and how many calls to clusters it has made."""

    name: str
    application: str
    calls: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    frozen: list[Fault] = field(default_factory=list[Fault])
    """The faults by which this process was stopped in this step."""


held_locally: dict[tuple[str, str, str], Fault] = {}
"""By step, application and fault: a local activity is given up after two seconds, and goes on as an ordinary one."""

current: ContextVar[Step | None] = ContextVar("step", default=None)


def claim(faults: Faults, step: Step, what: str) -> Fault | None:
    """The fault, if it was armed and nobody else has been struck by it."""
    fault = faults.at(step.name, step.application, what)
    try:
        fault.armed.rename(fault.struck)
    except FileNotFoundError:
        return None
    fault.struck.write_text(str(os.getpid()))
    return fault


class Suffering(ClientInterceptor, WorkerInterceptor):
    """Puts faults around every activity."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - Temporal's name
        """Stand around the activity."""
        return _Around(next, self._faults)


class _Around(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, faults: Faults) -> None:
        super().__init__(inner)
        self._faults = faults

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - Temporal's name
        """Carry the activity out, with whatever is to befall it."""
        step = Step(activity.info().activity_type, application_of(input.args))
        token = current.set(step)
        try:
            return await self._suffer(step, input)
        finally:
            current.reset(token)
            for fault in step.frozen:
                fault.over.touch()

    async def _suffer(self, step: Step, work: ExecuteActivityInput) -> Any:
        await self._at(step, "before")
        if (held := self._holds(step, "hold")) is not None:
            await until_released(held)
        if claim(self._faults, step, "twice") is not None:
            await self.next.execute_activity(work)
        answer = await self.next.execute_activity(work)
        await self._at(step, "after")
        if (held := self._holds(step, "hold-after")) is not None:
            await until_released(held)
        return answer

    def _holds(self, step: Step, what: str) -> Fault | None:
        """The fault that holds this step; where it held a local activity that was given up, what goes on in its place."""
        fault, key = claim(self._faults, step, what), (step.name, step.application, what)
        if activity.info().is_local:
            if fault is not None:
                held_locally[key] = fault
            return fault
        given_up = held_locally.pop(key, None)
        return fault or (given_up if given_up is not None and given_up.struck.exists() else None)

    async def _at(self, step: Step, moment: str) -> None:
        if claim(self._faults, step, f"kill-{moment}") is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        if claim(self._faults, step, f"freeze-{moment}") is not None:
            step.frozen.append(self._faults.at(step.name, step.application, f"freeze-{moment}"))
            os.kill(os.getpid(), signal.SIGSTOP)


async def until_released(fault: Fault) -> None:
    """Wait, heartbeating, until the test takes the file away."""
    while fault.struck.exists():
        if not activity.info().is_local:
            activity.heartbeat()
        await asyncio.sleep(HELD_SECONDS)


def application_of(arguments: Any) -> str:
    """The name of the application that a step's one argument is about."""
    argument = arguments[0]
    if isinstance(argument, ApplicationRef):
        return argument.name
    for holder in (argument, getattr(argument, "claim", None), getattr(argument, "plan", None)):
        if (application := getattr(holder, "application", None)) is not None:
            return str(application.name)
    return ""


class SufferingFleet:
    """The fleet, with faults between the calls to its clusters."""

    def __init__(self, inner: Any, faults: Faults) -> None:
        self._inner, self._faults = inner, faults

    def cluster(self, name: str) -> Any:
        """One cluster, with faults between the calls to it."""
        return SufferingCluster(self._inner.cluster(name), name, self._faults)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class SufferingCluster:
    """One cluster; a fault strikes right before a call."""

    def __init__(self, inner: Any, cluster: str, faults: Faults) -> None:
        self._inner, self._cluster, self._faults = inner, cluster, faults

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._inner, name)
        if name not in CALLS or (step := current.get()) is None:
            return call

        async def suffering(*args: Any, **options: Any) -> Any:
            for place in (str(next(step.calls)), name, f"{name}:{self._cluster}"):
                await self._strike(step, place)
            return await call(*args, **options)

        return suffering

    async def _strike(self, step: Step, place: str) -> None:
        if claim(self._faults, step, f"kill@{place}") is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        if claim(self._faults, step, f"freeze@{place}") is not None:
            step.frozen.append(self._faults.at(step.name, step.application, f"freeze@{place}"))
            os.kill(os.getpid(), signal.SIGSTOP)
        if (held := claim(self._faults, step, f"hold@{place}")) is not None:
            await until_released(held)


async def main() -> None:
    """Work until killed."""
    settings = Settings()
    set_up_logs(as_json=True, level="INFO")
    faults = Faults(Path(os.environ[VARIABLE]))
    # Known by the process that was started, as tests know it.
    plain = await connect(identity=identity().replace(f":{os.getpid()}", f":{os.getppid()}"))
    await ensure_search_attributes(plain)
    config: dict[str, Any] = {**plain.config(), "interceptors": [Suffering(faults)]}
    client = Client(**config)
    async with open_fleet(load_fleet(settings.fleet, settings.kubeconfig or None)) as fleet:
        suffering: Any = SufferingFleet(fleet, faults)
        async with at_work(client, suffering, Metrics()):
            await asyncio.Event().wait()


def keep_one_at_work() -> None:
    """Fork a worker, and another one whenever that dies or stands still."""
    while True:
        worker = os.fork()
        if worker == 0:
            asyncio.run(main())
            return
        ended = 0
        while ended != worker:  # one that stood still and was thawed may end later
            ended, _ = os.waitpid(-1, os.WUNTRACED)


if __name__ == "__main__":
    skewed_clock.skew(int(os.environ.get(skewed_clock.VARIABLE, "0")))
    keep_one_at_work()
