"""Databases, brokers, caches."""

from __future__ import annotations

from typing import Any

from failover.domain.manifest import Manifest
from tests.support.health.cases import (
    CRASHES,
    KILLED,
    LOST,
    NO_IMAGE,
    WELL,
    Case,
    by_way,
    going,
    owned_by,
    resource,
    set_of,
)

HEALTHY = "Cluster in healthy state"
OWN = "Unknown/UserError UserError"
NO_POD_HAS_AN_IMAGE = (set_of(0), *owned_by("uid-set", NO_IMAGE, NO_IMAGE))
KUBEBLOCKS = (("Component", "apps.kubeblocks.io/v1"), ("InstanceSet", "workloads.kubeblocks.io/v1"))
REDIS = "redis.redis.opstreelabs.in/v1beta2"


def cnpg(
    phase: str, *, ready: int = 3, annotations: dict[str, str] | None = None, **status: Any
) -> Manifest:
    """A Postgres cluster of three."""
    told = {"phase": phase, "instances": 3, "readyInstances": ready, **status}
    version = "postgresql.cnpg.io/v1"
    return resource("Cluster", version, told, spec={"instances": 3}, annotations=annotations)


def percona(kind: str, version: str) -> tuple[Case, ...]:
    """A cluster of three of Percona's."""

    def it(state: str, ready: int = 3, *, pause: bool = False) -> Manifest:
        members = {"ready": ready, "size": 3}
        status = {"state": state, "pxc": {"status": state, **members}, **members}
        return resource(kind, version, status, spec={"pause": pause})

    return (
        Case("ready", "Healthy Ready", it("ready"), (set_of(3),)),
        Case("ready, nobody looked", "Healthy Ready", it("ready")),
        Case("a frozen status", "Unhealthy/Fault StatusContradictsPods", it("ready"), (set_of(0),)),
        Case("one member missing", "Unknown/Progressing Initializing", it("initializing", 2)),
        Case("no majority", "Unhealthy/Progressing NoQuorum", it("initializing", 1)),
        Case("no majority, the others have no image", OWN, it("initializing", 1), (set_of(1), *owned_by("uid-set", WELL, NO_IMAGE, NO_IMAGE))),
        Case("no majority, one has no image, a node was lost", "Unhealthy/Progressing NoQuorum", it("initializing", 1), (set_of(1), *owned_by("uid-set", WELL, NO_IMAGE, going(LOST)))),
        Case("no majority, and the pods of another one have no image", "Unhealthy/Progressing NoQuorum", it("initializing", 1), (set_of(1), *owned_by("uid-set", WELL, WELL), *owned_by("uid-other", NO_IMAGE))),
        Case("no pod, and its proxies crash", "Unhealthy/Progressing NoQuorum", it("initializing", 0), (set_of(0), set_of(0, uid="uid-proxies"), *owned_by("uid-proxies", CRASHES))),
        Case("a frozen status, crashes", OWN, it("ready"), (set_of(0), *owned_by("uid-set", CRASHES))),
        Case("error", "Unhealthy/Fault Error", it("error", 0)),
        Case("error, and serves", "Unknown/UserError ReconcileFailed", it("error")),
        Case("paused", "Healthy/Suspended Suspended", it("paused", 0, pause=True)),
        Case("a state of the future", "Unknown UnrecognizedState", it("sharding"), NO_POD_HAS_AN_IMAGE),
    )  # fmt: skip


def innodb(state: str, online: int = 3, *, wanted: int = 3) -> Manifest:
    """An InnoDBCluster."""
    status = {"cluster": {"status": state, "onlineInstances": online}}
    return resource("InnoDBCluster", "mysql.oracle.com/v2", status, spec={"instances": wanted})


def rabbit(conditions: dict[str, str], *, replicas: int = 3) -> Manifest:
    """A RabbitmqCluster."""
    return resource(
        "RabbitmqCluster",
        "rabbitmq.com/v1beta1",
        {"observedGeneration": 2},
        spec={"replicas": replicas},
        conditions=conditions,
    )


def redis_cluster(state: str) -> Manifest:
    """A RedisCluster."""
    return resource("RedisCluster", REDIS, {"state": state, "readyLeaderReplicas": 3})


def replication(master: str | None) -> Manifest:
    """A RedisReplication."""
    return resource("RedisReplication", REDIS, {"masterNode": master, "connectionInfo": {}})


def blocks(phase: str, *, observed: int = 2) -> Manifest:
    """A KubeBlocks Cluster."""
    version = "apps.kubeblocks.io/v1"
    return resource("Cluster", version, {"phase": phase, "observedGeneration": observed})


def elastic(health: str, phase: str = "Ready") -> Manifest:
    """An Elasticsearch."""
    version = "elasticsearch.k8s.elastic.co/v1"
    return resource("Elasticsearch", version, {"health": health, "phase": phase})


CASES: dict[str, tuple[Case, ...]] = {
    "Cluster.postgresql.cnpg.io": (
        Case("healthy", "Healthy Healthy", cnpg(HEALTHY)),
        Case("healthy, a replica missing", "Healthy Healthy", cnpg(HEALTHY, ready=2)),
        Case("healthy by its word only", "Unhealthy/Fault NoInstanceReady", cnpg(HEALTHY, ready=0)),
        Case("its primary fails", "Unhealthy/Fault PrimaryFailing", cnpg(HEALTHY, ready=2, currentPrimaryFailingSinceTimestamp="2026-11-23T12:00:00Z")),
        Case("fails over by itself", "Unknown/Progressing Changing", cnpg("Failing over", ready=2)),
        Case("fails over to nothing", "Unhealthy/Progressing NoInstanceReady", cnpg("Failing over", ready=0)),
        Case("is upgraded", "Unknown/Progressing Changing", cnpg("Upgrading cluster", ready=2)),
        Case("is set up", "Unhealthy/Progressing SettingUp", cnpg("Setting up primary", ready=0)),
        Case("is set up, no image", OWN, cnpg("Setting up primary", ready=0), by_way(("Job", "batch/v1"), pods=(NO_IMAGE,))),
        Case("healthy by its word only, crashes", OWN, cnpg(HEALTHY, ready=0), (CRASHES,)),
        Case("healthy by its word only, killed", "Unhealthy/Fault NoInstanceReady", cnpg(HEALTHY, ready=0), (KILLED,)),
        Case("is lost", "Unhealthy/Fault Unrecoverable", cnpg("Cluster is unrecoverable and needs manual intervention", ready=0)),
        Case("lacks what it needs", "Unhealthy/Fault ObjectsNotCreated", cnpg("Unable to create required cluster objects", ready=0)),
        Case("a plugin fails", "Unknown PluginFailed", cnpg("Cluster cannot proceed to reconciliation due to an error while interacting with plugins")),
        Case("waits for a person", "Unknown WaitingForUser", cnpg("Waiting for user action")),
        Case("refused", "Unknown/UserError InvalidSpec", cnpg("Invalid cluster definition", ready=0)),
        Case("hibernates", "Healthy/Suspended Suspended", cnpg(HEALTHY, ready=0, annotations={"cnpg.io/hibernation": "on"})),
        Case("fenced", "Healthy/Suspended Fenced", cnpg(HEALTHY, ready=0, annotations={"cnpg.io/fencedInstances": '["*"]'})),
        Case("a phase of the future", "Unknown UnrecognizedState", cnpg("Dreaming")),
    ),
    "PerconaXtraDBCluster.pxc.percona.com": percona("PerconaXtraDBCluster", "pxc.percona.com/v1"),
    "PerconaServerMongoDB.psmdb.percona.com": percona("PerconaServerMongoDB", "psmdb.percona.com/v1"),
    "InnoDBCluster.mysql.oracle.com": (
        Case("online", "Healthy Online", innodb("ONLINE"), (set_of(3),)),
        Case("one member missing", "Healthy OnlinePartially", innodb("ONLINE_PARTIAL", 2)),
        Case("a frozen status", "Unhealthy/Fault StatusContradictsPods", innodb("ONLINE"), (set_of(0),)),
        Case("offline", "Unhealthy/Fault Offline", innodb("OFFLINE", 0)),
        Case("offline, no image", OWN, innodb("OFFLINE", 0), NO_POD_HAS_AN_IMAGE),
        Case("not sure, no image", OWN, innodb("OFFLINE_UNCERTAIN", 0), NO_POD_HAS_AN_IMAGE),
        Case("no quorum", "Unhealthy/Fault NoQuorum", innodb("NO_QUORUM", 1)),
        Case("not sure", "Unknown Uncertain", innodb("OFFLINE_UNCERTAIN", 0)),
        Case("two writers", "Unknown SplitBrain", innodb("SPLIT_BRAIN", 3)),
        Case("being set up", "Unhealthy/Progressing Initializing", innodb("INITIALIZING", 0)),
        Case("no pods yet", "Unhealthy/Progressing Pending", innodb("PENDING", 0)),
        Case("refused", "Unknown/UserError InvalidSpec", innodb("INVALID", 0)),
        Case("taken down", "Unknown Finalizing", innodb("FINALIZING", 0)),
        Case("scaled to zero", "Healthy/Suspended ScaledToZero", innodb("OFFLINE", 0, wanted=0)),
    ),
    "RedisCluster.redis.redis.opstreelabs.in": (
        Case("ready", "Healthy Ready", redis_cluster("Ready"), (set_of(3),)),
        Case("a frozen status", "Unhealthy/Fault StatusContradictsPods", redis_cluster("Ready"), (set_of(0),)),
        Case("failed", "Unhealthy/Fault Failed", redis_cluster("Failed")),
        Case("being set up", "Unhealthy/Progressing Initializing", redis_cluster("Initializing")),
        Case("being set up, no image", OWN, redis_cluster("Initializing"), NO_POD_HAS_AN_IMAGE),
        Case("bootstraps", "Unhealthy/Progressing Bootstrapping", redis_cluster("Bootstrap")),
    ),
    "RedisReplication.redis.redis.opstreelabs.in": (
        Case("has a master", "Healthy Ready", replication("it-0"), (set_of(3),)),
        Case("its master is gone", "Unhealthy/Fault StatusContradictsPods", replication("it-0"), (set_of(0),)),
        Case("nobody looked", "Healthy Ready", replication("it-0")),
        Case("no master yet", "Unhealthy/Progressing NoMaster", replication(None)),
        Case("no master, no image", OWN, replication(None), NO_POD_HAS_AN_IMAGE),
    ),
    "RabbitmqCluster.rabbitmq.com": (
        Case("available", "Healthy Available", rabbit({"ClusterAvailable": "True", "AllReplicasReady": "True"}), (set_of(3),)),
        Case("one replica missing", "Healthy Available", rabbit({"ClusterAvailable": "True", "AllReplicasReady": "False"})),
        Case("a frozen status", "Unhealthy/Fault StatusContradictsPods", rabbit({"ClusterAvailable": "True"}), (set_of(0),)),
        Case("not available", "Unhealthy/Fault NotAvailable", rabbit({"ClusterAvailable": "False", "ReconcileSuccess": "True"})),
        Case("being set up", "Unhealthy/Progressing NotAvailable", rabbit({"ClusterAvailable": "False", "ReconcileSuccess": "Unknown"})),
        Case("being set up, no image", OWN, rabbit({"ClusterAvailable": "False", "ReconcileSuccess": "Unknown"}), NO_POD_HAS_AN_IMAGE),
        Case("not available, killed", "Unhealthy/Fault NotAvailable", rabbit({"ClusterAvailable": "False", "ReconcileSuccess": "True"}), (set_of(0), *owned_by("uid-set", KILLED))),
        Case("refused", "Unknown/UserError InvalidSpec", rabbit({"ClusterAvailable": "False", "ReconcileSuccess": "False/InvalidConfiguration"})),
        Case("nobody can tell", "Unknown AvailabilityUnknown", rabbit({"ClusterAvailable": "Unknown/CouldNotRetrieveEndpoints"})),
        Case("scaled to zero", "Healthy/Suspended ScaledToZero", rabbit({"ClusterAvailable": "False"}, replicas=0)),
        Case("nothing said", "Unknown NoStatusYet", rabbit({})),
    ),
    "Cluster.apps.kubeblocks.io": (
        Case("runs", "Healthy Running", blocks("Running")),
        Case("all failed", "Unhealthy/Fault Failed", blocks("Failed")),
        Case("some failed", "Unhealthy/Fault Abnormal", blocks("Abnormal")),
        Case("being created", "Unhealthy/Progressing Creating", blocks("Creating")),
        Case("being created, no image", OWN, blocks("Creating"), by_way(*KUBEBLOCKS, pods=(NO_IMAGE,))),
        Case("being updated", "Unknown/Progressing Updating", blocks("Updating")),
        Case("stopped", "Healthy/Suspended Suspended", blocks("Stopped")),
        Case("being deleted", "Unknown BeingDeleted", blocks("Deleting")),
        Case("an old status", "Unknown StatusOutdated", blocks("Failed", observed=1), by_way(*KUBEBLOCKS, pods=(NO_IMAGE,))),
    ),
    "Elasticsearch.elasticsearch.k8s.elastic.co": (
        Case("green", "Healthy Green", elastic("green"), (set_of(3),)),
        Case("yellow", "Healthy Yellow", elastic("yellow")),
        Case("a frozen status", "Unhealthy/Fault StatusContradictsPods", elastic("green"), (set_of(0),)),
        Case("red", "Unhealthy/Fault Red", elastic("red")),
        Case("silent", "Unhealthy/Progressing NotAnswering", elastic("unknown")),
        Case("silent, no image", OWN, elastic("unknown"), NO_POD_HAS_AN_IMAGE),
        Case("being set up", "Unhealthy/Progressing ApplyingChanges", elastic("unknown", "ApplyingChanges")),
        Case("refused", "Unknown/UserError InvalidSpec", elastic("unknown", "Invalid")),
    ),
}  # fmt: skip
