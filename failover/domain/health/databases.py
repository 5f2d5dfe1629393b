"""Databases and stores whose operators say it in one word: KubeBlocks, Elastic's operator."""

from __future__ import annotations

from collections.abc import Sequence

from failover.domain.health.pods import judge_stateful_sets
from failover.domain.health.verdict import (
    Health,
    States,
    called,
    healthy,
    judge_state,
    lag,
    progressing,
    starting,
    suspended,
    unhealthy,
    unknown,
    user_error,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, text

KUBEBLOCKS_CLUSTER = GroupKind("apps.kubeblocks.io", "Cluster")
ELASTICSEARCH = GroupKind("elasticsearch.k8s.elastic.co", "Elasticsearch")

_KUBEBLOCKS: States = {
    "Creating": (starting, "Creating", "its components are being created"),
    "Running": (healthy, "Running", "all of its components run"),
    "Updating": (progressing, "Updating", "a component is being updated"),
    "Stopping": (suspended, "Suspended", "it is being stopped; there is nothing to move"),
    "Stopped": (suspended, "Suspended", "it is stopped; there is nothing to move"),
    "Deleting": (unknown, "BeingDeleted", "it is being deleted; find out by whom"),
    "Failed": (unhealthy, "Failed", "all of its components have failed"),
    "Abnormal": (unhealthy, "Abnormal", "some of its components have failed"),
}
_ELASTIC: States = {
    "green": (healthy, "Green", "all of its shards are assigned"),
    "yellow": (healthy, "Yellow", "all of its primary shards are assigned, not all replicas"),
    "red": (unhealthy, "Red", "primary shards are not assigned"),
    "unknown": (starting, "NotAnswering", "it does not answer its operator"),
}


def judge_kubeblocks(workload: Manifest) -> Health:
    """The phase, which KubeBlocks makes from those of all components."""
    return lag(workload) or judge_state(workload, text(workload, "status", "phase"), _KUBEBLOCKS)


def judge_elasticsearch(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """The colour of the cluster, checked against its StatefulSets."""
    health, phase = (text(workload, "status", each) for each in ("health", "phase"))
    if phase == "Invalid":
        return user_error("InvalidSpec", f"{called(workload)}: the operator refuses its spec")
    if health in {"green", "yellow"} and (
        wrong := judge_stateful_sets(workload, owned, f"the operator's status still says {health}")
    ):
        return wrong
    if health == "unknown" and phase in {"ApplyingChanges", "MigratingData"}:
        return starting("ApplyingChanges", f"{called(workload)} is being set up or changed")
    return judge_state(workload, health, _ELASTIC)
