"""The fleet on real clusters. Each is connected to when it is first asked for something.

A cluster that is down, or whose context is broken, hinders nobody else: its own calls fail.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

from failover.domain.errors import UnknownCluster
from failover.domain.topology import ClusterFacts
from failover.fleet import Manifest
from failover.kube.cluster import KubeCluster
from failover.kube.configuration import Configurations
from failover.kube.connection import Connection
from failover.kube.fleetfile import FleetFile
from failover.kube.kubeconfig import read_kubeconfig
from failover.kube.lean import whole


class KubeFleet:
    """A named, closed set of clusters, reached with the contexts of a kubeconfig."""

    def __init__(
        self,
        file: FleetFile,
        environment: Mapping[str, str] = os.environ,
        *,
        keep: Callable[[Manifest], Manifest] = whole,
    ) -> None:
        """Prepare all clusters; nothing is opened. `keep` is what watches hold of each object."""
        self._file, self._environment = file, environment
        self._clusters = {
            facts.name: _cluster(file, facts, environment, keep) for facts in file.clusters
        }

    @property
    def name(self) -> str:
        """The fleet's name."""
        return self._file.name

    @property
    def facts(self) -> tuple[ClusterFacts, ...]:
        """What the fleet file says of each cluster."""
        return self._file.clusters

    @property
    def blocked_after(self) -> timedelta:
        """How long a step is tried before its failover waits for a person."""
        return self._file.blocked_after

    @property
    def runbook(self) -> str:
        """Where the operators' own runbook is, or empty."""
        return self._file.runbook

    @property
    def servers(self) -> dict[str, str]:
        """The addresses of the API servers, as the kubeconfig gives them."""
        contexts = read_kubeconfig(self._file.kubeconfig, self._environment)
        return {
            facts.name: contexts.context(facts.context or facts.name).server
            for facts in self._file.clusters
        }

    def cluster(self, name: str) -> KubeCluster:
        """One cluster by name."""
        if name in self._clusters:
            return self._clusters[name]
        known = ", ".join(self._clusters)
        raise UnknownCluster(f"the fleet {self.name} has no cluster {name!r}; it has: {known}")

    async def close(self) -> None:
        """End all watches and connections."""
        await asyncio.gather(*(cluster.close() for cluster in self._clusters.values()))


@asynccontextmanager
async def open_fleet(
    file: FleetFile, *, keep: Callable[[Manifest], Manifest] = whole
) -> AsyncGenerator[KubeFleet, None]:
    """The fleet of a file, closed at the end."""
    fleet = KubeFleet(file, keep=keep)
    try:
        yield fleet
    finally:
        await fleet.close()


def _cluster(
    file: FleetFile,
    facts: ClusterFacts,
    environment: Mapping[str, str],
    keep: Callable[[Manifest], Manifest],
) -> KubeCluster:
    configurations = Configurations(facts.context or facts.name, file.kubeconfig, environment)
    return KubeCluster(Connection(facts.name, configurations, file.limits(facts.name)), keep=keep)
