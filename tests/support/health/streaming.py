"""Flink, Spark, Kafka."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from failover.domain.manifest import Manifest
from tests.support.health.cases import (
    CRASHES,
    KILLED,
    NO_IMAGE,
    Case,
    by_way,
    pod,
    replica_set,
    resource,
)
from tests.support.objects import flink, job_manager, spark

FLINK = "flink.apache.org/v1beta1"
STRIMZI = "kafka.strimzi.io/v1"
POD_SET = ("StrimziPodSet", "core.strimzi.io/v1")
SIDE = (("FlinkDeployment", FLINK), ("Deployment", "apps/v1"), ("ReplicaSet", "apps/v1"))


def session_job(state: str, *, wanted: str = "running", **status: Any) -> Manifest:
    """A FlinkSessionJob."""
    told = {"jobStatus": {"jobId": "a" * 32, "state": state}, "observedGeneration": 2, **status}
    return resource("FlinkSessionJob", FLINK, told, spec={"job": {"state": wanted}})


def job_states(it: Callable[[str], Manifest]) -> tuple[Case, ...]:
    """The states of a job that does not run, as every kind of the operator reports them."""
    told = {
        "CREATED": "Unhealthy/Progressing JobCreated",
        "INITIALIZING": "Unhealthy/Progressing JobInitializing",
        "RECONCILING": "Unhealthy/Progressing JobReconciling",
        "RESTARTING": "Unhealthy/Fault JobRestarting",
        "SUSPENDED": "Unhealthy/Fault JobSuspended",
        "FAILED": "Unhealthy/Fault JobFailed",
        "CANCELLING": "Unknown/Progressing JobCancelling",
        "FINISHED": "Healthy/Finished Finished",
        "TELEPORTING": "Unknown UnrecognizedState",
    }
    return tuple(Case(state.lower(), verdict, it(state)) for state, verdict in told.items())


def blue_green(side: str, job: str = "RUNNING", **status: Any) -> Manifest:
    """A FlinkBlueGreenDeployment."""
    told = {"blueGreenState": side, "jobStatus": {"state": job}, **status}
    return resource("FlinkBlueGreenDeployment", FLINK, told)


def schedule(state: str, *, suspend: bool = False) -> Manifest:
    """A ScheduledSparkApplication."""
    version = "sparkoperator.k8s.io/v1beta2"
    return resource(
        "ScheduledSparkApplication", version, {"scheduleState": state}, spec={"suspend": suspend}
    )


def driver(waiting: str) -> Manifest:
    """The pod of a Spark driver that does not start."""
    manifest = pod(waiting, phase="Pending", labels={"spark-role": "driver"})
    manifest["metadata"]["ownerReferences"][0]["uid"] = "uid-clicks"
    return manifest


def strimzi(
    kind: str, conditions: dict[str, str], *, paused: bool = False, **more: Any
) -> Manifest:
    """A Kafka, or what is like it."""
    return resource(
        kind,
        STRIMZI,
        {"observedGeneration": 2, **more},
        spec={"replicas": more.pop("wanted", 3)},
        annotations={"strimzi.io/pause-reconciliation": "true"} if paused else {},
        conditions=conditions,
    )


def kafka_cases(kind: str) -> tuple[Case, ...]:
    """What all of Strimzi's kinds have."""
    return (
        Case("ready", "Healthy Ready", strimzi(kind, {"Ready": "True"})),
        Case("not ready", "Unhealthy/Fault NotReady", strimzi(kind, {"NotReady": "True/TimeoutException"})),
        Case("not ready, no image", "Unknown/UserError UserError", strimzi(kind, {"NotReady": "True/TimeoutException"}), by_way(POD_SET, pods=(NO_IMAGE,))),
        Case("being set up", "Unhealthy/Progressing Creating", strimzi(kind, {"NotReady": "True/Creating"})),
        Case("refused", "Unknown/UserError InvalidSpec", strimzi(kind, {"NotReady": "True/InvalidResourceException"})),
        Case("paused", "Healthy/Suspended ReconciliationPaused", strimzi(kind, {"NotReady": "True"}, paused=True)),
        Case("paused, by its word", "Healthy/Suspended ReconciliationPaused", strimzi(kind, {"ReconciliationPaused": "True"})),
    )  # fmt: skip


def connect_cases(kind: str) -> tuple[Case, ...]:
    """A Connect cluster, or a mirror."""
    failed = [
        {"name": "a", "connector": {"state": "RUNNING"}, "tasks": [{"id": 0, "state": "FAILED"}]}
    ]
    whole = [
        {"name": "a", "connector": {"state": "RUNNING"}, "tasks": [{"id": 0, "state": "RUNNING"}]}
    ]
    restarted = [{"connectorName": "a", "count": 2}]
    ready = {"Ready": "True"}
    return (
        *kafka_cases(kind),
        Case("connectors run", "Healthy Ready", strimzi(kind, ready, connectors=whole)),
        Case("a task failed", "Unhealthy/Fault ConnectorFailed", strimzi(kind, ready, connectors=failed)),
        Case("a task is restarted", "Unhealthy/Progressing ConnectorRestarting", strimzi(kind, ready, connectors=failed, autoRestartStatuses=restarted)),
        Case("scaled to zero", "Healthy/Suspended ScaledToZero", resource(kind, STRIMZI, {"replicas": 0}, spec={"replicas": 0})),
    )  # fmt: skip


PULLING = '{"message":"ImagePullBackOff"}'
NO_JOB = {"lifecycleState": "UPGRADING"}

CASES: dict[str, tuple[Case, ...]] = {
    "FlinkDeployment.flink.apache.org": (
        Case("runs", "Healthy Running", flink(), (job_manager(1),)),
        Case("a frozen status", "Unhealthy/Fault StatusContradictsPods", flink(), (job_manager(0),)),
        Case("a frozen status, no image", "Unknown/UserError UserError", flink(), (job_manager(0), *replica_set(1, NO_IMAGE, owner="uid-orders"))),
        Case("a frozen status, killed", "Unhealthy/Fault StatusContradictsPods", flink(), (job_manager(0), *replica_set(1, KILLED, owner="uid-orders"))),
        Case("deploying, crashes", "Unknown/UserError UserError", flink("RECONCILING", manager="DEPLOYING"), (job_manager(0), *replica_set(1, CRASHES, owner="uid-orders"))),
        Case("restarting, one of its JobManagers crashes", "Unhealthy/Fault JobRestarting", flink("RESTARTING"), (job_manager(1), *replica_set(1, CRASHES, owner="uid-orders"))),
        Case("created", "Unhealthy/Progressing JobCreated", flink("CREATED")),
        Case("initializing", "Unhealthy/Progressing JobInitializing", flink("INITIALIZING")),
        Case("reconciling", "Unhealthy/Progressing JobReconciling", flink("RECONCILING", manager="DEPLOYING")),
        Case("restarting", "Unhealthy/Fault JobRestarting", flink("RESTARTING")),
        Case("failing", "Unhealthy/Fault JobFailing", flink("FAILING")),
        Case("failed", "Unhealthy/Fault JobFailed", flink("FAILED")),
        Case("suspended by itself", "Unhealthy/Fault JobSuspended", flink("SUSPENDED")),
        Case("being cancelled", "Unknown/Progressing JobCancelling", flink("CANCELLING")),
        Case("no JobManager", "Unhealthy/Fault JobManagerMissing", flink("RECONCILING", manager="MISSING")),
        Case("JobManager in error", "Unhealthy/Fault JobManagerError", flink("RECONCILING", manager="ERROR")),
        Case("JobManager on its way", "Unhealthy/Progressing JobManagerNotReady", flink("", manager="DEPLOYING")),
        Case("no job yet", "Unhealthy/Progressing JobNotStarted", flink("", lifecycle="DEPLOYED")),
        Case("lifecycle failed", "Unhealthy/Fault LifecycleFailed", flink("", lifecycle="FAILED")),
        Case("no image", "Unknown/UserError UserError", flink("RECONCILING", manager="ERROR", error=PULLING)),
        Case("finished", "Healthy/Finished Finished", flink("FINISHED")),
        Case("suspended", "Healthy/Suspended Suspended", flink("FINISHED", wanted="suspended")),
    ),
    "FlinkSessionJob.flink.apache.org": (
        Case("runs", "Healthy Running", session_job("RUNNING")),
        Case("failing", "Unhealthy/Fault JobFailing", session_job("FAILING")),
        *job_states(session_job),
        Case("not submitted yet", "Unhealthy/Progressing JobNotStarted", session_job("", **NO_JOB)),
        Case("lifecycle failed", "Unhealthy/Fault LifecycleFailed", session_job("", lifecycleState="FAILED")),
        Case("a crash loop", "Unknown/UserError UserError", session_job("RECONCILING", error="CrashLoopBackOff")),
        Case("suspended", "Healthy/Suspended Suspended", session_job("FINISHED", wanted="suspended")),
    ),
    "FlinkBlueGreenDeployment.flink.apache.org": (
        Case("runs", "Healthy Running", blue_green("ACTIVE_GREEN")),
        *job_states(partial(blue_green, "ACTIVE_BLUE")),
        Case("first start", "Unhealthy/Progressing Initializing", blue_green("INITIALIZING_BLUE", "CREATED")),
        Case("first start, crashes", "Unknown/UserError UserError", blue_green("INITIALIZING_BLUE", "CREATED"), by_way(*SIDE, pods=(CRASHES,))),
        Case("changes over", "Unknown/Progressing Transitioning", blue_green("TRANSITIONING_TO_GREEN")),
        Case("saves", "Unknown/Progressing Transitioning", blue_green("SAVEPOINTING_BLUE")),
        Case("a change-over failed", "Unknown TransitionFailed", blue_green("ACTIVE_BLUE", "FAILING")),
        Case("no image", "Unknown/UserError UserError", blue_green("INITIALIZING_BLUE", "CREATED", error=PULLING)),
        Case("a state of the future", "Unknown UnrecognizedState", blue_green("ACTIVE_RED")),
    ),
    "SparkApplication.sparkoperator.k8s.io": (
        Case("runs", "Healthy Running", spark()),
        Case("no driver", "Unhealthy/Fault StatusContradictsPods", spark(), ()),
        Case("submitted", "Unhealthy/Progressing Submitted", spark("SUBMITTED")),
        Case("runs, no image", "Unknown/UserError UserError", spark(), (driver("ErrImagePull"),)),
        Case("submitted, no image", "Unknown/UserError UserError", spark("SUBMITTED"), (driver("ErrImagePull"),)),
        Case("to be run again", "Unhealthy/Progressing PendingRerun", spark("PENDING_RERUN")),
        Case("resuming", "Unhealthy/Progressing Resuming", spark("RESUMING")),
        Case("failed", "Unhealthy/Fault ApplicationFailed", spark("FAILED")),
        Case("failing", "Unhealthy/Fault ApplicationFailing", spark("FAILING")),
        Case("to be submitted", "Unhealthy/Progressing PendingSubmission", spark("PENDING_SUBMISSION")),
        Case("old run on its way out", "Unhealthy/Progressing Invalidating", spark("INVALIDATING")),
        Case("not submitted", "Unhealthy/Fault SubmissionFailed", spark("SUBMISSION_FAILED")),
        Case("nobody knows", "Unhealthy/Fault DriverUnknown", spark("UNKNOWN")),
        Case("no image", "Unknown/UserError UserError", spark("FAILED", message="ErrImagePull: x")),
        Case("nearly done", "Healthy Finishing", spark("SUCCEEDING")),
        Case("done", "Healthy/Finished Finished", spark("COMPLETED")),
        Case("suspended", "Healthy/Suspended Suspended", spark("SUSPENDED", suspend=True)),
    ),
    "ScheduledSparkApplication.sparkoperator.k8s.io": (
        Case("scheduled", "Healthy Scheduled", schedule("Scheduled")),
        Case("looked at", "Unhealthy/Progressing Validating", schedule("Validating")),
        Case("refused", "Unknown/UserError ValidationFailed", schedule("FailedValidation")),
        Case("suspended", "Healthy/Suspended Suspended", schedule("Scheduled", suspend=True)),
    ),
    "Kafka.kafka.strimzi.io": (
        *kafka_cases("Kafka"),
        Case("says nothing", "Unknown NoConditions", strimzi("Kafka", {"Warning": "True"})),
    ),
    "KafkaConnect.kafka.strimzi.io": connect_cases("KafkaConnect"),
    "KafkaMirrorMaker2.kafka.strimzi.io": connect_cases("KafkaMirrorMaker2"),
}  # fmt: skip
