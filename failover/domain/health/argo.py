"""Argo's Workflow and Rollout."""

from __future__ import annotations

from failover.domain.health.verdict import (
    Health,
    States,
    called,
    finished,
    healthy,
    holds,
    judge_state,
    progressing,
    starting,
    suspended,
    unhealthy,
    unknown,
    user_error,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, field, number, text

WORKFLOW = GroupKind("argoproj.io", "Workflow")
ROLLOUT = GroupKind("argoproj.io", "Rollout")

_PHASES: States = {
    "Pending": (starting, "Pending", "it does not run yet"),
    "Running": (healthy, "Running", "its controller says Running"),
    "Succeeded": (finished, "Finished", "it has succeeded; there is nothing to move"),
    "Failed": (
        user_error,
        "WorkflowFailed",
        "a step of it has failed; it would fail elsewhere too",
    ),
    "Error": (unhealthy, "WorkflowError", "its controller could not run it"),
}


def judge_workflow(workload: Manifest) -> Health:
    """`Failed` is a step's own verdict; `Error` is that of the platform under it."""
    phase = text(workload, "status", "phase")
    if phase in {"", "Pending", "Running"} and field(workload, "spec", "suspend") is True:
        return suspended("Suspended", f"{called(workload)} is suspended; there is nothing to move")
    if phase == "Error" and holds(workload, "SpecError"):
        return user_error("InvalidSpec", f"{called(workload)}: its controller refuses its spec")
    return judge_state(workload, phase, _PHASES)


def judge_rollout(workload: Manifest) -> Health:
    """As a Deployment: what serves is not evicted for the sake of an update, stalled or paused."""
    name, phase = called(workload), text(workload, "status", "phase")
    wanted = number(workload, "spec", "replicas", default=1)
    available = number(workload, "status", "availableReplicas")
    told = f"{name}: {available} of {wanted} replicas available"
    if wanted == 0:
        return suspended("ScaledToZero", f"{name} is scaled to zero; there is nothing to move")
    if holds(workload, "InvalidSpec"):
        return user_error("InvalidSpec", f"{told}; its controller refuses its spec")
    states: States = {
        "Healthy": (healthy, "Available", "its controller says Healthy"),
        "Paused": (healthy, "Paused", "its rollout is paused"),
        "Progressing": (progressing, "RolloutInProgress", "its rollout is under way"),
        "Degraded": (unknown, "RolloutStalled", "its rollout failed; roll back or mend it"),
    }
    if phase in states and available == 0:
        return unhealthy("NoReplicaAvailable", told)
    if phase == "Progressing" and available >= wanted:
        return healthy("RolloutInProgress", f"{told} while its rollout is under way")
    return judge_state(workload, phase, states, note=f"; {available} of {wanted} available")
