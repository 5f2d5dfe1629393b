"""The fleet under test, on the shared world, and one cluster of our own to disturb."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from devstack.manifests import KINDS, read_manifests
from devstack.world import World
from failover.kube.cluster import KubeCluster
from failover.kube.fleet import KubeFleet, open_fleet
from failover.kube.fleetfile import load_fleet


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fleet(world: World) -> AsyncIterator[KubeFleet]:
    """The fleet of the shared world, as its own file describes it."""
    async with open_fleet(load_fleet(world.fleet_file, world.kubeconfig)) as fleet:
        yield fleet


@pytest.fixture
def east(fleet: KubeFleet) -> KubeCluster:
    """One cluster of the shared world."""
    return fleet.cluster("east")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shaky(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world of one cluster, to stop, freeze and replace; each test leaves it running."""
    directory = tmp_path_factory.mktemp("shaky")
    async with World(directory, clusters=("lone",), durable=False) as world:
        await world.install_everywhere(read_manifests(KINDS))
        yield world
