"""The Flink operator's other kinds: FlinkSessionJob and FlinkBlueGreenDeployment."""

from __future__ import annotations

from failover.domain.health.flink import ENDED, NOT_RUNNING, judge_error
from failover.domain.health.verdict import (
    Health,
    States,
    called,
    healthy,
    judge_state,
    no_status_yet,
    progressing,
    starting,
    suspended,
    unhealthy,
    unknown,
    unrecognized,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, mapping, text

SESSION_JOB = GroupKind("flink.apache.org", "FlinkSessionJob")
BLUE_GREEN = GroupKind("flink.apache.org", "FlinkBlueGreenDeployment")

_SAYS_RUNNING = "the operator's status says RUNNING"

_TRANSITIONS: States = {
    "INITIALIZING_BLUE": (starting, "Initializing", "its first deployment is being set up"),
    "TRANSITIONING_TO_BLUE": (progressing, "Transitioning", "it is changing over to blue"),
    "TRANSITIONING_TO_GREEN": (progressing, "Transitioning", "it is changing over to green"),
    "SAVEPOINTING_BLUE": (progressing, "Transitioning", "it takes a savepoint of blue"),
    "SAVEPOINTING_GREEN": (progressing, "Transitioning", "it takes a savepoint of green"),
}


def judge_session_job(workload: Manifest) -> Health:
    """The job's state; its JobManager belongs to the session cluster, which is judged by itself."""
    state = _job_state(workload)
    if text(workload, "spec", "job", "state") == "suspended":
        return suspended(
            "Suspended", f"{called(workload)} is suspended by its spec; there is nothing to move"
        )
    if not mapping(workload, "status"):
        return no_status_yet(workload)
    if state in ENDED:
        return judge_state(workload, state, ENDED)
    if error := judge_error(workload, state):
        return error
    if not state:
        return _judge_before_job(workload)
    return _judge_job(workload, state)


def judge_blue_green(workload: Manifest) -> Health:
    """The active side's job; a change-over under way is left to the operator."""
    side, job = text(workload, "status", "blueGreenState"), _job_state(workload)
    if side not in {"ACTIVE_BLUE", "ACTIVE_GREEN"}:
        return judge_error(workload, job) or judge_state(workload, side, _TRANSITIONS)
    if job == "FAILING":
        # The operator says so of the side that it gave up; the active one was left as it was.
        return unknown(
            "TransitionFailed",
            f"{called(workload)}: the last change-over failed and {side[7:].lower()} stayed active; "
            "the status does not say how that one is",
        )
    if job in ENDED:
        return judge_state(workload, job, ENDED)
    return judge_error(workload, job) or _judge_job(workload, job)


def _judge_job(workload: Manifest, state: str) -> Health:
    if state == "RUNNING":
        return healthy("Running", f"{called(workload)}: {_SAYS_RUNNING}")
    return judge_state(workload, state, NOT_RUNNING)


def _judge_before_job(workload: Manifest) -> Health:
    match text(workload, "status", "lifecycleState"):
        case "FAILED":
            return unhealthy(
                "LifecycleFailed", f"{called(workload)}: the operator's lifecycle state is FAILED"
            )
        case "" | "CREATED" | "UPGRADING" | "DEPLOYED" | "ROLLING_BACK":
            return starting(
                "JobNotStarted",
                f"{called(workload)} was not submitted yet; if that lasts, see its session cluster",
            )
        case other:
            return unrecognized(workload, other)


def _job_state(workload: Manifest) -> str:
    return text(workload, "status", "jobStatus", "state").upper()
