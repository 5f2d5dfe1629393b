"""The stage of the failover sagas: a world, workers that can be killed, a witness, applications."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from temporalio.client import Client

from devstack.flink import FlinkOperator
from devstack.world import World
from failover.temporal import connect, ensure_search_attributes
from tests.support.application import Application
from tests.support.crew import Crew
from tests.support.faults import Faults
from tests.support.policies import CLUSTERS, NAMESPACE
from tests.support.recorder import Recorder, recording
from tests.support.relay import Relay, relay_to
from tests.support.rights import least_rights
from tests.support.workload import Manifest
from tests.support.world import temporary


@dataclass
class Saga:
    """Everything that a case needs."""

    world: World
    client: Client
    operator: FlinkOperator
    recorder: Recorder
    crew: Crew
    faults: Faults
    relays: Mapping[str, Relay]
    """The workers' way to each cluster."""
    _numbers: dict[str, int] = field(default_factory=dict[str, int])

    async def application(
        self, name: str, *, on: str = "east", metadata: Mapping[str, Any] | None = None,
        spec: Mapping[str, Any] | None = None, up: bool = True,
    ) -> Application:  # fmt: skip
        """A healthy application of this name, made unique; or one that does not come up."""
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        app = Application(self, f"{name}-{number}", on)
        await app.create(metadata or {}, spec or {}, up=up)
        return app

    async def ill_application(self, name: str, **options: Any) -> Application:
        """An application whose JobManager is dead."""
        app = await self.application(name, **options)
        await app.fall_ill()
        return app


def through(relays: Mapping[str, Relay], kubeconfig: Path, copy: Path) -> Path:
    """A copy of the kubeconfig that leads through the relays."""
    document = yaml.safe_load(kubeconfig.read_text())
    for entry in document["clusters"]:
        entry["cluster"]["server"] = relays[entry["name"]].address
    copy.write_text(yaml.safe_dump(document))
    return copy


@asynccontextmanager
async def staged(directory: Path, *, workers: int = 1) -> AsyncGenerator[Saga, None]:
    """A world with everything that a saga needs."""
    async with AsyncExitStack() as stack:
        world = World(directory / "world", clusters=CLUSTERS, ui=False, durable=False)
        await stack.enter_async_context(temporary(world))
        namespaces = [namespace_manifest(name) for name in (NAMESPACE, "failover-system")]
        await world.install_everywhere(namespaces)
        recorder = await stack.enter_async_context(recording(world))
        operator = await stack.enter_async_context(
            FlinkOperator({name: world.api(name) for name in world.clusters})
        )
        client = await connect(address=world.temporal_address)
        await ensure_search_attributes(client)
        faults = Faults(directory / "faults")
        relays = {
            name: await stack.enter_async_context(relay_to(world.api(name).server))
            for name in world.clusters
        }
        least = await least_rights(world, directory / "mover", namespaces=(NAMESPACE,))
        crew = Crew(world, faults, through(relays, least, directory / "kubeconfig"))
        stack.push_async_callback(crew.close)
        for _ in range(workers):
            await crew.hire()
        yield Saga(world, client, operator, recorder, crew, faults, relays)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def saga(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Saga]:
    """The stage that all scenarios share; whoever stops a part of it starts it again."""
    async with staged(tmp_path_factory.mktemp("saga")) as saga:
        yield saga


def namespace_manifest(name: str) -> Manifest:
    """A Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
