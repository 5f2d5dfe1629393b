"""Seeing something gone: the object, and everything it owned, absent in quorum reads.

What does not count as gone: an answer of 403, a kind that is not served, a cluster that does not
answer or is another cluster than before, and a pod whose node is not Ready, since nobody can say
whether its processes still run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from activities.departures import Departures
from activities.seeing import closure_of, find_application
from failover.domain.closure import OwnedRef, closure_kinds
from failover.domain.errors import DefiniteError, NotFound
from failover.domain.health.pods import POD
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import (
    Manifest,
    field,
    items,
    mapping,
    maps,
    namespace_of,
    text,
    uid_of,
)
from failover.fleet import Cluster

LOOK_AGAIN_SECONDS = 0.5
LOOK_AGAIN_SECONDS_MAX = 4.0
NODE = GroupKind("", "Node")
SHOWN_MAX = 8


class NotGone(DefiniteError):
    """The copy, or something it owned, is still there, or its end cannot be confirmed."""


class ClusterReplaced(DefiniteError):
    """The cluster behind the name is another one than when the plan was made."""


async def check_same_cluster(cluster: Cluster, uid: str) -> None:
    """Raise `ClusterReplaced` unless the cluster is the one that the plan saw."""
    now = await cluster.uid()
    if uid and now != uid:
        message = (
            f"{cluster.name} is another cluster than before (kube-system has uid {now}, not {uid}): an object that is "
            "absent there says nothing about the old one. If the old cluster is gone for good, skip with --declare-gone"
        )
        raise ClusterReplaced(message)


class Closing:
    """One object on its way out, with everything it owns. Watched from the block's begin to its end."""

    def __init__(
        self, cluster: Cluster, application: ApplicationRef, uid: str, known: Iterable[OwnedRef]
    ) -> None:
        self._cluster = cluster
        self._application = application
        self._uid = uid
        self._refs = {each.uid: each for each in known}
        self._kinds = closure_kinds(application.group_kind)
        self._departures = Departures(cluster)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._departures.__aexit__(kind, error, trace)

    @property
    def count(self) -> int:
        """How many owned objects are known."""
        return len(self._refs)

    def know(self, refs: Iterable[OwnedRef]) -> None:
        """Take what is known of it from elsewhere."""
        self._refs |= {each.uid: each for each in refs}

    async def learn(self) -> None:
        """Find what the object owns now, and begin to watch it go: before the delete, not after."""
        namespace = self._application.namespace
        self.know(await closure_of(self._cluster, namespace, self._uid, self._kinds))
        self._watch()

    async def wait(self, seconds: float) -> Manifest | None:
        """Return once all of it is confirmed gone, with what has its name now, if anything has.

        Raises `NotGone` after that many seconds.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        pause = LOOK_AGAIN_SECONDS
        while True:
            left = max(deadline - loop.time(), 0)
            if not await self._departures.wait(min(pause, left)):
                pause = min(2 * pause, LOOK_AGAIN_SECONDS_MAX)
            root, remaining = await self._still_there()
            if not remaining:
                break
            if loop.time() >= deadline:
                raise NotGone(await self._explain(remaining))
            self._watch()
            if self._departures.all_seen:
                await asyncio.sleep(LOOK_AGAIN_SECONDS)  # the watches have nothing more to tell
        await self._check_nodes()
        return root

    async def _still_there(self) -> tuple[Manifest | None, list[str]]:
        """What has the object's name, and what is not confirmed gone yet: the object first, late children last."""
        root, *owned = await asyncio.gather(
            find_application(self._cluster, self._application),
            *(
                self._cluster.find(each.group_kind, each.namespace, each.name)
                for each in self._refs.values()
            ),
        )
        found = [
            str(ref)
            for ref, there in zip(self._refs.values(), owned, strict=True)
            if there and uid_of(there) == ref.uid
        ]
        if root is not None and uid_of(root) == self._uid:
            found.insert(0, f"{self._application.kind}/{self._application.name}")
        return root, found or await self._late_children()

    async def _late_children(self) -> list[str]:
        """What came into being after the closure was taken: a controller may still have been at work."""
        owners = [self._uid, *(ref.uid for ref in self._refs.values() if ref.group_kind != POD)]
        found = await asyncio.gather(
            *(
                closure_of(self._cluster, self._application.namespace, owner, self._kinds)
                for owner in owners
            )
        )
        late: list[str] = []
        for ref in (ref for refs in found for ref in refs if ref.uid not in self._refs):
            there = await self._cluster.find(ref.group_kind, ref.namespace, ref.name)
            if there is not None and uid_of(there) == ref.uid:
                self._refs[ref.uid] = ref
                late.append(str(ref))
        return late

    def _watch(self) -> None:
        app = self._application
        self._departures.add(app.group_kind, app.namespace, app.name, self._uid)
        for ref in self._refs.values():
            self._departures.add(ref.group_kind, ref.namespace, ref.name, ref.uid)

    async def _check_nodes(self) -> None:
        nodes = sorted(
            {ref.node for ref in self._refs.values() if ref.group_kind == POD and ref.node}
        )
        for name in nodes:
            if not await self._is_ready(name):
                pods = [str(ref) for ref in self._refs.values() if ref.node == name]
                message = (
                    f"{', '.join(pods[:SHOWN_MAX])} is deleted, but node {name} on {self._cluster.name} is not Ready: nobody "
                    "can say whether its processes still run. When the node is back or certainly off: retry, or skip with "
                    "--declare-gone"
                )
                raise NotGone(message)

    async def _is_ready(self, name: str) -> bool:
        try:
            node = await self._cluster.get(NODE, "", name)
        except NotFound:
            return False
        conditions = maps(items(node, "status", "conditions"))
        return any(
            text(each, "type") == "Ready" and text(each, "status") == "True" for each in conditions
        )

    async def _explain(self, remaining: list[str]) -> str:
        root = await find_application(self._cluster, self._application)
        finalizers = (
            [str(each) for each in items(mapping(root, "metadata"), "finalizers")] if root else []
        )
        held = (
            f"; held by finalizers {', '.join(finalizers)}"
            if finalizers and uid_of(root or {}) == self._uid
            else ""
        )
        shown = ", ".join(remaining[:SHOWN_MAX]) + (
            f" and {len(remaining) - SHOWN_MAX} more" if len(remaining) > SHOWN_MAX else ""
        )
        return f"not gone on {self._cluster.name}: {shown}{held}"

    async def pods_left(self) -> list[str]:
        """Owned pods that are still there."""
        pods = [ref for ref in self._refs.values() if ref.group_kind == POD]
        found = await asyncio.gather(
            *(self._cluster.find(POD, ref.namespace, ref.name) for ref in pods)
        )
        return [
            str(ref)
            for ref, there in zip(pods, found, strict=True)
            if there and uid_of(there) == ref.uid
        ]


async def remove_finalizer(
    cluster: Cluster, manifest: Manifest, finalizer: str, closing: Closing
) -> None:
    """Take one named finalizer off, once no owned pod is left. Raises `NotGone` before that."""
    pods = await closing.pods_left()
    if pods:
        message = f"the finalizer {finalizer} stays on, since owned pods are still there: {', '.join(pods[:SHOWN_MAX])}"
        raise NotGone(message)
    finalizers = items(manifest, "metadata", "finalizers")
    if finalizer not in finalizers or field(manifest, "metadata", "deletionTimestamp") is None:
        return
    at = finalizers.index(finalizer)
    operations = [
        {"op": "test", "path": "/metadata/uid", "value": uid_of(manifest)},
        {"op": "test", "path": f"/metadata/finalizers/{at}", "value": finalizer},
        {"op": "remove", "path": f"/metadata/finalizers/{at}"},
    ]
    await cluster.patch(
        GroupKind.of(manifest),
        namespace_of(manifest),
        text(manifest, "metadata", "name"),
        operations,
    )
