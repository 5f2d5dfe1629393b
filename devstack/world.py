"""A whole world on one machine: Temporal, and any number of Kubernetes clusters.

    async with World(Path("data"), clusters=("east", "west")) as world:
        world.temporal_address, world.kubeconfig, world.fleet_file
        await world.part("east/apiserver").kill()

Parts are named `temporal`, `etcd` (one for all clusters), `<cluster>/apiserver`,
`<cluster>/controller-manager`, and with nodes `<cluster>/scheduler` and `<cluster>/kwok`.
Without clusters there is Temporal alone.
Everything lies in one data directory; a world started again on it goes on where it stood.
Every cluster serves the kinds of `kinds/` (FlinkDeployment, SparkApplication) from the start.
Whatever ends this process ends the world too (see `processes`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import yaml

from devstack import programs
from devstack.api import Api, Manifest
from devstack.binaries import Toolset, provide
from devstack.certificates import LIFETIME, Authority, KeyPair
from devstack.directory import DataDirectory, write_private
from devstack.errors import DevstackError
from devstack.kubeconfig import Cluster, kubeconfig, tls_context
from devstack.manifests import KINDS, install, read_manifests
from devstack.ports import LOOPBACK
from devstack.processes import Command, Part, Supervisor
from devstack.products import KUBE, KWOK, TEMPORAL

FLEET = "devstack"
ADMIN = "admin"
ADMIN_GROUP = "system:masters"
CLUSTERS = ("east", "west", "north")


@dataclass(frozen=True)
class Shape:
    """What a world is made of. Ports that are not given are chosen, and kept for the next time."""

    clusters: Sequence[str] = CLUSTERS
    controllers: Sequence[str] = programs.CONTROLLERS
    nodes: int = 0
    ui: bool = True
    temporal_port: int | None = None
    ui_port: int | None = None
    durable: bool = True


class World:
    """Starts with `async with`, and is gone after it."""

    def __init__(  # noqa: PLR0913 - each is one independent wish, by keyword
        self,
        data_directory: Path,
        *,
        clusters: Sequence[str] = CLUSTERS,
        controllers: Sequence[str] = programs.CONTROLLERS,
        nodes: int = 0,
        ui: bool = True,
        temporal_port: int | None = None,
        ui_port: int | None = None,
        durable: bool = True,
    ) -> None:
        """Describe the world.

        `nodes` simulated nodes per cluster bring a scheduler and kwok with them. `durable=False`
        spares etcd the wait for the disk: it survives the death of any process, not of the machine.
        """
        self._shape = Shape(clusters, controllers, nodes, ui, temporal_port, ui_port, durable)
        self._directory = DataDirectory(data_directory)
        self._supervisor = Supervisor(self._directory.logs)
        self._apis: dict[str, Api] = {}
        self._tools: Toolset = {}

    @property
    def clusters(self) -> tuple[str, ...]:
        """The names of the clusters, which are their contexts' names too."""
        return tuple(self._shape.clusters)

    @property
    def data_directory(self) -> Path:
        """Where everything of this world lies."""
        return self._directory.root

    @property
    def temporal_address(self) -> str:
        """`host:port` of Temporal's frontend."""
        return f"{LOOPBACK}:{self._temporal.grpc}"

    @property
    def temporal_ui_url(self) -> str:
        """The address of Temporal's Web UI; empty without one."""
        return f"http://{LOOPBACK}:{self._temporal.ui}" if self._temporal.ui else ""

    @property
    def kubeconfig(self) -> Path:
        """One context per cluster, with all rights."""
        return self.data_directory / "kubeconfig"

    @property
    def fleet_file(self) -> Path:
        """The clusters as the engine wants to be told of them."""
        return self.data_directory / "fleet.yaml"

    def part(self, name: str) -> Part:
        """One program of the world, to kill, freeze, thaw, restart or wait for."""
        try:
            return self._supervisor.parts[name]
        except KeyError:
            known = ", ".join(sorted(self._supervisor.parts))
            raise KeyError(f"no part {name}; there are {known}") from None

    @property
    def parts(self) -> Mapping[str, Part]:
        """All programs of the world, by name."""
        return self._supervisor.parts

    async def run(self, name: str, command: Command) -> Part:
        """Start one more program in this world (a worker, say), and wait until it is ready."""
        part = self._supervisor.add(name, command)
        await part.start()
        await part.wait_ready()
        return part

    async def wait_failed(self) -> Part:
        """Return the first part that dies without being asked to."""
        return await self._supervisor.wait_failed()

    def api(self, cluster: str) -> Api:
        """A client with all rights on one cluster, which shares nothing with the engine."""
        return self._apis[cluster]

    async def install(self, cluster: str, manifests: Iterable[Manifest]) -> None:
        """Create or replace objects; returns once every custom kind among them is served."""
        new_kinds = await install(self.api(cluster), manifests)
        followers = self.parts.get(f"{cluster}/controller-manager")
        if new_kinds and followers is not None and followers.running:
            # The garbage collector looks for new kinds twice a minute only, and at its start.
            await followers.restart()

    async def install_everywhere(self, manifests: Iterable[Manifest]) -> None:
        """Create or replace objects on all clusters, side by side."""
        wanted = list(manifests)
        await asyncio.gather(*(self.install(cluster, wanted) for cluster in self.clusters))

    def credentials(
        self, user: str, groups: Sequence[str] = (), *, lifetime: timedelta = LIFETIME
    ) -> KeyPair:
        """A client certificate: the user has the rights that RBAC gives on each cluster."""
        return self._authority.user(user, groups, lifetime=lifetime)

    def write_kubeconfig(
        self,
        path: Path,
        *,
        user: str = ADMIN,
        groups: Sequence[str] = (),
        clusters: Sequence[str] | None = None,
        lifetime: timedelta = LIFETIME,
    ) -> Path:
        """A kubeconfig of one user with a context per cluster."""
        pair = self.credentials(user, groups, lifetime=lifetime)
        chosen = [self._cluster(name) for name in clusters or self.clusters]
        return write_private(path, kubeconfig(chosen, user, pair, self._authority.certificate))

    def client(
        self, cluster: str, user: str, groups: Sequence[str] = (), *, lifetime: timedelta = LIFETIME
    ) -> Api:
        """A client with one user's rights; the caller closes it."""
        pair = self.credentials(user, groups, lifetime=lifetime)
        return Api(self._cluster(cluster).server, tls_context(self._authority.certificate, pair))

    async def destroy(self, cluster: str) -> None:
        """Lose a cluster for good: its API server is gone, and so is all that it held."""
        for name, part in self.parts.items():
            if name.startswith(f"{cluster}/"):
                await part.kill()
        self._directory.next_generation(cluster)

    async def recreate(self, cluster: str) -> None:
        """Put a new, empty cluster where the old one was: same address, another identity."""
        await self.destroy(cluster)
        await self._start_cluster(cluster)

    async def __aenter__(self) -> Self:
        """Start everything, side by side where possible; returns when all of it answers."""
        self._tools = await asyncio.to_thread(self._provide)
        await asyncio.to_thread(self._directory.lock)
        try:
            self._prepare()
            await self._start()
        except BaseExceptionGroup as failures:
            await self._end()
            raise _first(failures) from failures
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Stop everything; what holds data gets a moment to put it away."""
        await self._end()

    def _provide(self) -> Toolset:
        kube = (KUBE,) if self.clusters else ()
        return provide((TEMPORAL, *kube, *((KWOK,) if kube and self._shape.nodes else ())))

    def _prepare(self) -> None:
        """Ports, certificates and files, before anything runs."""
        directory = self._directory
        self._supervisor.hold(directory.held)
        self._authority = Authority(directory.pki)
        self._authority.server()
        self._authority.service_accounts()
        self._temporal = self._temporal_ports()
        self._etcd = programs.EtcdPorts(directory.port("etcd"), directory.port("etcd-peer"))
        for name in self.clusters:
            self._apis[name] = self.client(name, ADMIN, (ADMIN_GROUP,))
        self.write_kubeconfig(self.kubeconfig, groups=(ADMIN_GROUP,))
        fleet = {"name": FLEET, "clusters": [{"name": n, "region": n} for n in self.clusters]}
        directory.write("fleet.yaml", yaml.safe_dump(fleet, sort_keys=False))

    def _temporal_ports(self) -> programs.TemporalPorts:
        directory, shape = self._directory, self._shape
        return programs.TemporalPorts(
            grpc=directory.port("temporal", shape.temporal_port, "--temporal-port"),
            http=directory.port("temporal-http"),
            metrics=directory.port("temporal-metrics"),
            ui=directory.port("ui", shape.ui_port, "--ui-port") if shape.ui else None,
        )

    async def _start(self) -> None:
        root, shape = self.data_directory, self._shape
        async with asyncio.TaskGroup() as group:
            group.create_task(
                self.run(
                    "temporal", programs.temporal(self._tools, self._temporal, root / "temporal.db")
                )
            )
            if self.clusters:
                etcd = programs.etcd(self._tools, self._etcd, root / "etcd", durable=shape.durable)
                group.create_task(self.run("etcd", etcd))
            for cluster in self.clusters:
                group.create_task(self._start_cluster(cluster))

    async def _start_cluster(self, cluster: str) -> None:
        """The API server first, then the kinds, which the garbage collector learns at its start."""
        await self.run(f"{cluster}/apiserver", self._api_server(cluster))
        await self.install(cluster, read_manifests(KINDS))
        own = self._own_kubeconfig(cluster)
        pki, tools, port = self._directory.pki, self._tools, self._directory.port
        followers = {
            "controller-manager": programs.controller_manager(
                tools, port(f"{cluster}/controller-manager"), self._shape.controllers, own, pki
            )
        }
        if self._shape.nodes:
            followers["scheduler"] = programs.scheduler(
                tools, port(f"{cluster}/scheduler"), own, pki
            )
            followers["kwok"] = programs.kwok(tools, port(f"{cluster}/kwok"), own)
            await self.install(cluster, nodes(self._shape.nodes))
        await asyncio.gather(*(self.run(f"{cluster}/{n}", c) for n, c in followers.items()))

    def _api_server(self, cluster: str) -> Command:
        prefix = f"/{cluster}-{self._directory.generation(cluster)}"
        storage = programs.Storage(self._etcd.client, prefix)
        port = self._directory.port(f"{cluster}/apiserver")
        pki, api = self._directory.pki, self._apis[cluster]
        return programs.api_server(self._tools, port, storage, pki, api)

    def _own_kubeconfig(self, cluster: str) -> Path:
        return self.write_kubeconfig(
            self._directory.pki / f"{cluster}.kubeconfig",
            groups=(ADMIN_GROUP,),
            clusters=(cluster,),
        )

    def _cluster(self, name: str) -> Cluster:
        if name not in self.clusters:
            raise KeyError(f"no cluster {name}; there are {', '.join(self.clusters)}")
        return Cluster(name, f"https://{LOOPBACK}:{self._directory.port(f'{name}/apiserver')}")

    async def _end(self) -> None:
        for api in self._apis.values():
            await api.close()
        await self._supervisor.stop()
        self._directory.unlock()


def _first(error: BaseException) -> BaseException:
    """Of the parts that failed side by side, the one to tell a person about."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    group = cast("BaseExceptionGroup[BaseException]", error)
    return _first((group.subgroup(DevstackError) or group).exceptions[0])


def nodes(count: int) -> list[Manifest]:
    """Nodes for kwok to play."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": f"node-{number}",
                "annotations": {"kwok.x-k8s.io/node": "fake"},
                "labels": {"kubernetes.io/hostname": f"node-{number}", "type": "kwok"},
            },
        }
        for number in range(count)
    ]
