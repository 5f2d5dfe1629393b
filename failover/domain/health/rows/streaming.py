"""Flink, Spark, Kafka."""

from __future__ import annotations

from failover.domain.health.entries import Entry, Support, alone, unless_own_fault
from failover.domain.health.flink import DEPLOYMENT, FLINK_DEPLOYMENT, judge_flink
from failover.domain.health.flink_jobs import (
    BLUE_GREEN,
    SESSION_JOB,
    judge_blue_green,
    judge_session_job,
)
from failover.domain.health.kafka import (
    KAFKA,
    KAFKA_CONNECT,
    MIRROR_MAKER,
    judge_connect,
    judge_kafka,
)
from failover.domain.health.pods import POD, REPLICA_SET
from failover.domain.health.spark import (
    SPARK_APPLICATION,
    SPARK_SCHEDULE,
    judge_spark,
    judge_spark_schedule,
)
from failover.domain.identity import GroupKind

_POD = (POD,)
_SUPPORTED = Support.SUPPORTED
_POD_SETS = (GroupKind("core.strimzi.io", "StrimziPodSet"),)
_PODS_OF_SETS = ((*_POD_SETS, POD),)
_NO_STATUS = "no status yet is Unhealthy"


ROWS: tuple[Entry, ...] = (
    Entry(
        FLINK_DEPLOYMENT,
        judge_flink,
        (
            "Finished",
            "JobCancelling",
            "JobCreated",
            "JobFailed",
            "JobFailing",
            "JobInitializing",
            "JobManagerError",
            "JobManagerMissing",
            "JobManagerNotReady",
            "JobNotStarted",
            "JobReconciling",
            "JobRestarting",
            "JobSuspended",
            "LifecycleFailed",
            "Running",
            "StatusContradictsPods",
            "Suspended",
            "UserError",
        ),
        owned=(DEPLOYMENT,),
        when_ill=((REPLICA_SET, POD),),
        support=_SUPPORTED,
        karmada="FAILED, FAILING, RESTARTING and a dead JobManager are Healthy",
    ),
    Entry(
        SESSION_JOB,
        alone(judge_session_job),
        (
            "Finished",
            "JobCancelling",
            "JobCreated",
            "JobFailed",
            "JobFailing",
            "JobInitializing",
            "JobNotStarted",
            "JobReconciling",
            "JobRestarting",
            "JobSuspended",
            "LifecycleFailed",
            "Running",
            "Suspended",
            "UserError",
        ),
        support=_SUPPORTED,
    ),
    Entry(
        BLUE_GREEN,
        unless_own_fault(alone(judge_blue_green)),
        (
            "Finished",
            "Initializing",
            "JobCancelling",
            "JobCreated",
            "JobFailed",
            "JobInitializing",
            "JobReconciling",
            "JobRestarting",
            "JobSuspended",
            "Running",
            "TransitionFailed",
            "Transitioning",
            "UserError",
        ),
        when_ill=((FLINK_DEPLOYMENT, DEPLOYMENT, REPLICA_SET, POD),),
        between=(FLINK_DEPLOYMENT,),
    ),
    Entry(
        SPARK_APPLICATION,
        judge_spark,
        (
            "ApplicationFailed",
            "ApplicationFailing",
            "DriverUnknown",
            "Finished",
            "Finishing",
            "Invalidating",
            "PendingRerun",
            "PendingSubmission",
            "Resuming",
            "Running",
            "StatusContradictsPods",
            "SubmissionFailed",
            "Submitted",
            "Suspended",
            "UserError",
        ),
        owned=_POD,
        support=_SUPPORTED,
        karmada=f"only FAILED is Unhealthy; {_NO_STATUS}; a dead driver is Healthy",
    ),
    Entry(
        SPARK_SCHEDULE,
        alone(judge_spark_schedule),
        ("Scheduled", "Suspended", "Validating", "ValidationFailed"),
        between=(SPARK_APPLICATION,),
    ),
    Entry(
        KAFKA,
        unless_own_fault(alone(judge_kafka)),
        (
            "Creating",
            "InvalidSpec",
            "NoConditions",
            "NotReady",
            "Ready",
            "ReconciliationPaused",
            "UserError",
        ),
        # Not those of node pools: a KafkaNodePool owns them, and nothing owns it.
        when_ill=_PODS_OF_SETS,
        between=_POD_SETS,
    ),
    *(
        Entry(
            kind,
            unless_own_fault(alone(judge_connect)),
            (
                "ConnectorFailed",
                "ConnectorRestarting",
                "Creating",
                "InvalidSpec",
                "NotReady",
                "Ready",
                "ReconciliationPaused",
                "ScaledToZero",
                "UserError",
            ),
            when_ill=_PODS_OF_SETS,
            between=_POD_SETS,
        )
        for kind in (KAFKA_CONNECT, MIRROR_MAKER)
    ),
)
