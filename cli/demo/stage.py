"""The stage of the demo: three clusters, Temporal, one Flink job under one policy, and who minds it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client

from cli.demo.witness import Copy, Witness
from cli.local import (
    await_worker,
    connect_to,
    environment_of,
    namespace,
    system_namespace,
    watcher_command,
    worker_command,
)
from devstack.api import Manifest
from devstack.flink import FLINK, FlinkOperator
from devstack.processes import Part
from devstack.world import CLUSTERS, World
from failover.domain.errors import DefiniteError, InvalidInput
from failover.domain.identity import ApplicationRef

EXAMPLE = Path(__file__).parents[2] / "examples" / "flink-failover-policy.yaml"
WRITTEN = "tolerationSeconds: 120"
TOLERATION_SECONDS = 10
FINALIZER = "flinkdeployments.flink.apache.org/finalizer"
RUNNING_SECONDS = 20.0

ORDERS = ApplicationRef(
    group="flink.apache.org", kind="FlinkDeployment", namespace="shop", name="orders"
)
_OBJECTS = f"{FLINK}/namespaces/{ORDERS.namespace}/flinkdeployments"


class DemoFailed(DefiniteError):
    """Something that the demo promises did not happen."""


@dataclass
class Stage:
    """Everything that the acts play with."""

    world: World
    client: Client
    operator: FlinkOperator
    witness: Witness
    policies: Path

    @property
    def worker(self) -> Part:
        """The worker's process."""
        return self.world.part("worker")

    async def start_worker(self) -> None:
        """Start it, or start it again; returns once it asks for work."""
        if "worker" in self.world.parts:
            await self.worker.start()
        else:
            await self.world.run("worker", worker_command(environment_of(self.world)))
        await await_worker(self.client, self.worker)

    async def start_watcher(self) -> None:
        """Start it; returns once it follows the clusters."""
        log = self.world.data_directory / "logs" / "watcher.log"
        environment = environment_of(self.world)
        await self.world.run("watcher", watcher_command(environment, self.policies, log))

    async def deploy(self, cluster: str) -> None:
        """Put the job on a cluster, as its owner would."""
        await self.world.install(cluster, [namespace(ORDERS.namespace), flink_job()])

    async def running(self) -> Copy:
        """The one copy, once its job runs and the alias label is off."""
        try:
            async with asyncio.timeout(RUNNING_SECONDS):
                return await self.witness.until(self._one_running)
        except TimeoutError:
            seen = ", ".join(each.cluster for each in self.witness.copies) or "no cluster"
            message = f"{ORDERS} does not run after {RUNNING_SECONDS:g} s (seen on {seen})"
            raise DemoFailed(message) from None

    def _one_running(self) -> Copy | None:
        found = [each for each in self.witness.copies if each.job and not each.is_labelled]
        return found[0] if len(found) == 1 and not found[0].is_deleting else None

    async def hold_purge(self, cluster: str) -> None:
        """Give the object the finalizer with which the real operator stops its job."""
        await self._finalize(cluster, [FINALIZER])

    async def let_go(self, cluster: str) -> None:
        """The operator has stopped the job: take the finalizer off."""
        await self._finalize(cluster, None)

    async def _finalize(self, cluster: str, finalizers: list[str] | None) -> None:
        patch = {"metadata": {"finalizers": finalizers}}
        await self.world.api(cluster).merge(f"{_OBJECTS}/{ORDERS.name}", patch)

    async def make_ill(self, cluster: str) -> None:
        """The JobManager dies, and nobody tells the FlinkDeployment."""
        await self.operator.kill_job_manager(cluster, ORDERS.namespace, ORDERS.name)


@asynccontextmanager
async def open_stage(directory: Path) -> AsyncGenerator[Stage, None]:
    """A world of its own, with everything on it; gone afterwards."""
    policies = write_policy(directory / "policies")
    async with World(directory / "world", clusters=CLUSTERS) as world:
        await world.install_everywhere([system_namespace()])
        apis = {name: world.api(name) for name in world.clusters}
        async with (
            FlinkOperator(apis) as operator,
            Witness(apis, ORDERS.namespace, ORDERS.name) as witness,
        ):
            client = await connect_to(world)
            yield Stage(world, client, operator, witness, policies)


def write_policy(directory: Path) -> Path:
    """The example as it stands, but for a toleration that nobody has to sit out."""
    try:
        text = EXAMPLE.read_text()
    except OSError as error:
        message = (
            f"{EXAMPLE}: cannot be read ({error.strerror}); the demo needs the project's examples"
        )
        raise InvalidInput(message) from error
    if WRITTEN not in text:
        raise InvalidInput(f"{EXAMPLE}: has no {WRITTEN!r} any more, which the demo shortens")
    directory.mkdir(parents=True, exist_ok=True)
    written = directory / EXAMPLE.name
    written.write_text(text.replace(WRITTEN, f"tolerationSeconds: {TOLERATION_SECONDS}"))
    return directory


def flink_job() -> Manifest:
    """A small Flink job, as its owner's file has it."""
    return {
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": ORDERS.name, "namespace": ORDERS.namespace},
        "spec": {
            "image": "flink:1.20",
            "flinkVersion": "v1_20",
            "flinkConfiguration": {"state.checkpoints.dir": "s3://shop/orders"},
            "jobManager": {"resource": {"memory": "1024m", "cpu": 1}},
            "taskManager": {"resource": {"memory": "1024m", "cpu": 1}},
            "job": {"jarURI": "local:///opt/flink/orders.jar", "parallelism": 2},
        },
    }
