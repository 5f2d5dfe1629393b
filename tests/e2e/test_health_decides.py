"""What is said of an application's health decides whether it moves: its cause, and whose rule it is."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from devstack.api import Api
from devstack.flink import deployment_status
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest
from failover.domain.phases import Outcome
from failover.domain.policy.reading import read_policies
from failover.domain.request import Status
from failover.domain.rules import HealthRule
from tests.support.objects import owner_reference
from tests.support.saga import GROUP, KIND, NAMESPACE, Application, Saga, policy_of
from tests.support.waiting import eventually

APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
MOOD = "example.org/mood"
READY = "owned.exists(d, has(d.status.readyReplicas) && d.status.readyReplicas > 0)"
WRONG = f"has(object.metadata.annotations) && object.metadata.annotations.exists(k, k == '{MOOD}')"


def rule() -> HealthRule:
    """A Flink application by its JobManager; without one, its author may be to blame."""
    document: dict[str, Any] = {
        "apiVersion": "stateful-failover.dev/v1alpha1",
        "kind": "HealthRule",
        "metadata": {"name": "moody"},
        "spec": {
            "target": {"group": GROUP, "kind": KIND},
            "owned": [{"group": "apps", "kind": "Deployment"}],
            "rules": [
                {"when": READY, "verdict": "Healthy", "reason": "Running"},
                {"when": WRONG, "verdict": "UserError", "reason": "WrongSpec"},
                {"when": "true", "verdict": "Unhealthy", "reason": "NoJobManager"},
            ],
        },
    }
    reading = read_policies(json.dumps(document), "rule.json")
    assert reading.rules, reading.problems
    return reading.rules[0]


async def test_a_user_error_never_moves_and_says_so(saga: Saga) -> None:
    """Although the policy counts what is not known, and tolerates nothing; once mended, it moves."""
    app = await saga.ill_application("wrong")
    await app.annotate("east", {MOOD: "wrong"})
    counts = {"tolerationSeconds": 0, "onUnknown": "Count"}
    policy = policy_of(app.name, decisionConditions=counts, mode="Automatic")
    await app.start(policy, health_rule=rule())
    await stands_still(app, "WrongSpec")
    await app.was_never_written()
    await app.annotate("east", {MOOD: None})
    await app.moved("west")


async def stands_still(app: Application, reason: str) -> None:
    """Assert that it says whose fault it is, and that no time passes."""

    async def looked() -> Status | None:
        status = await app.status()
        return status if status.health is not None else None

    status = await eventually(looked, f"the first look at {app.name}")
    assert status.health is not None
    assert status.health.reason == reason
    assert status.toleration_ends_at is None
    assert status.display_phase == "Tolerating"


@dataclass
class Deployed(Application):
    """A plain Deployment."""

    @property
    def ref(self) -> ApplicationRef:
        """Its identity."""
        return ApplicationRef(group="apps", kind="Deployment", namespace=NAMESPACE, name=self.name)

    @property
    def path(self) -> str:
        """Its path on every API server."""
        return f"{APPS}/deployments/{self.name}"

    async def deploy(self, api: Api) -> None:
        """Create it; it has never been well."""
        made = await api.create(f"{APPS}/deployments", {"apiVersion": "apps/v1", "kind": "Deployment", **pods_of(self.name)})  # fmt: skip
        self.uid = made["metadata"]["uid"]
        await api.merge(f"{self.path}/status", {"status": deployment_status(ready=False)})


def pods_of(name: str) -> Manifest:
    """What makes one pod."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "x"}]}}  # fmt: skip
    return {
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


async def without_image(api: Api, name: str) -> None:
    """Give the Deployment of this name a ReplicaSet, and that a pod whose image is not to be had."""
    uid = (await api.get(f"{APPS}/deployments/{name}"))["metadata"]["uid"]
    made = pods_of(name)
    made["metadata"]["ownerReferences"] = [
        {**owner_reference("Deployment", name, uid), "apiVersion": "apps/v1"}
    ]
    own = {"apiVersion": "apps/v1", "kind": "ReplicaSet", **made}
    owner = await api.create(f"{APPS}/replicasets", own)
    reference = {
        **owner_reference("ReplicaSet", name, owner["metadata"]["uid"]),
        "apiVersion": "apps/v1",
    }
    metadata = {"name": name, "namespace": NAMESPACE, "ownerReferences": [reference]}
    spec = made["spec"]["template"]["spec"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    await api.create(PODS, pod)
    await waits_for(api, name, "ErrImagePull")


async def waits_for(api: Api, pod: str, reason: str) -> None:
    """Say what the pod's container waits for, as its kubelet would."""
    container = {
        "name": "main",
        "image": "x",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"waiting": {"reason": reason}},
    }
    status = {"phase": "Pending", "containerStatuses": [container]}
    await api.merge(f"{PODS}/{pod}/status", {"status": status})


async def test_pods_two_levels_down_say_whose_fault_it_is(saga: Saga) -> None:
    """A Deployment's, and those of a JobManager that is said to run: without an image nothing moves."""
    east = saga.world.api("east")
    plain, flink = Deployed(saga, "plain", "east"), await saga.ill_application("imageless")
    await plain.deploy(east)
    await asyncio.gather(*(without_image(east, app.name) for app in (plain, flink)))
    counts = {"tolerationSeconds": 0, "onUnknown": "Count"}
    policies = [
        policy_of(app.name, path=path, decisionConditions=counts, mode="Automatic")
        for app, path in ((plain, "{ .replicas }"), (flink, "{ .jobStatus.jobId }"))
    ]
    await plain.start(policies[0], observe_only=True)
    await flink.start(policies[1])
    await asyncio.gather(*(stands_still(app, "UserError") for app in (plain, flink)))
    await flink.was_never_written()
    await asyncio.gather(
        *(waits_for(east, app.name, "ContainerCreating") for app in (plain, flink))
    )
    ending, _ = await asyncio.gather(plain.ends(), flink.moved("west"))
    assert ending.outcome is Outcome.WOULD_HAVE_MOVED, ending
    assert ending.result is not None
    assert ending.result.plan is not None
    assert ending.result.plan.target == "west"


async def test_a_rule_of_ones_own_is_only_observed_until_the_policy_says_more(saga: Saga) -> None:
    """WouldHaveMoved, with the plan; nothing is written."""
    app = await saga.ill_application("unproved")
    await app.start(health_rule=rule())
    ending = await app.ends()
    assert ending.outcome is Outcome.WOULD_HAVE_MOVED, ending
    assert ending.result is not None
    assert ending.result.plan is not None
    assert "ExperimentalKind" in [each.reason for each in ending.result.plan.warnings]
    await app.was_never_written()
