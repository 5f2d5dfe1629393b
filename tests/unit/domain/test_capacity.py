"""What workloads ask for, what is free, and whether it fits: as the scheduler counts."""

from __future__ import annotations

from decimal import localcontext
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.domain.capacity.fitting import free_percent, shortage
from failover.domain.capacity.pods import Pods, total_of
from failover.domain.capacity.quantities import shown, thousandths
from failover.domain.capacity.quotas import exceeded, quota_of
from failover.domain.capacity.reservations import Reservation, read, written
from failover.domain.capacity.room import Room, node_of, room_of, use_of
from failover.domain.capacity.workloads import demand_of
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest

CLIENTS_PARSE: Any = import_module("kubernetes.utils.quantity").parse_quantity
"""The reading of the client library, which has no types."""

GIB = 1024**3 * 1000
ORDERS = ApplicationRef(group="apps", kind="Deployment", namespace="shop", name="orders")


def container(name: str = "main", cpu: str = "", memory: str = "", **more: Any) -> Manifest:
    """A container with these requests."""
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    return {"name": name, "resources": {"requests": requests}, **more}


def pod(cpu: str = "1", memory: str = "1Gi", **more: Any) -> Manifest:
    """A pod spec."""
    return {"containers": [container(cpu=cpu, memory=memory)], **more}


def workload(kind: str, group: str, **spec: Any) -> Manifest:
    """A workload."""
    version = f"{group}/v1" if group else "v1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "orders"}, "spec": spec}


def node(name: str = "n", cpu: str = "4", memory: str = "16Gi", **spec: Any) -> Manifest:
    """A node that is ready."""
    return {
        "metadata": {"name": name, "labels": {"disk": "ssd"}},
        "spec": spec,
        "status": {
            "allocatable": {"cpu": cpu, "memory": memory, "pods": "10"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def running(name: str, cpu: str = "1", on: str = "n", owner: str = "", **status: Any) -> Manifest:
    """A pod that runs, or is about to."""
    metadata: Manifest = {"name": name, "namespace": "shop"}
    if owner:
        metadata["ownerReferences"] = [{"name": owner, "controller": True, "uid": "u"}]
    spec = pod(cpu) | ({"nodeName": on} if on else {})
    return {"metadata": metadata, "spec": spec, "status": {"phase": "Running", **status}}


def room(nodes: list[Manifest], *pods: Manifest) -> Room:
    """What is free of these nodes."""
    uses = (use_of(each) for each in pods)
    return room_of(map(node_of, nodes), (each for each in uses if each is not None))


def demand(cpu: str = "1", memory: str = "1Gi", count: int = 1, **more: Any) -> tuple[Pods, ...]:
    """So many pods."""
    template = {"spec": pod(cpu, memory, **more)}
    found = demand_of(workload("Deployment", "apps", replicas=count, template=template))
    assert found is not None
    return found


@given(
    st.from_regex(r"\A[0-9]{1,9}(\.[0-9]{1,6})?\Z"),
    st.sampled_from(["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi"]),
)  # fmt: skip
def test_a_quantity_is_what_the_client_library_reads(number: str, suffix: str) -> None:
    """Our own reading, of whole thousandths, agrees with the one of the Kubernetes client."""
    with localcontext(prec=60):  # theirs rounds to 28 digits otherwise, ours never does
        theirs = CLIENTS_PARSE(number + suffix) * 1000
    assert thousandths(number + suffix) == -int((-theirs).to_integral_value(rounding="ROUND_FLOOR"))


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        pytest.param("1e3", 1_000_000, id="exponent"),
        pytest.param(2, 2000, id="number"),
        pytest.param(0.5, 500, id="fraction"),
        pytest.param("", None, id="empty"),
        pytest.param("lots", None, id="a word"),
        pytest.param("1e99", None, id="beyond all bounds"),
        pytest.param(True, None, id="a truth"),
        pytest.param(float("nan"), None, id="not a number"),
        pytest.param("1" * 100, None, id="too long"),
    ],
)
def test_odd_quantities(quantity: object, value: int | None) -> None:
    """What is none is `None`, and nothing is raised."""
    assert thousandths(quantity) == value


def test_amounts_are_shown_as_people_write_them() -> None:
    """Bytes in binary units, everything else plain."""
    assert [shown("cpu", 2500), shown("memory", 16 * GIB), shown("pods", 3000)] == ["2.5", "16Gi", "3"]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "cpu", "memory"),
    [
        pytest.param(pod(), 1000, GIB, id="one container"),
        pytest.param({"containers": [container(cpu="1"), container(cpu="500m")]}, 1500, 0, id="two"),
        pytest.param(pod(initContainers=[container(cpu="3")]), 3000, GIB, id="a large init container"),
        pytest.param(pod(initContainers=[container(cpu="500m")]), 1000, GIB, id="a small one"),
        pytest.param(
            pod(initContainers=[container(cpu="1", restartPolicy="Always"), container(cpu="2")]),
            3000, GIB, id="a sidecar counts with the init containers after it",
        ),
        pytest.param(
            {"containers": [{"resources": {"limits": {"cpu": "2"}}}]}, 2000, 0, id="limits alone"
        ),
        pytest.param(pod(overhead={"cpu": "250m"}), 1250, GIB, id="overhead"),
        pytest.param(pod(resources={"requests": {"cpu": "5"}}), 5000, GIB, id="of the pod itself"),
    ],
)  # fmt: skip
def test_a_pod_asks_as_the_scheduler_counts(spec: Manifest, cpu: int, memory: int) -> None:
    """Containers, init containers, sidecars, overhead."""
    found = demand_of(workload("Pod", "", **spec))
    assert found is not None
    total = total_of(found)
    assert (total["cpu"], total.get("memory", 0), total["pods"]) == (cpu, memory, 1000)


FLINK = {
    "jobManager": {"resource": {"cpu": 1, "memory": "2048m"}},
    "taskManager": {"resource": {"cpu": 2, "memory": "4g"}},
    "flinkConfiguration": {"taskmanager.numberOfTaskSlots": "2"},
    "job": {"parallelism": 5},
}


@pytest.mark.parametrize(
    ("manifest", "pods", "cpu", "memory"),
    [
        pytest.param(
            workload("StatefulSet", "apps", replicas=3, template={"spec": pod()}),
            3, 3.0, 3.0, id="replicas",
        ),
        pytest.param(
            workload("Deployment", "apps", template={"spec": pod()}), 1, 1, 1, id="one unless written"
        ),
        pytest.param(
            workload("Job", "batch", parallelism=4, completions=2, template={"spec": pod()}),
            2, 2, 2, id="no more pods than completions",
        ),
        pytest.param(workload("FlinkDeployment", "flink.apache.org", **FLINK), 4, 7, 14, id="Flink"),
        pytest.param(
            workload("FlinkDeployment", "flink.apache.org", **{**FLINK, "job": None}),
            1, 1, 2, id="a Flink session has no TaskManagers yet",
        ),
        pytest.param(
            workload("FlinkDeployment", "flink.apache.org",
                     podTemplate={"spec": {"containers": [container("flink-main-container", "9"),
                                                          container("sidecar", "500m")]}},
                     **{**FLINK, "taskManager": {"replicas": 1, "resource": {"cpu": 1, "memory": "1Gi"}}}),
            2, 3, 3, id="sidecars of a Flink pod template",
        ),
        pytest.param(
            workload("SparkApplication", "sparkoperator.k8s.io", type="Scala",
                     driver={"cores": 1, "memory": "10g"},
                     executor={"cores": 2, "instances": 2, "memory": "10g", "memoryOverhead": "2g"}),
            3, 5, 35, id="Spark with overheads",
        ),
        pytest.param(workload("FlinkSessionJob", "flink.apache.org"), 0, 0, 0, id="in pods of others"),
    ],
)  # fmt: skip
def test_a_workload_asks_by_its_kind(
    manifest: Manifest, pods: int, cpu: float, memory: float
) -> None:
    """As many pods as it will have, and what they ask for together."""
    found = demand_of(manifest)
    assert found is not None
    total = total_of(found)
    assert total.get("pods", 0) == pods * 1000
    assert total.get("cpu", 0) == cpu * 1000
    assert total.get("memory", 0) == memory * GIB


def test_an_unknown_kind_is_not_nothing() -> None:
    """`None` says that it is not known."""
    assert demand_of(workload("RayCluster", "ray.io")) is None


def test_what_runs_is_not_free() -> None:
    """Requests of pods that have not ended are taken off; the numbers are told."""
    full = room([node()], running("a", "3"), running("b", "1", phase="Succeeded"))
    assert not shortage(full, demand("1"), ())
    assert shortage(full, demand("2"), ()) == "needs cpu 2, 1 free of 4"


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"unschedulable": True}, id="cordoned"),
        pytest.param({"taints": [{"key": "gpu", "effect": "NoSchedule"}]}, id="tainted"),
    ],
)
def test_nodes_that_take_no_pods_are_not_counted(spec: Manifest) -> None:
    """Cordoned and tainted ones, whatever is free there."""
    assert shortage(room([node(**spec)]), demand(), ())
    assert not shortage(room([node(**spec), node("m")]), demand(), ())


def test_taints_and_selectors_are_read() -> None:
    """A toleration opens a tainted node; a selector that no node has closes all."""
    tainted = room([node(taints=[{"key": "gpu", "value": "a", "effect": "NoSchedule"}])])
    tolerating = demand(tolerations=[{"key": "gpu", "operator": "Exists"}])
    assert not shortage(tainted, tolerating, ())
    assert shortage(room([node()]), demand(nodeSelector={"disk": "hdd"}), ())
    assert not shortage(room([node()]), demand(nodeSelector={"disk": "ssd"}), ())


def test_a_node_that_is_not_ready_has_no_room() -> None:
    """And where there is no other, that is said."""
    gone = node()
    gone["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
    assert "none of its 1 nodes is ready" in shortage(room([gone]), demand(), ())


def test_room_in_pieces_is_not_enough() -> None:
    """Each pod has to fit onto one node."""
    pieces = room([node("a"), node("b")], running("x", "2", "a"), running("y", "2", "b"))
    assert not shortage(pieces, demand("2", count=2), ())
    assert "no node for each pod of cpu 3" in shortage(pieces, demand("3"), ())


def test_a_cluster_without_nodes_says_nothing() -> None:
    """Neither that it is full nor how empty it is."""
    assert not shortage(Room(), demand("1000"), ())
    assert free_percent(Room(), ()) is None


def test_pods_that_wait_take_room_unless_they_cannot_be_placed() -> None:
    """What the scheduler has given up does not stand in the way."""
    gave_up = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]
    assert shortage(room([node()], running("w", "4", on="")), demand("1"), ())
    assert not shortage(room([node()], running("w", "4", on="", conditions=gave_up)), demand("1"), ())  # fmt: skip


def test_the_scarcer_resource_says_how_empty_it_is() -> None:
    """Of cpu and memory the one with less left, less what others will bring."""
    half = room([node()], running("a", "2"))
    assert free_percent(half, ()) == 50
    assert free_percent(half, demand("1")) == 25


def test_what_others_will_bring_is_taken_first() -> None:
    """With the number that they have reserved."""
    why = shortage(room([node()]), demand("2"), demand("3"))
    assert why == "needs cpu 2, 1 free of 4 (3 is reserved by other failovers)"


def test_a_reservation_is_for_pods_that_are_not_there_yet() -> None:
    """Pods of the application are known by their owners' names, and come in their order."""
    reserved = Reservation(ORDERS, "west", (*demand("1"), *demand("2", count=3)))
    seen = room(
        [node()], running("orders-1", owner="orders-7f"), running("orders-2", owner="orders")
    )
    assert seen.pods_of("shop", "orders") == 2
    assert seen.pods_of("billing", "orders") == 0
    assert [each.count for each in reserved.still_to_come(0)] == [1, 3]
    assert [each.count for each in reserved.still_to_come(2)] == [2]
    assert reserved.still_to_come(9) == ()


def test_a_reservation_survives_its_annotation() -> None:
    """What is written is read; what somebody else wrote reads as nothing."""
    pods = demand("1", count=2)
    assert read(ORDERS, written("west", pods)) == Reservation(ORDERS, "west", pods)
    for raw in ("", "{", "[]", '{"cluster": "west"}', '{"pods": [{"count": 1}]}'):
        assert read(ORDERS, raw) is None


def quota(**spec: Any) -> Manifest:
    """A ResourceQuota with half of it used."""
    status = {"hard": spec["hard"], "used": {"requests.cpu": "5", "pods": "5"}}
    return {"metadata": {"name": "team"}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("hard", "message"),
    [
        pytest.param({"requests.cpu": "10"}, "", id="enough"),
        pytest.param(
            {"requests.cpu": "6"},
            "its quota team is too small: needs requests.cpu 2, 1 left of 6",
            id="cpu",
        ),
        pytest.param(
            {"pods": "6"}, "its quota team is too small: needs pods 2, 1 left of 6", id="pods"
        ),
        pytest.param({"count/secrets": "0", "requests.storage": "0"}, "", id="of other objects"),
    ],
)
def test_a_quota_bounds_the_namespace(hard: Manifest, message: str) -> None:
    """Hard less used, with the numbers."""
    found = quota_of(quota(hard=hard))
    assert found is not None
    assert exceeded((found,), demand("1", count=2), ()) == message


def test_a_quota_counts_what_others_will_bring() -> None:
    """Copies that are not there yet are not in its status."""
    found = quota_of(quota(hard={"requests.cpu": "10"}))
    assert found is not None
    assert "4 reserved by other failovers" in exceeded((found,), demand("2"), demand("4"))


def test_a_quota_with_scopes_is_left_to_the_server() -> None:
    """It is about some of the pods only."""
    assert quota_of(quota(hard={"pods": "0"}, scopes=["BestEffort"])) is None
    assert quota_of(quota(hard={"pods": "0"}, scopeSelector={"matchExpressions": [{}]})) is None
