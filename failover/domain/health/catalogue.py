"""Which rules judge which kind, what must be looked at for it, and whether two copies may run.

A kind that the catalogue does not know is judged by its conditions. Whether two copies of it may
run at once is decided for the worse: a custom kind is taken to be exclusive. Taking a stateless
kind for exclusive costs a refusal that names its remedy (`purgeMode: Directly`, or
`allowTwoCopies: true`); taking a database for stateless costs the data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from failover.domain.health.conditions import judge_by_conditions
from failover.domain.health.flink import DEPLOYMENT, FLINK_DEPLOYMENT, judge_flink
from failover.domain.health.jobs import judge_job, judge_pod
from failover.domain.health.replicas import (
    judge_daemon_set,
    judge_deployment,
    judge_replica_set,
    judge_stateful_set,
)
from failover.domain.health.spark import POD, SPARK_APPLICATION, judge_spark
from failover.domain.health.verdict import Health, called, unknown
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, is_deleting

STATEFUL_SET = GroupKind("apps", "StatefulSet")

_BY_ITSELF: dict[GroupKind, Callable[[Manifest], Health]] = {
    DEPLOYMENT: judge_deployment,
    STATEFUL_SET: judge_stateful_set,
    GroupKind("apps", "DaemonSet"): judge_daemon_set,
    GroupKind("apps", "ReplicaSet"): judge_replica_set,
    GroupKind("batch", "Job"): judge_job,
    POD: judge_pod,
}

_WITH_OWNED: dict[GroupKind, Callable[[Manifest, Sequence[Manifest] | None], Health]] = {
    FLINK_DEPLOYMENT: judge_flink,
    SPARK_APPLICATION: judge_spark,
}

_OWNED_KINDS: dict[GroupKind, tuple[GroupKind, ...]] = {
    FLINK_DEPLOYMENT: (DEPLOYMENT,),
    SPARK_APPLICATION: (POD,),
}

_SHARED = frozenset(
    {
        GroupKind("apps.kruise.io", "CloneSet"),
        GroupKind("apps.kruise.io", "DaemonSet"),
        GroupKind("argoproj.io", "Rollout"),
        GroupKind("ray.io", "RayService"),
        GroupKind("serving.knative.dev", "Service"),
    }
)
"""Custom kinds of which several copies run side by side by design."""


def judge(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """The verdict on a workload; `owned=None` means that nobody looked at what it owns."""
    if is_deleting(workload):
        return unknown("BeingDeleted", f"{called(workload)} is being deleted; find out by whom")
    kind = GroupKind.of(workload)
    if kind in _WITH_OWNED:
        return _WITH_OWNED[kind](workload, owned)
    return _BY_ITSELF.get(kind, judge_by_conditions)(workload)


def owned_kinds(kind: GroupKind) -> tuple[GroupKind, ...]:
    """What must be looked at to judge this kind; nothing where its own controller counts the pods.

    A Deployment's or StatefulSet's status is kept by the cluster's own controller manager, which
    also marks the pods of lost nodes: listing pods beside it would say nothing more.
    """
    return _OWNED_KINDS.get(kind, ())


def is_exclusive(kind: GroupKind) -> bool:
    """Whether two running copies may corrupt state; unknown custom kinds are taken to be so."""
    if kind == STATEFUL_SET:
        return True
    return kind not in _SHARED and not _is_built_in(kind)


def _is_built_in(kind: GroupKind) -> bool:
    """Kubernetes' own groups (`apps`, `batch`, …) and those of its SIGs.

    The Spark operator's group has a SIG's suffix and is none.
    """
    ours = "." not in kind.group or kind.group.endswith(".k8s.io")
    return ours and kind.group != SPARK_APPLICATION.group
