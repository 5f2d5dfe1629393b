"""What a case is, and short ways to write one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from failover.domain.manifest import Manifest
from tests.support.objects import conditions_of, owner_reference

UID = "uid-of-it"


@dataclass(frozen=True)
class Case:
    """An object, what it owns (`None`: nobody looked), and what is to be said of it."""

    told: str
    """What is seen, in a few words."""
    verdict: str
    """`Unhealthy/Fault JobFailed`: status, cause if there is one, reason."""
    manifest: Manifest
    owned: tuple[Manifest, ...] | None = None


def resource(
    kind: str,
    version: str,
    status: dict[str, Any] | None = None,
    *,
    spec: dict[str, Any] | None = None,
    annotations: dict[str, str] | None = None,
    conditions: dict[str, str] | None = None,
) -> Manifest:
    """An object of any kind; conditions are given as `{"Ready": "False/Reason"}`."""
    told = dict(status or {})
    if conditions is not None:
        told["conditions"] = conditions_of(conditions)
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {
            "name": "it",
            "namespace": "shop",
            "uid": UID,
            "generation": 2,
            "annotations": annotations or {},
        },
        "spec": spec or {},
        **({"status": told} if told else {}),
    }


def pod(
    waiting: str = "",
    *,
    ready: bool = False,
    restarts: int = 0,
    ended: dict[str, Any] | None = None,
    phase: str = "Running",
    labels: dict[str, str] | None = None,
) -> Manifest:
    """A pod that the object owns, with one container."""
    container: dict[str, Any] = {
        "name": "main",
        "ready": ready,
        "restartCount": restarts,
        "state": {"waiting": {"reason": waiting}} if waiting else {"running": {}},
        "lastState": {"terminated": ended} if ended else {},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "it-0",
            "namespace": "shop",
            "uid": "uid-pod",
            "labels": labels or {},
            "ownerReferences": [owner_reference("Any", "it", UID)],
        },
        "spec": {"containers": [{"name": "main"}]},
        "status": {
            "phase": phase,
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [container],
        },
    }


def replica_set(
    revision: int, *pods: Manifest, owner: str = UID, group: str = "deployment.kubernetes.io"
) -> tuple[Manifest, ...]:
    """A Deployment's ReplicaSet of this revision, and the pods that it owns."""
    uid = f"uid-set-{revision}"
    manifest: Manifest = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"it-{revision}",
            "namespace": "shop",
            "uid": uid,
            "creationTimestamp": "2026-11-27T08:00:00Z",
            "annotations": {f"{group}/revision": str(revision)},
            "ownerReferences": [owner_reference("Deployment", "it", owner)],
        },
        "spec": {"replicas": len(pods)},
        "status": {"replicas": len(pods)},
    }
    return (manifest, *owned_by(uid, *pods))


def going(pod: Manifest) -> Manifest:
    """The pod, whose delete was accepted."""
    return {**pod, "metadata": {**pod["metadata"], "deletionTimestamp": "2026-11-27T08:00:00Z"}}


def by_way(*kinds: tuple[str, str], pods: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """One object of each of these kinds and versions, the first owned by the object, each by the one before; and the last one's pods."""
    owner, found = UID, list[Manifest]()
    for kind, version in kinds:
        made = resource(kind, version)
        owners = [owner_reference("Any", "it", owner)]
        owner = f"uid-{kind.lower()}"
        made["metadata"] |= {"uid": owner, "ownerReferences": owners}
        found.append(made)
    return (*found, *owned_by(owner, *pods))


def owned_by(uid: str, *pods: Manifest) -> tuple[Manifest, ...]:
    """These pods, each another one, as those of this owner."""
    owners = [owner_reference("Any", "it", uid)]
    return tuple(
        {
            **each,
            "metadata": {**each["metadata"], "uid": f"{uid}-{number}", "ownerReferences": owners},
        }
        for number, each in enumerate(pods)
    )


def set_of(ready: int, *, wanted: int = 3, uid: str = "uid-set") -> Manifest:
    """A StatefulSet that the object owns."""
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {
            "name": "it",
            "namespace": "shop",
            "uid": uid,
            "ownerReferences": [owner_reference("Any", "it", UID)],
        },
        "spec": {"replicas": wanted},
        "status": {"replicas": wanted, "readyReplicas": ready},
    }


NO_IMAGE = pod("ImagePullBackOff", phase="Pending")
CRASHES = pod("CrashLoopBackOff", restarts=7, ended={"exitCode": 1, "reason": "Error"})
BETWEEN_CRASHES = pod(restarts=7, ended={"exitCode": 1, "reason": "Error"})
OUT_OF_MEMORY = pod("CrashLoopBackOff", restarts=3, ended={"exitCode": 137, "reason": "OOMKilled"})
KILLED = pod("CrashLoopBackOff", restarts=3, ended={"exitCode": 137, "reason": "Error"})
LOST = pod(restarts=2, ended={"exitCode": 137, "reason": "ContainerStatusUnknown"})
WELL = pod(ready=True)
PENDING = pod(phase="Pending")
EVICTED = pod(phase="Failed")


def unready(*, after_minutes: int) -> Manifest:
    """A pod that crashed when it began, ran well for so long, and is not ready now, though it runs."""
    found = pod(restarts=2, ended={"exitCode": 1, "reason": "Error"})
    found["status"]["containerStatuses"][0]["state"] = {
        "running": {"startedAt": "2026-11-27T08:00:00Z"}
    }
    found["status"]["conditions"][0]["lastTransitionTime"] = f"2026-11-27T08:{after_minutes:02}:00Z"
    return found
