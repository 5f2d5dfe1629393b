"""What is taken away with an application, and what stays in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from activities.sweeping import sweep
from failover.domain.errors import ClusterUnreachable, Forbidden, NotFound, UnknownKind
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import Manifest
from failover.domain.marks import FIELD_MANAGER, with_created_by
from failover.domain.record import Move, Record, to_secrets
from failover.fleet import Cluster
from failover.records import Superseded

ORDERS = ApplicationRef(group="apps", kind="Deployment", namespace="shop", name="orders")
OTHERS = ApplicationRef(group="apps", kind="Deployment", namespace="shop", name="others")
CONFIG_MAP = GroupKind("", "ConfigMap")


def ours(kind: str, name: str) -> Manifest:
    """A dependent that a failover created."""
    entries = [{"manager": FIELD_MANAGER, "operation": "Update"}]
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": "7"}
    manifest = {"apiVersion": "v1", "kind": kind, "metadata": metadata}
    marked = with_created_by(manifest, "failover/x")
    return {**marked, "metadata": {**marked["metadata"], "managedFields": entries}}


class FakeCluster:
    """Holds objects, lists them, and notes what is deleted."""

    name = "west"

    def __init__(self, *objects: Manifest, records: Sequence[Manifest] = ()) -> None:
        self.objects = list(objects)
        self.records = list(records)
        self.deleted: list[str] = []
        self.refuses: dict[str, Exception] = {}

    async def find(self, kind: GroupKind, namespace: str, name: str) -> Manifest | None:
        """The object of this name."""
        del namespace
        return next(
            (
                each
                for each in self.objects
                if GroupKind.of(each) == kind and each["metadata"]["name"] == name
            ),
            None,
        )

    async def list(
        self, kind: GroupKind, namespace: str = "", *, label_selector: str = ""
    ) -> list[Manifest]:
        """All of a kind, or the records."""
        if error := self.refuses.get(kind.kind):
            raise error
        if label_selector:
            assert namespace == "failover-system"
            return self.records
        return [each for each in self.objects if GroupKind.of(each) == kind]

    async def delete(
        self, kind: GroupKind, namespace: str, name: str, **preconditions: Any
    ) -> None:
        """Note what goes."""
        del kind, namespace
        if error := self.refuses.get(name):
            raise error
        assert preconditions == {"uid": f"uid-{name}", "resource_version": "7"}
        self.deleted.append(name)


async def swept(
    cluster: FakeCluster, *dependents: Manifest, guard: list[str] | None = None
) -> tuple[str, ...]:
    """Sweep after orders; the guard notes that it was asked."""
    asked = guard if guard is not None else []

    async def may_write() -> None:
        asked.append("asked")

    return await sweep(cast("Cluster", cluster), ORDERS, dependents, may_write)


async def test_what_nobody_refers_to_is_deleted_exactly() -> None:
    """By uid and resourceVersion, each after one look at the claim."""
    dependents = (ours("ConfigMap", "c"), ours("Secret", "s"))
    cluster, guard = FakeCluster(*dependents), list[str]()
    assert await swept(cluster, *dependents, guard=guard) == ()
    assert cluster.deleted == ["c", "s"]
    assert guard == ["asked", "asked"]


async def test_a_second_time_finds_nothing_to_do() -> None:
    """What is gone is gone; nothing is even listed."""
    cluster = FakeCluster()
    cluster.refuses = {"Pod": AssertionError("nothing has to be listed")}
    assert await swept(cluster, ours("ConfigMap", "c")) == ()
    raced = FakeCluster(ours("ConfigMap", "c"))
    raced.refuses = {"c": NotFound("gone meanwhile")}
    assert await swept(raced, ours("ConfigMap", "c")) == ()


async def test_what_a_user_has_made_is_never_looked_at_twice() -> None:
    """Without our mark it is nobody's business."""
    theirs = ours("ConfigMap", "c")
    del theirs["metadata"]["annotations"]
    cluster = FakeCluster(theirs)
    assert await swept(cluster, ours("ConfigMap", "c")) == ()
    assert cluster.deleted == []


@pytest.mark.parametrize("kind", ["Pod", "Ingress", "FlinkDeployment"])
async def test_what_may_not_be_listed_keeps_all_of_it_and_is_told(kind: str) -> None:
    """Rights of an older release: in doubt everything stays, and the sentence says why."""
    cluster = FakeCluster(ours("ConfigMap", "c"))
    cluster.refuses = {kind: Forbidden(f"may not list {kind}")}
    (told,) = await swept(cluster, ours("ConfigMap", "c"))
    assert told.startswith("west: ConfigMap/c in shop")
    assert f"may not list {kind}" in told
    assert cluster.deleted == []


async def test_a_kind_that_is_not_served_refers_to_nothing() -> None:
    """Without the CRD there are no objects."""
    cluster = FakeCluster(ours("ConfigMap", "c"))
    cluster.refuses = {"SparkApplication": UnknownKind("no such kind")}
    assert await swept(cluster, ours("ConfigMap", "c")) == ()
    assert cluster.deleted == ["c"]


async def test_a_cluster_that_is_silent_is_tried_again() -> None:
    """Not told as a leftover here: the caller decides how long it waits."""
    cluster = FakeCluster(ours("ConfigMap", "c"))
    cluster.refuses = {"Pod": ClusterUnreachable("west does not answer")}
    with pytest.raises(ClusterUnreachable):
        await swept(cluster, ours("ConfigMap", "c"))


async def test_a_claim_stays_and_is_told() -> None:
    """Its data was not moved; a person knows whether it is needed."""
    claim = ours("PersistentVolumeClaim", "data")
    cluster = FakeCluster(claim)
    (told,) = await swept(cluster, claim)
    assert "PersistentVolumeClaim/data" in told
    assert cluster.deleted == []


async def test_a_refused_delete_is_told_and_the_others_go() -> None:
    """One object that somebody protects does not keep the rest."""
    dependents = (ours("ConfigMap", "a"), ours("ConfigMap", "b"))
    cluster = FakeCluster(*dependents)
    cluster.refuses = {"a": Forbidden("a policy protects it")}
    (told,) = await swept(cluster, *dependents)
    assert "a policy protects it" in told
    assert cluster.deleted == ["b"]


async def test_another_moves_record_keeps_what_it_holds() -> None:
    """Its copy may start or be put back at any moment; a closed record, or our own, holds nothing."""
    config = ours("ConfigMap", "c")
    assert await _with_record(OTHERS, config, is_open=True) == []
    assert await _with_record(OTHERS, config, is_open=False) == ["c"]
    assert await _with_record(ORDERS, config, is_open=True) == ["c"]


async def _with_record(
    application: ApplicationRef, dependent: Manifest, *, is_open: bool
) -> list[str]:
    move = Move(
        failover="f", run="r", purge_mode="Directly", source="east", source_uid="u",
        source_cluster_uid="k", target="west", original={}, rendered={}, dependents=(dependent,),
    )  # fmt: skip
    record = Record(
        application=application, generation=1, claim="x", move=move if is_open else None
    )
    cluster = FakeCluster(dependent, records=[to_secrets(record)[0]])
    assert await swept(cluster, dependent) == ()
    return cluster.deleted


async def test_a_run_that_may_not_write_any_more_deletes_nothing() -> None:
    """Superseded is no leftover: it ends the step."""
    cluster = FakeCluster(ours("ConfigMap", "c"))

    async def superseded() -> None:
        raise Superseded("another run owns it")

    with pytest.raises(Superseded):
        await sweep(cast("Cluster", cluster), ORDERS, (ours("ConfigMap", "c"),), superseded)
    assert cluster.deleted == []


async def test_a_torn_record_of_another_move_leaves_everything() -> None:
    """Nobody can say what it holds."""
    config = ours("ConfigMap", "c")
    move = Move(
        failover="f", run="r", purge_mode="Directly", source="east", source_uid="u",
        source_cluster_uid="k", target="west", original={}, rendered={},
    )  # fmt: skip
    torn, _ = to_secrets(Record(application=OTHERS, generation=1, claim="x", move=move))
    torn["data"] = {}
    cluster = FakeCluster(config, records=[torn])
    (told,) = await swept(cluster, config)
    assert "does not match its digest" in told
    assert cluster.deleted == []
