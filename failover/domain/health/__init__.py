"""Whether a workload is well, told from its own object and from what it owns.

Three values, because "we cannot tell" is neither: `Unknown` stops the toleration clock (or counts,
as the policy says) and never starts a failover by itself. A verdict is *about moving*: what another
cluster would not mend (a finished job, a missing image, a delete in progress) is not `Unhealthy`.

A status is a claim by a controller that may be dead. Where a kind is known to own what does the
work, `owned_kinds` names it and `judge` compares: a claim that the owned objects contradict is
`Unhealthy` with reason `StatusContradictsPods`. Where the pods lie deeper (a Deployment's belong to its
ReplicaSets, an operator's to StatefulSets, Jobs or kinds of its own), `ways_when_ill` names the ways to them: they
are looked at only while the rest says that it is ill, since all they can say is that its author is to blame. With `owned=None` nobody looked; then the status
alone decides, and absence of evidence is not held against it.

Where this differs from Karmada's interpreters, and why:

Each as "kind: what is seen | Karmada's verdict | ours: why".

- FlinkDeployment: job FAILED | Healthy | Unhealthy `JobFailed`: nothing runs
- FlinkDeployment: FAILING, RESTARTING | Healthy | Unhealthy: a job in a restart loop would never
  move
- FlinkDeployment: SUSPENDED, not asked for | Healthy | Unhealthy `JobSuspended`: nothing runs
- FlinkDeployment: CANCELLING | Healthy | Unknown `JobCancelling`: a person is stopping it
- FlinkDeployment: image or crash-loop error before RUNNING | Healthy | Unknown `UserError`: it
  will not run elsewhere either, and it is not well
- FlinkDeployment: no ready JobManager, its pods have no image, or end by themselves | Healthy |
  Unknown `UserError`: as above, where the status does not say so
- FlinkDeployment: RUNNING, no ready JobManager | Healthy | Unhealthy `StatusContradictsPods`: a
  dead operator leaves a frozen status
- FlinkDeployment: no status yet | Unhealthy | Unknown `NoStatusYet`: nobody has looked yet
- SparkApplication: SUBMISSION_FAILED, FAILING, PENDING_RERUN, INVALIDATING, UNKNOWN, SUBMITTED |
  Healthy | Unhealthy: no driver works
- SparkApplication: RUNNING, no ready driver | Healthy | Unhealthy `StatusContradictsPods`: as
  above
- SparkApplication: no state yet | Unhealthy | Unknown `NoStatusYet`: nobody has looked yet
- Deployment: all replicas available, update under way or stalled | Unhealthy | Healthy: a slow
  update must not evict what serves
- Deployment: update under way, fewer replicas, `Available` holds | Unhealthy | Healthy: the
  object's own limit is kept
- Deployment: update under way, below that limit, not zero | Unhealthy | Unknown
  `RolloutInProgress`: it may be the update or the cluster
- Deployment: update stalled, `Available` holds | Unhealthy | Unknown `RolloutStalled`: the new
  version is to blame as likely as the cluster
- StatefulSet, DaemonSet: update under way, one replica (or `maxUnavailable`) missing | Unhealthy
  | Unknown `RolloutInProgress`: no deadline or condition tells an update from an illness
- Deployment, StatefulSet, DaemonSet, ReplicaSet: observed generation behind | Unhealthy |
  Unknown `StatusOutdated`: the numbers speak of the old spec
- Job: failed, or its pods not ready | no verdict | Unhealthy: Karmada never moves a Job
- Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, Pod: every pod that is not ready has no image, a wrong
  configuration, or a program that ends by itself | Unhealthy | Unknown `UserError`: as ill elsewhere
- kinds of operators (Kubeflow, Ray, databases, Kafka, ...): the same of the pods below StatefulSets, Jobs and the like |
  as the status says | Unknown `UserError`: as ill elsewhere
- kinds of Kruise, Kubeflow, Ray, Volcano, Argo | a rule each | a rule each: `rows/` says where
  they differ, docs/health-catalogue.md lists it
- any other: condition `Ready` or `Available` | Healthy | as the condition says: Karmada knows no
  hook and says Healthy
- any other: no condition that can be read | Healthy | Unknown `NoConditions`: not knowing is not
  health
- all: being deleted | left out | Unknown `BeingDeleted`: somebody is at work on it
"""

from __future__ import annotations

from failover.domain.health.catalogue import (
    is_exclusive,
    judge,
    kinds_between,
    owned_kinds,
    support_of,
    ways_when_ill,
)
from failover.domain.health.entries import Support
from failover.domain.health.verdict import Cause, Health, HealthStatus, may_be_its_own_fault

__all__ = [
    "Cause",
    "Health",
    "HealthStatus",
    "Support",
    "is_exclusive",
    "judge",
    "kinds_between",
    "may_be_its_own_fault",
    "owned_kinds",
    "support_of",
    "ways_when_ill",
]
