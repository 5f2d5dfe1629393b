"""The application of a case: its object on every cluster, made ill and well."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devstack.errors import ApiError
from devstack.flink import ALIAS_LABEL
from failover.domain.identity import ApplicationRef, record_name
from tests.support.admission import FLINKS, Refusing, refuse
from tests.support.admission import RECORDS as RECORD_PLACE
from tests.support.policies import GROUP, KIND, NAMESPACE
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.support.stage import Saga

FLINK = f"/apis/{GROUP}/v1beta1/namespaces/{NAMESPACE}/flinkdeployments"
RECORDS = "/api/v1/namespaces/failover-system/secrets"

Manifest = dict[str, Any]


@dataclass
class Workload:
    """One application as its clusters have it."""

    saga: Saga
    name: str
    home: str
    uid: str = ""
    job_id: str = ""

    @property
    def ref(self) -> ApplicationRef:
        """Its identity."""
        return ApplicationRef(group=GROUP, kind=KIND, namespace=NAMESPACE, name=self.name)

    @property
    def path(self) -> str:
        """Its path on every API server."""
        return f"{FLINK}/{self.name}"

    @property
    def state(self) -> dict[str, str]:
        """The labels that a new copy has to start with."""
        return {ALIAS_LABEL: self.job_id}

    async def create(
        self, metadata: Mapping[str, Any], spec: Mapping[str, Any], *, up: bool = True
    ) -> None:
        """Create it and, unless it does not come up, wait until its job runs."""
        manifest = {
            "apiVersion": f"{GROUP}/v1beta1",
            "kind": KIND,
            "metadata": {"name": self.name, "namespace": NAMESPACE, **metadata},
            "spec": {
                "image": "flink:1.20",
                "flinkVersion": "v1_20",
                "job": {"jarURI": "local:///x.jar", "parallelism": 1},
                **spec,
            },
        }
        created = await self.saga.world.api(self.home).create(FLINK, manifest)
        self.uid = created["metadata"]["uid"]
        if up:
            there = await self.running(self.home)
            self.job_id = there["status"]["jobStatus"]["jobId"]

    async def running(self, cluster: str) -> Manifest:
        """The copy there, once its job runs."""

        async def look() -> Manifest | None:
            there = await self.copy(cluster)
            job = (there or {}).get("status", {}).get("jobStatus", {})
            return there if job.get("jobId") else None

        return await eventually(look, f"{self.name} runs on {cluster}") or {}

    async def fall_ill(self) -> None:
        """The JobManager dies."""
        await self.saga.operator.kill_job_manager(self.home, NAMESPACE, self.name)

    async def recover(self) -> None:
        """The JobManager is back."""
        await self.saga.operator.recover(self.home, NAMESPACE, self.name)

    async def copy(self, cluster: str) -> Manifest | None:
        """The object there."""
        return await self.saga.world.api(cluster).find(self.path)

    async def copies(self) -> dict[str, Manifest]:
        """The object on each cluster that has it."""
        found = {name: await self.copy(name) for name in self.saga.world.clusters}
        return {name: there for name, there in found.items() if there is not None}

    async def record(self, cluster: str) -> Manifest | None:
        """The engine's record there."""
        return await self.saga.world.api(cluster).find(f"{RECORDS}/{record_name(self.ref)}")

    async def lose_record(self, cluster: str) -> None:
        """Somebody deletes the record there."""
        await self.saga.world.api(cluster).delete(f"{RECORDS}/{record_name(self.ref)}")

    async def reports(self, cluster: str, **status: Any) -> None:
        """The operator there writes this into its status."""
        await self.saga.world.api(cluster).merge(f"{self.path}/status", {"status": status})

    async def annotate(self, cluster: str, annotations: Mapping[str, str | None]) -> None:
        """Write annotations on the copy there."""
        patch = {"metadata": {"annotations": dict(annotations)}}
        await self.saga.world.api(cluster).merge(self.path, patch)

    async def set_finalizers(self, cluster: str, *finalizers: str) -> None:
        """Hold its deletion there, or let it go."""
        with contextlib.suppress(ApiError):  # gone already, which is what no finalizers are for
            await self.saga.world.api(cluster).merge(
                self.path, {"metadata": {"finalizers": list(finalizers)}}
            )

    async def events(self, cluster: str) -> list[Manifest]:
        """The Kubernetes Events about it there."""
        path = f"/api/v1/namespaces/{NAMESPACE}/events"
        selector = f"involvedObject.name={self.name}"
        return await self.saga.world.api(cluster).list(path, fieldSelector=selector)

    async def refuse(
        self, cluster: str, operation: str, *, record: bool = False, when: str = "true"
    ) -> Refusing:
        """Have the cluster refuse this operation on its object, or on its record."""
        place, name = (RECORD_PLACE, record_name(self.ref)) if record else (FLINKS, self.name)
        return await refuse(self.saga.world.api(cluster), place, name, operation, when=when)
