"""Ray, Kubeflow, Volcano, JobSet, Argo Workflows, BroadcastJob."""

from __future__ import annotations

from failover.domain.health.argo import WORKFLOW, judge_workflow
from failover.domain.health.entries import Entry, alone, unless_own_fault
from failover.domain.health.gangs import (
    BROADCAST_JOB,
    JOB_SET,
    VOLCANO_JOB,
    judge_broadcast_job,
    judge_job_set,
    judge_volcano_job,
)
from failover.domain.health.pods import JOB, POD
from failover.domain.health.ray import (
    RAY_CLUSTER,
    RAY_JOB,
    RAY_SERVICE,
    judge_ray_cluster,
    judge_ray_job,
    judge_ray_service,
)
from failover.domain.health.training import (
    TRAIN_JOB,
    TRAINING_JOBS,
    judge_train_job,
    judge_training_job,
)

_JOB = ("Finished", "JobFailed", "NotRunning", "Running", "Suspended")
_POD = (POD,)
_TRAINING = (
    "only Failed=True is Unhealthy: a job that was created and never runs is Healthy for ever"
)


ROWS: tuple[Entry, ...] = (
    Entry(
        RAY_JOB,
        unless_own_fault(alone(judge_ray_job)),
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
            "UserError",
            "ValidationFailed",
            "Waiting",
        ),
        karmada="every Failed, and Suspended, is Unhealthy: a broken program would move for ever",
        when_ill=((RAY_CLUSTER, POD), (JOB, POD)),  # a Job submits it
        between=(RAY_CLUSTER,),
    ),
    Entry(
        RAY_CLUSTER,
        unless_own_fault(alone(judge_ray_cluster)),
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
        when_ill=(_POD,),
    ),
    Entry(
        RAY_SERVICE,
        unless_own_fault(alone(judge_ray_service)),
        ("NotReady", "Ready", "Suspended", "UserError", "ValidationFailed"),
        karmada="a suspended service, and one that KubeRay refuses, are Unhealthy",
        when_ill=((RAY_CLUSTER, POD),),
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
        unless_own_fault(alone(judge_train_job)),
        (*_JOB, "DeadlineExceeded", "JobsFailed", "TrainingRuntimeNotSupported", "UserError"),
        when_ill=((JOB_SET, JOB, POD),),
        between=(JOB_SET,),
    ),
    Entry(
        JOB_SET,
        unless_own_fault(alone(judge_job_set)),
        (*_JOB, "JobsNotReady", "Restarting", "UserError"),
        when_ill=((JOB, POD),),
    ),
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
        BROADCAST_JOB,
        alone(judge_broadcast_job),
        ("Finished", "JobFailed", "Running", "Suspended"),
        karmada="one failed pod is Unhealthy, and so is a job without nodes",
    ),
)
