"""What counts as gone: the object and all it owned, absent where that says something."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from activities.gone import Closing, ClusterReplaced, NotGone, check_same_cluster, remove_finalizer
from failover.domain.errors import FailoverError, Forbidden, NotFound, UnknownKind
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import Manifest, name_of, namespace_of, owner_uids_of, uid_of
from failover.fleet import Change, Cluster

ORDERS = ApplicationRef(group="apps", kind="Deployment", namespace="shop", name="orders")
HELD = "example.org/drain"


def thing(kind: str, name: str, owner: str = "", **more: Any) -> Manifest:
    """An object whose uid is its name in capitals."""
    owners = [{"uid": owner, "kind": "Owner", "name": "owner"}] if owner else []
    metadata = {"name": name, "namespace": "shop", "uid": name.upper(), "ownerReferences": owners}
    version = {"Deployment": "apps/v1", "ReplicaSet": "apps/v1"}.get(kind, "v1")
    metadata |= more.pop("metadata", {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def node(ready: str) -> Manifest:
    """The node on which the pod was."""
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": status}


ROOT = thing("Deployment", "orders")
DRAINING = thing(
    "Deployment",
    "orders",
    metadata={"finalizers": ["first", HELD], "deletionTimestamp": "2026-11-27T12:00:00Z"},
)
REPLICAS = thing("ReplicaSet", "orders-1", "ORDERS")
POD = thing("Pod", "orders-1-a", "ORDERS-1", spec={"nodeName": "n1"})
LATE = thing("Pod", "orders-1-b", "ORDERS-1")


class FakeCluster:
    """Holds objects, which a test takes away; some kinds cannot be asked for."""

    name = "east"

    def __init__(self, *objects: Manifest, node: Manifest | None = None) -> None:
        self.objects = list(objects)
        self.node = node
        self.refuses: dict[str, FailoverError] = {}
        self.patches: list[Sequence[Manifest]] = []

    async def uid(self) -> str:
        """The cluster's own."""
        return "this"

    def known(self, kind: GroupKind, namespace: str, owner: str) -> list[Manifest]:
        """What the shared watch has."""
        self._ask(kind)
        assert namespace == "shop"
        there = (each for each in self.objects if GroupKind.of(each) == kind)
        return [each for each in there if owner in owner_uids_of(each)]

    async def find(self, kind: GroupKind, namespace: str, name: str) -> Manifest | None:
        """The object as it is now."""
        self._ask(kind)
        wanted = (kind, namespace, name)
        return next((each for each in self.objects if _key(each) == wanted), None)

    async def get(self, kind: GroupKind, namespace: str, name: str) -> Manifest:
        """The node."""
        assert (kind.kind, namespace, name) == ("Node", "", "n1")
        if self.node is None:
            raise NotFound("no such node")
        return self.node

    async def patch(
        self, kind: GroupKind, namespace: str, name: str, operations: Sequence[Manifest]
    ) -> None:
        """Note it."""
        assert (kind, namespace, name) == _key(ROOT)
        self.patches.append(operations)

    @asynccontextmanager
    async def follow(
        self, _kind: GroupKind, _namespace: str, *, name: str
    ) -> AsyncGenerator[AsyncIterator[Change]]:
        """A watch that shows what was there, and then nothing: a level is what counts."""

        async def changes() -> AsyncIterator[Change]:
            for each in self.objects:
                if name_of(each) == name:
                    yield Change("Present", each)
            yield Change("Synced", {})
            await asyncio.Event().wait()

        yield changes()

    def _ask(self, kind: GroupKind) -> None:
        if (error := self.refuses.get(kind.kind)) is not None:
            raise error


def _key(manifest: Manifest) -> tuple[GroupKind, str, str]:
    return GroupKind.of(manifest), namespace_of(manifest), name_of(manifest)


async def closing(cluster: FakeCluster) -> Closing:
    """All that it owns is known, and on its way."""
    found = Closing(cast("Cluster", cluster), ORDERS, uid_of(ROOT), ())
    await found.learn()
    return found


async def test_gone_is_all_of_it() -> None:
    """The object and what it owned, at any depth; what has its name now is another one, and is told."""
    cluster = FakeCluster(ROOT, REPLICAS, POD, node=node("True"))
    async with await closing(cluster) as ending:
        assert ending.count == 2
        another = thing("Deployment", "orders", metadata={"uid": "ANOTHER"})
        cluster.objects = [another]
        assert await ending.wait(0) == another


@pytest.mark.parametrize(
    ("left", "told"),
    [
        pytest.param([ROOT, REPLICAS, POD], "Deployment/orders, Pod/orders-1-a on node n1, ReplicaSet/orders-1", id="all"),
        pytest.param([DRAINING], f"held by finalizers first, {HELD}", id="held by a finalizer"),
        pytest.param([POD], "Pod/orders-1-a on node n1", id="a pod that does not end"),
        pytest.param([LATE], "Pod/orders-1-b", id="a pod that was made since"),
    ],
)  # fmt: skip
async def test_what_is_left_is_named(left: list[Manifest], told: str) -> None:
    """Nothing that the closure has, or has got since, may be there."""
    cluster = FakeCluster(ROOT, REPLICAS, POD, node=node("True"))
    async with await closing(cluster) as ending:
        cluster.objects = left
        with pytest.raises(NotGone, match="not gone on east: ") as refused:
            await ending.wait(0)
    assert told in refused.value.message


@pytest.mark.parametrize("there", [None, node("False"), node("Unknown"), {"metadata": {}}])
async def test_a_pod_is_not_gone_with_its_node(there: Manifest | None) -> None:
    """Where its node is not Ready, or is gone itself, nobody can say that its processes have ended."""
    cluster = FakeCluster(ROOT, REPLICAS, POD, node=there)
    async with await closing(cluster) as ending:
        cluster.objects = []
        with pytest.raises(NotGone, match="node n1 on east is not Ready") as refused:
            await ending.wait(0)
    assert "Pod/orders-1-a" in refused.value.message


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        pytest.param("Deployment", Forbidden("no"), id="it may not be read"),
        pytest.param("Deployment", UnknownKind("no"), id="its kind is not served any more"),
        pytest.param("Pod", Forbidden("no"), id="what it owned may not be read"),
        pytest.param("Pod", UnknownKind("no"), id="a kind that it owned is not served any more"),
    ],
)
async def test_no_answer_is_not_gone(kind: str, error: FailoverError) -> None:
    """Whatever is not seen to be absent is an error."""
    cluster = FakeCluster(ROOT, REPLICAS, POD, node=node("True"))
    async with await closing(cluster) as ending:
        cluster.objects = []
        cluster.refuses[kind] = error
        with pytest.raises(type(error)):
            await ending.wait(0)


async def test_a_cluster_that_is_another_one_says_nothing() -> None:
    """By the uid of kube-system; a plan of an earlier release has seen none."""
    cluster = cast("Cluster", FakeCluster())
    await check_same_cluster(cluster, "this")
    await check_same_cluster(cluster, "")
    with pytest.raises(ClusterReplaced, match="--declare-gone"):
        await check_same_cluster(cluster, "that")


async def test_a_finalizer_comes_off_only_after_the_pods() -> None:
    """And exactly that one, of exactly that object."""
    cluster = FakeCluster(DRAINING, REPLICAS, POD)
    async with await closing(cluster) as ending:
        with pytest.raises(NotGone, match=f"{HELD} stays on.*Pod/orders-1-a"):
            await remove_finalizer(cast("Cluster", cluster), DRAINING, HELD, ending)
        assert not cluster.patches
        cluster.objects = [DRAINING]
        await remove_finalizer(cast("Cluster", cluster), DRAINING, "example.org/other", ending)
        await remove_finalizer(cast("Cluster", cluster), ROOT, HELD, ending)
        assert not cluster.patches
        await remove_finalizer(cast("Cluster", cluster), DRAINING, HELD, ending)
    ((uid, that, gone),) = cluster.patches
    assert uid == {"op": "test", "path": "/metadata/uid", "value": "ORDERS"}
    assert that == {"op": "test", "path": "/metadata/finalizers/1", "value": HELD}
    assert gone == {"op": "remove", "path": "/metadata/finalizers/1"}
