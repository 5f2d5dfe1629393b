"""The rows of the catalogue: one for each kind that has a rule of its own."""

from __future__ import annotations

from failover.domain.health.argo import ROLLOUT, WORKFLOW, judge_rollout, judge_workflow
from failover.domain.health.databases import (
    ELASTICSEARCH,
    KUBEBLOCKS_CLUSTER,
    judge_elasticsearch,
    judge_kubeblocks,
)
from failover.domain.health.entries import Entry, Support, alone
from failover.domain.health.flink import DEPLOYMENT, FLINK_DEPLOYMENT, judge_flink
from failover.domain.health.flink_jobs import (
    BLUE_GREEN,
    SESSION_JOB,
    judge_blue_green,
    judge_session_job,
)
from failover.domain.health.gangs import (
    BROADCAST_JOB,
    JOB_SET,
    VOLCANO_JOB,
    judge_broadcast_job,
    judge_job_set,
    judge_volcano_job,
)
from failover.domain.health.jobs import judge_cron_job, judge_job, judge_pod
from failover.domain.health.kafka import (
    KAFKA,
    KAFKA_CONNECT,
    MIRROR_MAKER,
    judge_connect,
    judge_kafka,
)
from failover.domain.health.mysql import INNODB_CLUSTER, judge_innodb
from failover.domain.health.percona import MONGODB, XTRADB, judge_mongodb, judge_xtradb
from failover.domain.health.pods import POD, STATEFUL_SET
from failover.domain.health.postgres import CNPG_CLUSTER, judge_cnpg
from failover.domain.health.rabbitmq import RABBITMQ_CLUSTER, judge_rabbitmq
from failover.domain.health.ray import (
    RAY_CLUSTER,
    RAY_JOB,
    RAY_SERVICE,
    judge_ray_cluster,
    judge_ray_job,
    judge_ray_service,
)
from failover.domain.health.redis import (
    REDIS_CLUSTER,
    REDIS_REPLICATION,
    judge_redis_cluster,
    judge_redis_replication,
)
from failover.domain.health.replicas import (
    judge_daemon_set,
    judge_deployment,
    judge_replica_set,
    judge_stateful_set,
)
from failover.domain.health.spark import (
    SPARK_APPLICATION,
    SPARK_SCHEDULE,
    judge_spark,
    judge_spark_schedule,
)
from failover.domain.health.training import (
    TRAIN_JOB,
    TRAINING_JOBS,
    judge_train_job,
    judge_training_job,
)
from failover.domain.identity import GroupKind

_COUNTED = ("Available", "NoReplicaAvailable", "ReplicasUnavailable", "ScaledToZero")
_JOB = ("Finished", "JobFailed", "NotRunning", "Running", "Suspended")
_POD = (POD,)
_SETS = (STATEFUL_SET,)
_SUPPORTED = Support.SUPPORTED
_POD_SETS = (GroupKind("core.strimzi.io", "StrimziPodSet"),)
_COMPONENTS = (
    GroupKind("apps.kubeblocks.io", "Component"),
    GroupKind("workloads.kubeblocks.io", "InstanceSet"),
)

_ROLLOUT = "an update under way, or stalled, is Unhealthy, however many replicas serve"
_NO_STATUS = "no status yet is Unhealthy"
_TRAINING = (
    "only Failed=True is Unhealthy: a job that was created and never runs is Healthy for ever"
)


def _kruise(kind: str) -> GroupKind:
    return GroupKind("apps.kruise.io", kind)


ROWS: tuple[Entry, ...] = (
    Entry(
        DEPLOYMENT,
        judge_deployment,
        (*_COUNTED, "RolloutInProgress", "RolloutStalled"),
        support=_SUPPORTED,
        karmada=_ROLLOUT,
    ),
    Entry(
        STATEFUL_SET,
        judge_stateful_set,
        (*_COUNTED, "RolloutInProgress", "UserError"),
        owned=_POD,
        support=_SUPPORTED,
        karmada=f"{_ROLLOUT}; a missing image is Unhealthy",
    ),
    Entry(
        GroupKind("apps", "DaemonSet"),
        judge_daemon_set,
        (
            "Available",
            "NoReplicaAvailable",
            "ReplicasUnavailable",
            "RolloutInProgress",
            "UserError",
        ),
        owned=_POD,
        support=_SUPPORTED,
        karmada=f"{_ROLLOUT}; a missing image is Unhealthy",
    ),
    Entry(
        GroupKind("apps", "ReplicaSet"),
        judge_replica_set,
        (*_COUNTED, "UserError"),
        owned=_POD,
        support=_SUPPORTED,
        karmada="a missing image is Unhealthy",
    ),
    Entry(
        GroupKind("batch", "Job"),
        judge_job,
        ("Finished", "JobFailed", "NoActivePod", "NoPodReady", "Running", "Suspended", "UserError"),
        owned=_POD,
        support=_SUPPORTED,
        karmada="no verdict: a Job never moves",
    ),
    Entry(
        GroupKind("batch", "CronJob"),
        alone(judge_cron_job),
        ("Scheduled", "Suspended"),
        support=_SUPPORTED,
    ),
    Entry(
        POD,
        alone(judge_pod),
        ("Finished", "NotReady", "Pending", "PodFailed", "Running", "UserError"),
        support=_SUPPORTED,
        karmada="a missing image, a program that ends by itself again and again: Unhealthy",
    ),
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
        alone(judge_blue_green),
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
        RAY_JOB,
        alone(judge_ray_job),
        (
            "AppFailed",
            "DeadlineExceeded",
            "Finished",
            "HeadNotAnswering",
            "Initializing",
            "JobFailed",
            "NeverRan",
            "Retrying",
            "Running",
            "SubmissionFailed",
            "Suspended",
            "ValidationFailed",
            "Waiting",
        ),
        karmada="every Failed, and Suspended, is Unhealthy: a broken program would move for ever",
        between=(RAY_CLUSTER,),
    ),
    Entry(
        RAY_CLUSTER,
        alone(judge_ray_cluster),
        (
            "ClusterFailed",
            "HeadNotReady",
            "ReplicaFailure",
            "Running",
            "Suspended",
            "UserError",
            "WorkersMissing",
        ),
        karmada="looks for a condition RayClusterReplicaFailure that KubeRay never writes (it is "
        "ReplicaFailure), and at no worker; a suspended cluster is Unhealthy",
    ),
    Entry(
        RAY_SERVICE,
        alone(judge_ray_service),
        ("NotReady", "Ready", "Suspended", "ValidationFailed"),
        karmada="a suspended service, and one that KubeRay refuses, are Unhealthy",
        between=(RAY_CLUSTER,),
    ),
    Entry(
        VOLCANO_JOB,
        judge_volcano_job,
        (
            "Finished",
            "Finishing",
            "GangIncomplete",
            "JobFailed",
            "Pending",
            "Restarting",
            "Running",
            "Suspended",
            "Terminated",
            "UserError",
        ),
        owned=_POD,
        karmada="everything but Failed is Healthy, also Pending and Restarting for ever",
    ),
    *(
        Entry(
            kind,
            judge_training_job,
            (*_JOB, "DeadlineExceeded", "Restarting", "UserError"),
            owned=_POD,
            karmada=_TRAINING if kind.kind in {"PyTorchJob", "TFJob", "MPIJob"} else "",
        )
        for kind in TRAINING_JOBS
    ),
    Entry(
        TRAIN_JOB,
        alone(judge_train_job),
        (*_JOB, "DeadlineExceeded", "JobsFailed", "TrainingRuntimeNotSupported"),
        between=(JOB_SET,),
    ),
    Entry(JOB_SET, alone(judge_job_set), (*_JOB, "JobsNotReady", "Restarting")),
    Entry(
        WORKFLOW,
        alone(judge_workflow),
        (
            "Finished",
            "InvalidSpec",
            "Pending",
            "Running",
            "Suspended",
            "WorkflowError",
            "WorkflowFailed",
        ),
        karmada="a step that failed is Unhealthy: a broken program would move for ever",
    ),
    Entry(
        ROLLOUT,
        alone(judge_rollout),
        (
            "Available",
            "InvalidSpec",
            "NoReplicaAvailable",
            "Paused",
            "RolloutInProgress",
            "RolloutStalled",
            "ScaledToZero",
        ),
    ),
    Entry(
        KAFKA,
        alone(judge_kafka),
        ("Creating", "InvalidSpec", "NoConditions", "NotReady", "Ready", "ReconciliationPaused"),
        between=_POD_SETS,
    ),
    *(
        Entry(
            kind,
            alone(judge_connect),
            (
                "ConnectorFailed",
                "ConnectorRestarting",
                "Creating",
                "InvalidSpec",
                "NotReady",
                "Ready",
                "ReconciliationPaused",
                "ScaledToZero",
            ),
            between=_POD_SETS,
        )
        for kind in (KAFKA_CONNECT, MIRROR_MAKER)
    ),
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
    *(
        Entry(
            _kruise(kind),
            judge_stateful_set,
            (*_COUNTED, "RolloutInProgress", "UserError"),
            owned=_POD,
            karmada=_ROLLOUT,
        )
        for kind in ("CloneSet", "StatefulSet")
    ),
    Entry(
        _kruise("DaemonSet"),
        judge_daemon_set,
        (
            "Available",
            "NoReplicaAvailable",
            "ReplicasUnavailable",
            "RolloutInProgress",
            "UserError",
        ),
        owned=_POD,
        karmada=_ROLLOUT,
    ),
    Entry(
        BROADCAST_JOB,
        alone(judge_broadcast_job),
        ("Finished", "JobFailed", "Running", "Suspended"),
        karmada="one failed pod is Unhealthy, and so is a job without nodes",
    ),
)
"""Every kind with a rule; any other is judged by its conditions (`conditions.py`)."""
