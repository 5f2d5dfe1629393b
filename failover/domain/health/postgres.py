"""CloudNativePG's Cluster.

It fails over within its own cluster, which is quicker and keeps all data: as long as it is at that
and an instance is ready, it is left to it. With no instance ready nothing serves, whatever the phase.
"""

from __future__ import annotations

from failover.domain.health.verdict import (
    Health,
    States,
    called,
    healthy,
    holds,
    judge_state,
    progressing,
    starting,
    suspended,
    unhealthy,
    unknown,
    user_error,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, annotations_of, number, text

CNPG_CLUSTER = GroupKind("postgresql.cnpg.io", "Cluster")

_HIBERNATION = "cnpg.io/hibernation"
_FENCED = "cnpg.io/fencedInstances"
_HEALTHY = "Cluster in healthy state"

_CHANGING = (
    "Switchover in progress",
    "Failing over",
    "Creating a new replica",
    "Upgrading cluster",
    "Upgrading Postgres major version",
    "Cluster upgrade delayed",
    "Primary instance is being restarted in-place",
    "Primary instance is being restarted without a switchover",
    "Waiting for the instances to become active",
    "Online upgrade in progress",
    "Applying configuration",
    "Promoting to primary cluster",
)
_WRONG = (
    "Invalid cluster definition",
    "Cluster has incomplete or invalid image catalog",
    "Cluster cannot proceed to reconciliation due to an unknown plugin being required",
    "Cluster cannot execute instance online upgrade due to missing architecture binary",
)
_PHASES: States = {
    _HEALTHY: (healthy, "Healthy", "CloudNativePG says that it is in healthy state"),
    "Setting up primary": (starting, "SettingUp", "its first primary is being set up"),
    "Waiting for user action": (unknown, "WaitingForUser", "it waits for a person to act"),
    "Cluster is unrecoverable and needs manual intervention": (
        unhealthy,
        "Unrecoverable",
        "CloudNativePG says that it cannot recover it",
    ),
    "Unable to create required cluster objects": (
        unhealthy,
        "ObjectsNotCreated",
        "CloudNativePG cannot create what it needs",
    ),
    "Cluster cannot proceed to reconciliation due to an error while interacting with plugins": (
        unknown,
        "PluginFailed",
        "a plugin of CloudNativePG fails",
    ),
    **{
        each: (progressing, "Changing", f"CloudNativePG is at it: {each.lower()}")
        for each in _CHANGING
    },
    **{each: (user_error, "InvalidSpec", f"CloudNativePG says: {each.lower()}") for each in _WRONG},
}


def judge_cnpg(workload: Manifest) -> Health:
    """Asleep; unable by its own definition; without any instance; else what the phase says."""
    name, phase = called(workload), text(workload, "status", "phase")
    annotations = annotations_of(workload)
    if annotations.get(_HIBERNATION) == "on" or holds(workload, _HIBERNATION):
        return suspended("Suspended", f"{name} hibernates; there is nothing to move")
    if "*" in annotations.get(_FENCED, ""):
        return suspended("Fenced", f"{name}: somebody has fenced all of its instances")
    ready, wanted = _instances(workload)
    note = f"; {ready} of {wanted} instances ready"
    verdict = judge_state(workload, phase, _PHASES, note=note)
    if ready == 0 and (phase == _HEALTHY or phase in _CHANGING):
        make = unhealthy if phase == _HEALTHY else starting
        return make("NoInstanceReady", f"{name}: 0 of {wanted} instances ready; phase {phase!r}")
    since = text(workload, "status", "currentPrimaryFailingSinceTimestamp")
    if since and phase == _HEALTHY:
        return unhealthy("PrimaryFailing", f"{name}: its primary fails{note}")
    return verdict


def _instances(workload: Manifest) -> tuple[int, int]:
    wanted = number(workload, "spec", "instances", default=1)
    return number(workload, "status", "readyInstances"), wanted
