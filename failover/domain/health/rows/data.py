"""Databases, brokers, caches."""

from __future__ import annotations

from failover.domain.health.databases import (
    ELASTICSEARCH,
    KUBEBLOCKS_CLUSTER,
    judge_elasticsearch,
    judge_kubeblocks,
)
from failover.domain.health.entries import Entry, alone
from failover.domain.health.mysql import INNODB_CLUSTER, judge_innodb
from failover.domain.health.percona import MONGODB, XTRADB, judge_mongodb, judge_xtradb
from failover.domain.health.pods import STATEFUL_SET
from failover.domain.health.postgres import CNPG_CLUSTER, judge_cnpg
from failover.domain.health.rabbitmq import RABBITMQ_CLUSTER, judge_rabbitmq
from failover.domain.health.redis import (
    REDIS_CLUSTER,
    REDIS_REPLICATION,
    judge_redis_cluster,
    judge_redis_replication,
)
from failover.domain.identity import GroupKind

_SETS = (STATEFUL_SET,)
_COMPONENTS = (
    GroupKind("apps.kubeblocks.io", "Component"),
    GroupKind("workloads.kubeblocks.io", "InstanceSet"),
)


ROWS: tuple[Entry, ...] = (
    Entry(
        CNPG_CLUSTER,
        alone(judge_cnpg),
        (
            "Changing",
            "Fenced",
            "Healthy",
            "InvalidSpec",
            "NoInstanceReady",
            "ObjectsNotCreated",
            "PluginFailed",
            "PrimaryFailing",
            "SettingUp",
            "Suspended",
            "Unrecoverable",
            "WaitingForUser",
        ),
    ),
    *(
        Entry(
            kind,
            rule,
            (
                "Error",
                "Initializing",
                "NoQuorum",
                "Ready",
                "ReconcileFailed",
                "StatusContradictsPods",
                "Suspended",
            ),
            owned=_SETS,
        )
        for kind, rule in ((XTRADB, judge_xtradb), (MONGODB, judge_mongodb))
    ),
    Entry(
        INNODB_CLUSTER,
        judge_innodb,
        (
            "Finalizing",
            "Initializing",
            "InvalidSpec",
            "NoQuorum",
            "Offline",
            "Online",
            "OnlinePartially",
            "Pending",
            "ScaledToZero",
            "SplitBrain",
            "StatusContradictsPods",
            "Uncertain",
        ),
        owned=_SETS,
    ),
    Entry(
        REDIS_CLUSTER,
        judge_redis_cluster,
        ("Bootstrapping", "Failed", "Initializing", "Ready", "StatusContradictsPods"),
        owned=_SETS,
    ),
    Entry(
        REDIS_REPLICATION,
        judge_redis_replication,
        ("NoMaster", "Ready", "StatusContradictsPods"),
        owned=_SETS,
    ),
    Entry(
        RABBITMQ_CLUSTER,
        judge_rabbitmq,
        (
            "AvailabilityUnknown",
            "Available",
            "InvalidSpec",
            "NotAvailable",
            "ScaledToZero",
            "StatusContradictsPods",
        ),
        owned=_SETS,
    ),
    Entry(
        KUBEBLOCKS_CLUSTER,
        alone(judge_kubeblocks),
        ("Abnormal", "Creating", "Failed", "Running", "Suspended", "Updating"),
        between=_COMPONENTS,
    ),
    Entry(
        ELASTICSEARCH,
        judge_elasticsearch,
        (
            "ApplyingChanges",
            "Green",
            "InvalidSpec",
            "NotAnswering",
            "Red",
            "StatusContradictsPods",
            "Yellow",
        ),
        owned=_SETS,
    ),
)
