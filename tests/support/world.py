"""Real servers for tests: one world that all share, and others for tests that break things.

- `world`: three clusters and Temporal, started once for the whole run.
  Tests keep apart by namespaces of their own (`namespace`), and leave the parts alone.
- `fresh_world`: starts worlds of a test's own, to kill, freeze and destroy at will.
- `flink`: the stand-in for Flink's operator on the shared world, on all its clusters.

Logs stay in pytest's temporary directory; what the servers stored is removed with the world.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio
from temporalio.service import RPCError

from devstack.flink import FlinkOperator
from devstack.programs import CONTROLLERS
from devstack.world import CLUSTERS, World
from failover.temporal import connect
from triggers.protecting import list_protections


class FreshWorld(Protocol):
    """Starts a world that ends with the test."""

    async def __call__(
        self,
        *,
        clusters: Sequence[str] = ...,
        controllers: Sequence[str] = ...,
        nodes: int = ...,
        ui: bool = ...,
    ) -> World:
        """The world, once all of it answers."""
        ...


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Three clusters and Temporal, shared by all tests of a run."""
    directory = tmp_path_factory.mktemp("world")
    async with temporary(World(directory, clusters=CLUSTERS, durable=False)) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def fresh_world(tmp_path: Path) -> AsyncIterator[FreshWorld]:
    """Start worlds of the test's own; they end with it."""
    async with AsyncExitStack() as stack:

        async def start(
            *,
            clusters: Sequence[str] = ("east", "west"),
            controllers: Sequence[str] = CONTROLLERS,
            nodes: int = 0,
            ui: bool = False,
        ) -> World:
            world = World(
                tmp_path / f"world-{uuid.uuid4().hex[:6]}",
                clusters=clusters,
                controllers=controllers,
                nodes=nodes,
                ui=ui,
                durable=False,
            )
            return await stack.enter_async_context(temporary(world))

        yield start


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def flink(world: World) -> AsyncIterator[FlinkOperator]:
    """Flink's operator, or what a failover sees of it, on all clusters of the shared world."""
    async with FlinkOperator({name: world.api(name) for name in world.clusters}) as operator:
        yield operator


@pytest_asyncio.fixture(loop_scope="session")
async def namespace(world: World) -> AsyncIterator[str]:
    """A namespace of the test's own on every cluster of the shared world, and with it what is protected there."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await world.install_everywhere([manifest])
    yield name
    await _end_protections(world, name)
    for cluster in world.clusters:
        await world.api(cluster).delete(f"/api/v1/namespaces/{name}")


async def _end_protections(world: World, namespace: str) -> None:
    """Watchers and sweeps look at what is protected wherever it is: what a test leaves would be in the way of others."""
    client = await connect(address=world.temporal_address)
    for each in await list_protections(client, namespace=namespace):
        with suppress(RPCError):  # it has just ended by itself
            await client.get_workflow_handle(each.id).terminate("its test is over")


@asynccontextmanager
async def temporary(world: World) -> AsyncGenerator[World, None]:
    """A world whose databases, some 200 MB, go with it."""
    try:
        async with world:
            yield world
    finally:
        shutil.rmtree(world.data_directory / "etcd", ignore_errors=True)
