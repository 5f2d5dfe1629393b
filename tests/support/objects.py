"""Kubernetes objects as real servers show them, small: only what a test varies is an argument."""

from __future__ import annotations

from typing import Any

from failover.domain.manifest import Manifest


def deployment(
    name: str = "shop",
    *,
    wanted: int = 3,
    available: int = 3,
    updated: int | None = None,
    generation: int = 4,
    observed: int | None = None,
    conditions: dict[str, str] | None = None,
) -> Manifest:
    """A Deployment; conditions are given as `{"Progressing": "True/ReplicaSetUpdated"}`."""
    status = {
        "observedGeneration": generation if observed is None else observed,
        "replicas": wanted,
        "updatedReplicas": wanted if updated is None else updated,
        "readyReplicas": available,
        "availableReplicas": available,
        "unavailableReplicas": wanted - available,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"uid-{name}",
            "generation": generation,
        },
        "spec": {"replicas": wanted, "template": {"spec": {"containers": [{"name": "main"}]}}},
        "status": {
            **{key: value for key, value in status.items() if value},
            "conditions": conditions_of(
                conditions or {"Available": "True", "Progressing": "True/NewReplicaSetAvailable"}
            ),
        },
    }


def stateful_set(
    *, wanted: int = 3, available: int = 3, updating: bool = False, **status: Any
) -> Manifest:
    """A StatefulSet; while it updates its two revisions differ."""
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "shop", "uid": "uid-db", "generation": 2},
        "spec": {
            "replicas": wanted,
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "data", "creationTimestamp": None},
                    "status": {"phase": "Pending"},
                }
            ],
        },
        "status": {
            "observedGeneration": 2,
            "replicas": wanted,
            "readyReplicas": available,
            "availableReplicas": available,
            "currentRevision": "db-1",
            "updateRevision": "db-2" if updating else "db-1",
            **status,
        },
    }


def daemon_set(*, wanted: int = 3, available: int = 3, updated: int = 3) -> Manifest:
    """A DaemonSet."""
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": "shop", "generation": 1},
        "spec": {},
        "status": {
            "observedGeneration": 1,
            "desiredNumberScheduled": wanted,
            "numberAvailable": available,
            "numberReady": available,
            "updatedNumberScheduled": updated,
        },
    }


def job(*conditions: str, reason: str = "", suspend: bool = False, **status: Any) -> Manifest:
    """A Job; the named conditions are True."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "load", "namespace": "shop", "uid": "uid-load", "generation": 1},
        "spec": {"suspend": suspend},
        "status": {
            **status,
            "conditions": [
                {"type": each, "status": "True", "reason": reason} for each in conditions
            ],
        },
    }


def flink(
    state: str = "RUNNING",
    *,
    manager: str = "READY",
    lifecycle: str = "STABLE",
    error: str = "",
    wanted: str = "running",
) -> Manifest:
    """A FlinkDeployment as the operator reports it."""
    return {
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": "orders", "namespace": "shop", "uid": "uid-orders", "generation": 2},
        "spec": {
            "serviceAccount": "flink",
            "job": {
                "jarURI": "local:///opt/flink/usrlib/orders.jar",
                "state": wanted,
                "upgradeMode": "last-state",
            },
        },
        "status": {
            "error": error,
            "jobManagerDeploymentStatus": manager,
            "jobStatus": {"jobId": "a" * 32, "state": state},
            "lifecycleState": lifecycle,
            "observedGeneration": 2,
        },
    }


def job_manager(
    ready: int = 1, *, owner_uid: str = "uid-orders", component: str = "jobmanager"
) -> Manifest:
    """The Deployment of a JobManager (or TaskManager), owned by the FlinkDeployment."""
    manifest = deployment("orders", wanted=1, available=ready)
    manifest["metadata"] |= {
        "labels": {"app": "orders", "component": component},
        "ownerReferences": [owner_reference("FlinkDeployment", "orders", owner_uid)],
    }
    return manifest


def spark(state: str = "RUNNING", *, message: str = "", suspend: bool = False) -> Manifest:
    """A SparkApplication as the operator reports it."""
    return {
        "apiVersion": "sparkoperator.k8s.io/v1beta2",
        "kind": "SparkApplication",
        "metadata": {"name": "clicks", "namespace": "shop", "uid": "uid-clicks", "generation": 1},
        "spec": {"suspend": suspend, "driver": {}, "executor": {}},
        "status": {
            "applicationState": {"state": state, "errorMessage": message},
            "executionAttempts": 2,
        },
    }


def driver_pod(
    phase: str = "Running", *, ready: str = "True", owner_uid: str = "uid-clicks"
) -> Manifest:
    """A Spark driver's pod."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "clicks-driver",
            "namespace": "shop",
            "uid": "uid-driver",
            "labels": {"spark-role": "driver"},
            "ownerReferences": [owner_reference("SparkApplication", "clicks", owner_uid)],
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "driver"}]},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]},
    }


def custom(conditions: dict[str, str], *, generation: int = 1, observed: int = 1) -> Manifest:
    """An object of a kind that nobody has heard of."""
    return {
        "apiVersion": "example.org/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": "shop", "uid": "uid-w", "generation": generation},
        "spec": {},
        "status": {"observedGeneration": observed, "conditions": conditions_of(conditions)},
    }


def conditions_of(conditions: dict[str, str]) -> list[dict[str, str]]:
    """Conditions from `type: status/reason`."""
    return [
        {"type": each, "status": said.partition("/")[0], "reason": said.partition("/")[2]}
        for each, said in conditions.items()
    ]


def owner_reference(kind: str, name: str, uid: str, *, controller: bool = True) -> dict[str, Any]:
    """An owner reference."""
    return {"apiVersion": "v1", "kind": kind, "name": name, "uid": uid, "controller": controller}


def owned(kind: str, name: str, *owners: str, group: str = "apps", **spec: Any) -> Manifest:
    """An object with uid `uid-<name>`, owned by these uids."""
    return {
        "apiVersion": f"{group}/v1" if group else "v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"uid-{name}",
            "ownerReferences": [owner_reference("Any", each, each) for each in owners],
        },
        "spec": spec,
    }
