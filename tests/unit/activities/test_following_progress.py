"""Waiting for a copy to be healthy: what ends the wait, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from activities import observing
from activities.observing import next_difference, not_healthy_yet
from failover.domain.errors import ClusterUnreachable
from failover.domain.health import Health, HealthStatus
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import Manifest
from failover.domain.steps import Look, Observation
from failover.fleet import Change, Cluster

DB = ApplicationRef(group="example.org", kind="Database", namespace="shop", name="db")
LONG, SOON = 3600.0, 0.2


class FakeCluster:
    """Shows one object to those who follow it and to those who read it."""

    def __init__(self) -> None:
        self.name = "west"
        self.there: Manifest | None = None
        self.reads = 0
        self.refuses = 0
        """So many reads fail before one is answered."""
        self._changes: asyncio.Queue[Change] = asyncio.Queue()

    def show(self, ready: int, condition: str = "False") -> None:
        """So many are ready now."""
        self.there = {
            "apiVersion": "example.org/v1",
            "kind": "Database",
            "metadata": {"name": "db", "namespace": "shop", "uid": "u"},
            "status": {
                "readyReplicas": ready,
                "conditions": [{"type": "Ready", "status": condition, "reason": "Starting"}],
            },
        }
        self._changes.put_nowait(Change("Present", self.there))
        self._changes.put_nowait(Change("Synced", {}))

    @property
    def drained(self) -> bool:
        """Whether all that was shown was taken up."""
        return self._changes.empty()

    @asynccontextmanager
    async def follow(
        self, kind: GroupKind, namespace: str = "", *, name: str = "", owner_uid: str = ""
    ) -> AsyncGenerator[AsyncIterator[Change], None]:
        """All that is shown."""
        del kind, namespace, name, owner_uid

        async def changes() -> AsyncGenerator[Change, None]:
            while True:
                yield await self._changes.get()

        yield changes()

    async def find(self, kind: GroupKind, namespace: str, name: str) -> Manifest | None:
        """The object; there is no record."""
        del namespace, name
        if kind != DB.group_kind:
            return None
        self.reads += 1
        if self.reads <= self.refuses:
            raise ClusterUnreachable("no connection")
        return self.there

    async def list(self, *_: Any, **__: Any) -> Sequence[Mapping[str, Any]]:
        """Nothing is owned."""
        return ()


async def first(cluster: FakeCluster) -> Observation:
    """What is seen first."""
    return await next_difference(
        cast("Cluster", cluster), Look(application=DB, cluster="west", uid="u")
    )


def waiting(cluster: FakeCluster, seen: Observation, after: float) -> asyncio.Task[Observation]:
    """The wait that follows."""
    look = Look(
        application=DB,
        cluster="west",
        uid="u",
        last=seen,
        reached=seen.health.progress,
        progress_after_seconds=after,
    )
    return asyncio.create_task(next_difference(cast("Cluster", cluster), look))


async def settled(cluster: FakeCluster) -> None:
    """Until all that was shown was looked at."""
    for _ in range(10_000):
        await asyncio.sleep(0)
        if cluster.drained:
            break
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_thousand_increments_are_told_once() -> None:
    """Not before its time, and then the last of them, though nothing changes any more."""
    cluster = FakeCluster()
    cluster.show(0)
    seen = await first(cluster)
    began, reads = asyncio.get_running_loop().time(), cluster.reads
    wait = waiting(cluster, seen, SOON)
    for ready in range(1, 1001):
        cluster.show(ready)
    told = await asyncio.wait_for(wait, 10)
    assert told.health.progress == 1000
    assert asyncio.get_running_loop().time() - began >= SOON
    assert cluster.reads == reads + 1


async def test_what_got_further_once_is_told_when_it_is_time() -> None:
    """Nothing needs to change any more."""
    cluster = FakeCluster()
    cluster.show(0)
    wait = waiting(cluster, await first(cluster), SOON)
    cluster.show(1)
    assert (await asyncio.wait_for(wait, 5)).health.progress == 1


@pytest.mark.parametrize("after", [0.0, LONG])
async def test_what_differs_is_told_at_once_and_progress_alone_is_not(after: float) -> None:
    """While tolerating (0) counting up wakes nobody, ever."""
    cluster = FakeCluster()
    cluster.show(0)
    wait = waiting(cluster, await first(cluster), after)
    cluster.show(5)
    await settled(cluster)
    assert not wait.done()
    cluster.show(10, "True")
    told = await asyncio.wait_for(wait, 10)
    assert told.health.status is HealthStatus.HEALTHY


async def test_what_falls_back_and_comes_as_far_again_is_not_told() -> None:
    """It is compared with the most that was known."""
    cluster = FakeCluster()
    cluster.show(5)
    seen = await first(cluster)
    assert seen.health.progress == 5
    wait = waiting(cluster, seen, 1e-6)
    for ready in (3, 5, 4, 5):
        cluster.show(ready)
    await settled(cluster)
    assert not wait.done()
    cluster.show(6)
    assert (await asyncio.wait_for(wait, 10)).health.progress == 6


async def test_only_what_ends_the_wait_is_read_from_a_quorum() -> None:
    """A copy on its way is told as the watch has it; that it is healthy, or gone, is read again."""
    cluster = FakeCluster()
    cluster.show(0)
    look = Look(application=DB, cluster="west", uid="u")
    seen = await next_difference(cast("Cluster", cluster), look, unconfirmed=not_healthy_yet)
    assert seen.health.status is HealthStatus.UNHEALTHY
    assert cluster.reads == 0
    cluster.show(1, "True")
    seen = await next_difference(cast("Cluster", cluster), look, unconfirmed=not_healthy_yet)
    assert seen.health.status is HealthStatus.HEALTHY
    assert cluster.reads == 1
    replaced = look.model_copy(update={"uid": "another"})
    cluster.show(0)
    seen = await next_difference(cast("Cluster", cluster), replaced, unconfirmed=not_healthy_yet)
    assert seen.replaced
    assert cluster.reads == 2


async def test_what_could_not_be_confirmed_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch is back before the cluster answers, and nothing changes after that: it is told all the same."""
    monkeypatch.setattr(observing, "CONFIRM_AGAIN_SECONDS", 0.01)
    cluster = FakeCluster()
    cluster.refuses = 3
    unseen = Health(
        status=HealthStatus.UNKNOWN, reason="ClusterUnreachable", message="no connection"
    )
    cluster.show(0)
    told = await asyncio.wait_for(
        waiting(cluster, Observation(found=False, health=unseen), SOON), 10
    )
    assert told.health.status is HealthStatus.UNHEALTHY
    assert cluster.reads == 4
