"""SparkApplication (sparkoperator.k8s.io), as the Spark operator reports it.

The driver is the application: where somebody looked, a `RUNNING` without a ready driver pod is not.
"""

from __future__ import annotations

from collections.abc import Sequence

from failover.domain.health.replicas import is_ready_pod
from failover.domain.health.verdict import (
    Health,
    belonging,
    called,
    healthy,
    no_status_yet,
    quoted,
    unhealthy,
    unknown,
    user_error,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, field, labels_of, number, text

SPARK_APPLICATION = GroupKind("sparkoperator.k8s.io", "SparkApplication")
POD = GroupKind("", "Pod")

_NOT_WORKING = {
    "SUBMITTED": ("Submitted", "it is submitted and its driver does not run yet"),
    "RESUMING": ("Resuming", "it is being resumed and its driver does not run yet"),
    "PENDING_RERUN": ("PendingRerun", "it waits to be run again"),
    "PENDING_SUBMISSION": ("PendingSubmission", "it waits to be submitted"),
    "INVALIDATING": ("Invalidating", "its old run is being removed, to be run again"),
    "FAILING": ("ApplicationFailing", "its driver has failed"),
    "FAILED": ("ApplicationFailed", "it has failed and will not be run again"),
    "SUBMISSION_FAILED": ("SubmissionFailed", "it could not be submitted"),
    "FAILED_SUBMISSION": ("SubmissionFailed", "it could not be submitted"),
    "UNKNOWN": ("DriverUnknown", "the operator cannot tell what became of the driver"),
}


def judge_spark(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """The application's state, checked against the driver pod."""
    name, state = called(workload), text(workload, "status", "applicationState", "state").upper()
    if state == "COMPLETED":
        return healthy("Finished", f"{name} is COMPLETED; there is nothing to move")
    if field(workload, "spec", "suspend") is True or state in {"SUSPENDED", "SUSPENDING"}:
        return healthy("Suspended", f"{name} is suspended; there is nothing to move")
    if state in {"", "NEW"}:
        return no_status_yet(workload)
    if state == "SUCCEEDING":
        return healthy("Finishing", f"{name}: its driver has succeeded")
    if state == "RUNNING":
        return _judge_driver(workload, owned)
    return _judge_not_working(workload, state)


def _judge_driver(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    name = called(workload)
    if owned is None:
        return healthy("Running", f"{name}: the operator's status says RUNNING")
    drivers = [
        each
        for each in belonging(workload, owned, POD)
        if labels_of(each).get("spark-role") == "driver"
    ]
    ready = sum(is_ready_pod(each) for each in drivers)
    if ready == 0:
        seen = "its driver pod is not ready" if drivers else "it has no driver pod"
        return unhealthy(
            "StatusContradictsPods", f"{name}: {seen}; the operator's status still says RUNNING"
        )
    return healthy(
        "Running", f"{name}: its driver pod is ready; the operator's status says RUNNING"
    )


def _judge_not_working(workload: Manifest, state: str) -> Health:
    name, attempts = called(workload), number(workload, "status", "executionAttempts")
    word = user_error(text(workload, "status", "applicationState", "errorMessage"))
    if word is not None:
        return unknown(
            "UserError", f"{name}: the operator reports {word}; it would not start elsewhere either"
        )
    if state not in _NOT_WORKING:
        return unknown(
            "UnrecognizedState", f"{name}: application state {quoted(state)} is not known here"
        )
    reason, said = _NOT_WORKING[state]
    return unhealthy(reason, f"{name}: {said} (state {state}, {attempts} attempts)")
