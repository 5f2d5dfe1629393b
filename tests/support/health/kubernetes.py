"""Kubernetes' own kinds, and those of Kruise and Argo Rollouts that are like them."""

from __future__ import annotations

from typing import Any

from failover.domain.manifest import Manifest
from tests.support.health.cases import (
    BETWEEN_CRASHES,
    CRASHES,
    KILLED,
    LOST,
    NO_IMAGE,
    OUT_OF_MEMORY,
    WELL,
    Case,
    pod,
    resource,
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


def deploy(available: int, progressing: str, serving: str = "True", *, wanted: int = 3) -> Manifest:
    """A Deployment."""
    manifest = replicated("Deployment", "apps/v1", available, wanted=wanted)
    manifest["status"]["conditions"] = [
        {"type": "Available", "status": serving},
        {"type": "Progressing", "status": progressing.partition("/")[0], "reason": progressing.partition("/")[2]},
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


DONE, ROLLING, STALLED = "True/NewReplicaSetAvailable", "True/ReplicaSetUpdated", "False/Deadline"

CASES: dict[str, tuple[Case, ...]] = {
    "Deployment.apps": (
        Case("all there", "Healthy Available", deploy(3, DONE)),
        Case("an update that serves", "Healthy RolloutInProgress", deploy(2, ROLLING)),
        Case("an update below its limit", "Unknown/Progressing RolloutInProgress", deploy(1, ROLLING, "False")),
        Case("an update that stalls", "Unknown RolloutStalled", deploy(2, STALLED)),
        Case("too few", "Unhealthy/Fault ReplicasUnavailable", deploy(1, DONE, "False")),
        Case("none", "Unhealthy/Fault NoReplicaAvailable", deploy(0, DONE, "False")),
        Case("scaled to zero", "Healthy/Suspended ScaledToZero", deploy(0, DONE, wanted=0)),
    ),
    "StatefulSet.apps": stateful("StatefulSet", "apps/v1"),
    "ReplicaSet.apps": stateful("ReplicaSet", "apps/v1", rolls=False),
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
        Case("refused", "Unknown/UserError InvalidSpec", rollout("Degraded", 0, InvalidSpec="True")),
        Case("scaled to zero", "Healthy/Suspended ScaledToZero", rollout("Healthy", 0, wanted=0)),
    ),
}  # fmt: skip
