"""Ray, Kubeflow, Volcano, JobSet, Argo Workflows, Kruise's BroadcastJob."""

from __future__ import annotations

from typing import Any

from failover.domain.manifest import Manifest
from tests.support.health.cases import (
    CRASHES,
    NO_IMAGE,
    PENDING,
    WELL,
    Case,
    by_way,
    pod,
    resource,
)

RAY = "ray.io/v1"
VOLCANO = "batch.volcano.sh/v1alpha1"
JOBSET = "jobset.x-k8s.io/v1alpha2"
ARGO = "argoproj.io/v1alpha1"
OWN = "Unknown/UserError UserError"
JOB = ("Job", "batch/v1")
UP = {"HeadPodReady": "True", "RayClusterProvisioned": "True"}


def ray_job(deployed: str, job: str = "", *, suspend: bool = False, **status: Any) -> Manifest:
    """A RayJob."""
    told = {"jobDeploymentStatus": deployed, "jobStatus": job, "jobId": "it-abc", **status}
    return resource("RayJob", RAY, told, spec={"suspend": suspend})


def ray_cluster(conditions: dict[str, str] | None, *, ready: int = 2, **status: Any) -> Manifest:
    """A RayCluster that needs at least two workers."""
    told = {"observedGeneration": 2, "readyWorkerReplicas": ready, "minWorkerReplicas": 2, **status}
    return resource("RayCluster", RAY, told, conditions=conditions)


def ray_service(conditions: dict[str, str], **status: Any) -> Manifest:
    """A RayService."""
    return resource("RayService", RAY, {"observedGeneration": 2, **status}, conditions=conditions)


def volcano(phase: str, *, running: int = 0, **status: Any) -> Manifest:
    """A gang of three."""
    told = {"state": {"phase": phase}, "minAvailable": 3, "running": running, **status}
    return resource("Job", VOLCANO, told)


def training(kind: str) -> tuple[Case, ...]:
    """One of the training operator's kinds."""

    def it(conditions: dict[str, str] | None, *, suspend: bool = False) -> Manifest:
        created = {"Created": "True", **conditions} if conditions is not None else None
        return resource(
            kind, "kubeflow.org/v1", spec={"runPolicy": {"suspend": suspend}}, conditions=created
        )

    return (
        Case("runs", "Healthy Running", it({"Running": "True"})),
        Case("only created", "Unhealthy/Progressing NotRunning", it({})),
        Case("only created, no image", "Unknown/UserError UserError", it({}), (NO_IMAGE,)),
        Case("restarting", "Unhealthy/Progressing Restarting", it({"Running": "False", "Restarting": "True"})),
        Case("failed", "Unhealthy/Fault JobFailed", it({"Failed": f"True/{kind}Failed"}), (pod(phase="Failed"),)),
        Case("failed, and its program is why", "Unknown/UserError UserError", it({"Failed": "True"}), (CRASHES,)),
        Case("out of its own time", "Unknown/UserError DeadlineExceeded", it({"Failed": "True/DeadlineExceeded"})),
        Case("succeeded", "Healthy/Finished Finished", it({"Running": "False", "Succeeded": "True"})),
        Case("suspended", "Healthy/Suspended Suspended", it({"Suspended": "True"})),
        Case("suspended by its spec", "Healthy/Suspended Suspended", it({}, suspend=True)),
        Case("nothing said", "Unknown NoStatusYet", it(None)),
    )  # fmt: skip


def train_job(
    conditions: dict[str, str] | None = None, *, suspend: bool = False, **counts: int
) -> Manifest:
    """A TrainJob with one child job."""
    jobs = [{"name": "node", "ready": 0, "active": 0, "failed": 0, "succeeded": 0, **counts}]
    return resource(
        "TrainJob",
        "trainer.kubeflow.org/v1alpha1",
        {"jobsStatus": jobs},
        spec={"suspend": suspend},
        conditions=conditions or {},
    )


def job_set(
    ready: int, conditions: dict[str, str] | None = None, *, suspend: bool = False, **status: Any
) -> Manifest:
    """A JobSet of one leader and two workers."""
    jobs = [
        {"name": "leader", "ready": min(ready, 1), "succeeded": 0, "active": 1},
        {"name": "workers", "ready": max(ready - 1, 0), "succeeded": 0, "active": 2},
    ]
    wanted = [{"name": "leader"}, {"name": "workers", "replicas": 2}]
    return resource(
        "JobSet",
        JOBSET,
        {"restarts": 0, "replicatedJobsStatus": jobs, **status},
        spec={"suspend": suspend, "replicatedJobs": wanted},
        conditions=conditions or {},
    )


def workflow(
    phase: str, *, suspend: bool = False, conditions: dict[str, str] | None = None
) -> Manifest:
    """An Argo Workflow."""
    status = {"phase": phase, "progress": "3/7"}
    return resource("Workflow", ARGO, status, spec={"suspend": suspend}, conditions=conditions)


def broadcast(phase: str) -> Manifest:
    """Kruise's job on every node."""
    return resource(
        "BroadcastJob", "apps.kruise.io/v1alpha1", {"phase": phase, "desired": 3, "active": 1}
    )


KINDS = ("PyTorchJob", "TFJob", "MPIJob", "XGBoostJob", "PaddleJob", "JAXJob")

CASES: dict[str, tuple[Case, ...]] = {
    "RayJob.ray.io": (
        Case("runs", "Healthy Running", ray_job("Running", "RUNNING")),
        Case("runs, and its head is silent", "Unhealthy/Fault HeadNotAnswering", ray_job("Running", "RUNNING", jobStatusCheckFailureStartTime="2026-11-23T12:00:00Z")),
        Case("being set up", "Unhealthy/Progressing Initializing", ray_job("Initializing")),
        Case("being set up, no image", OWN, ray_job("Initializing"), by_way(("RayCluster", RAY), pods=(WELL, NO_IMAGE))),
        Case("waits", "Unhealthy/Progressing Waiting", ray_job("Waiting")),
        Case("tried again, and what submits it has no image", OWN, ray_job("Retrying"), by_way(JOB, pods=(NO_IMAGE,))),
        Case("tried again", "Unhealthy/Progressing Retrying", ray_job("Retrying")),
        Case("its program failed", "Unknown/UserError AppFailed", ray_job("Failed", "FAILED", reason="AppFailed")),
        Case("its program failed, complete", "Unknown/UserError AppFailed", ray_job("Complete", "FAILED")),
        Case("out of its own time", "Unknown/UserError DeadlineExceeded", ray_job("Failed", reason="DeadlineExceeded")),
        Case("refused", "Unknown/UserError ValidationFailed", ray_job("ValidationFailed")),
        Case("not submitted", "Unhealthy/Fault SubmissionFailed", ray_job("Failed", reason="SubmissionFailed")),
        Case("never ran", "Unhealthy/Fault NeverRan", ray_job("Failed", reason="PreRunningDeadlineExceeded")),
        Case("its head was silent for long", "Unhealthy/Fault HeadNotAnswering", ray_job("Failed", reason="JobStatusCheckTimeoutExceeded")),
        Case("failed for a reason of the future", "Unhealthy/Fault JobFailed", ray_job("Failed", reason="MeteorStrike")),
        Case("succeeded", "Healthy/Finished Finished", ray_job("Complete", "SUCCEEDED")),
        Case("stopped", "Healthy/Finished Finished", ray_job("Complete", "STOPPED")),
        Case("suspended", "Healthy/Suspended Suspended", ray_job("Suspended", suspend=True)),
        Case("being suspended", "Healthy/Suspended Suspended", ray_job("Suspending")),
    ),
    "RayCluster.ray.io": (
        Case("runs", "Healthy Running", ray_cluster(UP)),
        Case("its head is gone", "Unhealthy/Fault HeadNotReady", ray_cluster({**UP, "HeadPodReady": "False/HeadPodNotFound"})),
        Case("not provisioned yet", "Unhealthy/Progressing HeadNotReady", ray_cluster({"HeadPodReady": "False/ContainersNotReady"}, ready=0)),
        Case("no image", "Unknown/UserError UserError", ray_cluster({"HeadPodReady": "False/ErrImagePull"})),
        Case("a pod cannot be made", "Unhealthy/Fault ReplicaFailure", ray_cluster({**UP, "ReplicaFailure": "True/FailedCreateWorkerPod"})),
        Case("a worker has no image", "Unknown/UserError UserError", ray_cluster({**UP, "ReplicaFailure": "True/ImagePullBackOff"})),
        Case("workers were lost", "Unhealthy/Fault WorkersMissing", ray_cluster(UP, ready=1)),
        Case("workers crash", OWN, ray_cluster(UP, ready=1), (CRASHES,)),
        Case("workers are coming", "Unhealthy/Progressing WorkersMissing", ray_cluster({"HeadPodReady": "True"}, ready=0)),
        Case("suspended", "Healthy/Suspended Suspended", ray_cluster({"RayClusterSuspended": "True"}, ready=0)),
        Case("an older KubeRay, ready", "Healthy Running", ray_cluster(None, state="ready")),
        Case("an older KubeRay, failed", "Unhealthy/Fault ClusterFailed", ray_cluster(None, state="failed")),
        Case("an old status", "Unknown StatusOutdated", ray_cluster(UP, observedGeneration=1)),
    ),
    "RayService.ray.io": (
        Case("serves", "Healthy Ready", ray_service({"Ready": "True"})),
        Case("serves while it is upgraded", "Healthy Ready", ray_service({"Ready": "True", "UpgradeInProgress": "True"})),
        Case("serves no more", "Unhealthy/Fault NotReady", ray_service({"Ready": "False/ZeroServeEndpoints"})),
        Case("starts", "Unhealthy/Progressing NotReady", ray_service({"Ready": "False/Initializing"})),
        Case("starts, no image", OWN, ray_service({"Ready": "False/Initializing"}), by_way(("RayCluster", RAY), pods=(NO_IMAGE,))),
        Case("starts anew", "Unhealthy/Progressing NotReady", ray_service({"Ready": "False/ZeroServeEndpoints", "UpgradeInProgress": "True"})),
        Case("never started", "Unhealthy/Fault NotReady", ray_service({"Ready": "False/InitializingTimeout"})),
        Case("refused", "Unknown/UserError ValidationFailed", ray_service({"Ready": "False/ValidationFailed"})),
        Case("suspended", "Healthy/Suspended Suspended", ray_service({"Ready": "False", "Suspended": "True"})),
        Case("an older KubeRay", "Healthy Ready", ray_service({}, serviceStatus="Running")),
    ),
    "Job.batch.volcano.sh": (
        Case("runs", "Healthy Running", volcano("Running", running=3)),
        Case("runs, some done", "Healthy Running", volcano("Running", running=1, succeeded=2)),
        Case("the gang is not whole", "Unhealthy/Fault GangIncomplete", volcano("Running", running=2), ()),
        Case("the gang crashes", "Unknown/UserError UserError", volcano("Running", running=2), (CRASHES,)),
        Case("pending", "Unhealthy/Progressing Pending", volcano("Pending")),
        Case("pending, no image", "Unknown/UserError UserError", volcano("Pending"), (NO_IMAGE,)),
        Case("restarting", "Unhealthy/Progressing Restarting", volcano("Restarting", retryCount=2)),
        Case("failed", "Unhealthy/Fault JobFailed", volcano("Failed", retryCount=3)),
        Case("aborted", "Healthy/Suspended Suspended", volcano("Aborted")),
        Case("being aborted", "Healthy/Suspended Suspended", volcano("Aborting")),
        Case("ended by its own policy", "Healthy/Finished Terminated", volcano("Terminated")),
        Case("nearly done", "Healthy Finishing", volcano("Completing")),
        Case("done", "Healthy/Finished Finished", volcano("Completed")),
    ),
    **{f"{kind}.kubeflow.org": training(kind) for kind in KINDS},
    "TrainJob.trainer.kubeflow.org": (
        Case("runs", "Healthy Running", train_job(active=1, ready=1)),
        Case("no pod is ready yet", "Unhealthy/Progressing NotRunning", train_job(active=1)),
        Case("no pod is ready, no image", OWN, train_job(active=1), by_way(("JobSet", JOBSET), JOB, pods=(NO_IMAGE,))),
        Case("its jobs failed", "Unhealthy/Fault JobsFailed", train_job(failed=1)),
        Case("failed", "Unhealthy/Fault JobFailed", train_job({"Failed": "True/JobsFailed"})),
        Case("out of its own time", "Unknown/UserError DeadlineExceeded", train_job({"Failed": "True/DeadlineExceeded"})),
        Case("no such runtime", "Unknown/UserError TrainingRuntimeNotSupported", train_job({"Failed": "True/TrainingRuntimeNotSupported"})),
        Case("complete", "Healthy/Finished Finished", train_job({"Complete": "True"})),
        Case("suspended", "Healthy/Suspended Suspended", train_job({"Suspended": "True"}, suspend=True)),
    ),
    "JobSet.jobset.x-k8s.io": (
        Case("runs", "Healthy Running", job_set(3)),
        Case("a worker was lost", "Unhealthy/Fault JobsNotReady", job_set(2)),
        Case("starts", "Unhealthy/Progressing NotRunning", job_set(0)),
        Case("starts, no image", OWN, job_set(0), by_way(JOB, pods=(WELL, NO_IMAGE))),
        Case("starts, one has no image, one finds no node", "Unhealthy/Progressing NotRunning", job_set(0), by_way(JOB, pods=(NO_IMAGE, PENDING))),
        Case("starts in order", "Unhealthy/Progressing NotRunning", job_set(1, {"StartupPolicyInProgress": "True"})),
        Case("restarting", "Unhealthy/Progressing Restarting", job_set(1, {"RestartingJobSet": "True"}, restarts=1)),
        Case("failed", "Unhealthy/Fault JobFailed", job_set(1, {"Failed": "True/ReachedMaxRestarts"})),
        Case("complete", "Healthy/Finished Finished", job_set(0, {"Completed": "True"}, terminalState="Completed")),
        Case("suspended", "Healthy/Suspended Suspended", job_set(0, {"Suspended": "True"}, suspend=True)),
    ),
    "Workflow.argoproj.io": (
        Case("runs", "Healthy Running", workflow("Running")),
        Case("pending", "Unhealthy/Progressing Pending", workflow("Pending")),
        Case("a step failed", "Unknown/UserError WorkflowFailed", workflow("Failed")),
        Case("the controller failed", "Unhealthy/Fault WorkflowError", workflow("Error")),
        Case("refused", "Unknown/UserError InvalidSpec", workflow("Error", conditions={"SpecError": "True"})),
        Case("succeeded", "Healthy/Finished Finished", workflow("Succeeded")),
        Case("suspended", "Healthy/Suspended Suspended", workflow("Running", suspend=True)),
    ),
    "BroadcastJob.apps.kruise.io": (
        Case("runs", "Healthy Running", broadcast("running")),
        Case("failed", "Unhealthy/Fault JobFailed", broadcast("failed")),
        Case("complete", "Healthy/Finished Finished", broadcast("completed")),
        Case("paused", "Healthy/Suspended Suspended", broadcast("paused")),
    ),
}  # fmt: skip
