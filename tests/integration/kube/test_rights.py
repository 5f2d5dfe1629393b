"""The printed roles, on a real API server: what each lets through."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.world import World
from failover.domain.errors import Forbidden
from failover.domain.identity import GroupKind
from failover.domain.rbac import KindInUse, RoleName, Subject, roles
from tests.integration.kube.connecting import cluster_at
from tests.integration.kube.objects import (
    CONFIG_MAP,
    DEPLOYMENT,
    FLINK,
    NAMESPACE,
    SECRET,
    flink_deployment,
)

KINDS = [KindInUse("flink.apache.org", "flinkdeployments")]
EVENT, POD, NODE = GroupKind("", "Event"), GroupKind("", "Pod"), GroupKind("", "Node")


@pytest.mark.parametrize("bounded", [False, True], ids=["everywhere", "in one namespace"])
@pytest.mark.parametrize("role", ["watcher", "mover"])
async def test_role_lets_through_what_it_says(
    world: World, namespace: str, tmp_path: Path, role: RoleName, *, bounded: bool
) -> None:
    """A mover moves, a watcher watches, and neither reaches further than it was bound."""
    user = f"{role}-of-{namespace}"
    places = [namespace] if bounded else []
    manifests = roles(KINDS, role, places, subject=Subject("User", user))
    for one in manifests:
        # Each case has roles of its own, or the cases would lend each other their rights.
        if one["kind"] != "Namespace":
            one["metadata"]["name"] += f"-{namespace}"
        if "roleRef" in one:
            one["roleRef"]["name"] += f"-{namespace}"
    await world.install("east", manifests)
    moves = role == "mover"
    kubeconfig = world.write_kubeconfig(tmp_path / "kubeconfig", user=user)
    async with cluster_at(kubeconfig, "east") as east:
        assert await east.uid()
        expected = {
            (FLINK, "watch", namespace): True,
            (FLINK, "delete", namespace): moves,
            (FLINK, "list", "elsewhere"): not bounded,
            (DEPLOYMENT, "list", namespace): True,
            (DEPLOYMENT, "delete", namespace): False,
            (POD, "watch", namespace): True,
            (SECRET, "get", namespace): True,
            (SECRET, "list", namespace): False,
            (SECRET, "get", "elsewhere"): not bounded,
            (CONFIG_MAP, "create", namespace): moves,
            (EVENT, "create", namespace): moves,
            (SECRET, "get", "failover-system"): True,
            (SECRET, "update", "failover-system"): moves,
            (NAMESPACE, "create", ""): moves,
            (NAMESPACE, "delete", ""): False,
            (NODE, "get", ""): True,
        }
        found = {key: await east.allowed(*key) for key in expected}
        assert found == expected
        if moves:
            await east.create(flink_deployment(namespace, "orders"))
        else:
            with pytest.raises(Forbidden):
                await east.create(flink_deployment(namespace, "orders"))
