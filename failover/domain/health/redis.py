"""RedisCluster and RedisReplication of Opstree's operator.

A RedisReplication's status is the name of its master and nothing more, and stays when that master is
lost: so both are checked against their StatefulSets.
"""

from __future__ import annotations

from collections.abc import Sequence

from failover.domain.health.pods import judge_stateful_sets
from failover.domain.health.verdict import (
    Health,
    States,
    called,
    healthy,
    judge_state,
    no_status_yet,
    quoted,
    starting,
    unhealthy,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, mapping, number, text

REDIS_CLUSTER = GroupKind("redis.redis.opstreelabs.in", "RedisCluster")
REDIS_REPLICATION = GroupKind("redis.redis.opstreelabs.in", "RedisReplication")

_STATES: States = {
    "Initializing": (starting, "Initializing", "its leaders or followers are being set up"),
    "Bootstrap": (starting, "Bootstrapping", "its slots are being handed out"),
    "Ready": (healthy, "Ready", "the operator's state is Ready"),
    "Failed": (unhealthy, "Failed", "the operator's state is Failed"),
}


def judge_redis_cluster(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """The operator's state, checked against the StatefulSets."""
    state = text(workload, "status", "state")
    if state == "Ready" and (
        wrong := judge_stateful_sets(workload, owned, "the operator's status still says Ready")
    ):
        return wrong
    leaders = number(workload, "status", "readyLeaderReplicas")
    return judge_state(workload, state, _STATES, note=f"; {leaders} leaders ready")


def judge_redis_replication(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """Whether there is a master, and a pod that may be it."""
    if not mapping(workload, "status"):
        return no_status_yet(workload)
    master = quoted(text(workload, "status", "masterNode"))
    if not master:
        return starting("NoMaster", f"{called(workload)} has no master yet")
    wrong = judge_stateful_sets(workload, owned, f"the status still names {master} as its master")
    return wrong or healthy("Ready", f"{called(workload)}: its master is {master}")
