"""Where a watcher takes its policies from, as `--policies` says it: `DIR`, or `cluster:CONTEXT`."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from failover.domain.errors import InvalidInput
from failover.domain.topology import ClusterFacts
from failover.kube.fleet import open_fleet
from failover.kube.fleetfile import FleetFile
from failover.kube.kubeconfig import kubeconfig_paths, read_kubeconfig
from triggers.conditions import Conditions
from triggers.objects import PolicyObjects
from triggers.policies import PolicyDirectory, PolicySource

CLUSTER = "cluster:"


def context_of(place: str) -> str | None:
    """The context that `cluster:CONTEXT` names; `None` for a directory."""
    if not place.startswith(CLUSTER):
        return None
    context = place.removeprefix(CLUSTER)
    if not context:
        raise InvalidInput(f"--policies {place} names no context; write one, as in cluster:east")
    return context


def called(place: str) -> str:
    """How the source is called in what it declares: the same from wherever it was named."""
    context = context_of(place)
    return f"cluster {context}" if context is not None else f"directory {Path(place).resolve()}"


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
    paths = kubeconfig_paths(kubeconfig, os.environ)
    read_kubeconfig(paths, os.environ).context(context)
    file = FleetFile("policies", (ClusterFacts(name=context),), paths)
    async with open_fleet(file) as fleet:
        yield PolicyObjects(fleet.cluster(context), Conditions() if telling else None)
