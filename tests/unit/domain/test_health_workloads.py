"""The verdict on Kubernetes' own workloads."""

from __future__ import annotations

import pytest

from failover.domain.health import judge
from failover.domain.manifest import Manifest
from tests.support.objects import daemon_set, deployment, job, stateful_set

ROLLING = {"Available": "True", "Progressing": "True/ReplicaSetUpdated"}
ROLLING_SHORT = {"Available": "False", "Progressing": "True/ReplicaSetUpdated"}
STALLED = {"Available": "True", "Progressing": "False/ProgressDeadlineExceeded"}
STALLED_SHORT = {"Available": "False", "Progressing": "False/ProgressDeadlineExceeded"}
DOWN = {"Available": "False", "Progressing": "True/NewReplicaSetAvailable"}

CASES: dict[str, tuple[Manifest, str, str]] = {
    "deployment, all there": (deployment(), "Healthy", "Available"),
    "deployment, all there in a rollout": (
        deployment(updated=1, conditions=ROLLING),
        "Healthy",
        "Available",
    ),
    "deployment, rollout, enough": (
        deployment(available=2, updated=1, conditions=ROLLING),
        "Healthy",
        "RolloutInProgress",
    ),
    "deployment, rollout, too few": (
        deployment(available=1, updated=1, conditions=ROLLING_SHORT),
        "Unknown",
        "RolloutInProgress",
    ),
    "deployment, rollout, none": (
        deployment(available=0, updated=1, conditions=ROLLING_SHORT),
        "Unhealthy",
        "NoReplicaAvailable",
    ),
    "deployment, rollout stalled, enough": (
        deployment(available=2, updated=1, conditions=STALLED),
        "Unknown",
        "RolloutStalled",
    ),
    "deployment, rollout stalled, too few": (
        deployment(available=1, updated=1, conditions=STALLED_SHORT),
        "Unhealthy",
        "ReplicasUnavailable",
    ),
    "deployment, one lost": (
        deployment(available=2, conditions={**DOWN, "Available": "True"}),
        "Unhealthy",
        "ReplicasUnavailable",
    ),
    "deployment, all lost": (
        deployment(available=0, conditions=DOWN),
        "Unhealthy",
        "NoReplicaAvailable",
    ),
    "deployment, old numbers": (deployment(available=0, observed=3), "Unknown", "StatusOutdated"),
    "deployment, scaled to zero": (deployment(wanted=0, available=0), "Healthy", "ScaledToZero"),
    "deployment, no status": ({**deployment(), "status": {}}, "Unknown", "NoStatusYet"),
    "stateful set, all there": (stateful_set(), "Healthy", "Available"),
    "stateful set, one lost": (stateful_set(available=2), "Unhealthy", "ReplicasUnavailable"),
    "stateful set, update": (
        stateful_set(available=2, updating=True),
        "Unknown",
        "RolloutInProgress",
    ),
    "stateful set, more lost than an update takes": (
        stateful_set(available=1, updating=True),
        "Unhealthy",
        "ReplicasUnavailable",
    ),
    "stateful set, single, update": (
        stateful_set(wanted=1, available=0, updating=True),
        "Unhealthy",
        "NoReplicaAvailable",
    ),
    "stateful set, server without availableReplicas": (
        stateful_set(wanted=2, available=2, availableReplicas=None),
        "Healthy",
        "Available",
    ),
    "daemon set, all there": (daemon_set(), "Healthy", "Available"),
    "daemon set, one lost": (daemon_set(available=2), "Unhealthy", "ReplicasUnavailable"),
    "daemon set, update": (daemon_set(available=2, updated=1), "Unknown", "RolloutInProgress"),
    "daemon set, none": (daemon_set(available=0, updated=1), "Unhealthy", "NoReplicaAvailable"),
    "job, runs": (job(active=2, ready=1), "Healthy", "Running"),
    "job, pods pending": (job(active=2, ready=0), "Unhealthy", "NoPodReady"),
    "job, between two attempts": (job(active=0, failed=3), "Unhealthy", "NoActivePod"),
    "job, done": (job("Complete", succeeded=1), "Healthy", "Finished"),
    "job, failed": (
        job("Failed", reason="BackoffLimitExceeded", failed=6),
        "Unhealthy",
        "JobFailed",
    ),
    "job, ended by its author": (job("Failed", reason="PodFailurePolicy"), "Unknown", "UserError"),
    "job, suspended": (job("Suspended", suspend=True), "Healthy", "Suspended"),
}


@pytest.mark.parametrize(("workload", "status", "reason"), CASES.values(), ids=CASES)
def test_a_workload_is_judged_by_what_serves(workload: Manifest, status: str, reason: str) -> None:
    """Lost replicas are Unhealthy, an update in progress is not, and each verdict has a reason."""
    verdict = judge(workload, None)
    assert (verdict.status, verdict.reason) == (status, reason)


@pytest.mark.parametrize(
    "workload", [deployment(), job(active=1), stateful_set()], ids=lambda each: each["kind"]
)
def test_an_object_being_deleted_is_unknown(workload: Manifest) -> None:
    """Somebody is at work on it: no failover begins by itself, however ill it looks."""
    workload["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert judge(workload, None).reason == "BeingDeleted"


def test_messages_tell_numbers() -> None:
    """A tired operator reads how many of how many."""
    assert (
        "1 of 3 replicas available" in judge(deployment(available=1, conditions=DOWN), None).message
    )
