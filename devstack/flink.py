"""A small stand-in for Flink's Kubernetes operator, for local clusters that run no pods.

It does what a failover can see of the real one. For each new FlinkDeployment it creates the
JobManager's Deployment, owned by it, makes that ready, and writes the status: a fresh job id,
`RUNNING`, `STABLE`. Where the object carries the alias label of an earlier job, the new job is
written down as resumed from that job's last checkpoint, as an init container or an admission hook
would make it in earnest.

And it can be made to fail: `kill_job_manager` leaves the Deployment without a ready replica and the
status frozen at `RUNNING`, which is what a dead JobManager beside a dead operator looks like.
An object annotated with `HOLD` is left alone until the annotation is gone.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import aiohttp

from devstack.api import Api, Manifest
from devstack.errors import ApiError
from devstack.following import follow

logger = logging.getLogger(__name__)

FLINK = "/apis/flink.apache.org/v1beta1"
APPS = "/apis/apps/v1"
ALIAS_LABEL = "resourcebinding.karmada.io/failover-jobid"
HOLD = "devstack/hold"
RESUMED_FROM = "devstack/resumed-from"
CHECKPOINTS = "s3://checkpoints"
CALLS_MAX = 32
CONFLICT = 409
GONE = (404, 422)
RETRY_SECONDS = 0.2


class FlinkOperator:
    """Runs beside a world, on some of its clusters, from `async with` to its end."""

    def __init__(
        self,
        apis: Mapping[str, Api],
        *,
        alias_label: str = ALIAS_LABEL,
        healthy_after: timedelta = timedelta(0),
    ) -> None:
        """`healthy_after` is how long a new job takes from its creation until it runs."""
        self.healthy_after = healthy_after
        self._apis = apis
        self._alias_label = alias_label
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting: dict[str, asyncio.Task[None]] = {}
        self._calls = asyncio.Semaphore(CALLS_MAX)

    async def __aenter__(self) -> Self:
        """Begin to follow the clusters."""
        for cluster, api in self._apis.items():
            self._spawn(self._follow(cluster, api))
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Stop; what is on the clusters stays as it is."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def kill_job_manager(self, cluster: str, namespace: str, name: str) -> None:
        """The JobManager dies, and nobody tells the FlinkDeployment."""
        await self._write_readiness(self._apis[cluster], namespace, name, ready=False)

    async def recover(self, cluster: str, namespace: str, name: str) -> None:
        """The JobManager comes back by itself; the job goes on under its old id."""
        api = self._apis[cluster]
        await self._write_readiness(api, namespace, name, ready=True)
        status = {"jobStatus": {"state": "RUNNING", "updateTime": _milliseconds()}}
        await api.merge(f"{_flink(namespace, name)}/status", {"status": status})

    async def hold(self, cluster: str, namespace: str, name: str) -> None:
        """Leave this object alone from now on."""
        await self._annotate(cluster, namespace, name, "true")

    async def release(self, cluster: str, namespace: str, name: str) -> None:
        """Take care of this object again."""
        await self._annotate(cluster, namespace, name, None)

    async def _annotate(self, cluster: str, namespace: str, name: str, value: str | None) -> None:
        patch = {"metadata": {"annotations": {HOLD: value}}}
        await self._apis[cluster].merge(_flink(namespace, name), patch)

    async def _follow(self, cluster: str, api: Api) -> None:
        async for event in follow(api, f"{FLINK}/flinkdeployments"):
            self._consider(cluster, api, event["type"], event["object"])

    def _consider(self, cluster: str, api: Api, kind: str, manifest: Manifest) -> None:
        """Start the job of a new object; forget that of one that is going."""
        key = f"{cluster}/{manifest['metadata']['uid']}"
        going = kind == "DELETED" or "deletionTimestamp" in manifest["metadata"]
        if going or _held(manifest):
            if task := self._starting.pop(key, None):
                task.cancel()
        elif key not in self._starting and not _has_job(manifest):
            # It stays known when it is done: an event from before our own write may still come.
            self._starting[key] = self._spawn(self._start_job(api, manifest))

    async def _start_job(self, api: Api, manifest: Manifest) -> None:
        """JobManager first, then the word that it runs; again and again until it is done."""
        await asyncio.sleep(self.healthy_after.total_seconds())
        while True:
            try:
                async with self._calls:
                    await self._write_job(api, manifest)
            except ApiError as error:
                if error.status in GONE:
                    return  # the FlinkDeployment went away meanwhile, or is another one by now
                logger.debug("retrying %s: %s", manifest["metadata"]["name"], error)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                logger.debug("retrying %s: %s", manifest["metadata"]["name"], error)
            else:
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def _write_job(self, api: Api, manifest: Manifest) -> None:
        namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
        resumed_from = manifest["metadata"].get("labels", {}).get(self._alias_label)
        deployment = job_manager(manifest, resumed_from)
        try:
            await api.create(f"{APPS}/namespaces/{namespace}/deployments", deployment)
        except ApiError as error:
            if error.status != CONFLICT or await self._belongs_to_another(api, manifest):
                raise
        await self._write_readiness(api, namespace, name, ready=True)
        # The uid makes it a write to this very object, not to a later one of the same name.
        uid = {"uid": manifest["metadata"]["uid"]}
        status = job_status(manifest, uuid.uuid4().hex, resumed_from)
        await api.merge(f"{_flink(namespace, name)}/status", {"metadata": uid, "status": status})

    async def _belongs_to_another(self, api: Api, manifest: Manifest) -> bool:
        """Whether the JobManager there is that of an earlier object, still to be collected."""
        metadata = manifest["metadata"]
        there = await api.find(_deployment(metadata["namespace"], metadata["name"]))
        owners: list[Manifest] = there["metadata"].get("ownerReferences", []) if there else []
        return all(owner["uid"] != metadata["uid"] for owner in owners)

    async def _write_readiness(self, api: Api, namespace: str, name: str, *, ready: bool) -> None:
        status = deployment_status(ready=ready)
        await api.merge(f"{_deployment(namespace, name)}/status", {"status": status})

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def job_manager(owner: Manifest, resumed_from: str | None) -> Manifest:
    """The JobManager's Deployment, which goes when its FlinkDeployment goes."""
    metadata, spec = owner["metadata"], owner.get("spec", {})
    labels = {"app": metadata["name"], "component": "jobmanager", "type": "flink-native-kubernetes"}
    container = {"name": "flink-main-container", "image": spec.get("image", "flink:1.20")}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": labels,
            "annotations": {RESUMED_FROM: resumed_from} if resumed_from else {},
            "ownerReferences": [
                {
                    "apiVersion": owner["apiVersion"],
                    "kind": owner["kind"],
                    "name": metadata["name"],
                    "uid": metadata["uid"],
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def deployment_status(*, ready: bool) -> Manifest:
    """What the deployment controller would write."""
    count, missing = (1, None) if ready else (None, 1)
    reason = "MinimumReplicasAvailable" if ready else "MinimumReplicasUnavailable"
    return {
        "observedGeneration": 1,
        "replicas": 1,
        "updatedReplicas": 1,
        "readyReplicas": count,
        "availableReplicas": count,
        "unavailableReplicas": missing,
        "conditions": [
            {
                "type": "Available",
                "status": "True" if ready else "False",
                "reason": reason,
                "message": f"{count or 0} of 1 replicas are available.",
                "lastTransitionTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        ],
    }


def job_status(manifest: Manifest, job_id: str, resumed_from: str | None) -> Manifest:
    """The status of a FlinkDeployment whose job runs."""
    job: Manifest = {
        "jobId": job_id,
        "jobName": manifest["metadata"]["name"],
        "state": "RUNNING",
        "startTime": _milliseconds(),
        "updateTime": _milliseconds(),
    }
    if resumed_from:
        configuration = manifest.get("spec", {}).get("flinkConfiguration", {})
        base = str(configuration.get("state.checkpoints.dir", CHECKPOINTS)).rstrip("/")
        job["upgradeSavepointPath"] = f"{base}/{resumed_from}/chk-1"
    return {
        "jobManagerDeploymentStatus": "READY",
        "lifecycleState": "STABLE",
        "observedGeneration": manifest["metadata"].get("generation", 1),
        "jobStatus": job,
    }


def _has_job(manifest: Manifest) -> bool:
    job: Manifest = manifest.get("status", {}).get("jobStatus", {})
    return bool(job.get("jobId"))


def _held(manifest: Manifest) -> bool:
    annotations: Manifest = manifest["metadata"].get("annotations", {})
    return bool(annotations.get(HOLD) == "true")


def _flink(namespace: str, name: str) -> str:
    return f"{FLINK}/namespaces/{namespace}/flinkdeployments/{name}"


def _deployment(namespace: str, name: str) -> str:
    return f"{APPS}/namespaces/{namespace}/deployments/{name}"


def _milliseconds() -> str:
    """Flink writes moments as milliseconds since the epoch, in a string."""
    return str(int(datetime.now(UTC).timestamp() * 1000))
