"""Pods that lie two levels down: when they are looked at, and what that costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from activities.observing import next_difference
from activities.seeing import health_now
from failover.domain.errors import FailoverError, Forbidden, UnknownKind
from failover.domain.health import Cause, HealthStatus, judge, owned_kinds, ways_when_ill
from failover.domain.health.catalogue import CATALOGUE
from failover.domain.health.flink import FLINK_DEPLOYMENT
from failover.domain.health.pods import POD, REPLICA_SET
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import Manifest, owner_uids_of, uid_of
from failover.domain.policy.scopes import Scope
from failover.domain.rules import HealthRule, HealthRuleSpec, KindRef
from failover.domain.steps import Look, Observation
from failover.fleet import Change, Cluster
from tests.support.health import CASES
from tests.support.health.cases import KILLED, NO_IMAGE, PENDING, UID, Case, replica_set
from tests.support.health.kubernetes import DONE, deploy
from tests.support.objects import flink, job_manager
from triggers.blaming import found_deeper

APP = ApplicationRef(group="apps", kind="Deployment", namespace="shop", name="it")
DOWN = deploy(0, DONE, "False")
BARE = replica_set(2)


class Watched:
    """A cluster whose shared watches are in step, and which counts what is asked beside them."""

    def __init__(self, workload: Manifest, *others: Manifest) -> None:
        self.name = "east"
        self.workload = workload
        self.objects = {uid_of(each): each for each in (workload, *others)}
        self.hides: dict[GroupKind, FailoverError] = {}
        self.lists: list[GroupKind] = []
        self.known_of: list[GroupKind] = []
        self.followed: list[GroupKind] = []
        self._followers: list[tuple[GroupKind, str, asyncio.Queue[Change]]] = []

    def known(self, kind: GroupKind, namespace: str, owner_uid: str) -> Sequence[Manifest] | None:
        """What a watch has."""
        del namespace
        self.known_of.append(kind)
        return None if kind in self.hides else self._owned(kind, owner_uid)

    async def find(self, kind: GroupKind, namespace: str, name: str) -> Manifest | None:
        """The workload, or one that it owns; there is no record."""
        del namespace
        found = (each for each in self.objects.values() if GroupKind.of(each) == kind)
        return next((each for each in found if each["metadata"]["name"] == name), None)

    async def list(self, kind: GroupKind, *_: Any, **__: Any) -> list[Manifest]:
        """All of a kind."""
        self.lists.append(kind)
        if kind in self.hides:
            raise self.hides[kind]
        return [each for each in self.objects.values() if GroupKind.of(each) == kind]

    async def sift(self, kind: GroupKind, keep: Any, _: str) -> Sequence[Any]:
        """What is kept of all of a kind."""
        return [keep(each) for each in await self.list(kind)]

    @asynccontextmanager
    async def follow(
        self, kind: GroupKind, namespace: str = "", *, name: str = "", owner_uid: str = ""
    ) -> AsyncGenerator[AsyncIterator[Change], None]:
        """What is there, and what is shown."""
        del namespace
        self.followed.append(kind)
        queue: asyncio.Queue[Change] = asyncio.Queue()
        if (error := self.hides.get(kind)) is not None:
            queue.put_nowait(Change("Stale", {}, error.reason, error.message))
        else:
            there = [self.workload] if name else self._owned(kind, owner_uid)
            for each in there:
                queue.put_nowait(Change("Present", each))
            queue.put_nowait(Change("Synced", {}))
        self._followers.append((kind, owner_uid, queue))

        async def changes() -> AsyncGenerator[Change, None]:
            while True:
                yield await queue.get()

        yield changes()

    def show(self, *manifests: Manifest) -> None:
        """These are there now, or look like this."""
        for manifest in manifests:
            self.objects[uid_of(manifest)] = manifest
            for kind, owner, queue in self._followers:
                if kind == GroupKind.of(manifest) and owner in owner_uids_of(manifest):
                    queue.put_nowait(Change("Present", manifest))

    def _owned(self, kind: GroupKind, owner: str) -> Sequence[Manifest]:
        return [
            each
            for each in self.objects.values()
            if GroupKind.of(each) == kind and owner in owner_uids_of(each)
        ]


def seen(cluster: Watched, last: Observation | None = None, **changes: Any) -> Any:
    """The next difference."""
    calm = {"application": APP, "uid": UID, "last": last, "whose_fault": True}
    wanted: dict[str, Any] = {**calm, **changes}
    look = Look(cluster="east", **wanted)
    return asyncio.wait_for(next_difference(cast("Cluster", cluster), look), 5)


async def test_the_watches_tell_whose_fault_it_is_and_nothing_is_listed() -> None:
    """A rollout brings pods that have no image; one that finds no node is another matter."""
    cluster = Watched(DOWN, *BARE)
    first = await seen(cluster)
    assert first.health.reason == "NoReplicaAvailable"
    wait = asyncio.create_task(seen(cluster, first))
    await asyncio.sleep(0)
    cluster.show(*replica_set(3, NO_IMAGE))
    fault = await wait
    assert fault.health.cause is Cause.USER_ERROR
    wait = asyncio.create_task(seen(cluster, fault))
    await asyncio.sleep(0)
    cluster.show(*replica_set(3, PENDING)[1:])
    assert (await wait).health.status is HealthStatus.UNHEALTHY
    assert cluster.lists == []


async def test_what_is_owned_by_what_it_owns_is_followed_too() -> None:
    """A JobManager's Deployment, its ReplicaSet, its pod: three levels."""
    manager = job_manager(0)
    manager["metadata"]["uid"] = "uid-manager"
    cluster = Watched(flink(), manager, *replica_set(1, NO_IMAGE, owner="uid-manager"))
    orders = ApplicationRef(group="flink.apache.org", kind="FlinkDeployment", namespace="shop", name="orders")  # fmt: skip
    told = await seen(cluster, application=orders, uid="uid-orders")
    assert told.health.cause is Cause.USER_ERROR
    assert cluster.lists == []


def own_faults() -> Iterator[Any]:
    """Of each kind that has pods further down, what is ill by their fault."""
    for kind in CATALOGUE:
        cases = [
            each for each in CASES[str(kind)] if each.owned and each.verdict.endswith(" UserError")
        ]
        if ways_when_ill(kind) and kind != FLINK_DEPLOYMENT:  # see above
            yield from (pytest.param(each, id=f"{kind}: {each.told}") for each in cases)


@pytest.mark.parametrize("case", [*own_faults()])
async def test_every_way_down_leads_to_the_pods(case: Case) -> None:
    """A look's, a watch's, and a survey's: whoever owns the pods, their fault is found."""
    cluster, kind = Watched(case.manifest, *(case.owned or ())), GroupKind.of(case.manifest)
    assert (await health_now(cast("Cluster", cluster), case.manifest)).reason == "UserError"
    shallow = await health_now(cast("Cluster", cluster), case.manifest, whose_fault=False)
    known = Observation(found=True, uid=UID, health=shallow)
    it = ApplicationRef(group=kind.group, kind=kind.kind, namespace="shop", name="it")
    assert (await seen(cluster, known, application=it, uid=UID)).health.reason == "UserError"
    assert cluster.lists == []
    roots = [each for each in case.owned or () if GroupKind.of(each) in owned_kinds(kind)]
    above = {uid_of(each): it for each in (roots or [case.manifest])}
    found = await found_deeper(cast("Cluster", cluster), Scope(kind, "shop"), above)
    assert judge(case.manifest, roots, deeper=found[it]).reason == "UserError"


@pytest.mark.parametrize("error", [Forbidden("no"), UnknownKind("no such kind")])
@pytest.mark.parametrize("hidden", [REPLICA_SET, POD])
async def test_where_nobody_may_look_its_status_decides(
    hidden: GroupKind, error: FailoverError
) -> None:
    """By the watch, and by a look."""
    cluster = Watched(DOWN, *replica_set(1, NO_IMAGE))
    cluster.hides[hidden] = error
    told = await seen(cluster)
    assert told.health.reason == "NoReplicaAvailable"
    verdict = await health_now(cast("Cluster", cluster), DOWN)
    assert verdict.reason == "NoReplicaAvailable"


async def test_a_new_copy_is_not_asked_whose_fault_it_is() -> None:
    """While it is verified it has to be well, no more: neither its watch nor a look goes deeper."""
    cluster = Watched(DOWN, *replica_set(1, NO_IMAGE))
    told = await seen(cluster, whose_fault=False)
    assert told.health.reason == "NoReplicaAvailable"
    assert cluster.followed == [APP.group_kind]
    assert cluster.known_of == []


@pytest.mark.parametrize(
    ("workload", "pods", "reason"),
    [
        pytest.param(DOWN, NO_IMAGE, "UserError", id="no image"),
        pytest.param(DOWN, KILLED, "NoReplicaAvailable", id="killed"),
        pytest.param(deploy(3, DONE), NO_IMAGE, "Available", id="well"),
    ],
)
async def test_a_look_goes_deeper_only_where_it_is_ill(
    workload: Manifest, pods: Manifest, reason: str
) -> None:
    """And reads nothing that the watches have."""
    cluster = Watched(workload, *replica_set(1, pods))
    verdict = await health_now(cast("Cluster", cluster), workload)
    assert verdict.reason == reason
    assert cluster.known_of == ([] if reason == "Available" else [REPLICA_SET, POD])
    assert cluster.lists == []


async def test_what_lies_deeper_is_no_progress() -> None:
    """Else a copy that got no further would seem to, whenever somebody looks deeper."""
    cluster = Watched(DOWN, *replica_set(1, KILLED))
    shallow = await health_now(cast("Cluster", cluster), DOWN, whose_fault=False)
    assert (await health_now(cast("Cluster", cluster), DOWN)).progress == shallow.progress


async def test_a_rule_of_ones_own_asks_what_it_names_alone() -> None:
    """Its author has said what it is judged by."""
    cluster = Watched(DOWN, *replica_set(1, NO_IMAGE))
    rule = HealthRule(name="own", spec=HealthRuleSpec(target=KindRef(group="apps", kind="Deployment")))  # fmt: skip
    verdict = await health_now(cast("Cluster", cluster), DOWN, rule)
    assert verdict.reason == "NoClauseApplies"
    assert cluster.known_of == []
