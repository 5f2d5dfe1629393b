"""The applications that are moved: FlinkDeployments, ill from the start, and their policies."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence

from devstack.api import Api, Manifest
from devstack.flink import ALIAS_LABEL, deployment_status, job_manager, job_status
from failover.domain.identity import ApplicationRef
from failover.domain.policy import Policy
from failover.domain.policy.reading import read_policies
from failover.domain.request import FailoverRequest, Trigger

SOURCE, TARGET = "east", "west"
GROUP, KIND = "flink.apache.org", "FlinkDeployment"
API_VERSION = f"{GROUP}/v1beta1"
FLINK = f"/apis/{API_VERSION}"
APPS = "/apis/apps/v1"
WRITES_MAX = 16

POLICY = """
apiVersion: policy.karmada.io/v1alpha1
kind: PropagationPolicy
metadata: {{name: bench, namespace: {namespace}}}
spec:
  propagateDeps: true
  resourceSelectors: [{{apiVersion: {api_version}, kind: {kind}, namespace: {namespace}}}]
  placement: {{clusterAffinity: {{clusterNames: [{source}, {target}]}}}}
  failover:
    application:
      purgeMode: Directly
      decisionConditions: {{tolerationSeconds: {toleration_seconds}}}
      statePreservation:
        rules:
        - aliasLabelName: {label}
          jsonPath: "{{ .jobStatus.jobId }}"
"""


@functools.cache
def policy(namespace: str, toleration_seconds: int) -> Policy:
    """A Karmada policy as its users write it, for all FlinkDeployments of a namespace."""
    text = POLICY.format(
        namespace=namespace,
        toleration_seconds=toleration_seconds,
        api_version=API_VERSION,
        kind=KIND,
        source=SOURCE,
        target=TARGET,
        label=ALIAS_LABEL,
    )
    return read_policies(text, "bench").policies[0]


def request(namespace: str, name: str, uid: str, toleration_seconds: int) -> FailoverRequest:
    """The failover of one of them, in every other respect as the product starts it."""
    return FailoverRequest(
        application=ApplicationRef(group=GROUP, kind=KIND, namespace=namespace, name=name),
        source=SOURCE,
        source_uid=uid,
        policy=policy(namespace, toleration_seconds),
        trigger=Trigger(kind="Manual", actor="bench", reason="JobManagerMissing"),
    )


async def create_ill(api: Api, namespace: str, names: Sequence[str]) -> dict[str, str]:
    """Create them with a job id and a JobManager without a ready replica; gives their uids."""
    writes = asyncio.Semaphore(WRITES_MAX)

    async def create(name: str) -> tuple[str, str]:
        async with writes:
            return name, await _create_ill(api, namespace, name)

    return dict(await asyncio.gather(*(create(name) for name in names)))


async def _create_ill(api: Api, namespace: str, name: str) -> str:
    flink = f"{FLINK}/namespaces/{namespace}/flinkdeployments"
    apps = f"{APPS}/namespaces/{namespace}/deployments"
    created = await api.create(flink, deployment(namespace, name))
    await api.create(apps, job_manager(created, None))
    await api.merge(f"{apps}/{name}/status", {"status": deployment_status(ready=False)})
    job_id = f"{abs(hash(name)):032x}"[-32:]
    await api.merge(f"{flink}/{name}/status", {"status": job_status(created, job_id, None)})
    return str(created["metadata"]["uid"])


def deployment(namespace: str, name: str) -> Manifest:
    """A FlinkDeployment as its users write it."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "image": "flink:1.20",
            "flinkVersion": "v1_20",
            "flinkConfiguration": {
                "taskmanager.numberOfTaskSlots": "2",
                "state.checkpoints.dir": "s3://checkpoints",
                "execution.checkpointing.interval": "30s",
            },
            "serviceAccount": "flink",
            "jobManager": {"resource": {"memory": "2048m", "cpu": 1}},
            "taskManager": {"resource": {"memory": "2048m", "cpu": 1}},
            "job": {
                "jarURI": "local:///opt/flink/examples/streaming/StateMachineExample.jar",
                "parallelism": 2,
                "upgradeMode": "savepoint",
                "state": "running",
            },
        },
    }
