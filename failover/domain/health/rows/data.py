"""Databases, brokers, caches."""

from __future__ import annotations

from failover.domain.health.databases import (
    ELASTICSEARCH,
    KUBEBLOCKS_CLUSTER,
    judge_elasticsearch,
    judge_kubeblocks,
)
from failover.domain.health.entries import Entry, alone, unless_own_fault
from failover.domain.health.mysql import INNODB_CLUSTER, judge_innodb
from failover.domain.health.percona import MONGODB, XTRADB, judge_mongodb, judge_xtradb
from failover.domain.health.pods import JOB, POD, STATEFUL_SET
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
_PODS = ((POD,),)
_COMPONENTS = (
    GroupKind("apps.kubeblocks.io", "Component"),
    GroupKind("workloads.kubeblocks.io", "InstanceSet"),
)


ROWS: tuple[Entry, ...] = (
    Entry(
        CNPG_CLUSTER,
        unless_own_fault(alone(judge_cnpg)),
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
            "UserError",
            "WaitingForUser",
        ),
        when_ill=(*_PODS, (JOB, POD)),  # a Job sets up its first instance
    ),
    *(
        Entry(
            kind,
            unless_own_fault(rule),
            (
                "Error",
                "Initializing",
                "NoQuorum",
                "Ready",
                "ReconcileFailed",
                "StatusContradictsPods",
                "Suspended",
                "UserError",
            ),
            owned=_SETS,
            when_ill=_PODS,
        )
        for kind, rule in ((XTRADB, judge_xtradb), (MONGODB, judge_mongodb))
    ),
    Entry(
        INNODB_CLUSTER,
        unless_own_fault(judge_innodb),
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
            "UserError",
        ),
        owned=_SETS,
        when_ill=_PODS,
    ),
    Entry(
        REDIS_CLUSTER,
        unless_own_fault(judge_redis_cluster),
        ("Bootstrapping", "Failed", "Initializing", "Ready", "StatusContradictsPods", "UserError"),
        owned=_SETS,
        when_ill=_PODS,
    ),
    Entry(
        REDIS_REPLICATION,
        unless_own_fault(judge_redis_replication),
        ("NoMaster", "Ready", "StatusContradictsPods", "UserError"),
        owned=_SETS,
        when_ill=_PODS,
    ),
    Entry(
        RABBITMQ_CLUSTER,
        unless_own_fault(judge_rabbitmq),
        (
            "AvailabilityUnknown",
            "Available",
            "InvalidSpec",
            "NotAvailable",
            "ScaledToZero",
            "StatusContradictsPods",
            "UserError",
        ),
        owned=_SETS,
        when_ill=_PODS,
    ),
    Entry(
        KUBEBLOCKS_CLUSTER,
        unless_own_fault(alone(judge_kubeblocks)),
        ("Abnormal", "Creating", "Failed", "Running", "Suspended", "Updating", "UserError"),
        when_ill=((*_COMPONENTS, POD),),
        between=_COMPONENTS,
    ),
    Entry(
        ELASTICSEARCH,
        unless_own_fault(judge_elasticsearch),
        (
            "ApplyingChanges",
            "Green",
            "InvalidSpec",
            "NotAnswering",
            "Red",
            "StatusContradictsPods",
            "UserError",
            "Yellow",
        ),
        owned=_SETS,
        when_ill=_PODS,
    ),
)
