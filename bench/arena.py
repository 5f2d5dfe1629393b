"""Where it is measured: a durable local world, workers as child processes, and their processor time."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from bench.applications import SOURCE, TARGET
from bench.witness import Witness, witness
from devstack.processes import Command, Part
from devstack.world import World
from failover.temporal import TASK_QUEUE, connect

WORKER_READY_SECONDS = 60.0
POLL_SECONDS = 0.05
OPERATOR = "operator"


@dataclass
class Arena:
    """The world and everything that runs in it."""

    world: World
    client: Client
    witness: Witness
    _namespaces: int = field(default=0)

    async def start_worker(self, name: str = "worker") -> Part:
        """A worker of the product, with production settings; returns when it polls."""
        environment = {
            "TEMPORAL_ADDRESS": self.world.temporal_address,
            "FAILOVER_FLEET": str(self.world.fleet_file),
            "FAILOVER_KUBECONFIG": str(self.world.kubeconfig),
            "FAILOVER_LOG_LEVEL": "WARNING",
        }
        command = Command((sys.executable, "-m", "worker"), environment)
        part = await self.world.run(name, command)
        deadline = time.monotonic() + WORKER_READY_SECONDS
        while not await self._polls(part):
            if not part.running or time.monotonic() > deadline:
                raise RuntimeError(f"the worker does not poll. {part.last_words()}")
            await asyncio.sleep(POLL_SECONDS)
        return part

    async def start_operator(self, healthy_after_seconds: float) -> None:
        """The stand-in operator on the target; a new job takes so long until it runs."""
        if OPERATOR in self.world.parts:
            await self.world.part(OPERATOR).kill()
        arguments = (
            sys.executable,
            "-m",
            "bench.operator",
            str(self.world.kubeconfig),
            TARGET,
            str(healthy_after_seconds),
        )
        await self.world.run(OPERATOR, Command(arguments))

    async def new_namespace(self, word: str) -> str:
        """A namespace of its own on both clusters."""
        self._namespaces += 1
        name = f"{word}-{self._namespaces}"
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        await self.world.install_everywhere([manifest])
        return name

    def processor_seconds(self) -> dict[str, float]:
        """User and system time of every process so far, by part; this process is `bench`."""
        pids = {name: part.pid for name, part in self.world.parts.items()}
        return {name: _seconds(pid) for name, pid in {**pids, "bench": os.getpid()}.items() if pid}

    async def _polls(self, part: Part) -> bool:
        """Whether Temporal sees this very process polling for workflow and for activity tasks."""
        for kind in (
            TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        ):
            request = DescribeTaskQueueRequest(
                namespace=self.client.namespace,
                task_queue=TaskQueue(name=TASK_QUEUE),
                task_queue_type=kind,
            )
            answer = await self.client.workflow_service.describe_task_queue(request)
            if not any(each.identity.endswith(f":{part.pid}") for each in answer.pollers):
                return False
        return True


@asynccontextmanager
async def arena(directory: Path) -> AsyncGenerator[Arena, None]:
    """A fresh world, Temporal on its durable file, etcd without fsync; everything has ended after the block."""
    async with World(directory, clusters=(SOURCE, TARGET), durable=False, ui=False) as world:
        system = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "failover-system"}}
        await world.install_everywhere([system])
        client = await connect(address=world.temporal_address, identity="bench")
        async with witness(world.api(TARGET)) as seen:
            yield Arena(world, client, seen)


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What each process has used in between."""
    return {name: round(after[name] - before.get(name, 0.0), 2) for name in sorted(after)}


def peak_megabytes(part: Part) -> float:
    """The most memory that the process has had resident so far."""
    assert part.pid is not None, "asked of a running part only"
    status = Path(f"/proc/{part.pid}/status")
    if not status.exists():
        return psutil.Process(part.pid).memory_info().rss / 2**20
    line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system
