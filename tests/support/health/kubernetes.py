"""Kubernetes' own kinds, and those of Kruise and Argo Rollouts that are like them."""

from __future__ import annotations

from typing import Any

from failover.domain.manifest import Manifest
from tests.support.health.cases import (
    BETWEEN_CRASHES,
    CRASHES,
    EVICTED,
    KILLED,
    LOST,
    NO_IMAGE,
    OUT_OF_MEMORY,
    PENDING,
    WELL,
    Case,
    going,
    pod,
    replica_set,
    resource,
    unready,
)


def replicated(
    kind: str, version: str, available: int, *, wanted: int = 3, updating: bool = False, **more: Any
) -> Manifest:
    """Something that keeps replicas."""
    status = {
        "observedGeneration": 2,
        "replicas": wanted,
        "readyReplicas": available,
        "availableReplicas": available,
        "currentRevision": "it-1",
        "updateRevision": "it-2" if updating else "it-1",
        **more,
    }
    return resource(kind, version, status, spec={"replicas": wanted})


def daemons(version: str, available: int, *, updated: int = 3) -> Manifest:
    """A DaemonSet on three nodes."""
    status = {
        "observedGeneration": 2,
        "desiredNumberScheduled": 3,
        "numberAvailable": available,
        "numberReady": available,
        "updatedNumberScheduled": updated,
    }
    return resource("DaemonSet", version, status)


def stateful(kind: str, version: str, *, rolls: bool = True) -> tuple[Case, ...]:
    """StatefulSet, and what is judged as one."""

    def it(available: int, **more: Any) -> Manifest:
        return replicated(kind, version, available, **more)

    rolling = Case(
        "an update, one missing",
        "Unknown/Progressing RolloutInProgress",
        it(2, updating=True),
        (WELL, NO_IMAGE),
    )
    return (
        Case("all there", "Healthy Available", it(3)),
        Case("one missing", "Unhealthy/Fault ReplicasUnavailable", it(2)),
        Case("none, nobody looked", "Unhealthy/Fault NoReplicaAvailable", it(0)),
        Case("none, no pods", "Unhealthy/Fault NoReplicaAvailable", it(0), ()),
        *((rolling,) if rolls else ()),
        Case("no image", "Unknown/UserError UserError", it(2), (WELL, NO_IMAGE)),
        Case("crashes", "Unknown/UserError UserError", it(0), (CRASHES,)),
        Case("between two crashes", "Unknown/UserError UserError", it(0), (BETWEEN_CRASHES,)),
        Case("its own memory limit", "Unknown/UserError UserError", it(0), (OUT_OF_MEMORY,)),
        Case("killed", "Unhealthy/Fault NoReplicaAvailable", it(0), (KILLED,)),
        Case("a node was lost", "Unhealthy/Fault NoReplicaAvailable", it(0), (LOST,)),
        Case("one crashes, one cannot be scheduled", "Unhealthy/Fault NoReplicaAvailable", it(0), (CRASHES, pod(phase="Pending"))),
        Case("scaled to zero", "Healthy/Suspended ScaledToZero", it(0, wanted=0)),
        Case("an old status", "Unknown StatusOutdated", it(0, observedGeneration=1)),
    )  # fmt: skip


def daemon_set(version: str) -> tuple[Case, ...]:
    """Kubernetes' or Kruise's."""
    return (
        Case("all there", "Healthy Available", daemons(version, 3)),
        Case("one missing", "Unhealthy/Fault ReplicasUnavailable", daemons(version, 2)),
        Case("none", "Unhealthy/Fault NoReplicaAvailable", daemons(version, 0)),
        Case("an update, one missing", "Unknown/Progressing RolloutInProgress", daemons(version, 2, updated=1)),
        Case("no image", "Unknown/UserError UserError", daemons(version, 0), (NO_IMAGE,)),
    )  # fmt: skip


def job(*conditions: str, reason: str = "", suspend: bool = False, **status: Any) -> Manifest:
    """A Job; these conditions hold."""
    holding = dict.fromkeys(conditions, f"True/{reason}")
    return resource("Job", "batch/v1", status, spec={"suspend": suspend}, conditions=holding)


def deploy(
    available: int, progressing: str, serving: str = "True", *, wanted: int = 3, refused: str = ""
) -> Manifest:
    """A Deployment; `refused` is what the API server has said of a pod like its template's."""
    manifest = replicated("Deployment", "apps/v1", available, wanted=wanted)
    manifest["status"]["conditions"] = [
        {"type": "Available", "status": serving},
        {"type": "Progressing", "status": progressing.partition("/")[0], "reason": progressing.partition("/")[2]},
        {"type": "ReplicaFailure", "status": str(bool(refused)), "reason": "FailedCreate", "message": refused},
    ]  # fmt: skip
    return manifest


def rollout(phase: str, available: int, *, wanted: int = 3, **conditions: str) -> Manifest:
    """Argo's Rollout; its observedGeneration is text."""
    status = {"phase": phase, "availableReplicas": available, "observedGeneration": "2"}
    return resource(
        "Rollout", "argoproj.io/v1alpha1", status, spec={"replicas": wanted}, conditions=conditions
    )


def one_pod(found: Manifest) -> Manifest:
    """The pod itself as the application."""
    return {**found, "metadata": {**found["metadata"], "ownerReferences": []}}


def deployment_cases() -> tuple[Case, ...]:
    """A Deployment with its ReplicaSets and their pods, as far as somebody looked."""
    down, short = deploy(0, DONE, "False"), deploy(1, DONE, "False")
    fault, own = "Unhealthy/Fault NoReplicaAvailable", "Unknown/UserError UserError"
    few = "Unhealthy/Fault ReplicasUnavailable"
    quota = 'pods "it-2-x" is forbidden: exceeded quota: compute'
    invalid = 'Pod "it-2-x" is invalid: spec.priority: Forbidden: may not be set'
    return (
        Case("all there", "Healthy Available", deploy(3, DONE)),
        Case("an update that serves", "Healthy RolloutInProgress", deploy(2, ROLLING)),
        Case("an update below its limit", "Unknown/Progressing RolloutInProgress", deploy(1, ROLLING, "False")),
        Case("an update that stalls", "Unknown RolloutStalled", deploy(2, STALLED)),
        Case("an update that stalls, no image", own, deploy(2, STALLED), (*replica_set(1, WELL, WELL), *replica_set(2, NO_IMAGE))),
        Case("an update that stalls, no node", "Unknown RolloutStalled", deploy(2, STALLED), (*replica_set(1, WELL, WELL), *replica_set(2, PENDING))),
        Case("too few", few, short),
        Case("none", fault, down),
        Case("none, and no ReplicaSet", fault, down, ()),
        Case("none, and no pod", fault, down, replica_set(1)),
        Case("no image", own, down, replica_set(1, NO_IMAGE, NO_IMAGE)),
        Case("no image in its first rollout", own, deploy(0, ROLLING, "False"), replica_set(1, NO_IMAGE)),
        Case("crashes", own, down, replica_set(1, CRASHES)),
        Case("between two crashes", own, down, replica_set(1, BETWEEN_CRASHES)),
        Case("between two crashes, by the clock of its node", own, down, replica_set(1, unready(after_minutes=0))),
        Case("crashed when it began, and ran well since", fault, down, replica_set(1, unready(after_minutes=11))),
        Case("killed", fault, down, replica_set(1, KILLED)),
        Case("a node was lost", fault, down, replica_set(1, LOST, LOST)),
        Case("one has no image, one was lost with its node", fault, down, replica_set(1, NO_IMAGE, LOST)),
        Case("one has no image, one finds no node", few, short, replica_set(1, WELL, NO_IMAGE, PENDING)),
        Case("no image, and what was evicted lies about", own, down, replica_set(1, NO_IMAGE, EVICTED)),
        Case("no image, and an old pod is going", own, down, (*replica_set(1, going(LOST)), *replica_set(2, NO_IMAGE))),
        Case("the new ones have no image, an old one was lost", few, short, (*replica_set(9, WELL, LOST), *replica_set(10, NO_IMAGE))),
        Case("an old one has no image, the new ones find no node", fault, down, (*replica_set(9, NO_IMAGE), *replica_set(10, PENDING))),
        Case("an old one has no image, there are no new ones", fault, down, (*replica_set(9, NO_IMAGE), *replica_set(10))),
        Case("the pods of another one have no image", fault, down, (*replica_set(1), *replica_set(2, NO_IMAGE, owner="uid-other"))),
        Case("its pods are invalid", "Unknown/UserError InvalidSpec", deploy(0, DONE, "False", refused=invalid)),
        Case("its pods exceed a quota", fault, deploy(0, DONE, "False", refused=quota)),
        Case("scaled to zero", "Healthy/Suspended ScaledToZero", deploy(0, DONE, wanted=0)),
    )  # fmt: skip


def replicas_of_rollout(revision: int, *pods: Manifest) -> tuple[Manifest, ...]:
    """A Rollout's ReplicaSet of this revision, and its pods."""
    return replica_set(revision, *pods, group="rollout.argoproj.io")


DONE, ROLLING, STALLED = "True/NewReplicaSetAvailable", "True/ReplicaSetUpdated", "False/Deadline"

CASES: dict[str, tuple[Case, ...]] = {
    "Deployment.apps": deployment_cases(),
    "StatefulSet.apps": stateful("StatefulSet", "apps/v1"),
    "ReplicaSet.apps": (
        *stateful("ReplicaSet", "apps/v1", rolls=False),
        Case(
            "its pods are invalid",
            "Unknown/UserError InvalidSpec",
            replicated("ReplicaSet", "apps/v1", 0, conditions=[{"type": "ReplicaFailure", "status": "True", "message": 'Pod "x" is invalid: spec'}]),
        ),
    ),
    "DaemonSet.apps": daemon_set("apps/v1"),
    "StatefulSet.apps.kruise.io": stateful("StatefulSet", "apps.kruise.io/v1beta1"),
    "CloneSet.apps.kruise.io": stateful("CloneSet", "apps.kruise.io/v1alpha1"),
    "DaemonSet.apps.kruise.io": daemon_set("apps.kruise.io/v1alpha1"),
    "Job.batch": (
        Case("runs", "Healthy Running", job(active=2, ready=2)),
        Case("no pod is ready", "Unhealthy/Progressing NoPodReady", job(active=2, ready=0), ()),
        Case("no image", "Unknown/UserError UserError", job(active=1, ready=0), (NO_IMAGE,)),
        Case("no pod", "Unhealthy/Fault NoActivePod", job(active=0, failed=3)),
        Case("failed", "Unhealthy/Fault JobFailed", job("Failed", reason="BackoffLimitExceeded")),
        Case("failed by its own policy", "Unknown/UserError UserError", job("Failed", reason="PodFailurePolicy")),
        Case("complete", "Healthy/Finished Finished", job("Complete")),
        Case("suspended", "Healthy/Suspended Suspended", job(suspend=True)),
    ),
    "CronJob.batch": (
        Case("scheduled", "Healthy Scheduled", resource("CronJob", "batch/v1", {"active": []})),
        Case("suspended", "Healthy/Suspended Suspended", resource("CronJob", "batch/v1", spec={"suspend": True})),
    ),
    "Pod": (
        Case("runs", "Healthy Running", one_pod(WELL)),
        Case("is not ready", "Unhealthy/Fault NotReady", one_pod(pod())),
        Case("is pending", "Unhealthy/Progressing Pending", one_pod(pod(phase="Pending"))),
        Case("has no image", "Unknown/UserError UserError", one_pod(NO_IMAGE)),
        Case("crashes", "Unknown/UserError UserError", one_pod(CRASHES)),
        Case("was killed", "Unhealthy/Fault NotReady", one_pod(KILLED)),
        Case("failed", "Unhealthy/Fault PodFailed", one_pod(pod(phase="Failed"))),
        Case("succeeded", "Healthy/Finished Finished", one_pod(pod(phase="Succeeded"))),
    ),
    "Rollout.argoproj.io": (
        Case("healthy", "Healthy Available", rollout("Healthy", 3)),
        Case("an update, all there", "Healthy RolloutInProgress", rollout("Progressing", 3)),
        Case("an update, one missing", "Unknown/Progressing RolloutInProgress", rollout("Progressing", 2)),
        Case("an update, none", "Unhealthy/Fault NoReplicaAvailable", rollout("Progressing", 0)),
        Case("paused", "Healthy Paused", rollout("Paused", 3)),
        Case("degraded, and serves", "Unknown RolloutStalled", rollout("Degraded", 2)),
        Case("degraded", "Unhealthy/Fault NoReplicaAvailable", rollout("Degraded", 0)),
        Case("degraded, no image", "Unknown/UserError UserError", rollout("Degraded", 0), replicas_of_rollout(9, NO_IMAGE)),
        Case("degraded, an old one has no image, there are no new ones", "Unhealthy/Fault NoReplicaAvailable", rollout("Degraded", 0), (*replicas_of_rollout(9, NO_IMAGE), *replicas_of_rollout(10))),
        Case("refused", "Unknown/UserError InvalidSpec", rollout("Degraded", 0, InvalidSpec="True")),
        Case("scaled to zero", "Healthy/Suspended ScaledToZero", rollout("Healthy", 0, wanted=0)),
    ),
}  # fmt: skip
