"""Room is read seldom, judged each time, and never taken twice by one worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from activities.fitting import Capacities, Demands
from activities.shared import Patience, Shared
from failover.domain.capacity.workloads import demand_of
from failover.domain.errors import ClusterUnreachable, Forbidden, UnknownKind
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import Manifest
from failover.domain.record import Move, Record, to_secrets
from failover.fleet import Fleet


def app(name: str) -> ApplicationRef:
    """An application."""
    return ApplicationRef(group="apps", kind="Deployment", namespace="shop", name=name)


def deployment(name: str, cpu: str) -> Manifest:
    """A Deployment of one pod."""
    containers = [{"resources": {"requests": {"cpu": cpu}}}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"template": {"spec": {"containers": containers}}},
    }


def asks(cpu: str) -> Demands:
    """What it asks for on west."""
    return {"west": demand_of(deployment("orders", cpu))}


NODE: Manifest = {
    "metadata": {"name": "n"},
    "status": {
        "allocatable": {"cpu": "4", "pods": "10"},
        "conditions": [{"type": "Ready", "status": "True"}],
    },
}


def record_of(name: str, cpu: str, *, target: str = "west", withdrawn: bool = False) -> Manifest:
    """The record of an open move."""
    original = deployment(name, cpu)
    move = Move(
        failover="f", run="r", purge_mode="Directly", source="east", source_uid="u",
        source_cluster_uid="c", target=target, withdrawn=withdrawn, original=original, rendered=original,
    )  # fmt: skip
    return to_secrets(Record(application=app(name), generation=1, claim="c", move=move))[0]


class FakeCluster:
    """Lists what it has, counts how often, and refuses what it is told to."""

    name = "west"

    def __init__(self, *nodes: Manifest, records: Sequence[Manifest] = ()) -> None:
        self.objects: dict[str, list[Manifest]] = {"Node": list(nodes), "Secret": list(records)}
        self.asked: list[str] = []
        self.refuses: dict[str, Exception] = {}

    async def sift(
        self, kind: GroupKind, keep: Callable[[Manifest], Any], namespace: str = "", **_: Any
    ) -> list[Any]:
        """What is kept of a kind."""
        del namespace
        await asyncio.sleep(0)
        self.asked.append(kind.kind)
        if error := self.refuses.get(kind.kind):
            raise error
        return [keep(each) for each in self.objects.get(kind.kind, [])]


def capacities(cluster: FakeCluster) -> Capacities:
    """The capacities of a fleet of this cluster."""

    class FakeFleet:
        def cluster(self, name: str) -> FakeCluster:
            assert name == "west"
            return cluster

    return Capacities(cast("Fleet", FakeFleet()))


async def full(found: Capacities, name: str, cpu: str) -> str:
    """Why west is full for this application, or nothing."""
    verdict = (await found.survey(app(name), ["west"])).judge(asks(cpu)).full.get("west")
    return f"{verdict.reason}: {verdict.message}" if verdict else ""


async def test_a_full_cluster_says_so_with_the_numbers() -> None:
    """The verdict is on the cluster, and time may cure it."""
    found = capacities(FakeCluster(NODE))
    assert not await full(found, "orders", "4")
    assert await full(found, "orders", "5") == "CandidateFull: west has no room: needs cpu 5, 4 free of 4."  # fmt: skip


async def test_a_thousand_plans_read_once() -> None:
    """Whoever comes while it is read waits for the same answer."""
    cluster = FakeCluster(NODE)
    found = capacities(cluster)
    await asyncio.gather(*(full(found, f"app-{n}", "1") for n in range(1000)))
    assert sorted(cluster.asked) == ["Node", "Pod", "ResourceQuota", "Secret"]


async def test_an_answer_serves_while_it_is_fresh() -> None:
    """Later ones take it; one that is not fresh is asked for again, and errors are not raised."""
    asked: list[str] = []

    async def read(key: str) -> int:
        asked.append(key)
        await asyncio.sleep(0)
        if key == "east":
            raise Forbidden("you may not")
        return len(asked)

    hour, now = timedelta(hours=1), timedelta(0)
    shared = Shared(read, Patience(fresh=hour, usable=hour, wait=hour))
    assert [await shared.get("west"), await shared.get("west")] == [1, 1]
    assert isinstance(await shared.get("east"), Forbidden)
    stale = Shared(read, Patience(fresh=now, usable=hour, wait=hour))
    assert [await stale.get("west"), await stale.get("west")] == [3, 4]


async def test_nobody_waits_long_for_an_answer() -> None:
    """The last one serves meanwhile; without one it is not known. The read goes on for the next."""
    go_on = asyncio.Event()

    async def read(key: str) -> str:
        await go_on.wait()
        return key

    hour, now = timedelta(hours=1), timedelta(0)
    shared = Shared(read, Patience(fresh=hour, usable=hour, wait=now))
    assert isinstance(await shared.get("west"), ClusterUnreachable)
    go_on.set()
    await asyncio.gather(*shared.under_way)
    assert await shared.get("west") == "west"


async def test_two_plans_do_not_take_the_same_room() -> None:
    """What one has kept is gone for the other, at once; a plan of one's own does not stand in the way."""
    found = capacities(FakeCluster(NODE))
    one, other = await asyncio.gather(*(found.survey(app(n), ["west"]) for n in ("one", "other")))
    assert not one.judge(asks("3")).full
    one.keep("west", asks("3"), timedelta(0))
    assert "3 is reserved by other failovers" in other.judge(asks("3")).full["west"].message
    assert not one.judge(asks("3")).full
    one.let_go()
    assert not other.judge(asks("3")).full


@pytest.mark.parametrize(
    ("record", "taken"),
    [
        pytest.param(record_of("other", "3"), True, id="another one's"),
        pytest.param(record_of("orders", "3"), False, id="our own"),
        pytest.param(record_of("other", "3", target="north"), False, id="bound elsewhere"),
        pytest.param(record_of("other", "3", withdrawn=True), False, id="withdrawn"),
    ],
)
async def test_open_records_reserve_room(record: Manifest, taken: bool) -> None:  # noqa: FBT001 - a table
    """What other workers, or an earlier life of this one, are about to bring."""
    found = capacities(FakeCluster(NODE, records=[record]))
    assert bool(await full(found, "orders", "3")) is taken


@pytest.mark.parametrize("kind", ["Node", "Pod", "ResourceQuota", "Secret"])
async def test_what_may_not_be_read_is_not_checked_and_said(kind: str) -> None:
    """A warning, never a failure."""
    cluster = FakeCluster(NODE)
    cluster.refuses[kind] = Forbidden("you may not")
    survey = await capacities(cluster).survey(app("orders"), ["west"])
    assert not survey.judge(asks("4")).full
    assert [each.reason for each in survey.warnings("west", asks("4"))] == ["CapacityUnknown"]


async def test_without_nodes_nothing_is_asked_further_and_nothing_said() -> None:
    """Neither pods nor records; no warning either, for a known kind or an unknown one."""
    cluster = FakeCluster()
    survey = await capacities(cluster).survey(app("orders"), ["west"])
    assert not survey.judge(asks("1000")).full
    assert survey.warnings("west", {"west": None}) == ()
    assert sorted(cluster.asked) == ["Node", "ResourceQuota"]


async def test_a_kind_that_is_not_served_says_nothing() -> None:
    """As on an API server that has no nodes at all."""
    cluster = FakeCluster()
    cluster.refuses = {kind: UnknownKind("no such kind") for kind in ("Node", "ResourceQuota")}
    survey = await capacities(cluster).survey(app("orders"), ["west"])
    assert survey.warnings("west", asks("1")) == ()


async def test_a_kind_whose_requests_are_not_known_is_not_checked_and_said() -> None:
    """It could be too large, and nobody here can tell."""
    survey = await capacities(FakeCluster(NODE)).survey(app("orders"), ["west"])
    assert not survey.judge({"west": None}).full
    assert [each.reason for each in survey.warnings("west", {"west": None})] == ["CapacityUnknown"]
