"""The verdict on what operators keep: their word is checked against what they own."""

from __future__ import annotations

import pytest

from failover.domain.health import is_exclusive, judge, owned_kinds
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest
from tests.support.objects import custom, deployment, driver_pod, flink, job_manager, spark

Owned = list[Manifest] | None


def session(*, manager: str = "READY", lifecycle: str = "STABLE") -> Manifest:
    """A Flink session cluster: no job at all."""
    manifest = flink("", manager=manager, lifecycle=lifecycle)
    del manifest["spec"]["job"]
    return manifest


FLINK: dict[str, tuple[Manifest, Owned, str, str]] = {
    "running, nobody looked": (flink(), None, "Healthy", "Running"),
    "running, and so is the JobManager": (flink(), [job_manager(1)], "Healthy", "Running"),
    "running, JobManager at zero": (
        flink(),
        [job_manager(0)],
        "Unhealthy",
        "StatusContradictsPods",
    ),
    "running, no JobManager": (flink(), [], "Unhealthy", "StatusContradictsPods"),
    "running, JobManager of an earlier object": (
        flink(),
        [job_manager(1, owner_uid="uid-before")],
        "Unhealthy",
        "StatusContradictsPods",
    ),
    "running, TaskManagers only": (
        flink(),
        [job_manager(0), {**job_manager(1, component="taskmanager")}],
        "Unhealthy",
        "StatusContradictsPods",
    ),
    "running, JobManager without labels or owners": (
        flink(),
        [deployment("orders")],
        "Healthy",
        "Running",
    ),
    "running, JobManager said to deploy": (
        flink(manager="DEPLOYING"),
        None,
        "Unhealthy",
        "JobManagerNotReady",
    ),
    "running, JobManager said to deploy, but ready": (
        flink(manager="DEPLOYING"),
        [job_manager(1)],
        "Healthy",
        "Running",
    ),
    "JobManager missing": (
        flink("RECONCILING", manager="MISSING"),
        None,
        "Unhealthy",
        "JobManagerMissing",
    ),
    "JobManager in error": (
        flink("RECONCILING", manager="ERROR"),
        None,
        "Unhealthy",
        "JobManagerError",
    ),
    "failed": (flink("FAILED"), None, "Unhealthy", "JobFailed"),
    "failing": (flink("FAILING"), None, "Unhealthy", "JobFailing"),
    "restarting": (flink("RESTARTING"), None, "Unhealthy", "JobRestarting"),
    "reconciling": (flink("RECONCILING", manager="DEPLOYING"), None, "Unhealthy", "JobReconciling"),
    "created": (flink("CREATED"), None, "Unhealthy", "JobCreated"),
    "initializing": (flink("INITIALIZING"), None, "Unhealthy", "JobInitializing"),
    "image cannot be pulled": (
        flink("RECONCILING", manager="ERROR", error='{"message":"ImagePullBackOff"}'),
        None,
        "Unknown",
        "UserError",
    ),
    "old error text on a running job": (
        flink(error="CrashLoopBackOff"),
        [job_manager(1)],
        "Healthy",
        "Running",
    ),
    "finished": (flink("FINISHED", manager="MISSING"), [], "Healthy", "Finished"),
    "canceled": (flink("CANCELED"), None, "Healthy", "Finished"),
    "cancelling": (flink("CANCELLING"), None, "Unknown", "JobCancelling"),
    "suspended by its spec": (
        flink("FINISHED", manager="MISSING", wanted="suspended"),
        [],
        "Healthy",
        "Suspended",
    ),
    "suspended by itself": (flink("SUSPENDED"), None, "Unhealthy", "JobSuspended"),
    "no status": ({**flink(), "status": {}}, [], "Unknown", "NoStatusYet"),
    "no job state, stable": (flink(""), None, "Healthy", "Running"),
    "no job state, deployed": (flink("", lifecycle="DEPLOYED"), None, "Unhealthy", "JobNotStarted"),
    "no job state, failed": (flink("", lifecycle="FAILED"), None, "Unhealthy", "LifecycleFailed"),
    "session cluster": (session(), [job_manager(1)], "Healthy", "Running"),
    "session cluster, JobManager at zero": (
        session(),
        [job_manager(0)],
        "Unhealthy",
        "StatusContradictsPods",
    ),
    "session cluster, deploying": (
        session(manager="DEPLOYING"),
        None,
        "Unhealthy",
        "JobManagerNotReady",
    ),
    "a state of the future": (flink("TELEPORTING"), None, "Unknown", "UnrecognizedState"),
}

SPARK: dict[str, tuple[Manifest, Owned, str, str]] = {
    "running, nobody looked": (spark(), None, "Healthy", "Running"),
    "running, and so is the driver": (spark(), [driver_pod()], "Healthy", "Running"),
    "running, no driver": (spark(), [], "Unhealthy", "StatusContradictsPods"),
    "running, driver on a lost node": (
        spark(),
        [driver_pod(ready="False")],
        "Unhealthy",
        "StatusContradictsPods",
    ),
    "running, driver failed": (
        spark(),
        [driver_pod("Failed")],
        "Unhealthy",
        "StatusContradictsPods",
    ),
    "running, driver of an earlier object": (
        spark(),
        [driver_pod(owner_uid="before")],
        "Unhealthy",
        "StatusContradictsPods",
    ),
    "new": (spark(""), None, "Unknown", "NoStatusYet"),
    "submitted": (spark("SUBMITTED"), None, "Unhealthy", "Submitted"),
    "succeeding": (spark("SUCCEEDING"), None, "Healthy", "Finishing"),
    "completed": (spark("COMPLETED"), [], "Healthy", "Finished"),
    "failed": (spark("FAILED"), None, "Unhealthy", "ApplicationFailed"),
    "submission failed": (spark("SUBMISSION_FAILED"), None, "Unhealthy", "SubmissionFailed"),
    "image cannot be pulled": (
        spark("FAILED", message="ErrImagePull: x"),
        None,
        "Unknown",
        "UserError",
    ),
    "rerun": (spark("PENDING_RERUN"), None, "Unhealthy", "PendingRerun"),
    "unknown": (spark("UNKNOWN"), None, "Unhealthy", "DriverUnknown"),
    "suspended": (spark("SUSPENDED", suspend=True), None, "Healthy", "Suspended"),
    "resuming": (spark("RESUMING"), None, "Unhealthy", "Resuming"),
    "a state of the future": (spark("TELEPORTING"), None, "Unknown", "UnrecognizedState"),
}

OTHERS: dict[str, tuple[Manifest, Owned, str, str]] = {
    "ready": (custom({"Ready": "True"}), None, "Healthy", "Ready"),
    "not ready": (custom({"Ready": "False/Oom"}), None, "Unhealthy", "NotReady"),
    "ready unknown": (custom({"Ready": "Unknown"}), None, "Unknown", "ReadyUnknown"),
    "ready goes before available": (
        custom({"Available": "True", "Ready": "False"}),
        None,
        "Unhealthy",
        "NotReady",
    ),
    "available": (custom({"Available": "True"}), None, "Healthy", "Available"),
    "not available": (custom({"Available": "False"}), None, "Unhealthy", "NotAvailable"),
    "stalled": (custom({"Ready": "Unknown", "Stalled": "True/Gave"}), None, "Unhealthy", "Stalled"),
    "reconciling only": (custom({"Reconciling": "True"}), None, "Unknown", "Reconciling"),
    "finished": (custom({"Ready": "False", "Succeeded": "True"}), None, "Healthy", "Finished"),
    "failed": (custom({"Ready": "True", "Failed": "True"}), None, "Unhealthy", "Failed"),
    "suspended": (custom({"Ready": "False", "Suspended": "True"}), None, "Healthy", "Suspended"),
    "old status": (
        custom({"Ready": "False"}, generation=3, observed=2),
        None,
        "Unknown",
        "StatusOutdated",
    ),
    "strange conditions": (custom({"Blue": "True"}), None, "Unknown", "NoConditions"),
    "no status": ({**custom({}), "status": None}, None, "Unknown", "NoStatusYet"),
}

CASES = {
    f"{family}: {case}": verdict
    for family, table in {"flink": FLINK, "spark": SPARK, "other": OTHERS}.items()
    for case, verdict in table.items()
}


@pytest.mark.parametrize(("workload", "owned", "status", "reason"), CASES.values(), ids=CASES)
def test_an_operators_word_is_checked(
    workload: Manifest, owned: Owned, status: str, reason: str
) -> None:
    """The status decides unless what is owned contradicts it; not looking contradicts nothing."""
    verdict = judge(workload, owned)
    assert (verdict.status, verdict.reason) == (status, reason)


def test_a_frozen_status_is_told_in_numbers() -> None:
    """The message says what was seen and what the status still claims."""
    message = judge(flink(), [job_manager(0)]).message
    assert message.endswith(
        "0 of 1 JobManager replicas ready; the operator's status still says RUNNING"
    )


def test_error_texts_of_operators_do_not_reach_messages() -> None:
    """An operator's error text may hold anything, so only the known word of it is told."""
    verdict = judge(flink("RECONCILING", error="CrashLoopBackOff password=canary"), None)
    assert "canary" not in verdict.message


def test_what_must_be_looked_at_is_listed_by_kind() -> None:
    """Only kinds whose status can freeze apart from their pods cost a second look."""
    assert owned_kinds(GroupKind.of(flink())) == (GroupKind("apps", "Deployment"),)
    assert owned_kinds(GroupKind.of(spark())) == (GroupKind("", "Pod"),)
    assert owned_kinds(GroupKind("apps", "StatefulSet")) == (GroupKind("", "Pod"),)
    assert owned_kinds(GroupKind("apps", "Deployment")) == ()


@pytest.mark.parametrize(
    ("kind", "exclusive"),
    [
        (GroupKind("flink.apache.org", "FlinkDeployment"), True),
        (GroupKind("sparkoperator.k8s.io", "SparkApplication"), True),
        (GroupKind("apps", "StatefulSet"), True),
        (GroupKind("postgresql.cnpg.io", "Cluster"), True),
        (GroupKind("example.org", "Widget"), True),
        (GroupKind("apps", "Deployment"), False),
        (GroupKind("batch", "Job"), False),
        (GroupKind("", "ConfigMap"), False),
        (GroupKind("jobset.x-k8s.io", "JobSet"), True),
        (GroupKind("networking.k8s.io", "Ingress"), False),
        (GroupKind("argoproj.io", "Rollout"), False),
    ],
    ids=str,
)
def test_two_copies_of_what_holds_state_are_never_taken_lightly(
    kind: GroupKind,
    exclusive: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A kind that nobody knows may be a database, and is treated as one."""
    assert is_exclusive(kind) is exclusive
