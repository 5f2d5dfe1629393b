"""What pods say about whose fault it is that they are not ready.

A pod that cannot pull its image, or whose program ends by itself again and again, would do so on any
cluster: moving it is no cure, and hides the message from whoever can mend it. A program that was
*killed* (137, 143: a probe, an eviction, a lost node) may be well elsewhere; one that its own memory
limit killed is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from failover.domain.health.verdict import (
    Health,
    belonging,
    called,
    condition,
    unhealthy,
    user_error,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, field, items, mapping, maps, number, text

POD = GroupKind("", "Pod")
STATEFUL_SET = GroupKind("apps", "StatefulSet")

_CONFIGURED_WRONG = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
    }
)
_CRASHING = "CrashLoopBackOff"
_KILLED = frozenset({137, 143})
_OWN_LIMIT = "OOMKilled"
_LOST = frozenset({"ContainerStatusUnknown", "Evicted", "NodeLost"})
_CRASHES_MIN = 2
"""A crash may be anything; a second one by itself is a habit."""


def is_ready_pod(pod: Manifest) -> bool:
    """Running, and not said to be unready (a lost node makes it so)."""
    if text(pod, "status", "phase") != "Running" or field(pod, "metadata", "deletionTimestamp"):
        return False
    ready = condition(pod, "Ready")
    return ready is None or text(ready, "status") == "True"


def pods_at_fault(workload: Manifest, owned: Sequence[Manifest] | None) -> Health | None:
    """A user error, where every pod of the workload that is not ready has only itself to blame."""
    return own_fault_of(belonging(workload, owned or (), POD), workload)


def own_fault_of(pods: Iterable[Manifest], workload: Manifest) -> Health | None:
    """A user error, where each of these pods that is not ready has only itself to blame."""
    words = [own_fault(each) for each in pods if not _is_well(each)]
    if not words or not all(words):
        return None
    return user_error(
        "UserError",
        f"{called(workload)}: {len(words)} pods are not ready for a reason of their own "
        f"({', '.join(sorted(set(words)))}); they would not start elsewhere either, "
        "mend the image, the configuration or the program",
    )


def own_fault(pod: Manifest) -> str:
    """The word for what is wrong with the pod's own image, configuration or program; or nothing."""
    statuses = [
        each
        for kind in ("initContainerStatuses", "containerStatuses")
        for each in maps(items(pod, "status", kind))
    ]
    return next((word for each in statuses if (word := _fault(each))), "")


def judge_stateful_sets(
    workload: Manifest, owned: Sequence[Manifest] | None, claim: str
) -> Health | None:
    """Unhealthy, where a status that says it is well has StatefulSets, and no pod of them is ready."""
    if owned is None:
        return None
    sets = belonging(workload, owned, STATEFUL_SET)
    if not sets or any(number(each, "status", "readyReplicas") for each in sets):
        return None
    return unhealthy(
        "StatusContradictsPods",
        f"{called(workload)}: 0 pods ready in {len(sets)} StatefulSets; {claim}",
    )


def _is_well(pod: Manifest) -> bool:
    return is_ready_pod(pod) or text(pod, "status", "phase") == "Succeeded"


def _fault(container: Manifest) -> str:
    """Why a container does not run, if that is its own doing.

    Between two crashes it runs for a moment: so its past counts, not only what it waits for.
    """
    waiting = text(container, "state", "waiting", "reason")
    if waiting in _CONFIGURED_WRONG:
        return waiting
    crashes = number(container, "restartCount")
    if field(container, "ready") is True or (waiting != _CRASHING and crashes < _CRASHES_MIN):
        return ""
    ended = mapping(container, "lastState", "terminated")
    return _CRASHING if _by_itself(ended) and (ended or waiting == _CRASHING) else ""


def _by_itself(ended: Manifest) -> bool:
    reason = text(ended, "reason")
    if reason in _LOST:
        return False
    return reason == _OWN_LIMIT or number(ended, "exitCode") not in _KILLED
