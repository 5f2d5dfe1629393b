"""Full clusters are passed over, and two failovers in flight do not both take the last room.

Before there is anything on the clusters, a plan says that even the namespace of the records is missing.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from activities.deciding import decide
from activities.fitting import Capacities
from devstack.api import Api
from devstack.world import World
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest, uid_of
from failover.domain.plan import Answer, FailoverPlan
from failover.domain.policy import Policy
from failover.domain.policy.reading import read_policies
from failover.domain.record import Move, Record
from failover.domain.steps import PlanRequest
from failover.kube.fleet import KubeFleet, open_fleet
from failover.kube.fleetfile import load_fleet
from failover.records import write_record
from tests.support.engine import command
from tests.support.world import FreshWorld

CLUSTERS = ("east", "west", "north")
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
SYSTEM: Manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "failover-system"}}  # fmt: skip


async def add_node(api: Api, cpu: str) -> None:
    """A node that is ready and has so much to give."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}}
    await api.create("/api/v1/nodes", node)
    await api.merge("/api/v1/nodes/node", {"spec": {"taints": None}})  # a new one is tainted
    status = {
        "allocatable": {"cpu": cpu, "memory": "64Gi", "pods": "110"},
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    await api.merge("/api/v1/nodes/node/status", {"status": status})


def template(cpu: str) -> Manifest:
    """A pod template with this request."""
    container = {"name": "main", "image": "x", "resources": {"requests": {"cpu": cpu}}}
    return {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [container]}}


async def deploy(api: Api, name: str, cpu: str) -> Manifest:
    """A Deployment of one pod; nothing makes the pod here."""
    spec = {"selector": {"matchLabels": {"app": "x"}}, "template": template(cpu)}
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }
    return await api.create(DEPLOYMENTS, manifest)


def policy_of(capacity: str = "Check") -> Policy:
    """West, then north."""
    return read_policies(json.dumps(document(capacity)), "policy.json").policies[0]


def document(capacity: str = "Check") -> Manifest:
    """The policy as a person writes it."""
    selector = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default"}
    affinity = {"clusterNames": ["west", "north"]}
    return {
        "apiVersion": "stateful-failover.dev/v1alpha1",
        "kind": "FailoverPolicy",
        "metadata": {"name": "all", "namespace": "default"},
        "spec": {
            "resourceSelectors": [selector],
            "placement": {"clusterAffinity": affinity, "capacity": capacity},
            "failover": {"application": {"purgeMode": "Directly"}},
        },
    }


async def plan(
    fleet: KubeFleet, capacities: Capacities, manifest: Manifest, policy: Policy | None = None
) -> Answer:
    """What would be done with it now."""
    request = PlanRequest(
        application=ref(manifest),
        failover="failover/x",
        source="east",
        source_uid=uid_of(manifest),
        policy=policy or policy_of(),
        ignore_health=True,
    )
    return await decide(fleet, request, datetime.now(UTC), capacities)


def ref(manifest: Manifest) -> ApplicationRef:
    """Its identity."""
    name = manifest["metadata"]["name"]
    return ApplicationRef(group="apps", kind="Deployment", namespace="default", name=name)


def target(answer: Answer) -> str:
    """Where it goes; what else was answered, where it goes nowhere."""
    return answer.target if isinstance(answer, FailoverPlan) else repr(answer)


async def test_room_decides_where_to(fresh_world: FreshWorld, tmp_path: Path) -> None:
    """By the numbers of real API servers: of one plan, of two at once, of two workers, and of nobody."""
    world = await fresh_world(clusters=CLUSTERS, controllers=())
    await _warns_where_no_record_could_be_written(world, tmp_path)
    await world.install_everywhere([SYSTEM])
    for name, cpu in (("west", "4"), ("north", "8")):
        await add_node(world.api(name), cpu)
    async with open_fleet(load_fleet(world.fleet_file, world.kubeconfig)) as fleet:
        await _passes_a_full_one_over(world, fleet)
        await _two_do_not_take_the_last_room(world, fleet)


async def _warns_where_no_record_could_be_written(world: World, folder: Path) -> None:
    """`plan` and `explain` of where a failover would be Blocked, `doctor` of every cluster."""
    await deploy(world.api("east"), "early", "1")
    policy = folder / "policy.yaml"
    policy.write_text(json.dumps(document()))
    flags = ("--fleet", str(world.fleet_file), "--kubeconfig", str(world.kubeconfig), "-f", str(policy), "-o", "json",
             "--temporal-address", world.temporal_address)  # fmt: skip

    async def told(*words: str) -> Any:
        return (await asyncio.to_thread(command, *words, *flags)).json

    planned = (await told("plan", "deployment/early"))["answer"]
    assert planned["target"] == "west"
    missing = [each for each in planned["warnings"] if each["reason"] == "RecordNamespaceMissing"]
    assert [each["message"].split()[0] for each in missing] == ["east", "west"]
    because = (await told("explain", "deployment/early"))["because"]
    told_too = [each for each in because if each["reason"] == "RecordNamespaceMissing"]
    assert [each["message"].removeprefix("A warning: ").split()[0] for each in told_too] == [
        "east",
        "west",
    ]
    findings = (await told("doctor"))["findings"]
    failed = [each["about"] for each in findings if each["reason"] == "RecordNamespaceMissing"]
    assert failed == [f"cluster {each}" for each in CLUSTERS]
    for name in CLUSTERS:
        assert await world.api(name).find("/api/v1/namespaces/failover-system") is None
    await world.api("east").delete(f"{DEPLOYMENTS}/early")


async def _passes_a_full_one_over(world: World, fleet: KubeFleet) -> None:
    large = await deploy(world.api("east"), "large", "6")
    answer = await plan(fleet, Capacities(fleet), large)
    assert isinstance(answer, FailoverPlan)
    assert answer.target == "north"
    west = next(each for each in answer.considered if each.cluster == "west")
    assert west.reason == "CandidateFull"
    assert west.message == "west has no room: needs cpu 6, 4 free of 4."
    assert "CapacityUnknown" not in {each.reason for each in answer.warnings}
    assert target(await plan(fleet, Capacities(fleet), large, policy_of("Ignore"))) == "west"


async def _two_do_not_take_the_last_room(world: World, fleet: KubeFleet) -> None:
    one, other = [await deploy(world.api("east"), name, "3") for name in ("one", "other")]
    capacities = Capacities(fleet)
    answers = await asyncio.gather(*(plan(fleet, capacities, each) for each in (one, other)))
    assert sorted(map(target, answers)) == ["north", "west"], "of one worker"
    assert target(await plan(fleet, Capacities(fleet), other)) == "west", "not known elsewhere yet"
    move = Move(
        failover="failover/x", run="r", purge_mode="Directly", source="east",
        source_uid=uid_of(one), source_cluster_uid="c", target="west", original=one, rendered=one,
    )  # fmt: skip
    record = Record(application=ref(one), generation=1, claim="c", move=move)
    await write_record(fleet.cluster("west"), record, None)
    assert target(await plan(fleet, Capacities(fleet), other)) == "north", "of another worker"
