"""Where policies are taken from, as `--policies` says it: `DIR`, or `cluster:CONTEXT`.

What runs on follows a source (`open_source`); what acts once reads it once (`read_once`).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from failover.domain.policy.places import context_of
from failover.domain.topology import ClusterFacts
from failover.fleet import Cluster
from failover.kube.fleet import open_fleet
from failover.kube.fleetfile import FleetFile
from failover.kube.kubeconfig import kubeconfig_paths, read_kubeconfig
from triggers.conditions import Conditions
from triggers.objects import PolicyObjects
from triggers.policies import PolicyDirectory, PolicySet, PolicySource


def called(place: str) -> str:
    """How the source is called in what it declares: the same from wherever it was named.

    A link is not followed: that of a checkout leads elsewhere after each commit.
    """
    context = context_of(place)
    if context is not None:
        return f"cluster {context}"
    return f"directory {os.path.abspath(place)}"  # noqa: PTH100 - resolve() would follow links


@asynccontextmanager
async def open_source(
    place: str, kubeconfig: Path | str | None, *, telling: bool
) -> AsyncGenerator[PolicySource, None]:
    """The source, closed at the end. Raises `InvalidInput` for a context that is not there.

    `telling`: whether the conditions of our own kinds are written.
    """
    context = context_of(place)
    if context is None:
        yield PolicyDirectory(Path(place))
        return
    async with _cluster(context, kubeconfig) as cluster:
        yield PolicyObjects(cluster, Conditions() if telling else None)


async def read_once(place: str, kubeconfig: Path | str | None) -> PolicySet:
    """All that can be used there now; nothing is written.

    Raises `InvalidInput` for what is not there, and of a cluster what hides any kind of policy.
    """
    context = context_of(place)
    if context is None:
        return await asyncio.to_thread(PolicyDirectory(Path(place)).read)
    async with _cluster(context, kubeconfig) as cluster:
        return await PolicyObjects(cluster).read()


@asynccontextmanager
async def _cluster(context: str, kubeconfig: Path | str | None) -> AsyncGenerator[Cluster, None]:
    paths = kubeconfig_paths(kubeconfig, os.environ)
    read_kubeconfig(paths, os.environ).context(context)
    async with open_fleet(FleetFile("policies", (ClusterFacts(name=context),), paths)) as fleet:
        yield fleet.cluster(context)
