"""The local world: it comes up, can be disturbed in every way, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import sys
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import aiohttp
import psutil
import pytest
import yaml
from kubernetes import aio
from temporalio.client import Client

from devstack.api import Api, Manifest
from devstack.errors import ApiError, DirectoryInUse, PartFailed, PortInUse
from devstack.flink import ALIAS_LABEL, RESUMED_FROM, FlinkOperator
from devstack.ports import LOOPBACK, is_free
from devstack.processes import Command
from devstack.programs import WORKLOAD_CONTROLLERS
from devstack.up import serve
from devstack.world import World
from tests.support.world import FreshWorld

DEADLINE_SECONDS = 30.0
T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T | None]]) -> T:
    """What `look` sees, once it sees something."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (seen := await look()):  # noqa: ASYNC110 - a level on a server, not an event here
            await asyncio.sleep(0.02)
    return seen


def config_map(name: str, **data: str) -> Manifest:
    """Something small to keep."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


class TestSharedWorld:
    """What every test may rely on, without disturbing anybody."""

    async def test_every_context_of_the_kubeconfig_reaches_its_own_cluster(
        self, world: World
    ) -> None:
        """Kubernetes' own client reads the kubeconfig; each context is another cluster."""
        uids: set[str] = set()
        for cluster in world.clusters:
            configuration = aio.client.Configuration()
            await aio.config.load_kube_config(  # type: ignore[no-untyped-call]
                str(world.kubeconfig), context=cluster, client_configuration=configuration
            )
            async with aio.client.ApiClient(configuration) as client:
                system = await aio.client.CoreV1Api(client).read_namespace("kube-system")
            assert system.metadata is not None
            uids.add(str(system.metadata.uid))
        assert len(uids) == len(world.clusters)

    async def test_fleet_file_names_the_clusters(self, world: World) -> None:
        """The engine is told of the same clusters as the kubeconfig has contexts."""
        fleet = yaml.safe_load(world.fleet_file.read_text())
        contexts = yaml.safe_load(world.kubeconfig.read_text())["contexts"]
        assert fleet["name"] == "devstack"
        names = [cluster["name"] for cluster in fleet["clusters"]]
        assert names == [context["name"] for context in contexts] == list(world.clusters)

    async def test_temporal_answers_with_its_default_namespace(self, world: World) -> None:
        """What is started there is counted, and nothing else; its Web UI can be used as well."""
        client = await Client.connect(world.temporal_address)
        assert client.namespace == "default"
        workflow_id = f"nobody-{uuid.uuid4().hex[:10]}"
        assert await counted(client, workflow_id) == 0
        handle = await client.start_workflow("Nobody", id=workflow_id, task_queue="nobody")
        await eventually(lambda: counted(client, workflow_id))
        assert await counted(client, workflow_id) == 1
        await handle.terminate()
        async with aiohttp.ClientSession() as http, http.get(world.temporal_ui_url) as page:
            assert page.status == 200

    async def test_everything_listens_on_the_loopback_interface_only(self, world: World) -> None:
        """No part can be reached from another machine."""
        addresses = [
            connection.laddr.ip
            for part in world.parts.values()
            for connection in psutil.Process(part.pid).net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert len(addresses) > len(world.parts)
        assert set(addresses) == {LOOPBACK}

    async def test_user_with_a_certificate_has_the_rights_that_rbac_gives(
        self, world: World, namespace: str
    ) -> None:
        """A named user is known to the API server, and may do nothing before a binding says so."""
        path = f"/api/v1/namespaces/{namespace}/configmaps"
        async with world.client("east", "anna", ["readers"]) as anna:
            with pytest.raises(ApiError, match='User "anna" cannot list') as refused:
                await anna.list(path)
            assert refused.value.status == 403
            await world.install("east", reader(namespace, group="readers"))
            await eventually(lambda: may_list(anna, path))

    async def test_credentials_can_expire_soon(self, world: World) -> None:
        """A certificate that is over is refused, so that renewal can be tested."""
        async with world.client("east", "eve", lifetime=timedelta(seconds=-1)) as eve:
            with pytest.raises((ApiError, aiohttp.ClientError, ssl.SSLError)):
                await eve.get("/api/v1/namespaces/default")

    async def test_objects_are_collected_with_their_owner(
        self, world: World, namespace: str
    ) -> None:
        """The garbage collector runs: what a deleted object owned is gone a moment later."""
        api, path = world.api("west"), f"/api/v1/namespaces/{namespace}/configmaps"
        owner = await api.create(path, config_map("owner"))
        owned = config_map("owned")
        owned["metadata"]["ownerReferences"] = [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": "owner",
                "uid": owner["metadata"]["uid"],
            }
        ]
        await api.create(path, owned)
        await api.delete(f"{path}/owner")
        await eventually(lambda: gone(api, f"{path}/owned"))


class TestFlinkOperator:
    """The stand-in for Flink's operator."""

    async def test_new_deployment_runs_on_a_ready_job_manager(
        self, world: World, flink: FlinkOperator, namespace: str
    ) -> None:
        """A FlinkDeployment gets a job with an id, and owns the Deployment of its JobManager."""
        del flink
        api = world.api("east")
        created = await create_flink(api, namespace, "orders")
        running = await eventually(lambda: running_job(api, namespace, "orders"))
        assert len(running["status"]["jobStatus"]["jobId"]) == 32
        assert running["status"]["lifecycleState"] == "STABLE"
        assert "upgradeSavepointPath" not in running["status"]["jobStatus"]
        manager = await api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/orders")
        assert manager["status"]["readyReplicas"] == 1
        [owner] = manager["metadata"]["ownerReferences"]
        assert owner["uid"] == created["metadata"]["uid"]
        assert owner["controller"]

    async def test_dead_job_manager_leaves_a_frozen_status_and_can_recover(
        self, world: World, flink: FlinkOperator, namespace: str
    ) -> None:
        """The FlinkDeployment goes on to say RUNNING; only its Deployment tells otherwise."""
        api = world.api("east")
        await create_flink(api, namespace, "orders")
        before = await eventually(lambda: running_job(api, namespace, "orders"))
        await flink.kill_job_manager("east", namespace, "orders")
        manager = await api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/orders")
        frozen = await api.get(flink_path(namespace, "orders"))
        assert "readyReplicas" not in manager["status"]
        assert manager["status"]["unavailableReplicas"] == 1
        assert frozen["status"] == before["status"]
        await flink.recover("east", namespace, "orders")
        manager = await api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/orders")
        after = await api.get(flink_path(namespace, "orders"))
        assert manager["status"]["readyReplicas"] == 1
        assert "unavailableReplicas" not in manager["status"]
        assert after["status"]["jobStatus"]["jobId"] == before["status"]["jobStatus"]["jobId"]

    async def test_alias_label_makes_the_copy_resume(
        self, world: World, flink: FlinkOperator, namespace: str
    ) -> None:
        """A copy that carries an earlier job's id starts a new job from that one's checkpoint."""
        del flink
        api, earlier = world.api("west"), "f" * 32
        await create_flink(api, namespace, "orders", labels={ALIAS_LABEL: earlier})
        running = await eventually(lambda: running_job(api, namespace, "orders"))
        job = running["status"]["jobStatus"]
        assert job["jobId"] != earlier
        assert job["upgradeSavepointPath"] == f"s3://checkpoints/{earlier}/chk-1"
        manager = await api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/orders")
        assert manager["metadata"]["annotations"][RESUMED_FROM] == earlier

    async def test_held_object_is_left_alone_until_released(
        self, world: World, flink: FlinkOperator, namespace: str
    ) -> None:
        """An object created on hold never gets a job, while its neighbour does."""
        api = world.api("north")
        await create_flink(api, namespace, "held", annotations={"devstack/hold": "true"})
        await create_flink(api, namespace, "free")
        await eventually(lambda: running_job(api, namespace, "free"))
        assert not await running_job(api, namespace, "held")
        await flink.release("north", namespace, "held")
        assert await eventually(lambda: running_job(api, namespace, "held"))

    async def test_job_goes_with_its_object_and_a_new_object_gets_a_new_job(
        self, world: World, flink: FlinkOperator, namespace: str
    ) -> None:
        """Deleted and created again at once, the application has another job id."""
        del flink
        api = world.api("north")
        await create_flink(api, namespace, "orders")
        first = await eventually(lambda: running_job(api, namespace, "orders"))
        await api.delete(flink_path(namespace, "orders"))
        await create_flink(api, namespace, "orders")
        second = await eventually(lambda: running_job(api, namespace, "orders"))
        assert second["status"]["jobStatus"]["jobId"] != first["status"]["jobStatus"]["jobId"]
        manager = await api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/orders")
        assert manager["metadata"]["ownerReferences"][0]["uid"] == second["metadata"]["uid"]


class TestDisturbances:
    """What a test can do to a world of its own."""

    async def test_parts_are_killed_frozen_and_restarted_and_keep_their_data(
        self, fresh_world: FreshWorld
    ) -> None:
        """An API server, etcd and Temporal come back on their data and under their addresses."""
        world = await fresh_world(clusters=("east",))
        api = world.api("east")
        await api.create(CONFIG_MAPS, config_map("kept", by="etcd"))
        client = await Client.connect(world.temporal_address)
        await client.start_workflow("Nobody", id="kept", task_queue="nobody")

        await world.part("east/apiserver").kill()
        assert not world.part("east/apiserver").running
        with pytest.raises(aiohttp.ClientError):
            await api.get(f"{CONFIG_MAPS}/kept")
        for name in ("etcd", "east/apiserver", "temporal"):
            await world.part(name).restart()
        assert (await api.get(f"{CONFIG_MAPS}/kept"))["data"] == {"by": "etcd"}
        assert await client.get_workflow_handle("kept").describe()

    async def test_frozen_part_holds_its_connections_and_goes_on_when_thawed(
        self, fresh_world: FreshWorld
    ) -> None:
        """A frozen API server accepts a request and answers it only after it was thawed."""
        world = await fresh_world(clusters=("east",))
        part = world.part("east/apiserver")
        await part.freeze()
        assert part.running
        request = asyncio.create_task(world.api("east").get("/api/v1/namespaces/default"))
        done, _ = await asyncio.wait({request}, timeout=0.3)
        assert not done
        await part.thaw()
        assert (await request)["metadata"]["name"] == "default"

    async def test_destroyed_cluster_can_be_made_anew_and_is_another_one(
        self, fresh_world: FreshWorld
    ) -> None:
        """What a destroyed cluster held is lost; in its place stands one with another identity."""
        world = await fresh_world(clusters=("east", "west"))
        before = await identity(world.api("east"))
        neighbour = await identity(world.api("west"))
        await world.api("east").create(CONFIG_MAPS, config_map("lost"))
        await world.destroy("east")
        await world.recreate("east")
        assert await identity(world.api("east")) != before
        assert await gone(world.api("east"), f"{CONFIG_MAPS}/lost")
        assert await identity(world.api("west")) == neighbour

    async def test_data_directory_is_used_again(self, tmp_path: Path) -> None:
        """A world that ended goes on where it stood, under the same addresses."""
        async with World(tmp_path, clusters=("east",), durable=False) as world:
            await world.api("east").create(CONFIG_MAPS, config_map("kept"))
            before = (world.temporal_address, world.kubeconfig.read_text().count("server:"))
            uid = await identity(world.api("east"))
        async with World(tmp_path, clusters=("east",), durable=False) as world:
            assert await world.api("east").get(f"{CONFIG_MAPS}/kept")
            after = (world.temporal_address, world.kubeconfig.read_text().count("server:"))
            assert after == before
            assert await identity(world.api("east")) == uid
            with pytest.raises(DirectoryInUse, match=str(tmp_path)):
                await World(tmp_path, clusters=("east",)).__aenter__()

    async def test_part_that_dies_alone_is_noticed(self, fresh_world: FreshWorld) -> None:
        """Whoever keeps a world up hears of a part that ended without being asked to."""
        world = await fresh_world(clusters=("east",))
        waiting = asyncio.create_task(world.wait_failed())
        await world.part("east/controller-manager").restart()
        assert not waiting.done()
        pid = world.part("etcd").pid
        assert pid is not None
        psutil.Process(pid).kill()
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert (await waiting).name == "etcd"

    async def test_program_of_the_tests_own_runs_in_the_world(
        self, fresh_world: FreshWorld
    ) -> None:
        """Anything can be run beside the servers; one that fails says so with its last words."""
        world = await fresh_world(clusters=("east",))
        part = await world.run("sleeper", Command((sys.executable, "-c", "input()", "forever")))
        assert part.name == "sleeper"
        failing = Command((sys.executable, "-c", "raise SystemExit('no tea')"), ready=never)
        with pytest.raises(PartFailed, match="no tea"):
            await world.run("failing", failing)

    async def test_pods_become_ready_on_simulated_nodes(self, fresh_world: FreshWorld) -> None:
        """With nodes and controllers a Deployment of two replicas becomes available by itself."""
        world = await fresh_world(clusters=("east",), controllers=WORKLOAD_CONTROLLERS, nodes=2)
        api, labels = world.api("east"), {"app": "web"}
        container = {"name": "web", "image": "web"}
        await world.install(
            "east",
            [
                {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "metadata": {"name": "web", "namespace": "default"},
                    "spec": {
                        "replicas": 2,
                        "selector": {"matchLabels": labels},
                        "template": {
                            "metadata": {"labels": labels},
                            "spec": {"containers": [container]},
                        },
                    },
                }
            ],
        )

        async def available() -> bool:
            found = await api.get("/apis/apps/v1/namespaces/default/deployments/web")
            return bool(found.get("status", {}).get("availableReplicas") == 2)

        await eventually(available)

    async def test_kind_that_is_new_is_collected_at_once(self, fresh_world: FreshWorld) -> None:
        """The garbage collector knows a kind that was installed a moment ago."""
        world = await fresh_world(clusters=("east",))
        api = world.api("east")
        await world.install("east", [kind("gadgets", "Gadget")])
        path = "/apis/example.dev/v1/namespaces/default/gadgets"
        gadget = {"apiVersion": "example.dev/v1", "kind": "Gadget", "metadata": {"name": "one"}}
        owner = await api.create(path, gadget)
        owned = config_map("owned")
        owned["metadata"]["ownerReferences"] = [
            {
                "apiVersion": "example.dev/v1",
                "kind": "Gadget",
                "name": "one",
                "uid": owner["metadata"]["uid"],
            }
        ]
        await api.create(CONFIG_MAPS, owned)
        await api.delete(f"{path}/one")
        async with asyncio.timeout(15):
            await eventually(lambda: gone(api, f"{CONFIG_MAPS}/owned"))

    async def test_world_without_clusters_is_temporal_alone(self, fresh_world: FreshWorld) -> None:
        """Whoever has clusters of their own needs nothing else."""
        world = await fresh_world(clusters=())
        assert list(world.parts) == ["temporal"]
        assert await Client.connect(world.temporal_address)


class TestServing:
    """Keeping a world up for a person."""

    async def test_serving_ends_when_a_part_dies_and_says_which(self, tmp_path: Path) -> None:
        """A world that is no longer whole is not kept up in silence."""

        async def kill_temporal(world: World) -> None:
            psutil.Process(world.part("temporal").pid).kill()

        with pytest.raises(PartFailed, match="temporal ended with code -9"):
            await serve(World(tmp_path, clusters=()), kill_temporal)

    async def test_serving_ends_in_peace_when_asked_to_stop(self, tmp_path: Path) -> None:
        """SIGTERM ends the world and is no error."""
        world = World(tmp_path, clusters=())

        async def ask_to_stop(_: World) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

        await serve(world, ask_to_stop)
        assert not world.part("temporal").running


class TestPorts:
    """Ports that a person asks for."""

    async def test_port_in_use_is_one_clear_error(self, tmp_path: Path) -> None:
        """The message names the port and the flag that changes it, and nothing was started."""
        with socket.create_server((LOOPBACK, 0)) as server:
            port = server.getsockname()[1]
            world = World(tmp_path, clusters=("east",), temporal_port=port)
            with pytest.raises(PortInUse, match=rf"Port {port} .*--temporal-port"):
                await world.__aenter__()
        assert not (tmp_path / "logs").exists()


class TestNothingStays:
    """Whatever happens to the process that started a world, the world ends with it."""

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
    async def test_world_ends_with_its_parent(self, tmp_path: Path, number: signal.Signals) -> None:
        """Every process is gone and every port is free, a frozen part's too."""
        async with another_process(tmp_path) as (process, world):
            psutil.Process(world["pids"]["etcd"]).suspend()
            process.send_signal(number)
            await process.wait()
        async with asyncio.timeout(DEADLINE_SECONDS):
            while any(psutil.pid_exists(pid) for pid in world["pids"].values()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert all(is_free(port) for port in world["ports"].values())

    async def test_part_waits_for_the_watchdog_before_it_does_anything(
        self, tmp_path: Path
    ) -> None:
        """Killed in the middle of starting, the parent leaves nothing behind either."""
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, str(tmp_path))

        async def something_started() -> bool:
            return any(tmp_path.glob("logs/*"))  # noqa: ASYNC240 - a look at one small folder

        await eventually(something_started)
        process.kill()
        await process.wait()

        async def nobody_is_left() -> bool:
            return not processes_in(tmp_path)

        await eventually(nobody_is_left)


PARENT = """
import asyncio, json, sys
from pathlib import Path
from devstack.programs import WORKLOAD_CONTROLLERS
from devstack.up import serve
from devstack.world import World

async def main():
    async with World(Path(sys.argv[1]), clusters=("east",), durable=False) as world:
        state = json.loads((world.data_directory / "world.json").read_text())
        pids = {name: part.pid for name, part in world.parts.items()}
        print(json.dumps({"ports": state["ports"], "pids": pids}), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def another_process(
    directory: Path,
) -> AsyncGenerator[tuple[asyncio.subprocess.Process, dict[str, dict[str, int]]], None]:
    """A world with a parent that can be killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(directory), stdout=asyncio.subprocess.PIPE, stderr=-3
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            world = json.loads(await process.stdout.readline())
        yield process, world
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def processes_in(directory: Path) -> list[int]:
    """Whatever runs with this data directory on its command line."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(str(directory) in word for word in process.info["cmdline"] or ())
    ]


def kind(plural: str, name: str) -> Manifest:
    """A custom kind that takes anything."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": anything},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.dev"},
        "spec": {
            "group": "example.dev",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": name},
            "versions": [version],
        },
    }


def reader(namespace: str, *, group: str) -> list[Manifest]:
    """The right to read config maps, for a group."""
    rbac, metadata = "rbac.authorization.k8s.io", {"name": "reader", "namespace": namespace}
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}
    return [
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": metadata, "rules": [rule]},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "reader"},
            "subjects": [{"apiGroup": rbac, "kind": "Group", "name": group}],
        },
    ]


async def may_list(api: Api, path: str) -> bool:
    """Whether the user may list; RBAC takes a moment to be known."""
    with contextlib.suppress(ApiError):
        await api.list(path)
        return True
    return False


async def counted(client: Client, workflow_id: str) -> int:
    """How many runs the list has under this id; those of other tests are in it too."""
    return (await client.count_workflows(f"WorkflowId = '{workflow_id}'")).count


async def gone(api: Api, path: str) -> bool:
    """Whether there is no such object."""
    return await api.find(path) is None


async def never() -> bool:
    """For a program that is never ready."""
    return False


async def identity(api: Api) -> str:
    """The cluster's own identity."""
    return str((await api.get("/api/v1/namespaces/kube-system"))["metadata"]["uid"])


def flink_path(namespace: str, name: str) -> str:
    """Where a FlinkDeployment lies."""
    return f"/apis/flink.apache.org/v1beta1/namespaces/{namespace}/flinkdeployments/{name}"


async def create_flink(
    api: Api,
    namespace: str,
    name: str,
    *,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
) -> Manifest:
    """Create a small FlinkDeployment."""
    manifest = {
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": name, "labels": labels or {}, "annotations": annotations or {}},
        "spec": {"image": "flink:1.20", "flinkVersion": "v1_20", "job": {"parallelism": 1}},
    }
    return await api.create(flink_path(namespace, "").rstrip("/"), manifest)


async def running_job(api: Api, namespace: str, name: str) -> Manifest | None:
    """The FlinkDeployment, once it says that its job runs."""
    manifest = await api.get(flink_path(namespace, name))
    state = manifest.get("status", {}).get("jobStatus", {}).get("state")
    return manifest if state == "RUNNING" else None
