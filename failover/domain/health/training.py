"""Kubeflow's training jobs: those of the training operator (PyTorchJob and its kin), and TrainJob.

The training operator writes conditions of which `Created` stays True for ever: a job that never
runs has nothing wrong in its conditions, and is ill all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from failover.domain.health.pods import pods_at_fault
from failover.domain.health.verdict import (
    Health,
    called,
    finished,
    healthy,
    holds,
    no_status_yet,
    quoted,
    starting,
    suspended,
    unhealthy,
    user_error,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, field, items, mapping, maps, number, text

TRAINING_JOBS = tuple(
    GroupKind("kubeflow.org", kind)
    for kind in ("PyTorchJob", "TFJob", "MPIJob", "XGBoostJob", "PaddleJob", "JAXJob")
)
TRAIN_JOB = GroupKind("trainer.kubeflow.org", "TrainJob")

_OWN_DOING = frozenset({"DeadlineExceeded", "TrainingRuntimeNotSupported"})
"""Why a job may have failed that another cluster would not change."""


def judge_training_job(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """The newest of Succeeded, Failed, Suspended, Restarting, Running that holds."""
    name = called(workload)
    if holds(workload, "Succeeded"):
        return finished("Finished", f"{name} has succeeded; there is nothing to move")
    if failed := holds(workload, "Failed"):
        return pods_at_fault(workload, owned) or _judge_failed(workload, failed)
    if field(workload, "spec", "runPolicy", "suspend") is True or holds(workload, "Suspended"):
        return suspended("Suspended", f"{name} is suspended; there is nothing to move")
    if not items(workload, "status", "conditions"):
        return no_status_yet(workload)
    if holds(workload, "Running"):
        return healthy("Running", f"{name}: condition Running is True")
    if fault := pods_at_fault(workload, owned):
        return fault
    if holds(workload, "Restarting"):
        return starting("Restarting", f"{name} is being restarted and does not run")
    return starting("NotRunning", f"{name} was created and does not run yet")


def judge_train_job(workload: Manifest) -> Health:
    """The conditions; then whether any of its jobs has a pod, and is ready."""
    name = called(workload)
    if holds(workload, "Complete"):
        return finished("Finished", f"{name} is complete; there is nothing to move")
    if failed := holds(workload, "Failed"):
        return _judge_failed(workload, failed)
    if field(workload, "spec", "suspend") is True or holds(workload, "Suspended"):
        return suspended("Suspended", f"{name} is suspended; there is nothing to move")
    if not mapping(workload, "status"):
        return no_status_yet(workload)
    jobs = list(maps(items(workload, "status", "jobsStatus")))
    active, ready, failures = (
        sum(number(each, word) for each in jobs) for word in ("active", "ready", "failed")
    )
    if ready or any(number(each, "succeeded") for each in jobs):
        return healthy("Running", f"{name}: {ready} of its jobs are ready, {active} active")
    if failures:
        return unhealthy("JobsFailed", f"{name}: {failures} of its jobs have failed, none is ready")
    return starting("NotRunning", f"{name}: {active} of its jobs are active, none is ready yet")


def _judge_failed(workload: Manifest, failed: Manifest) -> Health:
    name, reason = called(workload), text(failed, "reason")
    if reason in _OWN_DOING:
        return user_error(
            reason, f"{name} has failed ({reason}); it would fail elsewhere too, mend its spec"
        )
    return unhealthy("JobFailed", f"{name} has failed ({quoted(reason) or 'no reason given'})")
