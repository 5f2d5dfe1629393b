"""FlinkDeployment (flink.apache.org), as the Flink Kubernetes Operator reports it.

Asked in this order: is it meant to run; has it ended; would moving help, by the status and by the
JobManager's pods; does the status itself lack a JobManager; what does the job's state say; and, where somebody looked, do the pods agree.
The observed generation is not asked: a running job with an upgrade ahead is still a running job.
"""

from __future__ import annotations

from collections.abc import Sequence

from failover.domain.health.pods import replicas_at_fault
from failover.domain.health.replicas import ready_replicas
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
    progressing,
    quoted,
    starting,
    suspended,
    unhealthy,
    user_error,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, field, labels_of, mapping, name_of, number, text

FLINK_DEPLOYMENT = GroupKind("flink.apache.org", "FlinkDeployment")
DEPLOYMENT = GroupKind("apps", "Deployment")


ENDED: States = {
    "FINISHED": (finished, "Finished", "the job is FINISHED; there is nothing to move"),
    "CANCELED": (finished, "Finished", "the job is CANCELED; there is nothing to move"),
    "FAILED": (unhealthy, "JobFailed", "the job is FAILED and nothing will restart it"),
}
NOT_RUNNING: States = {
    "CREATED": (starting, "JobCreated", "the job is CREATED, not RUNNING"),
    "INITIALIZING": (starting, "JobInitializing", "the job is INITIALIZING, not RUNNING"),
    "RECONCILING": (starting, "JobReconciling", "the job is RECONCILING, not RUNNING"),
    "RESTARTING": (unhealthy, "JobRestarting", "the job is RESTARTING, not RUNNING"),
    "FAILING": (unhealthy, "JobFailing", "the job is FAILING, not RUNNING"),
    "SUSPENDED": (unhealthy, "JobSuspended", "the job is SUSPENDED, not RUNNING"),
    "CANCELLING": (progressing, "JobCancelling", "the job is being cancelled"),
}
"""States of a Flink job, as every kind of the operator reports them."""


def judge_flink(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """The job's state, checked against the JobManager's Deployment."""
    name, state = called(workload), text(workload, "status", "jobStatus", "state").upper()
    if text(workload, "spec", "job", "state") == "suspended":
        return suspended("Suspended", f"{name} is suspended by its spec; there is nothing to move")
    if not mapping(workload, "status"):
        return no_status_yet(workload)
    if state in ENDED:
        return judge_state(workload, state, ENDED)
    return (
        judge_error(workload, state)
        or _judge_pods(workload, owned)
        or _judge_job_manager(workload)
        or _judge_state(workload, state, owned)
    )


def judge_error(workload: Manifest, state: str) -> Health | None:
    """An image or a crash loop, while the job does not run: not well, and moving won't help."""
    word = error_word(text(workload, "status", "error"))
    if word is None or state == "RUNNING":
        return None
    return user_error(
        "UserError",
        f"{called(workload)}: the operator reports {word}; it would not start elsewhere either, "
        "mend the image or the program",
    )


def _judge_pods(workload: Manifest, seen: Sequence[Manifest] | None) -> Health | None:
    """The same, of a JobManager that is not ready, by its pods: the status may not say so, or lag."""
    for each in job_managers(workload, seen or ()):
        if not number(each, "status", "readyReplicas"):
            return replicas_at_fault(each, seen, workload)
    return None


def _judge_job_manager(workload: Manifest) -> Health | None:
    match text(workload, "status", "jobManagerDeploymentStatus"):
        case "MISSING":
            return unhealthy(
                "JobManagerMissing",
                f"{called(workload)}: the operator finds no JobManager Deployment",
            )
        case "ERROR":
            return unhealthy(
                "JobManagerError", f"{called(workload)}: the JobManager Deployment is in error"
            )
        case _:
            return None


def _judge_state(workload: Manifest, state: str, owned: Sequence[Manifest] | None) -> Health:
    match state:
        case "RUNNING":
            return _judge_running(workload, "the operator's status says RUNNING", owned)
        case "":
            return _judge_without_job(workload, owned)
        case _:
            return judge_state(workload, state, NOT_RUNNING)


def _judge_without_job(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """A session cluster, or an application whose job the operator has not seen yet."""
    lifecycle = text(workload, "status", "lifecycleState")
    if lifecycle == "FAILED":
        return unhealthy(
            "LifecycleFailed", f"{called(workload)}: the operator's lifecycle state is FAILED"
        )
    if text(workload, "status", "jobManagerDeploymentStatus") == "READY":
        if lifecycle == "STABLE" or not isinstance(field(workload, "spec", "job"), dict):
            return _judge_running(workload, "the operator's status says READY", owned)
        return starting(
            "JobNotStarted",
            f"{called(workload)}: the JobManager is ready, the job is not there yet",
        )
    if text(workload, "status", "jobManagerDeploymentStatus"):
        return _job_manager_not_ready(workload)
    return no_status_yet(workload)


def _judge_running(workload: Manifest, claim: str, owned: Sequence[Manifest] | None) -> Health:
    if owned is None:
        if text(workload, "status", "jobManagerDeploymentStatus") in {"", "READY"}:
            return healthy("Running", f"{called(workload)}: {claim}")
        return _job_manager_not_ready(workload)
    managers = job_managers(workload, owned)
    if not managers:
        return unhealthy(
            "StatusContradictsPods",
            f"{called(workload)}: there is no JobManager Deployment; {_still(claim)}",
        )
    ready, wanted = ready_replicas(managers)
    if ready == 0:
        return unhealthy(
            "StatusContradictsPods",
            f"{called(workload)}: 0 of {wanted} JobManager replicas ready; {_still(claim)}",
        )
    return healthy(
        "Running", f"{called(workload)}: {ready} of {wanted} JobManager replicas ready; {claim}"
    )


def _job_manager_not_ready(workload: Manifest) -> Health:
    state = quoted(text(workload, "status", "jobManagerDeploymentStatus"))
    return starting(
        "JobManagerNotReady", f"{called(workload)}: the JobManager Deployment is {state}, not READY"
    )


def _still(claim: str) -> str:
    return claim.replace(" says ", " still says ")


def job_managers(workload: Manifest, owned: Sequence[Manifest]) -> list[Manifest]:
    """The JobManager's Deployments: labelled so; else of the same name; else all but workers."""
    found = belonging(workload, owned, DEPLOYMENT)
    labelled = [each for each in found if labels_of(each).get("component") == "jobmanager"]
    named = [each for each in found if name_of(each) == name_of(workload)]
    return labelled or named or [each for each in found if not _is_task_manager(each)]


def _is_task_manager(deployment: Manifest) -> bool:
    labelled = labels_of(deployment).get("component") == "taskmanager"
    return labelled or name_of(deployment).endswith("-taskmanager")
