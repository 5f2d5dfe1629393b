"""Credentials that may do exactly what `failover rbac` prints, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from devstack.world import World
from failover.domain.rbac import KindInUse, RoleName, Subject, roles

FLINK = KindInUse("flink.apache.org", "flinkdeployments")
KINDS = (
    FLINK,
    KindInUse("apps", "deployments"),
    KindInUse("apps", "statefulsets"),
    KindInUse("batch", "jobs"),
    KindInUse("sparkoperator.k8s.io", "sparkapplications"),
)


async def least_rights(
    world: World, path: Path, *, role: RoleName = "mover", namespaces: Sequence[str] = ()
) -> Path:
    """A kubeconfig for every cluster of the world with the rights of this role alone."""
    user = f"failover-{role}"
    subject = Subject(kind="User", name=user)
    await world.install_everywhere(roles(KINDS, role, namespaces, subject=subject))
    return world.write_kubeconfig(path, user=user)
