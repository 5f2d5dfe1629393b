"""Percona's clusters: XtraDB (MySQL) and Server for MongoDB, which share their states.

`initializing` is said whenever a member is not ready, at the first start as after the loss of one:
what counts is whether a majority is there, without which neither database writes.
"""

from __future__ import annotations

from collections.abc import Sequence

from failover.domain.health.pods import judge_stateful_sets
from failover.domain.health.verdict import (
    Health,
    called,
    healthy,
    no_status_yet,
    progressing,
    starting,
    suspended,
    unhealthy,
    unrecognized,
    user_error,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, field, mapping, number, text

XTRADB = GroupKind("pxc.percona.com", "PerconaXtraDBCluster")
MONGODB = GroupKind("psmdb.percona.com", "PerconaServerMongoDB")


def judge_xtradb(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """Members are those of the database, without its proxies."""
    ready, size = (number(workload, "status", "pxc", each) for each in ("ready", "size"))
    return _judge(workload, owned, ready, size)


def judge_mongodb(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
    """Members of all replica sets together."""
    ready, size = (number(workload, "status", each) for each in ("ready", "size"))
    return _judge(workload, owned, ready, size)


def _judge(workload: Manifest, owned: Sequence[Manifest] | None, ready: int, size: int) -> Health:
    name, state = called(workload), text(workload, "status", "state")
    told = f"{name}: {ready} of {size} members ready, state {state}"
    majority = ready > size // 2
    if field(workload, "spec", "pause") is True or state in {"paused", "stopping"}:
        return suspended("Suspended", f"{name} is paused; there is nothing to move")
    if not mapping(workload, "status"):
        return no_status_yet(workload)
    match state:
        case "ready":
            claim = "the operator's status still says ready"
            return judge_stateful_sets(workload, owned, claim) or healthy("Ready", told)
        case "initializing":
            return progressing("Initializing", told) if majority else starting("NoQuorum", told)
        case "error" if majority:
            return user_error(
                "ReconcileFailed",
                f"{told}; it serves and its operator cannot do what the spec asks",
            )
        case "error":
            return unhealthy("Error", told)
        case "":
            return no_status_yet(workload)
        case other:
            return unrecognized(workload, other)
