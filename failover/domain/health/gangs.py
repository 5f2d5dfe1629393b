"""Jobs of many pods: Volcano's Job, JobSet, and Kruise's BroadcastJob."""

from __future__ import annotations

from collections.abc import Sequence

from failover.domain.health.pods import pods_at_fault
from failover.domain.health.verdict import (
    Health,
    States,
    called,
    finished,
    healthy,
    holds,
    judge_state,
    no_status_yet,
    quoted,
    starting,
    suspended,
    unhealthy,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, field, items, mapping, maps, number, text

VOLCANO_JOB = GroupKind("batch.volcano.sh", "Job")
JOB_SET = GroupKind("jobset.x-k8s.io", "JobSet")
BROADCAST_JOB = GroupKind("apps.kruise.io", "BroadcastJob")

_PHASES: States = {
    "Pending": (starting, "Pending", "its gang does not run yet"),
    "Restarting": (starting, "Restarting", "it is being restarted"),
    "Aborting": (suspended, "Suspended", "it is being aborted by a command or its own policy"),
    "Aborted": (suspended, "Suspended", "it was aborted by a command or its own policy"),
    "Terminating": (finished, "Terminated", "its own policy is ending it; nothing is to be moved"),
    "Terminated": (finished, "Terminated", "its own policy has ended it; nothing is to be moved"),
    "Completing": (healthy, "Finishing", "it is completing"),
    "Completed": (finished, "Finished", "it is complete; there is nothing to move"),
    "Failed": (unhealthy, "JobFailed", "it has failed and will not be tried again"),
}

_BROADCAST: States = {
    "running": (healthy, "Running", "it runs on its nodes"),
    "completed": (finished, "Finished", "it is complete; there is nothing to move"),
    "paused": (suspended, "Suspended", "it is paused; there is nothing to move"),
    "failed": (unhealthy, "JobFailed", "it has failed"),
}


def judge_volcano_job(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """The phase; while it runs, whether the gang is whole."""
    phase = text(workload, "status", "state", "phase")
    if phase == "Running":
        return _judge_gang(workload, owned)
    if phase in {"Pending", "Restarting", "Failed"} and (fault := pods_at_fault(workload, owned)):
        return fault
    retries = number(workload, "status", "retryCount")
    return judge_state(workload, phase, _PHASES, note=f"; {retries} retries" if retries else "")


def _judge_gang(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    running, done = (number(workload, "status", each) for each in ("running", "succeeded"))
    least = number(workload, "status", "minAvailable")
    told = f"{called(workload)}: {running} pods running, {done} done, {least} needed"
    if running + done >= least:
        return healthy("Running", told)
    return pods_at_fault(workload, owned) or unhealthy("GangIncomplete", told)


def judge_job_set(workload: Manifest) -> Health:
    """Its conditions; then how many of its jobs are ready or done, out of those that it wants."""
    name, end = called(workload), text(workload, "status", "terminalState")
    if holds(workload, "Completed") or end == "Completed":
        return finished("Finished", f"{name} is complete; there is nothing to move")
    if (failed := holds(workload, "Failed")) or end == "Failed":
        reason = quoted(text(failed, "reason")) or "no reason given"
        return unhealthy("JobFailed", f"{name} has failed ({reason})")
    if field(workload, "spec", "suspend") is True or holds(workload, "Suspended"):
        return suspended("Suspended", f"{name} is suspended; there is nothing to move")
    if not mapping(workload, "status"):
        return no_status_yet(workload)
    return _judge_jobs(workload)


def _judge_jobs(workload: Manifest) -> Health:
    jobs = list(maps(items(workload, "status", "replicatedJobsStatus")))
    up = sum(number(each, "ready") + number(each, "succeeded") for each in jobs)
    wanted = sum(
        number(each, "replicas", default=1)
        for each in maps(items(workload, "spec", "replicatedJobs"))
    )
    told = f"{called(workload)}: {up} of {wanted} jobs are ready or done"
    if up >= wanted:
        return healthy("Running", told)
    if holds(workload, "RestartingJobSet"):
        return starting("Restarting", f"{told}; it is being restarted")
    if holds(workload, "StartupPolicyInProgress") or not up:
        return starting("NotRunning", told)
    return unhealthy("JobsNotReady", told)


def judge_broadcast_job(workload: Manifest) -> Health:
    """Kruise's job on every node."""
    return judge_state(workload, text(workload, "status", "phase"), _BROADCAST)
