"""Clusters under test with connections of their own: other users, other limits, other ways."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from failover.kube.cluster import KubeCluster
from failover.kube.configuration import Configurations
from failover.kube.connection import Connection, Limits
from failover.kube.watching import Patience

BRISK = Patience(silent_seconds=0.5, blind_seconds=1.0, back_off_seconds_max=0.5)
SHORT = Limits(connect_seconds=2.0, answer_seconds=2.0)


@asynccontextmanager
async def cluster_at(
    kubeconfig: Path, context: str, *, limits: Limits | None = None, patience: Patience = BRISK
) -> AsyncGenerator[KubeCluster, None]:
    """One context of a kubeconfig as a cluster."""
    configurations = Configurations(context, (kubeconfig,), {})
    cluster = KubeCluster(Connection(context, configurations, limits or Limits()), patience)
    try:
        yield cluster
    finally:
        await cluster.close()


def server_of(kubeconfig: Path, context: str) -> str:
    """The address that a kubeconfig has for a cluster."""
    clusters = {c["name"]: c["cluster"] for c in yaml.safe_load(kubeconfig.read_text())["clusters"]}
    return str(clusters[context]["server"])


def with_server(kubeconfig: Path, server: str, copy: Path) -> Path:
    """A copy of a kubeconfig whose clusters are all at another address."""
    return edited(kubeconfig, copy, cluster={"server": server})


def edited(
    kubeconfig: Path,
    copy: Path,
    *,
    cluster: dict[str, Any] | None = None,
    user: dict[str, Any] | None = None,
    only: str = "",
) -> Path:
    """A copy of a kubeconfig with stanzas changed: clusters are updated, users replaced."""
    document = yaml.safe_load(kubeconfig.read_text())
    for entry in document["clusters"]:
        if only in ("", entry["name"]):
            entry["cluster"].update(cluster or {})
    for entry in document["users"] if user is not None else ():
        entry["user"] = user
    temporary = copy.with_suffix(".new")
    temporary.write_text(yaml.safe_dump(document))
    temporary.replace(copy)
    return copy
