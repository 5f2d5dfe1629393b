"""Protected applications: what they cost while nothing happens, and how soon it is seen when something does.

the herd (a process of simulated clusters) ◀── watcher ──▶ Temporal ◀── worker
"""

from __future__ import annotations

import asyncio
import re
import socket
import statistics
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import aiohttp
import psutil
import yaml
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from bench.applications import API_VERSION, GROUP, KIND
from bench.arena import Arena, spent
from bench.herd import NAMESPACE, name_of
from bench.witness import Witness
from devstack.processes import Command, Part
from devstack.world import World
from failover.domain.identity import ApplicationRef, application_id, failover_id
from failover.temporal import APPLICATION_WORKFLOW, SEARCH, connect

CLUSTERS = 10
LOOK_SECONDS = 0.05
READY_SECONDS = 300.0
DECLARED_SECONDS_EACH = 2.0
STARTED_SECONDS = 30.0
GOOD_AFTER_SECONDS = 60
"""What is seen first has proved good by then, is looked at again, and kept on two clusters."""
SAMPLE = 20
QUIET_CORE = 0.05
"""The processes count as idle once they use less than this much of a core over some seconds."""
PROTECTED = f"WorkflowType = '{APPLICATION_WORKFLOW}' AND ExecutionStatus = 'Running'"
HERD, WATCHER, WORKER = "herd", "watcher", "worker"

POLICY = {
    "apiVersion": "stateful-failover.dev/v1alpha1",
    "kind": "FailoverPolicy",
    "metadata": {"name": "bench", "namespace": NAMESPACE},
    "spec": {
        "resourceSelectors": [{"apiVersion": API_VERSION, "kind": KIND}],
        "failover": {
            "application": {
                "mode": "Automatic",
                "purgeMode": "Directly",
                # No plan is made while a failover that is seen to start is ended again.
                "decisionConditions": {"tolerationSeconds": 3600},
                "statePreservation": {
                    "rules": [
                        {
                            "aliasLabelName": "resourcebinding.karmada.io/failover-jobid",
                            "jsonPath": "{ .jobStatus.jobId }",
                        }
                    ]
                },
            }
        },
    },
}


@dataclass(frozen=True)
class Detected:
    """From an unhealthy status to the start of its failover, by Temporal's clock."""

    applications: int
    count: int
    p50: float
    p99: float
    most: float
    seconds: list[float] = field(default_factory=list[float])


@dataclass(frozen=True)
class Idle:
    """What so many protected applications cost while nothing happens."""

    applications: int
    clusters: int
    declared_seconds: float
    """From the start of the watcher until all are protected and known to be well."""
    declared_processor_seconds: dict[str, float]
    """Meanwhile, by process."""
    settled_processor_seconds: dict[str, float]
    """Until nothing was done any more: states that prove good are looked at and kept."""
    requests: int
    """To all clusters, until nothing was done any more."""
    events_each: float
    """The length of a history by then."""
    settled_seconds: float
    """Until nothing is done any more."""
    measured_seconds: float
    megabytes: dict[str, float]
    """Proportional set size, by process."""
    core: dict[str, float]
    """Parts of a core, by process."""


@dataclass(frozen=True)
class Storm:
    """Changes that are no transitions."""

    applications: int
    changes: int
    seconds: float
    events_added: int
    """To the histories of all protections; none is right."""
    failovers: int
    core: dict[str, float]


@dataclass(frozen=True)
class Cold:
    """From the watcher's start until it knows all protections and sees all clusters."""

    applications: int
    seconds: float
    processor_seconds: float


@dataclass
class Pasture:
    """The herd, and the product that protects it."""

    arena: Arena
    applications: int
    policies: Path
    metrics_port: int
    session: aiohttp.ClientSession
    herd_address: str = ""

    @property
    def client(self) -> Client:
        """Temporal's."""
        return self.arena.client

    async def start_watcher(self) -> Part:
        """The product's watcher, with production settings."""
        world = self.arena.world
        environment = {
            "TEMPORAL_ADDRESS": world.temporal_address,
            "FAILOVER_FLEET": str(world.fleet_file),
            "FAILOVER_KUBECONFIG": str(world.kubeconfig),
            "FAILOVER_LOG_LEVEL": "WARNING",
            "FAILOVER_METRICS_PORT": str(self.metrics_port),
        }
        code = "from cli.main import main; main()"
        arguments = (sys.executable, "-c", code, "watch", "--policies", str(self.policies))
        return await self.arena.world.run(WATCHER, Command(arguments, environment))

    async def until_in_step(self) -> None:
        """Return once the watcher sees all clusters and knows all protections."""
        async with asyncio.timeout(READY_SECONDS + DECLARED_SECONDS_EACH * self.applications):
            while not await self._is_in_step():  # noqa: ASYNC110 - of another process
                await asyncio.sleep(LOOK_SECONDS)

    async def until_known(self) -> None:
        """Return once each protection has been looked at, and its application is known to be well."""
        async with asyncio.timeout(READY_SECONDS + DECLARED_SECONDS_EACH * self.applications):
            while await self._known() < self.applications:  # noqa: ASYNC110 - on a server
                await asyncio.sleep(2)

    async def until_quiet(self) -> None:
        """Return once nothing is done any more."""
        async with asyncio.timeout(READY_SECONDS):
            while True:
                before = self.arena.processor_seconds()
                await asyncio.sleep(5)
                used = spent(before, self.arena.processor_seconds())
                if all(used[name] / 5 < QUIET_CORE for name in (WATCHER, WORKER)):
                    return

    async def post(self, path: str) -> dict[str, float]:
        """Have the herd do something."""
        async with self.session.post(f"{self.herd_address}/bench/{path}") as response:
            response.raise_for_status()
            answer: dict[str, float] = await response.json()
            return answer

    async def get(self, path: str) -> dict[str, float]:
        """Ask the herd how far it is."""
        async with self.session.get(f"{self.herd_address}/bench/{path}") as response:
            answer: dict[str, float] = await response.json()
            return answer

    async def _is_in_step(self) -> bool:
        address = f"http://127.0.0.1:{self.metrics_port}/metrics"
        try:
            async with self.session.get(address) as response:
                text = await response.text()
        except aiohttp.ClientError:
            return False
        stale = re.findall(r"^failover_watch_stale\{.*\} (\S+)$", text, re.MULTILINE)
        known = re.findall(r"^failover_protections (\S+)$", text, re.MULTILINE)
        wanted = 2 * CLUSTERS  # the applications, and what they own
        return len(stale) == wanted and not any(map(float, stale)) and (
            bool(known) and float(known[0]) == self.applications
        )  # fmt: skip

    async def _known(self) -> int:
        """By a search attribute that the first look writes: to list them all would be in the way of what is measured."""
        return (
            await self.client.count_workflows(f"{PROTECTED} AND {SEARCH.reason.name} IS NOT NULL")
        ).count


@asynccontextmanager
async def pasture(directory: Path, applications: int) -> AsyncGenerator[Pasture, None]:
    """Temporal, the herd and a worker; the watcher is not there yet. All has ended after the block."""
    async with World(directory / str(applications), clusters=(), durable=False, ui=False) as world:
        client = await connect(address=world.temporal_address, identity="bench")
        world.kubeconfig.unlink(missing_ok=True)
        arguments = (
            sys.executable, "-m", "bench.herd",
            str(world.kubeconfig), str(CLUSTERS), str(applications),
        )  # fmt: skip

        async def serves() -> bool:
            return world.kubeconfig.exists()

        await world.run(HERD, Command(arguments, ready=serves))
        contexts = yaml.safe_load(world.kubeconfig.read_text())
        names = [each["name"] for each in contexts["contexts"]]
        fleet = {"name": "bench", "clusters": [{"name": name} for name in names]}
        world.fleet_file.write_text(yaml.safe_dump(fleet))
        policies = directory / f"policies-{applications}"
        policies.mkdir()
        (policies / "bench.yaml").write_text(yaml.safe_dump(POLICY))
        arena = Arena(world, client, Witness())
        await arena.start_worker()
        async with aiohttp.ClientSession() as session:
            address = contexts["clusters"][0]["cluster"]["server"]
            port = _free_port()
            yield Pasture(arena, applications, policies, port, session, address)


async def idle(ground: Pasture, seconds: float) -> Idle:
    """Protect them all, wait until nothing is done any more, and measure."""
    begin, at_first = time.monotonic(), ground.arena.processor_seconds()
    await ground.start_watcher()
    await ground.until_in_step()
    await ground.until_known()
    declared, then = time.monotonic() - begin, ground.arena.processor_seconds()
    await asyncio.sleep(GOOD_AFTER_SECONDS)
    await ground.until_quiet()
    settled, by_then = time.monotonic() - begin, ground.arena.processor_seconds()
    requests = int((await ground.get("requests"))["requests"])
    events = await _events(ground, sample=SAMPLE)
    before, at = ground.arena.processor_seconds(), time.monotonic()
    await asyncio.sleep(seconds)
    used, passed = spent(before, ground.arena.processor_seconds()), time.monotonic() - at
    return Idle(
        applications=ground.applications,
        clusters=CLUSTERS,
        declared_seconds=round(declared, 1),
        declared_processor_seconds=spent(at_first, then),
        settled_seconds=round(settled, 1),
        settled_processor_seconds=spent(at_first, by_then),
        requests=requests,
        events_each=round(events / min(SAMPLE, ground.applications), 1),
        measured_seconds=round(passed, 1),
        megabytes={name: _megabytes(part) for name, part in ground.arena.world.parts.items()},
        core=_core(used, passed),
    )


async def detect(ground: Pasture, count: int) -> Detected:
    """One application after the other becomes ill, and well again once its failover has begun."""
    late: list[float] = []
    step = max(ground.applications // count, 1)
    for number in range(0, min(count * step, ground.applications), step):
        at = (await ground.post(f"state/{number}/RESTARTING"))["at"]
        late.append((await _started(ground.client, number)).timestamp() - at)
        await ground.post(f"state/{number}/RUNNING")
        # Not in step with anything that is done at even intervals.
        await asyncio.sleep(0.1 + (number * 0.037) % 0.3)
    late.sort()
    return Detected(
        applications=ground.applications,
        count=len(late),
        p50=statistics.median(late),
        p99=late[min(round(0.99 * len(late)), len(late) - 1)],
        most=late[-1],
        seconds=[round(each, 4) for each in late],
    )


async def storm(ground: Pasture, rate: int, seconds: int) -> Storm:
    """So many changes of status a second, none of which says anything new."""
    await ground.until_quiet()
    events = await _events(ground)
    before, at = ground.arena.processor_seconds(), time.monotonic()
    await ground.post(f"storm/{rate}/{seconds}")
    while not (so_far := await ground.get("storm"))["over"]:  # noqa: ASYNC110 - of another process
        await asyncio.sleep(1)
    used, passed = spent(before, ground.arena.processor_seconds()), time.monotonic() - at
    await ground.until_quiet()
    running = "WorkflowType = 'Failover' AND ExecutionStatus = 'Running'"
    return Storm(
        applications=ground.applications,
        changes=int(so_far["changes"]),
        seconds=round(passed, 1),
        events_added=await _events(ground) - events,
        failovers=(await ground.client.count_workflows(running)).count,
        core=_core(used, passed),
    )


async def cold(ground: Pasture) -> Cold:
    """Kill the watcher, and start it again."""
    await ground.arena.world.part(WATCHER).kill()
    begin = time.monotonic()
    await ground.start_watcher()
    await ground.until_in_step()
    seconds = time.monotonic() - begin
    return Cold(
        applications=ground.applications,
        seconds=round(seconds, 2),
        processor_seconds=round(ground.arena.processor_seconds()[WATCHER], 2),
    )


async def _started(client: Client, number: int) -> datetime:
    handle = client.get_workflow_handle(failover_id(application(number)))
    async with asyncio.timeout(STARTED_SECONDS):
        while True:
            try:
                return (await handle.describe()).start_time
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            await asyncio.sleep(LOOK_SECONDS)


async def _events(ground: Pasture, sample: int = 0) -> int:
    """The length of all histories of protections, or of some: whatever wakes one makes its history longer."""
    bound = asyncio.Semaphore(16)

    async def length(number: int) -> int:
        async with bound:
            handle = ground.client.get_workflow_handle(application_id(application(number)))
            return (await handle.describe()).history_length

    count = min(sample or ground.applications, ground.applications)
    return sum(await asyncio.gather(*(length(each) for each in range(count))))


def application(number: int) -> ApplicationRef:
    """One of the herd."""
    return ApplicationRef(group=GROUP, kind=KIND, namespace=NAMESPACE, name=name_of(number))


def _megabytes(part: Part) -> float:
    if part.pid is None:
        return 0.0
    return round(psutil.Process(part.pid).memory_full_info().pss / 2**20, 1)


def _core(used: dict[str, float], seconds: float) -> dict[str, float]:
    return {name: round(each / seconds, 4) for name, each in used.items()}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
