"""RabbitmqCluster (rabbitmq.com)."""

from __future__ import annotations

from collections.abc import Sequence

from failover.domain.health.pods import judge_stateful_sets
from failover.domain.health.verdict import (
    Health,
    called,
    condition,
    healthy,
    holds,
    no_status_yet,
    quoted,
    starting,
    suspended,
    unhealthy,
    unknown,
    user_error,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, items, number, text

RABBITMQ_CLUSTER = GroupKind("rabbitmq.com", "RabbitmqCluster")

_WRITTEN_WRONG = frozenset({"InvalidConfiguration", "FailedReconcilePVC"})


def judge_rabbitmq(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """Whether a client finds an endpoint; a missing replica alone is no reason to move."""
    name = called(workload)
    if number(workload, "spec", "replicas", default=1) == 0:
        return suspended("ScaledToZero", f"{name} is scaled to zero; there is nothing to move")
    if not items(workload, "status", "conditions"):
        return no_status_yet(workload)
    available = condition(workload, "ClusterAvailable") or {}
    match text(available, "status"):
        case "True":
            claim = "condition ClusterAvailable is still True"
            return judge_stateful_sets(workload, owned, claim) or _judge_available(workload)
        case "False":
            return _judge_unavailable(workload)
        case _:
            return unknown(
                "AvailabilityUnknown",
                f"{name}: its operator cannot tell ({quoted(text(available, 'reason'))})",
            )


def _judge_available(workload: Manifest) -> Health:
    whole = holds(workload, "AllReplicasReady")
    note = "all replicas are ready" if whole else "not all replicas are ready"
    return healthy("Available", f"{called(workload)}: it can be reached, {note}")


def _judge_unavailable(workload: Manifest) -> Health:
    name, reconciled = called(workload), condition(workload, "ReconcileSuccess") or {}
    reason = text(reconciled, "reason")
    if text(reconciled, "status") == "False" and reason in _WRITTEN_WRONG:
        return user_error("InvalidSpec", f"{name}: its operator cannot apply its spec ({reason})")
    if text(reconciled, "status") == "Unknown":
        return starting("NotAvailable", f"{name} has no endpoint yet; it is being set up")
    return unhealthy("NotAvailable", f"{name} has no endpoint that a client could reach")
