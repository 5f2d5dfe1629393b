"""Whether an application still starts up: it has not been healthy on its cluster so far.

Until then `initialTolerationSeconds` counts, from then on `tolerationSeconds`. Nobody has watched it all
the time, so what is there now has to tell. In this order:

1. it is healthy now: it was healthy once;
2. a failover has brought this very copy here, and has closed its record: it has seen it healthy, or has
   put it back where it had been;
3. its own status says that it was well: Flink's last stable spec, a Deployment's completed rollout;
4. its condition `Ready` or `Available`: lost later than a minute after the object was created, it had been
   there; never there, it still starts. Both moments are the cluster's own, and are compared with no other;
5. otherwise the verdict: what is Unhealthy because it is on its way (`Progressing`) starts, what is
   broken was well before.

In doubt it was healthy: then `tolerationSeconds` counts, as where nothing is written.
"""

from __future__ import annotations

from datetime import timedelta

from failover.domain.health import Cause, Health, HealthStatus
from failover.domain.health.verdict import condition
from failover.domain.manifest import Manifest, moment, text
from failover.domain.marks import mark_of
from failover.domain.record import generation_of, home_of, is_open

FIRST_WORD = timedelta(minutes=1)
"""A controller's first word on a new object comes within this; what is said later is a change."""

ROLLED_OUT = "NewReplicaSetAvailable"


def is_starting_up(manifest: Manifest, health: Health, head: Manifest | None, cluster: str) -> bool:
    """Whether this object was never healthy on this cluster, as far as can be told; `head`: the record there."""
    if health.status is HealthStatus.HEALTHY:
        return False
    if _was_brought_here(manifest, head, cluster) or _was_stable(manifest):
        return False
    served = _has_served(manifest)
    return health.cause is Cause.PROGRESSING if served is None else not served


def _was_brought_here(manifest: Manifest, head: Manifest | None, cluster: str) -> bool:
    mark = mark_of(manifest)
    if mark is None or head is None or is_open(head):
        return False
    return home_of(head) == cluster and mark.generation == generation_of(head)


def _was_stable(manifest: Manifest) -> bool:
    if text(manifest, "status", "reconciliationStatus", "lastStableSpec"):
        return True
    return text(condition(manifest, "Progressing") or {}, "reason") == ROLLED_OUT


def _has_served(manifest: Manifest) -> bool | None:
    """Whether it was once ready; `None` where it has no such condition, or no moments."""
    found = condition(manifest, "Ready", "Available")
    if found is None:
        return None
    if text(found, "status") == "True":
        return True
    changed = moment(found, "lastTransitionTime")
    created = moment(manifest, "metadata", "creationTimestamp")
    if changed is None or created is None:
        return None
    return changed - created > FIRST_WORD
