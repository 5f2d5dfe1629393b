"""Kinds that end by themselves: Job and bare Pod; and CronJob, which makes Jobs."""

from __future__ import annotations

from collections.abc import Sequence

from failover.domain.health.pods import own_fault_of, pods_at_fault
from failover.domain.health.verdict import (
    Health,
    called,
    condition,
    finished,
    healthy,
    holds,
    no_status_yet,
    quoted,
    starting,
    suspended,
    unhealthy,
    unrecognized,
    user_error,
)
from failover.domain.manifest import Manifest, field, mapping, number, text

_DECIDED_BY_AUTHOR = "PodFailurePolicy"


def judge_job(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """Finished and suspended jobs stay; a failed one moves, unless its author said no."""
    name = called(workload)
    if found := holds(workload, "Complete", "SuccessCriteriaMet"):
        return finished(
            "Finished", f"{name}: condition {text(found, 'type')} is True; there is nothing to move"
        )
    if found := holds(workload, "Failed", "FailureTarget"):
        return _judge_failed(workload, quoted(text(found, "reason")))
    if field(workload, "spec", "suspend") is True:
        return suspended("Suspended", f"{name} is suspended by its spec; there is nothing to move")
    if not mapping(workload, "status"):
        return no_status_yet(workload)
    return _judge_running(workload, owned)


def _judge_failed(workload: Manifest, why: str) -> Health:
    failed = number(workload, "status", "failed")
    if why == _DECIDED_BY_AUTHOR:
        return user_error(
            "UserError",
            f"{called(workload)}: its own podFailurePolicy ended it; it would fail elsewhere too",
        )
    return unhealthy(
        "JobFailed",
        f"{called(workload)} has failed ({why or 'no reason given'}; {failed} pods failed)",
    )


def _judge_running(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    name, active = called(workload), number(workload, "status", "active")
    failed = number(workload, "status", "failed")
    if active == 0:
        return unhealthy(
            "NoActivePod", f"{name} is not finished and has no active pod; {failed} pods failed"
        )
    ready = number(workload, "status", "ready", default=active)
    if ready == 0:
        return pods_at_fault(workload, owned) or starting(
            "NoPodReady", f"{name}: 0 of {active} active pods are ready"
        )
    return healthy("Running", f"{name}: {ready} of {active} active pods are ready")


def judge_pod(workload: Manifest) -> Health:
    """A pod by its phase, a running one by its condition `Ready`."""
    name = called(workload)
    match text(workload, "status", "phase"):
        case "Succeeded":
            return finished("Finished", f"{name} has succeeded; there is nothing to move")
        case "Failed":
            return unhealthy("PodFailed", f"{name} has failed")
        case "Running":
            return _judge_running_pod(workload)
        case "Pending":
            return own_fault_of([workload], workload) or starting("Pending", f"{name} is pending")
        case "":
            return no_status_yet(workload)
        case other:
            return unrecognized(workload, other)


def _judge_running_pod(workload: Manifest) -> Health:
    ready = condition(workload, "Ready")
    if ready is not None and text(ready, "status") != "True":
        return own_fault_of([workload], workload) or unhealthy(
            "NotReady", f"{called(workload)} runs and is not ready"
        )
    return healthy("Running", f"{called(workload)} runs and is ready")


def judge_cron_job(workload: Manifest) -> Health:
    """A schedule runs nothing itself; what matters is that it is not suspended."""
    name = called(workload)
    if field(workload, "spec", "suspend") is True:
        return suspended("Suspended", f"{name} is suspended by its spec; there is nothing to move")
    return healthy("Scheduled", f"{name} is scheduled; each of its Jobs is judged by itself")
