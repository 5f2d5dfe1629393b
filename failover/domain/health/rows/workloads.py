"""Kubernetes' own workloads, and what is judged as they are."""

from __future__ import annotations

from failover.domain.health.argo import ROLLOUT, judge_rollout
from failover.domain.health.entries import Entry, Support, alone, unless_own_fault
from failover.domain.health.flink import DEPLOYMENT
from failover.domain.health.jobs import judge_cron_job, judge_job, judge_pod
from failover.domain.health.pods import JOB, POD, REPLICA_SET, STATEFUL_SET, replicas_at_fault
from failover.domain.health.replicas import (
    judge_daemon_set,
    judge_deployment,
    judge_replica_set,
    judge_stateful_set,
)
from failover.domain.identity import GroupKind

_COUNTED = ("Available", "NoReplicaAvailable", "ReplicasUnavailable", "ScaledToZero")
_POD = (POD,)
_REPLICAS = ((REPLICA_SET, POD),)
_SUPPORTED = Support.SUPPORTED
_ROLLOUT = "an update under way, or stalled, is Unhealthy, however many replicas serve"


def _kruise(kind: str) -> GroupKind:
    return GroupKind("apps.kruise.io", kind)


ROWS: tuple[Entry, ...] = (
    Entry(
        DEPLOYMENT,
        unless_own_fault(judge_deployment, replicas_at_fault),
        (*_COUNTED, "InvalidSpec", "RolloutInProgress", "RolloutStalled", "UserError"),
        when_ill=_REPLICAS,
        support=_SUPPORTED,
        karmada=f"{_ROLLOUT}; a missing image is Unhealthy",
    ),
    Entry(
        STATEFUL_SET,
        judge_stateful_set,
        (*_COUNTED, "RolloutInProgress", "UserError"),
        owned=_POD,
        support=_SUPPORTED,
        karmada=f"{_ROLLOUT}; a missing image is Unhealthy",
    ),
    Entry(
        GroupKind("apps", "DaemonSet"),
        judge_daemon_set,
        (
            "Available",
            "NoReplicaAvailable",
            "ReplicasUnavailable",
            "RolloutInProgress",
            "UserError",
        ),
        owned=_POD,
        support=_SUPPORTED,
        karmada=f"{_ROLLOUT}; a missing image is Unhealthy",
    ),
    Entry(
        REPLICA_SET,
        judge_replica_set,
        (*_COUNTED, "InvalidSpec", "UserError"),
        owned=_POD,
        support=_SUPPORTED,
        karmada="a missing image is Unhealthy",
    ),
    Entry(
        JOB,
        judge_job,
        ("Finished", "JobFailed", "NoActivePod", "NoPodReady", "Running", "Suspended", "UserError"),
        owned=_POD,
        support=_SUPPORTED,
        karmada="no verdict: a Job never moves",
    ),
    Entry(
        GroupKind("batch", "CronJob"),
        alone(judge_cron_job),
        ("Scheduled", "Suspended"),
        support=_SUPPORTED,
    ),
    Entry(
        POD,
        alone(judge_pod),
        ("Finished", "NotReady", "Pending", "PodFailed", "Running", "UserError"),
        support=_SUPPORTED,
        karmada="a missing image, a program that ends by itself again and again: Unhealthy",
    ),
    Entry(
        ROLLOUT,
        unless_own_fault(alone(judge_rollout), replicas_at_fault),
        (
            "Available",
            "InvalidSpec",
            "NoReplicaAvailable",
            "Paused",
            "RolloutInProgress",
            "RolloutStalled",
            "ScaledToZero",
            "UserError",
        ),
        when_ill=_REPLICAS,
    ),
    *(
        Entry(
            _kruise(kind),
            judge_stateful_set,
            (*_COUNTED, "RolloutInProgress", "UserError"),
            owned=_POD,
            karmada=_ROLLOUT,
        )
        for kind in ("CloneSet", "StatefulSet")
    ),
    Entry(
        _kruise("DaemonSet"),
        judge_daemon_set,
        (
            "Available",
            "NoReplicaAvailable",
            "ReplicasUnavailable",
            "RolloutInProgress",
            "UserError",
        ),
        owned=_POD,
        karmada=_ROLLOUT,
    ),
)
