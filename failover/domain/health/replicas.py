"""Kinds that keep a number of replicas: Deployment, ReplicaSet, StatefulSet, DaemonSet.

An update in progress is not an illness. For a Deployment the controller says so itself, and gives
up after `progressDeadlineSeconds`; the others have no such word, so a gap no larger than an update
makes reads as Unknown there: the clock stands still, and nobody is evicted in the middle of it.
Zero available replicas are always Unhealthy, with an update or without: nothing serves; unless the
pods themselves say that the fault is their own (`pods.py`), or the API server that no pod can be made
of such a template.
"""

from __future__ import annotations

from collections.abc import Sequence

from failover.domain.health.pods import pods_at_fault
from failover.domain.health.verdict import (
    Health,
    called,
    condition,
    healthy,
    holds,
    lag,
    no_status_yet,
    progressing,
    suspended,
    unhealthy,
    unknown,
    user_error,
)
from failover.domain.manifest import Manifest, field, mapping, number, text

_ROLLED_OUT = "NewReplicaSetAvailable"
_INVALID = " is invalid: "
"""Of the API server's answers the one about the spec alone; a quota, say, `is forbidden`."""


def judge_deployment(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """Available replicas against wanted ones, with the controller's word on a rollout."""
    return _judge_counted(workload) or _judge_short_deployment(workload, owned)


def judge_replica_set(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """Available replicas against wanted ones; a ReplicaSet has no rollouts."""
    return _judge_counted(workload) or _refused(workload) or _short(workload, owned)


def judge_stateful_set(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """Available replicas against wanted ones; while revisions differ, one may be missing."""
    return _judge_counted(workload) or _judge_short_stateful_set(workload, owned)


def judge_daemon_set(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """Available pods against the number of nodes that should have one."""
    if not mapping(workload, "status"):
        return no_status_yet(workload)
    if behind := lag(workload):
        return behind
    wanted = number(workload, "status", "desiredNumberScheduled")
    available = _available(workload, "numberAvailable", "numberReady")
    if available >= wanted:
        return healthy("Available", f"{called(workload)}: {available} of {wanted} pods available")
    updating = number(workload, "status", "updatedNumberScheduled") < wanted
    if available and updating and wanted - available <= _may_miss(workload):
        return _updating(workload, available, wanted)
    reason = "ReplicasUnavailable" if available else "NoReplicaAvailable"
    return pods_at_fault(workload, owned) or unhealthy(
        reason, f"{called(workload)}: {available} of {wanted} pods available"
    )


def _judge_counted(workload: Manifest) -> Health | None:
    wanted, available = _wanted(workload), _available(workload)
    if wanted == 0:
        return suspended(
            "ScaledToZero", f"{called(workload)} is scaled to zero; there is nothing to move"
        )
    if not mapping(workload, "status"):
        return no_status_yet(workload)
    if behind := lag(workload):
        return behind
    if available >= wanted:
        return healthy(
            "Available", f"{called(workload)}: {available} of {wanted} replicas available"
        )
    return None


def _judge_short_deployment(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    wanted, available = _wanted(workload), _available(workload)
    progressing = condition(workload, "Progressing") or {}
    serving = holds(workload, "Available") is not None
    match text(progressing, "status"):
        case "True" if available and text(progressing, "reason") != _ROLLED_OUT:
            if serving:
                return healthy(
                    "RolloutInProgress",
                    f"{called(workload)}: {available} of {wanted} replicas available in a rollout, "
                    "no fewer than its strategy allows",
                )
            return _updating(workload, available, wanted)
        case "False" if available and serving:
            return _refused(workload) or unknown(
                "RolloutStalled",
                f"{called(workload)}: {available} of {wanted} replicas available and the rollout "
                "makes no progress; roll back or mend the new version",
            )
        case _:
            return _refused(workload) or _short(workload, owned)


def _refused(workload: Manifest) -> Health | None:
    """A user error, where the API server takes no pod like the template's, as no other would."""
    failure = holds(workload, "ReplicaFailure")
    if failure is None or _INVALID not in text(failure, "message"):
        return None
    return user_error(
        "InvalidSpec",
        f"{called(workload)}: its pods are refused as invalid; mend the template",
    )


def _judge_short_stateful_set(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    wanted, available = _wanted(workload), _available(workload)
    revision, update = (
        text(workload, "status", each) for each in ("currentRevision", "updateRevision")
    )
    if available and update and revision != update and wanted - available <= _may_miss(workload):
        return _updating(workload, available, wanted)
    return _short(workload, owned)


def _short(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    if fault := pods_at_fault(workload, owned):
        return fault
    available = _available(workload)
    reason = "ReplicasUnavailable" if available else "NoReplicaAvailable"
    progressing = condition(workload, "Progressing")
    stalled = progressing is not None and text(progressing, "status") == "False"
    note = "; its rollout makes no progress" if stalled else ""
    return unhealthy(
        reason, f"{called(workload)}: {available} of {_wanted(workload)} replicas available{note}"
    )


def _updating(workload: Manifest, available: int, wanted: int) -> Health:
    return progressing(
        "RolloutInProgress",
        f"{called(workload)}: {available} of {wanted} available in the middle of an update; "
        "it cannot be told yet whether more than the update is the cause",
    )


def _wanted(workload: Manifest) -> int:
    return number(workload, "spec", "replicas", default=1)


def _available(
    workload: Manifest, available: str = "availableReplicas", ready: str = "readyReplicas"
) -> int:
    """Servers leave out zeros, old ones the field; without `minReadySeconds` ready is available."""
    found = field(workload, "status", available)
    if found is None and number(workload, "spec", "minReadySeconds") == 0:
        return number(workload, "status", ready)
    return number(workload, "status", available)


def _may_miss(workload: Manifest) -> int:
    """How many replicas an update may take away at once; a percentage counts as one."""
    return max(1, number(workload, "spec", "updateStrategy", "rollingUpdate", "maxUnavailable"))


def ready_replicas(manifests: list[Manifest]) -> tuple[int, int]:
    """Ready and wanted replicas of these Deployments together."""
    ready = sum(number(each, "status", "readyReplicas") for each in manifests)
    return ready, sum(_wanted(each) for each in manifests)
