"""What pods say about whose fault it is that they are not ready.

A pod that cannot pull its image, or whose program ends by itself again and again, would do so on any
cluster: moving it is no cure, and hides the message from whoever can mend it. A program that was
*killed* (137, 143: a probe, an eviction, a lost node) may be well elsewhere; one that its own memory
limit killed is not.

A Deployment's pods are its ReplicaSets', old ones and the newest. None of them may hide what another one
suffers: see `replicas_at_fault`. The pods of whatever an operator keeps are looked at together: see
`family_at_fault`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from failover.domain.health.verdict import (
    Health,
    belonging,
    called,
    condition,
    unhealthy,
    user_error,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import (
    Manifest,
    annotations_of,
    descendants_of,
    field,
    is_deleting,
    items,
    mapping,
    maps,
    moment,
    number,
    text,
    uid_of,
)

POD = GroupKind("", "Pod")
REPLICA_SET = GroupKind("apps", "ReplicaSet")
STATEFUL_SET = GroupKind("apps", "StatefulSet")
JOB = GroupKind("batch", "Job")
_MAKERS = frozenset({REPLICA_SET, STATEFUL_SET})

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
_CRASHES_FORGOTTEN = timedelta(minutes=10)
"""A kubelet forgets a program's crashes once it has run for so long."""

_REVISIONS = ("deployment.kubernetes.io/revision", "rollout.argoproj.io/revision")
_DIGITS_MAX = 18


def is_ready_pod(pod: Manifest) -> bool:
    """Running, and not said to be unready (a lost node makes it so)."""
    if text(pod, "status", "phase") != "Running" or field(pod, "metadata", "deletionTimestamp"):
        return False
    ready = condition(pod, "Ready")
    return ready is None or text(ready, "status") == "True"


def pods_at_fault(workload: Manifest, owned: Sequence[Manifest] | None) -> Health | None:
    """A user error, where every pod of the workload that is not ready has only itself to blame."""
    return own_fault_of(belonging(workload, owned or (), POD), workload)


def replicas_at_fault(
    deployment: Manifest, seen: Sequence[Manifest] | None, workload: Manifest | None = None
) -> Health | None:
    """The same of a Deployment, whose pods its ReplicaSets own; told of the workload that it works for.

    Of every ReplicaSet each pod that is not ready has to blame itself, one of the newest among them: what
    is left of an old one does not tell why the newest has no pods. Pods that are going, or were evicted,
    have been replaced, and are no witnesses.
    """
    sets = belonging(deployment, seen or (), REPLICA_SET)
    if not sets:
        return None
    pods = [each for each in seen or () if GroupKind.of(each) == POD and _is_kept(each)]
    newest = belonging(max(sets, key=_revision), pods, POD)
    if own_fault_of(newest, deployment) is None:
        return None
    theirs = (each for each in pods if any(belonging(one, (each,), POD) for one in sets))
    return own_fault_of(theirs, workload or deployment)


def family_at_fault(workload: Manifest, seen: Sequence[Manifest] | None) -> Health | None:
    """The same of all pods that it owns, directly or through others of what was seen.

    What has no pods where it wants some does not say why; and the programs of the rest may end only because
    they miss it. Pods that are going count here: a StatefulSet on a lost node has no other ones.
    """
    family = descendants_of(uid_of(workload), seen or ())
    makers = (each for each in family if GroupKind.of(each) in _MAKERS)
    if any(_wanted(each) and not belonging(each, family, POD) for each in makers):
        return None
    return own_fault_of((each for each in family if GroupKind.of(each) == POD), workload)


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
    since = moment(condition(pod, "Ready"), "lastTransitionTime")
    return next((word for each in statuses if (word := _fault(each, since))), "")


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


def _is_kept(pod: Manifest) -> bool:
    """Whether its ReplicaSet counts it."""
    return text(pod, "status", "phase") not in {"Succeeded", "Failed"} and not is_deleting(pod)


def _wanted(maker: Manifest) -> int:
    return number(maker, "spec", "replicas", default=1)


def _revision(replica_set: Manifest) -> tuple[int, str]:
    """Higher is newer: also one that a rollback has taken up again."""
    annotations = annotations_of(replica_set)
    said = next((annotations[each] for each in _REVISIONS if each in annotations), "")
    number = int(said) if said.isascii() and said.isdigit() and len(said) <= _DIGITS_MAX else 0
    return number, text(replica_set, "metadata", "creationTimestamp")


def _fault(container: Manifest, unready_since: datetime | None) -> str:
    """Why a container does not run, if that is its own doing.

    Between two crashes it runs for a moment: so its past counts, not only what it waits for; but not of
    one that has run well since.
    """
    waiting = text(container, "state", "waiting", "reason")
    if waiting in _CONFIGURED_WRONG:
        return waiting
    crashes = number(container, "restartCount")
    if field(container, "ready") is True or (waiting != _CRASHING and crashes < _CRASHES_MIN):
        return ""
    began = moment(container, "state", "running", "startedAt")
    if began and unready_since and unready_since - began >= _CRASHES_FORGOTTEN:
        return ""
    ended = mapping(container, "lastState", "terminated")
    return _CRASHING if _by_itself(ended) and (ended or waiting == _CRASHING) else ""


def _by_itself(ended: Manifest) -> bool:
    reason = text(ended, "reason")
    if reason in _LOST:
        return False
    return reason == _OWN_LIMIT or number(ended, "exitCode") not in _KILLED
