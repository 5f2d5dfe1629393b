"""`python -m bench.herd FILE CLUSTERS APPLICATIONS`: a process of simulated clusters and their applications.

It writes a kubeconfig to FILE once it serves. What the bench wants done to the applications it asks for
on the first cluster's port, under `/bench`; moments are by the clock of the machine, as Temporal's are.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import yaml
from aiohttp import web

from bench.applications import API_VERSION, GROUP, KIND, deployment
from bench.simulated import Kind, Manifest, SimulatedCluster, served
from devstack.flink import deployment_status, job_manager, job_status

FLINK = Kind(GROUP, API_VERSION.rpartition("/")[2], KIND, "flinkdeployments")
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments")
SECRET = Kind("", "v1", "Secret", "secrets")
NAMESPACE = "bench"
TICK_SECONDS = 0.01


class Herd:
    """Applications that are well, spread evenly over the clusters."""

    def __init__(self, clusters: int, applications: int) -> None:
        """Make them."""
        kinds = (FLINK, DEPLOYMENT, SECRET)
        self.clusters = [SimulatedCluster(f"cluster-{n}", kinds) for n in range(clusters)]
        self.count = applications
        for number in range(applications):
            self._create(number)
        self._storm: asyncio.Task[None] | None = None
        self._changes = 0
        self.clusters[0].application.add_routes(
            [
                web.post("/bench/state/{number}/{state}", self._set_state),
                web.post("/bench/storm/{rate}/{seconds}", self._begin_storm),
                web.get("/bench/storm", self._storm_so_far),
                web.get("/bench/requests", self._requests),
            ]
        )

    def kubeconfig(self, addresses: list[str]) -> str:
        """A context for each cluster."""
        names = [each.name for each in self.clusters]
        document: Manifest = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": name, "cluster": {"server": address}}
                for name, address in zip(names, addresses, strict=True)
            ],
            "contexts": [
                {"name": name, "context": {"cluster": name, "user": "bench"}} for name in names
            ],
            "users": [{"name": "bench", "user": {}}],
        }
        return yaml.safe_dump(document)

    def _create(self, number: int) -> None:
        cluster, name = self.clusters[number % len(self.clusters)], name_of(number)
        created = cluster.put(FLINK, _as_stored(deployment(NAMESPACE, name)))
        jobs = job_manager(created, None)
        cluster.put(DEPLOYMENT, _as_stored({**jobs, "status": deployment_status(ready=True)}))
        cluster.put(FLINK, {**created, "status": job_status(created, f"{number:032x}", None)})

    def change(self, number: int, **job: object) -> None:
        """Change the job's status of one application."""
        cluster = self.clusters[number % len(self.clusters)]
        before = cluster.get(FLINK, NAMESPACE, name_of(number))
        status = before["status"]
        after = {**status, "jobStatus": {**status["jobStatus"], **job}}
        cluster.put(FLINK, {**before, "status": after})

    async def _set_state(self, request: web.Request) -> web.StreamResponse:
        number, state = int(request.match_info["number"]), request.match_info["state"]
        at = datetime.now(UTC).timestamp()
        self.change(number, state=state)
        return web.json_response({"at": at})

    async def _begin_storm(self, request: web.Request) -> web.StreamResponse:
        rate, seconds = (int(request.match_info[each]) for each in ("rate", "seconds"))
        self._storm = asyncio.create_task(self._rage(rate, seconds))
        return web.json_response({})

    async def _storm_so_far(self, _: web.Request) -> web.StreamResponse:
        over = self._storm is None or self._storm.done()
        return web.json_response({"changes": self._changes, "over": over})

    async def _requests(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"requests": sum(each.requests for each in self.clusters)})

    async def _rage(self, rate: int, seconds: int) -> None:
        """Status changes that mean nothing, in even steps."""
        self._changes, begin = 0, time.monotonic()
        while (passed := time.monotonic() - begin) < seconds:
            while self._changes < rate * passed:
                self.change(self._changes % self.count, updateTime=str(time.time_ns()))
                self._changes += 1
            await asyncio.sleep(TICK_SECONDS)


def name_of(number: int) -> str:
    """An application's name."""
    return f"orders-{number:05}"


def _as_stored(manifest: Manifest) -> Manifest:
    """With what an API server adds, which is as long as what was written: who wrote which field."""
    managed = [
        {
            "manager": manager,
            "operation": "Update",
            "apiVersion": manifest["apiVersion"],
            "time": "2026-11-27T05:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": _fields(manifest.get("spec", {})),
        }
        for manager in ("kubectl", "flink-kubernetes-operator")
    ]
    return {**manifest, "metadata": {**manifest["metadata"], "managedFields": managed}}


def _fields(value: Any) -> Any:
    if not isinstance(value, dict):
        return {}
    fields = cast("Manifest", value)
    return {f"f:{key}": _fields(each) for key, each in fields.items()}


async def main(file: Path, clusters: int, applications: int) -> None:
    """Serve for ever."""
    herd = Herd(clusters, applications)
    async with served(herd.clusters) as addresses:
        new = file.with_suffix(".new")
        new.write_text(herd.kubeconfig(addresses))
        new.replace(file)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
