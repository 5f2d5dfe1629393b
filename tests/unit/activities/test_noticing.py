"""Leaving and removing notices: repeated, raced, refused."""

from __future__ import annotations

from typing import Any, cast

import pytest

from activities.noticing import leave_notice, remove_notice
from failover.domain.errors import AlreadyExists, Conflict, Forbidden
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import Manifest
from failover.domain.notice import Notice
from failover.fleet import Cluster
from failover.records import Superseded

ORDERS = ApplicationRef(group="apps", kind="Deployment", namespace="shop", name="orders")


def notice(generation: int, home: str = "west") -> Notice:
    """Orders lives there."""
    return Notice(application=ORDERS, home=home, generation=generation)


class FakeCluster:
    """Holds one notice."""

    name = "east"

    def __init__(self, there: Notice | None = None, *, fails: Exception | None = None) -> None:
        self.there: Manifest | None = there.to_config_map() if there else None
        if self.there is not None:
            self.there["metadata"] |= {"uid": "u", "resourceVersion": "7"}
        self.fails = fails
        self.calls: list[str] = []

    async def find(self, kind: GroupKind, namespace: str, name: str) -> Manifest | None:
        """The notice."""
        del kind, namespace, name
        return self.there

    async def create(self, manifest: Manifest) -> Manifest:
        """Write it."""
        return self._write("create", manifest)

    async def replace(self, manifest: Manifest) -> Manifest:
        """Write it over the one that was read."""
        assert manifest["metadata"]["resourceVersion"] == "7"
        return self._write("replace", manifest)

    async def delete(self, kind: GroupKind, namespace: str, name: str, **exactly: Any) -> None:
        """Take it away."""
        del kind, namespace, name
        assert exactly == {"uid": "u"}
        self._write("delete", None)

    def _write(self, verb: str, manifest: Manifest | None) -> Manifest:
        if self.fails is not None:
            raise self.fails
        self.calls.append(verb)
        self.there = manifest
        return manifest or {}


async def may_write() -> None:
    """The claim is ours."""


async def superseded() -> None:
    """It is not."""
    raise Superseded("another run")


async def left(cluster: FakeCluster, generation: int, guard: Any = may_write) -> tuple[str, ...]:
    """Leave a notice of this generation."""
    return await leave_notice(cast("Cluster", cluster), notice(generation), guard)


async def removed(cluster: FakeCluster, generation: int, guard: Any = may_write) -> tuple[str, ...]:
    """Remove what is not newer than this generation."""
    return await remove_notice(cast("Cluster", cluster), ORDERS, generation, guard)


async def test_a_notice_is_written_once() -> None:
    """The second time finds it there, and does not touch when it was written."""
    cluster = FakeCluster()
    assert await left(cluster, 1) == ()
    assert await left(cluster, 1, superseded) == ()
    assert cluster.calls == ["create"]


async def test_only_a_newer_move_writes_over_a_notice() -> None:
    """An older one leaves what is there."""
    cluster = FakeCluster(notice(2, "north"))
    assert await left(cluster, 1, superseded) == ()
    assert await left(cluster, 3) == ()
    assert cluster.calls == ["replace"]


async def test_a_notice_is_removed_at_home_unless_it_is_newer() -> None:
    """Where there is none, nothing is to be done."""
    assert await removed(FakeCluster(), 1, superseded) == ()
    newer = FakeCluster(notice(3))
    assert await removed(newer, 2, superseded) == ()
    older = FakeCluster(notice(1))
    assert await removed(older, 2) == ()
    assert (newer.calls, older.calls) == ([], ["delete"])


async def test_a_refusal_is_told_and_does_not_stop_the_end() -> None:
    """Rights of an older release: the failover ends, and says what is not up to date."""
    refused = Forbidden("configmaps is forbidden")
    told = await left(FakeCluster(fails=refused), 1)
    told += await removed(FakeCluster(notice(1), fails=refused), 1)
    assert [each.startswith("east: the notice") and "forbidden" in each for each in told] == [
        True,
        True,
    ]


async def test_a_run_that_was_superseded_writes_nothing() -> None:
    """The claim is asked right before each change."""
    for act, cluster in ((left, FakeCluster()), (removed, FakeCluster(notice(1)))):
        with pytest.raises(Superseded):
            await act(cluster, 1, superseded)
        assert cluster.calls == []


async def test_a_race_is_looked_at_again() -> None:
    """Somebody has written it between the look and the write."""
    with pytest.raises(Conflict):
        await left(FakeCluster(fails=AlreadyExists("there")), 1)
