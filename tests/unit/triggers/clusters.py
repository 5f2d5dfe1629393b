"""A fleet whose clusters say what a test tells them to."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, namespace_of
from failover.domain.topology import ClusterFacts
from failover.fleet import Change, Cluster, Fleet


class ScriptedCluster:
    """Gives each follower of a kind what is put there for it."""

    def __init__(self, name: str) -> None:
        """Nothing is to be seen yet."""
        self.name = name
        self.listed: tuple[Manifest, ...] = ()
        """What a list shows, beside what is followed."""
        self.lists = 0
        self._queues: dict[GroupKind, asyncio.Queue[Change]] = defaultdict(asyncio.Queue[Change])

    def give(self, kind: GroupKind, *manifests: Manifest) -> None:
        """These objects are there, and all of them are given."""
        for each in manifests:
            self.tell(kind, Change("Present", each))
        self.tell(kind, Change("Synced", {}))

    async def sift(
        self, kind: GroupKind, keep: Callable[[Manifest], Any], _namespace: str = ""
    ) -> Sequence[Any]:
        """What `keep` makes of each object of the kind."""
        self.lists += 1
        return [keep(each) for each in self.listed if GroupKind.of(each) == kind]

    async def list(self, kind: GroupKind, namespace: str = "") -> Sequence[Manifest]:
        """What is listed of a kind, in a namespace or in all."""
        found = await self.sift(kind, lambda each: each)
        return [each for each in found if namespace in {"", namespace_of(each)}]

    def tell(self, kind: GroupKind, change: Change) -> None:
        """One change."""
        self._queues[kind].put_nowait(change)

    @asynccontextmanager
    async def follow(
        self, kind: GroupKind, _namespace: str = ""
    ) -> AsyncGenerator[AsyncIterator[Change], None]:
        """Follow what is told of a kind."""

        async def changes() -> AsyncGenerator[Change, None]:
            while True:
                yield await self._queues[kind].get()

        yield changes()


class ScriptedFleet:
    """Scripted clusters by name."""

    name = "scripted"

    def __init__(self, *clusters: ScriptedCluster) -> None:
        """A fleet of these."""
        self._clusters = {each.name: each for each in clusters}
        self.facts = tuple(ClusterFacts(name=each) for each in self._clusters)

    def cluster(self, name: str) -> Cluster:
        """One by name."""
        return as_cluster(self._clusters[name])


def as_cluster(cluster: ScriptedCluster) -> Cluster:
    """A scripted cluster where one is asked for; it has of it only what a watcher uses."""
    return cast("Cluster", cluster)


def as_fleet(*clusters: ScriptedCluster) -> Fleet:
    """A fleet of scripted clusters."""
    return ScriptedFleet(*clusters)
