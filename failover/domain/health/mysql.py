"""Oracle's InnoDBCluster, as the MySQL operator diagnoses it."""

from __future__ import annotations

from collections.abc import Sequence

from failover.domain.health.pods import judge_stateful_sets
from failover.domain.health.verdict import (
    Health,
    States,
    called,
    healthy,
    judge_state,
    starting,
    suspended,
    unhealthy,
    unknown,
    user_error,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, number, text

INNODB_CLUSTER = GroupKind("mysql.oracle.com", "InnoDBCluster")

_UNSURE = "members cannot be reached, so it is not known how it is"

_STATES: States = {
    "ONLINE": (healthy, "Online", "all that the operator sees is online"),
    "ONLINE_PARTIAL": (healthy, "OnlinePartially", "it has a quorum, and members are missing"),
    "ONLINE_UNCERTAIN": (unknown, "Uncertain", _UNSURE),
    "OFFLINE": (unhealthy, "Offline", "no member is online"),
    "OFFLINE_UNCERTAIN": (unknown, "Uncertain", _UNSURE),
    "NO_QUORUM": (unhealthy, "NoQuorum", "it has lost its quorum"),
    "NO_QUORUM_UNCERTAIN": (unknown, "Uncertain", _UNSURE),
    "SPLIT_BRAIN": (
        unknown,
        "SplitBrain",
        "two groups of it write; a person has to say which one counts before anything moves",
    ),
    "SPLIT_BRAIN_UNCERTAIN": (unknown, "SplitBrain", "two groups of it may write"),
    "INITIALIZING": (starting, "Initializing", "it is being set up"),
    "PENDING": (starting, "Pending", "its pods are not there yet"),
    "INVALID": (user_error, "InvalidSpec", "the operator refuses its spec"),
    "FINALIZING": (unknown, "Finalizing", "it is being taken down"),
    "UNKNOWN": (unknown, "Uncertain", "the operator cannot tell how it is"),
}


def judge_innodb(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """The operator's diagnosis, checked against the StatefulSet."""
    state = text(workload, "status", "cluster", "status")
    wanted = number(workload, "spec", "instances", default=1)
    online = number(workload, "status", "cluster", "onlineInstances")
    if wanted == 0:
        return suspended(
            "ScaledToZero", f"{called(workload)} is scaled to zero; there is nothing to move"
        )
    if state.startswith("ONLINE") and (
        wrong := judge_stateful_sets(workload, owned, f"the operator's status still says {state}")
    ):
        return wrong
    return judge_state(workload, state, _STATES, note=f"; {online} of {wanted} members online")
