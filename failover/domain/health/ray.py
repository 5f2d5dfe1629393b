"""RayJob, RayCluster and RayService, as KubeRay reports them.

A RayJob that failed by its own program (`AppFailed`) or its own deadline stays; one that could not
be submitted, or whose head stopped answering, moves. Workers come and go by autoscaling: a
RayCluster is short of them only below the sum of its `minReplicas`.
"""

from __future__ import annotations

from failover.domain.health.verdict import (
    Health,
    States,
    called,
    condition,
    error_word,
    finished,
    healthy,
    holds,
    judge_state,
    lag,
    no_status_yet,
    quoted,
    starting,
    suspended,
    unhealthy,
    unknown,
    user_error,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, field, mapping, number, text

RAY_JOB = GroupKind("ray.io", "RayJob")
RAY_CLUSTER = GroupKind("ray.io", "RayCluster")
RAY_SERVICE = GroupKind("ray.io", "RayService")

_ASLEEP = "it is suspended; there is nothing to move"

_DEPLOYMENTS: States = {
    "Initializing": (starting, "Initializing", "its Ray cluster is being set up"),
    "Waiting": (starting, "Waiting", "it waits for somebody to submit the job"),
    "Retrying": (starting, "Retrying", "it has failed and is tried again"),
    "Suspending": (suspended, "Suspended", _ASLEEP),
    "Suspended": (suspended, "Suspended", _ASLEEP),
    "ValidationFailed": (user_error, "ValidationFailed", "KubeRay refuses its spec"),
}
_FAILURES: States = {
    "AppFailed": (user_error, "AppFailed", "its program has failed; it would fail elsewhere too"),
    "ValidationFailed": (user_error, "ValidationFailed", "KubeRay refuses its spec"),
    "DeadlineExceeded": (
        user_error,
        "DeadlineExceeded",
        "its own activeDeadlineSeconds are over; give it more time",
    ),
    "SubmissionFailed": (unhealthy, "SubmissionFailed", "it could not be submitted"),
    "PreRunningDeadlineExceeded": (unhealthy, "NeverRan", "it did not run in time"),
    "JobStatusCheckTimeoutExceeded": (unhealthy, "HeadNotAnswering", "its head did not answer"),
    "JobDeploymentStatusTransitionGracePeriodExceeded": (
        unhealthy,
        "HeadNotAnswering",
        "its cluster never said that it had ended",
    ),
}


def judge_ray_job(workload: Manifest) -> Health:
    """What became of the job, and of what should run it."""
    deployed = text(workload, "status", "jobDeploymentStatus")
    if field(workload, "spec", "suspend") is True:
        return suspended("Suspended", f"{called(workload)}: {_ASLEEP}")
    match deployed:
        case "Complete":
            return _judge_complete(workload)
        case "Failed":
            reason = text(workload, "status", "reason")
            if reason not in _FAILURES:
                return unhealthy("JobFailed", f"{called(workload)} has failed ({quoted(reason)})")
            return judge_state(workload, reason, _FAILURES)
        case "Running":
            return _judge_running_job(workload)
        case _:
            return judge_state(workload, deployed, _DEPLOYMENTS)


def _judge_complete(workload: Manifest) -> Health:
    status = text(workload, "status", "jobStatus")
    if status == "FAILED":
        return judge_state(workload, "AppFailed", _FAILURES)
    return finished(
        "Finished",
        f"{called(workload)}: the job is {quoted(status) or 'complete'}; there is nothing to move",
    )


def _judge_running_job(workload: Manifest) -> Health:
    if text(workload, "status", "jobStatusCheckFailureStartTime"):
        return unhealthy(
            "HeadNotAnswering", f"{called(workload)}: its head does not say how the job is"
        )
    return healthy("Running", f"{called(workload)}: KubeRay's status says Running")


def judge_ray_cluster(workload: Manifest) -> Health:
    """The head first; then what could not be created; then the workers that it must have."""
    if not mapping(workload, "status"):
        return no_status_yet(workload)
    if _is_suspended(workload, "RayClusterSuspended", "RayClusterSuspending"):
        return suspended("Suspended", f"{called(workload)}: {_ASLEEP}")
    if behind := lag(workload):
        return behind
    return (
        _judge_head(workload)
        or _judge_replica_failure(workload)
        or _judge_workers(workload)
        or healthy("Running", f"{called(workload)}: its head and the workers it needs are ready")
    )


def _judge_head(workload: Manifest) -> Health | None:
    head = condition(workload, "HeadPodReady")
    if head is None:
        return _judge_old_state(workload)
    if text(head, "status") == "True":
        return None
    if word := _word(head):
        return user_error(
            "UserError", f"{called(workload)}: its head reports {word}; mend the image"
        )
    if not holds(workload, "RayClusterProvisioned"):
        return starting("HeadNotReady", f"{called(workload)}: its head is not ready yet")
    return unhealthy(
        "HeadNotReady",
        f"{called(workload)}: its head is not ready ({quoted(text(head, 'reason'))})",
    )


def _judge_old_state(workload: Manifest) -> Health | None:
    """Before KubeRay 1.3 there was a state and no condition."""
    match text(workload, "status", "state"):
        case "ready":
            return None
        case "failed":
            return unhealthy("ClusterFailed", f"{called(workload)}: KubeRay's state is failed")
        case "":
            return starting("HeadNotReady", f"{called(workload)}: nothing is said of its head yet")
        case other:
            return unknown(
                "UnrecognizedState", f"{called(workload)}: state {quoted(other)} is not known here"
            )


def _judge_replica_failure(workload: Manifest) -> Health | None:
    failure = holds(workload, "ReplicaFailure")
    if failure is None:
        return None
    if word := _word(failure):
        return user_error(
            "UserError", f"{called(workload)}: KubeRay reports {word}; mend the image"
        )
    reason = quoted(text(failure, "reason"))
    return unhealthy(
        "ReplicaFailure", f"{called(workload)}: a pod could not be created or deleted ({reason})"
    )


def _judge_workers(workload: Manifest) -> Health | None:
    ready, least = (
        number(workload, "status", each) for each in ("readyWorkerReplicas", "minWorkerReplicas")
    )
    if ready >= least:
        return None
    verdict = unhealthy if holds(workload, "RayClusterProvisioned") else starting
    return verdict(
        "WorkersMissing", f"{called(workload)}: {ready} workers ready, at least {least} needed"
    )


def judge_ray_service(workload: Manifest) -> Health:
    """Whether it serves; an upgrade beside what serves is no illness."""
    if not mapping(workload, "status"):
        return no_status_yet(workload)
    if _is_suspended(workload, "Suspended", "Suspending"):
        return suspended("Suspended", f"{called(workload)}: {_ASLEEP}")
    ready = condition(workload, "Ready")
    serves = ready or {"status": str(text(workload, "status", "serviceStatus") == "Running")}
    if text(serves, "status") == "True":
        return healthy("Ready", f"{called(workload)} serves")
    if holds(workload, "UpgradeInProgress", "RollbackInProgress"):
        return starting("NotReady", f"{called(workload)} does not serve yet; a change is under way")
    match text(serves, "reason"):
        case "ValidationFailed":
            return user_error("ValidationFailed", f"{called(workload)}: KubeRay refuses its spec")
        case "Initializing":
            return starting("NotReady", f"{called(workload)} does not serve yet")
        case other:
            why = f" ({quoted(other)})" if other else ""
            return unhealthy("NotReady", f"{called(workload)} does not serve{why}")


def _is_suspended(workload: Manifest, *types: str) -> bool:
    return field(workload, "spec", "suspend") is True or holds(workload, *types) is not None


def _word(found: Manifest) -> str | None:
    return error_word(f"{text(found, 'reason')} {text(found, 'message')}")
