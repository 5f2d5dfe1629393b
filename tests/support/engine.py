"""The engine on the shared world: a worker in this process, a fleet, a client, a command line.

Tests keep apart by namespaces of their own (the fixture `namespace`). A step is blocked after three
seconds here, so that tests of blocked failovers are quick.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio
import yaml
from temporalio.client import Client

from activities.calling import Calling
from activities.seeing import health_now
from cli.main import run_command
from devstack.flink import FLINK, FlinkOperator
from devstack.world import World
from failover.domain.health import HealthStatus
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import Manifest, is_deleting
from failover.kube.fleet import KubeFleet, open_fleet
from failover.kube.fleetfile import load_fleet
from failover.receivers.reading import ReceiverFile
from failover.telemetry import Metrics
from failover.temporal import connect, ensure_search_attributes
from tests.support.rights import least_rights
from triggers.reading import Summary, summarize
from worker import at_work

T = TypeVar("T")

FLINK_DEPLOYMENT = GroupKind("flink.apache.org", "FlinkDeployment")
API_VERSION = "flink.apache.org/v1beta1"
ALIAS = "resourcebinding.karmada.io/failover-jobid"
BLOCKED_AFTER_SECONDS = 3
DEADLINE = timedelta(seconds=30)
NOBODY = """
apiVersion: stateful-failover.dev/v1alpha1
kind: Receivers
spec: {receivers: []}
"""
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Answered:
    """What one command has said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The answer of `-o json`."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        """The cells of a plain table, headings included."""
        return [
            [cell.strip() for cell in line.split("   ") if cell.strip()]
            for line in self.out.splitlines()
        ]


@dataclass
class Engine:
    """What tests of the whole need at hand."""

    world: World
    operator: FlinkOperator
    client: Client
    fleet: KubeFleet
    fleet_file: Path
    receivers_file: Path
    """Whom the worker calls: nobody, until a test writes it anew."""
    metrics: Metrics
    """Those of its worker."""
    _said: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def connected(self) -> Client:
        """The client, for what connects by itself."""
        return self.client

    def sample(self, name: str, **labels: str) -> float:
        """One of its worker's metrics; zero where nothing was counted yet."""
        return self.metrics.registry.get_sample_value(name, labels) or 0

    async def cli(self, *arguments: str, temporal_address: str = "") -> Answered:
        """Run `failover ARGUMENTS` in this process, one at a time; there is no terminal."""
        flags = self._flags(temporal_address or self.world.temporal_address)
        async with self._said:
            return await asyncio.to_thread(command, *arguments, *flags)

    def program(self, kubeconfig: Path | None = None) -> tuple[str, ...]:
        """`failover` with its flags, to run as a process of its own; with these credentials."""
        flags = self._flags(self.world.temporal_address, kubeconfig)
        return (sys.executable, "-m", "cli.main", *flags)

    def _flags(self, temporal_address: str, kubeconfig: Path | None = None) -> tuple[str, ...]:
        return (
            "--fleet", str(self.fleet_file),
            "--kubeconfig", str(kubeconfig or self.world.kubeconfig),
            "--temporal-address", temporal_address,
        )  # fmt: skip

    def flink(self, name: str, namespace: str) -> ApplicationRef:
        """The application of a FlinkDeployment."""
        kind = FLINK_DEPLOYMENT
        return ApplicationRef(group=kind.group, kind=kind.kind, namespace=namespace, name=name)

    async def apply_flink(self, name: str, namespace: str, cluster: str = "east") -> ApplicationRef:
        """A FlinkDeployment that runs well on a cluster."""
        await self.world.install(cluster, [flink_deployment(name, namespace)])
        application = self.flink(name, namespace)
        await self.healthy_on(cluster, application)
        return application

    async def apply_sick_flink(
        self, name: str, namespace: str, cluster: str = "east"
    ) -> ApplicationRef:
        """A FlinkDeployment whose JobManager has died."""
        application = await self.apply_flink(name, namespace, cluster)
        await self.operator.kill_job_manager(cluster, namespace, name)
        await self.wait_for(
            lambda: self._has_health(cluster, application, HealthStatus.UNHEALTHY),
            f"{application} is unhealthy on {cluster}",
        )
        return application

    async def healthy_on(self, cluster: str, application: ApplicationRef) -> Manifest:
        """The object, once it is healthy there."""
        await self.wait_for(
            lambda: self._has_health(cluster, application, HealthStatus.HEALTHY),
            f"{application} is healthy on {cluster}",
        )
        return await self.fleet.cluster(cluster).get(
            application.group_kind, application.namespace, application.name
        )

    async def find(self, cluster: str, application: ApplicationRef) -> Manifest | None:
        """The object there, if it is there."""
        return await self.fleet.cluster(cluster).find(
            application.group_kind, application.namespace, application.name
        )

    async def is_going(self, cluster: str, application: ApplicationRef) -> None:
        """Wait until its delete there is accepted."""

        async def level() -> bool:
            there = await self.find(cluster, application)
            return there is not None and is_deleting(there)

        await self.wait_for(level, f"{application} is being deleted on {cluster}")

    async def edit(self, cluster: str, application: ApplicationRef, patch: Manifest) -> None:
        """Merge something into a FlinkDeployment."""
        path = f"{FLINK}/namespaces/{application.namespace}/flinkdeployments/{application.name}"
        await self.world.api(cluster).merge(path, patch)

    async def in_phase(self, application: ApplicationRef, *phases: str) -> Summary:
        """The failover, once it stands in one of these phases, or has ended so."""

        async def reached() -> Summary | None:
            about = await summarize(self.client, application)
            return about if about.shown in phases else None

        return await self.wait_for(reached, f"the failover of {application} is {phases}")

    async def wait_for(
        self,
        level: Callable[[], Awaitable[T | None]],
        what: str,
        *,
        within: timedelta = DEADLINE,
    ) -> T:
        """Ask again and again until there is an answer; the deadline says what was waited for."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                while not (found := await level()):  # noqa: ASYNC110 - a level on a server
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            pytest.fail(f"not within {within.total_seconds():g} s: {what}")
        return found

    async def _has_health(
        self, cluster: str, application: ApplicationRef, status: HealthStatus
    ) -> bool | None:
        manifest = await self.find(cluster, application)
        if manifest is None:
            return None
        health = await health_now(self.fleet.cluster(cluster), manifest)
        return health.status is status


def command(*arguments: str) -> Answered:
    """Run `failover ARGUMENTS` in this thread."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_command(arguments)
    return Answered(code, out.getvalue(), err.getvalue())


def flink_deployment(name: str, namespace: str) -> Manifest:
    """A small FlinkDeployment."""
    return {
        "apiVersion": API_VERSION,
        "kind": FLINK_DEPLOYMENT.kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "image": "flink:1.20",
            "flinkVersion": "v1_20",
            "job": {"jarURI": "local:///job.jar", "parallelism": 1},
        },
    }


def failover_policy(
    name: str,
    namespace: str,
    *,
    clusters: tuple[str, ...] = ("east", "west"),
    toleration_seconds: int = 0,
    json_path: str = "{ .jobStatus.jobId }",
    **application: Any,
) -> Manifest:
    """A FailoverPolicy about one FlinkDeployment that carries the id of its job."""
    return {
        "apiVersion": "stateful-failover.dev/v1alpha1",
        "kind": "FailoverPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "resourceSelectors": [
                {
                    "apiVersion": API_VERSION,
                    "kind": FLINK_DEPLOYMENT.kind,
                    "namespace": namespace,
                    "name": name,
                }
            ],
            "placement": {"clusterAffinity": {"clusterNames": list(clusters)}},
            "failover": {
                "application": {
                    "purgeMode": "Directly",
                    "decisionConditions": {"tolerationSeconds": toleration_seconds},
                    "statePreservation": {
                        "rules": [{"aliasLabelName": ALIAS, "jsonPath": json_path}]
                    },
                    **application,
                }
            },
        },
    }


def write_policy(directory: Path, policy: Manifest) -> str:
    """The policy as a file; its path."""
    path = directory / f"{policy['metadata']['name']}.yaml"
    path.write_text(yaml.safe_dump(policy))
    return str(path)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine(
    world: World, flink: FlinkOperator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Engine]:
    """The engine on the shared world; its worker may do what `failover rbac` prints, and no more."""
    least = await least_rights(world, tmp_path_factory.mktemp("mover") / "kubeconfig")
    fleet_file = tmp_path_factory.mktemp("fleet") / "fleet.yaml"
    described = yaml.safe_load(world.fleet_file.read_text())
    fleet_file.write_text(
        yaml.safe_dump({**described, "blockedAfterSeconds": BLOCKED_AFTER_SECONDS})
    )
    client = await connect(address=world.temporal_address)
    await ensure_search_attributes(client)
    receivers_file = tmp_path_factory.mktemp("receivers") / "receivers.yaml"
    receivers_file.write_text(NOBODY)
    metrics = Metrics()
    async with (
        open_fleet(load_fleet(fleet_file, world.kubeconfig)) as fleet,
        open_fleet(load_fleet(fleet_file, least)) as allowed,
        at_work(client, allowed, metrics, Calling(ReceiverFile(receivers_file), metrics)),
    ):
        yield Engine(world, flink, client, fleet, fleet_file, receivers_file, metrics)
