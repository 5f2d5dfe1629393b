"""SparkApplication and its schedule (sparkoperator.k8s.io), as the Spark operator reports them.

The driver is the application: where somebody looked, a `RUNNING` without a ready driver pod is not.
"""

from __future__ import annotations

from collections.abc import Sequence

from failover.domain.health.pods import POD, is_ready_pod, own_fault_of
from failover.domain.health.verdict import (
    Health,
    States,
    belonging,
    called,
    error_word,
    finished,
    healthy,
    judge_state,
    no_status_yet,
    quoted,
    starting,
    suspended,
    unhealthy,
    user_error,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, field, labels_of, number, text

SPARK_APPLICATION = GroupKind("sparkoperator.k8s.io", "SparkApplication")
SPARK_SCHEDULE = GroupKind("sparkoperator.k8s.io", "ScheduledSparkApplication")

_NOT_WORKING: States = {
    "SUBMITTED": (starting, "Submitted", "it is submitted and its driver does not run yet"),
    "RESUMING": (starting, "Resuming", "it is being resumed and its driver does not run yet"),
    "PENDING_RERUN": (starting, "PendingRerun", "it waits to be run again"),
    "PENDING_SUBMISSION": (starting, "PendingSubmission", "it waits to be submitted"),
    "INVALIDATING": (starting, "Invalidating", "its old run is being removed, to be run again"),
    "FAILING": (unhealthy, "ApplicationFailing", "its driver has failed"),
    "FAILED": (unhealthy, "ApplicationFailed", "it has failed and will not be run again"),
    "SUBMISSION_FAILED": (unhealthy, "SubmissionFailed", "it could not be submitted"),
    "FAILED_SUBMISSION": (unhealthy, "SubmissionFailed", "it could not be submitted"),
    "UNKNOWN": (unhealthy, "DriverUnknown", "the operator cannot tell what became of the driver"),
}
_SCHEDULES: States = {
    "Scheduled": (healthy, "Scheduled", "it is scheduled; each of its runs is judged by itself"),
    "Validating": (starting, "Validating", "the operator validates it"),
    "FailedValidation": (user_error, "ValidationFailed", "the operator refuses its spec"),
}


def judge_spark(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """The application's state, checked against the driver pod."""
    name, state = called(workload), text(workload, "status", "applicationState", "state").upper()
    if state == "COMPLETED":
        return finished("Finished", f"{name} is COMPLETED; there is nothing to move")
    if field(workload, "spec", "suspend") is True or state in {"SUSPENDED", "SUSPENDING"}:
        return suspended("Suspended", f"{name} is suspended; there is nothing to move")
    if state in {"", "NEW"}:
        return no_status_yet(workload)
    if state == "SUCCEEDING":
        return healthy("Finishing", f"{name}: its driver has succeeded")
    if state == "RUNNING":
        return _judge_driver(workload, owned)
    return _judge_not_working(workload, state, owned)


def judge_spark_schedule(workload: Manifest) -> Health:
    """A ScheduledSparkApplication runs nothing itself."""
    if field(workload, "spec", "suspend") is True:
        return suspended("Suspended", f"{called(workload)} is suspended; there is nothing to move")
    return judge_state(workload, text(workload, "status", "scheduleState"), _SCHEDULES)


def _judge_driver(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    name = called(workload)
    if owned is None:
        return healthy("Running", f"{name}: the operator's status says RUNNING")
    drivers = _drivers(workload, owned)
    ready = sum(is_ready_pod(each) for each in drivers)
    if ready == 0:
        if fault := own_fault_of(drivers, workload):
            return fault
        seen = "its driver pod is not ready" if drivers else "it has no driver pod"
        return unhealthy(
            "StatusContradictsPods", f"{name}: {seen}; the operator's status still says RUNNING"
        )
    return healthy(
        "Running", f"{name}: its driver pod is ready; the operator's status says RUNNING"
    )


def _judge_not_working(workload: Manifest, state: str, owned: Sequence[Manifest] | None) -> Health:
    name, attempts = called(workload), number(workload, "status", "executionAttempts")
    word = error_word(text(workload, "status", "applicationState", "errorMessage"))
    if word is not None:
        return user_error(
            "UserError", f"{name}: the operator reports {word}; it would not start elsewhere either"
        )
    if fault := own_fault_of(_drivers(workload, owned or ()), workload):
        return fault
    return judge_state(
        workload, state, _NOT_WORKING, note=f" (state {quoted(state)}, {attempts} attempts)"
    )


def _drivers(workload: Manifest, owned: Sequence[Manifest]) -> list[Manifest]:
    return [
        each
        for each in belonging(workload, owned, POD)
        if labels_of(each).get("spark-role") == "driver"
    ]
